//! `out[0 .. R] = x[first .. first + R]`: picks the rows that go through the head.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Launch, Recorder, Tensor};

/// Shape of the operation; the uniform of `copy_rows.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of both activations.
    pub cols: u32,
}

impl Kernel for Params {
    const NAME: &'static str = "copy_rows";

    fn variants() -> Vec<Variant> {
        vec![Variant::new(Self::NAME)]
    }
}

/// Records `out [R, cols] = x [first .. first + R, cols]`, R being the rows in use of `out`.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, p: &Params, first: usize, out: &mut Tensor, x: &Tensor) -> Result<()> {
    let rows = out.rows();
    rec.record(&Launch {
        variant: Variant::new(Params::NAME),
        params: bytemuck::bytes_of(p),
        rows,
        first,
        more: [0; 8],
        grid: Grid::threads(out.stride() / 4, 64, rows),
        bindings: &[Binding::output(out), Binding::input(x)],
    })
}

/// Reference: `out [R, cols]`, `x [T, cols]` with `T >= first + R`.
pub fn cpu(p: &Params, first: usize, out: &mut [f32], x: &[f32]) {
    let at = first * p.cols as usize;
    out.copy_from_slice(&x[at..at + out.len()]);
}
