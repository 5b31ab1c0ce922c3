//! `exp` of four numbers at once.

use super::map_4;
use crate::cpu::simd::{Simd, kernel};

kernel! {
    /// `x = exp(x)` for every element: at most 2 units in the last place off, also where the result is
    /// subnormal; 0 at minus infinity, infinity beyond 88.73, NaN for NaN.
    pub fn exp<'a, S>(x: &'a mut [f32]) {
        map_4::<S>(x, 0.0, exp_lanes::<S>)
    }
}

/// See [`exp`]. With n the integer nearest to `x / ln 2`: `exp(x) = 2^n * exp(x - n * ln 2)`, the latter by the polynomial
/// of Cephes' `expf` (S. Moshier) on ±ln(2)/2.
#[inline(always)]
pub(in crate::cpu) fn exp_lanes<S: Simd>(x: S::V) -> S::V {
    // Beyond these the result is 0 or infinity anyway; NaN stays.
    let (p, n) = split::<S>(S::min(S::max(x, S::splat_f32(-105.0)), S::splat_f32(89.0)));
    // 2^n in two factors: n reaches from -151 to 128, the exponent of one f32 does not.
    let half = S::shr_i32::<1>(n);
    S::mul(
        S::mul(p, power_of_two::<S>(half)),
        power_of_two::<S>(S::sub_i32(n, half)),
    )
}

/// `exp(x)` of what is not above 0, for the terms of a sum that has a 1 in it: at most 2e-38 where `exp(x)` is less.
#[inline(always)]
pub(in crate::cpu) fn exp_terms<S: Simd>(x: S::V) -> S::V {
    let (p, n) = split::<S>(S::max(x, S::splat_f32(-87.0)));
    S::mul(p, power_of_two::<S>(n))
}

/// `exp(x) = p * 2^n`
#[inline(always)]
fn split<S: Simd>(x: S::V) -> (S::V, S::V) {
    let n = S::round(S::mul(x, S::splat_f32(std::f32::consts::LOG2_E)));
    // ln 2 in two parts, the first short enough for an exact product.
    let r = S::sub(x, S::mul(n, S::splat_f32(0.693_359_4)));
    let r = S::add(r, S::mul(n, S::splat_f32(2.121_944_4e-4)));
    const P: [f32; 6] = [
        1.987_569_1e-4,
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_5e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let mut p = S::splat_f32(P[0]);
    for c in &P[1..] {
        p = S::add(S::mul(p, r), S::splat_f32(*c));
    }
    (
        S::add(S::add(S::mul(p, S::mul(r, r)), r), S::splat_f32(1.0)),
        S::to_int(n),
    )
}

/// `2^n` for n from -126 to 127.
#[inline(always)]
fn power_of_two<S: Simd>(n: S::V) -> S::V {
    S::shl_i32::<23>(S::add_i32(n, S::splat_i32(127)))
}
