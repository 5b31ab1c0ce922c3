//! Root-mean-square norm of each query head and each key head of a fused activation, in place (qwen3).

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::Style;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};

use super::rms_norm::inverse_rms;

/// Shape of the operation; the uniform of `head_norm.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Query heads.
    pub n_head: u32,
    /// Key heads.
    pub n_head_kv: u32,
    /// Elements of a head.
    pub head_dim: u32,
    /// Added to the mean square.
    pub eps: f32,
}

impl Kernel for Params {
    const NAME: &'static str = "head_norm";

    fn variants() -> Vec<Variant> {
        Style::ALL.map(|s| Variant::new(Self::NAME).entry(s.entry())).into()
    }
}

/// Records the norms of `qkv [T, (n_head + 2*n_head_kv) * head_dim]` in place; gains `[1, head_dim]`.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, p: &Params, qkv: &mut Tensor, q_gain: &Tensor, k_gain: &Tensor) -> Result<()> {
    let (rows, heads) = (qkv.rows(), (p.n_head + p.n_head_kv) as usize);
    let style = rec.device().style();
    let grid = match style {
        Style::Serial => Grid::threads(heads, 8, rows),
        Style::Tree => Grid::new(heads, rows),
    };
    let bindings = &[Binding::output(qkv), Binding::input(q_gain), Binding::input(k_gain)];
    rec.launch(p, Variant::new(Params::NAME).entry(style.entry()), grid, rows, bindings)
}

/// Reference: `qkv [T, (n_head + 2*n_head_kv) * head_dim]`, gains `[head_dim]`.
pub fn cpu(p: &Params, qkv: &mut [f32], q_gain: &[f32], k_gain: &[f32]) {
    let (n_head, n_head_kv, dim) = (p.n_head as usize, p.n_head_kv as usize, p.head_dim as usize);
    for row in qkv.chunks_exact_mut((n_head + 2 * n_head_kv) * dim) {
        for (h, head) in row.chunks_exact_mut(dim).take(n_head + n_head_kv).enumerate() {
            let gain = if h < n_head { q_gain } else { k_gain };
            let scale = inverse_rms(head, p.eps);
            for (v, g) in head.iter_mut().zip(gain) {
                *v *= scale * g;
            }
        }
    }
}
