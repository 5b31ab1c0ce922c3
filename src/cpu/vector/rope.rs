//! Rotary position embedding.

use crate::cpu::simd::kernel;
use crate::ops::{RopeOrder, RopeShape};

kernel! {
    /// Rotates the query and key heads of `qkv [T, heads.cols()]` in place, row t by the angles of position `pos + t` in
    /// `table [n_ctx, n_rot]`: cos of pair i at `2i`, sin at `2i + 1`.
    ///
    /// Exactly the products and sums of the reference, so the same bits.
    pub fn rope<'a, S>(qkv: &'a mut [f32], table: &'a [f32], pos: usize, shape: RopeShape) {
        let (heads, n_rot) = (shape.heads, shape.n_rot);
        let dim = heads.head_dim;
        // Even and odd columns of the row's angles, and of a head.
        let [mut cos, mut sin] = [[0.0; MAX_PAIRS]; 2];
        let pairs = (n_rot / 2).min(MAX_PAIRS);
        let (cos, sin) = (&mut cos[..pairs], &mut sin[..pairs]);
        for (row, angles) in qkv.chunks_exact_mut(heads.cols()).zip(table.chunks_exact(n_rot).skip(pos)) {
            for ((angle, cos), sin) in angles.as_chunks::<2>().0.iter().zip(&mut *cos).zip(&mut *sin) {
                [*cos, *sin] = *angle;
            }
            for head in row[..(heads.n_head + heads.n_head_kv) * dim].chunks_exact_mut(dim) {
                match shape.order {
                    RopeOrder::HalfSplit => half_split(&mut head[..n_rot], cos, sin),
                    RopeOrder::Interleaved => interleaved(&mut head[..n_rot], cos, sin),
                }
            }
        }
    }
}

/// Pairs of the largest head that the attention takes.
const MAX_PAIRS: usize = crate::cpu::attention::MAX_HEAD_DIM / 2;

#[inline(always)]
fn half_split(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (a, b) = head.split_at_mut(cos.len());
    for ((a, b), (cos, sin)) in a.iter_mut().zip(b).zip(cos.iter().zip(sin)) {
        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
    }
}

#[inline(always)]
fn interleaved(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    for ([a, b], (cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(cos.iter().zip(sin)) {
        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
    }
}
