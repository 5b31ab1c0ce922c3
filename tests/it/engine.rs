//! The engine's promises: the same answer however a prompt is cut or reused, errors before work, a cache that survives
//! whatever is done to it. On committed models: no shared data needed.

use std::future::Future;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use kinglet::backend::Cpu;
use kinglet::engine::{BackendChoice, Engine, FinishReason, GenerateOptions, LoadOptions, load};
use kinglet::error::{Error, Result};
use kinglet::gguf::{GgufFile, split_names};
use kinglet::model::arch;
use kinglet::model::decoder::{Decoder, Rows};
use kinglet::model::loader::Phase;
use kinglet::model::plan::{DecoderOptions, Plan};
use kinglet::ops::{CacheType, MemoryLimits, Ops};
use kinglet::platform::{ByteSource, FileSource};
use kinglet::sampler::SamplerConfig;
use pollster::block_on;

use crate::alloc::peak_of;
use crate::golden::{greedy, open};
use crate::support::{self, Rng};

/// Logits of one position computed in steps of different sizes: the same sums, so the CPU is exact; a GPU's matrix
/// product for many rows adds in another order than the one for a single row.
const LOGIT_TOLERANCE: f32 = 0.01;

fn model(name: &str) -> GgufFile {
    open(&support::root().join(format!("tests/goldens/{name}.gguf")))
}

fn decoder<O: Ops>(ops: O, gguf: &GgufFile, options: &DecoderOptions) -> Result<Decoder<O>> {
    let config = arch::config(gguf.metadata(), gguf.tensors())?;
    block_on(Decoder::load(ops, gguf, config, options, &mut |_| {
        ControlFlow::Continue(())
    }))
}

fn options(n_ctx: usize, n_batch: usize) -> DecoderOptions {
    DecoderOptions {
        n_ctx: Some(n_ctx),
        n_batch,
        cache_type: CacheType::F32,
        ignore_window: false,
    }
}

fn engine(name: &str, n_ctx: usize, n_batch: usize) -> Engine<Cpu> {
    Engine::new(
        decoder(Cpu::new(), &model(name), &options(n_ctx, n_batch)).unwrap(),
        || 0.0,
    )
}

/// A text of known tokens.
fn text(len: usize) -> Vec<u32> {
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
    chunking(Cpu::new);
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

#[test]
fn split_files_are_one_model() {
    let first = support::root().join("tests/goldens/split-00001-of-00003.gguf");
    let sources = split_names(first.to_str().unwrap()).unwrap();
    let sources = sources
        .iter()
        .map(|p| Rc::new(FileSource::open(p).unwrap()) as Rc<dyn ByteSource>)
        .collect();
    let split = block_on(GgufFile::open_split(sources)).unwrap();
    let score = |gguf: &GgufFile| {
        let mut engine = Engine::new(decoder(Cpu::new(), gguf, &options(64, 16)).unwrap(), || 0.0);
        block_on(engine.score(&text(40))).unwrap()
    };
    assert_eq!(score(&split), score(&model("qwen2")));
}

#[test]
fn loading_reports_progress_in_bytes() {
    let gguf = model("qwen2");
    let mut seen = Vec::new();
    let cpu = LoadOptions {
        backend: BackendChoice::Cpu,
        ..Default::default()
    };
    let engine = block_on(load(&gguf, &cpu, || 0.0, &mut |p| {
        seen.push(p);
        ControlFlow::Continue(())
    }))
    .unwrap();
    assert_eq!(engine.info().backend, "cpu");
    let total: u64 = gguf.tensors().iter().map(|t| t.bytes).sum();
    assert_eq!(engine.plan().memory.weights, total);
    assert!(
        seen.windows(2)
            .all(|w| w[0].loaded <= w[1].loaded && w[1].total == total)
    );
    let last = seen.pop().unwrap();
    assert_eq!((last.phase, last.loaded), (Phase::Ready, total));
    assert_eq!((seen[0].phase, seen[0].loaded), (Phase::Upload, 0));
}

/// The machines of tests have software adapters only: `auto` says so and takes the CPU, `gpu` takes what there is.
#[cfg(feature = "gpu")]
#[test]
fn auto_prefers_the_cpu_to_a_software_adapter() {
    if !crate::gpu_support::device().software() {
        return support::skip("the adapter under test is real hardware");
    }
    let gguf = model("qwen2");
    let load = |backend| {
        let options = LoadOptions {
            backend,
            ..Default::default()
        };
        block_on(load(&gguf, &options, || 0.0, &mut |_| ControlFlow::Continue(()))).unwrap()
    };
    let auto = load(BackendChoice::Auto);
    assert_eq!((auto.info().backend, auto.gpu_stats()), ("cpu", None));
    assert!(auto.fallback().unwrap().contains("software"), "{:?}", auto.fallback());
    let mut forced = load(BackendChoice::Gpu);
    assert_eq!(
        (forced.info().backend, forced.info().software, forced.fallback()),
        ("gpu", true, None)
    );
    let before = forced.gpu_stats().unwrap().dispatches;
    forced
        .start(
            &[1, 5, 9],
            GenerateOptions {
                max_tokens: 2,
                ..Default::default()
            },
        )
        .unwrap();
    assert!(block_on(forced.next()).unwrap().is_some());
    assert!(forced.gpu_stats().unwrap().dispatches > before);
}

/// Once the first tokens are out, a token creates no buffer, pipeline or bind group, and costs one submit.
#[cfg(feature = "gpu")]
#[test]
fn decoding_allocates_nothing_on_the_gpu() {
    let options = LoadOptions {
        backend: BackendChoice::Gpu,
        decoder: options(128, 16),
    };
    crate::gpu_support::device(); // chooses the adapter under test
    let mut engine = block_on(load(&model("qwen3"), &options, || 0.0, &mut |_| {
        ControlFlow::Continue(())
    }))
    .unwrap();
    engine
        .start(
            &text(20),
            GenerateOptions {
                max_tokens: 60,
                ..Default::default()
            },
        )
        .unwrap();
    for _ in 0..3 {
        block_on(engine.next()).unwrap();
    }
    let before = engine.gpu_stats().unwrap();
    for _ in 0..50 {
        block_on(engine.next()).unwrap().unwrap();
    }
    let after = engine.gpu_stats().unwrap();
    println!("{before:?} {after:?}");
    assert_eq!(after.created, before.created);
    assert_eq!(
        (after.dispatches - before.dispatches) % 50,
        0,
        "every token costs the same"
    );
    assert!(after.submits - before.submits <= 2 * 50, "the step, and its readback");
}

#[test]
fn loading_can_be_aborted_anywhere() {
    let gguf = model("qwen2");
    let cpu = LoadOptions {
        backend: BackendChoice::Cpu,
        ..Default::default()
    };
    for stop_at in [0, 1, 7] {
        let mut calls = 0;
        let result = block_on(load(&gguf, &cpu, || 0.0, &mut |_| {
            calls += 1;
            if calls > stop_at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }));
        assert_eq!(result.err(), Some(Error::Aborted));
        assert_eq!(calls, stop_at + 1, "nothing is read after the abort");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_numbers() {
    let gguf = model("qwen2");
    let config = arch::config(gguf.metadata(), gguf.tensors()).unwrap();
    let plan = Plan::new(&gguf, config.clone(), &options(256, 16)).unwrap();
    let needed = plan.memory.total();
    let limits = |total, max_buffer| MemoryLimits {
        total: Some(total),
        max_buffer,
    };
    assert_eq!(plan.check(limits(needed, u64::MAX)), Ok(()));
    match plan.check(limits(needed - 1, u64::MAX)).unwrap_err() {
        Error::TooLarge {
            needed: n, available, ..
        } => assert_eq!((n, available), (needed, needed - 1)),
        other => panic!("{other:?}"),
    }
    let half_cache = plan.memory.cache / 2 / config.n_layer as u64;
    assert_eq!(
        plan.check(limits(needed, half_cache - 1)).unwrap_err().code(),
        "too_large"
    );
    // Keys and values: 2 * layers * positions * kv heads * head size * 4 bytes.
    let cache = 2 * config.n_layer * 256 * config.n_head_kv * config.head_dim * 4;
    assert_eq!(plan.memory.cache, cache as u64);
    for n_ctx in [0, config.n_ctx_train + 1] {
        let error = Plan::new(&gguf, config.clone(), &options(n_ctx, 16)).unwrap_err();
        assert_eq!(error.code(), "invalid_request");
    }
}

/// The CPU backend holds each weight once: at most 1.1 times the tensors' bytes.
#[test]
fn cpu_holds_each_weight_once() {
    let gguf = model("phi4mini");
    let config = arch::config(gguf.metadata(), gguf.tensors()).unwrap();
    let plan = Plan::new(&gguf, config, &options(64, 16)).unwrap();
    let mut cpu = Cpu::new();
    let held: usize = plan.matrices().map(|m| cpu.weight(&m.parts).unwrap().bytes()).sum();
    let in_file: u64 = gguf.tensors().iter().map(|t| t.bytes).sum();
    assert!(
        held as u64 * 10 <= in_file * 11,
        "{held} bytes held for {in_file} in the file"
    );
}

/// And never twice, not even while loading: the peak is the weights, the cache, the activations and one piece in flight.
#[test]
fn cpu_load_makes_no_second_copy() {
    const PIECE: usize = 4 << 20;
    let Some(path) = support::shared("models/stories260K-p768-phi3-q4_k_m.gguf") else {
        return;
    };
    let gguf = open(&path);
    let (decoder, peak) = peak_of(|| decoder(Cpu::new(), &gguf, &options(128, 16)).unwrap());
    let m = decoder.plan().memory;
    let allowed = m.weights as usize * 11 / 10 + (m.cache + m.activations) as usize + PIECE;
    println!("peak {peak} bytes for {m:?}");
    assert!(peak <= allowed, "{peak} bytes, allowed {allowed}: {m:?}");
    assert!(peak as u64 >= m.total(), "the count misses something: {peak}, {m:?}");
}

/// A readback that fails, or is given up half-way, does not spoil the cache.
mod interrupted {
    use super::*;
    use kinglet::ops::{AttentionShape, BackendInfo, CacheShape, HeadLayout, PartShape, RopeShape, TopK};
    use std::cell::Cell;

    #[derive(Clone, Copy, PartialEq)]
    enum Mode {
        Work,
        Fail,
        Hang,
    }

    thread_local!(static MODE: Cell<Mode> = const { Cell::new(Mode::Work) });

    /// The CPU backend with readbacks that obey `MODE`.
    struct Moody(Cpu);

    async fn mood() -> Result<()> {
        match MODE.get() {
            Mode::Work => Ok(()),
            Mode::Fail => Err(Error::GpuLost {
                message: "a test".into(),
            }),
            Mode::Hang => std::future::pending().await,
        }
    }

    type T = <Cpu as Ops>::Tensor;
    type W = <Cpu as Ops>::Weight;
    type C = <Cpu as Ops>::Cache;

    #[rustfmt::skip]
    impl Ops for Moody {
        type Tensor = T;
        type Weight = W;
        type Cache = C;
        fn info(&self) -> BackendInfo { self.0.info() }
        fn limits(&self) -> MemoryLimits { self.0.limits() }
        fn tensor(&mut self, rows: usize, cols: usize) -> Result<T> { self.0.tensor(rows, cols) }
        fn upload(&mut self, t: &mut T, first: usize, data: &[f32]) -> Result<()> { self.0.upload(t, first, data) }
        fn weight(&mut self, parts: &[PartShape]) -> Result<W> { self.0.weight(parts) }
        fn fill(&mut self, w: &mut W, part: usize, row: usize, b: &[u8]) -> Result<()> { self.0.fill(w, part, row, b) }
        fn cache(&mut self, shape: CacheShape) -> Result<C> { self.0.cache(shape) }
        async fn settle(&mut self) -> Result<()> { mood().await }
        fn begin(&mut self, pos: usize, tokens: &[u32]) -> Result<()> { self.0.begin(pos, tokens) }
        fn submit(&mut self) -> Result<()> { self.0.submit() }
        fn rows(&self, t: &T) -> usize { self.0.rows(t) }
        fn set_rows(&mut self, t: &mut T, rows: usize) { self.0.set_rows(t, rows) }
        fn embed(&mut self, out: &mut T, w: &W) -> Result<()> { self.0.embed(out, w) }
        fn rms_norm(&mut self, out: &mut T, x: &T, g: &T, eps: f32) -> Result<()> { self.0.rms_norm(out, x, g, eps) }
        fn matmul(&mut self, out: &mut T, w: &W, x: &T) -> Result<()> { self.0.matmul(out, w, x) }
        fn add(&mut self, out: &mut T, x: &T) -> Result<()> { self.0.add(out, x) }
        fn add_bias(&mut self, out: &mut T, bias: &T) -> Result<()> { self.0.add_bias(out, bias) }
        fn head_norm(&mut self, qkv: &mut T, h: HeadLayout, q: &T, k: &T, eps: f32) -> Result<()> { self.0.head_norm(qkv, h, q, k, eps) }
        fn rope(&mut self, qkv: &mut T, table: &T, shape: RopeShape) -> Result<()> { self.0.rope(qkv, table, shape) }
        fn kv_write(&mut self, c: &mut C, qkv: &T, heads: HeadLayout) -> Result<()> { self.0.kv_write(c, qkv, heads) }
        fn attention(&mut self, out: &mut T, qkv: &T, c: &C, s: AttentionShape) -> Result<()> { self.0.attention(out, qkv, c, s) }
        fn silu_mul(&mut self, out: &mut T, gate_up: &T) -> Result<()> { self.0.silu_mul(out, gate_up) }
        fn copy_rows(&mut self, out: &mut T, x: &T, first: usize) -> Result<()> { self.0.copy_rows(out, x, first) }
        async fn download(&mut self, t: &T) -> Result<Vec<f32>> { mood().await?; self.0.download(t).await }
        async fn top_k(&mut self, t: &T, k: usize) -> Result<TopK> { mood().await?; self.0.top_k(t, k).await }
    }

    fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
        std::pin::pin!(future)
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn failed_and_dropped_steps_leave_a_valid_cache() {
        MODE.set(Mode::Work);
        let gguf = model("qwen2");
        let mut engine = Engine::new(decoder(Moody(Cpu::new()), &gguf, &options(96, 16)).unwrap(), || 0.0);
        let ids = text(50);
        let answer = greedy(&mut engine, &ids, 6);
        let options = || GenerateOptions {
            max_tokens: 6,
            ..Default::default()
        };
        for mode in [Mode::Fail, Mode::Hang] {
            // In a decode step.
            engine.start(&ids, options()).unwrap();
            assert_eq!(block_on(engine.next()).unwrap().unwrap().id, answer[0]);
            MODE.set(mode);
            match (mode, poll_once(engine.next())) {
                (Mode::Fail, Poll::Ready(Err(e))) => assert_eq!(e.code(), "gpu_lost"),
                (Mode::Hang, Poll::Pending) => {}
                (_, other) => panic!("{other:?}"),
            }
            MODE.set(Mode::Work);
            if mode == Mode::Hang {
                assert_eq!(
                    block_on(engine.next()).unwrap().unwrap().id,
                    answer[1],
                    "the step is done again"
                );
            } else {
                assert_eq!(block_on(engine.next()).unwrap(), None, "a failed request is over");
            }
            assert_eq!(greedy(&mut engine, &ids, 6), answer);

            // In the middle of a prompt, and of a score.
            let other: Vec<u32> = ids.iter().map(|id| 270 - id).collect();
            engine.start(&other, options()).unwrap();
            MODE.set(mode);
            let _ = poll_once(engine.next());
            MODE.set(Mode::Work);
            assert_eq!(greedy(&mut engine, &ids, 6), answer);
            MODE.set(mode);
            let _ = poll_once(engine.score(&other));
            MODE.set(Mode::Work);
            assert_eq!(greedy(&mut engine, &ids, 6), answer);
        }
    }
}
