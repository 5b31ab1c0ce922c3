//! Profiles: the same from the same rows in any order, refused where they do not fit, and read strictly.

use kinglet_route::calibrate::{FIT_PART, MIN_GROUP, Options, Row, Scoring, Sequence, calibrate};
use kinglet_route::measure::SplitMix64;
use kinglet_route::profile::{Binding, LabelSource, Profile, Target, Threshold, chow};
use kinglet_route::score::{Scale, Scorer};

use super::support::{BEFORE, CLINC, SHARP, binding, signals, soak};

fn rows(n: usize, seed: u64) -> Vec<Row> {
    let mut random = SplitMix64::new(seed);
    (0..n)
        .map(|i| {
            let (score, wrong) = CLINC.answer(&mut random, BEFORE);
            let mut signals = signals(score);
            signals.schema_ok = Some(i % 50 != 0);
            Row {
                id: format!("row {i}"),
                group: (i % 4 == 0).then(|| if i % 3 == 0 { "de" } else { "nn" }.to_string()),
                signals: Some(signals),
                local_ok: Some(!wrong),
                remote_ok: Some(random.unit() < 0.95),
                label_source: Some(LabelSource::Exact),
                time: Some(i as f64),
                ..Row::default()
            }
        })
        .collect()
}

fn options(target: Target) -> Options {
    Options {
        task: "intent".into(),
        created: "2026-11-22".into(),
        binding: binding(),
        target,
        scoring: Scoring::Fit {
            features: vec!["label_margin".into(), "prompt_tokens".into()],
            scale: Scale::Error,
        },
        sequence: Sequence::default(),
    }
}

const RISK: Target = Target::Risk {
    alpha: 0.05,
    delta: 0.1,
};
const TARGETS: [Target; 3] = [
    RISK,
    Target::EscalationRate { rate: 0.15 },
    Target::ValuePerCorrect {
        value: 10_000,
        cost: 1_000,
    },
];

#[test]
fn the_order_of_rows_changes_nothing() {
    let mut rows = rows(900, 1);
    for target in TARGETS {
        let first = calibrate(&rows, &options(target)).unwrap();
        let mut random = SplitMix64::new(2);
        for i in (1..rows.len()).rev() {
            rows.swap(i, random.below(i as u32 + 1) as usize);
        }
        assert_eq!(calibrate(&rows, &options(target)).unwrap(), first);
        assert_eq!(
            Profile::from_json(&first.to_json().unwrap()).unwrap(),
            first,
            "JSON says all of it"
        );
        rows[7].local_ok = rows[7].local_ok.map(|ok| !ok);
        assert_ne!(
            calibrate(&rows, &options(target)).unwrap().data_digest,
            first.data_digest
        );
        rows[7].local_ok = rows[7].local_ok.map(|ok| !ok);
    }
}

#[test]
fn a_risk_profile_says_what_it_is_made_of() {
    let rows = rows(3000, 3);
    let profile = calibrate(&rows, &options(RISK)).unwrap();
    assert_eq!((profile.n, profile.label_source), (3000, LabelSource::Exact));
    let Threshold::Risk {
        n,
        kept,
        errors,
        bound,
        below,
        ..
    } = profile.threshold
    else {
        panic!("{:?}", profile.threshold)
    };
    // Two thirds certify; of these the failed checks and the group with a threshold of its own are left out.
    let rest = 3000 - 3000 / FIT_PART as u64;
    assert!(
        n < rest && kept <= n && errors as f64 / kept as f64 <= bound && bound <= 0.05,
        "{:?}",
        profile.threshold
    );
    assert!(below.is_some());
    assert_eq!(profile.groups.keys().collect::<Vec<_>>(), ["nn"], "{:?}", profile.notes);
    assert!(
        profile.notes.iter().any(|note| note.contains("group de has")),
        "{:?}",
        profile.notes
    );
    let held = profile.held_out.unwrap();
    let auroc = held.auroc.unwrap();
    assert!(
        auroc.low < CLINC.auroc && CLINC.auroc < auroc.high && auroc.low > 0.8,
        "{auroc:?}"
    );
    assert!(held.ece.unwrap().value < 0.1 && held.aurc.value < 0.1);
    assert_eq!(profile.reference.verifier_failed.n, rest);
    assert!(profile.reference.verifier_failed.k > 0);
    // The wish of an answer is that of its group's threshold.
    let doubtful = signals(0.9);
    assert!(profile.asks(&doubtful, Some("nn")).unwrap().1 && profile.asks(&doubtful, None).unwrap().1);
    assert!(!profile.asks(&signals(0.01), None).unwrap().1);
}

/// Score and threshold from one calibration set: the split keeps the promise, and a threshold on the rows that the score
/// was fitted to would be a different thing.
#[test]
fn a_fitted_score_keeps_its_promise_on_the_whole_population() {
    let population = rows(5000, 20);
    let draws = if soak() { 1000 } else { 60 };
    let (mut violations, mut cannot, mut kept_share) = (0, 0, 0.0);
    for draw in 0..draws {
        let mut random = SplitMix64::new(77_000_003 + draw);
        let set: Vec<Row> = (0..1000)
            .map(|i| Row {
                id: i.to_string(),
                group: None,
                ..population[random.below(5000) as usize].clone()
            })
            .collect();
        match calibrate(&set, &options(RISK)) {
            Err(error) => {
                assert_eq!(error.code(), "cannot_certify");
                cannot += 1;
            }
            Ok(profile) => {
                let judged = population.iter().filter(|row| !row.checks_failed());
                let keeps = |row: &&Row| !profile.asks(row.signals.as_ref().unwrap(), None).unwrap().1;
                let kept: Vec<&Row> = judged.filter(keeps).collect();
                let wrong = kept.iter().filter(|row| row.local_ok == Some(false)).count();
                violations += u64::from(wrong as f64 > 0.05 * kept.len() as f64);
                kept_share += kept.len() as f64 / population.len() as f64 / draws as f64;
            }
        }
    }
    println!("fitted, n 1000, α .05: violations {violations} of {draws}, cannot {cannot}, kept {kept_share:.3}");
    let allowed = 0.1 * draws as f64 + 2.0 * (0.09 * draws as f64).sqrt();
    assert!(
        violations as f64 <= allowed && cannot * 5 < draws,
        "{violations} {cannot}"
    );
}

#[test]
fn what_cannot_be_certified_says_what_it_would_take() {
    let error = calibrate(
        &rows(60, 4),
        &Options {
            scoring: Scoring::Given(Scorer::of_feature("label_margin")),
            ..options(RISK)
        },
    )
    .unwrap_err();
    let json = error.to_json();
    assert_eq!(json["code"], "cannot_certify");
    assert!(json["detail"]["needed"].as_u64().unwrap() > 60, "{json}");
    assert!(
        json["message"].as_str().unwrap().starts_with("cannot certify with n="),
        "{json}"
    );
    // Where a coin decides what is wrong, no number of labels helps.
    let mut random = SplitMix64::new(5);
    let mut hopeless = rows(2000, 6);
    hopeless.iter_mut().for_each(|r| r.local_ok = Some(random.unit() < 0.5));
    let json = calibrate(
        &hopeless,
        &Options {
            scoring: Scoring::Given(Scorer::of_feature("label_margin")),
            ..options(RISK)
        },
    )
    .unwrap_err()
    .to_json();
    assert_eq!(
        (json["code"].as_str(), json["detail"]["needed"].as_u64()),
        (Some("cannot_certify"), None),
        "{json}"
    );
}

#[test]
fn a_rate_counts_failed_checks_in() {
    let rows = rows(4000, 7);
    let profile = calibrate(
        &rows,
        &Options {
            scoring: Scoring::Given(Scorer::of_feature("label_margin")),
            ..options(Target::EscalationRate { rate: 0.15 })
        },
    )
    .unwrap();
    assert!(
        profile
            .groups
            .values()
            .all(|t| matches!(t, Threshold::EscalationRate { n, .. } if *n >= MIN_GROUP as u64))
    );
    let asks = |row: &&Row| {
        let signals = row.signals.as_ref().unwrap();
        let threshold = profile.threshold_of(row.group.as_deref());
        signals.schema_ok == Some(false) || threshold.asks(profile.scorer.value(signals).unwrap())
    };
    let share = rows.iter().filter(asks).count() as f64 / 4000.0;
    assert!((share - 0.15).abs() < 0.001, "{share}");
}

#[test]
fn a_price_parts_where_the_gain_is_worth_it() {
    let profile = calibrate(&rows(3000, 8), &options(TARGETS[2])).unwrap();
    let Threshold::ValuePerCorrect {
        below, fixes, holds, ..
    } = profile.threshold
    else {
        panic!("{:?}", profile.threshold)
    };
    assert!(
        (fixes - 0.95).abs() < 0.04 && (holds - 0.95).abs() < 0.02,
        "{fixes} {holds}"
    );
    let p = below.unwrap();
    // Exactly there, asking is worth what it costs.
    assert!((p * fixes - (1.0 - p) * (1.0 - holds) - 0.1).abs() < 1e-9);
    assert_eq!(profile.threshold.repriced(2.0).below(), None);
    assert_eq!(
        (chow(0.2, 1.0, 1.0), chow(1.5, 1.0, 1.0), chow(0.0, 0.0, 1.0)),
        (Some(0.2), None, None)
    );
    // The gain needs remote outcomes; a mere order has no price.
    let mut unknown = rows(900, 9);
    unknown.iter_mut().for_each(|r| r.remote_ok = None);
    assert_eq!(
        calibrate(&unknown, &options(TARGETS[2])).unwrap_err().code(),
        "invalid_request"
    );
    let mut gain = options(TARGETS[2]);
    gain.scoring = Scoring::Fit {
        features: vec!["label_margin".into()],
        scale: Scale::Gain,
    };
    let profile = calibrate(&rows(1500, 10), &gain).unwrap();
    assert_eq!(profile.threshold.below(), Some(0.1));
}

#[test]
fn a_profile_for_something_else_is_always_refused() {
    let here = binding();
    type Change = fn(&mut Binding);
    let change: [(&str, Change); 6] = [
        ("model_hash", |b| b.model_hash.push('x')),
        ("quantization", |b| b.quantization = "Q4_K".into()),
        ("tokenizer_hash", |b| b.tokenizer_hash.clear()),
        ("template_hash", |b| b.template_hash = "C".into()),
        ("sampler", |b| b.sampler = "greedy ".into()),
        ("signal_version", |b| b.signal_version += 1),
    ];
    assert!(here.check(&here).is_ok());
    // Every set of differences, 63 of them.
    for set in 1..1u32 << change.len() {
        let mut other = here.clone();
        let differ: Vec<_> = (0..change.len()).filter(|i| set & (1 << i) != 0).collect();
        differ.iter().for_each(|i| change[*i].1(&mut other));
        let error = here.check(&other).unwrap_err();
        assert_eq!(error.code(), "profile_mismatch");
        assert_eq!(error.to_json()["detail"]["field"], change[differ[0]].0);
        assert!(other.check(&here).is_err());
    }
}

/// One change at each place of a good profile: nothing that makes no sense is read, and nothing panics.
#[test]
fn hostile_profiles_are_refused() {
    let good = calibrate(&rows(900, 11), &options(RISK)).unwrap().to_json().unwrap();
    let value: serde_json::Value = serde_json::from_str(&good).unwrap();
    for (pointer, bad) in [
        ("/schema_version", "2"),
        ("/created", "\"yesterday\""),
        ("/created", "\"2026-13-01\""),
        ("/task", "\"\""),
        ("/binding/model_hash", "\"\""),
        ("/label_source", "\"oracle\""),
        ("/positives", "901"),
        ("/n", "-1"),
        ("/scorer/scale", "\"doubt\""),
        ("/scorer/bias", "1e300"),
        ("/scorer/features/0/name", "\"mood\""),
        ("/scorer/features/0/weight", "-1"),
        ("/scorer/features/0/weight", "null"),
        ("/scorer/isotonic", "[]"),
        ("/scorer/isotonic", "[[0, 0.2], [1, 0.1]]"),
        ("/scorer/isotonic", "[[0, 0.1], [0, 0.2]]"),
        ("/scorer/isotonic", "[[0, 1.5]]"),
        ("/target", "{\"mode\": \"risk\", \"alpha\": 2, \"delta\": 0.1}"),
        ("/target", "{\"mode\": \"perfection\"}"),
        ("/threshold/below", "7"),
        ("/threshold/errors", "5000"),
        ("/threshold/mode", "\"escalation_rate\""),
        ("/reference/score/edges", "[0.5, 0.4]"),
        ("/reference/score/counts", "[]"),
        ("/reference/asked", "{\"k\": 2, \"n\": 1}"),
        ("/held_out/auroc/low", "-3"),
        ("/data_digest", "\"\""),
        ("/notes", "[7]"),
    ] {
        let mut broken = value.clone();
        *broken.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = serde_json::from_str(bad).unwrap();
        let error = Profile::from_json(&broken.to_string()).expect_err(pointer);
        assert_eq!(error.code(), "invalid_request", "{pointer}");
    }
    let extra = good.replacen("\"task\"", "\"mood\": 1, \"task\"", 1);
    let numbers = ["NaN", "Infinity", "1e999", "-1e999"]
        .map(|n| good.replacen("\"bias\": ", &format!("\"bias\": {n}, \"x\": "), 1));
    let texts = [
        "",
        "{",
        "[]",
        "null",
        &"[".repeat(100_000),
        &" ".repeat(1 << 19),
        &extra,
    ];
    for text in texts.into_iter().chain(numbers.iter().map(String::as_str)) {
        assert_eq!(Profile::from_json(text).unwrap_err().code(), "invalid_request");
    }
    // Cut off anywhere.
    for end in (0..good.len() - 1).step_by(97) {
        assert!(Profile::from_json(&good[..end]).is_err());
    }
}

#[test]
fn numbers_have_twelve_digits_that_every_reader_reads_alike() {
    let profile = calibrate(&rows(900, 12), &options(RISK)).unwrap();
    let text = profile.to_json().unwrap();
    for word in text.split(|c: char| !"0123456789.e-+".contains(c)) {
        let digits = word.split('e').next().unwrap_or("").trim_matches(|c| "-0.".contains(c));
        assert!(digits.replace('.', "").len() <= 12, "{word}");
    }
    let mut long = profile.clone();
    long.scorer.bias = 0.1 + 0.2;
    assert_eq!(long.checked().unwrap().scorer.bias, 0.3);
}

#[test]
fn hostile_rows_are_refused() {
    let good = rows(400, 13);
    let with = |change: fn(&mut Row)| {
        let mut rows = good.clone();
        change(&mut rows[17]);
        calibrate(&rows, &options(RISK)).map(|_| ())
    };
    for change in [
        (|r| r.signals.as_mut().unwrap().label_margin = Some(f64::NAN)) as fn(&mut Row),
        |r| r.signals.as_mut().unwrap().q05_logprob = Some(f64::NEG_INFINITY),
        |r| r.signals.as_mut().unwrap().version = 99,
        |r| r.time = Some(f64::INFINITY),
        |r| r.score = Some(f64::NAN),
        |r| r.id = "x".repeat(5000),
    ] {
        let error = with(change).unwrap_err().to_json();
        assert!(
            error["detail"]["param"].as_str().unwrap().starts_with("rows[17]"),
            "{error}"
        );
    }
    assert!(calibrate(&[], &options(RISK)).is_err());
    for (alpha, delta) in [(0.0, 0.1), (1.0, 0.1), (f64::NAN, 0.1), (0.05, 0.0), (0.05, 1.5)] {
        let error = calibrate(&good, &options(Target::Risk { alpha, delta })).unwrap_err();
        assert_eq!(error.code(), "invalid_request", "{alpha} {delta}");
    }
    for rate in [-0.1, 1.1, f64::NAN] {
        assert!(calibrate(&good, &options(Target::EscalationRate { rate })).is_err());
    }
    for declared in [
        vec![],
        vec![0.3, 0.2],
        vec![f64::NAN],
        vec![0.1; 2],
        (0..2000).map(f64::from).collect(),
    ] {
        let mut options = options(RISK);
        options.sequence = Sequence::Declared(declared);
        assert_eq!(calibrate(&good, &options).unwrap_err().code(), "invalid_request");
    }
}

/// Texts that a filter lets pass and texts that it holds: one side's score is sharper, and its answers are wrong less often.
fn sides(random: &mut SplitMix64, n: usize) -> Vec<Row> {
    let sides = [("pass", SHARP, 0.02), ("hold", CLINC, 0.08)];
    (0..n)
        .map(|i| {
            let (side, laws, outside) = sides[i % 2];
            let (score, wrong) = laws.answer(random, outside);
            Row {
                id: format!("row {i}"),
                group: Some(side.into()),
                signals: Some(signals(score)),
                local_ok: Some(!wrong),
                label_source: Some(LabelSource::Human),
                ..Row::default()
            }
        })
        .collect()
}

#[test]
fn each_side_of_a_filter_keeps_a_promise_of_its_own() {
    let sets: u64 = if soak() { 200 } else { 20 };
    let pool = sides(&mut SplitMix64::new(77), 20_000);
    let options = Options {
        task: "filter".into(),
        scoring: Scoring::Fit {
            features: vec!["label_margin".into()],
            scale: Scale::Error,
        },
        ..options(RISK)
    };
    let (mut broken, mut apart) = ([0u64; 2], 0);
    for seed in 0..sets {
        let profile = calibrate(&sides(&mut SplitMix64::new(seed), 2400), &options).unwrap();
        let below = ["pass", "hold"].map(|side| {
            let Some(Threshold::Risk { below, n, bound, .. }) = profile.groups.get(side) else {
                panic!("{side} has no certificate of its own: {:?}", profile.notes)
            };
            assert!(*n > 500 && *bound <= 0.05);
            below.unwrap_or(f64::INFINITY)
        });
        apart += u64::from(below[0] > below[1]);
        for (at, side) in ["pass", "hold"].into_iter().enumerate() {
            let of = |row: &&Row| row.group.as_deref() == Some(side);
            let kept = pool.iter().filter(of).filter(|row| {
                let signals = row.signals.as_ref().unwrap();
                profile.asks(signals, Some(side)).is_some_and(|(_, asks)| !asks)
            });
            let outcomes: Vec<bool> = kept.map(|row| row.local_ok == Some(true)).collect();
            let wrong = outcomes.iter().filter(|ok| !**ok).count();
            broken[at] += u64::from(wrong as f64 > 0.05 * outcomes.len() as f64);
        }
    }
    // δ and two standard errors, of each side alone.
    let most = sets as f64 * 0.1 + 2.0 * (sets as f64 * 0.1 * 0.9).sqrt();
    assert!(broken.iter().all(|&k| k as f64 <= most), "{broken:?} of {sets}");
    assert!(apart > sets * 9 / 10, "the sides differ: {apart} of {sets}");
}
