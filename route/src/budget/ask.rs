//! Who asks, what is to be reserved, and what is known when an attempt has ended.

use serde::{Deserialize, Serialize};

use crate::document::{MAX_INTEGER, integer};
use crate::policy::MAX_NAME;
use crate::price::Price;
use crate::{Result, RouteError};

/// Who asks. An absent name is one of its own, without a share.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Purse {
    /// Of `facts.task`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Of `facts.tier`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Whose `perSession` is used: any name without white space.
    pub session: String,
    /// The batch that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
}

/// Several requests under one bound.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Its name.
    pub id: String,
    /// Micro-units that all of it may cost.
    pub most: u64,
}

/// The worst case of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ask {
    /// Of the answer.
    pub id: String,
    /// Which attempt of it.
    pub attempt: u32,
    /// As in [`Purse`], and so the three that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// See [`Purse`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// See [`Purse`].
    pub session: String,
    /// See [`Purse`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// The remote model that is asked.
    pub remote: String,
    /// Its price.
    pub price: Price,
    /// That of the first remote model, where this is another: what the counterfactual is counted by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Price>,
    /// Tokens of the prompt, at most.
    pub input: u64,
    /// Tokens of the answer, at most.
    pub output: u64,
}

/// What names an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Of [`Purse`].
    pub session: String,
    /// Of the answer.
    pub id: String,
    /// Which attempt of it.
    pub attempt: u32,
}

impl Key {
    /// One text: no two attempts have the same one, for a session has no spaces.
    pub fn text(&self) -> String {
        format!("{} {} {}", self.attempt, self.session, self.id)
    }
}

/// Tokens that a service counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Of the prompt, those from a cache included.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
    /// Of the prompt, from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
}

/// What an attempt is known to have cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Said")]
pub enum Spent {
    /// What was counted.
    Usage {
        /// By the service.
        usage: Usage,
    },
    /// Nothing: it was turned away before it was worked on.
    Refused,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// As JSON has it: `{"kind": "usage", "usage": {...}}`, `refused`, `unknown`.
#[derive(Deserialize)]
struct Said {
    kind: Kind,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Usage,
    Refused,
    Unknown,
}

impl From<Said> for Spent {
    fn from(said: Said) -> Spent {
        match (said.kind, said.usage) {
            (Kind::Usage, Some(usage)) => Spent::Usage { usage },
            (Kind::Refused, _) => Spent::Refused,
            // What is said to be counted, without numbers, nobody has counted.
            _ => Spent::Unknown,
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settled {
    /// What it has cost.
    pub spent: Spent,
    /// What the service says that it is.
    pub model: Option<String>,
    /// Likewise.
    pub provider: Option<String>,
    /// Whole milliseconds.
    pub latency_ms: Option<u64>,
    /// Of the local answer that was given up for it.
    pub wasted_local_ms: Option<u64>,
    /// Of the decision.
    pub reason: Option<String>,
}

/// An answer from the device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kept {
    /// Of the answer.
    pub id: String,
    /// See [`Purse`].
    pub task: Option<String>,
    /// See [`Purse`].
    pub tier: Option<String>,
    /// See [`Purse`].
    pub session: String,
    /// See [`Purse`]; it costs nothing of it.
    pub batch: Option<Batch>,
    /// What the first remote model asks.
    pub price: Option<Price>,
    /// Its name.
    pub remote: Option<String>,
    /// Tokens of the prompt, as the engine counted them.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Whole milliseconds that it took.
    pub local_ms: Option<u64>,
    /// Of the decision.
    pub reason: Option<String>,
}

impl Purse {
    /// Refuses names that are none.
    pub(super) fn check(&self, path: &str) -> Result<()> {
        let Purse {
            task,
            tier,
            session,
            batch,
        } = self;
        named(&format!("{path}.session"), session)?;
        if session.chars().any(char::is_whitespace) {
            return Err(RouteError::invalid(format!("{path}.session"), "no white space", "some"));
        }
        for (name, text) in [("task", task), ("tier", tier)] {
            if text.as_ref().is_some_and(|text| text.len() > MAX_NAME) {
                let expected = format!("at most {MAX_NAME} bytes");
                return Err(RouteError::invalid(format!("{path}.{name}"), expected, "more"));
            }
        }
        if let Some(batch) = batch {
            named(&format!("{path}.batch.id"), &batch.id)?;
            integer(&format!("{path}.batch.most"), Some(batch.most))?;
        }
        Ok(())
    }
}

impl Ask {
    /// Who asks.
    pub fn purse(&self) -> Purse {
        let Ask {
            task,
            tier,
            session,
            batch,
            ..
        } = self.clone();
        Purse {
            task,
            tier,
            session,
            batch,
        }
    }

    /// What names it.
    pub fn key(&self) -> Key {
        Key {
            session: self.session.clone(),
            id: self.id.clone(),
            attempt: self.attempt,
        }
    }

    /// Refuses numbers and names that make no sense.
    pub(super) fn check(&self) -> Result<()> {
        named("reserve.id", &self.id)?;
        named("reserve.remote", &self.remote)?;
        self.purse().check("reserve")?;
        self.price.check("reserve.price")?;
        if let Some(baseline) = &self.baseline {
            baseline.check("reserve.baseline")?;
            baseline.same_currency("reserve.baseline", &self.price)?;
        }
        tokens("reserve", self.input, self.output)
    }
}

impl Kept {
    /// Refuses numbers and names that make no sense.
    pub(super) fn check(&self) -> Result<()> {
        named("kept.id", &self.id)?;
        let Kept {
            task,
            tier,
            session,
            batch,
            ..
        } = self.clone();
        Purse {
            task,
            tier,
            session,
            batch,
        }
        .check("kept")?;
        if let Some(price) = &self.price {
            price.check("kept.price")?;
        }
        if let Some(remote) = &self.remote {
            named("kept.remote", remote)?;
        }
        integer("kept.local_ms", self.local_ms)?;
        tokens("kept", self.input, self.output)
    }
}

impl Settled {
    /// With numbers that a double holds, and texts that are no longer than names: what a server says is no reason not to
    /// settle.
    pub(super) fn tamed(mut self) -> Settled {
        if let Spent::Usage { usage } = &mut self.spent {
            usage.input = usage.input.min(MAX_INTEGER);
            usage.output = usage.output.min(MAX_INTEGER);
            usage.cached = usage.cached.map(|cached| cached.min(usage.input));
        }
        for text in [&mut self.model, &mut self.provider, &mut self.reason]
            .into_iter()
            .flatten()
        {
            let end = (0..=MAX_NAME.min(text.len()))
                .rev()
                .find(|&end| text.is_char_boundary(end));
            text.truncate(end.unwrap_or(0));
        }
        self.latency_ms = self.latency_ms.map(|ms| ms.min(MAX_INTEGER));
        self.wasted_local_ms = self.wasted_local_ms.map(|ms| ms.min(MAX_INTEGER));
        self
    }
}

fn named(path: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME {
        let expected = format!("a text of 1 to {MAX_NAME} bytes");
        return Err(RouteError::invalid(path, expected, format!("{} bytes", name.len())));
    }
    Ok(())
}

/// Each at most 2^53 - 1, and so their sum fits as well.
fn tokens(path: &str, input: u64, output: u64) -> Result<()> {
    integer(&format!("{path}.input"), Some(input))?;
    integer(&format!("{path}.output"), Some(output))
}
