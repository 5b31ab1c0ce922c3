//! The decision: gates, facts before generation, the rule that aborts it, calibrated risk after it, economics, egress.
//!
//! Gates may only forbid and scores may only ask: what asks is gathered without a look at the gates, what forbids without a
//! look at the scores, and a request leaves when something asks and nothing forbids. There is no clock and no randomness:
//! a [`Trace`] is a function of its [`Inputs`], which [`replay`] computes again.

mod asks;
mod conclude;
mod economics;
mod gates;
mod judge;

pub use gates::RATE_HORIZON;
pub use judge::BOUNDS;
pub(crate) use judge::with_facts;

use crate::calibration::Calibration;
use crate::drift::Alarm;
use crate::facts::Facts;
use crate::policy::Policy;
use crate::profile::Profile;
use crate::signals::Signals;
use crate::state::State;
use crate::trace::{Answer, Ended, Inputs, Outcome, RemoteOutcome, TRACE_VERSION, Trace, Versions};
use crate::{Result, RouteError};

/// Bytes of a request's name, at most.
const MAX_ID: usize = 200;

/// Before generation: whether the small model is asked at all.
///
/// # Errors
///
/// `invalid_request` with the path of what makes no sense.
pub fn before(id: &str, policy: &Policy, facts: &Facts, calibration: Calibration, state: &State) -> Result<Trace> {
    if id.is_empty() || id.len() > MAX_ID {
        let expected = format!("a name of 1 to {MAX_ID} bytes");
        return Err(RouteError::invalid("id", expected, format!("{} bytes", id.len())));
    }
    let inputs = Inputs {
        id: id.to_string(),
        policy: policy.clone(),
        facts: facts.clone(),
        session: state.session(policy, facts.task.as_deref(), &calibration),
        calibration,
        answer: None,
        outcome: None,
    };
    compute(inputs, None)
}

/// After generation: whether the answer is enough. `profile` is the calibration that the step names.
///
/// # Errors
///
/// `invalid_request`: the step awaits no answer, the signals have numbers that are none, or the profile is another one.
pub fn review(step: &Trace, profile: Option<&Profile>, signals: &Signals, ended: Ended) -> Result<Trace> {
    if !step.pending() {
        let expected = "a step that awaits an answer (action local, no reason)";
        return Err(RouteError::invalid(
            "step.decision.reason",
            expected,
            "one that is decided",
        ));
    }
    let mut inputs = step.inputs.clone();
    inputs.answer = Some(Answer {
        signals: signals.clone(),
        ended,
    });
    compute(inputs, profile)
}

/// The end of a request: its whole record, the state after it, and what the drift monitors notice. The only place where a
/// state changes. `profile` as in [`review`].
///
/// # Errors
///
/// `invalid_request`: the request is not decided, or is settled already, or the outcome is of a remote model that was not
/// to be asked.
pub fn settle(
    review: &Trace,
    profile: Option<&Profile>,
    outcome: &Outcome,
    state: &State,
) -> Result<(Trace, State, Vec<Alarm>)> {
    let trace = conclude::settled(review.clone(), outcome)?;
    let (state, alarms) = state.clone().after(&trace, profile);
    Ok((trace, state, alarms))
}

/// Computes a trace again from its inputs: it is the same, bit by bit.
///
/// # Errors
///
/// `invalid_request`: another version made it, it names a calibration that is not given, or its inputs make no sense.
pub fn replay(trace: &Trace, profile: Option<&Profile>) -> Result<Trace> {
    if trace.versions != Versions::here() {
        let here = Versions::here();
        let expected = format!(
            "a trace of version {TRACE_VERSION} of {}, signals {}",
            here.core, here.signals
        );
        let v = &trace.versions;
        let got = format!("version {} of {}, signals {}", v.trace, v.core, v.signals);
        return Err(RouteError::invalid("trace.versions", expected, got));
    }
    let mut inputs = trace.inputs.clone();
    let outcome = inputs.outcome.take();
    let again = compute(inputs, profile)?;
    match outcome {
        Some(outcome) => conclude::settled(again, &outcome),
        None => Ok(again),
    }
}

/// The one function of all inputs.
fn compute(inputs: Inputs, profile: Option<&Profile>) -> Result<Trace> {
    inputs.check()?;
    economics::bounded(&inputs)?;
    let profile = judge::named(&inputs, profile)?;
    let gates = gates::all(&inputs);
    let mut asks = asks::before(&inputs);
    let judgement = inputs.answer.as_ref().map(|answer| {
        asks.extend(asks::after(&inputs, answer));
        judge::judge(&inputs, answer, profile)
    });
    if let Some(ask) = judgement.as_ref().and_then(|judgement| judgement.ask.clone()) {
        asks.push(ask);
    }
    asks.extend(asks::audit(&inputs, asks.is_empty()));
    let alternatives = economics::weigh(&inputs, &asks);
    Ok(conclude::conclude(inputs, gates, asks, alternatives, judgement))
}

/// Whether a remote model's outcome can follow.
fn possible(outcome: RemoteOutcome, needs_consent: bool) -> bool {
    outcome != RemoteOutcome::ConsentDenied || needs_consent
}
