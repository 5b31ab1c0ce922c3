//! Rotary position embedding of the query and key heads of a fused activation, in place.
//!
//! Pair i of a head, `(a, b)`, becomes `(a*cos - b*sin, a*sin + b*cos)` with the angle of pair i at position `pos + t`.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};

use super::dim;
use crate::ops::{RopeOrder, RopeShape};

/// Shape of the operation; the uniform of `rope.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Query heads.
    pub n_head: u32,
    /// Key heads.
    pub n_head_kv: u32,
    /// Elements of a head.
    pub head_dim: u32,
    /// Rotated elements of a head; even.
    pub n_rot: u32,
    /// Pair i is `(i * pair_step, i * pair_step + pair_gap)`: (2, 1) interleaved, (1, n_rot/2) half-split.
    pub pair_step: u32,
    /// See `pair_step`.
    pub pair_gap: u32,
}

impl From<&RopeShape> for Params {
    fn from(s: &RopeShape) -> Self {
        let (pair_step, pair_gap) = match s.order {
            RopeOrder::Interleaved => (2, 1),
            RopeOrder::HalfSplit => (1, dim(s.n_rot / 2)),
        };
        Self {
            n_head: dim(s.heads.n_head),
            n_head_kv: dim(s.heads.n_head_kv),
            head_dim: dim(s.heads.head_dim),
            n_rot: dim(s.n_rot),
            pair_step,
            pair_gap,
        }
    }
}

impl Kernel for Params {
    const NAME: &'static str = "rope";

    fn variants() -> Vec<Variant> {
        vec![Variant::new(Self::NAME)]
    }
}

/// Records the rotation of `qkv [T, (n_head + 2*n_head_kv) * head_dim]` in place; table `[n_ctx, n_rot]`.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, p: &Params, qkv: &mut Tensor, table: &Tensor) -> Result<()> {
    let threads = (p.n_head + p.n_head_kv) * (p.n_rot / 2);
    let (rows, grid) = (qkv.rows(), Grid::threads(threads as usize, 64, qkv.rows()));
    let bindings = &[Binding::output(qkv), Binding::input(table)];
    rec.launch(p, Variant::new(Params::NAME), grid, rows, bindings)
}

/// Reference: `qkv [T, (n_head + 2*n_head_kv) * head_dim]`, `table [n_ctx, n_rot]` with cos at `2i`, sin at `2i+1`.
pub fn cpu(p: &Params, pos: usize, qkv: &mut [f32], table: &[f32]) {
    let (n_head, n_head_kv, dim) = (p.n_head as usize, p.n_head_kv as usize, p.head_dim as usize);
    let (n_rot, step, gap) = (p.n_rot as usize, p.pair_step as usize, p.pair_gap as usize);
    let rows = qkv.chunks_exact_mut((n_head + 2 * n_head_kv) * dim);
    for (row, angles) in rows.zip(table.chunks_exact(n_rot).skip(pos)) {
        for head in row.chunks_exact_mut(dim).take(n_head + n_head_kv) {
            for (i, angle) in angles.chunks_exact(2).enumerate() {
                let (cos, sin) = (angle[0], angle[1]);
                let (a, b) = (head[i * step], head[i * step + gap]);
                head[i * step] = a * cos - b * sin;
                head[i * step + gap] = a * sin + b * cos;
            }
        }
    }
}
