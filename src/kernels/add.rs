//! `out[t, i] += x[t, i]`: the residual connection.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};

/// Shape of the operation; the uniform of `add.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of both activations.
    pub cols: u32,
}

impl Kernel for Params {
    const NAME: &'static str = "add";

    fn variants() -> Vec<Variant> {
        vec![Variant::new(Self::NAME)]
    }
}

/// Records `out [T, cols] += x [T, cols]`.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, p: &Params, out: &mut Tensor, x: &Tensor) -> Result<()> {
    let grid = Grid::threads(x.stride() / 4, 64, x.rows());
    let bindings = &[Binding::output(out), Binding::input(x)];
    rec.launch(p, Variant::new(Params::NAME), grid, x.rows(), bindings)
}

/// Reference: `out [T, cols] += x [T, cols]`.
pub fn cpu(_p: &Params, out: &mut [f32], x: &[f32]) {
    for (o, x) in out.iter_mut().zip(x) {
        *o += x;
    }
}
