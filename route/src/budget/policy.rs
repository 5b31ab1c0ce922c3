//! The bounds, as the app states them: option `budget`, one JSON document in camelCase.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::{between, integer, read_by};
use crate::policy::{MAX_NAME, MAX_TASKS};
use crate::{Result, RouteError};

/// Shares are counted in millionths, so that the parts of a bound are integers that never sum to more than it.
pub(super) const WHOLE: u64 = 1_000_000;
/// The strongest pacing.
const MAX_PACING: f64 = 100.0;
/// Priorities are small numbers.
const MAX_PRIORITY: i32 = 1_000;

/// What may be spent. What is left out is not bounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct BudgetPolicy {
    /// Attempts in a minute: a bucket that holds so many, and is filled as fast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens of prompts and answers in a minute, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Attempts in a day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<u64>,
    /// Attempts in a calendar month (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_month: Option<u64>,
    /// Micro-units that one attempt may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request: Option<u64>,
    /// Micro-units of one session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_session: Option<u64>,
    /// Micro-units of a day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u64>,
    /// Micro-units of a calendar month (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_month: Option<u64>,
    /// Shares by tier.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tiers: BTreeMap<String, Share>,
    /// Shares by task.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, Share>,
    /// How strongly money becomes dearer where it is spent ahead of an even pace; 0: not.
    pub pacing: f64,
}

/// A part of every bound on requests, tokens and money that is shared: those per minute, day and month.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Share {
    /// 0 to 1, to millionths.
    pub share: f64,
    /// Who borrows first; negative: never borrows.
    #[serde(default)]
    pub priority: i32,
}

impl Default for BudgetPolicy {
    fn default() -> BudgetPolicy {
        BudgetPolicy {
            requests_per_minute: None,
            tokens_per_minute: None,
            requests_per_day: None,
            requests_per_month: None,
            per_request: None,
            per_session: None,
            per_day: None,
            per_month: None,
            tiers: BTreeMap::new(),
            tasks: BTreeMap::new(),
            pacing: 1.0,
        }
    }
}

impl Share {
    /// In millionths.
    pub(super) fn parts(&self) -> u64 {
        (self.share.clamp(0.0, 1.0) * WHOLE as f64 + 0.5) as u64
    }

    /// What of a bound nobody else may use, rounded down.
    pub(super) fn of(&self, bound: u64) -> u64 {
        (u128::from(bound) * u128::from(self.parts()) / u128::from(WHOLE)) as u64
    }
}

impl BudgetPolicy {
    /// Reads and checks a policy.
    ///
    /// # Errors
    ///
    /// `invalid_request` with the path of what is unknown or wrong: `budget.perDay`.
    pub fn from_json(text: &str) -> Result<BudgetPolicy> {
        let policy: BudgetPolicy = read_by("budget", text, "docs/budget.md")?;
        policy.check()?;
        Ok(policy)
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        for (name, bound) in [
            ("requestsPerMinute", self.requests_per_minute),
            ("tokensPerMinute", self.tokens_per_minute),
            ("requestsPerDay", self.requests_per_day),
            ("requestsPerMonth", self.requests_per_month),
            ("perRequest", self.per_request),
            ("perSession", self.per_session),
            ("perDay", self.per_day),
            ("perMonth", self.per_month),
        ] {
            integer(&format!("budget.{name}"), bound)?;
        }
        between("budget.pacing", Some(self.pacing), 0.0, MAX_PACING)?;
        checked("budget.tiers", &self.tiers)?;
        checked("budget.tasks", &self.tasks)
    }
}

fn checked(path: &str, shares: &BTreeMap<String, Share>) -> Result<()> {
    if shares.len() > MAX_TASKS {
        return Err(RouteError::invalid(path, format!("at most {MAX_TASKS}"), shares.len()));
    }
    for (name, share) in shares {
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(RouteError::invalid(
                path,
                format!("names of 1 to {MAX_NAME} bytes"),
                name.len(),
            ));
        }
        between(&format!("{path}.{name}.share"), Some(share.share), 0.0, 1.0)?;
        if !(-MAX_PRIORITY..=MAX_PRIORITY).contains(&share.priority) {
            let expected = format!("a whole number from -{MAX_PRIORITY} to {MAX_PRIORITY}");
            return Err(RouteError::invalid(
                format!("{path}.{name}.priority"),
                expected,
                share.priority,
            ));
        }
    }
    let parts: u64 = shares.values().map(Share::parts).sum();
    if parts > WHOLE {
        let sum = parts as f64 / WHOLE as f64;
        return Err(RouteError::invalid(path, "shares that sum to at most 1", sum));
    }
    Ok(())
}
