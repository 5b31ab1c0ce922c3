//! The engine's promises: the same answer however a prompt is cut or reused, errors before work, a cache that survives
//! whatever is done to it. On committed models: no shared data needed.

use std::ops::ControlFlow;

use kinglet::backend::Reference;
use kinglet::engine::{Engine, FinishReason, GenerateOptions};
use kinglet::error::{Error, Result};
use kinglet::gguf::GgufFile;
use kinglet::model::arch;
use kinglet::model::decoder::{Decoder, Rows};
use kinglet::model::plan::DecoderOptions;
use kinglet::ops::{CacheType, Ops};
use kinglet::sampler::SamplerConfig;
use pollster::block_on;

use crate::golden::{greedy, open};
use crate::support::{self, Rng};

/// Logits of one position computed in steps of different sizes: the same sums, so the CPU is exact; a GPU's matrix
/// product for many rows adds in another order than the one for a single row.
const LOGIT_TOLERANCE: f32 = 0.01;

pub fn model(name: &str) -> GgufFile {
    open(&support::root().join(format!("tests/goldens/{name}.gguf")))
}

pub fn decoder<O: Ops>(ops: O, gguf: &GgufFile, options: &DecoderOptions) -> Result<Decoder<O>> {
    let config = arch::config(gguf.metadata(), gguf.tensors())?;
    block_on(Decoder::load(ops, gguf, config, options, &mut |_| {
        ControlFlow::Continue(())
    }))
}

pub fn options(n_ctx: usize, n_batch: usize) -> DecoderOptions {
    DecoderOptions {
        n_ctx: Some(n_ctx),
        n_batch,
        cache_type: CacheType::F32,
        ignore_window: false,
    }
}

fn engine(name: &str, n_ctx: usize, n_batch: usize) -> Engine<Reference> {
    Engine::new(
        decoder(Reference::new(), &model(name), &options(n_ctx, n_batch)).unwrap(),
        || 0.0,
    )
}

/// A text of known tokens.
pub fn text(len: usize) -> Vec<u32> {
    let mut rng = Rng(7);
    (0..len)
        .map(|i| if i == 0 { 1 } else { 3 + rng.below(250) as u32 })
        .collect()
}

fn top1_margin(row: &[f32]) -> (usize, f32) {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
    (order[0], row[order[0]] - row[order[1]])
}

/// Logits of the last token of `ids`, computed in steps of the given sizes, repeated.
fn last_logits<O: Ops>(decoder: &mut Decoder<O>, ids: &[u32], from: usize, sizes: &[usize]) -> Vec<f32> {
    let (mut pos, mut sizes) = (from, sizes.iter().cycle());
    while pos < ids.len() {
        let end = ids.len().min(pos + sizes.next().unwrap());
        let rows = if end == ids.len() { Rows::Last } else { Rows::None };
        decoder.step(&ids[pos..end], pos, rows).unwrap();
        pos = end;
    }
    block_on(decoder.logits()).unwrap()
}

fn assert_same(name: &str, got: &[f32], want: &[f32]) {
    let worst = got
        .iter()
        .zip(want)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |a, b| if b <= a { a } else { b });
    assert!(worst <= LOGIT_TOLERANCE, "{name}: logits differ by {worst}");
    let ((token, _), (expected, margin)) = (top1_margin(got), top1_margin(want));
    assert!(
        token == expected || margin <= LOGIT_TOLERANCE,
        "{name}: token {token}, expected {expected}"
    );
}

/// Chunks, single tokens and a reused prefix give the same logits.
fn chunking<O: Ops>(ops: fn() -> O) {
    let ids = text(100);
    for name in ["window", "qwen3", "phi4mini"] {
        let gguf = model(name);
        let mut decoder = decoder(ops(), &gguf, &options(128, 64)).unwrap();
        let single = last_logits(&mut decoder, &ids, 0, &[1]);
        for sizes in [&[64][..], &[31], &[1, 2, 63], &[7, 64]] {
            assert_same(name, &last_logits(&mut decoder, &ids, 0, sizes), &single);
        }
        // Another text behind a shared prefix, and back again: what was overwritten is computed anew.
        let mut other = ids.clone();
        other[60..].iter_mut().for_each(|id| *id = 270 - *id);
        let changed = last_logits(&mut decoder, &other, 60, &[64]);
        assert!(
            changed
                .iter()
                .zip(&single)
                .any(|(a, b)| (a - b).abs() > LOGIT_TOLERANCE),
            "{name}: texts differ"
        );
        assert_same(name, &last_logits(&mut decoder, &ids, 60, &[64]), &single);
    }
}

#[test]
fn chunks_tokens_and_reuse_agree_cpu() {
    chunking(Reference::new);
}

#[cfg(feature = "gpu")]
#[test]
fn chunks_tokens_and_reuse_agree_gpu() {
    chunking(crate::gpu_support::backend);
}

#[test]
fn reuses_the_longest_common_prefix_and_rewinds() {
    let mut engine = engine("qwen2", 128, 16);
    let ids = text(40);
    let answer = greedy(&mut engine, &ids, 8);
    assert_eq!(engine.timings().reused_tokens, 0);
    assert_eq!(engine.timings().prompt_tokens, 40);
    assert_eq!(engine.timings().generated_tokens, 8);
    assert_eq!(engine.finish_reason(), Some(FinishReason::Length));
    assert_eq!(
        engine.cached(),
        [&ids[..], &answer[..7]].concat(),
        "the last token is only predicted"
    );

    // The next turn: the conversation so far and more.
    let mut turn = [&ids[..], &answer[..], &[5, 6, 7]].concat();
    let second = greedy(&mut engine, &turn, 8);
    assert_eq!(engine.timings().reused_tokens, 47);
    // The same from nothing.
    engine.reset();
    assert_eq!(greedy(&mut engine, &turn, 8), second);
    assert_eq!(engine.timings().reused_tokens, 0);

    // The same prompt again: the last token is recomputed for its logits.
    assert_eq!(greedy(&mut engine, &turn, 8), second);
    assert_eq!(engine.timings().reused_tokens, turn.len() - 1);
    // Back to the first turn, then a changed token in the middle.
    assert_eq!(greedy(&mut engine, &ids, 8), answer);
    assert_eq!(engine.timings().reused_tokens, 39);
    turn[20] = 99;
    let changed = greedy(&mut engine, &turn, 8);
    assert_eq!(engine.timings().reused_tokens, 20);
    engine.reset();
    assert_eq!(greedy(&mut engine, &turn, 8), changed);
}

#[test]
fn random_turns_equal_a_fresh_engine() {
    let mut warm = engine("phi4mini", 96, 16);
    let mut cold = engine("phi4mini", 96, 16);
    let mut rng = Rng(2024);
    let base = text(80);
    for round in 0..support::count(12, 400) {
        let mut prompt = base[..1 + rng.below(80)].to_vec();
        let at = rng.below(prompt.len());
        prompt[at] = 3 + rng.below(3) as u32;
        let wanted = 1 + rng.below(6);
        if rng.below(3) == 0 {
            // A request that is given up after a token.
            warm.start(
                &prompt,
                GenerateOptions {
                    max_tokens: 5,
                    ..Default::default()
                },
            )
            .unwrap();
            block_on(warm.next()).unwrap();
            prompt.truncate(1 + rng.below(prompt.len()));
        }
        cold.reset();
        assert_eq!(
            greedy(&mut warm, &prompt, wanted),
            greedy(&mut cold, &prompt, wanted),
            "round {round}"
        );
    }
}

#[test]
fn errors_come_before_work() {
    let mut engine = engine("qwen2", 64, 16);
    let ids = text(60);
    greedy(&mut engine, &ids, 4);
    let cached = engine.cached().to_vec();
    let generate = |max_tokens| GenerateOptions {
        max_tokens,
        ..Default::default()
    };
    let error = engine.start(&ids, generate(5)).unwrap_err();
    assert_eq!(
        error,
        Error::ContextOverflow {
            prompt: 60,
            max_tokens: 5,
            n_ctx: 64
        }
    );
    assert_eq!(
        engine.start(&ids, generate(usize::MAX)).unwrap_err().code(),
        "context_overflow"
    );
    assert_eq!(engine.start(&[], generate(5)).unwrap_err().code(), "invalid_request");
    assert_eq!(
        engine.start(&[1, 100_000], generate(5)).unwrap_err().code(),
        "invalid_request"
    );
    let bad = GenerateOptions {
        sampling: SamplerConfig {
            top_p: 0.0,
            ..Default::default()
        },
        ..generate(1)
    };
    assert_eq!(engine.start(&ids, bad).unwrap_err().code(), "invalid_request");
    assert_eq!(engine.cached(), cached, "nothing was touched");
    assert_eq!(block_on(engine.next()).unwrap(), None, "nothing runs");
    assert_eq!(
        block_on(engine.score(&text(66))).unwrap_err().code(),
        "context_overflow"
    );
    assert_eq!(
        block_on(engine.score(&text(65))).unwrap().len(),
        64,
        "the last token is only predicted"
    );
    assert!(block_on(engine.score(&[1])).unwrap().is_empty());

    engine.start(&ids, generate(0)).unwrap();
    assert_eq!(block_on(engine.next()).unwrap(), None);
    assert_eq!(engine.finish_reason(), Some(FinishReason::Length));
}

#[test]
fn stop_tokens_end_the_answer() {
    let mut engine = engine("qwen2", 64, 16);
    let ids = text(20);
    let answer = greedy(&mut engine, &ids, 10);
    let stop = answer[4];
    let first = answer.iter().position(|&id| id == stop).unwrap();
    engine
        .start(
            &ids,
            GenerateOptions {
                max_tokens: 10,
                stop_tokens: vec![stop],
                ..Default::default()
            },
        )
        .unwrap();
    let mut got = Vec::new();
    while let Some(token) = block_on(engine.next()).unwrap() {
        got.push(token.id);
    }
    assert_eq!(got, answer[..first]);
    assert_eq!(engine.finish_reason(), Some(FinishReason::Stop));
}

#[test]
fn logprobs_match_scores() {
    let mut engine = engine("qwen2", 64, 16);
    let ids = text(20);
    let sampling = SamplerConfig {
        top_logprobs: 3,
        ..Default::default()
    };
    engine
        .start(
            &ids,
            GenerateOptions {
                sampling,
                max_tokens: 1,
                ..Default::default()
            },
        )
        .unwrap();
    let token = block_on(engine.next()).unwrap().unwrap();
    assert_eq!((token.top.len(), token.top[0].0), (3, token.id));
    let scored = block_on(engine.score(&[&ids[..], &[token.id]].concat())).unwrap();
    assert_eq!(scored[19].argmax, token.id);
    assert!((scored[19].nll + token.logprob).abs() < 1e-4);
}

#[test]
fn a_shift_keeps_the_beginning_and_goes_on() {
    let mut engine = engine("qwen2", 32, 8);
    let ids = text(20);
    let shift = GenerateOptions {
        max_tokens: 60,
        shift: true,
        ..Default::default()
    };
    engine.start(&ids, shift.clone()).unwrap();
    let mut got = Vec::new();
    while let Some(token) = block_on(engine.next()).unwrap() {
        got.push(token.id);
        assert!(engine.cached().len() <= 32);
        assert_eq!(engine.cached()[..4], ids[..4], "the first tokens stay");
    }
    assert_eq!(got.len(), 60);
    // What follows the first shift is what a fresh engine says after the shortened text: 4 kept, 14 of 28 dropped.
    let full = [&ids[..], &got[..13]].concat();
    let shortened = [&full[..4], &full[18..]].concat();
    engine.reset();
    assert_eq!(greedy(&mut engine, &shortened, 13), got[13..26]);
    // The prompt itself is never cut.
    assert_eq!(
        engine.start(&text(33), shift.clone()).unwrap_err().code(),
        "context_overflow"
    );
    assert_eq!(
        engine
            .start(&ids, GenerateOptions { n_keep: 31, ..shift })
            .unwrap_err()
            .code(),
        "invalid_request"
    );
}

#[test]
fn prefill_goes_chunk_by_chunk() {
    let mut engine = engine("qwen2", 64, 16);
    let ids = text(40);
    engine
        .start(
            &ids,
            GenerateOptions {
                max_tokens: 4,
                ..Default::default()
            },
        )
        .unwrap();
    assert!(block_on(engine.prefill()).unwrap());
    assert_eq!(engine.cached(), &ids[..16]);
    assert!(block_on(engine.prefill()).unwrap());
    assert!(!block_on(engine.prefill()).unwrap(), "the last chunk belongs to next()");
    assert_eq!(engine.cached(), &ids[..32]);
    let chunked = block_on(engine.next()).unwrap();
    engine.reset();
    engine
        .start(
            &ids,
            GenerateOptions {
                max_tokens: 4,
                ..Default::default()
            },
        )
        .unwrap();
    assert_eq!(block_on(engine.next()).unwrap(), chunked);
}
