//! What a monitor is told of each answer, and what it says.

use serde::{Deserialize, Serialize};

use crate::profile::Binding;
use crate::signals::Signals;

/// What happened with one answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Observation {
    /// The value of its score.
    pub score: Option<f64>,
    /// Its signals, where it passed its checks.
    pub signals: Option<Signals>,
    /// Milliseconds that it took.
    pub local_ms: Option<u64>,
    /// Whether its score asked for the remote (not whether it was asked: gates are no drift).
    pub asked: Option<bool>,
    /// Whether its checks failed.
    pub verifier_failed: Option<bool>,
    /// Of a kept answer that was drawn to be checked: whether it was right.
    pub audited: Option<bool>,
    /// What it was made with, where the caller looked.
    pub binding: Option<Binding>,
    /// A digest of what the remote models cost now, where the threshold depends on it.
    pub prices: Option<String>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Say so; label new answers.
    Warn,
    /// Keep less: [`crate::profile::Threshold::tightened`].
    Tighten,
    /// The profile no longer holds; [`crate::decide::BOUNDS`] decide.
    Suspend,
}

/// What was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// More of the most doubtful scores.
    ScoresRose,
    /// More scores that ask.
    AskedRose,
    /// The scores are distributed otherwise, in whatever direction.
    ScoresMoved,
    /// More failed checks.
    ChecksFail,
    /// More of the kept answers are wrong than was promised.
    RiskBroken,
    /// A signal beside the score is distributed otherwise.
    SignalsMoved,
    /// Answers take longer.
    Slower,
    /// Model, tokenizer, template, sampler or signals are others.
    ModelChanged,
    /// The remote models cost something else than when the first answer came.
    PriceChanged,
}

/// An alarm: once for each kind and action until [`super::Monitor::acknowledge`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// What was noticed.
    pub kind: Kind,
    /// What to do.
    pub action: Action,
    /// For people: what was measured, and what to do.
    pub message: String,
}
