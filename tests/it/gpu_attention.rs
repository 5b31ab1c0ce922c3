//! Twins: heads made ready, the key/value cache and attention over it, on the GPU against the CPU references, one
//! operation after the other, as the default stages have them.

use kinglet::gpu::{Recorder, Tensor};
use kinglet::kernels::attend::{self, Projection, Scratch, Way};
use kinglet::kernels::kv_write::{CpuCache, GpuCache};
use kinglet::kernels::tuning::{Attention, Reduce};
use kinglet::kernels::{Style, add_bias, attention, head_norm, kv_write, rope};
use kinglet::ops::{AttentionShape, CacheShape, CacheType, HeadLayout, RopeOrder, RopeShape};

use crate::gpu_support::{Bound, F32_SUM, assert_agree, device, download, recorder, upload, values};
use crate::support::{Rng, count};

/// Keys and values are rounded to f16 (2^-11) on both sides, but a GPU may round the other way: half an ulp of f16 per
/// value, averaged over keys, and the effect of such a difference in a score.
const F16_CACHE: Bound = Bound { nmse: 1e-6, max: 1e-2 };

/// f32 sums over thousands of keys whose values cancel: the error of the sum is relative to its terms, not to itself.
const F32_CACHE: Bound = Bound { nmse: 1e-10, max: 1e-4 };

/// A GPU's division is right to some ulps only: a number halfway between two bytes may become the other one, a step of
/// 1/127 of the largest of its block.
const Q8_0_CACHE: Bound = Bound { nmse: 1e-5, max: 4e-2 };

fn bound(dtype: CacheType) -> Bound {
    match dtype {
        CacheType::F16 => F16_CACHE,
        CacheType::F32 => F32_CACHE,
        CacheType::Q8_0 => Q8_0_CACHE,
    }
}

const EPS: f32 = 1e-5;

/// What a projection goes through beside the rotation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Extra {
    None,
    Bias,
    Norms,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    heads: HeadLayout,
    n_ctx: usize,
    n_rot: usize,
    order: RopeOrder,
    extra: Extra,
    window: Option<usize>,
    dtype: CacheType,
}

impl Case {
    fn new(heads: (usize, usize, usize), n_ctx: usize) -> Self {
        let (n_head, n_head_kv, head_dim) = heads;
        Self {
            heads: HeadLayout {
                n_head,
                n_head_kv,
                head_dim,
            },
            n_ctx,
            n_rot: head_dim,
            order: RopeOrder::HalfSplit,
            extra: Extra::None,
            window: None,
            dtype: CacheType::F32,
        }
    }

    fn cache(&self) -> CacheShape {
        CacheShape {
            n_ctx: self.n_ctx,
            n_head_kv: self.heads.n_head_kv,
            head_dim: self.heads.head_dim,
            dtype: self.dtype,
        }
    }

    fn rope(&self) -> RopeShape {
        RopeShape {
            heads: self.heads,
            n_rot: self.n_rot,
            order: self.order,
        }
    }

    fn attention(&self) -> AttentionShape {
        AttentionShape {
            heads: self.heads,
            scale: 1.0 / (self.heads.head_dim as f32).sqrt(),
            window: self.window,
        }
    }

    fn out_cols(&self) -> usize {
        self.heads.n_head * self.heads.head_dim
    }
}

/// Projections, angles, bias and gains of a whole context, and what the references make of them.
struct Told {
    case: Case,
    projected: Vec<f32>,
    table: Vec<f32>,
    bias: Vec<f32>,
    q_gain: Vec<f32>,
    k_gain: Vec<f32>,
    ready: Vec<f32>,
    cache: CpuCache,
}

impl Told {
    fn new(rng: &mut Rng, case: Case) -> Self {
        let cols = case.heads.cols();
        let mut projected = values(rng, case.n_ctx * cols);
        // Scores of realistic size: with raw outliers softmax would always pick a single key.
        projected.iter_mut().for_each(|v| *v = v.clamp(-4.0, 4.0) * 0.7);
        let table = (0..case.n_ctx * case.n_rot / 2)
            .flat_map(|_| {
                let angle = rng.unit() * 6.0;
                [angle.cos(), angle.sin()]
            })
            .collect();
        let bias = (0..cols).map(|_| rng.unit()).collect();
        let gains = |rng: &mut Rng| (0..case.heads.head_dim).map(|_| 0.5 + rng.unit()).collect();
        let (q_gain, k_gain) = (gains(rng), gains(rng));
        let mut told = Self {
            case,
            ready: projected.clone(),
            projected,
            table,
            bias,
            q_gain,
            k_gain,
            cache: CpuCache::new(case.cache()),
        };
        told.make_ready();
        told
    }

    fn make_ready(&mut self) {
        let case = &self.case;
        let rope = rope::Params::from(&case.rope());
        if case.extra == Extra::Bias {
            let p = add_bias::Params {
                cols: rope.head_dim * (rope.n_head + 2 * rope.n_head_kv),
            };
            add_bias::cpu(&p, &mut self.ready, &self.bias);
        }
        if case.extra == Extra::Norms {
            let p = head_norm::Params {
                n_head: rope.n_head,
                n_head_kv: rope.n_head_kv,
                head_dim: rope.head_dim,
                eps: EPS,
            };
            head_norm::cpu(&p, &mut self.ready, &self.q_gain, &self.k_gain);
        }
        if case.n_rot > 0 {
            rope::cpu(&rope, 0, &mut self.ready, &self.table);
        }
        let write = kv_write::Params::new(case.heads, case.n_ctx);
        kv_write::cpu(&write, 0, &mut self.cache, &self.ready);
    }

    fn want(&self, pos: usize, rows: usize) -> Vec<f32> {
        let cols = self.case.heads.cols();
        let p = attention::Params::new(&self.case.attention(), self.case.n_ctx);
        let mut want = vec![0.0; rows * self.case.out_cols()];
        let rows = &self.ready[pos * cols..(pos + rows) * cols];
        attention::cpu(&p, pos, &mut want, rows, &self.cache);
        want
    }
}

/// The same on the GPU, with one tuning.
struct Here<'a> {
    rec: &'a mut Recorder,
    tuning: Attention,
    told: &'a Told,
    table: Tensor,
    bias: Tensor,
    gains: [Tensor; 2],
    cache: GpuCache,
    scratch: Scratch,
}

impl<'a> Here<'a> {
    fn new(rec: &'a mut Recorder, tuning: Attention, told: &'a Told) -> Self {
        let case = &told.case;
        let (dim, cols) = (case.heads.head_dim, case.heads.cols());
        let cache = GpuCache::new(rec, case.cache()).expect("cache");
        Self {
            table: upload(rec, case.n_ctx, case.n_rot.max(1), &told.table),
            bias: upload(rec, 1, cols, &told.bias),
            gains: [upload(rec, 1, dim, &told.q_gain), upload(rec, 1, dim, &told.k_gain)],
            cache,
            scratch: Scratch::default(),
            rec,
            tuning,
            told,
        }
    }

    /// Positions `pos ..`: one in the way of a token, several in the way of a prompt, or only into the cache.
    fn run(&mut self, pos: usize, rows: usize, out: Option<&mut Tensor>) {
        let case = self.told.case;
        let cols = case.heads.cols();
        let data = &self.told.projected[pos * cols..(pos + rows) * cols];
        let qkv = upload(self.rec, rows, cols, data);
        let p = attend::Params::new(&case.attention(), case.n_ctx).turned(&case.rope(), EPS);
        let way = Way::new(&self.tuning, &p, &self.cache, pos);
        let projection = Projection {
            qkv: &qkv,
            table: Some(&self.table),
            bias: (case.extra == Extra::Bias).then_some(&self.bias),
            gains: (case.extra == Extra::Norms).then_some((&self.gains[0], &self.gains[1])),
        };
        let rec = &mut *self.rec;
        rec.begin(pos, &[0]).expect("begins");
        match out {
            Some(out) if attend::in_one(&self.tuning, rows) => {
                attend::attend(rec, &mut self.scratch, &way, out, &projection, &mut self.cache).expect("records");
            }
            out => {
                let reduce = self.tuning.reduce;
                attend::finish_qkv(rec, reduce, &p, &projection, &mut self.cache).expect("records");
                if let Some(out) = out {
                    attend::attention(rec, &mut self.scratch, &way, out, &qkv, &self.cache).expect("records");
                }
            }
        }
    }

    fn step(&mut self, pos: usize, rows: usize) -> Vec<f32> {
        let cols = self.told.case.out_cols();
        let mut out = self.rec.tensor("out", rows, cols).expect("tensor");
        self.run(pos, rows, Some(&mut out));
        download(self.rec, &out)
    }

    #[track_caller]
    fn check(&mut self, pos: usize, rows: usize) {
        let want = self.told.want(pos, rows);
        self.check_against(pos, rows, &want);
    }

    #[track_caller]
    fn check_against(&mut self, pos: usize, rows: usize, want: &[f32]) {
        let what = format!("{:?} {:?} at {pos}, {rows} rows", self.tuning, self.told.case);
        let got = self.step(pos, rows);
        assert_agree(&what, &got, want, bound(self.told.case.dtype));
    }
}

/// The ways that this device has.
fn ways() -> Vec<Reduce> {
    let mut all = vec![Reduce::Serial, Reduce::Tree];
    all.extend(device().abilities().subgroups.map(|_| Reduce::Subgroups));
    all
}

/// A prompt, then tokens one by one, in every way.
fn check(rng: &mut Rng, case: Case, prompt: usize, split: u32) {
    let told = Told::new(rng, case);
    let mut rec = recorder(Style::Tree);
    for reduce in ways() {
        let mut here = Here::new(&mut rec, Attention { reduce, split }, &told);
        if prompt > 0 {
            here.check(0, prompt);
        }
        for pos in prompt..case.n_ctx {
            here.check(pos, 1);
        }
    }
}

#[test]
fn attention_agrees_over_heads_and_cache_types() {
    let mut rng = Rng(11);
    // Query heads to a key's: 1, 2, 4, 8, 3. Heads that are no multiple of what is loaded at once, too.
    for (heads, dtype) in [
        ((4, 4, 96), CacheType::F16),
        ((4, 2, 96), CacheType::F32),
        ((4, 1, 96), CacheType::Q8_0),
        ((2, 1, 128), CacheType::F16),
        ((8, 1, 8), CacheType::F16),
        ((4, 1, 24), CacheType::Q8_0),
        ((3, 1, 6), CacheType::F16),
        ((6, 2, 64), CacheType::Q8_0),
        ((3, 3, 80), CacheType::F16),
        ((2, 1, 256), CacheType::F16),
        ((1, 1, 256), CacheType::Q8_0),
        ((2, 1, 12), CacheType::F16),
    ] {
        let case = Case {
            dtype,
            ..Case::new(heads, 21)
        };
        check(&mut rng, case, 19, 512);
        check(&mut rng, case, 0, 4);
    }
}

#[test]
fn a_projection_is_made_ready_with_bias_norms_and_both_rotations() {
    let mut rng = Rng(12);
    for order in [RopeOrder::Interleaved, RopeOrder::HalfSplit] {
        for (extra, n_rot, dtype) in [
            (Extra::None, 64, CacheType::F32),
            (Extra::Bias, 32, CacheType::F16),
            (Extra::Norms, 2, CacheType::Q8_0),
        ] {
            let case = Case {
                n_rot,
                order,
                extra,
                dtype,
                ..Case::new((4, 2, 64), 8)
            };
            check(&mut rng, case, 6, 512);
        }
    }
}

/// One key, a tile of keys and one more; as many keys as a split takes, fewer splits than keys, a split for each key.
#[test]
fn windows_and_splits_are_exact_at_their_edges() {
    let mut rng = Rng(13);
    // One token; few rows; a tile and a bit of queries; several.
    let near: Vec<_> = (126..131).map(|pos| (pos, 1)).collect();
    let far: Vec<_> = (256..262).map(|pos| (pos, 1)).collect();
    let steps = [near, vec![(131, 5), (136, 19), (155, 101)], far].concat();
    for (window, dtype) in [
        (None, CacheType::F32),
        (Some(1), CacheType::F16),
        (Some(31), CacheType::Q8_0),
        (Some(128), CacheType::F32),
        (Some(129), CacheType::F16),
        (Some(200), CacheType::Q8_0),
    ] {
        let case = Case {
            window,
            dtype,
            ..Case::new((4, 2, 16), 262)
        };
        let told = Told::new(&mut rng, case);
        let wants: Vec<_> = steps.iter().map(|&(pos, rows)| told.want(pos, rows)).collect();
        let mut rec = recorder(Style::Tree);
        for reduce in ways() {
            for split in [512, 128, 32, 1] {
                let mut here = Here::new(&mut rec, Attention { reduce, split }, &told);
                here.run(0, 126, None);
                for (&(pos, rows), want) in steps.iter().zip(&wants) {
                    here.check_against(pos, rows, want);
                }
            }
        }
    }
}

#[test]
fn attention_agrees_at_a_full_long_context() {
    let n_ctx = count(3001, 65_536);
    let mut rng = Rng(14);
    for (dtype, window) in [
        (CacheType::F16, None),
        (CacheType::F32, Some(2047)),
        (CacheType::Q8_0, None),
    ] {
        let case = Case {
            dtype,
            window,
            ..Case::new((2, 1, 16), n_ctx)
        };
        let told = Told::new(&mut rng, case);
        let steps = [(n_ctx - 24, 20), (n_ctx - 4, 3), (n_ctx - 1, 1)];
        let wants = steps.map(|(pos, rows)| told.want(pos, rows));
        let mut rec = recorder(Style::Tree);
        for reduce in ways() {
            let mut here = Here::new(&mut rec, Attention { reduce, split: 512 }, &told);
            here.run(0, n_ctx - 24, None);
            for (&(pos, rows), want) in steps.iter().zip(&wants) {
                here.check_against(pos, rows, want);
            }
        }
    }
}

#[test]
fn attention_survives_extreme_scores() {
    // Scores of +-2000: exp() of a raw score would overflow; the running maximum must carry it.
    let case = Case {
        n_rot: 0,
        ..Case::new((1, 1, 8), 70)
    };
    let mut told = Told::new(&mut Rng(15), case);
    told.projected = (0..case.n_ctx)
        .flat_map(|t| {
            let k = (t as f32 - 35.0) * 20.0;
            [[1.0; 8], [k; 8], [t as f32; 8]].concat()
        })
        .collect();
    told.ready = told.projected.clone();
    told.make_ready();
    let mut rec = recorder(Style::Tree);
    for reduce in ways() {
        let tuning = Attention { reduce, split: 16 };
        let mut here = Here::new(&mut rec, tuning, &told);
        for (pos, rows) in [(0, 66), (66, 1), (67, 2), (69, 1)] {
            assert_agree(
                &format!("{tuning:?}"),
                &here.step(pos, rows),
                &told.want(pos, rows),
                F32_SUM,
            );
        }
    }
}

/// A cache of one position: what is read is what was stored.
fn stored(dtype: CacheType, values: &[f32]) -> Vec<Vec<f32>> {
    let head_dim = values.len();
    let case = Case {
        n_rot: 0,
        dtype,
        ..Case::new((1, 1, head_dim), 2)
    };
    let mut told = Told::new(&mut Rng(16), case);
    let zeros = vec![0.0; 2 * head_dim];
    told.projected = [&zeros[..], values, &zeros[..], values].concat();
    let mut rec = recorder(Style::Tree);
    let mut all = Vec::new();
    for reduce in ways() {
        let mut here = Here::new(&mut rec, Attention { reduce, split: 512 }, &told);
        all.push(here.step(0, 1));
        all.push(here.step(0, 2)[head_dim..].to_vec());
    }
    all
}

#[test]
fn half_precision_cache_clamps_instead_of_overflowing() {
    for got in stored(CacheType::F16, &[1e6, -1e6]) {
        assert_eq!(got, [65504.0, -65504.0]);
    }
}

#[test]
fn a_q8_0_cache_rounds_as_the_cpu_does_and_shows_what_is_not_finite() {
    // Scale 1; halves go to the even neighbour.
    let exact = [127.0, -127.0, 0.5, 1.5, -2.5, 63.4, 63.6, 0.0];
    for got in stored(CacheType::Q8_0, &exact) {
        assert_agree(
            "rounded",
            &got,
            &[127.0, -127.0, 0.0, 2.0, -2.0, 63.0, 64.0, 0.0],
            F32_SUM,
        );
    }
    for fault in [f32::NAN, f32::INFINITY] {
        let mut broken = [1.0f32; 40];
        broken[3] = fault;
        for got in stored(CacheType::Q8_0, &broken) {
            assert!(got[..32].iter().all(|v| !v.is_finite()), "{got:?}");
            assert_agree("the next block", &got[32..], &[1.0; 8], F32_SUM);
        }
    }
}
