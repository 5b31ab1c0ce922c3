//! What is known of an answer's doubt: a fixed set of named numbers, each absent where it could not be measured.

use serde::{Deserialize, Serialize};

/// Changes whenever a signal's definition does: a calibration is bound to it.
pub const SIGNAL_VERSION: u32 = 1;

/// Where token probabilities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From raw logits, before temperature, penalties and masks.
    Measured,
    /// Log-probabilities that another engine reported; what it did to them first is unknown.
    Reported,
    /// There are none: only facts and verifiers speak.
    #[default]
    None,
}

/// Signals of one answer. `None`: not measured, which is never the same as a number.
///
/// Read from JSON, names that are none of these are passed over: items of `kinglet eval` have more under `signals`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Signals {
    /// [`SIGNAL_VERSION`].
    pub version: u32,
    /// Where the probabilities come from.
    pub origin: Origin,
    /// Tokens of the answer that the statistics are over (forced ones are left out).
    pub tokens: u32,

    /// Mean of the tokens' log-probabilities.
    pub mean_logprob: Option<f64>,
    /// The smallest.
    pub min_logprob: Option<f64>,
    /// That of the first token.
    pub first_logprob: Option<f64>,
    /// Quantiles of them, from a histogram of fixed size.
    pub q05_logprob: Option<f64>,
    /// 10 %.
    pub q10_logprob: Option<f64>,
    /// 25 %.
    pub q25_logprob: Option<f64>,
    /// 50 %.
    pub q50_logprob: Option<f64>,
    /// The lowest mean over [`WINDOW`] consecutive tokens (over all, where there are fewer).
    pub window_logprob: Option<f64>,
    /// Mean of ln p1 - ln p2, of the two likeliest tokens at each place.
    pub mean_margin: Option<f64>,
    /// The smallest.
    pub min_margin: Option<f64>,
    /// At the first token.
    pub first_margin: Option<f64>,
    /// Mean entropy in nats, of the whole distribution.
    pub mean_entropy: Option<f64>,
    /// The largest.
    pub max_entropy: Option<f64>,

    /// Sum over tokens of -ln(probability that the grammar allowed).
    pub grammar_pressure: Option<f64>,
    /// Tokens that the grammar left no choice for.
    pub forced_tokens: Option<u32>,
    /// The smallest log-probability at value positions (labels, enums, numbers, dates inside of JSON).
    pub anchor_logprob: Option<f64>,
    /// The smallest margin there.
    pub anchor_margin: Option<f64>,

    /// The best label's share of the probability of all labels.
    pub label_max: Option<f64>,
    /// That less the second best one's.
    pub label_margin: Option<f64>,
    /// Probability of all labels together, of everything that the model might have said.
    pub label_mass: Option<f64>,
    /// Share of the label that means none of them.
    pub label_none: Option<f64>,
    /// The same of a fitted head over the hidden state.
    pub head_max: Option<f64>,
    /// See `label_margin`.
    pub head_margin: Option<f64>,

    /// Share of pairs among the samples that agree.
    pub agreement: Option<f64>,
    /// How many samples there were.
    pub samples: Option<u32>,

    /// Share of the answer's 4-grams (of tokens) that were there before.
    pub repetition: Option<f64>,
    /// The answer was cut off by its length.
    pub truncated: Option<bool>,
    /// The answer is a refusal, or says that it does not know.
    pub refusal: Option<bool>,
    /// There is no answer.
    pub empty: Option<bool>,
    /// The answer parses as what it should be.
    pub parse_ok: Option<bool>,
    /// It satisfies its schema.
    pub schema_ok: Option<bool>,
    /// What it quotes stands in the passages.
    pub quote_ok: Option<bool>,
    /// Every check of the app's own passed.
    pub verified: Option<bool>,

    /// Score of the best passage.
    pub retrieval_top: Option<f64>,
    /// That less the second best one's, divided by it.
    pub retrieval_margin: Option<f64>,
    /// Share of the answer's words that stand in the passages.
    pub retrieval_coverage: Option<f64>,

    /// Tokens of the prompt.
    pub prompt_tokens: Option<u32>,
    /// What the app's own scorer says of how hard the request is, 0 to 1.
    pub complexity: Option<f64>,
}

/// Tokens of the sliding window.
pub const WINDOW: usize = 16;
