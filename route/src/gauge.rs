//! An answer's tokens in, its signals out: an accumulator of fixed size, and the rule that ends an answer early.
//!
//! Of [`Signals`] it fills what tokens say. Formulas, over the *n* counted tokens (a token that the grammar left no choice
//! for is not counted), with *l* a token's log-probability and *m* its margin ln p1 - ln p2:
//!
//! * `mean_logprob` = (sum of *l*) / n, `min_logprob`, `first_logprob`; quantiles: see [`Histogram`];
//! * `window_logprob` = the lowest mean of *l* over [`WINDOW`] consecutive counted tokens; of fewer, over all;
//! * `mean_margin`, `min_margin`, `first_margin`; `mean_entropy`, `max_entropy`: absent unless every counted token has one;
//! * `grammar_pressure` = sum of -ln(kept mass) over *all* tokens, `forced_tokens` those without a choice;
//! * `anchor_logprob`, `anchor_margin`: the smallest *l* and *m* of counted tokens at value positions;
//! * `repetition` = repeated 4-grams / 4-grams over all tokens: see [`Repeats`].

use serde::{Deserialize, Serialize};

use crate::quantiles::Histogram;
use crate::repeats::Repeats;
use crate::signals::{Origin, SIGNAL_VERSION, Signals, WINDOW};
use crate::{Result, RouteError};

/// The log-probability of what is called impossible: the logarithm of the smallest positive f32 (2^-149), rounded down.
/// Some engines say minus infinity for it, some -9999; here it is always this, so that means stay means.
pub const LEAST_LOGPROB: f64 = -104.0;

/// Rounding that is forgiven: a log-probability or entropy so far beyond 0 is 0.
const ROUNDING: f64 = 1e-3;

/// Whether a token was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freedom {
    /// There were others.
    #[default]
    Free,
    /// The grammar left this one only: nothing about it was the model's choice.
    Forced,
}

/// Where in its answer a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// In text, or in the scaffold of JSON: keys, punctuation, white space.
    #[default]
    Plain,
    /// It is (part of) a value of JSON: see [`Values`](crate::values::Values).
    Value,
}

/// What is known of one token of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// Tells tokens apart, for repetition; of an engine that has no ids, see [`id_of`].
    pub token: u32,
    /// Its log-probability.
    pub logprob: f64,
    /// ln p1 - ln p2 of the two likeliest tokens at its place.
    pub margin: Option<f64>,
    /// Entropy of the whole distribution at its place, in nats.
    pub entropy: Option<f64>,
    /// ln of the probability of all tokens that the grammar allowed there; `None`: there is no grammar.
    pub kept: Option<f64>,
    /// Whether it was chosen.
    pub freedom: Freedom,
    /// Where it stands.
    pub place: Place,
}

impl Measured {
    /// What another engine reports: the token's text, its log-probability, and those of the best tokens at its place in
    /// any order (the token itself may be among them). Entropy would need all of them, so there is none.
    pub fn reported(text: &str, logprob: f64, top: &[f64]) -> Self {
        let mut best = top.to_vec();
        if !best.contains(&logprob) {
            best.push(logprob);
        }
        best.sort_by(|a, b| b.total_cmp(a));
        // Not `max`, which would make a number of what is none.
        let clamped = |&l: &f64| if l < LEAST_LOGPROB { LEAST_LOGPROB } else { l };
        Measured {
            token: id_of(text),
            logprob,
            margin: match &best[..] {
                _ if top.iter().any(|l| l.is_nan()) => Some(f64::NAN), // refused by `Gauge::push`
                // The token alone says nothing of its rivals.
                [one, two, ..] if !top.is_empty() => Some(clamped(one) - clamped(two)),
                _ => None,
            },
            ..Measured::default()
        }
    }
}

/// An id for a token that is known by its text only: FNV-1a, 32 bits.
pub fn id_of(text: &str) -> u32 {
    crate::hash::fnv32(text.as_bytes())
}

/// When an answer is ended early: its doubt has passed a bound, and every further token would be waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbortRule {
    /// The mean log-probability of the last [`WINDOW`] counted tokens (of all, while there are fewer) lies below this: at
    /// most 0.
    pub window_below: f64,
    /// So many counted tokens are not judged. Default: [`WINDOW`].
    #[serde(default = "full_window")]
    pub grace: u32,
}

fn full_window() -> u32 {
    WINDOW as u32
}

impl AbortRule {
    /// Refuses what makes no sense; `path` is where the rule stands.
    ///
    /// # Errors
    /// [`RouteError::Invalid`].
    pub fn check(&self, path: &str) -> Result<()> {
        match self.window_below.is_finite() && self.window_below <= 0.0 {
            true => Ok(()),
            false => Err(RouteError::invalid(
                format!("{path}.window_below"),
                "a log-probability: a finite number, at most 0",
                self.window_below,
            )),
        }
    }
}

/// Numbers of which mean, extremes and first are wanted.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    n: u32,
    sum: f64,
    least: f64,
    most: f64,
    first: f64,
}

impl Spread {
    fn push(&mut self, x: f64) {
        if self.n == 0 {
            (self.least, self.most, self.first) = (x, x, x);
        }
        self.n += 1;
        self.sum += x;
        self.least = self.least.min(x);
        self.most = self.most.max(x);
    }

    /// What `of` says, where there are `n` numbers and at least one.
    fn of_all(&self, n: u32, of: fn(&Spread) -> f64) -> Option<f64> {
        (n > 0 && self.n == n).then(|| of(self))
    }

    fn mean(&self) -> f64 {
        self.sum / f64::from(self.n.max(1))
    }
}

/// The accumulator: see the module's documentation. About 17 KB, however long the answer.
#[derive(Debug, Clone)]
pub struct Gauge {
    origin: Origin,
    logprobs: Spread,
    quantiles: Histogram,
    ring: [f64; WINDOW],
    lowest_window: f64,
    margins: Spread,
    entropies: Spread,
    masked: u32,
    pressure: f64,
    forced: u32,
    anchor_logprobs: Spread,
    anchor_margins: Spread,
    repeats: Repeats,
}

impl Gauge {
    /// An empty one.
    pub fn new(origin: Origin) -> Self {
        Gauge {
            origin,
            logprobs: Spread::default(),
            quantiles: Histogram::default(),
            ring: [0.0; WINDOW],
            lowest_window: 0.0,
            margins: Spread::default(),
            entropies: Spread::default(),
            masked: 0,
            pressure: 0.0,
            forced: 0,
            anchor_logprobs: Spread::default(),
            anchor_margins: Spread::default(),
            repeats: Repeats::default(),
        }
    }

    /// One more token. What is below [`LEAST_LOGPROB`] counts as that.
    ///
    /// # Errors
    /// [`RouteError::Invalid`] for a number that is none (NaN, plus infinity, a probability above 1); nothing is changed.
    pub fn push(&mut self, token: &Measured) -> Result<()> {
        let logprob = logprob("logprob", token.logprob)?;
        let margin = token.margin.map(|m| positive("margin", m)).transpose()?;
        let entropy = token.entropy.map(|e| positive("entropy", e)).transpose()?;
        let kept = token.kept.map(|k| self::logprob("kept", k)).transpose()?;

        self.repeats.push(token.token);
        if let Some(kept) = kept {
            self.masked += 1;
            self.pressure -= kept;
        }
        if token.freedom == Freedom::Forced {
            self.forced += 1;
            return Ok(());
        }
        self.ring[self.logprobs.n as usize % WINDOW] = logprob;
        self.logprobs.push(logprob);
        self.quantiles.push(-logprob);
        let window = self.window();
        if self.logprobs.n as usize <= WINDOW || window < self.lowest_window {
            self.lowest_window = window;
        }
        if let Some(margin) = margin {
            self.margins.push(margin);
        }
        if let Some(entropy) = entropy {
            self.entropies.push(entropy);
        }
        if token.place == Place::Value {
            self.anchor_logprobs.push(logprob);
            if let Some(margin) = margin {
                self.anchor_margins.push(margin);
            }
        }
        Ok(())
    }

    /// Mean log-probability of the last counted tokens, [`WINDOW`] of them or all; summed anew, so that nothing drifts.
    fn window(&self) -> f64 {
        let n = (self.logprobs.n as usize).min(WINDOW);
        self.ring[..n].iter().sum::<f64>() / n.max(1) as f64
    }

    /// Whether `rule` ends the answer here.
    pub fn aborts(&self, rule: &AbortRule) -> bool {
        self.logprobs.n >= rule.grace.max(1) && self.window() < rule.window_below
    }

    /// What the tokens so far say; the other signals are absent.
    pub fn signals(&self) -> Signals {
        let (l, n) = (&self.logprobs, self.logprobs.n);
        let quantile = |q: f64| self.quantiles.at(1.0 - q).map(|surprisal| -surprisal);
        let masked = self.masked > 0;
        Signals {
            version: SIGNAL_VERSION,
            origin: self.origin,
            tokens: n,
            mean_logprob: l.of_all(n, Spread::mean),
            min_logprob: l.of_all(n, |s| s.least),
            first_logprob: l.of_all(n, |s| s.first),
            q05_logprob: quantile(0.05),
            q10_logprob: quantile(0.10),
            q25_logprob: quantile(0.25),
            q50_logprob: quantile(0.50),
            window_logprob: (n > 0).then_some(self.lowest_window),
            mean_margin: self.margins.of_all(n, Spread::mean),
            min_margin: self.margins.of_all(n, |s| s.least),
            first_margin: self.margins.of_all(n, |s| s.first),
            mean_entropy: self.entropies.of_all(n, Spread::mean),
            max_entropy: self.entropies.of_all(n, |s| s.most),
            grammar_pressure: masked.then_some(self.pressure),
            forced_tokens: masked.then_some(self.forced),
            anchor_logprob: self.anchor_logprobs.of_all(self.anchor_logprobs.n, |s| s.least),
            anchor_margin: self.anchor_margins.of_all(self.anchor_logprobs.n, |s| s.least),
            repetition: self.repeats.share(),
            ..Signals::default()
        }
    }
}

/// A log-probability between [`LEAST_LOGPROB`] and 0.
fn logprob(name: &str, x: f64) -> Result<f64> {
    match x <= ROUNDING {
        true => Ok(x.clamp(LEAST_LOGPROB, 0.0)),
        false => Err(RouteError::invalid(name, "a log-probability: a number, at most 0", x)),
    }
}

/// A margin or an entropy between 0 and -[`LEAST_LOGPROB`].
fn positive(name: &str, x: f64) -> Result<f64> {
    match x >= -ROUNDING {
        // A rival that is impossible makes an infinite margin.
        true => Ok(x.clamp(0.0, -LEAST_LOGPROB)),
        false => Err(RouteError::invalid(name, "a number, at least 0", x)),
    }
}

#[cfg(test)]
mod tests;
