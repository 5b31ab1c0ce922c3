//! A step taken apart: its operations are those of the decoder, and their times those of the step.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use kinglet::backend::cpu::Cpu;
use kinglet::backend::{Reference, recruit};
use kinglet::engine::{Engine, GenerateOptions, Profile};
use kinglet::ops::{Method, Ops};
use kinglet::platform::now_ms;
use kinglet::session::ProfileRequest;
use pollster::block_on;
use serde_json::json;

use crate::engine::{decoder, model, options, text};
use crate::loaded::{cpu, golden_bytes, load};

/// Layers of the committed models.
pub fn layers(name: &str) -> usize {
    let config = kinglet::model::arch::config(model(name).metadata(), model(name).tensors()).expect("a model");
    config.n_layer
}

/// `stage op` -> calls, of a decode step of a model with biases or norms of heads.
pub fn expected(layers: usize, biases: bool, head_norms: bool, head: bool) -> BTreeMap<String, usize> {
    let mut all = vec![("embed embed", 1)];
    for op in [
        "qkv rms_norm",
        "qkv matmul",
        "qkv rope",
        "qkv kv_write",
        "attention attention",
        "attn_output matmul",
        "attn_output add",
        "gate_up rms_norm",
        "gate_up matmul",
        "gate_up silu_mul",
        "ffn_down matmul",
        "ffn_down add",
    ] {
        all.push((op, layers));
    }
    all.extend(biases.then_some(("qkv add_bias", layers)));
    all.extend(head_norms.then_some(("qkv head_norm", layers)));
    if head {
        all.extend([("head rms_norm", 1), ("head matmul", 1)]);
    }
    all.into_iter().map(|(name, calls)| (name.to_string(), calls)).collect()
}

pub fn calls(profile: &Profile) -> BTreeMap<String, usize> {
    let of = |row: &kinglet::engine::ProfileRow| (format!("{} {}", row.span.stage, row.span.op), row.span.calls);
    profile.rows.iter().map(of).collect()
}

pub fn sum(profile: &Profile) -> f64 {
    profile.rows.iter().map(|row| row.span.ms).sum()
}

fn on_cpu(name: &str, threads: usize, clock: fn() -> f64) -> Engine<Cpu> {
    let team = block_on(recruit(Some(threads))).expect("a team");
    Engine::new(
        decoder(Cpu::new(team), &model(name), &options(64, 16)).expect("loads"),
        clock,
    )
}

#[test]
fn every_operation_of_the_decoder_is_listed() {
    for (name, biases, head_norms) in [("qwen2", true, false), ("qwen3", false, true), ("llama3", false, false)] {
        let layers = layers(name);
        let mut engine = on_cpu(name, 2, now_ms);
        let decode = block_on(engine.profile(1, 20)).expect("a step");
        assert_eq!(calls(&decode), expected(layers, biases, head_norms, true), "{name}");
        assert_eq!((decode.tokens, decode.position, decode.method), (1, 20, Method::Clock));
        let prefill = block_on(engine.profile(16, 0)).expect("a step");
        assert_eq!(calls(&prefill), expected(layers, biases, head_norms, false), "{name}");
    }
}

#[test]
fn matrices_say_their_bytes() {
    let profile = block_on(on_cpu("llama3", 1, now_ms).profile(1, 0)).expect("a step");
    let gguf = model("llama3");
    let bytes = |part: &str| -> u64 {
        let of = gguf.tensors().iter().filter(|t| t.name.contains(part));
        of.map(|t| t.bytes).sum()
    };
    let of = |stage: &str| {
        profile
            .rows
            .iter()
            .find(|row| row.span.stage == stage && row.span.op == "matmul")
    };
    for (stage, parts) in [
        ("ffn_down", &["ffn_down"][..]),
        ("gate_up", &["ffn_gate.", "ffn_up."]),
        ("attn_output", &["attn_output"]),
    ] {
        let row = of(stage).expect(stage);
        assert_eq!(row.bytes, Some(parts.iter().map(|part| bytes(part)).sum()), "{stage}");
        assert!(row.format.as_ref().is_some_and(|format| !format.is_empty()));
    }
    assert!(
        profile
            .rows
            .iter()
            .filter(|row| row.span.op == "add")
            .all(|row| row.bytes.is_none())
    );
}

/// A clock that goes on by one at every look.
fn ticks() -> f64 {
    static LOOKS: AtomicU64 = AtomicU64::new(0);
    LOOKS.fetch_add(1, Ordering::Relaxed) as f64
}

#[test]
fn each_command_is_between_two_looks_at_the_clock() {
    let profile = block_on(on_cpu("llama3", 1, ticks).profile(1, 0)).expect("a step");
    for row in &profile.rows {
        assert_eq!(row.span.ms, row.span.calls as f64, "{row:?}");
    }
    assert_eq!(profile.step_ms, 1.0);
}

#[test]
fn the_rows_are_the_step() {
    let mut engine = on_cpu("llama3", 1, now_ms);
    // The best of several: another program may take the processor away at any time.
    let off = (0..20).map(|_| {
        let profile = block_on(engine.profile(16, 0)).expect("a step");
        (sum(&profile) / profile.step_ms).ln().abs()
    });
    let off = off.fold(f64::INFINITY, f64::min);
    assert!(
        off < 2f64.ln(),
        "the sum of the rows is off by a factor of {:.2}",
        off.exp()
    );
}

#[test]
fn an_answer_afterwards_is_as_before() {
    let mut engine = on_cpu("qwen2", 1, now_ms);
    let prompt = text(20);
    let mut answer = |profiled: bool| {
        if profiled {
            block_on(engine.profile(16, 3)).expect("a step");
            assert!(engine.cached().is_empty(), "what the cache holds is of no use");
        }
        let options = GenerateOptions {
            max_tokens: 8,
            ..GenerateOptions::default()
        };
        engine.start(&prompt, options).expect("starts");
        let mut ids = Vec::new();
        while let Some(token) = block_on(engine.next()).expect("a token") {
            ids.push(token.id);
        }
        ids
    };
    let before = answer(false);
    assert_eq!(answer(true), before);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let mut exact = Engine::new(
        decoder(Reference::new(), &model("llama3"), &options(64, 16)).expect("loads"),
        now_ms,
    );
    assert_eq!(block_on(exact.profile(1, 0)).unwrap_err().code(), "invalid_request");
    let mut engine = on_cpu("llama3", 1, now_ms);
    for (tokens, pos) in [(0, 0), (17, 0), (2, 63), (1, 64), (1, usize::MAX)] {
        let error = block_on(engine.profile(tokens, pos)).unwrap_err();
        assert_eq!(error.code(), "invalid_request", "{tokens} at {pos}");
    }
    assert!(engine.decoder().ops().limits().shards == 1);
    assert!(
        block_on(engine.profile(1, 63)).is_ok(),
        "what was refused has left nothing behind"
    );
}

#[test]
fn a_session_gives_a_round_after_the_other() {
    let mut session = load(golden_bytes("qwen2"), &cpu());
    let request = ProfileRequest::new(&json!({"tokens": 8, "rounds": 2})).expect("a request");
    session.start_profile(&request).expect("starts");
    let mut tokens = Vec::new();
    while let Some(profile) = block_on(session.next_profile()).expect("a step") {
        tokens.push(profile.tokens);
    }
    assert_eq!(tokens, [8, 1, 8, 1]);
    assert!(!session.profiles());
    for wrong in [
        json!({"rounds": 0}),
        json!({"rounds": 101}),
        json!({"tokens": 1}),
        json!({"tokens": 1e9}),
        json!({"tokens": -1}),
        json!({"position": 1e6}),
        json!({"tokes": 3}),
    ] {
        let refused = ProfileRequest::new(&wrong).and_then(|request| session.start_profile(&request));
        assert_eq!(refused.unwrap_err().code(), "invalid_request", "{wrong}");
    }
}
