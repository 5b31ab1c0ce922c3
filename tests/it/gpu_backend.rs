//! The GPU backend as a whole: a small block through both backends, what a steady step costs, and how failures surface.

use std::sync::atomic::{AtomicU32, Ordering};

use kinglet::Error;
use kinglet::backend::{Gpu, Reference, self_test};
use kinglet::gpu::{Binding, Device, Drill, GpuOptions, Grid, Recorder};
use kinglet::kernels::wgsl::Variant;
use kinglet::kernels::{Style, add};
use kinglet::ops::{
    AttentionShape, CacheShape, CacheType, GateUpStage, HeadLayout, HeadStage, Ops, PartShape, QkvStage, RopeOrder,
    RopeShape, Split, TopK,
};
use kinglet::quant::DType;

use crate::gpu_support::{Bound, assert_agree, choose_driver, device, open, upload};
use crate::support::Rng;

const HEADS: HeadLayout = HeadLayout {
    n_head: 4,
    n_head_kv: 2,
    head_dim: 24,
};
const N_EMBD: usize = 96;
const N_FF: usize = 160;
const N_VOCAB: usize = 515;
const N_CTX: usize = 40;
const N_BATCH: usize = 9;

/// Everything in f32 on both sides (the cache too); a block is a dozen operations of some ulps each.
const BLOCK: Bound = Bound { nmse: 1e-10, max: 1e-4 };

/// One block of a decoder with seeded weights, on any backend.
struct Block<O: Ops> {
    ops: O,
    x: O::Tensor,
    xb: O::Tensor,
    qkv: O::Tensor,
    att: O::Tensor,
    gate_up: O::Tensor,
    act: O::Tensor,
    last: O::Tensor,
    last_norm: O::Tensor,
    logits: O::Tensor,
    norm: O::Tensor,
    bias: O::Tensor,
    head_gain: O::Tensor,
    table: O::Tensor,
    cache: O::Cache,
    w_embd: O::Weight,
    w_qkv: O::Weight,
    w_out: O::Weight,
    w_gate_up: O::Weight,
    w_down: O::Weight,
}

impl<O: Ops> Block<O> {
    fn new(mut ops: O) -> Self {
        let o = &mut ops;
        let mut rng = Rng(31);
        let mut vector = |o: &mut O, rows: usize, cols: usize| {
            let data: Vec<f32> = (0..rows * cols).map(|_| rng.unit()).collect();
            let mut t = o.tensor(rows, cols).expect("tensor");
            o.upload(&mut t, 0, &data).expect("uploads");
            t
        };
        let norm = vector(o, 1, N_EMBD);
        let bias = vector(o, 1, HEADS.cols());
        let head_gain = vector(o, 1, HEADS.head_dim);
        let table = vector(o, N_CTX, HEADS.head_dim);
        let mut zeros = |rows, cols| o.tensor(rows, cols).expect("tensor");
        let (x, xb) = (zeros(N_BATCH, N_EMBD), zeros(N_BATCH, N_EMBD));
        let (qkv, att) = (zeros(N_BATCH, HEADS.cols()), zeros(N_BATCH, N_EMBD));
        let (gate_up, act) = (zeros(N_BATCH, 2 * N_FF), zeros(N_BATCH, N_FF));
        let (last, last_norm, logits) = (zeros(1, N_EMBD), zeros(1, N_EMBD), zeros(1, N_VOCAB));
        let shape = CacheShape {
            n_ctx: N_CTX,
            n_head_kv: HEADS.n_head_kv,
            head_dim: HEADS.head_dim,
            dtype: CacheType::F32,
        };
        let cache = o.cache(shape).expect("cache");
        // The projection of q, k and v as three tensors of two formats.
        let kv = HEADS.n_head_kv * HEADS.head_dim;
        let w_qkv = weight(
            o,
            1,
            &[(DType::Q8_0, N_EMBD), (DType::Q8_0, kv), (DType::F16, kv)],
            N_EMBD,
        );
        let w_embd = weight(o, 2, &[(DType::Q4_0, N_VOCAB)], N_EMBD);
        let w_out = weight(o, 3, &[(DType::Q5_1, N_EMBD)], N_EMBD);
        let w_gate_up = weight(o, 4, &[(DType::Q4_0, N_FF), (DType::Q4_0, N_FF)], N_EMBD);
        let w_down = weight(o, 5, &[(DType::F32, N_EMBD)], N_FF);
        pollster::block_on(o.settle()).expect("settles");
        Self {
            x,
            xb,
            qkv,
            att,
            gate_up,
            act,
            last,
            last_norm,
            logits,
            norm,
            bias,
            head_gain,
            table,
            cache,
            w_embd,
            w_qkv,
            w_out,
            w_gate_up,
            w_down,
            ops,
        }
    }

    /// Runs `tokens` at `pos`; the logits of the last one are left on the backend.
    fn step(&mut self, pos: usize, tokens: &[u32]) {
        let Self { ops: o, .. } = self;
        for t in [
            &mut self.x,
            &mut self.xb,
            &mut self.qkv,
            &mut self.att,
            &mut self.gate_up,
            &mut self.act,
        ] {
            o.set_rows(t, tokens.len());
        }
        o.begin(pos, tokens).expect("begins");
        o.embed(&mut self.x, &self.w_embd).expect("embed");
        let rope = RopeShape {
            heads: HEADS,
            n_rot: HEADS.head_dim,
            order: RopeOrder::HalfSplit,
        };
        o.qkv(QkvStage {
            qkv: &mut self.qkv,
            xb: &mut self.xb,
            cache: &mut self.cache,
            x: &self.x,
            norm: &self.norm,
            eps: 1e-5,
            w: &self.w_qkv,
            bias: Some(&self.bias),
            head_norms: Some((&self.head_gain, &self.head_gain)),
            table: &self.table,
            rope,
        })
        .expect("qkv");
        let attention = AttentionShape {
            heads: HEADS,
            scale: 0.3,
            window: Some(17),
        };
        o.attention(&mut self.att, &self.qkv, &self.cache, attention)
            .expect("attention");
        o.matmul_add(&mut self.x, &mut self.xb, &self.w_out, &self.att)
            .expect("matmul_add");
        o.gate_up(GateUpStage {
            act: &mut self.act,
            gate_up: &mut self.gate_up,
            xb: &mut self.xb,
            x: &self.x,
            norm: &self.norm,
            eps: 1e-5,
            w: &self.w_gate_up,
        })
        .expect("gate_up");
        o.matmul_add(&mut self.x, &mut self.xb, &self.w_down, &self.act)
            .expect("matmul_add");
        o.copy_rows(&mut self.last, &self.x, tokens.len() - 1)
            .expect("copy_rows");
        o.head(HeadStage {
            logits: &mut self.logits,
            xb: &mut self.last_norm,
            x: &self.last,
            norm: &self.norm,
            eps: 1e-5,
            w: &self.w_embd,
        })
        .expect("head");
    }

    fn logits(&mut self) -> Vec<f32> {
        pollster::block_on(self.ops.download(&self.logits)).expect("downloads")
    }

    fn top(&mut self, k: usize) -> TopK {
        pollster::block_on(self.ops.top_k(&self.logits, k)).expect("searches")
    }
}

/// A seeded matrix of stacked parts. The bytes are those of small f32 or f16 numbers, or of blocks with such scales.
fn weight<O: Ops>(o: &mut O, seed: u64, parts: &[(DType, usize)], cols: usize) -> O::Weight {
    let mut rng = Rng(seed);
    let shapes: Vec<PartShape> = parts
        .iter()
        .map(|(dtype, rows)| PartShape {
            name: format!("{dtype}"),
            dtype: *dtype,
            rows: *rows,
            cols,
        })
        .collect();
    let mut w = o
        .weight(&shapes, &Split::rows(shapes.iter().map(|s| s.rows).sum()))
        .expect("weight");
    for (part, shape) in shapes.iter().enumerate() {
        let row_bytes = shape.dtype.row_bytes(cols).expect("whole blocks");
        // In pieces of uneven height, as a loader does.
        for first in (0..shape.rows).step_by(37) {
            let rows = 37.min(shape.rows - first);
            let bytes: Vec<u8> = (0..rows * row_bytes / shape.dtype.block_bytes())
                .flat_map(|_| block(&mut rng, shape.dtype))
                .collect();
            o.fill(&mut w, part, first, &bytes).expect("fills");
        }
    }
    w
}

fn block(rng: &mut Rng, dtype: DType) -> Vec<u8> {
    let half = |v: f32| half::f16::from_f32(v).to_le_bytes();
    let mut bytes: Vec<u8> = (0..dtype.block_bytes()).map(|_| rng.next_u64() as u8).collect();
    match dtype {
        DType::F32 => bytes.copy_from_slice(&(rng.unit() * 0.1).to_le_bytes()),
        DType::F16 => bytes.copy_from_slice(&half(rng.unit() * 0.1)),
        DType::Q5_1 => {
            bytes[..2].copy_from_slice(&half(0.01 * rng.unit()));
            bytes[2..4].copy_from_slice(&half(-0.1 * rng.unit()));
        }
        DType::Q8_0 => bytes[..2].copy_from_slice(&half(0.001 * rng.unit())),
        _ => bytes[..2].copy_from_slice(&half(0.02 * rng.unit())),
    }
    bytes
}

const PROMPT: [u32; 9] = [5, 514, 0, 77, 300, 300, 12, 1, 499];

#[test]
fn a_block_agrees_with_the_cpu_in_prefill_and_decode() {
    let mut want = Block::new(Reference::new());
    for style in Style::ALL {
        // Bindings so small that every weight is split into several pieces.
        for device in [device(), device().with_max_binding(16 * 1024)] {
            let mut got = Block::new(Gpu::on(device.with_style(style)).expect("backend"));
            let steps: [(usize, &[u32]); 4] = [(0, &PROMPT), (9, &PROMPT[2..7]), (14, &[3]), (15, &[514])];
            for (pos, tokens) in steps {
                want.step(pos, tokens);
                got.step(pos, tokens);
                let (got_logits, want_logits) = (got.logits(), want.logits());
                assert_agree(&format!("{style:?}, logits at {pos}"), &got_logits, &want_logits, BLOCK);
                assert_eq!(got.top(1).ids, want.top(1).ids, "{style:?}, best at {pos}");
            }
        }
    }
}

#[test]
fn a_steady_step_creates_nothing_and_submits_once() {
    let mut block = Block::new(Gpu::on(device()).expect("backend"));
    block.step(0, &PROMPT);
    block.top(40);
    for pos in 9..11 {
        block.step(pos, &[7]);
        block.top(40);
    }
    let before = block.ops.stats();
    for pos in 11..31 {
        block.step(pos, &[pos as u32]);
        block.top(40);
    }
    let after = block.ops.stats();
    assert_eq!(after.created, before.created, "objects created in the token loop");
    // The copy that is read back goes with the step.
    assert_eq!(after.submits - before.submits, 20);
    assert_eq!((after.dispatches - before.dispatches) % 20, 0, "steps differ");
    assert!(after.dispatches > before.dispatches);
    let bytes = (after.uploaded - before.uploaded) / 20;
    assert!(bytes <= 1024, "{bytes} bytes uploaded for each token");
}

/// What results are read into is memory as well: counted, returned, and judged before it is used.
#[test]
fn a_readback_that_finds_no_memory_is_a_matter_of_size() {
    choose_driver();
    let options = GpuOptions {
        allow_software: true,
        drill: Drill::memory(200_000),
        ..Default::default()
    };
    let device = pollster::block_on(Device::open(&options)).expect("an adapter");
    let mut rec = Recorder::new(device).expect("recorder");
    let before = rec.stats();
    let buffer = rec.buffer("results", 100_000).expect("fits");
    pollster::block_on(rec.read(&buffer, 4096)).expect("fits");
    pollster::block_on(rec.read(&buffer, 8192)).expect("fits, and the smaller one is gone");
    let held = rec.stats();
    assert_eq!((held.aids, held.aid_bytes), (before.aids + 1, before.aid_bytes + 8192));
    pollster::block_on(rec.read(&buffer, 8192)).expect("fits");
    assert_eq!(rec.stats().aid_bytes, held.aid_bytes);

    match pollster::block_on(rec.read(&buffer, 100_000)) {
        Err(Error::TooLarge { what, .. }) => assert!(what.contains("readback"), "{what}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(rec.stats().aids, before.aids, "what was refused is returned");
}

#[test]
fn dropped_tensors_are_forgotten_but_finish_their_work() {
    let mut rec = Recorder::new(device()).expect("recorder");
    let mut out = upload(&mut rec, 1, 32, &[1.0; 32]);
    for _ in 0..3 {
        let x = upload(&mut rec, 1, 32, &[2.0; 32]);
        add::gpu(&mut rec, &add::Params { cols: 32 }, &mut out, &x).expect("records");
        drop(x); // recorded, not submitted
    }
    assert_eq!(pollster::block_on(rec.download(&out)).expect("downloads"), [7.0; 32]);
}

#[test]
fn many_row_counts_in_one_step_are_submitted_in_pieces() {
    let mut rec = Recorder::new(device()).expect("recorder");
    let mut out = upload(&mut rec, 100, 1, &[0.0; 100]);
    let mut x = upload(&mut rec, 100, 1, &[1.0; 100]);
    for rows in 1..=100 {
        x.set_rows(rows);
        out.set_rows(rows);
        add::gpu(&mut rec, &add::Params { cols: 1 }, &mut out, &x).expect("records");
    }
    let want: Vec<f32> = (0..100).map(|i| (100 - i) as f32).collect();
    assert_eq!(pollster::block_on(rec.download(&out)).expect("downloads"), want);
}

#[test]
fn a_wrong_shader_is_a_typed_error_that_names_it() {
    let mut rec = Recorder::new(open()).expect("recorder");
    let mut out = upload(&mut rec, 1, 32, &[1.0; 32]);
    // An entry point that does not exist, then bindings that do not fit.
    let variant = Variant::new("add").entry("no_such_entry");
    let bindings = &[Binding::output(&mut out)];
    let result = rec.launch(&add::Params { cols: 32 }, variant, Grid::new(1, 1), 1, bindings);
    let outcome = result.and_then(|()| pollster::block_on(rec.download(&out)).map(|_| ()));
    let Err(Error::Gpu { what, .. }) = outcome else {
        panic!("expected a GPU error, got {outcome:?}");
    };
    assert_eq!(what, "add/no_such_entry");
    // The first cause stays: a device that failed is not trusted again.
    assert!(matches!(rec.begin(0, &[1]), Err(Error::Gpu { .. })));
}

#[test]
fn a_lost_device_is_a_typed_error() {
    let mut rec = Recorder::new(open()).expect("recorder");
    let out = upload(&mut rec, 1, 32, &[1.0; 32]);
    rec.device().destroy();
    let outcome = pollster::block_on(rec.download(&out));
    assert!(matches!(outcome, Err(Error::GpuLost { .. })), "{outcome:?}");
}

#[test]
fn too_large_a_buffer_is_refused_with_sizes() {
    let mut rec = Recorder::new(device().with_max_binding(1 << 20)).expect("recorder");
    let refused = rec.tensor("logits", 1025, 1024).map(|_| ());
    let Err(Error::TooLarge { needed, available, .. }) = refused else {
        panic!("expected a refusal, got {refused:?}");
    };
    assert_eq!((needed, available), (1025 * 4096, 1 << 20));
}

#[test]
fn software_adapters_are_recognised_and_refused_unless_allowed() {
    if std::env::var("KINGLET_ADAPTER").is_ok_and(|a| a == "system") {
        return assert!(!device().software());
    }
    assert!(device().software(), "{} computes on the CPU", device().name());
    let refused = pollster::block_on(Device::open(&GpuOptions::default()));
    assert!(matches!(refused.map(|_| ()), Err(Error::GpuUnavailable { .. })));
}

#[test]
fn an_adapter_without_a_name_is_judged_by_its_speed() {
    static NOW: AtomicU32 = AtomicU32::new(0);
    /// A clock by which the longer of two measurements never takes longer: infinitely fast.
    fn even() -> f64 {
        f64::from(NOW.fetch_add(1, Ordering::Relaxed))
    }
    /// A clock by which every other measurement takes a second.
    fn uneven() -> f64 {
        const SECONDS: [f64; 4] = [0.0, 0.0, 0.0, 1.0];
        let reading = NOW.fetch_add(1, Ordering::Relaxed) as usize;
        ((reading / 4) as f64 + SECONDS[reading % 4]) * 1000.0
    }
    let mut gpu = Gpu::on(device()).expect("backend");
    pollster::block_on(self_test::require_fast(&mut gpu, even)).expect("fast enough");
    NOW.store(0, Ordering::Relaxed);
    let refused = pollster::block_on(self_test::require_fast(&mut gpu, uneven));
    let Err(Error::GpuUnavailable { message }) = refused else {
        panic!("expected a refusal, got {refused:?}");
    };
    assert!(message.contains("0.07 GB/s"), "{message}");
}

#[test]
fn writing_beyond_the_cache_is_an_error() {
    let mut block = Gpu::on(device()).expect("backend");
    let shape = CacheShape {
        n_ctx: 4,
        n_head_kv: 2,
        head_dim: 24,
        dtype: CacheType::F16,
    };
    let mut cache = block.cache(shape).expect("cache");
    let qkv = block.tensor(2, HEADS.cols()).expect("tensor");
    block.begin(3, &[1, 2]).expect("begins");
    assert!(matches!(
        block.kv_write(&mut cache, &qkv, HEADS),
        Err(Error::Internal { .. })
    ));
}
