//! Why nothing more may be reserved.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The bound that is reached, by the name of its option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Bound {
    /// Money of one attempt.
    PerRequest,
    /// Money of the session.
    PerSession,
    /// Money of the batch.
    Batch,
    /// Money of the day.
    PerDay,
    /// Money of the month.
    PerMonth,
    /// Attempts in a minute.
    RequestsPerMinute,
    /// Tokens in a minute.
    TokensPerMinute,
    /// Attempts in a day.
    RequestsPerDay,
    /// Attempts in a month.
    RequestsPerMonth,
    /// Attempts that run at once: [`super::MAX_OPEN`].
    Open,
    /// Sessions that are known at once: [`super::MAX_SESSIONS`].
    Sessions,
    /// Batches that are known at once: [`super::MAX_BATCHES`].
    Batches,
}

impl Bound {
    /// It is of money.
    pub fn money(self) -> bool {
        use Bound::{Batch, PerDay, PerMonth, PerRequest, PerSession};
        matches!(self, PerRequest | PerSession | Batch | PerDay | PerMonth)
    }

    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Bound::PerRequest => "perRequest",
            Bound::PerSession => "perSession",
            Bound::Batch => "batch",
            Bound::PerDay => "perDay",
            Bound::PerMonth => "perMonth",
            Bound::RequestsPerMinute => "requestsPerMinute",
            Bound::TokensPerMinute => "tokensPerMinute",
            Bound::RequestsPerDay => "requestsPerDay",
            Bound::RequestsPerMonth => "requestsPerMonth",
            Bound::Open => "open",
            Bound::Sessions => "sessions",
            Bound::Batches => "batches",
        }
    }
}

/// What was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which bound.
    pub bound: Bound,
    /// What it would take of it: micro-units, requests or tokens.
    pub needed: u64,
    /// What is left of it for this purse.
    pub left: u64,
    /// `tiers` or `tasks`, where others' shares are why no more is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares: Option<String>,
    /// Milliseconds after which there will be enough, if nobody else takes it; absent: waiting does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// `budget_exhausted` of money, `rate_limited` of requests and tokens.
    pub fn code(&self) -> &'static str {
        if self.bound.money() {
            "budget_exhausted"
        } else {
            "rate_limited"
        }
    }

    /// What an error says beside its message.
    pub fn detail(&self) -> Value {
        let Refusal {
            bound,
            needed,
            left,
            shares,
            retry_after_ms,
        } = self;
        json!({"by": "budget", "bound": bound.name(), "needed": needed, "left": left, "shares": shares, "retry_after_ms": retry_after_ms})
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, unit) = (self.bound.name(), if self.bound.money() { " micro-units" } else { "" });
        write!(
            f,
            "the budget's {name} has {}{unit} left, and {} would be needed",
            self.left, self.needed
        )?;
        match self.retry_after_ms {
            Some(ms) => write!(f, "; there may be enough in {} s", ms.div_ceil(1000)),
            None => Ok(()),
        }
    }
}
