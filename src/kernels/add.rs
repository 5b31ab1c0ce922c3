//! `out[t, i] += x[t, i]`: the residual connection.

use bytemuck::{Pod, Zeroable};

/// Shape of the operation; the uniform of `add.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of both activations.
    pub cols: u32,
}

/// Reference: `out [T, cols] += x [T, cols]`.
pub fn cpu(_p: &Params, out: &mut [f32], x: &[f32]) {
    for (o, x) in out.iter_mut().zip(x) {
        *o += x;
    }
}
