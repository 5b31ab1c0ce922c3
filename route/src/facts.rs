//! What is known of a request before anything is generated. The caller states it; nothing here is measured or asked for.

use serde::{Deserialize, Serialize};

use crate::document::{between, finite, integer};
use crate::policy::MAX_NAME;
use crate::privacy::Label;
use crate::{Result, RouteError};

/// Things in one payload that have labels of their own, at most.
pub const MAX_LABELS: usize = 100_000;

/// The facts of one request. All may be left out; what is absent forbids nothing and asks for nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The task, for its rule and its calibration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The group within the task, for its threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Tokens of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u32>,
    /// Tokens that the answer may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Tokens that the small model's context holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Labels of everything in the payload: messages, documents, passages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payload: Vec<Label>,
    /// What the user has said to leaving, where he was asked before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// What the user does.
    pub user: User,
    /// Whether there is a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// The small model.
    pub local: Local,
    /// Its speed over a prompt, in tokens per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill_rate: Option<f64>,
    /// Its speed over an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode_rate: Option<f64>,
    /// What this request may take on this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_budget_ms: Option<u32>,
    /// Micro-units that a correct answer to this request is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// The customer's tier: recorded, for whoever states `value` by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// What the app's own scorer says of how hard the request is, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complexity: Option<f64>,
    /// Score of the best passage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieval_top: Option<f64>,
    /// That less the second best one's, divided by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieval_margin: Option<f64>,
    /// What may still be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Remote models that rest after failures, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resting: Vec<String>,
    /// The caller drew this request to check what is otherwise kept.
    pub audit: bool,
}

/// What the user has said to leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// No. Yes is no fact: consent is an answer to what leaves, and is asked for when it does.
    Denied,
}

/// What the user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum User {
    /// Asks.
    #[default]
    Asks,
    /// Asks the same again, or says that the answer was wrong.
    Reasks,
    /// Asks for the bigger model.
    RequestsRemote,
}

/// The small model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Local {
    /// It can answer.
    #[default]
    Ready,
    /// It will be there.
    Downloading,
    /// There is none.
    Absent,
}

/// What may still be spent. Who states a budget or a value states `prompt_tokens` and `max_tokens`, too: a cost that nothing
/// bounds cannot be held against it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Micro-units that are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// By how much money counts more now than planned (from the budget's controller); 1 is as planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing: Option<f64>,
    /// Requests that the rate limit leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// Tokens that it leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

impl Facts {
    /// Reads and checks facts.
    ///
    /// # Errors
    ///
    /// `invalid_request` with the path of what is unknown or wrong.
    pub fn from_json(text: &str) -> Result<Facts> {
        let facts: Facts = crate::document::read("facts", text)?;
        facts.check()?;
        Ok(facts)
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        for (field, text) in [("task", &self.task), ("group", &self.group), ("tier", &self.tier)] {
            if text.as_ref().is_some_and(|text| text.len() > MAX_NAME) {
                let expected = format!("at most {MAX_NAME} bytes");
                return Err(RouteError::invalid(format!("facts.{field}"), expected, "more"));
            }
        }
        if self.payload.len() > MAX_LABELS {
            let expected = format!("at most {MAX_LABELS} labels");
            return Err(RouteError::invalid("facts.payload", expected, self.payload.len()));
        }
        between("facts.prefill_rate", self.prefill_rate, f64::MIN_POSITIVE, f64::MAX)?;
        between("facts.decode_rate", self.decode_rate, f64::MIN_POSITIVE, f64::MAX)?;
        between("facts.complexity", self.complexity, 0.0, 1.0)?;
        finite("facts.retrieval_top", self.retrieval_top)?;
        finite("facts.retrieval_margin", self.retrieval_margin)?;
        integer("facts.value", self.value)?;
        if let Some(budget) = &self.budget {
            integer("facts.budget.remaining", budget.remaining)?;
            integer("facts.budget.tokens", budget.tokens)?;
            between("facts.budget.pacing", budget.pacing, 0.0, MAX_PACING)?;
        }
        Ok(())
    }
}

/// The largest pacing price: beyond it nothing would leave anyway.
const MAX_PACING: f64 = 1e9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_path() {
        for (text, path) in [
            (r#"{"tokens": 1}"#, "facts.tokens: "),
            (r#"{"prompt_tokens": -1}"#, "facts.prompt_tokens: "),
            (r#"{"complexity": 1.01}"#, "facts.complexity: "),
            (r#"{"decode_rate": 0}"#, "facts.decode_rate: "),
            (r#"{"retrieval_top": 1e400}"#, "facts.retrieval_top: "),
            (
                r#"{"payload": [{"consent": "free"}, {"consent": "public"}]}"#,
                "facts.payload[1].consent: ",
            ),
            (r#"{"answered": "granted"}"#, "facts.answered: "),
            (r#"{"budget": {"pacing": -1}}"#, "facts.budget.pacing: "),
            (r#"{"value": 9007199254740992}"#, "facts.value: "),
        ] {
            let message = Facts::from_json(text).expect_err(text).to_string();
            assert!(message.starts_with(path), "{text}: {message}");
        }
        let nan = Facts {
            retrieval_top: Some(f64::NAN),
            ..Facts::default()
        };
        assert!(nan.check().is_err());
        assert_eq!(Facts::from_json("{}").expect("no facts"), Facts::default());
    }
}
