//! Labelled answers: what a calibration is made from, in an order of their own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::border;
use crate::error::{Result, RouteError};
use crate::hash::Digest;
use crate::profile::LabelSource;
use crate::signals::Signals;

/// Most rows of one calibration; a bound for the border, and far above what pays.
pub const MAX_ROWS: usize = 200_000;

/// Longest text in a row, in bytes.
const MAX_TEXT: usize = 1024;

/// An answer of the small model, and what became of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Row {
    /// Of this answer, and of no other.
    pub id: String,
    /// A part of the traffic that may have a threshold of its own: a language, a tenant.
    pub group: Option<String>,
    /// Its signals.
    pub signals: Option<Signals>,
    /// A score from outside instead: more is more doubt.
    pub score: Option<f64>,
    /// Whether the small model was right; none where nobody knows.
    pub local_ok: Option<bool>,
    /// Whether the remote was right.
    pub remote_ok: Option<bool>,
    /// Who says so.
    pub label_source: Option<LabelSource>,
    /// The right answer's class, for a lint of what is covered.
    pub class: Option<String>,
    /// Of the request's text, to find the same one twice.
    pub text_digest: Option<String>,
    /// When, in any unit that grows.
    pub time: Option<f64>,
    /// How it came to be labelled.
    pub selected: Option<Selected>,
    /// Milliseconds that the answer took.
    pub local_ms: Option<f64>,
}

/// Which answers get a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selected {
    /// All, or a sample drawn without looking at them.
    All,
    /// Only kept ones.
    Kept,
    /// Only those that were asked of the remote, too.
    Escalated,
    /// Those that a user spoke of.
    Feedback,
}

impl Row {
    /// # Errors
    /// `invalid_request` with the row's place: a number that is none, a text that is too long.
    pub fn check(&self, at: usize) -> Result<()> {
        let path = |field: &str| format!("rows[{at}].{field}");
        for (field, x) in [("score", self.score), ("time", self.time), ("local_ms", self.local_ms)] {
            if let Some(x) = x.filter(|x| !x.is_finite()) {
                return Err(RouteError::invalid(path(field), "a finite number", x));
            }
        }
        let texts = [
            ("id", Some(&self.id)),
            ("group", self.group.as_ref()),
            ("class", self.class.as_ref()),
            ("text_digest", self.text_digest.as_ref()),
        ];
        for (field, text) in texts {
            if let Some(text) = text.filter(|t| t.len() > MAX_TEXT) {
                return Err(RouteError::invalid(
                    path(field),
                    format!("at most {MAX_TEXT} bytes"),
                    text.len(),
                ));
            }
        }
        let signals = self.signals.as_ref();
        signals.map_or(Ok(()), |s| border::check(&path("signals"), s))
    }

    /// Whether a check of the answer alone asks for the remote, whatever its score: see [`checks_failed`].
    pub fn checks_failed(&self) -> bool {
        self.signals.as_ref().is_some_and(checks_failed)
    }
}

/// Whether a verifier refused the answer, or it is a refusal, cut off or empty. Such an answer asks for the remote
/// whatever its score is; calibration is of all others.
pub fn checks_failed(s: &Signals) -> bool {
    let refused = [s.parse_ok, s.schema_ok, s.quote_ok, s.verified];
    let raised = [s.refusal, s.truncated, s.empty];
    refused.contains(&Some(false)) || raised.contains(&Some(true))
}

/// Rows in an order that follows from their ids (by hash, so that it says nothing of time or outcome), whatever order they
/// came in; and the digest of all of them.
///
/// # Errors
/// `invalid_request`: no rows, too many, one that makes no sense ([`Row::check`]) or has no id of its own.
pub fn ordered(rows: &[Row]) -> Result<(Vec<&Row>, String)> {
    if rows.is_empty() || rows.len() > MAX_ROWS {
        return Err(RouteError::invalid("rows", format!("1 to {MAX_ROWS} rows"), rows.len()));
    }
    let mut keyed = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        row.check(at)?;
        let text = serde_json::to_string(row).map_err(|e| RouteError::invalid(format!("rows[{at}]"), "a row", e))?;
        let mut id = Digest::default();
        id.add(row.id.as_bytes());
        keyed.push((id.mixed(), text, row));
    }
    // Without an id the order would go by what a row says, and what is fitted or certified would be a biased part; an id twice
    // would be evidence that counts twice.
    let mut ids = BTreeSet::new();
    for (at, row) in rows.iter().enumerate() {
        if row.id.is_empty() || !ids.insert(row.id.as_str()) {
            let got = format!("{:?}", row.id);
            return Err(RouteError::invalid(format!("rows[{at}].id"), "an id of its own", got));
        }
    }
    keyed.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    let mut digest = Digest::default();
    keyed.iter().for_each(|(_, text, _)| digest.add(text.as_bytes()));
    Ok((keyed.into_iter().map(|(_, _, row)| row).collect(), digest.name()))
}
