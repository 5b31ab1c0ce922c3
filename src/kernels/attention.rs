//! Softmax attention of each query head over the cached positions that it may see.
//!
//! `out[t, h] = sum_j softmax_j(scale * q[t, h] . k[h', j]) * v[h', j]` with `h' = h / (n_head / n_head_kv)` and
//! `j` from `max(0, p - window + 1)` to `p = pos + t`.

use super::dim;
use super::kv_write::CpuCache;
use crate::ops::AttentionShape;

/// Shape of the operation.
#[derive(Debug, Clone, Copy, PartialEq)]
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
