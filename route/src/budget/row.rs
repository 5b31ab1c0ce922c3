//! One line of the ledger.

use serde::{Deserialize, Serialize};

/// Changes whenever an older row would be read differently.
pub const LEDGER_VERSION: u32 = 1;

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The device.
    Local,
    /// A remote model.
    Remote,
}

/// Who counted the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// The service, or the engine here.
    Reported,
    /// Nobody: they are the worst case.
    Estimated,
}

/// Where the counterfactual comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counterfactual {
    /// From tokens that the service counted.
    Measured,
    /// From tokens that the engine counted, or that nobody did.
    Estimated,
}

/// What an attempt has cost, or what an answer of the device did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// [`LEDGER_VERSION`].
    pub schema_version: u32,
    /// Its place in the ledger, in the order in which attempts were reserved: no two rows have the same.
    pub seq: u64,
    /// Of the answer.
    pub id: String,
    /// Which attempt of it; 0 of an answer of the device.
    pub attempt: u32,
    /// When it was reserved, in milliseconds since 1970: to that day and month it is counted.
    pub at: u64,
    /// Whose it was.
    pub session: String,
    /// Its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Its tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Its batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Who answered.
    pub source: Source,
    /// The remote model that was asked, or would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// What the service says that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Of the prompt.
    pub input_tokens: u64,
    /// Of the answer.
    pub output_tokens: u64,
    /// Of the prompt, from the service's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Who counted them.
    pub tokens: Tokens,
    /// Of all money here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The day of the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_as_of: Option<String>,
    /// Micro-units.
    pub cost: u64,
    /// Micro-units that were held back for it; where it has cost more, that is what it has cost.
    pub reserved: u64,
    /// Micro-units that the first remote model would have asked for the same tokens.
    pub counterfactual: u64,
    /// Where that comes from.
    pub counterfactual_kind: Counterfactual,
    /// Whole milliseconds of the device's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_ms: Option<u64>,
    /// Of a local answer that was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wasted_local_ms: Option<u64>,
    /// Of the remote one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
