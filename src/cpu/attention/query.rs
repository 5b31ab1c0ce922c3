//! One query on its way through the keys.

use std::ops::Range;

use super::sums::Unit;
use super::{BLOCK, MAX_HEAD_DIM};
use crate::cpu::cache::{UNIT, max_bits};
use crate::cpu::simd::Simd;
use crate::cpu::vector::{exp_lanes, exp_terms, load_16, sum_16};
use crate::ops::CacheType;

/// Units of the largest head.
const UNITS: usize = MAX_HEAD_DIM / UNIT;

/// Largest byte sum of a q8_0 block times this fits `i32`: 32 * 127 * 32767.
const MAX_Q: f32 = 32_767.0;

/// A query and the state of its softmax. Elements of a unit lie in the order of [`Unit::place`].
pub(super) struct Query {
    /// The keys that it sees.
    pub keys: Range<usize>,
    /// What its dot product with a key as it is stored has to be multiplied with.
    pub factor: f32,
    /// For f32 and f16.
    pub q: [[f32; UNIT]; UNITS],
    /// For q8_0, in 16 bits: even elements of a unit, then odd ones.
    pub q16: [[i16; UNIT]; UNITS],
    /// The sum of `weight * value` so far.
    pub sum: [[f32; UNIT]; UNITS],
    units: usize,
    max: f32,
    total: f32,
}

impl Query {
    pub const EMPTY: Query = Query {
        keys: 0..0,
        factor: 0.0,
        q: [[0.0; UNIT]; UNITS],
        q16: [[0; UNIT]; UNITS],
        sum: [[0.0; UNIT]; UNITS],
        units: 0,
        max: f32::NEG_INFINITY,
        total: 0.0,
    };

    /// Begins with the query `q`, which sees `keys`.
    #[inline(always)]
    pub fn prepare<S: Simd>(&mut self, q: &[f32], scale: f32, dtype: CacheType, keys: Range<usize>) {
        self.units = q.len().div_ceil(UNIT);
        (self.keys, self.max, self.total) = (keys, f32::NEG_INFINITY, 0.0);
        let (natural, sum) = (&mut self.q[..self.units], &mut self.sum[..self.units]);
        sum.fill([0.0; UNIT]);
        natural.fill([0.0; UNIT]);
        natural.as_flattened_mut()[..q.len()].copy_from_slice(q);
        let largest = f32::from_bits(max_bits::<S>(natural) as u32);
        match dtype {
            CacheType::F32 => self.factor = scale,
            CacheType::F16 => {
                // Halves are read 2^112 too small, so the query is made as much larger, unless that is beyond f32.
                let excess = (largest.to_bits() >> 23).saturating_sub(127 + 14);
                let larger = power_of_two(112 - excess as i32);
                for unit in natural {
                    let mut placed = [0.0; UNIT];
                    for (i, v) in unit.iter().enumerate() {
                        placed[<[u16; UNIT]>::place(i)] = v * larger;
                    }
                    *unit = placed;
                }
                self.factor = scale * power_of_two(excess as i32);
            }
            CacheType::Q8_0 => {
                let step = largest / MAX_Q;
                let by = if step > 0.0 && step.is_finite() {
                    1.0 / step
                } else {
                    0.0
                };
                for (out, unit) in self.q16.iter_mut().zip(natural) {
                    for (i, v) in unit.iter().enumerate() {
                        // The conversion clamps, and takes NaN for 0; the factor is not finite then.
                        out[i % 2 * (UNIT / 2) + i / 2] = (v * by).round_ties_even().clamp(-MAX_Q, MAX_Q) as i16;
                    }
                }
                self.factor = step * scale;
            }
        }
    }

    /// The keys of `block` that it sees.
    #[inline(always)]
    pub fn within(&self, block: &Range<usize>) -> Range<usize> {
        self.keys.start.max(block.start)..self.keys.end.min(block.end)
    }

    /// Turns the dot products of a block, of which the first `n` are there, into weights, and brings the state to the new
    /// maximum. The weights are made larger where values are read too small.
    #[inline(always)]
    pub fn soften<S: Simd>(&mut self, scores: &mut [f32; BLOCK], n: usize, dtype: CacheType) {
        let (there, beyond) = scores.split_at_mut(n.min(BLOCK));
        there.iter_mut().for_each(|score| *score *= self.factor);
        beyond.fill(f32::NEG_INFINITY);
        let (units, _) = scores.as_chunks_mut::<UNIT>();
        let mut max = [S::splat_f32(self.max); 4];
        for unit in units.iter() {
            for (max, v) in max.iter_mut().zip(load_16::<S>(unit)) {
                *max = S::max(*max, v);
            }
        }
        let max = S::max(S::max(max[0], max[1]), S::max(max[2], max[3]));
        let max = S::to_f32(max).into_iter().fold(self.max, f32::max);
        if max > self.max {
            let [shrink, ..] = S::to_f32(exp_lanes::<S>(S::splat_f32(self.max - max)));
            self.max = max;
            self.total *= shrink;
            let by = S::splat_f32(shrink);
            for unit in &mut self.sum[..self.units] {
                for (i, v) in load_16::<S>(unit).into_iter().enumerate() {
                    S::store_f32(unit, i * 4, S::mul(v, by));
                }
            }
        }
        let larger = S::splat_f32(match dtype {
            CacheType::F16 => <[u16; UNIT]>::LARGER,
            CacheType::F32 | CacheType::Q8_0 => 1.0,
        });
        let mut total = [S::splat_f32(0.0); 4];
        for unit in units {
            for (i, v) in load_16::<S>(unit).into_iter().enumerate() {
                let weight = exp_terms::<S>(S::sub(v, S::splat_f32(max)));
                total[i] = S::add(total[i], weight);
                S::store_f32(unit, i * 4, S::mul(weight, larger));
            }
        }
        self.total += sum_16::<S>(total);
    }

    /// The result.
    #[inline(always)]
    pub fn finish(&self, out: &mut [f32], dtype: CacheType) {
        let place = match dtype {
            CacheType::F16 => <[u16; UNIT]>::place,
            CacheType::F32 | CacheType::Q8_0 => |i| i,
        };
        for (i, o) in out.iter_mut().enumerate() {
            *o = self.sum[i / UNIT][place(i % UNIT)] / self.total;
        }
    }
}

/// `2^n` for n from -126 to 127.
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) as u32) << 23)
}
