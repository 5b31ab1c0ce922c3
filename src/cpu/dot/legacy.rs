//! Formats of 32 weights with one scale: `w = d * (q - OFFSET)` or `w = d * q + m`.
//!
//! ```text
//! y = sum over blocks of  (float(sum q * x - OFFSET * sum x) * d) * dx  [+ (m * float(sum x)) * dx]
//! ```

use std::marker::PhantomData;

use super::{Sums, Target};
use crate::cpu::input::{HEAD, Quants, STRETCH};
use crate::cpu::packed::Packed;
use crate::cpu::simd::{Level, Simd, Task, dispatch};

/// How a quad's block is taken apart.
trait Format {
    /// Bytes of a quad's block.
    const BYTES: usize;
    /// Subtracted from every quant: 0, 8 or 16.
    const OFFSET: i32 = 0;
    /// There is a minimum, half precision, at byte 8.
    const MIN: bool = false;
    /// Quants are signed bytes.
    const SIGNED: bool = false;
    /// Quants `4g ..` of the four rows, for g in 0..8.
    fn quants<S: Simd>(block: &[u8]) -> [S::V; 8];
}

/// The low and high halves of the bytes from `at` on: quants 0..16 and 16..32.
#[inline(always)]
fn nibbles<S: Simd>(block: &[u8], at: usize) -> [S::V; 8] {
    let mask = S::splat_i32(0x0f0f_0f0f);
    eight!(|G| {
        let both = S::load(block, at + 16 * (G % 4));
        S::and(if G < 4 { both } else { S::shr_u16::<4>(both) }, mask)
    })
}

/// The fifth bits of group g: bit g of each byte of `high`, moved to bit 4.
#[inline(always)]
fn fifth<S: Simd>(high: S::V, g: usize) -> S::V {
    let moved = match g {
        0 => S::shl_i16::<4>(high),
        1 => S::shl_i16::<3>(high),
        2 => S::shl_i16::<2>(high),
        3 => S::shl_i16::<1>(high),
        4 => high,
        5 => S::shr_u16::<1>(high),
        6 => S::shr_u16::<2>(high),
        _ => S::shr_u16::<3>(high),
    };
    S::and(moved, S::splat_i32(0x1010_1010))
}

#[inline(always)]
fn five_bits<S: Simd>(block: &[u8], high: usize, low: usize) -> [S::V; 8] {
    let high = S::load(block, high);
    let low = nibbles::<S>(block, low);
    eight!(|G| S::or(low[G], fifth::<S>(high, G)))
}

struct Q4_0;
impl Format for Q4_0 {
    const BYTES: usize = 72;
    const OFFSET: i32 = 8;
    #[inline(always)]
    fn quants<S: Simd>(block: &[u8]) -> [S::V; 8] {
        nibbles::<S>(block, 8)
    }
}

struct Q4_1;
impl Format for Q4_1 {
    const BYTES: usize = 80;
    const MIN: bool = true;
    #[inline(always)]
    fn quants<S: Simd>(block: &[u8]) -> [S::V; 8] {
        nibbles::<S>(block, 16)
    }
}

struct Q5_0;
impl Format for Q5_0 {
    const BYTES: usize = 88;
    const OFFSET: i32 = 16;
    #[inline(always)]
    fn quants<S: Simd>(block: &[u8]) -> [S::V; 8] {
        five_bits::<S>(block, 8, 24)
    }
}

struct Q5_1;
impl Format for Q5_1 {
    const BYTES: usize = 96;
    const MIN: bool = true;
    #[inline(always)]
    fn quants<S: Simd>(block: &[u8]) -> [S::V; 8] {
        five_bits::<S>(block, 16, 32)
    }
}

struct Q8_0;
impl Format for Q8_0 {
    const BYTES: usize = 136;
    const SIGNED: bool = true;
    #[inline(always)]
    fn quants<S: Simd>(block: &[u8]) -> [S::V; 8] {
        eight!(|G| S::load(block, 8 + 16 * G))
    }
}

/// `out += w * x` for one weight; `acc` has four numbers per token.
struct Multiply<'a, F> {
    w: &'a Packed,
    x: &'a Quants,
    acc: &'a mut [f32],
    target: Target<'a>,
    format: PhantomData<F>,
}

impl<F: Format> Task for Multiply<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let tokens = self.acc.len() / 4;
        let stretch = if S::BYTE_DOT && !F::SIGNED {
            STRETCH
        } else {
            2 * STRETCH
        };
        let (x, heads) = (&self.x.q, &self.x.heads);
        for (i, quad) in self.w.quads().enumerate() {
            let blocks = quad.chunks_exact(F::BYTES);
            if tokens == 1 {
                let mut acc = S::splat_f32(0.0);
                for ((block, x), head) in blocks.zip(x.chunks_exact(stretch)).zip(heads.chunks_exact(HEAD)) {
                    acc = Unpacked::<S>::new::<F>(block).add::<F>(acc, x, head);
                }
                S::store_f32(self.acc, 0, acc);
            } else {
                self.acc.fill(0.0);
                let xs = x.chunks_exact((stretch * tokens).max(1));
                for ((block, x), heads) in blocks.zip(xs).zip(heads.chunks_exact((HEAD * tokens).max(1))) {
                    let unpacked = Unpacked::<S>::new::<F>(block);
                    let accs = self.acc.as_chunks_mut::<4>().0.iter_mut();
                    for ((acc, x), head) in accs.zip(x.chunks_exact(stretch)).zip(heads.chunks_exact(HEAD)) {
                        let sums = unpacked.add::<F>(S::load_f32(acc, 0), x, head);
                        S::store_f32(acc, 0, sums);
                    }
                }
            }
            self.target.rows = (self.w.rows() - 4 * i).min(4);
            self.target.store(self.acc);
        }
    }
}

/// A block in registers.
struct Unpacked<S: Simd> {
    q: [S::V; 8],
    d: S::V,
    m: S::V,
}

impl<S: Simd> Unpacked<S> {
    #[inline(always)]
    fn new<F: Format>(block: &[u8]) -> Self {
        Self {
            q: F::quants::<S>(block),
            d: S::f16_bits(S::load_u16x4(block, 0)),
            m: if F::MIN {
                S::f16_bits(S::load_u16x4(block, 8))
            } else {
                S::splat_f32(0.0)
            },
        }
    }

    /// Adds the products with one token.
    #[inline(always)]
    fn add<F: Format>(&self, acc: S::V, x: &[u8], head: &[u8]) -> S::V {
        let mut sums = Sums::<S>::new();
        eight!(|G| sums = if F::SIGNED {
            sums.signed(self.q[G], x, G)
        } else {
            sums.unsigned(self.q[G], x, G)
        });
        let mut total = if F::SIGNED { sums.difference() } else { sums.total() };
        let (dx, sum) = (S::splat_4(head, 0), S::splat_4(head, 4));
        total = match F::OFFSET {
            8 => S::sub_i32(total, S::shl_i32::<3>(sum)),
            16 => S::sub_i32(total, S::shl_i32::<4>(sum)),
            _ => total,
        };
        let acc = S::add(acc, S::mul(S::mul(S::from_int(total), self.d), dx));
        if F::MIN {
            return S::add(acc, S::mul(S::mul(self.m, S::from_int(sum)), dx));
        }
        acc
    }
}

macro_rules! entry {
    ($name:ident, $format:ident) => {
        /// Multiplies; `x` is in the form for this format and level.
        pub fn $name(level: Level, w: &Packed, x: &Quants, acc: &mut [f32], target: Target<'_>) {
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

entry!(q4_0, Q4_0);
entry!(q4_1, Q4_1);
entry!(q5_0, Q5_0);
entry!(q5_1, Q5_1);
entry!(q8_0, Q8_0);
