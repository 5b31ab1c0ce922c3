//! Whether traffic is still like the calibration set. State is explicit, bounded, and serde's; nothing reads a clock.
//!
//! What is watched, and what it costs in false alarms (in unchanged traffic of 2000 answers, against a reference of 1000
//! scores; tools/route_drift.py simulates it with the constants of this file):
//!
//! | watched | by | false alarms |
//! |---|---|---|
//! | scores, for more of the doubtful ones | CUSUM, bound [`SCORES`] | 2.5 % |
//! | share of scores that ask | CUSUM, bound [`ASKED`] | 1.0 % |
//! | all of the scores' distribution | PSI of each [`WINDOW`] scores | 0.4 % |
//! | failed checks | CUSUM, bound [`CHECKS`] | 0.4 % |
//! | five signals beside the score | PSI of each [`WINDOW`] values | 0.4 % |
//! | how long answers take | CUSUM of slow ones, bound [`SLOWER`] | 0.1 % |
//! | wrong answers among audited ones | exact binomial bound, [`AUDIT_DELTA`] spent over all looks | 1 % in any number |
//! | the binding; the prices since the first answer | comparison | none |
//!
//! The first three together: 3.3 %, all that need no labels 4.2 %; a change from 5.3 % to 18 % out of scope is noticed within 500
//! answers in 92 %. With 300 scores to compare with: 6.1, 9.0 and 83 %.

mod alarm;
mod cusum;
mod psi;
mod raw;

use serde::{Deserialize, Serialize};

pub use alarm::{Action, Alarm, Kind, Observation};
pub use cusum::{Cusum, NEW, ODDS, TILT};
pub use psi::{SCORES_Z, SIGNALS_Z, WINDOW, psi, psi_bound};

use crate::calibrate::binomial::upper_tail;
use crate::document::read;
use crate::error::{Result, RouteError};
use crate::profile::{Binding, Count, Histogram, MAX_COUNT, Profile, Threshold};
use psi::Window;
use raw::Raw;

/// Bound of the sum over scores. Under P0 a likelihood ratio of `e^7.5`, about 1800, is reached from any start with at most
/// one chance in 1800; there are about as many starts as answers between two returns to zero.
pub const SCORES: f64 = 7.5;

/// Bound of the sum over scores that ask: higher, for it mostly sees what [`SCORES`] sees.
pub const ASKED: f64 = 8.0;

/// Bound of the sum over failed checks.
pub const CHECKS: f64 = 8.0;

/// Bound of the sum over slow answers: with ten one chance in 22,000 from any start, for a slow device is no wrong answer.
pub const SLOWER: f64 = 10.0;

/// A sum of twice its bound tightens; a warning comes at the bound.
pub const TIGHTEN: f64 = 2.0;

/// Audited answers between two looks.
pub const AUDIT_LOOK: u64 = 50;

/// Probability that the audit ever alarms while the risk is what was promised: look `j` may spend
/// `AUDIT_DELTA / (j (j + 1))`, and all of these sum to it.
pub const AUDIT_DELTA: f64 = 0.01;

/// Audited answers after which the audit begins anew, so that the old does not hide the new.
pub const AUDIT_LIFE: u64 = 1000;

/// Longest digest of prices, in bytes.
const MAX_DIGEST: usize = 64;

/// Weight of the newest answer in [`Monitor::asked_rate`].
pub const EWMA: f64 = 0.01;

/// Watches one profile's traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    reference: Histogram,
    binding: Binding,
    alpha: Option<f64>,
    prices: Option<String>,
    seen: u64,
    asked_rate: f64,
    scores: Option<Cusum>,
    asked: Option<Cusum>,
    checks: Option<Cusum>,
    window: Window,
    signals: Vec<Raw>,
    slow_ms: u64,
    slow: Option<Cusum>,
    audit: Count,
    looks: u64,
    raised: Vec<(Kind, Action)>,
}

impl Monitor {
    /// Watches traffic against this profile.
    pub fn new(profile: &Profile) -> Monitor {
        let reference = &profile.reference;
        let Count { k, n } = reference.asked;
        Monitor {
            reference: reference.score.clone(),
            binding: profile.binding.clone(),
            alpha: match profile.threshold {
                Threshold::Risk { alpha, .. } => Some(alpha),
                _ => None,
            },
            prices: None,
            seen: 0,
            asked_rate: if n > 0 { k as f64 / n as f64 } else { 0.0 },
            scores: Cusum::of_scores(&reference.score),
            asked: Cusum::of_rate(reference.asked),
            checks: Cusum::of_rate(reference.verifier_failed),
            window: Window::of(&reference.score),
            signals: Raw::all(reference),
            slow_ms: reference.latency.map_or(0, |latency| latency.slow_ms),
            slow: reference.latency.and_then(|latency| Cusum::of_rate(latency.slow)),
            audit: Count::default(),
            looks: 0,
            raised: Vec::new(),
        }
    }

    /// Takes a state that was stored.
    ///
    /// # Errors
    /// `invalid_request` for what no monitor wrote.
    pub fn from_json(text: &str) -> Result<Monitor> {
        let monitor: Monitor = read("monitor", text)?;
        monitor.check()?;
        Ok(monitor)
    }

    /// Refuses what no monitor wrote.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(RouteError::invalid("monitor", what, "something else"));
        if self.reference.edges.len() + 1 != self.reference.counts.len() || !self.window.fits(&self.reference) {
            return wrong("bins of one number");
        }
        if !self
            .reference
            .edges
            .iter()
            .chain([&self.asked_rate])
            .all(|x| x.is_finite())
        {
            return wrong("finite numbers");
        }
        // Each kind with each action, once.
        let large = self
            .reference
            .counts
            .iter()
            .chain([&self.looks])
            .any(|c| *c > MAX_COUNT);
        if large || self.raised.len() > 27 || self.audit.k > self.audit.n || self.audit.n > AUDIT_LIFE {
            return wrong("counts of its own making");
        }
        if self.prices.as_ref().is_some_and(|digest| digest.len() > MAX_DIGEST) {
            return wrong("a digest of prices");
        }
        Raw::check(&self.signals)?;
        let rates = [&self.asked, &self.checks, &self.slow];
        let bins = self.reference.counts.len();
        self.scores.iter().try_for_each(|sum| sum.check(bins))?;
        rates.into_iter().flatten().try_for_each(|sum| sum.check(2))
    }

    /// Answers seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Share of answers whose score asks, newer ones counting more (an EWMA of [`EWMA`]); for display.
    pub fn asked_rate(&self) -> f64 {
        self.asked_rate
    }

    /// The strongest action raised and not acknowledged.
    pub fn action(&self) -> Option<Action> {
        self.raised.iter().map(|(_, action)| *action).max()
    }

    /// Takes an answer in. Numbers that are none are left out.
    pub fn push(&mut self, o: &Observation) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        self.seen = self.seen.saturating_add(1);
        if let Some(score) = o.score.filter(|s| s.is_finite()) {
            let bin = self.reference.bin(score);
            self.sum(Which::Scores, bin, &mut alarms);
            if let Some((value, bound)) = self.window.push(bin, &self.reference, SCORES_Z) {
                self.raise(value > bound, Kind::ScoresMoved, Action::Warn, &mut alarms, || {
                    format!("the scores' distribution moved: PSI {value:.3}, bound {bound:.3}; label new answers")
                });
            }
        }
        if let Some(signals) = &o.signals {
            let moved: Vec<String> = self.signals.iter_mut().filter_map(|raw| raw.push(signals)).collect();
            self.raise(!moved.is_empty(), Kind::SignalsMoved, Action::Warn, &mut alarms, || {
                moved.join("; ")
            });
        }
        if let Some(ms) = o.local_ms {
            self.sum(Which::Slower, usize::from(ms > self.slow_ms), &mut alarms);
        }
        if let Some(asked) = o.asked {
            self.asked_rate += EWMA * (f64::from(u8::from(asked)) - self.asked_rate);
            self.sum(Which::Asked, usize::from(asked), &mut alarms);
        }
        if let Some(failed) = o.verifier_failed {
            self.sum(Which::Checks, usize::from(failed), &mut alarms);
        }
        if let Some(right) = o.audited {
            self.audited(right, &mut alarms);
        }
        if let Some(Err(why)) = o.binding.as_ref().map(|actual| self.binding.check(actual)) {
            self.raise(true, Kind::ModelChanged, Action::Suspend, &mut alarms, || {
                why.to_string()
            });
        }
        if let Some(now) = &o.prices {
            let changed = self.prices.get_or_insert_with(|| now.clone()) != now;
            self.raise(changed, Kind::PriceChanged, Action::Warn, &mut alarms, || {
                "the remote models cost something else than when the first answer came; calibrate again".to_string()
            });
        }
        alarms
    }

    /// Takes in what came later of an answer that was seen before: of one that was drawn to be checked, whether it was right.
    pub fn audit(&mut self, right: bool) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        self.audited(right, &mut alarms);
        alarms
    }

    /// Forgets alarms of one kind and what led to them: the app has seen to it.
    pub fn acknowledge(&mut self, kind: Kind) {
        self.raised.retain(|(k, _)| *k != kind);
        let sum = match kind {
            Kind::ScoresRose => &mut self.scores,
            Kind::AskedRose => &mut self.asked,
            Kind::ChecksFail => &mut self.checks,
            Kind::Slower => &mut self.slow,
            Kind::ScoresMoved => return self.window.clear(),
            Kind::SignalsMoved => return self.signals.iter_mut().for_each(Raw::clear),
            Kind::RiskBroken => {
                (self.audit, self.looks) = (Count::default(), 0);
                return;
            }
            Kind::PriceChanged => {
                self.prices = None;
                return;
            }
            Kind::ModelChanged => return,
        };
        if let Some(sum) = sum {
            sum.clear();
        }
    }

    fn sum(&mut self, which: Which, outcome: usize, alarms: &mut Vec<Alarm>) {
        let (sum, bound, kind, what) = match which {
            Which::Scores => (
                &mut self.scores,
                SCORES,
                Kind::ScoresRose,
                "more answers as doubtful as the most doubtful ones",
            ),
            Which::Asked => (
                &mut self.asked,
                ASKED,
                Kind::AskedRose,
                "more answers whose score asks for the remote",
            ),
            Which::Checks => (
                &mut self.checks,
                CHECKS,
                Kind::ChecksFail,
                "more answers that fail their checks",
            ),
            Which::Slower => (
                &mut self.slow,
                SLOWER,
                Kind::Slower,
                "more answers as slow as the slowest tenth",
            ),
        };
        let Some(height) = sum.as_mut().map(|s| s.push(outcome, TIGHTEN * bound)) else {
            return;
        };
        let message =
            |advice: &str| format!("{what} than in the calibration (CUSUM {height:.1}, bound {bound}); {advice}");
        let advice = match which {
            Which::Slower => "its latency is not what was measured",
            _ => "label new answers and calibrate again",
        };
        self.raise(height >= bound, kind, Action::Warn, alarms, || message(advice));
        if matches!(which, Which::Slower) {
            return; // a slow answer is no wrong one
        }
        self.raise(height >= TIGHTEN * bound, kind, Action::Tighten, alarms, || {
            message("less is kept until then")
        });
    }

    fn audited(&mut self, right: bool, alarms: &mut Vec<Alarm>) {
        let Some(alpha) = self.alpha else { return };
        self.audit.n += 1;
        self.audit.k += u64::from(!right);
        if !self.audit.n.is_multiple_of(AUDIT_LOOK) {
            return;
        }
        self.looks = (self.looks + 1).min(MAX_COUNT);
        let look = self.looks as f64;
        let Count { k, n } = self.audit;
        let broken = upper_tail(k, n, alpha) <= AUDIT_DELTA / (look * (look + 1.0));
        self.raise(broken, Kind::RiskBroken, Action::Suspend, alarms, || {
            format!("{k} of {n} audited answers were wrong, more than the promised {alpha}; calibrate again")
        });
        if n >= AUDIT_LIFE {
            self.audit = Count::default();
        }
    }

    fn raise(
        &mut self,
        holds: bool,
        kind: Kind,
        action: Action,
        alarms: &mut Vec<Alarm>,
        message: impl FnOnce() -> String,
    ) {
        if holds && !self.raised.contains(&(kind, action)) {
            self.raised.push((kind, action));
            let message = message();
            alarms.push(Alarm { kind, action, message });
        }
    }
}

/// One of the sums.
#[derive(Clone, Copy)]
enum Which {
    Scores,
    Asked,
    Checks,
    Slower,
}
