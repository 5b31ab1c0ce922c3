//! `out[0 .. R] = x[first .. first + R]`: picks the rows that go through the head.

use bytemuck::{Pod, Zeroable};

/// Shape of the operation; the uniform of `copy_rows.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Columns of both activations.
    pub cols: u32,
}

/// Reference: `out [R, cols]`, `x [T, cols]` with `T >= first + R`.
pub fn cpu(p: &Params, first: usize, out: &mut [f32], x: &[f32]) {
    let at = first * p.cols as usize;
    out.copy_from_slice(&x[at..at + out.len()]);
}
