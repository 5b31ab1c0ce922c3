//! A session's state: explicit, a document, and changed only when a request is settled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calibrate::checks_failed;
use crate::calibration::{self, Calibration};
use crate::day0::{Asked, RollingQuantile};
use crate::decide::with_facts;
use crate::document::{MAX_INTEGER, finite, integer};
use crate::drift::{Action, Alarm, Kind, Monitor, Observation};
use crate::policy::{Conservative, MAX_TASKS, Policy};
use crate::profile::{Profile, Threshold};
use crate::reason::Reason;
use crate::signals::Signals;
use crate::trace::{RemoteOutcome, Trace};
use crate::{Result, RouteError};

/// Scores from which a rolling rate decides; before, the documented bounds do. A quantile of a quarter of twenty has a
/// standard deviation of a tenth, and what it misses is made up for later.
pub const WARM_UP: u64 = 20;

/// The share that the conservative rule asks for: the quarter with the most doubt (routing.md C.4).
pub const CONSERVATIVE_RATE: f64 = 0.25;

/// What a decision sees of the session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// Requests that were settled.
    pub requests: u32,
    /// Those of them for which something left, or would have.
    pub escalations: u32,
    /// The bound on a score that keeps to a rate, where there are scores enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateBound>,
    /// What the drift monitors ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Action>,
}

/// A bound from the session's own scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateBound {
    /// The feature that is the score: see [`crate::score::FEATURES`].
    pub feature: String,
    /// The largest score that is kept.
    pub threshold: f64,
    /// How many scores it comes from.
    pub n: u64,
}

impl Session {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        finite("session.rate.threshold", self.rate.as_ref().map(|rate| rate.threshold))?;
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
    /// What the app itself asks for, beside the monitors.
    pub alarm: Option<Action>,
    /// Scores by task (that without a name is empty), for a rate without labels.
    pub day0: BTreeMap<String, RollingQuantile>,
    /// Monitors by calibration.
    pub drift: BTreeMap<String, Monitor>,
}

impl Default for State {
    fn default() -> State {
        State {
            schema_version: STATE_VERSION,
            requests: 0,
            escalations: 0,
            reasons: BTreeMap::new(),
            cost: 0,
            alarm: None,
            day0: BTreeMap::new(),
            drift: BTreeMap::new(),
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
        let version = state.schema_version;
        if version != STATE_VERSION {
            let expected = STATE_VERSION.to_string();
            return Err(RouteError::invalid("state.schema_version", expected, version));
        }
        if let Some(unknown) = state
            .reasons
            .keys()
            .find(|name| !Reason::ALL.iter().any(|r| r.code() == *name))
        {
            return Err(RouteError::invalid("state.reasons", "reasons", unknown));
        }
        integer("state.cost", Some(state.cost))?;
        if state.day0.len() > MAX_TASKS + 1 || state.drift.len() > MAX_TASKS + 1 {
            return Err(RouteError::invalid(
                "state",
                format!("at most {MAX_TASKS} tasks"),
                "more",
            ));
        }
        state.day0.values().try_for_each(RollingQuantile::check)?;
        state.drift.values().try_for_each(Monitor::check)?;
        let (requests, escalations) = (state.requests, state.escalations);
        let counts = Session {
            requests,
            escalations,
            ..Session::default()
        };
        counts.check()?;
        Ok(state)
    }

    /// What a decision about a request of `task` sees of it.
    pub fn session(&self, policy: &Policy, task: Option<&str>, calibration: &Calibration) -> Session {
        let scores = self.day0.get(task.unwrap_or_default());
        let bound = |rate: f64| {
            let scores = scores.filter(|scores| scores.n >= WARM_UP)?;
            let bound = scores.bound(rate)?;
            Some(RateBound {
                feature: scores.feature.clone()?,
                threshold: bound.threshold,
                n: bound.n,
            })
        };
        let watched = match calibration {
            Calibration::Fits { profile } => self.drift.get(profile).and_then(Monitor::action),
            _ => None,
        };
        Session {
            requests: self.requests,
            escalations: self.escalations,
            rate: rate(policy).and_then(bound),
            alarm: self.alarm.max(watched),
        }
    }

    /// The state after a settled request, and what the monitors notice. `profile`: the calibration that the trace names.
    #[must_use]
    pub fn after(mut self, trace: &Trace, profile: Option<&Profile>) -> (State, Vec<Alarm>) {
        self.requests = self.requests.saturating_add(1);
        // What a user refused has not left; what failed or was turned away has.
        let outcome = trace.inputs.outcome.as_ref().and_then(|outcome| outcome.remote);
        let sent = matches!(outcome, Some(RemoteOutcome::Failed | RemoteOutcome::RateLimited));
        let left = trace.decision.action.leaves() || sent;
        self.escalations = self.escalations.saturating_add(u32::from(left));
        if let Some(reason) = trace.decision.reason {
            let count = self.reasons.entry(reason.code().to_string()).or_default();
            *count = count.saturating_add(1);
        }
        self.cost = self
            .cost
            .saturating_add(trace.decision.cost.unwrap_or(0))
            .min(MAX_INTEGER);
        self.score(trace);
        let alarms = profile.map_or(Vec::new(), |profile| self.watch(trace, profile));
        (self, alarms)
    }

    /// Remembers the answer's score.
    fn score(&mut self, trace: &Trace) {
        let Some(rate) = rate(&trace.inputs.policy) else { return };
        let task = trace.inputs.facts.task.clone().unwrap_or_default();
        if !self.day0.contains_key(&task) && self.day0.len() > MAX_TASKS {
            return;
        }
        let asked = match trace.decision.asked {
            None | Some(Reason::AuditSample) => Asked::No,
            Some(_) => Asked::Yes,
        };
        let none = Signals::default();
        let signals = trace.inputs.answer.as_ref().map_or(&none, |answer| &answer.signals);
        self.day0.entry(task).or_default().record(signals, asked, rate);
    }

    /// The state after a verdict on a settled answer, and what the monitors notice: it counts where the answer was drawn to be
    /// checked, and the calibration kept it. `profile` as in [`State::after`]. A trace counts as often as it is given: a state
    /// does not remember names, and whoever hears verdicts gives each answer's once.
    #[must_use]
    pub fn audited(mut self, trace: &Trace, profile: Option<&Profile>, right: bool) -> (State, Vec<Alarm>) {
        let settled = trace.inputs.outcome.as_ref();
        let open = settled.is_some_and(|outcome| outcome.local_ok.is_none());
        let watched = profile.filter(|_| open && drawn(trace)).map(calibration::id);
        let monitor = watched.and_then(|id| self.drift.get_mut(&id));
        let alarms = monitor.map_or(Vec::new(), |monitor| monitor.audit(right));
        (self, alarms)
    }

    /// The state in which the app has seen to an alarm, in all monitors.
    #[must_use]
    pub fn acknowledged(mut self, kind: Kind) -> State {
        self.drift.values_mut().for_each(|monitor| monitor.acknowledge(kind));
        self
    }

    /// Shows the answer to the calibration's monitor.
    fn watch(&mut self, trace: &Trace, profile: &Profile) -> Vec<Alarm> {
        let id = calibration::id(profile);
        let there = self.drift.contains_key(&id);
        let observation = match &trace.inputs.calibration {
            Calibration::Fits { profile: named } if *named == id => Some(State::seen(trace, profile)),
            // What was never watched has not changed, but was another model's from the beginning.
            Calibration::Refused {
                profile: named,
                field,
                got,
                ..
            } if *named == id && there => changed(profile, field, got),
            _ => None,
        };
        let Some(observation) = observation.filter(|_| there || self.drift.len() <= MAX_TASKS) else {
            return Vec::new();
        };
        let monitor = self.drift.entry(id).or_insert_with(|| Monitor::new(profile));
        monitor.push(&observation)
    }

    /// An answer that the calibration has judged.
    fn seen(trace: &Trace, profile: &Profile) -> Observation {
        // As the calibration's own reference was counted: without what failed its checks, and by its own threshold, not by
        // one that an alarm has tightened.
        let answer = trace.inputs.answer.as_ref();
        let signals = answer.map(|answer| with_facts(&trace.inputs, answer));
        let failed = signals.as_ref().map(checks_failed);
        let judged = signals.filter(|_| failed == Some(false));
        let value = judged.as_ref().and_then(|signals| profile.scorer.value(signals));
        let threshold = profile.threshold_of(trace.inputs.facts.group.as_deref());
        let outcome = trace.inputs.outcome.as_ref();
        let verdict = outcome.and_then(|outcome| outcome.local_ok);
        Observation {
            score: value,
            signals: judged,
            local_ms: outcome.and_then(|outcome| outcome.local_ms).map(u64::from),
            asked: value.map(|value| threshold.asks(value)),
            verifier_failed: failed,
            audited: verdict.filter(|_| drawn(trace)),
            prices: matches!(threshold, Threshold::ValuePerCorrect { .. }).then(|| prices(&trace.inputs.policy)),
            ..Observation::default()
        }
    }
}

/// Whether the answer was drawn to be checked, and kept by its calibration otherwise: of these a promise of risk speaks.
fn drawn(trace: &Trace) -> bool {
    trace.decision.asked == Some(Reason::AuditSample) && trace.decision.calibrated
}

/// That the model is another one than before. Sampler and template may differ from request to request, which refuses the
/// calibration for that request alone.
fn changed(profile: &Profile, field: &str, got: &str) -> Option<Observation> {
    let mut binding = profile.binding.clone();
    match field {
        "model_hash" => binding.model_hash = got.into(),
        "quantization" => binding.quantization = got.into(),
        "tokenizer_hash" => binding.tokenizer_hash = got.into(),
        "signal_version" => binding.signal_version = got.parse().ok()?,
        _ => return None,
    }
    Some(Observation {
        binding: Some(binding),
        ..Observation::default()
    })
}

/// A digest of what the remote models cost, whatever the day on which that was so.
fn prices(policy: &Policy) -> String {
    let numbers = policy.remotes.iter().map(|remote| {
        let price = &remote.price;
        let tokens = (
            price.input_per_million,
            price.output_per_million,
            price.cached_per_million,
        );
        format!("{:?}", (&remote.name, tokens, price.per_request, &price.currency))
    });
    calibration::digest(&numbers.collect::<Vec<_>>().join("\n"))
}

/// The rate that is kept without labels: the promised one, or that of the conservative rule.
pub(crate) fn rate(policy: &Policy) -> Option<f64> {
    let target = policy.escalation.target.as_ref();
    let promised = target.and_then(|target| target.escalation_rate);
    let quarter = policy.escalation.conservative == Conservative::Quarter;
    promised.or(quarter.then_some(CONSERVATIVE_RATE))
}
