//! Everything of a decoder that is neither a matrix nor attention: norms, rotation, activation, sums, the best logits.
//!
//! Operations mean what their namesakes in [`crate::ops`] say. Sums are in `f32` lanes in a fixed order; a row's result does
//! not depend on the rows beside it. On a shard, a [`HeadLayout`](crate::ops::HeadLayout) is that of the heads it owns.

mod activation;
mod exp;
mod norm;
mod rope;
mod top_k;

pub use activation::{add, add_bias, silu_mul};
pub use exp::exp;
pub(super) use exp::{exp_lanes, exp_terms};
pub use norm::{head_norm, rms_norm};
pub use rope::rope;
pub use top_k::top_k;

use crate::cpu::simd::Simd;

/// The sum of 16 lanes: `((0 + 1) + (2 + 3))` of the vectors, then of the lanes.
#[inline(always)]
pub(super) fn sum_16<S: Simd>(v: [S::V; 4]) -> f32 {
    S::sum(S::add(S::add(v[0], v[1]), S::add(v[2], v[3])))
}

/// The four vectors of 16 numbers.
#[inline(always)]
pub(super) fn load_16<S: Simd>(v: &[f32; 16]) -> [S::V; 4] {
    [
        S::load_f32(v, 0),
        S::load_f32(v, 4),
        S::load_f32(v, 8),
        S::load_f32(v, 12),
    ]
}

/// Calls `f` with the elements of `x` four at a time; the last ones are filled up with `fill`.
#[inline(always)]
pub(super) fn map_4<S: Simd>(x: &mut [f32], fill: f32, f: impl Fn(S::V) -> S::V) {
    let (fours, rest) = x.as_chunks_mut::<4>();
    for four in fours {
        let v = f(S::load_f32(four, 0));
        S::store_f32(four, 0, v);
    }
    if !rest.is_empty() {
        let mut four = [fill; 4];
        four[..rest.len()].copy_from_slice(rest);
        four = S::to_f32(f(S::from_f32(four)));
        rest.copy_from_slice(&four[..rest.len()]);
    }
}
