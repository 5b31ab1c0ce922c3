//! `out[t, i] += bias[i]`: the bias of a projection.

use bytemuck::{Pod, Zeroable};

/// Shape of the operation; the uniform of `add_bias.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of the activation and length of the bias.
    pub cols: u32,
}

/// Reference: every row of `out [T, cols]` `+= bias [cols]`.
pub fn cpu(p: &Params, out: &mut [f32], bias: &[f32]) {
    for row in out.chunks_exact_mut(p.cols as usize) {
        for (o, b) in row.iter_mut().zip(bias) {
            *o += b;
        }
    }
}
