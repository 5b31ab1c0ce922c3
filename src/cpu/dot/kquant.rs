//! K-quants: super-blocks of 256 weights with scales (and minima) of sub-blocks of 16 or 32 in small integers.
//!
//! ```text
//! y = sum over super-blocks of  (float(sum over sub-blocks of sc * (sum q * x) - OFFSET * sc * (sum x)) * d) * dx
//!                             - (float(sum over sub-blocks of m * (sum x)) * dmin) * dx
//! ```

mod blocks;

use std::marker::PhantomData;
use std::sync::atomic::{Ordering, compiler_fence};

use super::{Sums, Target};
use crate::cpu::input::{Quants, STRETCH, SUPER, SUPER_HEAD};
use crate::cpu::packed::Packed;
use crate::cpu::simd::{Level, Simd, Task, dispatch};
use blocks::{Format, Q2K, Q3K, Q4K, Q5K, Q6K};

/// Byte c of each lane as an `i32`.
#[inline(always)]
fn byte<S: Simd, F: Format>(v: S::V, c: usize) -> S::V {
    let up = match c {
        0 => S::shl_i32::<24>(v),
        1 => S::shl_i32::<16>(v),
        2 => S::shl_i32::<8>(v),
        _ => v,
    };
    if F::SIGNED {
        S::shr_i32::<24>(up)
    } else {
        S::shr_u32::<24>(up)
    }
}

/// `out += w * x` for one weight; `acc` and `iacc` have four numbers per token, `iacc` used for its bits.
struct Multiply<'a, F> {
    w: &'a Packed,
    x: &'a Quants,
    acc: &'a mut [f32],
    iacc: &'a mut [f32],
    target: Target<'a>,
    format: PhantomData<F>,
}

/// Before each part of a block: without it the compiler keeps what several parts load, and spills it.
#[inline(always)]
fn part() {
    compiler_fence(Ordering::SeqCst);
}

impl<F: Format> Task for Multiply<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let tokens = self.acc.len() / 4;
        let stretch = if S::BYTE_DOT { STRETCH } else { 2 * STRETCH };
        let supers = || {
            let q = self.x.q.chunks_exact((SUPER / STRETCH * stretch * tokens).max(1));
            q.zip(self.x.heads.chunks_exact((SUPER_HEAD * tokens).max(1)))
        };
        for (i, quad) in self.w.quads().enumerate() {
            if tokens == 1 {
                let mut acc = S::splat_f32(0.0);
                for (block, (q, heads)) in quad.chunks_exact(F::BYTES).zip(supers()) {
                    let head = Head::<S>::new::<F>(block);
                    let mut total = S::splat_i32(0);
                    eight!(|N| {
                        part();
                        let w = F::quants::<S, N>(block);
                        total = S::add_i32(total, head.stretch::<F, N>(&w, &q[N * stretch..][..stretch]));
                    });
                    acc = head.finish::<F>(acc, total, heads);
                }
                S::store_f32(self.acc, 0, acc);
            } else {
                self.acc.fill(0.0);
                for (block, (q, heads)) in quad.chunks_exact(F::BYTES).zip(supers()) {
                    let head = Head::<S>::new::<F>(block);
                    let mut q = q.chunks_exact(stretch * tokens);
                    eight!(|N| {
                        part();
                        let w = F::quants::<S, N>(block);
                        for (total, x) in self
                            .iacc
                            .as_chunks_mut::<4>()
                            .0
                            .iter_mut()
                            .zip(q.next().unwrap_or_default().chunks_exact(stretch))
                        {
                            let more = head.stretch::<F, N>(&w, x);
                            let sum = if N == 0 {
                                more
                            } else {
                                S::add_i32(S::load_f32(total, 0), more)
                            };
                            S::store_f32(total, 0, sum);
                        }
                    });
                    let accs = self
                        .acc
                        .as_chunks_mut::<4>()
                        .0
                        .iter_mut()
                        .zip(self.iacc.as_chunks::<4>().0);
                    for ((acc, total), x) in accs.zip(heads.chunks_exact(SUPER_HEAD)) {
                        let sum = head.finish::<F>(S::load_f32(acc, 0), S::load_f32(total, 0), x);
                        S::store_f32(acc, 0, sum);
                    }
                }
            }
            self.target.rows = (self.w.rows() - 4 * i).min(4);
            self.target.store(self.acc);
        }
    }
}

/// The products of groups FROM..TO of a stretch.
#[inline(always)]
fn dot<S: Simd, const FROM: usize, const TO: usize>(w: &[S::V; 8], x: &[u8]) -> S::V {
    let mut sums = Sums::<S>::new();
    // A loop: written out, the quants of a stretch do not fit into registers, and it takes up to twice as long.
    for (g, w) in (FROM..TO).zip(&w[FROM..TO]) {
        sums = sums.unsigned(*w, x, g);
    }
    sums.total()
}

/// The products of the bytes of a whole super-block's scales or minima with the sums of activations.
#[inline(always)]
fn with_sums<S: Simd, F: Format>(bytes: &[S::V; 4], head: &[u8]) -> S::V {
    let sums = if F::SUB == 16 {
        &head[4..36]
    } else {
        &head[36..SUPER_HEAD]
    };
    let mut total = Sums::<S>::new();
    eight!(|G| {
        if G < 64 / F::SUB {
            total = total.signed_words(bytes[G % 4], sums, G);
        }
    });
    total.total()
}

/// What a super-block has besides its quants, in registers.
struct Head<S: Simd> {
    d: S::V,
    dmin: S::V,
    scales: [S::V; 4],
    mins: [S::V; 4],
}

impl<S: Simd> Head<S> {
    #[inline(always)]
    fn new<F: Format>(block: &[u8]) -> Self {
        let half = |at| S::f16_bits(S::load_u16x4(block, at));
        Self {
            d: half(F::D),
            dmin: F::DMIN.map_or(S::splat_f32(0.0), half),
            scales: F::scales::<S>(block),
            mins: F::mins::<S>(block),
        }
    }

    /// The integer sum of stretch N: 32 weights of each row, scaled.
    #[inline(always)]
    fn stretch<F: Format, const N: usize>(&self, w: &[S::V; 8], x: &[u8]) -> S::V {
        if F::SUB == 32 {
            S::mul_i32(dot::<S, 0, 8>(w, x), byte::<S, F>(self.scales[N / 4], N % 4))
        } else {
            let scale = |sub: usize| byte::<S, F>(self.scales[sub / 4], sub % 4);
            let (low, high) = (
                S::mul_i32(dot::<S, 0, 4>(w, x), scale(2 * N)),
                S::mul_i32(dot::<S, 4, 8>(w, x), scale(2 * N + 1)),
            );
            S::add_i32(low, high)
        }
    }

    /// Adds a token's super-block to its sums.
    #[inline(always)]
    fn finish<F: Format>(&self, acc: S::V, mut total: S::V, x: &[u8]) -> S::V {
        if F::OFFSET != 0 {
            total = S::sub_i32(
                total,
                S::mul_i32(with_sums::<S, F>(&self.scales, x), S::splat_i32(F::OFFSET)),
            );
        }
        let dx = S::splat_4(x, 0);
        let acc = S::add(acc, S::mul(S::mul(S::from_int(total), self.d), dx));
        if F::DMIN.is_some() {
            return S::sub(
                acc,
                S::mul(S::mul(S::from_int(with_sums::<S, F>(&self.mins, x)), self.dmin), dx),
            );
        }
        acc
    }
}

macro_rules! entry {
    ($name:ident, $format:ident) => {
        /// Multiplies.
        pub fn $name(level: Level, w: &Packed, x: &Quants, acc: &mut [f32], iacc: &mut [f32], target: Target<'_>) {
            dispatch(
                level,
                Multiply::<$format> {
                    w,
                    x,
                    acc,
                    iacc,
                    target,
                    format: PhantomData,
                },
            )
        }
    };
}

entry!(q2_k, Q2K);
entry!(q3_k, Q3K);
entry!(q4_k, Q4K);
entry!(q5_k, Q5K);
entry!(q6_k, Q6K);
