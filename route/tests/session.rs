//! A session end to end: through before, review and settle, request by request.

mod support;

use kinglet_route::calibration::{Calibration, id};
use kinglet_route::decide::{before, review, settle};
use kinglet_route::drift::{Action, Alarm, Kind};
use kinglet_route::policy::{Escalation, Policy, Privacy, Remote, Target};
use kinglet_route::price::Price;
use kinglet_route::privacy::{Consent, Redact};
use kinglet_route::profile::{Profile, Threshold};
use kinglet_route::state::{State, WARM_UP};
use kinglet_route::trace::{Ended, Note, Outcome, RemoteOutcome, Trace};
use kinglet_route::{Facts, Signals};
use support::{Random, doubtful, profiles};

const SEED: u64 = 0x7365_7373_696f_6e73;
/// The rate that is promised, and how far off it may be over [`REQUESTS`]: the goal of the issue that asked for it.
const RATE: f64 = 0.12;
const OFF: f64 = 0.03;
const REQUESTS: u32 = 500;
/// From this request on the traffic is another: doubts are larger by half.
const CHANGE: u32 = 250;

fn policy(target: Option<Target>) -> Policy {
    Policy {
        remotes: vec![Remote {
            name: "strong".into(),
            price: Price {
                currency: "USD".into(),
                as_of: "2026-11-22".into(),
                ..Price::default()
            },
            context_window: None,
            latency_ms: None,
        }],
        escalation: Escalation {
            target,
            ..Escalation::default()
        },
        privacy: Privacy {
            consent: Consent::Free,
            redact: Redact::No,
        },
        ..Policy::default()
    }
}

/// One request, settled.
fn request(policy: &Policy, calibration: Calibration, signals: &Signals, state: &State) -> (Trace, State, Vec<Action>) {
    let facts = Facts {
        task: Some("t".into()),
        ..Facts::default()
    };
    let profile = Some(&profiles()[0]);
    let step = before("r", policy, &facts, calibration, state).expect("a step");
    let review = review(&step, profile, signals, Ended::Complete).expect("a review");
    let (trace, state, alarms) = settle(&review, profile, &Outcome::default(), state).expect("an end");
    (trace, state, alarms.iter().map(|alarm| alarm.action).collect())
}

#[test]
fn a_rate_is_kept_without_labels_also_when_the_traffic_changes() {
    let policy = policy(Some(Target {
        escalation_rate: Some(RATE),
        ..Target::default()
    }));
    let mut random = Random::new(SEED);
    for session in 0..20 {
        let (mut state, mut left) = (State::default(), 0);
        for i in 0..REQUESTS {
            let doubt = random.share() * if i < CHANGE { 0.5 } else { 0.75 };
            let mut signals = doubtful(doubt);
            signals.label_margin = Some(1.0 - doubt);
            let (trace, after, _) = request(&policy, Calibration::Absent, &signals, &state);
            assert!(!trace.decision.calibrated && trace.notes.contains(&Note::Uncalibrated));
            assert_eq!(trace.notes.contains(&Note::WarmingUp), u64::from(i) < WARM_UP);
            left += u32::from(trace.decision.action.leaves());
            state = after;
        }
        assert_eq!((state.requests, state.escalations), (REQUESTS, left));
        let off = (f64::from(left) / f64::from(REQUESTS) - RATE).abs();
        assert!(off <= OFF, "session {session}: {left} of {REQUESTS} left");
    }
}

#[test]
fn a_change_of_traffic_is_noticed_and_less_is_kept_then() {
    let (policy, profile) = (policy(None), &profiles()[0]);
    let fits = Calibration::Fits { profile: id(profile) };
    let mut random = Random::new(SEED ^ 1);
    for (share, noticed) in [(0.25, false), (0.9, true)] {
        let mut state = State::default();
        let mut alarms = Vec::new();
        for _ in 0..300 {
            let doubt = if random.share() < share { 0.9 } else { 0.001 };
            let (_, after, raised) = request(&policy, fits.clone(), &doubtful(doubt), &state);
            state = after;
            alarms.extend(raised);
        }
        assert_eq!(alarms.contains(&Action::Tighten), noticed, "{share}: {alarms:?}");
        let (trace, ..) = request(&policy, fits.clone(), &doubtful(0.001), &state);
        assert_eq!(trace.notes.contains(&Note::Tightened), noticed);
        let threshold = trace
            .decision
            .score
            .and_then(|score| score.threshold)
            .expect("a threshold");
        let own = profile.threshold.below().expect("a threshold");
        assert_eq!(threshold < own, noticed, "{threshold} of {own}");
    }
}

#[test]
fn a_state_is_written_as_it_is_read_and_only_settle_changes_it() {
    let (policy, fits) = (
        policy(None),
        Calibration::Fits {
            profile: id(&profiles()[0]),
        },
    );
    let (_, state, _) = request(&policy, fits, &doubtful(0.4), &State::default());
    let text = serde_json::to_string(&state).expect("JSON");
    assert_eq!(State::from_json(&text).expect("a state"), state);
    for (wrong, path) in [
        (
            text.replace("\"requests\":1", "\"requests\":0"),
            "session.escalations: ",
        ),
        (
            text.replace("\"schema_version\":1", "\"schema_version\":2"),
            "state.schema_version: ",
        ),
        (text.replacen('{', "{\"more\":1,", 1), "state.more: "),
        (text.replace("\"low_confidence\"", "\"because\""), "state.reasons: "),
    ] {
        let error = State::from_json(&wrong).expect_err(path).to_string();
        assert!(error.starts_with(path), "{error}");
    }
}

/// A calibration whose promise is a risk, and one whose threshold has a price.
fn promised(threshold: Threshold) -> Profile {
    let mut profile = profiles()[0].clone();
    profile.threshold = threshold;
    profile.checked().expect("a profile")
}

fn risk() -> Profile {
    promised(Threshold::Risk {
        below: Some(0.3),
        alpha: 0.05,
        delta: 0.1,
        n: 1000,
        kept: 800,
        errors: 20,
        bound: 0.04,
    })
}

/// One sure answer of a request that was drawn to be checked, settled with `outcome` where somebody can be asked.
fn drawn(policy: &Policy, profile: &Profile, outcome: &Outcome, state: &State) -> (Trace, State, Vec<Alarm>) {
    let facts = Facts {
        task: Some("t".into()),
        audit: true,
        ..Facts::default()
    };
    let fits = Calibration::Fits { profile: id(profile) };
    let step = before("r", policy, &facts, fits, state).expect("a step");
    let review = review(&step, Some(profile), &doubtful(0.001), Ended::Complete).expect("a review");
    let outcome = match review.decision.action.leaves() {
        true => outcome.clone(),
        false => Outcome::default(),
    };
    settle(&review, Some(profile), &outcome, state).expect("an end")
}

#[test]
fn audited_answers_that_are_wrong_too_often_suspend_the_calibration() {
    let profile = risk();
    let checked = |right| Outcome {
        remote: Some(RemoteOutcome::Answered),
        local_ok: Some(right),
        ..Outcome::default()
    };
    for (wrong_in, by_feedback, suspended) in [(5, false, true), (5, true, true), (25, false, false), (25, true, false)]
    {
        let policy = policy(None);
        let (mut state, mut alarms) = (State::default(), Vec::new());
        for i in 0..50 {
            let right = i % wrong_in != 0;
            let outcome = if by_feedback {
                Outcome::default()
            } else {
                checked(right)
            };
            let (trace, after, raised) = drawn(&policy, &profile, &outcome, &state);
            assert_eq!(trace.decision.asked.map(|r| r.code()), Some("audit_sample"));
            state = after;
            alarms.extend(raised);
            let (after, raised) = state.clone().audited(&trace, Some(&profile), right);
            // What the outcome said already is not counted twice.
            assert!(by_feedback || (after == state && raised.is_empty()));
            state = after;
            alarms.extend(raised);
        }
        let kinds: Vec<_> = alarms.iter().map(|alarm| (alarm.kind, alarm.action)).collect();
        let expected: &[_] = if suspended {
            &[(Kind::RiskBroken, Action::Suspend)]
        } else {
            &[]
        };
        assert_eq!(kinds, expected, "one in {wrong_in} wrong");
        let (trace, ..) = drawn(&policy, &profile, &checked(true), &state);
        assert_eq!(trace.notes.contains(&Note::Suspended), suspended);
        assert_eq!(
            trace.decision.calibrated, !suspended,
            "else the conservative rule decides"
        );
        let (trace, ..) = drawn(&policy, &profile, &checked(true), &state.acknowledged(Kind::RiskBroken));
        assert!(trace.decision.calibrated, "somebody has seen to it");
    }
}

#[test]
fn a_verdict_counts_only_where_the_calibration_kept_what_was_drawn() {
    let (policy, profile) = (policy(None), risk());
    let (trace, state, _) = drawn(&policy, &profile, &Outcome::default(), &State::default());
    let counted = |trace: &Trace| state.clone().audited(trace, Some(&profile), false).0 != state;
    assert!(counted(&trace));
    type Change = fn(&mut Trace);
    let changes: [Change; 3] = [
        |trace| trace.decision.calibrated = false,
        |trace| trace.decision.asked = None,
        |trace| trace.inputs.outcome = None,
    ];
    for change in changes {
        let mut other = trace.clone();
        change(&mut other);
        assert!(!counted(&other));
    }
    let unasked = Outcome {
        local_ok: Some(true),
        ..Outcome::default()
    };
    let step = before("r", &policy, &Facts::default(), Calibration::Absent, &state).expect("a step");
    let kept = review(&step, None, &doubtful(0.001), Ended::Complete).expect("a review");
    let error = settle(&kept, None, &unasked, &state)
        .expect_err("nobody was asked")
        .to_string();
    assert!(error.starts_with("outcome.local_ok: "), "{error}");
}

#[test]
fn another_model_and_other_prices_are_noticed_where_a_calibration_was_watched() {
    let profile = promised(Threshold::ValuePerCorrect {
        below: Some(0.3),
        value: 10_000,
        cost: 1_000,
        fixes: 1.0,
        holds: 1.0,
    });
    let fits = Calibration::Fits { profile: id(&profile) };
    let refused = |field: &str| Calibration::Refused {
        profile: id(&profile),
        field: field.into(),
        made_with: "m".into(),
        got: "other".into(),
    };
    let request = |policy: &Policy, calibration: &Calibration, state: &State| {
        let step = before("r", policy, &Facts::default(), calibration.clone(), state).expect("a step");
        let review = review(&step, Some(&profile), &doubtful(0.1), Ended::Complete).expect("a review");
        let (trace, state, alarms) = settle(&review, Some(&profile), &Outcome::default(), state).expect("an end");
        (
            trace,
            state,
            alarms
                .iter()
                .map(|alarm| (alarm.kind, alarm.action))
                .collect::<Vec<_>>(),
        )
    };
    let cheap = policy(None);
    let (_, state, alarms) = request(&cheap, &refused("model_hash"), &State::default());
    assert!(alarms.is_empty() && state.drift.is_empty(), "never watched");
    let (_, state, alarms) = request(&cheap, &fits, &state);
    assert!(alarms.is_empty());
    for field in ["sampler", "template_hash", "task", "target"] {
        assert!(
            request(&cheap, &refused(field), &state).2.is_empty(),
            "{field}: that request alone"
        );
    }
    let mut dated = cheap.clone();
    dated.remotes[0].price.as_of = "2026-11-23".into();
    assert!(
        request(&dated, &fits, &state).2.is_empty(),
        "the same price on another day"
    );
    let mut dear = cheap.clone();
    dear.remotes[0].price.input_per_million += 1;
    let (_, state, alarms) = request(&dear, &fits, &state);
    assert_eq!(alarms, [(Kind::PriceChanged, Action::Warn)]);
    let (trace, state, alarms) = request(&dear, &refused("model_hash"), &state);
    assert_eq!(alarms, [(Kind::ModelChanged, Action::Suspend)]);
    assert!(trace.notes.contains(&Note::ProfileMismatch));
    let (trace, ..) = request(&dear, &fits, &state);
    assert!(trace.notes.contains(&Note::Suspended), "also when it is there again");
    let (trace, ..) = request(&dear, &fits, &state.acknowledged(Kind::ModelChanged));
    assert!(trace.decision.calibrated);
}

/// Of a request that the remote model turned away the payload was sent, and nothing was paid.
#[test]
fn what_was_turned_away_has_left_and_costs_nothing() {
    let policy = Policy::from_json(
        r#"{"mode": "prefer-remote", "privacy": {"consent": "ask"}, "remotes": [{"name": "r", "price":
        {"inputPerMillion": 1000000, "outputPerMillion": 1000000, "currency": "USD", "asOf": "2026-11-22"}}]}"#,
    )
    .unwrap();
    let facts = Facts::from_json(r#"{"prompt_tokens": 40, "max_tokens": 10}"#).unwrap();
    let trace = before("r", &policy, &facts, Calibration::Absent, &State::default()).unwrap();
    for (remote, cost, escalations) in [
        (RemoteOutcome::Answered, Some(50), 1),
        (RemoteOutcome::Failed, Some(50), 1),
        (RemoteOutcome::RateLimited, None, 1),
        (RemoteOutcome::ConsentDenied, None, 0),
    ] {
        let outcome = Outcome {
            remote: Some(remote),
            ..Outcome::default()
        };
        let (trace, state, _) = settle(&trace, None, &outcome, &State::default()).unwrap();
        assert_eq!(
            (trace.decision.cost, state.escalations),
            (cost, escalations),
            "{remote:?}"
        );
        assert_eq!(state.cost, cost.unwrap_or(0), "{remote:?}");
    }
}
