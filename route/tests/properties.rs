//! Properties of the decision, over seeded inputs: thousands in every run, a hundred thousand where `KINGLET_SOAK` is set.

mod support;

use std::collections::BTreeSet;

use kinglet_route::calibration::{Calibration, id};
use kinglet_route::decide::{before, replay, review, settle};
use kinglet_route::facts::{Answered, Budget};
use kinglet_route::policy::{Mode, Rule};
use kinglet_route::privacy::{Consent, Joined, Label, Redact, join};
use kinglet_route::reason::Side;
use kinglet_route::state::RateBound;
use kinglet_route::trace::{Action, Ended, Note, Trace};
use kinglet_route::{Reason, RouteError, explain};
use support::{Case, Random, count, doubtful};

const SEED: u64 = 0x6b69_6e67_6c65_7401;

fn json(trace: &Trace) -> String {
    serde_json::to_string(trace).expect("a trace is JSON")
}

/// All steps of a request: the last one is settled, unless the inputs were refused.
fn run(case: &Case) -> Result<Vec<Trace>, RouteError> {
    let step = before("r", &case.policy, &case.facts, case.calibration.clone(), &case.state)?;
    let mut steps = vec![step.clone()];
    let decided = match step.pending() {
        true => {
            let reviewed = review(&step, Some(case.profile), &case.signals, case.ended)?;
            steps.push(reviewed.clone());
            reviewed
        }
        false => step,
    };
    let outcome = case.outcome(&decided);
    let (settled, ..) = settle(&decided, Some(case.profile), &outcome, &case.state)?;
    steps.push(settled);
    Ok(steps)
}

/// Whether anything left, or would have.
fn leaves(case: &Case) -> bool {
    run(case).is_ok_and(|steps| steps.iter().any(|step| step.decision.action.leaves()))
}

/// The seeded cases that are not refused, with their steps.
fn cases(seed: u64) -> impl Iterator<Item = (Case, Vec<Trace>)> {
    let mut random = Random::new(seed);
    (0..count()).filter_map(move |_| {
        let case = Case::random(&mut random);
        run(&case).ok().map(|steps| (case, steps))
    })
}

#[test]
fn every_path_ends_in_exactly_one_reason_of_its_side() {
    let mut seen = BTreeSet::new();
    let mut n = 0;
    for (_, steps) in cases(SEED) {
        n += 1;
        for (i, step) in steps.iter().enumerate() {
            let waits = i == 0 && steps.len() == 3;
            assert_eq!(step.pending(), waits, "{}", json(step));
            let Some(reason) = step.decision.reason else { continue };
            assert_eq!(
                step.decision.action.leaves(),
                reason.side() == Side::Asks,
                "{}",
                json(step)
            );
            assert_eq!(
                step.decision.egress.is_some() || step.inputs.outcome.is_some(),
                step.decision.action.leaves() || step.inputs.outcome.is_some()
            );
            assert_eq!(step.decision.asked, step.asks.first().map(|ask| ask.reason));
            seen.insert(reason.code());
        }
    }
    assert!(n * 2 > count(), "most inputs are refused: {n} of {}", count());
    let missing: Vec<_> = Reason::ALL
        .iter()
        .filter(|reason| !seen.contains(reason.code()))
        .collect();
    assert!(missing.is_empty(), "never a terminal reason: {missing:?}");
}

#[test]
fn what_asked_is_kept_beside_the_gate_that_forbade() {
    let mut blocked = 0;
    for (_, steps) in cases(SEED ^ 1) {
        let last = &steps[steps.len() - 2]; // before it was settled
        let (Some(reason), Some(asked)) = (last.decision.reason, last.decision.asked) else {
            continue;
        };
        match last.gates.first() {
            Some(gate) => {
                assert_eq!(reason, gate.reason, "{}", json(last));
                assert_eq!(asked.side(), Side::Asks);
                blocked += 1;
            }
            None if last.decision.action.leaves() => assert_eq!(reason, asked),
            None => assert!(
                last.alternatives.iter().all(|remote| remote.reason.is_some()),
                "{}",
                json(last)
            ),
        }
    }
    assert!(blocked > 100, "{blocked}");
}

#[test]
fn no_score_overrides_a_gate() {
    for (mut case, steps) in cases(SEED ^ 2) {
        if steps[0].gates.is_empty() {
            continue;
        }
        for doubt in [0.0, 1.0] {
            case.signals = doubtful(doubt);
            assert!(!leaves(&case), "{}", json(&steps[0]));
        }
    }
}

/// Each makes something forbidden, or more of it.
fn prohibit(case: &mut Case, which: u64) {
    fn budget(case: &mut Case) -> &mut Budget {
        case.facts.budget.get_or_insert_with(Budget::default)
    }
    match which {
        0 => case.policy.mode = Mode::OnlyLocal,
        1 => {
            let task = case.facts.task.get_or_insert_with(|| "t".into()).clone();
            let rule = case.policy.tasks.entry(task).or_default();
            rule.escalate = Rule::Never;
        }
        2 => case.facts.payload.push(Label {
            consent: Some(Consent::Never),
            redact: None,
        }),
        3 => case.facts.answered = Some(Answered::Denied),
        4 => case.policy.remotes.clear(),
        5 => drop(case.policy.remotes.pop()),
        6 => case.facts.online = Some(false),
        7 => case
            .facts
            .resting
            .extend(case.policy.remotes.first().map(|remote| remote.name.clone())),
        8 => budget(case).requests = Some(0),
        9 => budget(case).tokens = Some(0),
        10 => {
            let left = budget(case).remaining.unwrap_or(1_000) / 2;
            budget(case).remaining = Some(left);
        }
        11 => {
            let rate = case.policy.escalation.max_rate.unwrap_or(1.0) / 2.0;
            case.policy.escalation.max_rate = Some(rate);
        }
        12 => case.state.escalations = case.state.requests,
        13 => case
            .policy
            .remotes
            .iter_mut()
            .for_each(|remote| remote.context_window = Some(8)),
        14 => budget(case).pacing = Some(case.facts.budget.as_ref().and_then(|b| b.pacing).unwrap_or(1.0) * 2.0),
        _ => case
            .policy
            .remotes
            .iter_mut()
            .for_each(|remote| remote.price.per_request += 10_000),
    }
}

#[test]
fn one_more_prohibition_never_lets_anything_leave() {
    let mut random = Random::new(SEED ^ 3);
    let (mut stayed, mut ended) = (0, 0);
    for (case, steps) in cases(SEED ^ 4) {
        let left = steps.iter().any(|step| step.decision.action.leaves());
        let mut stricter = case.clone();
        for _ in 0..=random.below(2) {
            prohibit(&mut stricter, random.below(16));
        }
        let still = leaves(&stricter);
        assert!(left || !still, "{}", json(&steps[0]));
        stayed += u32::from(!left);
        ended += u32::from(left && !still);
    }
    assert!(stayed > 100 && ended > 100, "{stayed} stayed, {ended} were ended");
}

#[test]
fn a_comparison_of_prohibitions_can_fail() {
    let mut random = Random::new(SEED ^ 5);
    // What is no prohibition does let something leave: the test above would see it.
    let allowed = (0..count()).any(|_| {
        let mut case = Case::random(&mut random);
        let stayed = !leaves(&case);
        case.policy.mode = Mode::PreferRemote;
        case.facts.online = None;
        stayed && leaves(&case)
    });
    assert!(allowed);
}

#[test]
fn replays_are_the_same_bit_by_bit() {
    for (case, steps) in cases(SEED ^ 6) {
        for step in steps {
            let text = json(&step);
            let read = Trace::from_json(&text).expect("a trace is read as it is written");
            assert_eq!(read, step);
            let again = replay(&read, Some(case.profile)).expect("a replay");
            assert_eq!(json(&again), text);
        }
    }
}

#[test]
fn a_replay_of_other_inputs_is_another() {
    let mut n = 0;
    for (case, steps) in cases(SEED ^ 7).take(500) {
        let mut forged = steps[0].clone();
        forged.inputs.facts.online = Some(false);
        if steps[0].decision.action.leaves() {
            n += 1;
            assert_ne!(
                json(&replay(&forged, Some(case.profile)).expect("a replay")),
                json(&steps[0])
            );
        }
    }
    assert!(n > 10, "{n}");
    let (_, steps) = cases(SEED ^ 7)
        .find(|(_, steps)| steps.len() == 3)
        .expect("a reviewed case");
    let mut newer = steps[0].clone();
    newer.versions.trace += 1;
    assert_eq!(
        replay(&newer, None).expect_err("another version").code(),
        "invalid_request"
    );
}

#[test]
fn a_profile_that_does_not_fit_is_never_looked_at() {
    let (mut n, mut fits) = (0, 0);
    for (mut case, _) in cases(SEED ^ 8) {
        case.calibration = Calibration::Refused {
            profile: id(case.profile),
            field: "template_hash".into(),
            made_with: "a".into(),
            got: "b".into(),
        };
        let refused = run(&case).expect("a run");
        case.calibration = Calibration::Absent;
        let absent = run(&case).expect("a run");
        let (refused, absent) = (refused.last().expect("steps"), absent.last().expect("steps"));
        assert!(!refused.decision.calibrated && refused.decision.p_error.is_none());
        assert_eq!(refused.decision, absent.decision);
        if refused.inputs.answer.is_some() {
            n += 1;
            assert!(refused.notes.contains(&Note::ProfileMismatch));
            assert!(
                explain(refused).contains("another template_hash"),
                "{}",
                explain(refused)
            );
        }
        case.calibration = Calibration::Fits {
            profile: id(case.profile),
        };
        fits += u32::from(run(&case).is_ok_and(|steps| steps.last().is_some_and(|step| step.decision.calibrated)));
    }
    assert!(n > 100 && fits > 100, "{n} refused, {fits} calibrated where it fits");
}

#[test]
fn another_profile_than_the_one_that_is_named_is_an_error() {
    let case = (0..)
        .map(|i| Case::random(&mut Random::new(i)))
        .find(|case| run(case).is_ok_and(|steps| steps.len() == 3));
    let mut case = case.expect("a reviewed case");
    case.calibration = Calibration::Fits {
        profile: "another".into(),
    };
    let error = run(&case).expect_err("refused").to_string();
    assert!(error.starts_with("profile: "), "{error}");
    let step = before("r", &case.policy, &case.facts, case.calibration.clone(), &case.state).expect("a step");
    assert!(review(&step, None, &case.signals, case.ended).is_err(), "none is given");
}

#[test]
fn what_is_no_number_reaches_no_decision() {
    let mut random = Random::new(SEED ^ 9);
    let (mut n, mut places) = (0, BTreeSet::new());
    while n < 1000 {
        let mut case = Case::random(&mut random);
        if run(&case).map_or(0, |steps| steps.len()) != 3 {
            continue;
        }
        n += 1;
        let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][random.below(3) as usize];
        let path = case.spoil(&mut random, bad);
        let error = run(&case).expect_err(path);
        assert_eq!(error.code(), "invalid_request");
        assert!(error.to_string().starts_with(path), "{path}: {error}");
        places.insert(path);
    }
    assert_eq!(places.len(), 22, "each place was spoilt: {places:?}");
}

#[test]
fn a_bound_of_the_session_that_is_no_number_reaches_no_decision() {
    let mut random = Random::new(SEED ^ 13);
    let (_, steps) = cases(SEED ^ 13)
        .find(|(_, steps)| steps.len() == 3)
        .expect("a reviewed case");
    for _ in 0..50 {
        let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][random.below(3) as usize];
        let mut step = steps[0].clone();
        step.inputs.session.rate = Some(RateBound {
            feature: "label_max".into(),
            threshold: bad,
            n: 100,
        });
        let error = review(&step, None, &doubtful(0.5), Ended::Complete)
            .expect_err("refused")
            .to_string();
        assert!(error.starts_with("session.rate.threshold: "), "{error}");
    }
}

#[test]
fn joining_never_removes_a_requirement() {
    let mut random = Random::new(SEED ^ 10);
    let label = |random: &mut Random| Label {
        consent: random.maybe(|r| r.one_of(&[Consent::Free, Consent::Ask, Consent::Never])),
        redact: random.maybe(|r| r.one_of(&[Redact::No, Redact::Yes])),
    };
    for _ in 0..count() {
        let default = Joined {
            consent: random.one_of(&[Consent::Free, Consent::Ask, Consent::Never]),
            redact: random.one_of(&[Redact::No, Redact::Yes]),
        };
        let mut payload: Vec<Label> = (0..random.below(5)).map(|_| label(&mut random)).collect();
        let joined = join(&payload, default);
        for one in &payload {
            let one = one.or(default);
            assert!(joined.consent >= one.consent && joined.redact >= one.redact);
        }
        let strict = |j: Joined| payload.iter().any(|l| l.or(default).consent == j.consent);
        assert!(payload.is_empty() || strict(joined), "nothing is invented");
        let redacted = payload.iter().any(|l| l.or(default).redact == joined.redact);
        assert!(payload.is_empty() || redacted, "nor on the other axis");
        if payload.is_empty() {
            assert_eq!(joined, default);
            continue;
        }
        payload.reverse();
        assert_eq!(join(&payload, default), joined, "whatever the order");
        payload.push(label(&mut random));
        let more = join(&payload, default);
        assert!(more.consent >= joined.consent && more.redact >= joined.redact);
    }
    let both = [
        Label {
            consent: Some(Consent::Ask),
            redact: Some(Redact::No),
        },
        Label {
            consent: Some(Consent::Free),
            redact: Some(Redact::Yes),
        },
    ];
    let free = Joined {
        consent: Consent::Free,
        redact: Redact::No,
    };
    assert_eq!(
        join(&both, free),
        Joined {
            consent: Consent::Ask,
            redact: Redact::Yes
        }
    );
}

#[test]
fn what_leaves_says_what_it_needs() {
    let mut asked = 0;
    for (case, steps) in cases(SEED ^ 11) {
        for egress in steps.iter().filter_map(|step| step.decision.egress.as_ref()) {
            let strict = |l: &Label| l.or(case.policy.privacy.into());
            let needs = |of: fn(Joined) -> bool| case.facts.payload.iter().any(|l| of(strict(l)));
            assert!(egress.needs_consent || !needs(|l| l.consent != Consent::Free));
            assert!(egress.needs_redaction || !needs(|l| l.redact == Redact::Yes));
            if case.facts.payload.is_empty() && case.policy.privacy.consent == Consent::Ask {
                assert!(egress.needs_consent, "what has no label has the default");
            }
            asked += u32::from(egress.needs_consent);
        }
    }
    assert!(asked > 100, "{asked}");
}

#[test]
fn every_sentence_is_one_and_its_numbers_are_those_of_the_trace() {
    let mut said = BTreeSet::new();
    for (_, steps) in cases(SEED ^ 12) {
        for step in &steps {
            let sentence = explain(step);
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
            assert_eq!(sentence.matches(". ").count(), 0, "{sentence}");
            let numbers = support::numbers(&json(step));
            for number in support::numbers(&sentence) {
                assert!(
                    numbers.contains(&number),
                    "{number} of \"{sentence}\" is not in {}",
                    json(step)
                );
            }
            said.extend(step.decision.reason.map(Reason::code));
            if let (Some(reason), Action::Remote) = (step.decision.reason, step.decision.action) {
                assert!(sentence.contains("remote model \"r"), "{reason:?}: {sentence}");
            }
        }
    }
    assert_eq!(said.len(), Reason::ALL.len(), "reasons with a sentence");
}
