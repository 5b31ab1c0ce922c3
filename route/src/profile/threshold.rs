//! Where answers part: what is below is kept, and what that promises.

use serde::{Deserialize, Serialize};

/// A threshold on the value of a score. `below`: an answer is kept while its value is smaller; null keeps all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Threshold {
    /// The upper quantile of `n` scores. No promise of quality.
    EscalationRate {
        /// See [`Threshold`].
        below: Option<f64>,
        /// The share that asks for the remote, 0 to 1.
        rate: f64,
        /// Scores.
        n: u64,
    },
    /// A bound on the share of wrong answers among the kept ones, for traffic like the calibration set.
    Risk {
        /// See [`Threshold`].
        below: Option<f64>,
        /// The bound.
        alpha: f64,
        /// The probability, over draws of the calibration set, that the bound does not hold.
        delta: f64,
        /// Labelled answers that the test was over.
        n: u64,
        /// Of these, kept.
        kept: u64,
        /// Of the kept ones, wrong.
        errors: u64,
        /// The Clopper-Pearson upper bound for them, at 1 - `delta`.
        bound: f64,
    },
    /// Where the expected gain is worth the price (Chow's rule).
    ValuePerCorrect {
        /// See [`Threshold`].
        below: Option<f64>,
        /// Micro-units for one more right answer.
        value: u64,
        /// Micro-units for asking.
        cost: u64,
    },
}

/// What [`Threshold::conservative`] lets through to the remote: a quarter.
pub const CONSERVATIVE_RATE: f64 = 0.25;

/// What [`Threshold::tightened`] leaves of a threshold on a probability.
const TIGHTENED: f64 = 0.5;

impl Threshold {
    /// The rule where there is no profile, or it was made for something else: an answer that a verifier refused, that is a
    /// refusal, cut off, empty or running in circles asks for the remote; of the others the quarter with the most doubt,
    /// by the rolling quantile of [`crate::day0`]. Not calibrated, and marked so.
    pub fn conservative() -> Threshold {
        Threshold::EscalationRate {
            below: None,
            rate: CONSERVATIVE_RATE,
            n: 0,
        }
    }

    /// The value from which on the remote is asked; none: it never is.
    pub fn below(&self) -> Option<f64> {
        match self {
            Threshold::EscalationRate { below, .. }
            | Threshold::Risk { below, .. }
            | Threshold::ValuePerCorrect { below, .. } => *below,
        }
    }

    /// Whether a value asks for the remote. A value that is no number does.
    pub fn asks(&self, value: f64) -> bool {
        self.below().is_some_and(|below| value >= below) || value.is_nan()
    }

    /// The same with half of the probability accepted (a negative gain: half as much again): what an alarm of
    /// [`crate::drift`] with the action `tighten` asks for. Keeps never more than before.
    pub fn tightened(&self) -> Threshold {
        let mut tight = *self;
        match &mut tight {
            Threshold::EscalationRate { below, .. }
            | Threshold::Risk { below, .. }
            | Threshold::ValuePerCorrect { below, .. } => {
                *below = Some(below.map_or(TIGHTENED, |b| b - (1.0 - TIGHTENED) * b.abs()));
            }
        }
        tight
    }
}
