//! A calibration as an artefact that can be reviewed: what was measured, with what, on what, and what follows from it.

mod check;
mod histogram;
mod reference;
mod threshold;

use serde::{Deserialize, Serialize};

pub use check::{MAX_BYTES, MAX_GROUPS};
pub(crate) use check::{MAX_COUNT, clipped};
pub use histogram::{BINS, Histogram};
pub(crate) use reference::watched;
pub use reference::{Latency, MAX_SIGNALS, Reference, WATCHED};
pub use threshold::{TIGHTENED, Threshold, chow};

use crate::error::{Result, RouteError};
use crate::score::Scorer;
use crate::signals::Signals;

/// The version of [`Profile`]'s shape.
pub const SCHEMA_VERSION: u32 = 1;

/// A calibration. Every number is a decimal of at most 12 digits ([`crate::math::decimal`]), so that all readers of JSON see
/// the same bits. docs/calibration.md explains every field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The day it was made, `YYYY-MM-DD`, as the caller says.
    pub created: String,
    /// What the app calls the task.
    pub task: String,
    /// What it was made with; anything else refuses it.
    pub binding: Binding,
    /// Who says what is right.
    pub label_source: LabelSource,
    /// Labelled answers, of all groups, for the score and for the threshold together.
    pub n: u64,
    /// Of these, wrong ones.
    pub positives: u64,
    /// From signals to odds.
    pub scorer: Scorer,
    /// What was asked for.
    pub target: Target,
    /// The threshold for every answer whose group has none of its own.
    pub threshold: Threshold,
    /// Thresholds of groups with enough labelled answers, by name.
    #[serde(default)]
    pub groups: std::collections::BTreeMap<String, Threshold>,
    /// How traffic looked; drift is measured against it.
    pub reference: Reference,
    /// How well the score does on answers that it was not fitted to; none without labels.
    #[serde(default)]
    pub held_out: Option<HeldOut>,
    /// Of the labelled answers, in an order of their own: the same data give the same digest. Not a cryptographic one.
    pub data_digest: String,
    /// Warnings and remarks, for people.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What a calibration was made with. Strings are compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// Of the weights.
    pub model_hash: String,
    /// `Q8_0`, …
    pub quantization: String,
    /// Of the vocabulary and its rules.
    pub tokenizer_hash: String,
    /// Of the chat template and the task's prompt.
    pub template_hash: String,
    /// Temperature and what else chooses tokens: `greedy`, `t=0.7 p=0.9`.
    pub sampler: String,
    /// [`crate::signals::SIGNAL_VERSION`].
    pub signal_version: u32,
}

impl Binding {
    /// Whether what is there (`actual`) is what the calibration was made with.
    ///
    /// # Errors
    /// `profile_mismatch`, with the first field that differs. What then decides are the bounds of [`crate::decide::BOUNDS`].
    pub fn check(&self, actual: &Binding) -> Result<()> {
        let versions = (self.signal_version.to_string(), actual.signal_version.to_string());
        let pairs = [
            ("model_hash", &self.model_hash, &actual.model_hash),
            ("quantization", &self.quantization, &actual.quantization),
            ("tokenizer_hash", &self.tokenizer_hash, &actual.tokenizer_hash),
            ("template_hash", &self.template_hash, &actual.template_hash),
            ("sampler", &self.sampler, &actual.sampler),
            ("signal_version", &versions.0, &versions.1),
        ];
        match pairs.into_iter().find(|(_, profile, got)| profile != got) {
            None => Ok(()),
            Some((field, profile, got)) => Err(RouteError::ProfileMismatch {
                field: field.into(),
                profile: profile.clone(),
                got: got.clone(),
            }),
        }
    }
}

/// Who says whether an answer was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// A person.
    Human,
    /// A check of the answer: it parses, it fits, its numbers add up.
    Verifier,
    /// The right answer was known.
    Exact,
    /// The remote said the same; its errors are inherited.
    RemoteAgreement,
    /// Several of these.
    Mixed,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A share of the traffic.
    EscalationRate {
        /// 0 to 1.
        rate: f64,
    },
    /// At most this share of the kept answers is wrong, with this confidence.
    Risk {
        /// The share, 0 to 1.
        alpha: f64,
        /// One less the confidence.
        delta: f64,
    },
    /// Whatever is worth its price.
    ValuePerCorrect {
        /// What one more right answer is worth, in micro-units of the currency.
        value: u64,
        /// What a request to the remote costs on average, in micro-units.
        cost: u64,
    },
}

/// `k` of `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// How many.
    pub k: u64,
    /// Of how many.
    pub n: u64,
}

/// A number and where it may lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Of all rows.
    pub value: f64,
    /// 2.5 % of the bootstrap's draws are below.
    pub low: f64,
    /// 97.5 % are below.
    pub high: f64,
}

/// Quality of the score on rows that it was not fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// How many rows.
    pub n: u64,
    /// Expected calibration error, in ten bins of equal width; none on [`crate::score::Scale::Doubt`].
    pub ece: Option<Interval>,
    /// Probability that a wrong answer has more doubt than a right one; none where there is only one kind.
    pub auroc: Option<Interval>,
    /// Area under risk against share kept.
    pub aurc: Interval,
}

impl Profile {
    /// The threshold for an answer of this group.
    pub fn threshold_of(&self, group: Option<&str>) -> &Threshold {
        group.and_then(|g| self.groups.get(g)).unwrap_or(&self.threshold)
    }

    /// The value of an answer on the scorer's scale, and whether it asks for the remote; none without a score.
    pub fn asks(&self, signals: &Signals, group: Option<&str>) -> Option<(f64, bool)> {
        let value = self.scorer.value(signals)?;
        Some((value, self.threshold_of(group).asks(value)))
    }
}
