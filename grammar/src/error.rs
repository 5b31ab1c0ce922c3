//! What can be wrong with a grammar: it makes no sense, or it cannot be enforced exactly.

use serde_json::{Value, json};

/// A grammar that is not used. There is no third way: what cannot be enforced is refused, never weakened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrammarError {
    /// It makes no sense, or nothing satisfies it.
    Invalid {
        /// Where, as a path into the request: `response_format.json_schema.schema.properties.a`.
        path: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// It may make sense, but it cannot be enforced while decoding.
    Unsupported {
        /// Where, as a path into the request; its last part is the keyword.
        path: String,
        /// What cannot be enforced, and what to do.
        message: String,
    },
    /// A token that the grammar forbids was committed, or the matcher was used after it failed.
    Misused {
        /// What was done.
        message: String,
    },
}

impl GrammarError {
    /// Shorthand for [`GrammarError::Invalid`].
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        GrammarError::Invalid {
            path: path.into(),
            message: message.into(),
        }
    }

    /// Shorthand for [`GrammarError::Unsupported`].
    pub fn unsupported(path: impl Into<String>, message: impl Into<String>) -> Self {
        GrammarError::Unsupported {
            path: path.into(),
            message: message.into(),
        }
    }

    /// The stable, machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            GrammarError::Invalid { .. } => "invalid_grammar",
            GrammarError::Unsupported { .. } => "unsupported_grammar",
            GrammarError::Misused { .. } => "internal",
        }
    }

    /// Where, as a path into the request; empty where it is not about a place.
    pub fn path(&self) -> &str {
        match self {
            GrammarError::Invalid { path, .. } | GrammarError::Unsupported { path, .. } => path,
            GrammarError::Misused { .. } => "",
        }
    }

    /// What is wrong there.
    pub fn reason(&self) -> &str {
        match self {
            GrammarError::Invalid { message, .. }
            | GrammarError::Unsupported { message, .. }
            | GrammarError::Misused { message } => message,
        }
    }

    /// `{code, message, detail: {param, reason}}`: how it crosses every border.
    pub fn to_json(&self) -> Value {
        let detail = json!({"param": self.path(), "reason": self.reason()});
        json!({"code": self.code(), "message": self.to_string(), "detail": detail})
    }
}

impl std::fmt::Display for GrammarError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GrammarError::Invalid { path, message } => write!(f, "invalid grammar: {path}: {message}"),
            GrammarError::Unsupported { path, message } => {
                write!(f, "{path} is not supported while decoding: {message}")
            }
            GrammarError::Misused { message } => write!(f, "internal error (a bug in kinglet): {message}"),
        }
    }
}

impl std::error::Error for GrammarError {}

/// The crate's result.
pub type Result<T, E = GrammarError> = std::result::Result<T, E>;
