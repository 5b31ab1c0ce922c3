//! F32, F16 and BF16 weights: products and sums in `f32`, activations as they are.
//!
//! Columns in order, in groups of eight, then one by one.

use std::marker::PhantomData;

use super::Target;
use crate::cpu::packed::Packed;
use crate::cpu::simd::{Level, Simd, Task, dispatch};

/// Columns that are unpacked at once.
const GROUP: usize = 8;

trait Format {
    /// Bytes of one column of a quad.
    const BYTES: usize;
    /// One column of the four rows.
    fn column<S: Simd>(bytes: &[u8], at: usize) -> S::V;
}

struct F32;
impl Format for F32 {
    const BYTES: usize = 16;
    #[inline(always)]
    fn column<S: Simd>(bytes: &[u8], at: usize) -> S::V {
        S::load(bytes, at)
    }
}

struct F16;
impl Format for F16 {
    const BYTES: usize = 8;
    #[inline(always)]
    fn column<S: Simd>(bytes: &[u8], at: usize) -> S::V {
        S::f16_bits(S::load_u16x4(bytes, at))
    }
}

struct BF16;
impl Format for BF16 {
    const BYTES: usize = 8;
    #[inline(always)]
    fn column<S: Simd>(bytes: &[u8], at: usize) -> S::V {
        S::shl_i32::<16>(S::load_u16x4(bytes, at))
    }
}

struct Multiply<'a, F> {
    w: &'a Packed,
    /// `[tokens, cols]`
    x: &'a [f32],
    acc: &'a mut [f32],
    target: Target<'a>,
    format: PhantomData<F>,
}

impl<F: Format> Task for Multiply<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let cols = self.w.cols();
        let (groups, rest) = (cols / GROUP, cols / GROUP * GROUP);
        for (i, quad) in self.w.quads().enumerate() {
            self.acc.fill(0.0);
            for (g, bytes) in quad.chunks_exact(GROUP * F::BYTES).take(groups).enumerate() {
                let w: [S::V; GROUP] = eight!(|C| F::column::<S>(bytes, C * F::BYTES));
                for (acc, x) in self
                    .acc
                    .as_chunks_mut::<4>()
                    .0
                    .iter_mut()
                    .zip(self.x.chunks_exact(cols))
                {
                    let x = &x[GROUP * g..][..GROUP];
                    let p: [S::V; GROUP] = eight!(|C| S::mul(w[C], S::splat_f32(x[C])));
                    let even = S::add(S::add(p[0], p[2]), S::add(p[4], p[6]));
                    let odd = S::add(S::add(p[1], p[3]), S::add(p[5], p[7]));
                    let sum = S::add(S::load_f32(acc, 0), S::add(even, odd));
                    S::store_f32(acc, 0, sum);
                }
            }
            for c in rest..cols {
                let w = F::column::<S>(quad, c * F::BYTES);
                for (acc, x) in self
                    .acc
                    .as_chunks_mut::<4>()
                    .0
                    .iter_mut()
                    .zip(self.x.chunks_exact(cols))
                {
                    let sum = S::add(S::load_f32(acc, 0), S::mul(w, S::splat_f32(x[c])));
                    S::store_f32(acc, 0, sum);
                }
            }
            self.target.rows = (self.w.rows() - 4 * i).min(4);
            self.target.store(self.acc);
        }
    }
}

macro_rules! entry {
    ($name:ident, $format:ident) => {
        /// Multiplies.
        pub fn $name(level: Level, w: &Packed, x: &[f32], acc: &mut [f32], target: Target<'_>) {
            dispatch(
                level,
                Multiply::<$format> {
                    w,
                    x,
                    acc,
                    target,
                    format: PhantomData,
                },
            )
        }
    };
}

entry!(f32, F32);
entry!(f16, F16);
entry!(bf16, BF16);
