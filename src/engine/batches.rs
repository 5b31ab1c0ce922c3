//! How far steps run ahead of what the host has decided, and how many go in one submit.
//!
//! Two submits are under way at a time: while the host waits for one, the device computes the other. One token in each is
//! enough where a submit's end is known soon. Where the device tells it late whatever it does (Firefox looks every 100 ms),
//! so many tokens go in one submit as the device computes meanwhile.

use super::Clock;
use crate::error::Result;
use crate::model::decoder::Decoder;
use crate::ops::Ops;

/// How far steps may run ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// As is measured to be of use.
    #[default]
    Measured,
    /// So many tokens in each submit; 0: no step begins before the host has decided.
    Tokens(usize),
}

/// Guesses of the device that the host has checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guesses {
    /// What the host chose, too.
    pub right: u64,
    /// Where it chose something else.
    pub wrong: u64,
}

/// Completions sooner than this need no batches, in milliseconds.
const QUICK_MS: f64 = 8.0;
/// How often a device is reminded that tells late that it is done, in milliseconds, and the share of the time that it must
/// take then for that to be worth its while.
const KICK_MS: u32 = 2;
const WORTH: f64 = 0.7;
/// Most work in one submit, in milliseconds: it cannot be called back.
const MOST_MS: f64 = 150.0;
/// Most tokens in one submit.
pub(super) const MOST_TOKENS: usize = 16;
/// A submit that takes so many times what an empty one does keeps the device busy.
const BUSY: f64 = 1.3;
/// Right guesses in a row that make good a wrong one, and most that are asked for.
const DOUBT: u32 = 4;
const MOST_DOUBT: u32 = 64;

/// What was measured, and what follows from it.
#[derive(Debug, Default)]
pub(super) struct Batches {
    pub depth: Depth,
    pub guesses: Guesses,
    /// Milliseconds until an idle device says that it is.
    latency: Option<f64>,
    batch: usize,
    /// Not exceeded for the rest of a request.
    ceiling: usize,
    /// Right guesses to wait for.
    doubt: u32,
    /// When the submit before the last one was done.
    begun: Option<f64>,
    /// Tokens since.
    landed: usize,
}

impl Batches {
    /// For another request.
    pub fn restart(&mut self) {
        (self.ceiling, self.doubt) = (MOST_TOKENS, 0);
        self.interrupt();
    }

    fn interrupt(&mut self) {
        (self.begun, self.landed) = (None, 0);
    }

    /// It is still to be measured how soon an idle device says that it is.
    pub fn wants_latency(&self) -> bool {
        self.depth == Depth::Measured && self.latency.is_none()
    }

    /// Measures it, and whether the device is quicker when it is reminded.
    pub async fn measure<O: Ops>(&mut self, decoder: &mut Decoder<O>, clock: Clock) -> Result<()> {
        decoder.settle().await?;
        let idle = quickest(clock, QUICK_MS, async || decoder.settle().await).await?;
        self.latency(idle);
        if self.slow() {
            decoder.kick(Some(KICK_MS));
            let kicked = quickest(clock, WORTH * idle, async || decoder.settle().await).await?;
            match kicked < WORTH * idle {
                true => self.latency(kicked),
                false => decoder.kick(None),
            }
        }
        Ok(())
    }

    /// It takes so long.
    pub fn latency(&mut self, ms: f64) {
        (self.latency, self.batch) = (Some(ms), 1);
        self.restart();
    }

    /// An idle device is slow to say so.
    pub fn slow(&self) -> bool {
        self.latency.is_some_and(|ms| ms > QUICK_MS)
    }

    /// Tokens in each submit; 0: no step begins before the host has decided.
    pub fn batch(&self) -> usize {
        match (self.depth, self.latency) {
            _ if self.doubt > 0 => 0,
            (Depth::Tokens(n), _) => n.min(MOST_TOKENS),
            (Depth::Measured, None) => 0,
            (Depth::Measured, Some(_)) => self.batch.clamp(1, self.ceiling.max(1)),
        }
    }

    /// A token was decided at `now`, and the device had guessed it, or not; `lost`: with steps behind it. Where it often
    /// guesses wrong it is not worth its while.
    pub fn landed(&mut self, right: bool, lost: bool, now: f64) {
        match right {
            true => self.guesses.right += 1,
            false => self.guesses.wrong += 1,
        }
        self.doubt = match (right, lost) {
            (true, _) => self.doubt.saturating_sub(1),
            (false, true) => DOUBT,
            (false, false) => (self.doubt + DOUBT).min(MOST_DOUBT),
        };
        if self.doubt > 0 || !right {
            return self.interrupt();
        }
        self.landed += 1;
        let Some(begun) = self.begun else {
            return (self.begun, self.landed) = (Some(now), 0);
        };
        if self.landed >= self.batch() {
            self.adapt(now - begun);
            (self.begun, self.landed) = (Some(now), 0);
        }
    }

    /// A submit of [`Batches::batch`] tokens was done `ms` after the one before.
    fn adapt(&mut self, ms: f64) {
        let (Depth::Measured, Some(latency), true) = (self.depth, self.latency, self.slow()) else {
            return;
        };
        let batch = self.batch();
        if ms <= BUSY * latency {
            self.batch = (2 * batch).min(self.ceiling);
            return;
        }
        let each = ms / batch as f64;
        let wanted = (latency / each).ceil().min(MOST_MS / each) as usize;
        self.batch = wanted.clamp(1, MOST_TOKENS);
        if self.batch < batch {
            self.ceiling = self.batch;
        }
    }
}

/// Milliseconds that `settle` takes: below `enough`, or the less of two. A machine that has other things to do is slow once,
/// a device that tells late is so each time.
async fn quickest(clock: Clock, enough: f64, mut settle: impl AsyncFnMut() -> Result<()>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..2 {
        let begun = clock();
        settle().await?;
        least = least.min(clock() - begun);
        if least < enough {
            break;
        }
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local!(static NOW: Cell<f64> = const { Cell::new(0.0) });

    /// What is measured where settling takes these milliseconds, one time after the other, and how often it was tried.
    fn measured(enough: f64, takes: [f64; 2]) -> (f64, usize) {
        let mut tries = 0;
        let settle = async || {
            NOW.set(NOW.get() + takes[tries]);
            tries += 1;
            Ok(())
        };
        let least = pollster::block_on(quickest(now_ms, enough, settle)).expect("nothing fails");
        (least, tries)
    }
    fn now_ms() -> f64 {
        NOW.get()
    }

    #[test]
    fn one_hiccup_makes_no_device_slow() {
        assert_eq!(measured(QUICK_MS, [0.5, 90.0]), (0.5, 1));
        assert_eq!(measured(QUICK_MS, [90.0, 0.5]), (0.5, 2));
        assert_eq!(measured(QUICK_MS, [100.0, 101.0]), (100.0, 2), "it is slow each time");
    }

    /// Tokens in a submit after 64 submits, on a device that needs `each` for a token and says after `latency`, or at the
    /// next multiple of it, that it is done.
    fn settles(latency: f64, each: f64) -> usize {
        let mut batches = Batches::default();
        assert_eq!(batches.batch(), 0, "nothing runs ahead before anything is known");
        batches.latency(latency);
        let mut now = 0.0;
        for _ in 0..64 {
            let work = batches.batch() as f64 * each;
            assert!(
                batches.batch() == 1 || work <= MOST_MS + 1e-9 || work <= 2.0 * latency,
                "{work} ms"
            );
            now += if latency > QUICK_MS {
                (work / latency).ceil() * latency
            } else {
                work
            };
            for _ in 0..batches.batch() {
                batches.landed(true, false, now);
            }
        }
        batches.batch()
    }

    #[test]
    fn batches_grow_where_completion_is_slow() {
        assert_eq!(settles(0.4, 10.0), 1, "a browser that tells at once");
        assert_eq!(settles(0.4, 0.5), 1);
        assert_eq!(settles(100.0, 200.0), 1, "the device is slower than the browser");
        let tokens = settles(100.0, 12.0);
        assert!((4..=8).contains(&tokens), "{tokens}");
        assert_eq!(settles(100.0, 1.0), MOST_TOKENS);
    }

    #[test]
    fn wrong_guesses_hold_the_chain() {
        let mut batches = Batches::default();
        batches.latency(1.0);
        batches.landed(false, true, 0.0);
        assert_eq!(batches.batch(), 0);
        for _ in 0..DOUBT {
            assert_eq!(batches.batch(), 0);
            batches.landed(true, false, 0.0);
        }
        assert_eq!(batches.batch(), 1);
        for _ in 0..100 {
            batches.landed(false, false, 0.0);
        }
        assert!(batches.doubt <= MOST_DOUBT);
        batches.restart();
        assert_eq!(batches.batch(), 1, "another request is another chance");
        assert_eq!((batches.guesses.right, batches.guesses.wrong), (4, 101));
    }
}
