//! `out[t, i] = silu(gate_up[t, i]) * gate_up[t, n_ff + i]` with `silu(g) = g / (1 + exp(-g))`: the SwiGLU activation.

use bytemuck::{Pod, Zeroable};

/// Shape of the operation; the uniform of `silu_mul.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of the result; the input has twice as many.
    pub n_ff: u32,
}

/// Reference: `out [T, n_ff]`, `gate_up [T, 2*n_ff]`.
pub fn cpu(p: &Params, out: &mut [f32], gate_up: &[f32]) {
    let n_ff = p.n_ff as usize;
    for (out, row) in out.chunks_exact_mut(n_ff).zip(gate_up.chunks_exact(2 * n_ff)) {
        let (gate, up) = row.split_at(n_ff);
        for ((o, g), u) in out.iter_mut().zip(gate).zip(up) {
            *o = g / (1.0 + (-g).exp()) * u;
        }
    }
}
