//! From everything that asked and everything that forbade to what is done, and the one reason for it.

use crate::decide::judge::Judgement;
use crate::decide::{asks, gates, possible};
use crate::document::MAX_INTEGER;
use crate::facts::Local;
use crate::gauge::AbortRule;
use crate::policy::Mode;
use crate::privacy::{Consent, Redact};
use crate::reason::Reason;
use crate::trace::{
    Action, Alternative, Ask, Decision, Egress, Gate, Inputs, Outcome, RemoteOutcome, ScoreKind, Trace, Versions,
};
use crate::{Result, RouteError};

/// Makes the trace.
pub fn conclude(
    inputs: Inputs,
    gates: Vec<Gate>,
    asks: Vec<Ask>,
    alternatives: Vec<Alternative>,
    judgement: Option<Judgement>,
) -> Trace {
    let answered = judgement.is_some();
    let judged = judgement.unwrap_or_default();
    let chosen = alternatives.iter().find(|remote| remote.reason.is_none());
    let forbidden = forbidden(&gates, &alternatives);
    let asked = asks.first().map(|ask| ask.reason);
    let (action, reason) = match (asked, forbidden) {
        (Some(Reason::AuditSample), None) => (Action::Audit, asked),
        (Some(_), None) => (Action::Remote, asked),
        (_, _) if answered => (Action::Local, Some(kept(asked.and(forbidden), &judged))),
        (Some(_), Some(gate)) if !able(&inputs) => (Action::None, Some(gate)),
        (_, _) => (Action::Local, None),
    };
    let egress = chosen.filter(|_| action.leaves()).map(|remote| egress(&inputs, remote));
    let pending = reason.is_none();
    let decision = Decision {
        action,
        reason,
        asked,
        calibrated: judged
            .score
            .as_ref()
            .is_some_and(|score| score.kind == ScoreKind::Calibrated),
        p_error: judged.p_error,
        gain: judged.gain,
        cost: egress.as_ref().and_then(|egress| egress.cost),
        egress,
        // Ending early makes sense only where somebody else can be asked then.
        abort: rule(&inputs).filter(|_| pending && gates.is_empty() && chosen.is_some()),
        score: judged.score,
    };
    Trace {
        versions: Versions::here(),
        inputs,
        decision,
        asks,
        gates,
        alternatives,
        contributions: judged.contributions,
        notes: judged.notes,
    }
}

/// Why nothing may leave: the first gate, else what the first remote model wants for, if none can be asked.
fn forbidden(gates: &[Gate], alternatives: &[Alternative]) -> Option<Reason> {
    if let Some(gate) = gates.first() {
        return Some(gate.reason);
    }
    match alternatives.iter().any(|remote| remote.reason.is_none()) {
        true => None,
        false => Some(
            alternatives
                .first()
                .and_then(|remote| remote.reason)
                .unwrap_or(Reason::NoRemote),
        ),
    }
}

/// Why an answer is kept.
fn kept(gate: Option<Reason>, judged: &Judgement) -> Reason {
    match (gate, &judged.score) {
        (Some(gate), _) => gate,
        (None, Some(_)) => Reason::Confident,
        (None, None) => Reason::NoObjection,
    }
}

/// Whether the small model can answer, and may.
fn able(inputs: &Inputs) -> bool {
    let fits = asks::overflow(&inputs.facts).is_none();
    inputs.facts.local == Local::Ready && fits && inputs.policy.mode != Mode::OnlyRemote
}

/// The policy's rule that ends generation early, as an accumulator takes it.
fn rule(inputs: &Inputs) -> Option<AbortRule> {
    let abort = inputs.policy.escalation.abort?;
    Some(AbortRule {
        window_below: abort.window_below,
        grace: abort.grace,
    })
}

fn egress(inputs: &Inputs, remote: &Alternative) -> Egress {
    let labels = gates::labels(inputs);
    Egress {
        remote: remote.remote.clone(),
        needs_consent: labels.consent != Consent::Free,
        needs_redaction: labels.redact == Redact::Yes,
        cost: remote.cost,
    }
}

/// The trace of a request after its outcome.
pub fn settled(mut trace: Trace, outcome: &Outcome) -> Result<Trace> {
    let wrong = |path: &str, expected: &str, got: &str| Err(RouteError::invalid(path, expected, got));
    if trace.pending() {
        return wrong(
            "review.decision.reason",
            "a decided request",
            "one whose answer is awaited: review it first",
        );
    }
    if trace.inputs.outcome.is_some() {
        return wrong("review.inputs.outcome", "a request that is not settled", "one that is");
    }
    let needs_consent = trace.decision.egress.as_ref().map(|egress| egress.needs_consent);
    match (outcome.remote, needs_consent) {
        (Some(_), None) => {
            return wrong(
                "outcome.remote",
                "none, for no remote model was to be asked",
                "an outcome",
            );
        }
        (Some(remote), Some(needs)) if !possible(remote, needs) => {
            return wrong(
                "outcome.remote",
                "another one, for no consent was needed",
                "consent_denied",
            );
        }
        _ => {}
    }
    if outcome.usage.is_some() && outcome.remote != Some(RemoteOutcome::Answered) {
        return wrong("outcome.usage", "none, for no remote model answered", "tokens");
    }
    if outcome.local_ok.is_some()
        && (trace.decision.action != Action::Audit || outcome.remote != Some(RemoteOutcome::Answered))
    {
        return wrong(
            "outcome.local_ok",
            "none, for no remote model has checked the answer",
            "a verdict",
        );
    }
    trace.inputs.outcome = Some(outcome.clone());
    overturn(&mut trace, outcome.remote);
    if outcome.remote.is_none() {
        trace.decision.cost = None;
    }
    if let Some(usage) = outcome.usage {
        trace.decision.cost = cost(&trace, usage.input, usage.output).or(trace.decision.cost);
    }
    Ok(trace)
}

/// What an outcome makes of a decision: where the remote model did not answer, the best local answer stands.
fn overturn(trace: &mut Trace, outcome: Option<RemoteOutcome>) {
    let reason = match outcome {
        None | Some(RemoteOutcome::Answered) => return,
        Some(RemoteOutcome::ConsentDenied) => Reason::ConsentDenied,
        Some(RemoteOutcome::RateLimited) => Reason::RateLimited,
        Some(RemoteOutcome::Failed) => Reason::RemoteFailed,
    };
    let local = trace.inputs.answer.is_some() || able(&trace.inputs);
    trace.decision.action = if local { Action::Local } else { Action::None };
    trace.decision.reason = Some(reason);
    if matches!(reason, Reason::ConsentDenied | Reason::RateLimited) {
        trace.decision.cost = None; // nothing left, or it was turned away; what failed may have been paid for
    }
}

/// By the remote model's own count.
fn cost(trace: &Trace, input: u32, output: u32) -> Option<u64> {
    let name = &trace.decision.egress.as_ref()?.remote;
    let remote = trace.inputs.policy.remotes.iter().find(|remote| remote.name == *name)?;
    Some(remote.price.cost(u64::from(input), u64::from(output)).min(MAX_INTEGER))
}
