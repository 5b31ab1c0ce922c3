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
        /// How often the remote is right where the local answer is wrong (1 on the scale of the gain).
        fixes: f64,
        /// How often the remote is right where the local answer is right (1 on the scale of the gain).
        holds: f64,
    },
}

/// What [`Threshold::tightened`] leaves of a threshold on a probability.
pub const TIGHTENED: f64 = 0.5;

impl Threshold {
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
        let below = tight.below_mut();
        *below = Some(below.map_or(TIGHTENED, |b| b - (1.0 - TIGHTENED) * b.abs()));
        tight
    }

    /// The same for another price: the cost of asking divided by what a right answer is worth. Only
    /// [`Threshold::ValuePerCorrect`] knows prices.
    pub fn repriced(&self, price: f64) -> Threshold {
        let mut new = *self;
        if let Threshold::ValuePerCorrect {
            below, fixes, holds, ..
        } = &mut new
        {
            *below = chow(price, *fixes, *holds);
        }
        new
    }

    pub(super) fn below_mut(&mut self) -> &mut Option<f64> {
        match self {
            Threshold::EscalationRate { below, .. }
            | Threshold::Risk { below, .. }
            | Threshold::ValuePerCorrect { below, .. } => below,
        }
    }
}

/// Chow's rule: the value from which on the expected gain is worth its price. `price`: the cost of asking divided by what
/// a right answer is worth. `fixes`, `holds`: how often the remote is right where the local answer is wrong, or right.
///
/// On the scale of errors: `p · fixes - (1 - p) · (1 - holds) ≥ price`. On that of the gain, with 1 and 1, the price itself.
/// None: it never is.
pub fn chow(price: f64, fixes: f64, holds: f64) -> Option<f64> {
    let spoils = 1.0 - holds;
    let at = (price + spoils) / (fixes + spoils);
    (at <= 1.0).then_some(at.max(0.0))
}
