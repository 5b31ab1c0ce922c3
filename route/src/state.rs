//! A session's state: explicit, a document, and changed only when a request is settled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::{MAX_INTEGER, finite, integer};
use crate::reason::Reason;
use crate::trace::{Action, RemoteOutcome, Trace};
use crate::{Result, RouteError};

/// What a decision sees of the session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// Requests that were settled.
    pub requests: u32,
    /// Those of them for which something left, or would have.
    pub escalations: u32,
    /// The bound on the score that keeps to a rate, where there are scores enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateBound>,
    /// What the drift monitors ask for.
    pub alarm: Alarm,
}

/// A bound from the session's own scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateBound {
    /// What a score may be.
    pub threshold: f64,
    /// How many scores it comes from.
    pub n: u32,
}

/// What is done about a change of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// Nothing.
    #[default]
    None,
    /// It is said.
    Warn,
    /// Less is kept.
    Tighten,
    /// The calibration is not used.
    Suspend,
}

impl Session {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        finite("session.rate.threshold", self.rate.map(|rate| rate.threshold))?;
        if self.escalations > self.requests {
            let expected = "no more than session.requests";
            return Err(RouteError::invalid("session.escalations", expected, self.escalations));
        }
        Ok(())
    }
}

/// Changes whenever an older state would be read differently.
pub const STATE_VERSION: u32 = 1;

/// The whole state of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// [`STATE_VERSION`].
    pub schema_version: u32,
    /// Requests that were settled.
    pub requests: u32,
    /// Those of them for which something left, or would have.
    pub escalations: u32,
    /// Requests by terminal reason.
    pub reasons: BTreeMap<String, u32>,
    /// Micro-units that left requests have cost.
    pub cost: u64,
    /// What the drift monitors ask for.
    pub alarm: Alarm,
}

impl Default for State {
    fn default() -> State {
        State {
            schema_version: STATE_VERSION,
            requests: 0,
            escalations: 0,
            reasons: BTreeMap::new(),
            cost: 0,
            alarm: Alarm::None,
        }
    }
}

impl State {
    /// Reads and checks a state.
    ///
    /// # Errors
    ///
    /// `invalid_request` with the path of what is unknown or wrong.
    pub fn from_json(text: &str) -> Result<State> {
        let state: State = crate::document::read("state", text)?;
        if state.schema_version != STATE_VERSION {
            return Err(RouteError::invalid(
                "state.schema_version",
                STATE_VERSION.to_string(),
                state.schema_version,
            ));
        }
        if let Some(unknown) = state
            .reasons
            .keys()
            .find(|name| !Reason::ALL.iter().any(|r| r.code() == *name))
        {
            return Err(RouteError::invalid("state.reasons", "reasons", unknown));
        }
        integer("state.cost", Some(state.cost))?;
        state.session().check()?;
        Ok(state)
    }

    /// What a decision sees of it.
    pub fn session(&self) -> Session {
        Session {
            requests: self.requests,
            escalations: self.escalations,
            rate: None,
            alarm: self.alarm,
        }
    }

    /// The state after a settled request.
    #[must_use]
    pub fn after(mut self, trace: &Trace) -> State {
        self.requests = self.requests.saturating_add(1);
        // What a user refused has not left; what failed has.
        let left = trace.decision.action.leaves()
            || trace
                .inputs
                .outcome
                .as_ref()
                .is_some_and(|o| o.remote == Some(RemoteOutcome::Failed));
        self.escalations = self.escalations.saturating_add(u32::from(left));
        if let Some(reason) = trace.decision.reason {
            let count = self.reasons.entry(reason.code().to_string()).or_default();
            *count = count.saturating_add(1);
        }
        if trace.decision.action != Action::Local || left {
            self.cost = self
                .cost
                .saturating_add(trace.decision.cost.unwrap_or(0))
                .min(MAX_INTEGER);
        }
        self
    }
}
