//! A linear head: labels from a model's hidden state, fitted to a few examples of each on the device itself.
//!
//! `p(label | x) = softmax(W z + b)` with `z = S (x - mean) / scale`: the state, each value brought to mean 0 and variance 1 as
//! in the examples, and beyond [`MOST_USED`] values sketched down to that many (`sketch.rs`). The weights are stored in 8 bits with
//! one scale for each label. docs/tasks.md has what it gains; `fit.rs` how it is found.

mod fit;
mod pack;
mod product;
mod sketch;
mod solve;
#[cfg(test)]
mod tests;

pub use fit::{Examples, FitOptions, MOST_VALUES, fit};
pub use sketch::MOST_USED;

use serde::{Deserialize, Serialize};

use crate::document::read;
use crate::error::{Result, RouteError};
use crate::math::exp;

/// The version of a stored head's shape.
pub const SCHEMA_VERSION: u32 = 1;

/// Most labels.
pub const MAX_LABELS: usize = 1000;

/// Most values of a hidden state: a model of hundreds of billions of parameters has 16,384.
pub const MAX_DIMENSIONS: usize = 65_536;

/// A value farther from the examples' mean, in standard deviations, counts as so far: it is nothing like them.
const FARTHEST: f32 = 1000.0;

/// Longest label or name in a binding, in bytes.
const MAX_NAME: usize = 1000;

/// What a head was fitted with. Strings are compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadBinding {
    /// Of the weights.
    pub model_hash: String,
    /// `Q8_0`, …
    pub quantization: String,
    /// Of the vocabulary and its rules.
    pub tokenizer_hash: String,
    /// How a text becomes a state: what stands around it, and how the tokens' states are pooled.
    pub state: String,
}

impl HeadBinding {
    /// Whether what is there (`actual`) is what the head was fitted with.
    ///
    /// # Errors
    /// `profile_mismatch`, with the first field that differs.
    pub fn check(&self, actual: &HeadBinding) -> Result<()> {
        let pairs = [
            ("model_hash", &self.model_hash, &actual.model_hash),
            ("quantization", &self.quantization, &actual.quantization),
            ("tokenizer_hash", &self.tokenizer_hash, &actual.tokenizer_hash),
            ("state", &self.state, &actual.state),
        ];
        match pairs.into_iter().find(|(_, head, got)| head != got) {
            None => Ok(()),
            Some((field, head, got)) => Err(RouteError::ProfileMismatch {
                field: field.into(),
                profile: head.clone(),
                got: got.clone(),
            }),
        }
    }
}

/// A fitted head.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// What it was fitted with.
    pub binding: HeadBinding,
    /// What it tells apart.
    pub labels: Vec<String>,
    /// Examples of each.
    pub examples: Vec<u32>,
    /// Of each value of the state, in the examples.
    mean: Vec<f32>,
    /// Its standard deviation there; 1 where it never varies.
    scale: Vec<f32>,
    /// `[labels, used]`, in steps of `steps[label]`.
    weights: Vec<i8>,
    steps: Vec<f32>,
    bias: Vec<f32>,
}

/// How it is stored: numbers as base64 of little-endian bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    schema_version: u32,
    binding: HeadBinding,
    labels: Vec<String>,
    examples: Vec<u32>,
    mean: String,
    scale: String,
    weights: String,
    steps: String,
    bias: String,
}

/// What a head says of a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Index of the likeliest label; of equals, the first.
    pub best: usize,
    /// Of each label; they sum to 1.
    pub probabilities: Vec<f64>,
    /// The best one.
    pub max: f64,
    /// The best less the second best.
    pub margin: f64,
}

impl Head {
    /// Values of a state.
    pub fn dimensions(&self) -> usize {
        self.mean.len()
    }

    /// What it says of a state.
    ///
    /// # Errors
    /// `invalid_request` for a state of another length, or with a value that is not finite.
    pub fn predict(&self, state: &[f32]) -> Result<Prediction> {
        if state.len() != self.dimensions() {
            return Err(RouteError::invalid(
                "state",
                format!("{} values", self.dimensions()),
                state.len(),
            ));
        }
        if let Some(i) = state.iter().position(|x| !x.is_finite()) {
            return Err(RouteError::invalid(format!("state[{i}]"), "a finite number", state[i]));
        }
        let values = state.iter().zip(self.mean.iter().zip(&self.scale));
        let standard: Vec<f32> = values
            .map(|(x, (mean, scale))| ((x - mean) / scale).clamp(-FARTHEST, FARTHEST))
            .collect();
        let z = sketch::sketch(&standard);
        let rows = self
            .weights
            .chunks_exact(z.len())
            .zip(self.steps.iter().zip(&self.bias));
        let logits: Vec<f64> = rows
            .map(|(row, (step, bias))| {
                let sum: f64 = row.iter().zip(&z).map(|(w, z)| f64::from(*w) * f64::from(*z)).sum();
                sum * f64::from(*step) + f64::from(*bias)
            })
            .collect();
        let best = (0..logits.len()).fold(0, |a, b| if logits[b] > logits[a] { b } else { a });
        let shares: Vec<f64> = logits.iter().map(|l| exp(l - logits[best])).collect();
        let total: f64 = shares.iter().sum();
        let probabilities: Vec<f64> = shares.iter().map(|s| s / total).collect();
        let rivals = probabilities.iter().enumerate().filter(|(i, _)| *i != best);
        let second = rivals.map(|(_, p)| *p).fold(0.0, f64::max);
        Ok(Prediction {
            best,
            max: probabilities[best],
            margin: probabilities[best] - second,
            probabilities,
        })
    }

    /// Reads a stored head.
    ///
    /// # Errors
    /// `invalid_request` with the path of what is wrong.
    pub fn from_json(text: &str) -> Result<Head> {
        let stored: Stored = read("head", text)?;
        let wrong = |path: &str, expected: String, got: usize| Err(RouteError::invalid(path, expected, got));
        if stored.schema_version != SCHEMA_VERSION {
            return Err(RouteError::invalid(
                "head.schema_version",
                SCHEMA_VERSION.to_string(),
                stored.schema_version,
            ));
        }
        let head = Head {
            mean: pack::floats("head.mean", &stored.mean)?,
            scale: pack::floats("head.scale", &stored.scale)?,
            weights: pack::bytes("head.weights", &stored.weights)?
                .into_iter()
                .map(|b| b as i8)
                .collect(),
            steps: pack::floats("head.steps", &stored.steps)?,
            bias: pack::floats("head.bias", &stored.bias)?,
            binding: stored.binding,
            labels: stored.labels,
            examples: stored.examples,
        };
        check_labels("head.labels", &head.labels)?;
        let (labels, values) = (head.labels.len(), head.mean.len());
        if !(1..=MAX_DIMENSIONS).contains(&values) {
            return wrong("head.mean", format!("1 to {MAX_DIMENSIONS} values"), values);
        }
        for (path, expected, got) in [
            ("head.examples", labels, head.examples.len()),
            ("head.scale", values, head.scale.len()),
            ("head.weights", labels * values.min(MOST_USED), head.weights.len()),
            ("head.steps", labels, head.steps.len()),
            ("head.bias", labels, head.bias.len()),
        ] {
            if expected != got {
                return wrong(path, format!("{expected} values"), got);
            }
        }
        if let Some(i) = head.scale.iter().position(|s| *s <= 0.0) {
            return Err(RouteError::invalid(
                format!("head.scale[{i}]"),
                "more than 0",
                head.scale[i],
            ));
        }
        Ok(head)
    }

    /// As JSON.
    ///
    /// # Errors
    /// `invalid_request` where JSON cannot say it.
    pub fn to_json(&self) -> Result<String> {
        let weights: Vec<u8> = self.weights.iter().map(|w| *w as u8).collect();
        let stored = Stored {
            schema_version: SCHEMA_VERSION,
            binding: self.binding.clone(),
            labels: self.labels.clone(),
            examples: self.examples.clone(),
            mean: pack::from_floats(&self.mean),
            scale: pack::from_floats(&self.scale),
            weights: pack::from_bytes(&weights),
            steps: pack::from_floats(&self.steps),
            bias: pack::from_floats(&self.bias),
        };
        serde_json::to_string(&stored).map_err(|e| RouteError::invalid("head", "what JSON can say", e))
    }
}

/// At least two labels that differ.
fn check_labels(path: &str, labels: &[String]) -> Result<()> {
    if !(2..=MAX_LABELS).contains(&labels.len()) {
        return Err(RouteError::invalid(
            path,
            format!("2 to {MAX_LABELS} labels"),
            labels.len(),
        ));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (i, label) in labels.iter().enumerate() {
        if label.trim().is_empty() || label.len() > MAX_NAME {
            return Err(RouteError::invalid(
                format!("{path}[{i}]"),
                format!("1 to {MAX_NAME} bytes"),
                format!("{} bytes", label.len()),
            ));
        }
        if !seen.insert(label) {
            return Err(RouteError::invalid(
                format!("{path}[{i}]"),
                "labels that differ",
                format!("{label:?} again"),
            ));
        }
    }
    Ok(())
}
