//! What forbids that a request leaves. A gate sees no score, and each stands for itself: one more never opens another.

use crate::facts::{Answered, Facts};
use crate::policy::{Mode, Rule};
use crate::privacy::{Consent, Joined, Label, join};
use crate::reason::Reason;
use crate::trace::{Gate, Inputs};

/// Requests over which the largest share is counted at least: the first of a session may leave, too.
pub const RATE_HORIZON: u32 = 20;

/// All that forbid, in the order in which they are named.
pub fn all(inputs: &Inputs) -> Vec<Gate> {
    let (policy, facts) = (&inputs.policy, &inputs.facts);
    let rule = policy.rule(facts.task.as_deref());
    let mut gates = Vec::new();
    let mut forbid = |reason, value: Option<f64>, bound: Option<f64>| gates.push(Gate { reason, value, bound });
    if policy.mode == Mode::OnlyLocal || rule.is_some_and(|rule| rule.escalate == Rule::Never) {
        forbid(Reason::PolicyNever, None, None);
    }
    if labels(inputs).consent == Consent::Never {
        forbid(Reason::PrivacyNever, None, None);
    }
    if facts.answered == Some(Answered::Denied) {
        forbid(Reason::ConsentDenied, None, None);
    }
    if policy.remotes.is_empty() {
        forbid(Reason::NoRemote, None, None);
    }
    if facts.online == Some(false) {
        forbid(Reason::Offline, None, None);
    }
    if let Some((value, bound)) = limited(facts) {
        forbid(Reason::RateLimited, Some(value), Some(bound));
    }
    if let Some((value, bound)) = too_many(inputs) {
        forbid(Reason::MaxRate, Some(value), Some(bound));
    }
    gates
}

/// The labels of everything in the payload, and of its task.
pub fn labels(inputs: &Inputs) -> Joined {
    let default = Joined::from(inputs.policy.privacy);
    let payload = join(&inputs.facts.payload, default);
    match inputs.policy.rule(inputs.facts.task.as_deref()) {
        Some(rule) => payload.and(
            Label {
                consent: rule.consent,
                redact: rule.redact,
            }
            .or(payload),
        ),
        None => payload,
    }
}

/// Whether the rate limit forbids: what it leaves and what is needed.
fn limited(facts: &Facts) -> Option<(f64, f64)> {
    let budget = facts.budget.as_ref()?;
    if budget.requests == Some(0) {
        return Some((1.0, 0.0));
    }
    let left = budget.tokens?;
    let needed = u64::from(facts.prompt_tokens.unwrap_or(0)) + u64::from(facts.max_tokens.unwrap_or(0));
    (needed > left).then_some((needed as f64, left as f64))
}

/// Whether one more would be too many: how many there would be, and how many there may be, which is
/// `ceil(maxRate * max(requests + 1, RATE_HORIZON))`.
fn too_many(inputs: &Inputs) -> Option<(f64, f64)> {
    let rate = inputs.policy.escalation.max_rate?;
    let requests = inputs.session.requests.saturating_add(1).max(RATE_HORIZON);
    let most = most(rate, requests);
    let would_be = f64::from(inputs.session.escalations) + 1.0;
    (would_be > most).then_some((would_be, most))
}

/// `ceil(rate * requests)`: a product of decimals such as .07 * 100 lies a few bits above its whole number, and a gate is not
/// opened by that.
fn most(rate: f64, requests: u32) -> f64 {
    (rate * f64::from(requests) - 1e-9).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rounding_lets_one_more_leave() {
        for percent in 0..=100u64 {
            for requests in 20..3000u32 {
                let exact = (percent * u64::from(requests)).div_ceil(100);
                assert_eq!(
                    most(percent as f64 / 100.0, requests),
                    exact as f64,
                    "{percent} % of {requests}"
                );
            }
        }
    }
}
