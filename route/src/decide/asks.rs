//! What asks for the remote model, other than a score: facts before generation, checks after it. It sees no gate.

use crate::facts::{Facts, Local, User};
use crate::policy::{Mode, OUT_OF_SCOPE, REPETITION, Rule};
use crate::reason::Reason;
use crate::trace::{Answer, Ask, Ended, Inputs};

/// What a fact or a check says of the local answer is that it will not do; that the remote model's will is the most there
/// can be.
const MOST: f64 = 1.0;

/// Milliseconds of a second.
const MS: f64 = 1000.0;

fn ask(reason: Reason) -> Ask {
    beyond(reason, None, None)
}

fn beyond(reason: Reason, value: Option<f64>, bound: Option<f64>) -> Ask {
    Ask {
        reason,
        value,
        bound,
        gain: MOST,
    }
}

/// Facts that are known before generation, the first one first.
pub fn before(inputs: &Inputs) -> Vec<Ask> {
    let (policy, facts) = (&inputs.policy, &inputs.facts);
    let rule = policy.rule(facts.task.as_deref()).map(|rule| rule.escalate);
    let mut asks = Vec::new();
    if matches!(policy.mode, Mode::PreferRemote | Mode::OnlyRemote) || rule == Some(Rule::Always) {
        asks.push(ask(Reason::PolicyAlways));
    }
    match facts.user {
        User::RequestsRemote => asks.push(ask(Reason::UserRequested)),
        User::Reasks => asks.push(ask(Reason::Reask)),
        User::Asks => {}
    }
    if let Some((tokens, context)) = overflow(facts) {
        asks.push(beyond(Reason::ContextOverflow, Some(tokens), Some(context)));
    }
    if facts.local != Local::Ready {
        asks.push(ask(Reason::LocalUnavailable));
    }
    let budget = facts
        .latency_budget_ms
        .or(policy.escalation.latency_budget_ms)
        .map(f64::from);
    if let (Some(takes), Some(may)) = (expected_ms(facts), budget)
        && takes > may
    {
        asks.push(beyond(Reason::SlowDevice, Some(takes), Some(may)));
    }
    if let (Some(is), Some(may)) = (facts.complexity, policy.escalation.complexity_bound)
        && is > may
    {
        asks.push(beyond(Reason::Complexity, Some(is), Some(may)));
    }
    if let (Some(top), Some(least)) = (facts.retrieval_top, policy.escalation.retrieval_bound)
        && top < least
    {
        asks.push(beyond(Reason::RetrievalMiss, Some(top), Some(least)));
    }
    asks
}

/// Tokens of prompt and answer beside what the context holds, where they do not fit.
pub fn overflow(facts: &Facts) -> Option<(f64, f64)> {
    let needed = u64::from(facts.prompt_tokens?) + u64::from(facts.max_tokens.unwrap_or(0));
    let context = facts.context?;
    (needed > u64::from(context)).then_some((needed as f64, f64::from(context)))
}

/// What prompt and whole answer take on this device, in milliseconds.
fn expected_ms(facts: &Facts) -> Option<f64> {
    let prefill = f64::from(facts.prompt_tokens?) / facts.prefill_rate?;
    let decode = f64::from(facts.max_tokens?) / facts.decode_rate?;
    // Rates next to zero: longer than anything, but a number.
    Some(((prefill + decode) * MS).min(f64::MAX))
}

/// What the answer shows, the first one first.
pub fn after(inputs: &Inputs, answer: &Answer) -> Vec<Ask> {
    let (escalation, s) = (&inputs.policy.escalation, &answer.signals);
    let mut asks = Vec::new();
    if answer.ended == Ended::Aborted {
        asks.push(beyond(
            Reason::MidAbort,
            s.window_logprob,
            escalation.abort.map(|abort| abort.window_below),
        ));
    }
    if s.parse_ok == Some(false) || s.schema_ok == Some(false) {
        asks.push(ask(Reason::SchemaInvalid));
    }
    if s.quote_ok == Some(false) || s.verified == Some(false) || s.empty == Some(true) {
        asks.push(ask(Reason::VerifierFailed));
    }
    if s.refusal == Some(true) {
        asks.push(ask(Reason::Refusal));
    }
    let most = escalation.repetition_bound.unwrap_or(REPETITION);
    if let Some(share) = s.repetition.filter(|share| *share > most) {
        asks.push(beyond(Reason::Repetition, Some(share), Some(most)));
    }
    if s.truncated == Some(true) && answer.ended == Ended::Complete {
        asks.push(ask(Reason::Truncated));
    }
    let most = escalation.out_of_scope_bound.unwrap_or(OUT_OF_SCOPE);
    if let Some(share) = s.label_none.filter(|share| *share > most) {
        asks.push(beyond(Reason::OutOfScope, Some(share), Some(most)));
    }
    let least = escalation
        .retrieval_bound
        .filter(|_| inputs.facts.retrieval_top.is_none());
    if let (Some(top), Some(least)) = (s.retrieval_top, least)
        && top < least
    {
        asks.push(beyond(Reason::RetrievalMiss, Some(top), Some(least)));
    }
    asks
}

/// Drawn to be checked: only what is otherwise kept.
pub fn audit(inputs: &Inputs, kept: bool) -> Option<Ask> {
    (kept && inputs.facts.audit && inputs.answer.is_some()).then(|| ask(Reason::AuditSample))
}
