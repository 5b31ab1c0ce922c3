//! Signals of an answer of another engine, from the log-probabilities that it reports: OpenAI's shape, token by token.

use serde::{Deserialize, Serialize};

use crate::gauge::{Gauge, Measured, Place};
use crate::signals::{Origin, Signals};
use crate::values::Values;
use crate::{Result, RouteError};

/// Tokens of one answer, at most.
const MAX_TOKENS: usize = 1 << 17;
/// Alternatives of one token, at most.
const MAX_TOP: usize = 100;

/// An answer as another engine reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reported {
    /// Its tokens; null: the engine reports none.
    pub tokens: Option<Vec<Token>>,
    /// What it is.
    #[serde(default)]
    pub form: Form,
    /// Why it ended.
    #[serde(default)]
    pub finish: Finish,
    /// Whether there is anything in it.
    #[serde(default)]
    pub content: Content,
}

/// A token of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its text.
    pub token: String,
    /// Its log-probability.
    pub logprob: f64,
    /// Those of the best tokens at its place, in any order.
    #[serde(default)]
    pub top: Vec<f64>,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Text.
    #[default]
    Text,
    /// JSON: tokens of its values are looked at by themselves.
    Json,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// Nobody says.
    #[default]
    Unknown,
    /// By itself.
    Stop,
    /// By its length.
    Length,
}

/// Whether there is anything in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Nobody says.
    #[default]
    Unknown,
    /// Something.
    Some,
    /// Nothing, or white space alone.
    Empty,
}

impl Reported {
    /// Reads what an engine reports.
    ///
    /// # Errors
    ///
    /// `invalid_request` with the path of what is unknown or wrong.
    pub fn from_json(text: &str) -> Result<Reported> {
        crate::document::read("reported", text)
    }

    /// Its signals: [`Origin::Reported`], or [`Origin::None`] where there are no tokens.
    ///
    /// # Errors
    ///
    /// `invalid_request` for a log-probability that is none, with its path, and for more tokens than an answer has.
    pub fn signals(&self) -> Result<Signals> {
        let tokens = self.tokens.as_deref().unwrap_or_default();
        if tokens.len() > MAX_TOKENS {
            let expected = format!("at most {MAX_TOKENS} tokens");
            return Err(RouteError::invalid("reported.tokens", expected, tokens.len()));
        }
        let origin = if tokens.is_empty() {
            Origin::None
        } else {
            Origin::Reported
        };
        let mut gauge = Gauge::new(origin);
        let mut values = Values::default();
        for (i, token) in tokens.iter().enumerate() {
            let path = format!("reported.tokens[{i}]");
            if token.top.len() > MAX_TOP {
                let expected = format!("at most {MAX_TOP} alternatives");
                return Err(RouteError::invalid(format!("{path}.top"), expected, token.top.len()));
            }
            let mut measured = Measured::reported(&token.token, token.logprob, &token.top);
            if self.form == Form::Json && values.push(token.token.as_bytes()) {
                measured.place = Place::Value;
            }
            gauge.push(&measured).map_err(|error| match error {
                RouteError::Invalid {
                    path: of,
                    expected,
                    got,
                } => RouteError::invalid(format!("{path}.{of}"), expected, got),
                other => other,
            })?;
        }
        let mut signals = gauge.signals();
        signals.truncated = match self.finish {
            Finish::Unknown => None,
            finish => Some(finish == Finish::Length),
        };
        signals.empty = match self.content {
            Content::Unknown => None,
            content => Some(content == Content::Empty),
        };
        Ok(signals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reported_tokens_become_signals() {
        let text = r#"{"tokens": [{"token": "{\"a\":", "logprob": -0.1, "top": [-0.1, -3]}, {"token": "7", "logprob": -2, "top": [-1, -2]}, {"token": "}", "logprob": -0.01, "top": []}], "form": "json", "finish": "length", "content": "some"}"#;
        let signals = Reported::from_json(text).expect("JSON").signals().expect("signals");
        assert_eq!(signals.origin, Origin::Reported);
        assert_eq!((signals.tokens, signals.min_logprob), (3, Some(-2.0)));
        assert_eq!(signals.anchor_logprob, Some(-2.0));
        assert_eq!(
            signals.first_margin, None,
            "one token says nothing of its rivals, so that means would not be of all"
        );
        assert_eq!((signals.truncated, signals.empty), (Some(true), Some(false)));
    }

    #[test]
    fn without_tokens_there_are_no_probabilities() {
        for text in [r#"{"tokens": null}"#, r#"{"tokens": []}"#] {
            let signals = Reported::from_json(text).expect("JSON").signals().expect("signals");
            assert_eq!(
                (signals.origin, signals.mean_logprob, signals.truncated),
                (Origin::None, None, None)
            );
        }
    }

    #[test]
    fn what_is_no_log_probability_is_refused_by_path() {
        for (text, path) in [
            (
                r#"{"tokens": [{"token": "a", "logprob": 0.5}]}"#,
                "reported.tokens[0].logprob: ",
            ),
            (
                r#"{"tokens": [{"token": "a", "logprob": null}]}"#,
                "reported.tokens[0].logprob: ",
            ),
            (
                r#"{"tokens": [{"token": "a", "logprob": -1, "bytes": []}]}"#,
                "reported.tokens[0].bytes: ",
            ),
        ] {
            let error = Reported::from_json(text)
                .and_then(|r| r.signals())
                .expect_err(text)
                .to_string();
            assert!(error.starts_with(path), "{error}");
        }
    }
}
