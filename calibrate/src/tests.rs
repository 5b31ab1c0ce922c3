//! The same as the native tool, defaults, and what is refused.

use kinglet_route::profile::{Target, Threshold};
use serde_json::{Value, json};

use super::*;

/// 600 rows whose doubt is `label_max`; one in six is wrong, mostly where the model is less sure.
fn rows(extra: &dyn Fn(usize) -> Value) -> String {
    let row = |i: usize| {
        let sure = ((i * 37) % 600) as f64 / 600.0;
        let mut row = json!({"id": i, "task": "t", "local_ok": !(sure < 0.15 || i.is_multiple_of(50)), "label_source": "exact",
            "signals": {"version": 1, "origin": "measured", "label_max": sure, "label_margin": sure * sure}});
        if let (Some(row), Some(extra)) = (row.as_object_mut(), extra(i).as_object()) {
            row.extend(extra.clone());
        }
        format!("{row}\n")
    };
    (0..600).map(row).collect()
}

fn options(target: Value, more: Value) -> String {
    let binding = json!({"model_hash": "m", "quantization": "Q8_0", "tokenizer_hash": "k", "template_hash": "c",
        "sampler": "greedy", "signal_version": 1});
    let mut options = json!({"task": "t", "created": "2026-11-22", "binding": binding, "target": target});
    if let (Some(options), Some(more)) = (options.as_object_mut(), more.as_object()) {
        options.extend(more.clone());
    }
    options.to_string()
}

fn plain(_: usize) -> Value {
    json!({})
}

#[test]
fn promises_are_written_as_in_a_policy() {
    let made = |target, more| calibrated(&rows(&plain), &options(target, more)).unwrap().profile;
    let rate = made(json!({"escalationRate": 0.25}), json!({}));
    assert_eq!(rate.target, Target::EscalationRate { rate: 0.25 });
    let risk = made(json!({"risk": 0.15}), json!({}));
    let (alpha, delta) = (0.15, 0.1); // to the last bit, although 1 - 0.9 is not 0.1
    assert_eq!(risk.target, Target::Risk { alpha, delta });
    assert!(matches!(risk.threshold, Threshold::Risk { delta, .. } if delta == 0.1));
    let surer = made(json!({"risk": 0.15, "confidence": 0.95}), json!({}));
    assert!(matches!(surer.threshold, Threshold::Risk { delta, .. } if delta == 0.05));
    // The signal of `day0::ORDER` that all have; and those that are named.
    assert_eq!(risk.scorer.features[0].name, "label_margin");
    let named = made(json!({"risk": 0.15}), json!({"features": ["label_max"]}));
    assert_eq!(named.scorer.features[0].name, "label_max");
}

#[test]
fn a_price_and_remote_outcomes_make_a_value() {
    let remote = |i: usize| json!({"remote_ok": !i.is_multiple_of(20)});
    let value = json!({"valuePerCorrect": 9000});
    let error = calibrated(&rows(&remote), &options(value.clone(), json!({}))).unwrap_err();
    assert!(error.to_string().starts_with("options.cost: "), "{error}");
    let made = |more| {
        calibrated(&rows(&remote), &options(value.clone(), more))
            .unwrap()
            .profile
    };
    let by_error = made(json!({"cost": 700}));
    assert!(matches!(
        by_error.threshold,
        Threshold::ValuePerCorrect { cost: 700, .. }
    ));
    let by_gain = made(json!({"cost": 700, "scale": "gain"}));
    assert!(matches!(by_gain.threshold, Threshold::ValuePerCorrect { fixes, .. } if fixes == 1.0));
}

#[test]
fn scores_of_ones_own_are_taken_as_they_are() {
    let scored = |i: usize| json!({"score": 1.0 - ((i * 37) % 600) as f64 / 600.0});
    let made = calibrated(&rows(&scored), &options(json!({"risk": 0.15}), json!({}))).unwrap();
    assert!(made.profile.scorer.features.is_empty());
    let error = calibrated(
        &rows(&scored),
        &options(json!({"risk": 0.15}), json!({"scale": "gain"})),
    )
    .unwrap_err();
    assert!(error.to_string().starts_with("options.scale: "), "{error}");
}

#[test]
fn the_lint_speaks_of_how_rows_came_to_be() {
    let codes = |extra: &dyn Fn(usize) -> Value| -> Vec<String> {
        let made = calibrated(
            &rows(extra),
            &options(json!({"risk": 0.15}), json!({"despiteLint": true})),
        )
        .unwrap();
        made.findings.into_iter().map(|finding| finding.code).collect()
    };
    assert!(codes(&plain).is_empty());
    assert!(codes(&|_| json!({"selected": "feedback"})).contains(&"selected_feedback".to_string()));
    let later = |i: usize| json!({"time": if ((i * 37) % 600) < 90 { 1000 + i } else { i }});
    assert!(codes(&later).contains(&"drifting".to_string()));
    let spoken = rows(&|_| json!({"selected": "feedback"}));
    let refused = calibrated(&spoken, &options(json!({"risk": 0.15}), json!({}))).unwrap_err();
    assert!(refused.to_string().contains("selected_feedback"), "{refused}");
    let despite = options(json!({"risk": 0.15}), json!({"despiteLint": true}));
    let noted = calibrated(&spoken, &despite).unwrap().profile.notes;
    assert!(noted.iter().any(|note| note.contains("selected_feedback")), "{noted:?}");
}

#[test]
fn what_cannot_be_promised_says_what_it_would_take() {
    let error = calibrated(&rows(&plain), &options(json!({"risk": 0.004}), json!({})))
        .unwrap_err()
        .to_json();
    assert_eq!(
        (error["code"].as_str(), error["detail"]["n"].as_u64()),
        (Some("cannot_certify"), Some(400))
    );
    assert!(
        error["detail"]["needed"].as_u64().is_some_and(|needed| needed > 600),
        "{error}"
    );
}

#[test]
fn hostile_texts_are_typed_errors() {
    let good = rows(&plain);
    let risk = || json!({"risk": 0.15});
    for (rows, options, path) in [
        (String::new(), options(risk(), json!({})), "rows"),
        ("[]".into(), options(risk(), json!({})), "line 1"),
        (
            good.replace("\"id\":5,", "\"id\":4,"),
            options(risk(), json!({})),
            "line 6.id",
        ),
        (
            good.replace("\"label_max\":0.", "\"label_max\":1e999,\"x\":0."),
            options(risk(), json!({})),
            "line",
        ),
        (good.clone(), "{".into(), "options"),
        (good.clone(), options(json!({}), json!({})), "options.target"),
        (
            good.clone(),
            options(json!({"risk": 0.1, "escalationRate": 0.1}), json!({})),
            "options.target",
        ),
        (
            good.clone(),
            options(json!({"escalationRate": 0.1, "confidence": 0.9}), json!({})),
            "options.target",
        ),
        (good.clone(), options(json!({"risk": 1.5}), json!({})), "target.risk"),
        (good.clone(), options(risk(), json!({"created": "today"})), "created"),
        (good.clone(), options(risk(), json!({"sequence": "kept"})), "options"),
        (
            good.clone(),
            options(risk(), json!({"features": ["mood"]})),
            "feature_unknown",
        ),
        (good.replace("signals", "signs"), options(risk(), json!({})), "signs"),
        (
            good.replace("\"label_max\"", "\"min_logprob\"")
                .replace("\"label_margin\"", "\"max_entropy\""),
            options(risk(), json!({})),
            "options.features",
        ),
    ] {
        let error = calibrated(&rows, &options).expect_err(path);
        assert_eq!(error.code(), "invalid_request");
        assert!(error.to_string().contains(path), "{path}: {error}");
    }
}

/// The real pool, as the native tool (cli/tests/route.rs), Node and Chromium (tests/web/route.test.mjs) calibrate it: the same
/// bytes everywhere. `KINGLET_BLESS=1` writes them anew.
#[test]
fn a_real_pool_gives_the_bytes_that_everybody_gets() {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/route/");
    let read = |name: &str| std::fs::read_to_string(format!("{cases}{name}")).unwrap();
    let (rows, options) = (read("clinc_desk.jsonl"), read("calibrate.json"));
    let made = calibrated_text(&rows, &options).unwrap();
    if std::env::var_os("KINGLET_BLESS").is_some() {
        std::fs::write(format!("{cases}calibrated.json"), format!("{made}\n")).unwrap();
    }
    assert_eq!(format!("{made}\n"), read("calibrated.json"));
    let other = calibrated_text(&rows, &options.replace("0.05", "0.06")).unwrap();
    assert_ne!(made, other, "the comparison can fail");
}
