//! Why a request ended where it did: one closed list. Every request has exactly one terminal reason.

use serde::{Deserialize, Serialize};

/// A terminal reason. Its name in JSON is the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    // Asked of the remote model.
    /// The mode, or the task's rule, sends it there without asking the small model.
    PolicyAlways,
    /// The user asked for the bigger model.
    UserRequested,
    /// The user asked the same again, or said that the answer was wrong.
    Reask,
    /// Prompt and answer do not fit the small model's context.
    ContextOverflow,
    /// There is no small model here (not loaded, not supported, lost).
    LocalUnavailable,
    /// This device would take longer than the request may.
    SlowDevice,
    /// The calibrated risk is too high, or the score is under the threshold.
    LowConfidence,
    /// Generation was ended early: its doubt passed the bound for that.
    MidAbort,
    /// The answer is no JSON, or not of the schema.
    SchemaInvalid,
    /// Another check of the answer failed.
    VerifierFailed,
    /// The small model said that it cannot, or does not know.
    Refusal,
    /// The answer runs in circles.
    Repetition,
    /// The answer was cut off by its length.
    Truncated,
    /// Nothing that was found speaks of the question.
    RetrievalMiss,
    /// The text belongs to none of the labels.
    OutOfScope,
    /// Drawn by the caller to check what is otherwise kept.
    AuditSample,
    // Kept on the device.
    /// The answer is good enough.
    Confident,
    /// The mode, or the task's rule, keeps it here.
    PolicyNever,
    /// A label in the payload forbids that it leaves.
    PrivacyNever,
    /// The user did not agree.
    ConsentDenied,
    /// No remote model is configured, or none takes this request.
    NoRemote,
    /// There is no connection.
    Offline,
    /// Too many failures of late; the remote rests.
    BreakerOpen,
    /// Requests or tokens per time are used up.
    RateLimited,
    /// The money is used up.
    BudgetExhausted,
    /// The money would be used up too early; what is left goes to requests worth more.
    BudgetPacing,
    /// Too large a share of the session was escalated already.
    MaxRate,
    /// The remote answer would gain less than it costs.
    NotWorth,
    /// The remote model was asked and failed; the best local answer stands.
    RemoteFailed,
}
