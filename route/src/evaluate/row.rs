//! Rows of outcomes: JSON Lines, read strictly; an error names the line.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::calibrate::Selected;
use crate::document::{between, finite, integer};
use crate::profile::LabelSource;
use crate::signals::Signals;
use crate::{Result, RouteError, calibrate};

/// The largest cost of one answer, in micro-units: a million units. Sums of a million rows stay exact.
const MAX_COST: u64 = 1_000_000_000_000;

/// The longest that one answer takes: eleven days. Sums of a million rows stay exact to the millisecond.
const MAX_MS: f64 = 1e9;

/// Most rows of one file.
pub const MAX_ROWS: usize = 1_000_000;

/// One request, answered by the local model and, where it is known, by remote ones. docs/route.md has the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// A text or a whole number; no two rows share one.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// What kind of request.
    pub task: String,
    /// A part of the traffic: a language, a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Signals of the local answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<Signals>,
    /// A score from outside: more is more doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Odds from outside that the local answer is wrong, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_error: Option<f64>,
    /// The local answer is right.
    pub local_ok: bool,
    /// The strong remote one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ok: Option<bool>,
    /// The cheap remote one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheap_ok: Option<bool>,
    /// Doubt of the cheap remote answer, for the cascade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheap_score: Option<f64>,
    /// Two verdicts on the local answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grades: Option<Grades>,
    /// What the answers cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<Costs>,
    /// Length of the prompt in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_chars: Option<u64>,
    /// Length of the prompt in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Who says what is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_source: Option<LabelSource>,
    /// The right answer's class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Of the request's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_digest: Option<String>,
    /// When, in any unit that grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// How it came to be labelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected: Option<Selected>,
    /// Milliseconds that the local answer took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_ms: Option<f64>,
    /// What a page's collection keeps of the texts themselves (docs/tasks.md); nothing here looks at it.
    #[serde(default, skip_serializing)]
    pub texts: Option<BTreeMap<String, IgnoredAny>>,
}

/// Verdicts on the local answer: of a program, and of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grades {
    /// Of a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<bool>,
    /// Of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human: Option<bool>,
}

/// What the answers to one request cost, in micro-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// The local one; nothing on a device.
    #[serde(default)]
    pub local: u64,
    /// The strong remote one.
    pub remote: u64,
    /// The cheap remote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheap: Option<u64>,
}

/// A text, or a whole number as text.
fn id<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(i64),
        Text(String),
    }
    Ok(match Id::deserialize(from)? {
        Id::Number(number) => number.to_string(),
        Id::Text(text) => text,
    })
}

/// All rows of a text in JSON Lines; blank lines do not count.
///
/// # Errors
/// `invalid_request` with line and key: no JSON, an unknown key, a number that is none, an id that was there before; or no
/// row at all.
pub fn read(text: &str) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = format!("line {}", i + 1);
        let row: Row = crate::document::read(&at, line)?;
        row.check(&at)?;
        if let Some(first) = lines.insert(row.id.clone(), i + 1) {
            let got = format!("{:?}, as in line {first}", row.id);
            return Err(RouteError::invalid(format!("{at}.id"), "an id of its own", got));
        }
        if rows.len() == MAX_ROWS {
            return Err(RouteError::invalid("rows", format!("at most {MAX_ROWS}"), "more"));
        }
        rows.push(row);
    }
    match rows.is_empty() {
        true => Err(RouteError::invalid("rows", "at least one", "none")),
        false => Ok(rows),
    }
}

impl Row {
    fn check(&self, at: &str) -> Result<()> {
        let path = |field: &str| format!("{at}.{field}");
        finite(&path("score"), self.score)?;
        finite(&path("cheap_score"), self.cheap_score)?;
        finite(&path("time"), self.time)?;
        between(&path("p_error"), self.p_error, 0.0, 1.0)?;
        between(&path("local_ms"), self.local_ms, 0.0, MAX_MS)?;
        integer(&path("prompt_chars"), self.prompt_chars)?;
        integer(&path("prompt_tokens"), self.prompt_tokens)?;
        for cost in self
            .costs
            .iter()
            .flat_map(|c| [c.local, c.remote, c.cheap.unwrap_or(0)])
        {
            if cost > MAX_COST {
                return Err(RouteError::invalid(
                    path("costs"),
                    format!("at most {MAX_COST} micro-units"),
                    cost,
                ));
            }
        }
        match &self.signals {
            Some(signals) => crate::border::check(&path("signals"), signals),
            None => Ok(()),
        }
    }

    /// Length of the prompt: in tokens where they are known.
    pub fn prompt_length(&self) -> Option<f64> {
        let signals = self.signals.as_ref().and_then(|s| s.prompt_tokens).map(u64::from);
        let length = self.prompt_tokens.or(signals).or(self.prompt_chars);
        length.map(|n| n as f64)
    }

    /// The same for a calibration.
    pub fn labelled(&self) -> calibrate::Row {
        calibrate::Row {
            id: self.id.clone(),
            group: self.group.clone(),
            signals: self.signals.clone(),
            score: self.score,
            local_ok: Some(self.local_ok),
            remote_ok: self.remote_ok,
            label_source: self.label_source,
            class: self.class.clone(),
            text_digest: self.text_digest.clone(),
            time: self.time,
            selected: self.selected,
            local_ms: self.local_ms,
        }
    }
}

/// `Some` of all rows, or `None` if none has it.
///
/// # Errors
/// Some rows have it and others do not: such a set would be judged on its easy half.
pub fn all_or_none<T>(rows: &[Row], name: &str, get: impl Fn(&Row) -> Option<T>) -> Result<Option<Vec<T>>> {
    let values: Vec<T> = rows.iter().filter_map(get).collect();
    match values.len() {
        0 => Ok(None),
        n if n == rows.len() => Ok(Some(values)),
        n => Err(RouteError::invalid(
            name,
            "in every row or in none",
            format!("{n} of {}", rows.len()),
        )),
    }
}
