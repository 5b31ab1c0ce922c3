//! The tool as a person or a script uses it: the real binary, its standard streams and its exit code.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

fn model(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/goldens")
        .join(name);
    path.display().to_string()
}

struct Output {
    code: i32,
    lines: Vec<Value>,
    stderr: String,
}

fn kinglet(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kinglet"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    Output {
        code: out.status.code().unwrap(),
        lines: text
            .lines()
            .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
            .collect(),
        stderr: String::from_utf8(out.stderr).unwrap(),
    }
}

/// Output of a command that succeeds.
fn ok(args: &[&str], input: &str) -> Vec<Value> {
    let out = kinglet(args, input);
    assert_eq!(out.code, 0, "{args:?}: {}", out.stderr);
    out.lines
}

fn golden(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(model(&format!("{name}.golden.json"))).unwrap()).unwrap()
}

#[test]
fn inspect_plans_memory_and_gives_a_verdict() {
    let seen = &ok(&["inspect", &model("qwen2.gguf"), "--ctx", "128"], "")[0];
    assert_eq!(seen["metadata"]["general.architecture"], "qwen2");
    assert_eq!(seen["verdict"], json!({"runs": true, "text": "runs"}));
    assert_eq!(seen["memory"]["n_ctx"], 128);
    // 2 layers, keys and values, 128 positions, 2 heads of 8, two bytes each
    assert_eq!(seen["memory"]["cache"], 2 * 2 * 128 * 2 * 8 * 2);
    let listed: u64 = seen["tensors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["bytes"].as_u64().unwrap())
        .sum();
    assert_eq!(seen["tensor_bytes"], listed);
    let beyond = &ok(&["inspect", &model("qwen2.gguf"), "--ctx", "1024"], "")[0];
    assert_eq!(beyond["verdict"]["runs"], true);
    assert!(beyond["verdict"]["text"].as_str().unwrap().contains("trained for 512"));
    // tied output: every matrix is read for every token
    assert_eq!(seen["bytes_per_token"]["weights"], listed);
}

#[test]
fn inspect_finds_all_parts_of_a_split_model() {
    let whole = &ok(&["inspect", &model("qwen2.gguf")], "")[0];
    let split = &ok(&["inspect", &model("split-00001-of-00003.gguf")], "")[0];
    assert_eq!(split["parameters"], whole["parameters"]);
    assert_eq!(split["verdict"]["runs"], true);
}

#[test]
fn tokenize_and_detokenize_are_inverse() {
    let texts = ["Hello, world!", "  two spaces", "na\u{ef}ve \u{1f642}", ""];
    let input: String = texts.iter().map(|t| json!({"text": t}).to_string() + "\n").collect();
    let ids = ok(&["tokenize", &model("qwen3.gguf"), "--bos", "no"], &input);
    let back: String = ids.iter().map(|l| l.to_string() + "\n").collect();
    let texts_back = ok(&["detokenize", &model("qwen3.gguf")], &back);
    assert_eq!(
        texts_back
            .iter()
            .map(|l| l["text"].as_str().unwrap())
            .collect::<Vec<_>>(),
        texts
    );
}

#[test]
fn tokenize_options_change_bos_and_special_tokens() {
    let one = |options: &[&str]| {
        let file = model("qwen3.gguf");
        let args: Vec<&str> = ["tokenize", &file].iter().chain(options).copied().collect();
        ok(&args, "{\"text\":\"<s>\"}")[0]["ids"].as_array().unwrap().clone()
    };
    assert_eq!(one(&["--bos", "no", "--special", "parse"]), [1]);
    assert_eq!(one(&["--bos", "yes", "--special", "parse"]), [1, 1]);
    assert_eq!(
        one(&["--bos", "auto", "--special", "text"])[0],
        1,
        "the file asks for a begin-of-sequence token"
    );
    assert!(!one(&["--bos", "no", "--special", "text"]).contains(&json!(1)));
}

#[test]
fn generate_continues_a_prompt_and_is_repeatable() {
    let file = model("llama3.gguf");
    let args = [
        "generate",
        &file,
        "--backend",
        "cpu",
        "--prompt",
        "the heat",
        "--max-tokens",
        "6",
    ];
    let first = &ok(&args, "")[0];
    assert_eq!(first["ids"].as_array().unwrap().len(), 6);
    assert_eq!(first["finish_reason"], "length");
    assert!(first["text"].is_string() && first["timings"]["prefill_ms"].is_number());
    assert_eq!(ok(&args, "")[0]["ids"], first["ids"]);
}

#[test]
fn score_agrees_with_the_golden() {
    let golden = golden("qwen2");
    let run = &golden["runs"][0];
    let input = json!({"ids": run["tokens"]}).to_string();
    let scored = &ok(
        &[
            "score",
            &model("qwen2.gguf"),
            "--backend",
            "cpu",
            "--ctx",
            "256",
            "--cache",
            "f32",
        ],
        &input,
    )[0];
    let pairs = scored["nll"]
        .as_array()
        .unwrap()
        .iter()
        .zip(run["nll"].as_array().unwrap());
    let worst = pairs
        .map(|(a, b)| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs())
        .fold(0.0, f64::max);
    assert!(worst < 1e-3, "{worst}"); // f32 against f32: only the order of sums differs
    assert_eq!(scored["argmax"], run["argmax"]);
    assert!(scored["perplexity"].as_f64().unwrap() > 1.0);
}

#[test]
fn embed_gives_a_vector_of_length_one_for_each_line() {
    let input = "{\"text\":\"Once upon a time\"}\n{\"ids\":[5,6,7]}\n";
    let args = |pooling| ["embed", &model("qwen2.gguf"), "--backend", "cpu", "--pooling", pooling].map(str::to_owned);
    let vectors = |pooling| {
        let args = args(pooling);
        let lines = ok(&args.each_ref().map(String::as_str), input);
        assert_eq!((lines.len(), &lines[1]["tokens"]), (2, &json!(3)));
        let values = |line: &Value| -> Vec<f64> { serde_json::from_value(line["embedding"].clone()).expect("numbers") };
        lines.iter().map(values).collect::<Vec<_>>()
    };
    let mean = vectors("mean");
    for vector in &mean {
        let length: f64 = vector.iter().map(|v| v * v).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
    }
    assert_ne!(vectors("last"), mean);
}

#[test]
fn bench_reports_every_figure() {
    let file = model("qwen2.gguf");
    let seen = &ok(
        &[
            "bench",
            &file,
            "--backend",
            "cpu",
            "--prompt-tokens",
            "8",
            "--generate",
            "4",
            "--repeat",
            "2",
        ],
        "",
    )[0];
    for figure in ["prefill_tokens_per_s", "decode_tokens_per_s", "time_to_first_token_ms"] {
        assert!(
            seen[figure].as_f64().is_some_and(|f| f > 0.0 && f.is_finite()),
            "{figure}: {}",
            seen[figure]
        );
    }
}

#[test]
fn render_answers_each_line_with_a_text_or_an_error() {
    let dir = std::env::temp_dir().join(format!("kinglet-render-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let template = dir.join("t.jinja");
    let source = "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}\
                  {{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}\
                  {% if mood %}({{ mood }}, {{ strftime_now('%Y') }}){% endif %}";
    std::fs::write(&template, source).unwrap();
    let input = [
        json!({"messages": [{"role": "user", "content": "hi"}], "add_generation_prompt": true, "tools": null, "mood": "calm"}),
        json!({"messages": [{"role": "system", "content": "x"}]}),
        json!({"messages": 3}),
    ];
    let input: String = input.iter().map(|l| l.to_string() + "\n").collect();
    let path = template.display().to_string();
    let lines = ok(
        &[
            "render",
            &path,
            "--bos-token",
            "<s>",
            "--eos-token",
            "</s>",
            "--now",
            "2026-01-15T12:00:00",
        ],
        &input,
    );
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(lines[0]["text"], "<s>user: hi</s>\nassistant:(calm, 2026)");
    assert_eq!(lines[1]["error"]["code"], "template_refused");
    assert_eq!(lines[2]["error"]["code"], "invalid_request");
}

#[test]
fn verify_reports_every_check() {
    let seen = &ok(&["verify", &model("qwen2.gguf"), "--cpu-only"], "")[0];
    assert_eq!(seen["files"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(seen["tokenizer"]["failed"], json!([]));
    assert_eq!(seen["facts"]["of"], 5);
    assert!(seen["perplexity"]["value"].as_f64().unwrap() > 1.0);
    assert!(seen["cpu_against_gpu"]["skipped"].is_string());
}

#[test]
fn failures_are_one_json_object_on_stderr_and_exit_code_1() {
    let golden = model("qwen2.golden.json");
    let file = model("qwen2.gguf");
    for (args, input, code) in [
        (vec!["inspect", "no-such-file.gguf"], "", "io"),
        (vec!["inspect", &golden], "", "bad_file"),
        (vec!["frobnicate"], "", "invalid_request"),
        (vec!["tokenize", &file], "not json", "invalid_request"),
        (
            vec!["score", &file, "--backend", "cpu"],
            "{\"ids\":[99999]}",
            "invalid_request",
        ),
        (
            vec![
                "generate",
                &file,
                "--backend",
                "cpu",
                "--prompt",
                "a",
                "--temperature",
                "-1",
            ],
            "",
            "invalid_request",
        ),
        (
            vec![
                "generate",
                &file,
                "--backend",
                "cpu",
                "--ctx",
                "8",
                "--prompt",
                "a long text that cannot fit",
            ],
            "",
            "context_overflow",
        ),
    ] {
        let out = kinglet(&args, input);
        assert_eq!(out.code, 1, "{args:?}");
        let error: Value =
            serde_json::from_str(out.stderr.trim()).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", out.stderr));
        assert_eq!(error["code"], code, "{args:?}: {error}");
        assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{args:?}");
    }
}
