//! Why a request ended where it did: one closed list. Every request has exactly one terminal reason.

use serde::{Deserialize, Serialize};

/// On which side a reason stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It asks the remote model.
    Asks,
    /// It keeps the request on the device.
    Keeps,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $side:ident;)+) => {
        /// A terminal reason. Its name in JSON is the code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// All of them, in the order of docs/routing.md.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),+];

            /// The stable name.
            pub fn code(self) -> &'static str {
                match self {
                    $(Reason::$name => $code,)+
                }
            }

            /// On which side it stands.
            pub fn side(self) -> Side {
                match self {
                    $(Reason::$name => Side::$side,)+
                }
            }

            /// What it means, as in docs/routing.md.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Reason::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

reasons! {
    /// The mode, or the task's rule, sends it there without asking the small model.
    PolicyAlways = "policy_always", Asks;
    /// The user asked for the bigger model.
    UserRequested = "user_requested", Asks;
    /// The user asked the same again, or said that the answer was wrong.
    Reask = "reask", Asks;
    /// Prompt and answer do not fit the small model's context.
    ContextOverflow = "context_overflow", Asks;
    /// There is no small model here (not loaded, not supported, lost).
    LocalUnavailable = "local_unavailable", Asks;
    /// This device would take longer than the request may.
    SlowDevice = "slow_device", Asks;
    /// The app's own scorer puts the request above the bound that the policy states.
    Complexity = "complexity", Asks;
    /// Nothing that was found speaks of the question.
    RetrievalMiss = "retrieval_miss", Asks;
    /// Generation was ended early: its doubt passed the bound for that.
    MidAbort = "mid_abort", Asks;
    /// The answer is no JSON, or not of the schema.
    SchemaInvalid = "schema_invalid", Asks;
    /// Another check of the answer failed.
    VerifierFailed = "verifier_failed", Asks;
    /// The small model said that it cannot, or does not know.
    Refusal = "refusal", Asks;
    /// The answer runs in circles.
    Repetition = "repetition", Asks;
    /// The answer was cut off by its length.
    Truncated = "truncated", Asks;
    /// The text belongs to none of the labels.
    OutOfScope = "out_of_scope", Asks;
    /// The calibrated risk is too high, or the score is beyond the threshold.
    LowConfidence = "low_confidence", Asks;
    /// Drawn by the caller to check what is otherwise kept.
    AuditSample = "audit_sample", Asks;
    /// The score is within its bound, and nothing else asked.
    Confident = "confident", Keeps;
    /// Nothing asked, but no score spoke either: facts and checks alone.
    NoObjection = "no_objection", Keeps;
    /// The mode, or the task's rule, keeps it here.
    PolicyNever = "policy_never", Keeps;
    /// A label in the payload forbids that it leaves.
    PrivacyNever = "privacy_never", Keeps;
    /// The user did not agree.
    ConsentDenied = "consent_denied", Keeps;
    /// No remote model is configured, or none takes this request.
    NoRemote = "no_remote", Keeps;
    /// There is no connection.
    Offline = "offline", Keeps;
    /// Too many failures of late; the remote rests.
    BreakerOpen = "breaker_open", Keeps;
    /// Requests or tokens per time are used up.
    RateLimited = "rate_limited", Keeps;
    /// The money is used up.
    BudgetExhausted = "budget_exhausted", Keeps;
    /// Too large a share of the session was escalated already.
    MaxRate = "max_rate", Keeps;
    /// The money would be used up too early; what is left goes to requests worth more.
    BudgetPacing = "budget_pacing", Keeps;
    /// The remote answer would gain less than it costs.
    NotWorth = "not_worth", Keeps;
    /// The remote model was asked and failed; the best local answer stands.
    RemoteFailed = "remote_failed", Keeps;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_json_are_the_codes() {
        for reason in Reason::ALL {
            assert_eq!(
                serde_json::to_string(reason).expect("a name"),
                format!("\"{}\"", reason.code())
            );
            assert!(reason.meaning().ends_with('.'), "{reason:?}");
        }
        assert!(serde_json::from_str::<Reason>("\"because\"").is_err());
    }
}
