//! Two labels on everything that might leave the device, joined separately: whose consent it needs, and whether names and
//! numbers in it are replaced first. Joining never removes a requirement.

use serde::{Deserialize, Serialize};

/// Whether it may leave: `free < ask < never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// It may.
    Free,
    /// When the user agrees, each time anew.
    Ask,
    /// Not at all.
    Never,
}

/// Whether it is redacted before it leaves: `no < yes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redact {
    /// As it is.
    No,
    /// Replaced first.
    Yes,
}

/// The labels of one thing in the payload (a message, a document, a passage); absent: the default holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Label {
    /// See [`Consent`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// See [`Redact`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redact: Option<Redact>,
}

/// The labels of a whole payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joined {
    /// The strictest consent.
    pub consent: Consent,
    /// The strictest redaction.
    pub redact: Redact,
}

/// Asks before anything leaves, and replaces nothing: the default of every policy.
pub const DEFAULT: Joined = Joined {
    consent: Consent::Ask,
    redact: Redact::No,
};

impl Label {
    /// With the default in place of what is absent.
    pub fn or(self, default: Joined) -> Joined {
        Joined {
            consent: self.consent.unwrap_or(default.consent),
            redact: self.redact.unwrap_or(default.redact),
        }
    }
}

impl Joined {
    /// The stricter of both, on each axis.
    #[must_use]
    pub fn and(self, other: Joined) -> Joined {
        Joined {
            consent: self.consent.max(other.consent),
            redact: self.redact.max(other.redact),
        }
    }
}

/// The labels of a payload: the strictest on each axis. An empty payload has the default; so has each absent label.
pub fn join(payload: &[Label], default: Joined) -> Joined {
    let mut labels = payload.iter().map(|label| label.or(default));
    let first = labels.next().unwrap_or(default);
    labels.fold(first, Joined::and)
}
