//! Root-mean-square norm of each query head and each key head of a fused activation, in place (qwen3).

use bytemuck::{Pod, Zeroable};

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
