//! What can be wrong with what this crate is given.

use serde_json::{Value, json};

use crate::budget::Refusal;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteError {
    /// An input that makes no sense.
    Invalid {
        /// Where, as a path: `policy.target.risk`.
        path: String,
        /// What would be right.
        expected: String,
        /// What was there.
        got: String,
    },
    /// A calibration that was made for something else; the caller falls back to the conservative rule.
    ProfileMismatch {
        /// What differs: `model_hash`, `template_hash`, …
        field: String,
        /// What the profile was made with.
        profile: String,
        /// What is there.
        got: String,
    },
    /// A promise that the data cannot bear.
    CannotCertify {
        /// What was asked for, and what it would need.
        message: String,
        /// Labelled answers that there were.
        n: u64,
        /// How many it would take, as far as these can tell; none where more labels would not help.
        needed: Option<u64>,
    },
    /// A budget that does not bear an attempt.
    Refused(Refusal),
}

impl RouteError {
    /// Shorthand for [`RouteError::Invalid`].
    pub fn invalid(path: impl Into<String>, expected: impl Into<String>, got: impl std::fmt::Display) -> Self {
        RouteError::Invalid {
            path: path.into(),
            expected: expected.into(),
            got: got.to_string(),
        }
    }

    /// The stable, machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            RouteError::Invalid { .. } => "invalid_request",
            RouteError::ProfileMismatch { .. } => "profile_mismatch",
            RouteError::CannotCertify { .. } => "cannot_certify",
            RouteError::Refused(refusal) => refusal.code(),
        }
    }

    /// `{code, message, detail}`: how it crosses every border.
    pub fn to_json(&self) -> Value {
        let detail = match self {
            RouteError::Invalid { path, expected, got } => json!({"param": path, "expected": expected, "got": got}),
            RouteError::ProfileMismatch { field, profile, got } => {
                json!({"field": field, "profile": profile, "got": got})
            }
            RouteError::CannotCertify { n, needed, .. } => json!({"n": n, "needed": needed}),
            RouteError::Refused(refusal) => refusal.detail(),
        };
        json!({"code": self.code(), "message": self.to_string(), "detail": detail})
    }
}

impl std::fmt::Display for RouteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RouteError::Invalid { path, expected, got } => write!(f, "{path}: expected {expected}, got {got}"),
            RouteError::ProfileMismatch { field, profile, got } => write!(
                f,
                "the calibration was made for another {field} ({profile}, here it is {got}); the conservative rule decides"
            ),
            RouteError::CannotCertify { message, n, .. } => write!(f, "cannot certify with n={n}: {message}"),
            RouteError::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for RouteError {}

/// The crate's result.
pub type Result<T, E = RouteError> = std::result::Result<T, E>;
