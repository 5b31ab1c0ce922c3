//! `kinglet route`, with the real binary: committed rows, hostile ones, and two of the project's own models as a pair.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// An empty folder of one test.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn committed(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/route").join(name);
    path.to_string_lossy().into_owned()
}

fn kinglet(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinglet"));
    command.args(args).current_dir(folder);
    command.env(
        "KINGLET_MODELS",
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/desk"),
    );
    command.output().unwrap()
}

fn route(folder: &Path, args: &[&str]) -> Output {
    kinglet(folder, &[&["route"], args].concat())
}

fn answer(out: &Output) -> Value {
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The error object, which is the last line of standard error.
fn error(out: &Output) -> Value {
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8_lossy(&out.stderr);
    let error: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!(error["message"].is_string() && error["detail"].is_object(), "{error}");
    error
}

const FEW: [&str; 4] = ["--replicates", "200", "--seed", "3"];

#[test]
fn rows_are_evaluated() {
    let folder = folder("route_eval");
    let rows = committed("rows.jsonl");
    let args = [&["eval", &rows, "--escalation", "0.25", "--risk", "0.2"], &FEW[..]].concat();
    let out = route(&folder, &args);
    let report = answer(&out);
    assert_eq!(
        (report["n"].as_u64(), report["headline"]["n"].as_u64()),
        (Some(48), Some(48))
    );
    let names: Vec<&str> = report["policies"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["name"].as_str())
        .collect();
    for name in [
        "all_local",
        "all_remote",
        "all_cheap_remote",
        "cheap_to_strong",
        "random",
        "prompt_length",
        "task_label",
        "oracle",
    ] {
        assert!(names.contains(&name), "{name} is missing among {names:?}");
    }
    // What the choice of a threshold adds, and what escalation buys for its money: 0 where everything is asked.
    for figure in ["escalated", "risk", "quality"] {
        let (low, high) = (&report["choice"][figure]["low"], &report["choice"][figure]["high"]);
        assert!(low.as_f64().unwrap() < high.as_f64().unwrap(), "{figure}");
    }
    let lift = |name: &str| {
        report["policies"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["name"] == name)
            .unwrap()["benefit_lift"]
            .clone()
    };
    assert!(lift("all_remote")["value"].as_f64().unwrap().abs() < 1e-12 && lift("signal")["low"].is_number());
    assert!(lift("all_local").is_null() && report.get("wasted").is_none());
    // The headline comes first, and no saving without it.
    let table = String::from_utf8_lossy(&out.stderr).into_owned();
    let place = |words: &str| table.find(words).unwrap_or_else(|| panic!("no {words:?} in\n{table}"));
    assert!(place("money per right answer") < place("saving to all remote"));
    assert!(place("difference to all remote: ") < place("saving to all remote"));
    // The same seed, the same figures; another, others.
    assert_eq!(report, answer(&route(&folder, &args)));
    let other = [&args[..args.len() - 1], &["4"]].concat();
    assert_ne!(report["headline"], answer(&route(&folder, &other))["headline"]);
}

#[test]
fn a_report_is_a_folder() {
    let folder = folder("route_report");
    let args = [
        "report",
        &committed("rows.jsonl"),
        "--threshold",
        "0.6",
        "--out",
        "shown",
    ];
    let files = answer(&route(&folder, &[&args, &FEW[..]].concat()));
    assert_eq!(files["files"].as_array().unwrap().len(), 4);
    let read = |name: &str| fs::read_to_string(folder.join("shown").join(name)).unwrap();
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(report["n"], 48);
    for name in ["deferral.svg", "frontier.svg"] {
        let svg = read(name);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
        assert!(svg.contains("n = 48") && svg.contains("right answers, %") && svg.contains("prefers-color-scheme"));
        assert!(read("report.md").contains(&format!("({name})")));
    }
}

#[test]
fn hostile_rows_are_typed_errors() {
    let folder = folder("route_hostile");
    let good = r#"{"id": 1, "task": "a", "local_ok": true, "remote_ok": true, "score": 0.5}"#;
    for (rows, says) in [
        (String::new(), "at least one"),
        (format!("{good}\n{good}\n"), "line 2.id"),
        (good.replace("0.5", "NaN"), "line 1"),
        (good.replace("0.5", "1e400"), "line 1"),
        (good.replace("score", "scores"), "scores"),
        (good.replace("true, \"remote", "\"yes\", \"remote"), "line 1.local_ok"),
        (
            format!("{good}\n{}", r#"{"id": 2, "task": "a", "local_ok": true, "score": 1}"#),
            "remote_ok",
        ),
        (
            format!(
                "{good}\n{}",
                r#"{"id": 2, "task": "a", "local_ok": true, "remote_ok": true}"#
            ),
            "score",
        ),
    ] {
        fs::write(folder.join("rows.jsonl"), &rows).unwrap();
        let error = error(&route(&folder, &["eval", "rows.jsonl", "--escalation", "0.1"]));
        assert_eq!(error["code"], "invalid_request");
        assert!(error["message"].as_str().unwrap().contains(says), "{rows}: {error}");
    }
    let missing = error(&route(&folder, &["eval", "nowhere.jsonl", "--escalation", "0.1"]));
    assert_eq!(missing["code"], "io");
    let rows = committed("rows.jsonl");
    // What is escalated has to be said: there is no default that pretends to be a calibration.
    assert!(
        error(&route(&folder, &["eval", &rows]))["message"]
            .as_str()
            .unwrap()
            .contains("--escalation")
    );
    assert_eq!(
        error(&route(&folder, &["eval", &rows, "--escalation", "1.5"]))["detail"]["param"],
        "escalation"
    );
    assert_eq!(
        error(&route(&folder, &["eval", &rows, "--escalation", "NaN"]))["code"],
        "invalid_request"
    );
    // One class: nothing to rank, and that is said.
    fs::write(folder.join("rows.jsonl"), good.replace("0.5", "1") + "\n").unwrap();
    let report = answer(&route(&folder, &["eval", "rows.jsonl", "--escalation", "0.5"]));
    assert!(report["ranking"]["signal"]["auroc_wrong"].is_null());
    assert!(report["notes"][0].as_str().unwrap().contains("AUROC is not defined"));
}

#[test]
fn plans_promise_only_what_the_numbers_allow() {
    let folder = folder("route_plan");
    let plan = |plan: Value| {
        fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
        route(&folder, &["plan", "plan.json"])
    };
    let known = |x: f64| json!({"low": x, "high": x});
    let quality = |local: f64, auroc: f64, limit: f64| json!({"local": known(local), "remote": known(0.92), "auroc": known(auroc), "repairs": known(0.75), "keep": 0.97, "limit": limit});
    let price = |x: u64| json!({"inputPerMillion": x, "outputPerMillion": x, "currency": "USD", "asOf": "2025-01-01"});
    let money =
        json!({"requestsPerMonth": 3_000_000, "inputTokens": 500, "outputTokens": 0, "remote": price(30_000_000)});
    let holds = answer(&plan(json!({"quality": quality(0.85, 0.9, 0.15), "money": money})));
    assert_eq!(holds["feasibility"]["answer"], "holds");
    let saving = holds["money"]["comparison"]["saving"].as_f64().unwrap();
    assert!(
        (saving - 0.93).abs() < 0.01 && holds["money"]["cost_per_right"].is_number(),
        "{holds}"
    );
    // 10 to 15 % with a local model of 70 % is excluded, and nothing is said of money.
    let excluded = answer(&plan(json!({"quality": quality(0.7, 0.85, 0.15), "money": money})));
    assert_eq!(excluded["feasibility"]["answer"], "excluded");
    assert_eq!(excluded["money"]["answer"], "no_saving");
    assert_eq!(error(&plan(json!({"money": money})))["detail"]["param"], "plan.quality");
    let sizes = json!({"target": 0.9, "confidence": 0.95, "candidates": [
        {"name": "small", "bytes": 100, "right": 46, "n": 50}, {"name": "mid", "bytes": 500, "right": 930, "n": 1000}]});
    assert_eq!(answer(&plan(json!({"sizes": sizes})))["size"]["chosen"]["name"], "mid");
    // Of the remote model's quality, 95 %: it has bounds of its own.
    let candidates = json!([{"name": "small", "bytes": 100, "right": 460, "n": 500}, {"name": "mid", "bytes": 500, "right": 930, "n": 1000}]);
    let relative = |remote: Value| json!({"sizes": {"keep": 0.95, "remote": remote, "confidence": 0.95, "candidates": candidates}});
    let sized = answer(&plan(relative(json!({"right": 940, "n": 1000}))))["size"].clone();
    assert_eq!(sized["chosen"]["name"], "mid", "{sized}");
    assert_eq!(sized["chosen"]["undecided"], json!(["small"]), "{sized}");
    assert!(sized["wanted"]["low"].as_f64() < sized["wanted"]["high"].as_f64());
    let neither = json!({"sizes": {"target": 0.9, "keep": 0.9, "confidence": 0.95, "candidates": candidates}});
    for bad in [
        neither,
        relative(json!({"right": 5, "n": 4})),
        relative(Value::Null),
        json!({}),
        json!({"qualities": 1}),
        json!({"quality": quality(0.7, 0.3, 1.0)}),
        json!([1]),
    ] {
        assert_eq!(error(&plan(bad))["code"], "invalid_request");
    }
}

#[test]
fn a_calibration_from_rows_and_back() {
    let folder = folder("route_calibrate");
    let binding = json!({"model_hash": "m", "quantization": "q8_0", "tokenizer_hash": "t", "template_hash": "c", "sampler": "greedy", "signal_version": 1});
    fs::write(folder.join("binding.json"), binding.to_string()).unwrap();
    let rows = committed("rows.jsonl");
    let base = [
        "calibrate",
        &rows,
        "--task",
        "refunds",
        "--created",
        "2026-11-22",
        "--binding",
        "binding.json",
        "--target",
    ];
    let rate = r#"{"mode": "escalation_rate", "rate": 0.25}"#;
    let made = route(&folder, &[&base[..], &[rate]].concat());
    assert_eq!(answer(&made)["threshold"]["mode"], "escalation_rate");
    fs::write(folder.join("profile.json"), &made.stdout).unwrap();
    let report = answer(&route(
        &folder,
        &[&["eval", &rows, "--profile", "profile.json"], &FEW[..]].concat(),
    ));
    assert_eq!(report["signal"], "profile");
    assert!((report["headline"]["escalated"].as_f64().unwrap() - 0.25).abs() < 0.03);
    // 48 rows certify no risk of 2 %, and the answer says what it would take.
    let risk = r#"{"mode": "risk", "alpha": 0.02, "delta": 0.1}"#;
    assert_eq!(
        error(&route(&folder, &[&base[..], &[risk]].concat()))["code"],
        "cannot_certify"
    );
    assert_eq!(
        error(&route(&folder, &[&base[..], &["{}"]].concat()))["code"],
        "invalid_request"
    );
    // Rows that somebody spoke of say nothing of the others: no profile, unless one goes on despite it.
    let text = fs::read_to_string(&rows).unwrap();
    let spoken = text.replace(
        "{\"id\"",
        "{\"selected\": \"feedback\", \"texts\": {\"input\": \"x\"}, \"id\"",
    );
    assert_ne!(spoken, text);
    fs::write(folder.join("spoken.jsonl"), spoken).unwrap();
    let base = [&["calibrate", "spoken.jsonl"][..], &base[2..], &[rate]].concat();
    let refused = route(&folder, &base);
    assert!(refused.stdout.is_empty());
    assert_eq!(error(&refused)["detail"]["got"], "selected_feedback");
    let made = answer(&route(
        &folder,
        &[&base[..], &["--despite-lint", "--classes", "a,b"]].concat(),
    ));
    let notes = made["notes"].to_string();
    assert!(notes.contains("despite the lint, selected_feedback"), "{notes}");
}

/// What a page makes of the same rows with the same options, byte by byte: calibrate/src/tests.rs writes it.
#[test]
fn a_page_and_the_tool_make_the_same_calibration() {
    let folder = folder("route_calibrate_page");
    let cases = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/route");
    let read = |name: &str| fs::read_to_string(cases.join(name)).unwrap();
    let options: Value = serde_json::from_str(&read("calibrate.json")).unwrap();
    fs::write(folder.join("binding.json"), options["binding"].to_string()).unwrap();
    let rows = cases.join("clinc_desk.jsonl").to_string_lossy().into_owned();
    let risk = |alpha: f64| json!({"mode": "risk", "alpha": alpha, "delta": 0.1}).to_string();
    let made = |target: &str| {
        let args = [
            "calibrate",
            &rows,
            "--task",
            "intent",
            "--created",
            "2026-11-22",
            "--binding",
            "binding.json",
            "--features",
            "label_max,min_logprob",
            "--target",
            target,
        ];
        let out = route(&folder, &args);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let page = read("calibrated.json");
    let begin = |profile: String| format!("{{\"profile\":{},\"findings\":", profile.trim_end());
    assert!(page.starts_with(&begin(made(&risk(0.05)))));
    assert!(!page.starts_with(&begin(made(&risk(0.06)))), "the comparison can fail");
}

/// The traces that Node and Chromium replay, too; one whose decision was changed does not pass.
#[test]
fn traces_are_replayed_bit_by_bit() {
    let folder = folder("route_replay");
    let cases = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/route");
    let case = |name: &str| cases.join(name).to_string_lossy().into_owned();
    let profile = case("profile.json");
    let out = route(&folder, &["replay", &case("traces.jsonl"), "--profile", &profile]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines: Vec<Value> = String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let traces = fs::read_to_string(case("traces.jsonl")).unwrap();
    assert_eq!(lines.len(), traces.lines().count());
    assert!(
        lines
            .iter()
            .all(|l| l["identical"] == true && l["sentence"].is_string())
    );
    let mut changed: Value = serde_json::from_str(traces.lines().next().unwrap()).unwrap();
    let reason = if changed["decision"]["reason"] == "offline" {
        "confident"
    } else {
        "offline"
    };
    changed["decision"]["reason"] = json!(reason);
    fs::write(folder.join("changed.jsonl"), changed.to_string()).unwrap();
    let out = route(&folder, &["replay", "changed.jsonl", "--profile", &profile]);
    assert_eq!(error(&out)["detail"]["param"], "traces");
    let line: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&line["identical"], &line["difference"]["given"]["decision"]["reason"]),
        (&json!(false), &json!(reason))
    );
    for (text, says) in [("", "at least one"), ("{}", "line 1"), ("no trace", "line 1")] {
        fs::write(folder.join("bad.jsonl"), text).unwrap();
        let error = error(&route(&folder, &["replay", "bad.jsonl"]));
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
}

/// The small version of what docs/route.md shows: two of the project's models on the same tasks, from true token
/// log-probabilities to a deferral curve. Toy scale.
#[test]
fn a_weak_and_a_strong_model_become_rows() {
    let folder = folder("route_pair");
    for model in ["desk-nano", "desk"] {
        let items = format!("{model}.jsonl");
        let tasks = committed("pair_tasks.jsonl");
        let args = [
            "eval",
            &tasks,
            "--model",
            model,
            "--backend",
            "cpu",
            "--threads",
            "1",
            "--max-tokens",
            "60",
            "--out",
            &items,
        ];
        assert!(kinglet(&folder, &args).status.success());
    }
    let price =
        json!({"inputPerMillion": 2_500_000, "outputPerMillion": 10_000_000, "currency": "USD", "asOf": "2025-01-01"});
    fs::write(folder.join("price.json"), price.to_string()).unwrap();
    let joined = route(
        &folder,
        &[
            "join",
            "--local",
            "desk-nano.jsonl",
            "--remote",
            "desk.jsonl",
            "--remote-price",
            "price.json",
        ],
    );
    assert!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stderr));
    fs::write(folder.join("rows.jsonl"), &joined.stdout).unwrap();
    let report = answer(&route(
        &folder,
        &[
            &["eval", "rows.jsonl", "--signal", "min_logprob", "--escalation", "0.3"],
            &FEW[..],
        ]
        .concat(),
    ));
    let n = report["n"].as_u64().unwrap();
    assert_eq!(
        n,
        fs::read_to_string(committed("pair_tasks.jsonl"))
            .unwrap()
            .lines()
            .count() as u64
    );
    // The ends of the curve are the two models.
    let curve = report["curves"]["signal"].as_array().unwrap();
    let right = |model: &str| {
        let items = fs::read_to_string(folder.join(format!("{model}.jsonl"))).unwrap();
        items
            .lines()
            .filter(|l| serde_json::from_str::<Value>(l).unwrap()["correct"] == true)
            .count() as f64
            / n as f64
    };
    assert!((curve[0].as_f64().unwrap() - right("desk-nano")).abs() < 1e-12);
    assert!((curve[100].as_f64().unwrap() - right("desk")).abs() < 1e-12);
    assert!(report["headline"]["cost_per_right"]["value"].as_f64().unwrap() > 0.0);
    // Items of other tasks do not join.
    let few: String = fs::read_to_string(folder.join("desk.jsonl"))
        .unwrap()
        .lines()
        .skip(1)
        .map(|l| format!("{l}\n"))
        .collect();
    fs::write(folder.join("few.jsonl"), few).unwrap();
    assert_eq!(
        error(&route(
            &folder,
            &["join", "--local", "desk-nano.jsonl", "--remote", "few.jsonl"]
        ))["code"],
        "invalid_request"
    );
}
