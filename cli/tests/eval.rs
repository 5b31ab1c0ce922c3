//! `kinglet eval` and models by name, with the real binary on a committed model that gets a chat template.

#[path = "../../tests/it/with_template.rs"]
mod with_template;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kinglet_route::signals::SIGNAL_VERSION;
use kinglet_route::{Binding, Signals};
use serde_json::{Value, json};

const TEMPLATE: &str = "{% for m in messages %}<s>{{ m.role }}: {{ m.content | trim }}</s>{% endfor %}<s>assistant:";

/// A folder of one test, emptied first, with `desk.gguf` in it.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/qwen2.gguf");
    let model = with_template::with_template(&fs::read(golden).unwrap(), TEMPLATE);
    fs::write(folder.join("desk.gguf"), model).unwrap();
    folder
}

fn kinglet(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinglet"));
    command.args(args).current_dir(folder).env_remove("KINGLET_MODELS");
    command.output().unwrap()
}

fn lines(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect()
}

fn ask(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

fn eval(folder: &Path, rows: &str, more: &[&str]) -> Output {
    fs::write(folder.join("tasks.jsonl"), rows).unwrap();
    let args = [
        "eval",
        "tasks.jsonl",
        "--model",
        "desk.gguf",
        "--backend",
        "cpu",
        "--threads",
        "1",
        "--max-tokens",
        "12",
    ];
    kinglet(folder, &[&args[..], more].concat())
}

/// One of each kind; the model is a random one, so most answers are wrong.
fn rows() -> Vec<Value> {
    let labels = json!(["late parcel", "late", "refund", "none of these"]);
    let mut rows: Vec<Value> = ["Where is it?", "I want my money", "What a day"]
        .iter()
        .enumerate()
        .map(|(i, text)| {
            json!({"task": "classify", "id": format!("c{i}"), "family": "f", "labels": labels, "answer": labels[i + 1], "known": i != 2,
                "messages": ask(&format!("late parcel, late, refund, none of these\n{text}"))})
        })
        .collect();
    rows.extend([
        json!({"task": "extract", "messages": ask("Ann, 7"), "answer": "{\"name\": \"Ann\", \"city\": null}", "fields": ["name", "city"]}),
        json!({"task": "answer", "messages": ask("When?"), "answer": "today", "accept": ["now"], "id": 7}),
        json!({"task": "answer", "messages": ask("Why?"), "answer": "I don't know.", "known": false}),
        json!({"task": "chat", "messages": ask(&"much too long ".repeat(600)), "answer": "Hello!"}),
    ]);
    rows
}

fn file(rows: &[Value]) -> String {
    rows.iter().map(|r| r.to_string() + "\n").collect()
}

#[test]
fn a_task_file_from_end_to_end() {
    let folder = folder("eval_end_to_end");
    let rows = rows();
    // Blank lines and Windows line ends do not count.
    let binding = ["--binding", "binding.json"];
    let out = eval(&folder, &file(&rows).replacen('\n', "\r\n\n", 1), &binding);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let printed = lines(&out.stdout);
    let (items, summaries) = printed.split_at(rows.len());
    let binding: Binding = serde_json::from_slice(&fs::read(folder.join("binding.json")).unwrap()).unwrap();
    assert_eq!((&binding.quantization[..], &binding.sampler[..]), ("F32", "greedy"));
    assert_eq!((binding.model_hash.len(), binding.signal_version), (64, SIGNAL_VERSION));
    for (item, row) in items.iter().zip(&rows) {
        assert_eq!(
            (&item["task"], &item["expected"], &item["id"]),
            (&row["task"], &row["answer"], &row["id"])
        );
        let signals = &item["signals"];
        let logprobs = signals["token_logprobs"].as_array().unwrap();
        assert_eq!(signals["generated_tokens"], logprobs.len());
        if !logprobs.is_empty() {
            let sum: f64 = logprobs.iter().map(|l| l.as_f64().unwrap()).sum();
            assert!((signals["mean_logprob"].as_f64().unwrap() - sum / logprobs.len() as f64).abs() < 1e-3);
            assert!(signals["mean_entropy"].as_f64().unwrap() > 0.0);
            let read: Signals = serde_json::from_value(signals.clone()).unwrap();
            assert_eq!(read.tokens as usize, logprobs.len(), "{item}");
            assert!(read.first_margin.is_some() && read.window_logprob <= Some(0.0));
        }
        let scores = signals["label_scores"].as_object();
        assert_eq!(scores.is_some(), row["task"] == "classify");
        if let Some(scores) = scores {
            let bounds = signals["label_bounds"].as_object().unwrap();
            assert_eq!(scores.len() + bounds.len(), 4);
            assert!(scores.contains_key("none of these"));
            let best = scores
                .iter()
                .max_by(|a, b| a.1.as_f64().unwrap().total_cmp(&b.1.as_f64().unwrap()))
                .unwrap();
            assert_eq!(
                (item["answer"].as_str(), &signals["label_max"]),
                (Some(best.0.as_str()), best.1)
            );
            assert_eq!(item["correct"], item["answer"] == item["expected"]);
        }
    }
    assert!(
        items[1]["signals"]["reused_tokens"].as_u64().unwrap() > 10,
        "the list of labels stays in the cache"
    );
    assert_eq!(items[3]["fields"], json!({"name": false, "city": false}));
    assert_eq!(items[6]["error"]["code"], "context_overflow");

    let names: Vec<&Value> = summaries.iter().map(|s| &s["summary"]).collect();
    assert_eq!(names, ["classify", "extract", "answer", "chat", "overall"]);
    for summary in summaries {
        let mine: Vec<&Value> = items
            .iter()
            .filter(|i| summary["summary"] == "overall" || i["task"] == summary["summary"])
            .collect();
        let correct = mine.iter().filter(|i| i["correct"] == true).count();
        assert_eq!(
            (&summary["n"], &summary["correct"]),
            (&json!(mine.len()), &json!(correct))
        );
        assert_eq!(summary["wilson95"].as_array().unwrap().len(), 2);
    }
    assert_eq!(summaries[0]["refusal_recall"]["n"], 1);
    assert_eq!(summaries[0]["families"]["f"][1], 3);
    assert_eq!(summaries[1]["fields"]["n"], 2);
    assert_eq!(
        (
            &summaries[3]["errors"],
            &summaries[3]["latency_ms"]["prefill"]["median"]
        ),
        (&json!(1), &Value::Null)
    );
    assert_eq!(summaries[4]["model"]["file"], "desk.gguf");
    let table = String::from_utf8(out.stderr).unwrap();
    assert!(table.starts_with("task") && table.lines().count() == 6, "{table}");

    // The same again into a file, and less of it.
    let out = eval(&folder, &file(&rows), &["--out", "items.jsonl", "--limit", "4"]);
    assert_eq!(lines(&out.stdout).len(), 3);
    let again = lines(&fs::read(folder.join("items.jsonl")).unwrap());
    assert_eq!(again.len(), 4);
    for (a, b) in again.iter().zip(items) {
        assert_eq!(
            (&a["answer"], &a["signals"]["mean_logprob"]),
            (&b["answer"], &b["signals"]["mean_logprob"])
        );
    }
}

#[test]
fn a_bad_row_is_named() {
    let folder = folder("eval_bad_rows");
    let good = json!({"task": "chat", "messages": ask("x"), "answer": "y"});
    let with = |key: &str, value: Value| {
        let mut row = good.clone();
        row[key] = value;
        row.to_string().into_bytes()
    };
    let classify = |labels: Value| {
        json!({"task": "classify", "messages": ask("x"), "answer": "y", "labels": labels})
            .to_string()
            .into_bytes()
    };
    for (row, param) in [
        (b"{".to_vec(), "row"),
        (b"[]".to_vec(), "row"),
        (b"\xff\xfe".to_vec(), "row"),
        (b"{\"task\": \"\xc3\"}".to_vec(), "row"),
        ("[".repeat(100_000).into_bytes(), "row"),
        (with("task", Value::Null), "task"),
        (with("task", json!("")), "task"),
        (with("task", json!(1)), "task"),
        (with("messages", Value::Null), "messages"),
        (with("messages", json!([])), "messages"),
        (
            with("messages", json!([{"role": "a b", "content": ""}])),
            "messages[0].role",
        ),
        (with("answer", Value::Null), "answer"),
        (with("answer", json!({"a": 1})), "answer"),
        (with("labels", json!("y")), "labels"),
        (with("labels", json!(["a", 1])), "labels"),
        (with("labels", json!(["a", "b"])), "answer"),
        (with("known", json!("no")), "known"),
        (with("id", json!([])), "id"),
        (with("lables", json!(["y"])), "lables"),
        (with("task", json!("extract")), "answer"),
        (with("task", json!("classify")), "labels"),
        (classify(json!([])), "labels"),
        (classify(json!(["y", "y"])), "labels[1]"),
        (classify(json!(["y", ""])), "labels[1]"),
    ] {
        let text = [good.to_string().as_bytes(), b"\n\n", &row, b"\n"].concat();
        fs::write(folder.join("tasks.jsonl"), text).unwrap();
        let out = kinglet(
            &folder,
            &[
                "eval",
                "tasks.jsonl",
                "--model",
                "desk.gguf",
                "--backend",
                "cpu",
                "--max-tokens",
                "1",
            ],
        );
        let shown = String::from_utf8_lossy(&row[..row.len().min(80)]).into_owned();
        assert_eq!(out.status.code(), Some(1), "{shown}");
        let error = lines(&out.stderr).pop().unwrap();
        assert_eq!(error["code"], "invalid_request", "{shown}");
        assert_eq!(error["detail"]["param"], format!("line 3: {param}"), "{shown}");
    }
    let empty = eval(&folder, "\n \n", &[]);
    assert_eq!(lines(&empty.stderr)[0]["code"], "invalid_request");
    let absent = kinglet(&folder, &["eval", "nothing.jsonl", "--model", "desk.gguf"]);
    assert_eq!(lines(&absent.stderr)[0]["code"], "io");
}

#[test]
fn models_have_names() {
    let folder = folder("models_by_name");
    let generate = |at: &Path, name: &str, models: Option<&Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kinglet"));
        command.args([
            "generate",
            name,
            "--backend",
            "cpu",
            "--message",
            "hello",
            "--max-tokens",
            "2",
        ]);
        command.current_dir(at).env_remove("KINGLET_MODELS");
        if let Some(models) = models {
            command.env("KINGLET_MODELS", models);
        }
        command.output().unwrap()
    };
    let elsewhere = folder.join("elsewhere");
    fs::create_dir_all(elsewhere.join("models/desk")).unwrap();
    // Beside the executable there may be a model already: another name is never one.
    let unknown = generate(&elsewhere, "desk-mega", Some(&folder));
    assert_eq!(lines(&unknown.stderr)[0]["code"], "io");

    fs::copy(folder.join("desk.gguf"), folder.join("desk-nano.gguf")).unwrap();
    let named = generate(&elsewhere, "desk-nano", Some(&folder));
    assert!(named.status.success(), "{}", String::from_utf8_lossy(&named.stderr));
    let of_file = generate(&folder, "desk-nano.gguf", None);
    assert_eq!(lines(&named.stdout)[0]["ids"], lines(&of_file.stdout)[0]["ids"]);
    // The variable goes first: what lies there is taken, even if it is no model.
    fs::write(elsewhere.join("desk.gguf"), b"no model").unwrap();
    let bad = generate(&elsewhere, "desk", Some(&elsewhere));
    assert_ne!(lines(&bad.stderr)[0]["code"], "io");
    // A file of that name is a file.
    fs::write(elsewhere.join("desk"), b"no model").unwrap();
    let bad = generate(&elsewhere, "desk", Some(&folder));
    assert_eq!(bad.status.code(), Some(1));
}
