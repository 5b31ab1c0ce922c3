//! `out[t] = x[t] / sqrt(mean(x[t]^2) + eps) * gain`: root-mean-square norm of each row.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::Style;
use super::wgsl::Variant;
#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};

/// Shape of the operation; the uniform of `rms_norm.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of a row.
    pub cols: u32,
    /// Added to the mean square.
    pub eps: f32,
}

impl Kernel for Params {
    const NAME: &'static str = "rms_norm";

    fn variants() -> Vec<Variant> {
        Style::ALL.map(|s| Variant::new(Self::NAME).entry(s.entry())).into()
    }
}

/// Records `out [T, cols]` from `x [T, cols]` and `gain [1, cols]`.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, p: &Params, out: &mut Tensor, x: &Tensor, gain: &Tensor) -> Result<()> {
    let rows = x.rows();
    let style = rec.device().style();
    let grid = match style {
        Style::Serial => Grid::threads(rows, 8, 1),
        Style::Tree => Grid::new(1, rows),
    };
    let bindings = &[Binding::output(out), Binding::input(x), Binding::input(gain)];
    rec.launch(p, Variant::new(Params::NAME).entry(style.entry()), grid, rows, bindings)
}

/// Reference: `out [T, cols]`, `x [T, cols]`, `gain [cols]`.
pub fn cpu(p: &Params, out: &mut [f32], x: &[f32], gain: &[f32]) {
    let cols = p.cols as usize;
    for (out, x) in out.chunks_exact_mut(cols).zip(x.chunks_exact(cols)) {
        let scale = inverse_rms(x, p.eps);
        for ((o, x), g) in out.iter_mut().zip(x).zip(gain) {
            *o = x * scale * g;
        }
    }
}

/// `1 / sqrt(mean(x^2) + eps)`, summed in f64.
pub(super) fn inverse_rms(x: &[f32], eps: f32) -> f32 {
    let sum: f64 = x.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    (1.0 / (sum / x.len() as f64 + f64::from(eps)).sqrt()) as f32
}
