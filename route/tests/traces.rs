//! The traces of tests/cases/route: made here from seeds, and replayed in Node and Chromium by tests/web/route.test.mjs. They
//! have the same bits everywhere. `KINGLET_BLESS=1` writes them anew, after a change of what is decided.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use kinglet_route::calibration::{Calibration, id};
use kinglet_route::decide::{before, replay, review, settle};
use kinglet_route::profile::Profile;
use kinglet_route::trace::Trace;
use support::{Case, Random};

const SEED: u64 = 0x7472_6163_6573;
/// Traces of each terminal reason.
const EACH: usize = 2;
/// Cases that are looked through for them.
const TRIES: usize = 20_000;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/route")
}

/// The settled trace of a case.
fn settled(case: &Case) -> Option<Trace> {
    let step = before(
        "seeded",
        &case.policy,
        &case.facts,
        case.calibration.clone(),
        &case.state,
    )
    .ok()?;
    let decided = match step.pending() {
        true => review(&step, Some(case.profile), &case.signals, case.ended).ok()?,
        false => step,
    };
    let outcome = case.outcome(&decided);
    Some(settle(&decided, Some(case.profile), &outcome, &case.state).ok()?.0)
}

/// Some of each terminal reason, one to a line.
fn made(profile: &'static Profile) -> String {
    let mut random = Random::new(SEED);
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines = String::new();
    for _ in 0..TRIES {
        let mut case = Case::random(&mut random);
        case.facts.task = Some("t".into());
        case.profile = profile;
        if matches!(case.calibration, Calibration::Fits { .. }) {
            case.calibration = Calibration::Fits { profile: id(profile) };
        }
        let Some(trace) = settled(&case) else { continue };
        let seen = count
            .entry(trace.decision.reason.expect("a reason").code())
            .or_default();
        if *seen < EACH {
            *seen += 1;
            lines += &serde_json::to_string(&trace).expect("JSON");
            lines.push('\n');
        }
    }
    lines
}

#[test]
fn traces_have_the_same_bits_as_everywhere() {
    let profile = &support::profiles()[0];
    let (traces, document) = (made(profile), profile.to_json().expect("JSON") + "\n");
    let files = [("traces.jsonl", traces), ("profile.json", document)];
    for (name, text) in files {
        let path = folder().join(name);
        if std::env::var_os("KINGLET_BLESS").is_some() {
            fs::create_dir_all(folder()).expect("a folder");
            fs::write(&path, &text).expect("a file");
        }
        let there = fs::read_to_string(&path).expect(name);
        assert!(there == text, "{name} is not what is computed here");
    }
}

#[test]
fn every_line_replays_and_a_perturbed_one_does_not() {
    let profile =
        Profile::from_json(&fs::read_to_string(folder().join("profile.json")).expect("a file")).expect("a profile");
    let lines = fs::read_to_string(folder().join("traces.jsonl")).expect("a file");
    assert!(
        lines.lines().count() >= kinglet_route::Reason::ALL.len() * EACH,
        "{}",
        lines.lines().count()
    );
    for line in lines.lines() {
        let trace = Trace::from_json(line).expect("a trace");
        let again = replay(&trace, Some(&profile)).expect("a replay");
        assert_eq!(serde_json::to_string(&again).expect("JSON"), line);
        let mut perturbed = trace.clone();
        perturbed.inputs.session.requests += 1;
        let again = replay(&perturbed, Some(&profile)).expect("a replay");
        assert_ne!(serde_json::to_string(&again).expect("JSON"), line);
    }
}
