//! `out[t, i] = silu(gate_up[t, i]) * gate_up[t, n_ff + i]` with `silu(g) = g / (1 + exp(-g))`: the SwiGLU activation.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};

/// Shape of the operation; the uniform of `silu_mul.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of the result; the input has twice as many.
    pub n_ff: u32,
}

impl Kernel for Params {
    const NAME: &'static str = "silu_mul";

    fn variants() -> Vec<Variant> {
        vec![Variant::new(Self::NAME)]
    }
}

/// Records `out [T, n_ff]` from `gate_up [T, 2*n_ff]`.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, p: &Params, out: &mut Tensor, gate_up: &Tensor) -> Result<()> {
    let (rows, grid) = (gate_up.rows(), Grid::threads(p.n_ff as usize, 64, gate_up.rows()));
    let bindings = &[Binding::output(out), Binding::input(gate_up)];
    rec.launch(p, Variant::new(Params::NAME), grid, rows, bindings)
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
