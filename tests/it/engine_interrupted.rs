//! A step that fails, or is given up half-way, does not spoil the cache: a backend whose readbacks can be told to.

use std::cell::Cell;
use std::future::Future;
use std::task::{Context, Poll, Waker};

use kinglet::backend::Reference;
use kinglet::engine::{Engine, GenerateOptions};
use kinglet::error::{Error, Result};
use kinglet::ops::{
    AttentionShape, BackendInfo, CacheShape, HeadLayout, MemoryLimits, Ops, PartShape, RopeShape, Split, TopK,
};
use pollster::block_on;

use crate::engine::{decoder, model, options, text};
use crate::golden::greedy;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Work,
    Fail,
    Lose,
    Hang,
}

thread_local!(static MODE: Cell<Mode> = const { Cell::new(Mode::Work) });

/// The CPU backend with readbacks that obey `MODE`.
struct Moody(Reference);

async fn mood() -> Result<()> {
    match MODE.get() {
        Mode::Work => Ok(()),
        Mode::Fail => Err(Error::Gpu {
            what: "a command".into(),
            message: "a test".into(),
        }),
        Mode::Lose => Err(Error::GpuLost {
            message: "a test".into(),
        }),
        Mode::Hang => std::future::pending().await,
    }
}

type T = <Reference as Ops>::Tensor;
type W = <Reference as Ops>::Weight;
type C = <Reference as Ops>::Cache;

#[rustfmt::skip]
impl Ops for Moody {
    type Tensor = T;
    type Weight = W;
    type Cache = C;
    fn info(&self) -> BackendInfo { self.0.info() }
    fn limits(&self) -> MemoryLimits { self.0.limits() }
    fn tensor(&mut self, rows: usize, cols: usize) -> Result<T> { self.0.tensor(rows, cols) }
    fn upload(&mut self, t: &mut T, first: usize, data: &[f32]) -> Result<()> { self.0.upload(t, first, data) }
    fn weight(&mut self, parts: &[PartShape], split: &Split) -> Result<W> { self.0.weight(parts, split) }
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
    let mut engine = Engine::new(
        decoder(Moody(Reference::new()), &gguf, &options(96, 16)).unwrap(),
        || 0.0,
    );
    let ids = text(50);
    let answer = greedy(&mut engine, &ids, 6);
    let options = || GenerateOptions {
        max_tokens: 6,
        ..Default::default()
    };
    for mode in [Mode::Fail, Mode::Lose, Mode::Hang] {
        // In a decode step.
        engine.start(&ids, options()).unwrap();
        assert_eq!(block_on(engine.next()).unwrap().unwrap().id, answer[0]);
        MODE.set(mode);
        match (mode, poll_once(engine.next())) {
            (Mode::Fail, Poll::Ready(Err(e))) => assert_eq!(e.code(), "gpu"),
            (Mode::Lose, Poll::Ready(Err(e))) => {
                assert_eq!(e.code(), "gpu_lost");
                assert!(engine.cached().is_empty(), "a lost device keeps nothing");
            }
            (Mode::Hang, Poll::Pending) => {}
            (_, other) => panic!("{other:?}"),
        }
        MODE.set(Mode::Work);
        if mode != Mode::Fail {
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
