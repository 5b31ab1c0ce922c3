//! How traffic looked in the calibration: drift is measured against it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Count, Histogram};
use crate::measure::interval::quantile;
use crate::score::feature;
use crate::signals::Signals;

/// Signals whose distribution is kept beside the score's: lengths in and out, how likely the answer's tokens were, whether
/// the model would have said one of the labels at all, and how well documents match. They move where traffic changes in a way
/// that one score does not show.
pub const WATCHED: [&str; MAX_SIGNALS] = ["prompt_tokens", "tokens", "mean_logprob", "label_mass", "retrieval_top"];

/// Most signals that are watched: each costs a histogram in the profile and another in the state.
pub const MAX_SIGNALS: usize = 5;

/// An answer is slow that takes longer than this share of those of the calibration.
const SLOW: f64 = 0.9;

/// Fewer durations have no tenth to speak of.
const MIN_DURATIONS: usize = 100;

/// How traffic looked in the calibration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Of the score's values.
    pub score: Histogram,
    /// Answers whose score asked for the remote.
    pub asked: Count,
    /// Answers that a verifier refused.
    pub verifier_failed: Count,
    /// Of signals beside the score, as features are computed: those of [`WATCHED`] that every answer had.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<String, Histogram>,
    /// How long answers took; none where the rows do not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// How long the slowest answers took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Nine in ten took no longer, in milliseconds.
    pub slow_ms: u64,
    /// Answers that took longer.
    pub slow: Count,
}

/// Histograms of [`WATCHED`], where all answers have the signal and it is not always the same.
pub(crate) fn watched(answers: &[&Signals]) -> BTreeMap<String, Histogram> {
    let mut out = BTreeMap::new();
    for known in WATCHED.iter().filter_map(|name| feature(name)) {
        let values: Option<Vec<f64>> = answers.iter().map(|signals| known.of(signals)).collect();
        let histogram = Histogram::of(&values.unwrap_or_default());
        if histogram.counts.len() > 1 {
            out.insert(known.name.to_string(), histogram);
        }
    }
    out
}

impl Latency {
    /// Of durations in milliseconds; none of fewer than a hundred.
    pub(crate) fn of(durations: &[f64]) -> Option<Latency> {
        let mut sorted = durations.to_vec();
        sorted.sort_by(f64::total_cmp);
        let slow_ms = quantile(&sorted, SLOW)
            .filter(|_| sorted.len() >= MIN_DURATIONS)?
            .ceil() as u64;
        let k = sorted.iter().filter(|ms| **ms > slow_ms as f64).count() as u64;
        let n = sorted.len() as u64;
        Some(Latency {
            slow_ms,
            slow: Count { k, n },
        })
    }
}
