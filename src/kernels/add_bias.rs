//! `out[t, i] += bias[i]`: the bias of a projection.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};

/// Shape of the operation; the uniform of `add_bias.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of the activation and length of the bias.
    pub cols: u32,
}

impl Kernel for Params {
    const NAME: &'static str = "add_bias";

    fn variants() -> Vec<Variant> {
        vec![Variant::new(Self::NAME)]
    }
}

/// Records `out [T, cols] += bias [1, cols]`.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, p: &Params, out: &mut Tensor, bias: &Tensor) -> Result<()> {
    let (rows, grid) = (out.rows(), Grid::threads(out.stride() / 4, 64, out.rows()));
    let bindings = &[Binding::output(out), Binding::input(bias)];
    rec.launch(p, Variant::new(Params::NAME), grid, rows, bindings)
}

/// Reference: every row of `out [T, cols]` `+= bias [cols]`.
pub fn cpu(p: &Params, out: &mut [f32], bias: &[f32]) {
    for row in out.chunks_exact_mut(p.cols as usize) {
        for (o, b) in row.iter_mut().zip(bias) {
            *o += b;
        }
    }
}
