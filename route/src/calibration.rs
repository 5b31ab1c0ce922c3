//! Which calibration a decision is made with: one that fits what is there and what is promised, or none.

use serde::{Deserialize, Serialize};

use crate::error::RouteError;
use crate::policy;
use crate::profile::{Binding, Profile, Target};

/// Which calibration was there, by name: the document itself is kept once, not in each trace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Calibration {
    /// None.
    #[default]
    Absent,
    /// One that fits.
    Fits {
        /// Its digest.
        profile: String,
    },
    /// One that was made for something else: refused.
    Refused {
        /// Its digest.
        profile: String,
        /// What differs.
        field: String,
        /// What it was made with.
        made_with: String,
        /// What is there.
        got: String,
    },
}

/// Two numbers of a promise are the same when they differ by less: `1 - 0.9` is not `0.1`, but is meant so.
const SAME: f64 = 1e-9;

impl Calibration {
    /// What becomes of a profile where `actual` is there, for a request of `task`, under a policy's promise. One that does
    /// not fit is refused, and named with the first field that differs.
    pub fn of(profile: &Profile, actual: &Binding, task: Option<&str>, target: Option<&policy::Target>) -> Calibration {
        let refused = |field: &str, made_with: String, got: String| Calibration::Refused {
            profile: id(profile),
            field: field.to_string(),
            made_with,
            got,
        };
        match profile.binding.check(actual) {
            Ok(()) => {}
            Err(RouteError::ProfileMismatch { field, profile, got }) => return refused(&field, profile, got),
            Err(other) => return refused("binding", String::new(), other.to_string()),
        }
        if task != Some(profile.task.as_str()) {
            return refused("task", profile.task.clone(), task.unwrap_or("none").to_string());
        }
        match target {
            Some(target) if !serves(&profile.target, target) => {
                refused("target", promise(&profile.target), wanted(target))
            }
            _ => Calibration::Fits { profile: id(profile) },
        }
    }
}

/// Whether a profile was made for what the policy promises. What an answer is worth may change without a new calibration.
fn serves(made_for: &Target, wanted: &policy::Target) -> bool {
    let same = |a: f64, b: f64| (a - b).abs() < SAME;
    match made_for {
        Target::EscalationRate { rate } => wanted.escalation_rate.is_some_and(|wanted| same(*rate, wanted)),
        Target::Risk { alpha, delta } => {
            let confidence = wanted.confidence.unwrap_or(policy::CONFIDENCE);
            wanted.risk.is_some_and(|wanted| same(*alpha, wanted)) && same(1.0 - *delta, confidence)
        }
        Target::ValuePerCorrect { .. } => wanted.value_per_correct.is_some(),
    }
}

fn promise(target: &Target) -> String {
    match target {
        Target::EscalationRate { rate } => format!("an escalation rate of {rate}"),
        Target::Risk { alpha, delta } => format!("a risk of {alpha}, with a confidence of 1 - {delta}"),
        Target::ValuePerCorrect { .. } => "a value per correct answer".to_string(),
    }
}

fn wanted(target: &policy::Target) -> String {
    match (target.escalation_rate, target.risk) {
        (Some(rate), _) => format!("an escalation rate of {rate}"),
        (_, Some(risk)) => {
            let confidence = target.confidence.unwrap_or(policy::CONFIDENCE);
            format!("a risk of {risk}, with a confidence of {confidence}")
        }
        _ => "a value per correct answer".to_string(),
    }
}

/// A profile's name in traces: its task, its day, and a digest of all of its JSON.
pub fn id(profile: &Profile) -> String {
    let text = serde_json::to_string(profile).unwrap_or_default();
    format!("{} {} {}", profile.task, profile.created, digest(&text))
}

/// FNV-1a, 64 bits: tells texts apart, and protects against nobody.
pub(crate) fn digest(text: &str) -> String {
    format!("{:016x}", crate::hash::fnv64(text.as_bytes()))
}
