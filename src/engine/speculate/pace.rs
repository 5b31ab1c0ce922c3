//! How many tokens to propose: as many as were measured to pay, none where none do.
//!
//! A round of `k` proposals costs one step of `k + 1` tokens and what the proposals took to make, and gives
//! `1 + a + a^2 + .. + a^k` tokens, where `a` is the chance that one more is accepted (Leviathan et al. 2023, arXiv
//! 2211.17192, equation 1). Both sides are measured as the answers go: milliseconds by length, chances by how far a
//! proposal can be trusted. The length with the most tokens per millisecond is taken. It changes how fast a text comes, never
//! which: see the module above.
//!
//! What does not pay is tried again after 16 tokens, then 32, and so on, and a measurement that is not renewed is forgotten.

/// Lengths that are told apart: few, since a GPU compiles for each, and one less than a power of two, since a step of
/// that many tokens is.
const LENGTHS: [usize; 4] = [0, 1, 3, 7];
/// A round must be faster by this factor than single tokens.
const MARGIN: f64 = 1.05;
/// Weight of the latest measurement.
const WEIGHT: f64 = 0.2;
/// A measurement counts as at most so many times what was expected: a tab that slept is no news.
const SURPRISE: f64 = 2.0;
/// Passed over so often, a measurement is forgotten.
const FORGOTTEN: u32 = 512;
/// Tokens until what does not pay is tried again: the first time, and at most.
const RETRY: u32 = 16;
const LAST_RETRY: u32 = 1024;

/// How far a proposal can be trusted before anything is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A match of two tokens.
    Low,
    /// A longer match.
    Fair,
    /// A match of many tokens.
    High,
}

/// What one round came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Tokens proposed.
    pub proposed: usize,
    /// How far they were trusted.
    pub trust: Trust,
    /// Of these, what the model said, too.
    pub accepted: usize,
    /// Milliseconds of the whole round.
    pub ms: f64,
}

/// Milliseconds of one kind of round.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    /// `None`: not known yet, or no more.
    ms: Option<f64>,
    /// The first round of a kind may have compiled something.
    warm: bool,
    passed_over: u32,
}

impl Cost {
    fn observe(&mut self, ms: f64) {
        self.passed_over = 0;
        self.ms = match self.ms {
            None if !self.warm => None,
            None => Some(ms),
            Some(known) => Some(known + WEIGHT * (ms.min(known * SURPRISE) - known)),
        };
        self.warm = true;
    }

    fn pass_over(&mut self) {
        self.passed_over += 1;
        if self.passed_over >= FORGOTTEN {
            self.ms = None;
            self.passed_over = 0;
        }
    }
}

/// See the module's documentation. The same measurements give the same lengths.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Always so many.
    fixed: Option<usize>,
    /// By index of [`LENGTHS`].
    costs: [Cost; LENGTHS.len()],
    /// Of one more accepted token, by [`Trust`].
    chances: [f64; 3],
    /// Tokens until the next trial.
    wait: u32,
    patience: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            fixed: None,
            costs: Default::default(),
            chances: [0.2, 0.4, 0.6],
            wait: RETRY,
            patience: RETRY,
        }
    }
}

impl Pace {
    /// Always `length` proposals, whatever they cost: for tests and measurements.
    pub fn fixed(length: usize) -> Self {
        Self {
            fixed: Some(length),
            ..Self::default()
        }
    }

    /// How many to propose, where there are `most` of this trust.
    pub fn length(&mut self, most: usize, trust: Trust) -> usize {
        if let Some(length) = self.fixed {
            return length.min(most);
        }
        // A clock that stands still has measured nothing.
        let Some(single) = self.costs[0].ms.filter(|&ms| ms > 0.0) else {
            return 0;
        };
        let (best, _) = self.best(most, self.chances[trust as usize], single);
        for (i, cost) in self.costs.iter_mut().enumerate().skip(1) {
            if i != best && LENGTHS[i] <= most {
                cost.pass_over();
            }
        }
        if best > 0 {
            self.patience = RETRY;
            return LENGTHS[best];
        }
        if self.wait > 0 || most == 0 {
            return 0;
        }
        self.wait = self.patience;
        self.patience = (self.patience * 2).min(LAST_RETRY);
        LENGTHS[1]
    }

    /// The index of the best length with its tokens per millisecond; 0 unless another is better by the margin. A length that
    /// was never measured is taken to cost what the one below it costs: it is tried as soon as those below it are known.
    fn best(&self, most: usize, chance: f64, single: f64) -> (usize, f64) {
        let mut best = (0, MARGIN / single);
        let mut ms = single;
        for (i, &length) in LENGTHS.iter().enumerate().skip(1) {
            if length > most {
                break;
            }
            let known = self.costs[i].ms;
            ms = known.unwrap_or(ms);
            let rate = expected(chance, length) / ms;
            if rate > best.1 {
                best = (i, rate);
            }
            if known.is_none() {
                break;
            }
        }
        best
    }

    /// A token came without proposals.
    pub fn single(&mut self, ms: f64) {
        self.costs[0].observe(ms);
        self.wait = self.wait.saturating_sub(1);
    }

    /// A round has ended.
    pub fn round(&mut self, outcome: Outcome) {
        let Outcome {
            proposed,
            trust,
            accepted,
            ms,
        } = outcome;
        if let Some(i) = LENGTHS.iter().position(|&length| length == proposed) {
            self.costs[i].observe(ms);
        }
        let chance = &mut self.chances[trust as usize];
        for _ in 0..accepted {
            *chance += WEIGHT * (1.0 - *chance);
        }
        if accepted < proposed {
            *chance -= WEIGHT * *chance;
            return;
        }
        // All was right: worth asking again soon, where right proposals pay.
        if let Some(single) = self.costs[0].ms
            && self.best(usize::MAX, 1.0, single).0 > 0
        {
            (self.wait, self.patience) = (0, RETRY);
        }
    }
}

/// Tokens that a round gives.
fn expected(chance: f64, length: usize) -> f64 {
    let mut tokens = 1.0;
    for _ in 0..length {
        tokens = 1.0 + chance * tokens;
    }
    tokens
}
#[cfg(test)]
mod tests {
    use super::*;

    /// A machine and a text: how long rounds take, and how likely a proposal is right.
    struct World {
        single: f64,
        round: fn(usize) -> f64,
        chance: f64,
        seed: u64,
    }

    /// Tokens and milliseconds with and without a pace that begins as `pace`, over so many tokens.
    fn live(pace: &mut Pace, world: &mut World, tokens: usize) -> (f64, f64, Vec<usize>) {
        let (mut made, mut ms, mut lengths) = (0, 0.0, Vec::new());
        while made < tokens {
            let length = pace.length(7, Trust::Fair);
            lengths.push(length);
            if length == 0 {
                pace.single(world.single);
                made += 1;
                ms += world.single;
                continue;
            }
            let mut rng = crate::sampler::Rng::new(world.seed);
            let accepted = (0..length).take_while(|_| rng.next_f64() < world.chance).count();
            world.seed = rng.next_u64();
            let cost = (world.round)(length);
            pace.round(Outcome {
                proposed: length,
                trust: Trust::Fair,
                accepted,
                ms: cost,
            });
            made += accepted + 1;
            ms += cost;
        }
        (ms, made as f64 * world.single, lengths)
    }

    fn flat(_: usize) -> f64 {
        1.1
    }

    fn linear(length: usize) -> f64 {
        (length + 1) as f64
    }

    #[test]
    fn long_proposals_where_a_step_of_many_costs_as_a_step_of_one() {
        let mut world = World {
            single: 1.0,
            round: flat,
            chance: 0.9,
            seed: 1,
        };
        let (ms, plain, lengths) = live(&mut Pace::default(), &mut world, 2000);
        assert!(plain / ms > 3.0, "{plain} against {ms}");
        assert_eq!(lengths.last(), Some(&7));
    }

    #[test]
    fn what_does_not_pay_costs_next_to_nothing() {
        // Bad guesses on a good machine, and the best of guesses on a machine that gains nothing by them.
        for (round, chance) in [(flat as fn(usize) -> f64, 0.0), (linear, 1.0)] {
            let mut world = World {
                single: 1.0,
                round,
                chance,
                seed: 2,
            };
            let (ms, plain, lengths) = live(&mut Pace::default(), &mut world, 5000);
            assert!(ms / plain < 1.02, "{plain} against {ms}");
            let tried = lengths.iter().filter(|&&length| length > 0).count();
            assert!((4..100).contains(&tried), "{tried} trials");
        }
    }

    #[test]
    fn it_comes_back_when_the_text_changes() {
        let mut pace = Pace::default();
        let mut world = World {
            single: 1.0,
            round: flat,
            chance: 0.0,
            seed: 3,
        };
        live(&mut pace, &mut world, 3000);
        world.chance = 0.95;
        live(&mut pace, &mut world, 2 * LAST_RETRY as usize);
        let (ms, plain, _) = live(&mut pace, &mut world, 1000);
        assert!(plain / ms > 2.0, "{plain} against {ms}");
    }

    #[test]
    fn a_pause_of_the_machine_is_no_news() {
        let mut pace = Pace::default();
        let mut world = World {
            single: 1.0,
            round: flat,
            chance: 0.9,
            seed: 4,
        };
        live(&mut pace, &mut world, 500);
        pace.round(Outcome {
            proposed: 7,
            trust: Trust::Fair,
            accepted: 7,
            ms: 60_000.0,
        });
        let (ms, plain, _) = live(&mut pace, &mut world, 500);
        assert!(plain / ms > 3.0, "{plain} against {ms}");
    }

    #[test]
    fn what_was_slow_once_is_measured_again() {
        let mut pace = Pace::default();
        let slow = World {
            single: 1.0,
            round: |length| if length < 7 { 1.1 } else { 100.0 },
            chance: 0.95,
            seed: 5,
        };
        live(&mut pace, &mut { slow }, 500);
        let mut world = World {
            single: 1.0,
            round: flat,
            chance: 0.95,
            seed: 6,
        };
        let (_, _, lengths) = live(&mut pace, &mut world, 5000);
        assert_eq!(lengths[0], 3);
        assert_eq!(lengths.last(), Some(&7));
    }

    #[test]
    fn the_same_measurements_give_the_same_lengths_and_a_clock_that_stands_still_none() {
        let run = |single| {
            let mut world = World {
                single,
                round: flat,
                chance: 0.7,
                seed: 7,
            };
            live(&mut Pace::default(), &mut world, 300).2
        };
        assert_eq!(run(1.0), run(1.0));
        assert_eq!(run(0.0), [0; 300]);
        assert!(run(1.0).iter().any(|&length| length > 0));
    }

    #[test]
    fn no_more_is_asked_for_than_there_is() {
        for most in 0..9 {
            let mut pace = Pace::default();
            for _ in 0..400 {
                let length = pace.length(most, Trust::High);
                assert!(length <= most);
                pace.single(1.0);
                pace.round(Outcome {
                    proposed: length,
                    trust: Trust::High,
                    accepted: length,
                    ms: 1.0,
                });
            }
            assert_eq!(Pace::fixed(4).length(most, Trust::Low), most.min(4));
        }
    }
}
