//! Scores: fixed signs, missing signals, curves that rise, and hostile numbers.

use kinglet_route::measure::SplitMix64;
use kinglet_route::score::{Example, FEATURES, Knot, Outcome, Scale, Scorer, feature, fit_scorer, isotonic};
use kinglet_route::signals::Signals;

fn outcome(local_ok: bool, remote_ok: bool) -> Outcome {
    Outcome {
        local_ok,
        remote_ok: Some(remote_ok),
    }
}

/// Answers whose margin says how likely they are wrong, whose entropy says the contrary of what it should, and whose
/// retrieval score is missing by halves: where it is missing, they are worse.
fn rows(n: usize, seed: u64) -> Vec<(Signals, Outcome)> {
    let mut random = SplitMix64::new(seed);
    (0..n)
        .map(|_| {
            let doubt = random.unit();
            let missing = random.unit() < 0.5;
            let wrong = random.unit() < 0.7 * doubt * doubt + if missing { 0.2 } else { 0.0 };
            let signals = Signals {
                version: 1,
                label_margin: Some(1.0 - doubt),
                mean_entropy: Some(3.0 * (1.0 - doubt)),
                retrieval_top: (!missing).then(|| 10.0 * random.unit()),
                tokens: 5,
                ..Signals::default()
            };
            (signals, outcome(!wrong, random.unit() < 0.9))
        })
        .collect()
}

fn examples(rows: &[(Signals, Outcome)]) -> Vec<Example<'_>> {
    rows.iter().map(|(s, o)| (s, *o)).collect()
}

#[test]
fn a_weight_of_the_wrong_sign_is_struck_out() {
    let rows = rows(600, 1);
    let scorer = fit_scorer(&examples(&rows), &["label_margin", "mean_entropy"], Scale::Error).unwrap();
    assert_eq!(scorer.features.len(), 1);
    assert_eq!(scorer.features[0].name, "label_margin");
    assert!(scorer.features[0].weight > 1.0);
    // Alone it has only the wrong sign: there is nothing to fit.
    let error = fit_scorer(&examples(&rows), &["mean_entropy"], Scale::Error).unwrap_err();
    assert_eq!(error.code(), "invalid_request");
}

#[test]
fn a_missing_signal_has_its_own_odds_or_no_score() {
    let rows = rows(600, 2);
    let names = ["label_margin", "retrieval_top"];
    let scorer = fit_scorer(&examples(&rows), &names, Scale::Error).unwrap();
    let mut signals = rows[0].0.clone();
    signals.retrieval_top = Some(5.0);
    let there = scorer.p_error(&signals).unwrap();
    signals.retrieval_top = None;
    assert!(scorer.p_error(&signals).unwrap() > there + 0.05, "{scorer:?}");
    // The margin was always there: an answer without it cannot be judged.
    signals.label_margin = None;
    assert_eq!(scorer.p_error(&signals), None);
    let text = serde_json::to_string(&scorer).unwrap();
    assert!(text.contains("\"missing\":null"));
}

#[test]
fn odds_are_about_right_and_keep_the_order() {
    let (train, test) = (rows(3000, 3), rows(3000, 4));
    let names = ["label_margin", "retrieval_top"];
    let scorer = fit_scorer(&examples(&train), &names, Scale::Error).unwrap();
    let mut scored: Vec<(f64, f64, bool)> = test
        .iter()
        .map(|(s, o)| (scorer.raw(s).unwrap(), scorer.p_error(s).unwrap(), !o.local_ok))
        .collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(
        scored.windows(2).all(|w| w[0].0 == w[1].0 || w[0].1 < w[1].1),
        "a larger raw score has a larger value"
    );
    for fifth in scored.chunks(600) {
        let said = fifth.iter().map(|s| s.1).sum::<f64>() / 600.0;
        let was = fifth.iter().filter(|s| s.2).count() as f64 / 600.0;
        // Three standard errors of the share, and as much again for the fit.
        assert!((said - was).abs() < 0.08, "{said} {was}");
    }
}

#[test]
fn a_gain_is_learnt_from_both_outcomes() {
    // The remote is right where the small model is not; here it is wrong as often as right where doubt is small.
    let mut random = SplitMix64::new(5);
    let rows: Vec<(Signals, Outcome)> = (0..3000)
        .map(|_| {
            let doubt = random.unit();
            let signals = Signals {
                label_margin: Some(1.0 - doubt),
                ..Signals::default()
            };
            let local = random.unit() >= doubt;
            let remote = random.unit() < 0.5 + 0.5 * doubt;
            (signals, outcome(local, remote))
        })
        .collect();
    let scorer = fit_scorer(&examples(&rows), &["label_margin"], Scale::Gain).unwrap();
    let gain = |doubt: f64| {
        let signals = Signals {
            label_margin: Some(1.0 - doubt),
            ..Signals::default()
        };
        assert_eq!(scorer.p_error(&signals), None);
        scorer.gain(&signals).unwrap()
    };
    // E[remote - local] = .5 + .5 d - (1 - d).
    for doubt in [0.1, 0.5, 0.9] {
        let truth = 0.5 + 0.5 * doubt - (1.0 - doubt);
        assert!((gain(doubt) - truth).abs() < 0.12, "{doubt}: {} {truth}", gain(doubt));
    }
}

#[test]
fn too_little_is_refused() {
    let rows = rows(600, 6);
    let examples = examples(&rows);
    let right: Vec<Example> = examples.iter().copied().filter(|e| e.1.local_ok).collect();
    let many = ["label_margin"; 17];
    for (rows, names) in [
        (&right[..], &["label_margin"][..]),
        (&examples[..5], &["label_margin"]),
        (&examples[..], &["nonsense"]),
        (&examples[..], &["truncated"]),
        (&examples[..], &[]),
        (&examples[..], &many),
    ] {
        assert_eq!(
            fit_scorer(rows, names, Scale::Error).unwrap_err().code(),
            "invalid_request"
        );
    }
    let mut unknown = examples.clone();
    unknown[3].1.remote_ok = None;
    assert!(fit_scorer(&unknown, &["label_margin"], Scale::Gain).is_err());
}

#[test]
fn curves_rise_whatever_the_points() {
    let mut random = SplitMix64::new(7);
    for size in [0, 1, 2, 3, 50, 3000] {
        for _ in 0..20 {
            let points: Vec<(f64, f64)> = (0..size)
                .map(|_| {
                    (
                        f64::from(random.below(200)) / 7.0,
                        f64::from(random.below(2)) + random.unit(),
                    )
                })
                .collect();
            let knots = isotonic(&points);
            assert!(knots.len() <= 256 && (knots.is_empty() == points.is_empty()));
            let rises = |w: &[Knot]| w[0].0 < w[1].0 && w[0].1 < w[1].1;
            assert!(knots.windows(2).all(rises), "{knots:?}");
        }
    }
}

/// Every feature of every hostile number is finite, and stands for itself: one signal, one feature.
#[test]
fn features_are_finite_and_turned_towards_doubt() {
    let hostile = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        -f64::MAX,
        0.0,
        -0.0,
        1e-320,
        1.0,
        -1.0,
    ];
    for x in hostile {
        let text = serde_json::to_string(&Signals::default()).unwrap();
        let mut signals: Signals = serde_json::from_str(&text).unwrap();
        (signals.mean_logprob, signals.label_max, signals.mean_margin) = (Some(x), Some(x), Some(x));
        (signals.max_entropy, signals.grammar_pressure, signals.agreement) = (Some(x), Some(x), Some(x));
        (signals.retrieval_top, signals.label_none, signals.repetition) = (Some(x), Some(x), Some(x));
        for f in FEATURES {
            let value = f.of(&signals);
            assert!(
                value.is_none_or(|v| v.is_finite() && v.abs() <= 4.0),
                "{} of {x}: {value:?}",
                f.name
            );
            assert_eq!(value, signals.feature(f.name));
        }
        let scorer = Scorer::of_feature("label_max");
        assert!(scorer.value(&signals).is_none_or(|v| (0.0..=1.0).contains(&v)));
        assert!(
            Scorer::of_score()
                .calibrated(x)
                .is_none_or(|v| (0.0..=1.0).contains(&v))
        );
    }
    let sure = |p: f64| Signals {
        label_max: Some(p),
        label_margin: Some(p),
        mean_logprob: Some(p.ln()),
        agreement: Some(p),
        retrieval_top: Some(10.0 * p),
        ..Signals::default()
    };
    for name in [
        "label_max",
        "label_margin",
        "mean_logprob",
        "agreement",
        "retrieval_top",
    ] {
        assert!(sure(0.9).feature(name) < sure(0.4).feature(name), "{name}");
    }
    // The log-odds of a log-probability are those of its probability, next to one as well.
    for p in [0.001, 0.5, 0.999, 0.999_99] {
        let s = sure(p);
        let (a, b) = (s.feature("label_max").unwrap(), s.feature("mean_logprob").unwrap());
        assert!((a - b).abs() < 1e-9, "{p}: {a} {b}");
    }
    let names: std::collections::BTreeSet<&str> = FEATURES.iter().map(|f| f.name).collect();
    assert_eq!(names.len(), FEATURES.len());
    assert!(feature("samples").is_none());
}
