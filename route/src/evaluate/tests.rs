//! Reports of small sets whose figures are known, and hostile ones.

use serde_json::{Value, json};

use super::*;
use crate::measure::{Bootstrap, SplitMix64};

fn options() -> Options {
    Options {
        source: Source::Score,
        operating: Operating::Share(0.25),
        bootstrap: Bootstrap {
            seed: 1,
            replicates: 200,
            level: 0.95,
        },
        risk: Some(0.1),
        split_seed: 2,
    }
}

/// `n` rows: the score is noisy doubt; hard tasks gain more; the remote model costs 1,000, the cheap one 100.
fn rows(n: usize) -> Vec<Row> {
    let mut random = SplitMix64::new(9);
    let line = |i: usize| {
        let (hard, doubt) = (random.unit() < 0.4, random.unit());
        let local = random.unit() > if hard { 0.5 + doubt / 2.0 } else { doubt / 2.0 };
        json!({"id": i, "task": if hard { "hard" } else { "easy" }, "score": doubt + 0.1 * random.unit(), "p_error": doubt,
            "local_ok": local, "remote_ok": random.unit() < 0.9, "cheap_ok": random.unit() < 0.8,
            "costs": {"remote": 1000, "cheap": 100}, "prompt_chars": 100 + (random.unit() * 50.0) as u32,
            "grades": {"automatic": local, "human": local || i.is_multiple_of(10)}})
        .to_string()
    };
    read(&(0..n).map(line).collect::<Vec<_>>().join("\n")).unwrap()
}

fn policy<'a>(report: &'a Value, name: &str) -> &'a Value {
    let list = report["policies"].as_array().unwrap();
    list.iter()
        .find(|p| p["name"] == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn a_report_of_everything() {
    let rows = rows(600);
    let report = evaluate(&rows, &options()).unwrap();
    let value = |v: &Value| v["value"].as_f64().unwrap_or_else(|| panic!("{v}"));
    // The headline's arithmetic, by hand: a quarter is escalated, at 1,000 each.
    let (signal, remote) = (policy(&report, "signal"), policy(&report, "all_remote"));
    assert!((value(&signal["cost_per_item"]) - 250.0).abs() < 1e-9);
    assert!((value(&signal["cost_per_right"]) - 250.0 / value(&signal["quality"])).abs() < 1e-9);
    assert!((value(&report["headline"]["saving_to_all_remote"]) - 0.75).abs() < 1e-12);
    let difference = value(&signal["quality"]) - value(&remote["quality"]);
    assert!((value(&report["headline"]["quality_difference_to_all_remote"]) - difference).abs() < 1e-12);
    assert_eq!(value(&remote["quality_difference_to_all_remote"]), 0.0);
    // Every baseline is there, and the oracle is the bound.
    for name in [
        "all_local",
        "random",
        "prompt_length",
        "all_cheap_remote",
        "cheap_to_strong",
        "task_label",
    ] {
        let p = policy(&report, name);
        // Others begin with another model, or are judged on other rows.
        let bounded = ["all_local", "random", "prompt_length"].contains(&name);
        assert!(!bounded || value(&p["quality"]) <= value(&policy(&report, "oracle")["quality"]));
        assert!(p["quality"]["low"].as_f64().unwrap() <= value(&p["quality"]));
        assert!(p["n"].as_u64().unwrap() > 200);
    }
    assert!((value(&policy(&report, "cheap_to_strong")["cost_per_item"]) - 350.0).abs() < 1e-9);
    assert_eq!(policy(&report, "all_local")["frontier"], true);
    let ranking = &report["ranking"];
    assert!(value(&ranking["signal"]["auroc_wrong"]) > 0.6);
    assert_eq!(value(&ranking["self_knowledge"]["auroc_wrong"]), 1.0);
    assert!((value(&ranking["random"]["apgr"]) - 0.5).abs() < 1e-12);
    assert!(
        report["ranking_differences"]["signal - random"]["apgr"]["low"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    let judged = &report["task_label"];
    assert_eq!(
        judged["n"].as_u64().unwrap() + judged["learnt_from"].as_u64().unwrap(),
        600
    );
    assert!(value(&judged["ranking"]["task_label"]["apgr"]) > 0.55);
    assert!(value(&report["odds"]["ece"]) < 0.3 && value(&report["odds"]["brier"]) < 0.25);
    assert!(report["kept"]["violations"]["share"].as_f64().unwrap() > 0.9);
    assert_eq!(report["curves"]["signal"].as_array().unwrap().len(), 101);
    let graders = &report["graders"];
    assert_eq!(
        (graders["automatic_only"].as_u64(), graders["n"].as_u64()),
        (Some(0), Some(600))
    );
    let missed = rows
        .iter()
        .enumerate()
        .filter(|(i, r)| i.is_multiple_of(10) && !r.local_ok)
        .count();
    assert_eq!(graders["human_only"], missed);
    assert!(value(&graders["kappa"]) > 0.8);
}

/// Each figure has n and interval: nothing in the report is a bare estimate.
#[test]
fn no_figure_without_n_and_interval() {
    fn walk(value: &Value) {
        if let Value::Object(map) = value {
            if map.contains_key("value") {
                assert!(["low", "high", "n"].iter().all(|key| map[*key].is_number()), "{value}");
            }
            map.values().for_each(walk);
        }
    }
    let report = evaluate(&rows(80), &options()).unwrap();
    report.as_object().unwrap().values().for_each(walk);
    let none = ["quality", "cost_per_right", "saving_to_all_remote"].map(|k| report["headline"][k]["n"].clone());
    assert_eq!(none, [json!(80), json!(80), json!(80)]);
}

/// Milliseconds of what is escalated, by hand; and a threshold that other rows would have set.
#[test]
fn time_is_wasted_on_what_is_escalated_and_a_share_is_a_matter_of_chance() {
    let mut rows = rows(400);
    for (i, row) in rows.iter_mut().enumerate() {
        row.local_ms = Some(if i % 2 == 0 { 100.0 } else { 300.0 });
    }
    let report = evaluate(&rows, &options()).unwrap();
    let scored = source::score(&rows, &options()).unwrap();
    let lost: f64 = rows
        .iter()
        .zip(&scored.escalated)
        .map(|(r, e)| r.local_ms.unwrap() * e)
        .sum();
    let value = |path: &str| report.pointer(path).and_then(Value::as_f64).unwrap();
    assert!((value("/wasted/wasted_local_ms/value") - lost / 400.0).abs() < 1e-9);
    assert!((value("/wasted/wasted_local_share/value") - lost / 80_000.0).abs() < 1e-9);
    assert_eq!(report["wasted"]["wasted_local_ms"]["n"], 400);
    // The share of the rows themselves, and beside it that of other rows: sqrt(.25 * .75 / 400) is two points.
    assert!((value("/choice/escalated/value") - 0.25).abs() < 1e-9);
    let half = (value("/choice/escalated/high") - value("/choice/escalated/low")) / 2.0;
    assert!((half - 1.96 * 0.0217).abs() < 0.012, "{half}");
    let by_rows = value("/kept/escalated/high") - value("/kept/escalated/low");
    assert!(by_rows > 0.0 && report["choice"]["quality"]["n"].is_number());
    rows[7].local_ms = None;
    assert!(
        evaluate(&rows, &options())
            .unwrap_err()
            .to_string()
            .contains("399 of 400")
    );
    let given = Options {
        operating: Operating::From(0.5),
        ..options()
    };
    rows.iter_mut().for_each(|r| r.local_ms = None);
    let report = evaluate(&rows, &given).unwrap();
    assert!(report.get("choice").is_none() && report.get("wasted").is_none());
    let notes = report["notes"].to_string();
    assert!(notes.contains("no interval contains its uncertainty"), "{notes}");
}

#[test]
fn without_the_remote_there_is_no_saving() {
    let mut rows = rows(60);
    for row in &mut rows {
        (row.remote_ok, row.cheap_ok, row.costs) = (None, None, None);
    }
    let report = evaluate(&rows, &options()).unwrap();
    assert!(report.get("headline").is_none() && report.get("policies").is_none());
    assert!(report["ranking"]["signal"]["auroc_wrong"].is_object() && report["ranking"]["signal"]["apgr"].is_null());
    rows[0].remote_ok = Some(true);
    let error = evaluate(&rows, &options()).unwrap_err();
    assert!(error.to_string().contains("1 of 60"), "{error}");
}

#[test]
fn one_class_is_said_not_guessed() {
    let mut rows = rows(30);
    rows.iter_mut().for_each(|r| r.local_ok = true);
    let report = evaluate(&rows, &options()).unwrap();
    assert!(report["ranking"]["signal"]["auroc_wrong"].is_null());
    assert!(
        report["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("0 of 30 local answers are wrong")
    );
}

#[test]
fn hostile_rows_name_their_line() {
    let good = r#"{"id": 1, "task": "a", "local_ok": true, "score": 0.5}"#;
    for (bad, says) in [
        ("", "rows"),
        ("\n\n", "rows"),
        ("{", "line 2"),
        (r#"{"id": 2, "task": "a", "local_ok": true, "scores": 1}"#, "scores"),
        (r#"{"id": 2, "task": "a", "local_ok": 1}"#, "line 2.local_ok"),
        (r#"{"id": 2, "task": "a"}"#, "local_ok"),
        (r#"{"id": 2, "task": "a", "local_ok": true, "score": NaN}"#, "line 2"),
        (r#"{"id": 2, "task": "a", "local_ok": true, "score": 1e999}"#, "line 2"),
        (
            r#"{"id": 2, "task": "a", "local_ok": true, "p_error": 1.5}"#,
            "line 2.p_error",
        ),
        (r#"{"id": "1", "task": "a", "local_ok": true}"#, "as in line 1"),
        (
            r#"{"id": 2, "task": "a", "local_ok": true, "costs": {"remote": -1}}"#,
            "line 2.costs",
        ),
        (
            r#"{"id": 2, "task": "a", "local_ok": true, "costs": {"remote": 18446744073709551615}}"#,
            "line 2.costs",
        ),
        (r#"{"id": [2], "task": "a", "local_ok": true}"#, "line 2.id"),
    ] {
        let text = if bad.trim().is_empty() {
            bad.to_string()
        } else {
            format!("{good}\n{bad}")
        };
        let error = read(&text).unwrap_err();
        assert_eq!(error.code(), "invalid_request");
        assert!(error.to_string().contains(says), "{bad}: {error}");
    }
}

#[test]
fn hostile_options_are_refused() {
    let rows = rows(20);
    let refused = |change: &dyn Fn(&mut Options), says: &str| {
        let mut options = options();
        change(&mut options);
        let error = evaluate(&rows, &options).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    };
    refused(&|o| o.operating = Operating::Share(f64::NAN), "escalation");
    refused(&|o| o.operating = Operating::From(f64::INFINITY), "threshold");
    refused(&|o| o.operating = Operating::Calibrated, "profile");
    refused(&|o| o.bootstrap.replicates = 0, "replicates");
    refused(&|o| o.risk = Some(2.0), "risk");
    // A file of a million rows takes 200 replicates; nobody waits for a thousand without knowing.
    let many: Vec<Row> = (0..2001)
        .map(|i| Row {
            id: i.to_string(),
            ..rows[0].clone()
        })
        .collect();
    let replicates = Bootstrap {
        replicates: 100_000,
        ..options().bootstrap
    };
    let error = evaluate(
        &many,
        &Options {
            bootstrap: replicates,
            ..options()
        },
    )
    .unwrap_err();
    assert!(error.to_string().contains("at most 99950 for 2001 rows"), "{error}");
    refused(&|o| o.source = Source::Feature("doubt".into()), "signal");
    refused(
        &|o| o.source = Source::Feature("label_max".into()),
        "row \"0\" has none",
    );
}
