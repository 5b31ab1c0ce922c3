//! The two inner loops: dot products with keys, weighted sums of values.

#![allow(clippy::needless_range_loop)] // indices of registers: the loops are unrolled

use std::ops::Range;

use super::BLOCK;
use super::query::Query;
use crate::cpu::cache::{Plane, UNIT, UNITS_PER_BLOCK};
use crate::cpu::simd::Simd;
use crate::cpu::vector::{load_16, sum_16};

/// Sixteen stored elements.
pub(super) trait Unit: bytemuck::Pod {
    /// What [`Unit::read`] leaves to be multiplied.
    const LARGER: f32;

    /// Where element i is after [`Unit::read`].
    fn place(i: usize) -> usize;

    /// The elements as numbers.
    fn read<S: Simd>(&self) -> [S::V; 4];
}

impl Unit for [f32; UNIT] {
    const LARGER: f32 = 1.0;

    fn place(i: usize) -> usize {
        i
    }

    #[inline(always)]
    fn read<S: Simd>(&self) -> [S::V; 4] {
        load_16::<S>(self)
    }
}

impl Unit for [u16; UNIT] {
    /// 2^112, the difference between the exponents' biases.
    const LARGER: f32 = f32::from_bits((127 + 112) << 23);

    /// Even elements of each eight, then odd ones.
    fn place(i: usize) -> usize {
        i / 8 * 8 + i % 2 * 4 + i % 8 / 2
    }

    /// Sign, exponent and mantissa moved to where `f32` has them: two elements lie in each 32-bit lane, and what is below
    /// the mantissa is cut off.
    #[inline(always)]
    fn read<S: Simd>(&self) -> [S::V; 4] {
        let mask = S::splat_i32(0x8fff_e000_u32 as i32);
        let bytes = bytemuck::bytes_of(self);
        let (a, b) = (S::load(bytes, 0), S::load(bytes, 16));
        [
            S::and(S::shr_i32::<3>(S::shl_i32::<16>(a)), mask),
            S::and(S::shr_i32::<3>(a), mask),
            S::and(S::shr_i32::<3>(S::shl_i32::<16>(b)), mask),
            S::and(S::shr_i32::<3>(b), mask),
        ]
    }
}

impl Unit for [i8; UNIT] {
    const LARGER: f32 = 1.0;

    fn place(i: usize) -> usize {
        i
    }

    #[inline(always)]
    fn read<S: Simd>(&self) -> [S::V; 4] {
        let v = S::load(bytemuck::bytes_of(self), 0);
        [
            S::from_int(S::widen_i8::<0>(v)),
            S::from_int(S::widen_i8::<1>(v)),
            S::from_int(S::widen_i8::<2>(v)),
            S::from_int(S::widen_i8::<3>(v)),
        ]
    }
}

/// `scores[n][j] = query n . key j` for the keys `vectors`, without the query's factor.
#[inline(always)]
pub(super) fn scores<S: Simd, const N: usize>(
    keys: &Plane,
    vectors: &Range<usize>,
    units: usize,
    queries: &[&mut Query; N],
    scores: &mut [[f32; BLOCK]; N],
) {
    let part = vectors.start * units..vectors.end * units;
    match keys {
        Plane::F32(plane) => dots::<S, _, N>(&plane[part], units, queries, scores),
        Plane::F16(plane) => dots::<S, _, N>(&plane[part], units, queries, scores),
        Plane::Q8_0(plane, scales) => {
            let blocks = units.div_ceil(UNITS_PER_BLOCK);
            let scales = &scales[vectors.start * blocks..vectors.end * blocks];
            byte_dots::<S, N>(&plane[part], scales, units, queries, scores);
        }
    }
}

#[inline(always)]
fn dots<S: Simd, U: Unit, const N: usize>(
    keys: &[U],
    units: usize,
    queries: &[&mut Query; N],
    scores: &mut [[f32; BLOCK]; N],
) {
    let q: [&[[f32; UNIT]]; N] = std::array::from_fn(|n| &queries[n].q[..units]);
    for (j, key) in (0..BLOCK).zip(keys.chunks_exact(units)) {
        let mut acc = [[S::splat_f32(0.0); 4]; N];
        for (u, unit) in key.iter().enumerate() {
            let k = unit.read::<S>();
            for n in 0..N {
                let q = load_16::<S>(&q[n][u]);
                for i in 0..4 {
                    acc[n][i] = S::add(acc[n][i], S::mul(q[i], k[i]));
                }
            }
        }
        for n in 0..N {
            scores[n][j] = sum_16::<S>(acc[n]);
        }
    }
}

/// Products of bytes and 16-bit queries are added as integers within a block, whose scale makes them `f32`.
#[inline(always)]
fn byte_dots<S: Simd, const N: usize>(
    keys: &[[i8; UNIT]],
    scales: &[f32],
    units: usize,
    queries: &[&mut Query; N],
    scores: &mut [[f32; BLOCK]; N],
) {
    let q: [&[[i16; UNIT]]; N] = std::array::from_fn(|n| &queries[n].q16[..units]);
    let blocks = units.div_ceil(UNITS_PER_BLOCK);
    let vectors = keys.chunks_exact(units).zip(scales.chunks_exact(blocks));
    for (j, (key, scales)) in (0..BLOCK).zip(vectors) {
        let mut acc = [S::splat_f32(0.0); N];
        for (b, (block, d)) in key.chunks(UNITS_PER_BLOCK).zip(scales).enumerate() {
            let mut dot = [S::splat_i32(0); N];
            for (i, unit) in block.iter().enumerate() {
                let v = S::load(bytemuck::bytes_of(unit), 0);
                let even = S::shr_i16::<8>(S::shl_i16::<8>(v));
                let odd = S::shr_i16::<8>(v);
                for n in 0..N {
                    let q = bytemuck::bytes_of(&q[n][b * UNITS_PER_BLOCK + i]);
                    dot[n] = S::dot_i16(dot[n], even, S::load(q, 0));
                    dot[n] = S::dot_i16(dot[n], odd, S::load(q, 16));
                }
            }
            for n in 0..N {
                acc[n] = S::add(acc[n], S::mul(S::from_int(dot[n]), S::splat_f32(*d)));
            }
        }
        for n in 0..N {
            scores[n][j] = S::sum(acc[n]);
        }
    }
}

/// Adds `weights[n][j] * value j` to the sum of query n for the values `vectors`, in their order.
#[inline(always)]
pub(super) fn add_values<S: Simd, const N: usize>(
    values: &Plane,
    vectors: &Range<usize>,
    units: usize,
    queries: &mut [&mut Query; N],
    weights: &[[f32; BLOCK]; N],
) {
    let part = vectors.start * units..vectors.end * units;
    match values {
        Plane::F32(plane) => add_units::<S, _, N>(&plane[part], units, 0..units, queries, weights),
        Plane::F16(plane) => add_units::<S, _, N>(&plane[part], units, 0..units, queries, weights),
        Plane::Q8_0(plane, scales) => {
            let blocks = units.div_ceil(UNITS_PER_BLOCK);
            let scales = &scales[vectors.start * blocks..vectors.end * blocks];
            for b in 0..blocks {
                let mut scaled = *weights;
                for weights in &mut scaled {
                    for (w, scales) in weights.iter_mut().zip(scales.chunks_exact(blocks)) {
                        *w *= scales[b];
                    }
                }
                let of = b * UNITS_PER_BLOCK..units.min((b + 1) * UNITS_PER_BLOCK);
                add_units::<S, _, N>(&plane[part.clone()], units, of, queries, &scaled);
            }
        }
    }
}

/// The units `of` of every vector; as many at once as registers hold.
#[inline(always)]
fn add_units<S: Simd, U: Unit, const N: usize>(
    values: &[U],
    units: usize,
    of: Range<usize>,
    queries: &mut [&mut Query; N],
    weights: &[[f32; BLOCK]; N],
) {
    let mut u = of.start;
    while N == 1 && u + 2 <= of.end {
        add_some::<S, U, N, 2>(values, units, u, queries, weights);
        u += 2;
    }
    for u in u..of.end {
        add_some::<S, U, N, 1>(values, units, u, queries, weights);
    }
}

#[inline(always)]
fn add_some<S: Simd, U: Unit, const N: usize, const W: usize>(
    values: &[U],
    units: usize,
    at: usize,
    queries: &mut [&mut Query; N],
    weights: &[[f32; BLOCK]; N],
) {
    let mut acc = [[[S::splat_f32(0.0); 4]; W]; N];
    for n in 0..N {
        for w in 0..W {
            acc[n][w] = load_16::<S>(&queries[n].sum[at + w]);
        }
    }
    for (j, value) in (0..BLOCK).zip(values.chunks_exact(units)) {
        let some = &value[at..at + W];
        for w in 0..W {
            let v = some[w].read::<S>();
            for n in 0..N {
                let weight = S::splat_f32(weights[n][j]);
                for i in 0..4 {
                    acc[n][w][i] = S::add(acc[n][w][i], S::mul(weight, v[i]));
                }
            }
        }
    }
    for n in 0..N {
        for w in 0..W {
            for i in 0..4 {
                S::store_f32(&mut queries[n].sum[at + w], i * 4, acc[n][w][i]);
            }
        }
    }
}
