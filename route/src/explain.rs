//! One true English sentence for a trace: why it ended where it did, with the trace's own numbers.

use crate::calibration::Calibration;
use crate::reason::Reason;
use crate::trace::{Action, Ask, Gate, Note, Score, ScoreKind, Trace};

/// The sentence.
pub fn explain(trace: &Trace) -> String {
    let Some(reason) = trace.decision.reason else {
        let gate = trace.gates.first().map(|gate| gate.reason).or_else(|| barred(trace));
        return match (trace.decision.asked, gate) {
            (Some(asked), Some(gate)) => format!(
                "The small model answers, although {}, because {}.",
                cause(trace, asked),
                cause(trace, gate)
            ),
            _ => "The small model answers first; its answer is judged when it is there.".to_string(),
        };
    };
    let because = cause(trace, reason);
    let although = match trace.decision.asked {
        Some(asked) if asked != reason => format!(", although {}", cause(trace, asked)),
        _ => String::new(),
    };
    let what = match trace.decision.action {
        Action::Local if trace.inputs.answer.is_none() => "The small model is to answer".to_string(),
        Action::Local => "The answer of the small model stands".to_string(),
        Action::Remote => format!("The remote model {} {}", remote(trace), is_asked(trace)),
        Action::Audit => format!(
            "The answer of the small model stands and {} {} to check it",
            remote(trace),
            is_asked(trace)
        ),
        Action::None => "There is no answer".to_string(),
    };
    format!("{what} because {because}{although}{}.", reservation(trace))
}

/// What first keeps the first remote model from being asked.
fn barred(trace: &Trace) -> Option<Reason> {
    trace.alternatives.first().and_then(|remote| remote.reason)
}

fn remote(trace: &Trace) -> String {
    trace
        .decision
        .egress
        .as_ref()
        .map_or("nobody".to_string(), |egress| format!("\"{}\"", egress.remote))
}

/// Whether it was.
fn is_asked(trace: &Trace) -> &'static str {
    match &trace.inputs.outcome {
        Some(outcome) if outcome.remote.is_some() => "was asked",
        Some(_) => "would be asked",
        None => "is to be asked",
    }
}

/// What the sentence must not be silent about.
fn reservation(trace: &Trace) -> String {
    let refused = match &trace.inputs.calibration {
        Calibration::Refused { field, .. } => Some(format!("the calibration was made for another {field}")),
        _ => None,
    };
    let noted = |note| trace.notes.contains(&note);
    let why = if let Some(refused) = refused.filter(|_| noted(Note::ProfileMismatch)) {
        refused
    } else if noted(Note::Suspended) {
        "the traffic has changed and the calibration is not used".to_string()
    } else if noted(Note::SignalsMissing) {
        "a signal that the calibration needs was not measured".to_string()
    } else if noted(Note::NoProbabilities) {
        "the engine reports no probabilities".to_string()
    } else if noted(Note::Uncalibrated) {
        "there is no calibration".to_string()
    } else {
        return String::new();
    };
    match trace.decision.calibrated {
        true => String::new(),
        false => format!("; nothing here is calibrated, for {why}"),
    }
}

/// A clause for each reason, with the numbers that the trace has of it.
fn cause(trace: &Trace, reason: Reason) -> String {
    let ask = trace.asks.iter().find(|ask| ask.reason == reason);
    let gate = trace.gates.iter().find(|gate| gate.reason == reason);
    match reason {
        Reason::PolicyAlways => "the policy sends such requests to the remote model".into(),
        Reason::UserRequested => "the user asked for the bigger model".into(),
        Reason::Reask => "the user asked again".into(),
        Reason::ContextOverflow => format!(
            "prompt and answer do not fit the small model's context{}",
            of_ask(ask, " tokens", "of")
        ),
        Reason::LocalUnavailable => "there is no small model here now".into(),
        Reason::SlowDevice => format!(
            "this device would take longer than the request may{}",
            of_ask(ask, " ms", "of at most")
        ),
        Reason::Complexity => format!(
            "the app's own scorer puts the request above its bound{}",
            of_ask(ask, "", "over")
        ),
        Reason::RetrievalMiss => format!(
            "nothing that was found speaks of the question{}",
            of_ask(ask, "", "under")
        ),
        Reason::MidAbort => format!(
            "the answer was ended early in doubt{}",
            of_ask(ask, " nats of log-probability", "under")
        ),
        Reason::SchemaInvalid => "the answer does not have the form that was asked for".into(),
        Reason::VerifierFailed => "the answer failed a check".into(),
        Reason::Refusal => "the small model said that it cannot answer".into(),
        Reason::Repetition => format!("the answer repeats itself{}", of_ask(ask, " of its 4-grams", "over")),
        Reason::Truncated => "the answer was cut off by its length".into(),
        Reason::OutOfScope => format!("the text belongs to none of the labels{}", of_ask(ask, "", "over")),
        Reason::LowConfidence => doubt(trace),
        Reason::AuditSample => "it was drawn to be checked".into(),
        Reason::Confident => confidence(trace),
        Reason::NoObjection => "no fact and no check spoke against it, and no score spoke at all".into(),
        Reason::PolicyNever => "the policy keeps such requests on the device".into(),
        Reason::PrivacyNever => "something in it may not leave the device".into(),
        Reason::ConsentDenied => "the user did not agree that it leaves".into(),
        Reason::NoRemote => match trace.inputs.policy.remotes.is_empty() {
            true => "no remote model is configured".into(),
            false => "no remote model takes a request of this length".into(),
        },
        Reason::Offline => "there is no connection".into(),
        Reason::BreakerOpen => "the remote model rests after failures".into(),
        Reason::RateLimited => format!("the rate limit is reached{}", of_gate(gate, "needed", "left")),
        Reason::BudgetExhausted => format!("the budget is used up{}", money(trace, reason)),
        Reason::MaxRate => format!(
            "too many requests of this session have left{}",
            of_gate(gate, "with this one", "allowed")
        ),
        Reason::BudgetPacing => format!(
            "the budget is used up too fast for what it would gain{}",
            weighed(trace, reason)
        ),
        Reason::NotWorth => format!(
            "the remote answer would gain less than it costs{}",
            weighed(trace, reason)
        ),
        Reason::RemoteFailed => "the remote model failed".into(),
    }
}

fn of_ask(ask: Option<&Ask>, unit: &str, relation: &str) -> String {
    match ask.and_then(|ask| ask.value.zip(ask.bound)) {
        Some((value, bound)) => format!(" ({value}{unit}, {relation} {bound})"),
        None => String::new(),
    }
}

fn of_gate(gate: Option<&Gate>, value_is: &str, bound_is: &str) -> String {
    match gate.and_then(|gate| gate.value.zip(gate.bound)) {
        Some((value, bound)) => format!(" ({value} {value_is}, {bound} {bound_is})"),
        None => String::new(),
    }
}

fn money(trace: &Trace, reason: Reason) -> String {
    let remote = trace.alternatives.iter().find(|remote| remote.reason == Some(reason));
    let left = trace.inputs.facts.budget.as_ref().and_then(|budget| budget.remaining);
    match remote.and_then(|remote| remote.cost).zip(left) {
        Some((cost, left)) => format!(" (it may cost {cost} micro-units, {left} are left)"),
        None => String::new(),
    }
}

fn weighed(trace: &Trace, reason: Reason) -> String {
    let remote = trace.alternatives.iter().find(|remote| remote.reason == Some(reason));
    match remote.and_then(|remote| remote.benefit.zip(remote.burden)) {
        Some((benefit, burden)) => format!(" ({benefit} micro-units against {burden})"),
        None => String::new(),
    }
}

/// What is doubted.
fn doubt(trace: &Trace) -> String {
    let Some(score) = &trace.decision.score else {
        return "nothing calibrated speaks for the answer, and the policy asks then".into();
    };
    match score.kind {
        ScoreKind::Conservative => format!("{}, under the bound{}", is(score), bound(score)),
        _ => format!("{}, not below the threshold{}", is(score), bound(score)),
    }
}

/// What is trusted.
fn confidence(trace: &Trace) -> String {
    let Some(score) = &trace.decision.score else {
        return "nothing asked for more".into();
    };
    match (score.kind, score.threshold) {
        (_, None) => format!("{}, and its threshold keeps every answer", is(score)),
        (ScoreKind::Conservative, _) => format!("{}, not under the bound{}", is(score), bound(score)),
        (_, Some(_)) => format!("{}, below the threshold{}", is(score), bound(score)),
    }
}

fn is(score: &Score) -> String {
    let value = score.value;
    match (score.kind, score.name.as_str()) {
        (ScoreKind::Calibrated, "gain") => format!("the remote model is expected to gain {value}"),
        (ScoreKind::Calibrated, _) => format!("the answer is wrong with a probability of {value}"),
        (ScoreKind::Rate, _) => format!("its doubt is {value}"),
        (ScoreKind::Conservative, name) => format!("its {name} is {value}"),
    }
}

fn bound(score: &Score) -> String {
    score
        .threshold
        .map_or(String::new(), |threshold| format!(" of {threshold}"))
}
