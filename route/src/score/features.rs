//! Signals as features of a score: by name, bounded, and turned so that more of one is more doubt.

use crate::math::{exp_m1, ln, ln_1p, logit};
use crate::signals::Signals;

/// Which way a feature may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More of it is never less doubt: a negative weight is set to zero.
    Doubt,
    /// Lengths: either way, as the data say.
    Either,
}

/// A row of the table.
pub struct Feature {
    /// Its name, which is the signal's.
    pub name: &'static str,
    /// Which way it may speak.
    pub direction: Direction,
    value: fn(&Signals) -> Option<f64>,
}

/// Log-odds, margins and entropies (all in nats) end here: beyond 12 the difference is one in 160,000, and `f32` logits no
/// longer carry it.
pub const NATS: f64 = 12.0;

/// Nats and logarithms of counts are divided by this, so that all features are of one size and one ridge fits all.
pub const SCALE: f64 = 4.0;

/// Counts and unbounded scores end here, before their logarithm is taken.
pub const LARGEST: f64 = 1e6;

/// Doubt of a log-probability: less its log-odds. `-ln(p / (1 - p)) / SCALE`, `p = e^l`.
fn logprob(l: Option<f64>) -> Option<f64> {
    let l = finite(l)?.min(0.0);
    // ln(1 - e^l) without losing the digits of a probability next to one.
    let rest = -exp_m1(l);
    let odds = if rest <= 0.0 { NATS } else { l - ln(rest) };
    Some(-odds.clamp(-NATS, NATS) / SCALE)
}

/// Doubt of a probability: less its log-odds.
fn probability(p: Option<f64>) -> Option<f64> {
    Some(-logit(finite(p)?, NATS) / SCALE)
}

/// Doubt of a margin in nats.
fn margin(m: Option<f64>) -> Option<f64> {
    Some(-finite(m)?.clamp(0.0, NATS) / SCALE)
}

/// Doubt of an entropy in nats.
fn entropy(h: Option<f64>) -> Option<f64> {
    Some(finite(h)?.clamp(0.0, NATS) / SCALE)
}

/// Doubt of a share of one that is good.
fn good(share: Option<f64>) -> Option<f64> {
    Some(1.0 - finite(share)?.clamp(0.0, 1.0))
}

/// Doubt of a share of one that is bad.
fn bad(share: Option<f64>) -> Option<f64> {
    Some(finite(share)?.clamp(0.0, 1.0))
}

/// `ln(1 + x) / SCALE` of something that only grows.
fn growing(x: Option<f64>) -> Option<f64> {
    Some(ln_1p(finite(x)?.clamp(0.0, LARGEST)) / SCALE)
}

fn passed(check: Option<bool>) -> Option<f64> {
    check.map(|ok| if ok { 0.0 } else { 1.0 })
}

fn flag(raised: Option<bool>) -> Option<f64> {
    passed(raised.map(|r| !r))
}

fn finite(x: Option<f64>) -> Option<f64> {
    x.filter(|x| x.is_finite())
}

const fn doubt(name: &'static str, value: fn(&Signals) -> Option<f64>) -> Feature {
    Feature {
        name,
        direction: Direction::Doubt,
        value,
    }
}

const fn length(name: &'static str, value: fn(&Signals) -> Option<f64>) -> Feature {
    Feature {
        name,
        direction: Direction::Either,
        value,
    }
}

/// All features. `forced_tokens`, `samples`, `version` and `origin` say how something was measured, not how well it went.
pub const FEATURES: &[Feature] = &[
    doubt("mean_logprob", |s| logprob(s.mean_logprob)),
    doubt("min_logprob", |s| logprob(s.min_logprob)),
    doubt("first_logprob", |s| logprob(s.first_logprob)),
    doubt("q05_logprob", |s| logprob(s.q05_logprob)),
    doubt("q10_logprob", |s| logprob(s.q10_logprob)),
    doubt("q25_logprob", |s| logprob(s.q25_logprob)),
    doubt("q50_logprob", |s| logprob(s.q50_logprob)),
    doubt("window_logprob", |s| logprob(s.window_logprob)),
    doubt("mean_margin", |s| margin(s.mean_margin)),
    doubt("min_margin", |s| margin(s.min_margin)),
    doubt("first_margin", |s| margin(s.first_margin)),
    doubt("mean_entropy", |s| entropy(s.mean_entropy)),
    doubt("max_entropy", |s| entropy(s.max_entropy)),
    doubt("grammar_pressure", |s| growing(s.grammar_pressure)),
    doubt("anchor_logprob", |s| logprob(s.anchor_logprob)),
    doubt("anchor_margin", |s| margin(s.anchor_margin)),
    doubt("label_max", |s| probability(s.label_max)),
    doubt("label_margin", |s| good(s.label_margin)),
    doubt("label_mass", |s| probability(s.label_mass)),
    doubt("label_none", |s| probability(s.label_none).map(|x| -x)),
    doubt("head_max", |s| probability(s.head_max)),
    doubt("head_margin", |s| good(s.head_margin)),
    doubt("agreement", |s| good(s.agreement)),
    doubt("repetition", |s| bad(s.repetition)),
    doubt("truncated", |s| flag(s.truncated)),
    doubt("refusal", |s| flag(s.refusal)),
    doubt("empty", |s| flag(s.empty)),
    doubt("parse_ok", |s| passed(s.parse_ok)),
    doubt("schema_ok", |s| passed(s.schema_ok)),
    doubt("quote_ok", |s| passed(s.quote_ok)),
    doubt("verified", |s| passed(s.verified)),
    doubt("retrieval_top", |s| growing(s.retrieval_top).map(|x| -x)),
    doubt("retrieval_margin", |s| good(s.retrieval_margin)),
    doubt("retrieval_coverage", |s| good(s.retrieval_coverage)),
    doubt("complexity", |s| bad(s.complexity)),
    length("tokens", |s| growing(Some(f64::from(s.tokens)))),
    length("prompt_tokens", |s| growing(s.prompt_tokens.map(f64::from))),
];

/// The row of that name.
pub fn feature(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|f| f.name == name)
}

impl Feature {
    /// Its value of these signals: finite, or none where it was not measured (or is no number).
    pub fn of(&self, signals: &Signals) -> Option<f64> {
        (self.value)(signals)
    }
}

impl Signals {
    /// The feature of that name; see [`FEATURES`]. Always finite.
    pub fn feature(&self, name: &str) -> Option<f64> {
        feature(name)?.of(self)
    }
}
