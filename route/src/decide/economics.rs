//! What a remote model costs, and whether it is worth that. Money is integer micro-units; what is weighed is
//! `value * gain > cost * pacing + latencyWeight * latency`.

use crate::document::MAX_INTEGER;
use crate::reason::Reason;
use crate::trace::{Alternative, Ask, Inputs};
use crate::{Result, RouteError};

/// Milliseconds of a second.
const MS: f64 = 1000.0;

/// Refuses inputs whose cost nothing bounds where something must be held against it.
pub fn bounded(inputs: &Inputs) -> Result<()> {
    let facts = &inputs.facts;
    let held = facts
        .budget
        .as_ref()
        .is_some_and(|budget| budget.remaining.is_some() || budget.tokens.is_some())
        || value(inputs).is_some();
    if !held || inputs.policy.remotes.is_empty() {
        return Ok(());
    }
    for (path, tokens) in [
        ("facts.prompt_tokens", facts.prompt_tokens),
        ("facts.max_tokens", facts.max_tokens),
    ] {
        if tokens.is_none() {
            let expected = "tokens, for there is a budget or a value that the cost is held against";
            return Err(RouteError::invalid(path, expected, "none"));
        }
    }
    Ok(())
}

/// Micro-units that a correct answer is worth: the request's own, its task's, the target's.
pub fn value(inputs: &Inputs) -> Option<u64> {
    let rule = inputs.policy.rule(inputs.facts.task.as_deref());
    let target = inputs.policy.escalation.target.as_ref();
    inputs
        .facts
        .value
        .or(rule.and_then(|rule| rule.value))
        .or(target.and_then(|target| target.value_per_correct))
}

/// The smallest gain with which some remote model is worth it, at most 1 (which no gain exceeds); none where no value is
/// stated, or nobody could be paid.
pub fn gain_needed(inputs: &Inputs) -> Option<f64> {
    let value = value(inputs)? as f64;
    let burdens = (0..inputs.policy.remotes.len()).filter_map(|at| burden(inputs, at, pacing(inputs)));
    let least = burdens.min_by(f64::total_cmp)?;
    Some(if value > 0.0 { (least / value).min(1.0) } else { 1.0 })
}

/// What each remote model would cost and gain, and why it cannot be asked.
pub fn weigh(inputs: &Inputs, asks: &[Ask]) -> Vec<Alternative> {
    // A check is not asked for its answer's worth.
    let gain = asks
        .iter()
        .filter(|ask| ask.reason != Reason::AuditSample)
        .map(|ask| ask.gain);
    let gain = gain.max_by(f64::total_cmp);
    let weighed = |at: usize| {
        let remote = &inputs.policy.remotes[at];
        let benefit = value(inputs).zip(gain).map(|(value, gain)| value as f64 * gain);
        let burden = burden(inputs, at, pacing(inputs));
        let mut reason = barred(inputs, at);
        if let (None, Some(benefit), Some(burden)) = (reason, benefit, burden)
            && benefit <= burden
        {
            let unpaced = self::burden(inputs, at, 1.0);
            let paced = unpaced.is_some_and(|unpaced| benefit > unpaced);
            reason = Some(if paced { Reason::BudgetPacing } else { Reason::NotWorth });
        }
        Alternative {
            remote: remote.name.clone(),
            cost: cost(inputs, at),
            benefit,
            burden: benefit.and(burden),
            reason,
        }
    };
    (0..inputs.policy.remotes.len()).map(weighed).collect()
}

/// Micro-units that a remote model can cost at most.
fn cost(inputs: &Inputs, at: usize) -> Option<u64> {
    let facts = &inputs.facts;
    let (input, output) = (u64::from(facts.prompt_tokens?), u64::from(facts.max_tokens?));
    // A trace is JSON, and JavaScript reads it.
    Some(inputs.policy.remotes[at].price.cost(input, output).min(MAX_INTEGER))
}

/// How much more money counts now than planned.
fn pacing(inputs: &Inputs) -> f64 {
    let pacing = inputs.facts.budget.as_ref().and_then(|budget| budget.pacing);
    pacing.unwrap_or(1.0)
}

/// `cost * pacing + latencyWeight * latency`, in micro-units.
fn burden(inputs: &Inputs, at: usize, pacing: f64) -> Option<f64> {
    let seconds = f64::from(inputs.policy.remotes[at].latency_ms.unwrap_or(0)) / MS;
    let waiting = inputs.policy.escalation.latency_weight as f64 * seconds;
    Some(cost(inputs, at)? as f64 * pacing + waiting)
}

/// Why a remote model cannot be asked whatever it is worth.
fn barred(inputs: &Inputs, at: usize) -> Option<Reason> {
    let (remote, facts) = (&inputs.policy.remotes[at], &inputs.facts);
    if facts.resting.contains(&remote.name) {
        return Some(Reason::BreakerOpen);
    }
    let tokens = u64::from(facts.prompt_tokens.unwrap_or(0)) + u64::from(facts.max_tokens.unwrap_or(0));
    if remote.context_window.is_some_and(|window| tokens > u64::from(window)) {
        return Some(Reason::NoRemote);
    }
    let left = facts.budget.as_ref().and_then(|budget| budget.remaining)?;
    // A cost that is not known was refused before; it would not fit.
    (cost(inputs, at).unwrap_or(u64::MAX) > left).then_some(Reason::BudgetExhausted)
}
