//! Element by element: the gated activation, the residual sum, the bias.

use super::exp_lanes;
use crate::cpu::simd::{Simd, kernel};

kernel! {
    /// `out = gate / (1 + exp(-gate)) * up`, all of the same length: one row, or its part.
    pub fn silu_mul<'a, S>(out: &'a mut [f32], gate: &'a [f32], up: &'a [f32]) {
        let (outs, out_rest) = out.as_chunks_mut::<4>();
        let (gates, gate_rest) = gate.as_chunks::<4>();
        let (ups, up_rest) = up.as_chunks::<4>();
        for ((o, g), u) in outs.iter_mut().zip(gates).zip(ups) {
            S::store_f32(o, 0, silu_mul_lanes::<S>(S::load_f32(g, 0), S::load_f32(u, 0)));
        }
        for ((o, g), u) in out_rest.iter_mut().zip(gate_rest).zip(up_rest) {
            let [first, ..] = S::to_f32(silu_mul_lanes::<S>(S::splat_f32(*g), S::splat_f32(*u)));
            *o = first;
        }
    }
}

#[inline(always)]
fn silu_mul_lanes<S: Simd>(g: S::V, u: S::V) -> S::V {
    let below = exp_lanes::<S>(S::sub(S::splat_f32(0.0), g));
    S::mul(S::div(g, S::add(S::splat_f32(1.0), below)), u)
}

kernel! {
    /// `out += x`, same length.
    pub fn add<'a, S>(out: &'a mut [f32], x: &'a [f32]) {
        for (o, x) in out.iter_mut().zip(x) {
            *o += x;
        }
    }
}

kernel! {
    /// Every row of `out [T, cols]` `+= bias [cols]`.
    pub fn add_bias<'a, S>(out: &'a mut [f32], bias: &'a [f32]) {
        for row in out.chunks_exact_mut(bias.len()) {
            for (o, b) in row.iter_mut().zip(bias) {
                *o += b;
            }
        }
    }
}
