//! From signals to odds: a logistic score with signs that are fixed, then isotonic calibration.

pub mod features;
mod fit;
mod isotonic;
mod logistic;

use serde::{Deserialize, Serialize};

pub use features::{Direction, FEATURES, feature};
pub use fit::{Example, FOLDS, MIN_EACH, MIN_SEEN, Outcome, RIDGE, fit_scorer};
pub use isotonic::{Knot, isotonic};
pub use logistic::{Logistic, logistic};

use crate::signals::Signals;

/// Most features of one score (routing.md C.4: at most 16 weights, so that a person can read them).
pub const MAX_FEATURES: usize = 16;

/// Most knots of the isotonic curve.
pub const MAX_KNOTS: usize = 256;

/// What the value of a score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The probability that the answer is wrong, 0 to 1.
    Error,
    /// P(remote right, local wrong) - P(local right, remote wrong), -1 to 1.
    Gain,
    /// An order without calibration, 0 to 1: more is more doubt, and nothing else is known of it.
    Doubt,
}

/// One feature's part in a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// One of [`FEATURES`].
    pub name: String,
    /// Log-odds for each unit of the feature.
    pub weight: f64,
    /// Log-odds where the feature was not measured. Null: it was always measured in the calibration, and an answer without
    /// it has no score.
    #[serde(default)]
    pub missing: Option<f64>,
}

/// From signals to a calibrated value: `raw = bias + Σ weight · feature`, then the curve through the knots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scorer {
    /// What the value means.
    pub scale: Scale,
    /// The features; none where the raw score comes from outside ([`Scorer::calibrated`]).
    pub features: Vec<Weight>,
    /// Log-odds of everything else.
    pub bias: f64,
    /// (raw score, value), both rising; linear between, level outside. None on [`Scale::Doubt`].
    pub isotonic: Vec<Knot>,
}

/// Share of the raw score in the value, so that answers in one block of the isotonic curve keep their order: otherwise
/// half of them may have equal values, and no threshold could part them. Moves a probability by at most this much.
pub const ORDER: f64 = 1e-3;

impl Scorer {
    /// A score of one feature without calibration.
    pub fn of_feature(name: &str) -> Scorer {
        Scorer {
            scale: Scale::Doubt,
            features: vec![Weight {
                name: name.into(),
                weight: 1.0,
                missing: None,
            }],
            bias: 0.0,
            isotonic: Vec::new(),
        }
    }

    /// A score that comes from outside (more is more doubt), not calibrated.
    pub fn of_score() -> Scorer {
        Scorer {
            scale: Scale::Doubt,
            features: Vec::new(),
            bias: 0.0,
            isotonic: Vec::new(),
        }
    }

    /// The score in log-odds, before calibration. `None`: a signal is missing that never was in the calibration, or the
    /// score comes from outside.
    pub fn raw(&self, signals: &Signals) -> Option<f64> {
        if self.features.is_empty() {
            return None;
        }
        let mut sum = self.bias;
        for w in &self.features {
            sum += w.part(signals)?;
        }
        sum.is_finite().then_some(sum)
    }

    /// The value of an answer, on the [`Scale`]. More is always more reason to ask the remote.
    pub fn value(&self, signals: &Signals) -> Option<f64> {
        self.calibrated(self.raw(signals)?)
    }

    /// The value of a raw score, also of one from outside. `None` where it is no number.
    pub fn calibrated(&self, raw: f64) -> Option<f64> {
        if !raw.is_finite() {
            return None;
        }
        let order = squash(raw);
        let (low, high) = self.scale.range();
        let level = match isotonic::at(&self.isotonic, raw) {
            Some(level) => (1.0 - ORDER) * level + ORDER * (low + (high - low) * order),
            None => order,
        };
        Some(level.clamp(low, high))
    }

    /// The value of a labelled answer: of its signals, or of its score from outside where that is all that is looked at.
    pub fn of_row(&self, signals: Option<&Signals>, score: Option<f64>) -> Option<f64> {
        match score.filter(|_| self.features.is_empty()) {
            Some(score) => self.calibrated(score),
            None => self.value(signals?),
        }
    }

    /// The probability that the answer is wrong; none on other scales.
    pub fn p_error(&self, signals: &Signals) -> Option<f64> {
        (self.scale == Scale::Error).then(|| self.value(signals)).flatten()
    }

    /// What the remote is expected to gain; none on other scales.
    pub fn gain(&self, signals: &Signals) -> Option<f64> {
        (self.scale == Scale::Gain).then(|| self.value(signals)).flatten()
    }

    /// Each feature's part in the raw score, for a trace: (name, log-odds).
    pub fn parts(&self, signals: &Signals) -> Vec<(&str, f64)> {
        let parts = self.features.iter();
        parts
            .filter_map(|w| Some((w.name.as_str(), w.part(signals)?)))
            .collect()
    }
}

impl Weight {
    fn part(&self, signals: &Signals) -> Option<f64> {
        match signals.feature(&self.name) {
            Some(x) => Some(self.weight * x),
            None => self.missing,
        }
    }
}

impl Scale {
    /// Smallest and largest value.
    pub fn range(self) -> (f64, f64) {
        match self {
            Scale::Gain => (-1.0, 1.0),
            Scale::Error | Scale::Doubt => (0.0, 1.0),
        }
    }
}

/// `(1 + x / (1 + |x|)) / 2`: rising, 0 to 1, and the same bits everywhere.
fn squash(x: f64) -> f64 {
    0.5 * (1.0 + x / (1.0 + x.abs()))
}
