//! The decision behind one door of JSON texts: what JavaScript calls, and what a test calls natively with the same words.
//! The session's state goes in and comes out: nothing is kept here that a crash could lose.

use serde::Serialize;
use serde_json::Value;

use crate::border;
use crate::calibration::{self, Calibration};
use crate::decide::{before, replay, review, settle};
use crate::document::read;
use crate::drift::{Alarm, Kind};
use crate::facts::Facts;
use crate::policy::{CONFIDENCE, OUT_OF_SCOPE, Policy, REPETITION};
use crate::profile::{Binding, Profile};
use crate::state::State;
use crate::trace::{Answer, Outcome, Trace, Versions};
use crate::{Result, RouteError};

/// Calibrations of one router, at most: one for each task.
const MAX_PROFILES: usize = 256;

/// A policy with its calibrations, and what is there.
pub struct Router {
    policy: Policy,
    profiles: Vec<Profile>,
    binding: Binding,
}

/// A request's end.
#[derive(Serialize)]
struct Settled {
    trace: Trace,
    state: State,
    alarms: Vec<Alarm>,
}

/// What a verdict has changed.
#[derive(Serialize)]
struct Audited {
    state: State,
    alarms: Vec<Alarm>,
}

/// What is said of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was right.
    Right,
    /// It was wrong.
    Wrong,
}

/// A trace that was computed again.
#[derive(Serialize)]
struct Replayed {
    identical: bool,
    trace: Trace,
}

/// What a router goes by, all defaults filled in.
#[derive(Serialize)]
struct Config<'a> {
    versions: Versions,
    policy: Policy,
    binding: &'a Binding,
    profiles: Vec<Listed<'a>>,
}

/// A calibration, in short.
#[derive(Serialize)]
struct Listed<'a> {
    id: String,
    task: &'a str,
    n: u64,
    calibration: Calibration,
}

impl Router {
    /// A router from JSON texts: a policy, a list of profiles, a binding.
    ///
    /// # Errors
    ///
    /// `invalid_request` with the path of what is unknown or wrong.
    pub fn new(policy: &str, profiles: &[String], binding: &str) -> Result<Router> {
        if profiles.len() > MAX_PROFILES {
            let expected = format!("at most {MAX_PROFILES} profiles");
            return Err(RouteError::invalid("profiles", expected, profiles.len()));
        }
        let profiles: Vec<Profile> = profiles
            .iter()
            .map(|text| Profile::from_json(text))
            .collect::<Result<_>>()?;
        for (i, profile) in profiles.iter().enumerate() {
            if profiles[..i].iter().any(|other| other.task == profile.task) {
                let path = format!("profiles[{i}].task");
                return Err(RouteError::invalid(path, "one profile for each task", &profile.task));
            }
        }
        Ok(Router {
            policy: Policy::from_json(policy)?,
            profiles,
            binding: read("binding", binding)?,
        })
    }

    /// Before generation: a trace. `state` as [`Router::settle`] gave it; `binding`: what this request is answered with, where
    /// that is another one than the router's.
    pub fn decide(&self, id: &str, facts: &str, state: &str, binding: Option<&str>) -> Result<String> {
        let facts = Facts::from_json(facts)?;
        let own: Option<Binding> = binding.map(|text| read("binding", text)).transpose()?;
        let calibration = self.calibration(facts.task.as_deref(), own.as_ref().unwrap_or(&self.binding));
        written(&before(
            id,
            &self.policy,
            &facts,
            calibration,
            &State::from_json(state)?,
        )?)
    }

    /// After it: a trace. `answer` is `{signals, ended}`.
    pub fn review(&self, step: &str, answer: &str) -> Result<String> {
        let step = Trace::from_json(step)?;
        // What is no JSON is said below, with its path.
        let given: Value = serde_json::from_str(answer).unwrap_or_default();
        border::check_names("answer.signals", given.get("signals").unwrap_or(&Value::Null))?;
        let answer: Answer = read("answer", answer)?;
        written(&review(&step, self.profile(&step), &answer.signals, answer.ended)?)
    }

    /// The end: `{trace, state, alarms}`.
    pub fn settle(&self, review: &str, outcome: &str, state: &str) -> Result<String> {
        let (review, outcome) = (Trace::from_json(review)?, read::<Outcome>("outcome", outcome)?);
        let state = State::from_json(state)?;
        let (trace, state, alarms) = settle(&review, self.profile(&review), &outcome, &state)?;
        written(&Settled { trace, state, alarms })
    }

    /// A verdict on a settled answer: `{state, alarms}`.
    pub fn audit(&self, trace: &str, verdict: Verdict, state: &str) -> Result<String> {
        let (trace, state) = (Trace::from_json(trace)?, State::from_json(state)?);
        let (state, alarms) = state.audited(&trace, self.profile(&trace), verdict == Verdict::Right);
        written(&Audited { state, alarms })
    }

    /// A trace from its inputs: `{identical, trace}`, the former whether all of it is what was given.
    pub fn replay(&self, trace: &str) -> Result<String> {
        let given = Trace::from_json(trace)?;
        let trace = replay(&given, self.profile(&given))?;
        // As texts: numbers that are equal may still differ in their bits.
        let identical = written(&trace)? == written(&given)?;
        written(&Replayed { identical, trace })
    }

    /// What it goes by, and what becomes of each calibration, here or with another `binding`.
    pub fn config(&self, binding: Option<&str>) -> Result<String> {
        let own: Option<Binding> = binding.map(|text| read("binding", text)).transpose()?;
        let binding = own.as_ref().unwrap_or(&self.binding);
        let target = self.policy.escalation.target.as_ref();
        let fits = |profile: &Profile| Calibration::of(profile, binding, Some(&profile.task), target);
        let profiles = self.profiles.iter().map(|profile| Listed {
            id: calibration::id(profile),
            task: &profile.task,
            n: profile.n,
            calibration: fits(profile),
        });
        let mut policy = self.policy.clone();
        policy.escalation.repetition_bound.get_or_insert(REPETITION);
        policy.escalation.out_of_scope_bound.get_or_insert(OUT_OF_SCOPE);
        if let Some(target) = policy.escalation.target.as_mut().filter(|target| target.risk.is_some()) {
            target.confidence.get_or_insert(CONFIDENCE);
        }
        written(&Config {
            versions: Versions::here(),
            policy,
            binding,
            profiles: profiles.collect(),
        })
    }

    /// What becomes of the calibration of a task, if there is one.
    fn calibration(&self, task: Option<&str>, binding: &Binding) -> Calibration {
        let profile = self.profiles.iter().find(|profile| Some(profile.task.as_str()) == task);
        let target = self.policy.escalation.target.as_ref();
        profile.map_or(Calibration::Absent, |profile| {
            Calibration::of(profile, binding, task, target)
        })
    }

    /// The profile that a trace was, or is to be, made with.
    fn profile(&self, trace: &Trace) -> Option<&Profile> {
        let task = trace.inputs.facts.task.as_deref();
        self.profiles.iter().find(|profile| Some(profile.task.as_str()) == task)
    }
}

/// The state of a session that begins.
pub fn fresh() -> Result<String> {
    written(&State::default())
}

/// Refuses what is no state.
///
/// # Errors
///
/// `invalid_request` with the path of what is unknown or wrong.
pub fn check_state(state: &str) -> Result<()> {
    State::from_json(state).map(|_| ())
}

/// The state in which the app has seen to alarms of one kind, which is JSON, too.
///
/// # Errors
///
/// `invalid_request` for a kind that there is not, or what is no state.
pub fn acknowledged(kind: &str, state: &str) -> Result<String> {
    let kind: Kind =
        serde_json::from_str(kind).map_err(|error| RouteError::invalid("kind", "the kind of an alarm", error))?;
    written(&State::from_json(state)?.acknowledged(kind))
}

/// The sentence of a trace.
pub fn explained(trace: &str) -> Result<String> {
    Ok(crate::explain(&Trace::from_json(trace)?))
}

fn written(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| RouteError::invalid("result", "what JSON can say", error))
}
