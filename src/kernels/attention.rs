//! Softmax attention of each query head over the cached positions that it may see.
//!
//! `out[t, h] = sum_j softmax_j(scale * q[t, h] . k[h', j]) * v[h', j]` with `h' = h / (n_head / n_head_kv)` and
//! `j` from `max(0, p - window + 1)` to `p = pos + t`.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::Style;
#[cfg(feature = "gpu")]
use super::kv_write::GpuCache;
use super::kv_write::fragment;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};

use super::dim;
use super::kv_write::CpuCache;
use crate::ops::{AttentionShape, CacheType};

/// Shape of the operation; the uniform of `attention.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Query heads.
    pub n_head: u32,
    /// Key/value heads; divides `n_head`.
    pub n_head_kv: u32,
    /// Elements of a head; even, at most 256.
    pub head_dim: u32,
    /// Positions of the cache.
    pub n_ctx: u32,
    /// Multiplier of q·k.
    pub scale: f32,
    /// Keys that a query sees, itself included.
    pub window: u32,
}

impl Params {
    /// The operation over a cache of `n_ctx` positions.
    pub fn new(s: &AttentionShape, n_ctx: usize) -> Self {
        Self {
            n_head: dim(s.heads.n_head),
            n_head_kv: dim(s.heads.n_head_kv),
            head_dim: dim(s.heads.head_dim),
            n_ctx: dim(n_ctx),
            scale: s.scale,
            window: s.window.map_or(u32::MAX, dim),
        }
    }
}

impl Kernel for Params {
    const NAME: &'static str = "attention";

    fn variants() -> Vec<Variant> {
        let mut all = Vec::new();
        for style in Style::ALL {
            for dtype in CacheType::ON_GPU {
                all.extend(HEAD_DIMS.map(|head_dim| variant(style, dtype, head_dim)));
            }
        }
        all
    }
}

/// Head sizes of known models, for the list of variants; any even size up to 256 runs.
const HEAD_DIMS: [u32; 6] = [8, 64, 80, 96, 128, 256];

fn variant(style: Style, dtype: CacheType, head_dim: u32) -> Variant {
    let base = Variant::new(Params::NAME).entry(style.entry());
    base.name("CACHE", fragment(dtype)).int("PAIRS", head_dim / 2)
}

/// Loop iterations after which Mesa's llvmpipe leaves every loop of a thread (LP_MAX_TGSI_LOOP_ITERATIONS).
#[cfg(feature = "gpu")]
const LOOP_BUDGET: u32 = 65_535;

/// A single thread must not walk a long context on an adapter that cuts loops short: wrong results, no error.
#[cfg(feature = "gpu")]
fn style(wanted: Style, p: &Params) -> Style {
    let pairs = p.head_dim / 2;
    // Per key: the loop itself and two loops over pairs, unrolled by four.
    let per_key = 1 + 2 * (pairs / 4 + pairs % 4);
    let total = p.n_ctx.min(p.window).saturating_mul(per_key).saturating_add(pairs);
    if total > LOOP_BUDGET { Style::Tree } else { wanted }
}

/// Records `out [T, n_head * head_dim]` from `qkv [T, (n_head + 2*n_head_kv) * head_dim]` and the cache.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, p: &Params, out: &mut Tensor, qkv: &Tensor, cache: &GpuCache) -> Result<()> {
    let (rows, heads) = (qkv.rows(), p.n_head as usize);
    let style = style(rec.device().style(), p);
    let grid = match style {
        Style::Serial => Grid::threads(heads, 8, rows),
        Style::Tree => Grid::new(heads, rows),
    };
    let caches = [Binding::read(&cache.keys), Binding::read(&cache.values)];
    let bindings = &[Binding::output(out), Binding::input(qkv), caches[0], caches[1]];
    rec.launch(p, variant(style, cache.shape.dtype, p.head_dim), grid, rows, bindings)
}

/// Reference: `out [T, n_head * head_dim]`, `qkv [T, (n_head + 2*n_head_kv) * head_dim]`.
pub fn cpu(p: &Params, pos: usize, out: &mut [f32], qkv: &[f32], cache: &CpuCache) {
    let (n_head, n_head_kv, dim) = (p.n_head as usize, p.n_head_kv as usize, p.head_dim as usize);
    let cols = (n_head + 2 * n_head_kv) * dim;
    let (mut scores, mut kv, mut acc) = (Vec::new(), vec![0.0; dim], vec![0.0f64; dim]);
    for (t, (out, row)) in out
        .chunks_exact_mut(n_head * dim)
        .zip(qkv.chunks_exact(cols))
        .enumerate()
    {
        let last = pos + t;
        let first = (last + 1).saturating_sub(p.window as usize);
        for (h, (out, q)) in out.chunks_exact_mut(dim).zip(row.chunks_exact(dim)).enumerate() {
            let head_kv = h / (n_head / n_head_kv);
            scores.clear();
            for j in first..=last {
                cache.key(head_kv, j, &mut kv);
                scores.push(dot(q, &kv) * f64::from(p.scale));
            }
            let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut sum = 0.0;
            acc.fill(0.0);
            for (j, score) in (first..=last).zip(&scores) {
                let weight = (score - max).exp();
                sum += weight;
                cache.value(head_kv, j, &mut kv);
                for (a, v) in acc.iter_mut().zip(&kv) {
                    *a += weight * f64::from(*v);
                }
            }
            for (o, a) in out.iter_mut().zip(&acc) {
                *o = (a / sum) as f32;
            }
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
