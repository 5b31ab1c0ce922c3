//! K-quants: super-blocks of 256 weights with scales (and minima) of sub-blocks of 16 or 32 in small integers.
//!
//! ```text
//! y = sum over super-blocks of  (float(sum over sub-blocks of sc * (sum q * x) - OFFSET * sc * (sum x)) * d) * dx
//!                             - (float(sum over sub-blocks of m * (sum x)) * dmin) * dx
//! ```

use std::marker::PhantomData;
use std::sync::atomic::{Ordering, compiler_fence};

use super::{Sums, Target};
use crate::cpu::input::{Quants, STRETCH, SUPER, SUPER_HEAD};
use crate::cpu::packed::Packed;
use crate::cpu::simd::{Level, Simd, Task, dispatch};

/// How a quad's super-block is taken apart.
trait Format {
    /// Bytes of a quad's super-block.
    const BYTES: usize;
    /// Weights of a sub-block: 16 or 32.
    const SUB: usize;
    /// Subtracted from every quant.
    const OFFSET: i32 = 0;
    /// Byte of the four scales `d`.
    const D: usize;
    /// Byte of the four `dmin`.
    const DMIN: Option<usize> = None;
    /// Scales are signed bytes.
    const SIGNED: bool = false;

    /// Scales of sub-blocks `4i ..` as bytes, for each row in its lane; i below `64 / SUB`.
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4];
    /// Minima, likewise.
    fn mins<S: Simd>(block: &[u8]) -> [S::V; 4];
    /// Quants `32 * STRETCH + 4g ..` of the four rows, for g in 0..8.
    fn quants<S: Simd, const STRETCH: usize>(block: &[u8]) -> [S::V; 8];
}

/// 16 bytes at `at + 16 * g`, shifted right by `SHIFT` bits and masked.
#[inline(always)]
fn bits<S: Simd>(block: &[u8], at: usize, g: usize, shift: usize, mask: i32) -> S::V {
    let v = S::load(block, at + 16 * g);
    let v = match shift {
        0 => v,
        2 => S::shr_u16::<2>(v),
        4 => S::shr_u16::<4>(v),
        _ => S::shr_u16::<6>(v),
    };
    S::and(v, S::splat_i32(mask))
}

/// Bit `bit` of the bytes at `at + 16 * g`, moved to bit `to`.
#[inline(always)]
fn one_bit<S: Simd>(block: &[u8], at: usize, g: usize, bit: usize, to: usize) -> S::V {
    let v = S::load(block, at + 16 * g);
    let v = match bit as isize - to as isize {
        -4 => S::shl_i16::<4>(v),
        -3 => S::shl_i16::<3>(v),
        -2 => S::shl_i16::<2>(v),
        -1 => S::shl_i16::<1>(v),
        0 => v,
        1 => S::shr_u16::<1>(v),
        2 => S::shr_u16::<2>(v),
        3 => S::shr_u16::<3>(v),
        4 => S::shr_u16::<4>(v),
        _ => S::shr_u16::<5>(v),
    };
    S::and(v, S::splat_i32(0x0101_0101 << to))
}

/// Scales and minima of Q4_K and Q5_K, 6 bits each in 12 bytes from `at` on (drawn in `quant/q4_k.rs`).
#[inline(always)]
fn six_bits<S: Simd>(block: &[u8], at: usize) -> ([S::V; 2], [S::V; 2]) {
    let [low, mid, high] = [0, 16, 32].map(|i| S::load(block, at + i));
    let (six, four, two) = (
        S::splat_i32(0x3f3f_3f3f),
        S::splat_i32(0x0f0f_0f0f),
        S::splat_i32(0x3030_3030),
    );
    let top = |v: S::V| S::and(S::shr_u16::<2>(v), two);
    let scales = [S::and(low, six), S::or(S::and(high, four), top(low))];
    let mins = [S::and(mid, six), S::or(S::and(S::shr_u16::<4>(high), four), top(mid))];
    (scales, mins)
}

struct Q2K;
impl Format for Q2K {
    const BYTES: usize = 336;
    const SUB: usize = 16;
    const D: usize = 320;
    const DMIN: Option<usize> = Some(328);
    #[inline(always)]
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4] {
        [0, 1, 2, 3].map(|i| bits::<S>(block, 0, i, 0, 0x0f0f_0f0f))
    }
    #[inline(always)]
    fn mins<S: Simd>(block: &[u8]) -> [S::V; 4] {
        [0, 1, 2, 3].map(|i| bits::<S>(block, 0, i, 4, 0x0f0f_0f0f))
    }
    #[inline(always)]
    fn quants<S: Simd, const STRETCH: usize>(block: &[u8]) -> [S::V; 8] {
        let at = 64 + 128 * (STRETCH / 4);
        eight!(|G| bits::<S>(block, at, G, 2 * (STRETCH % 4), 0x0303_0303))
    }
}

struct Q3K;
impl Format for Q3K {
    const BYTES: usize = 440;
    const SUB: usize = 16;
    const OFFSET: i32 = 4;
    const D: usize = 432;
    const SIGNED: bool = true;
    #[inline(always)]
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4] {
        // Low four bits in bytes 0..8, high two in bytes 8..12 (drawn in `quant/q3_k.rs`); 32 is subtracted.
        let [a, b, c] = [0, 16, 32].map(|i| S::load(block, 384 + i));
        let (four, two) = (S::splat_i32(0x0f0f_0f0f), S::splat_i32(0x3030_3030));
        let low = [
            S::and(a, four),
            S::and(b, four),
            S::and(S::shr_u16::<4>(a), four),
            S::and(S::shr_u16::<4>(b), four),
        ];
        let high = [S::shl_i16::<4>(c), S::shl_i16::<2>(c), c, S::shr_u16::<2>(c)];
        let signed = |i: usize| {
            // Bytewise v - 32 for v in 0..64: flip bit 5, then copy it to the two bits above.
            let v = S::xor(S::or(low[i], S::and(high[i], two)), S::splat_i32(0x2020_2020));
            let sign = S::and(v, S::splat_i32(0x2020_2020));
            S::or(v, S::or(S::shl_i16::<1>(sign), S::shl_i16::<2>(sign)))
        };
        [signed(0), signed(1), signed(2), signed(3)]
    }
    #[inline(always)]
    fn mins<S: Simd>(_: &[u8]) -> [S::V; 4] {
        [S::splat_i32(0); 4]
    }
    #[inline(always)]
    fn quants<S: Simd, const STRETCH: usize>(block: &[u8]) -> [S::V; 8] {
        let at = 128 + 128 * (STRETCH / 4);
        eight!(|G| {
            let low = bits::<S>(block, at, G, 2 * (STRETCH % 4), 0x0303_0303);
            S::or(low, one_bit::<S>(block, 0, G, STRETCH, 2))
        })
    }
}

struct Q4K;
impl Format for Q4K {
    const BYTES: usize = 576;
    const SUB: usize = 32;
    const D: usize = 0;
    const DMIN: Option<usize> = Some(8);
    #[inline(always)]
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4] {
        let (scales, _) = six_bits::<S>(block, 16);
        [scales[0], scales[1], scales[0], scales[1]]
    }
    #[inline(always)]
    fn mins<S: Simd>(block: &[u8]) -> [S::V; 4] {
        let (_, mins) = six_bits::<S>(block, 16);
        [mins[0], mins[1], mins[0], mins[1]]
    }
    #[inline(always)]
    fn quants<S: Simd, const STRETCH: usize>(block: &[u8]) -> [S::V; 8] {
        let at = 64 + 128 * (STRETCH / 2);
        eight!(|G| bits::<S>(block, at, G, 4 * (STRETCH % 2), 0x0f0f_0f0f))
    }
}

struct Q5K;
impl Format for Q5K {
    const BYTES: usize = 704;
    const SUB: usize = 32;
    const D: usize = 0;
    const DMIN: Option<usize> = Some(8);
    #[inline(always)]
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4] {
        Q4K::scales::<S>(block)
    }
    #[inline(always)]
    fn mins<S: Simd>(block: &[u8]) -> [S::V; 4] {
        Q4K::mins::<S>(block)
    }
    #[inline(always)]
    fn quants<S: Simd, const STRETCH: usize>(block: &[u8]) -> [S::V; 8] {
        let at = 192 + 128 * (STRETCH / 2);
        eight!(|G| {
            let low = bits::<S>(block, at, G, 4 * (STRETCH % 2), 0x0f0f_0f0f);
            S::or(low, one_bit::<S>(block, 64, G, STRETCH, 4))
        })
    }
}

struct Q6K;
impl Format for Q6K {
    const BYTES: usize = 840;
    const SUB: usize = 16;
    const OFFSET: i32 = 32;
    const D: usize = 832;
    const SIGNED: bool = true;
    #[inline(always)]
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4] {
        [0, 16, 32, 48].map(|i| S::load(block, 768 + i))
    }
    #[inline(always)]
    fn mins<S: Simd>(_: &[u8]) -> [S::V; 4] {
        [S::splat_i32(0); 4]
    }
    #[inline(always)]
    fn quants<S: Simd, const STRETCH: usize>(block: &[u8]) -> [S::V; 8] {
        let (half, plane) = (STRETCH / 4, STRETCH % 4);
        let (low, high) = (256 * half + 128 * (plane % 2), 512 + 128 * half);
        eight!(|G| {
            let low = bits::<S>(block, low, G, plane / 2 * 4, 0x0f0f_0f0f);
            let high = match plane {
                0 => S::shl_i16::<4>(S::load(block, high + 16 * G)),
                1 => S::shl_i16::<2>(S::load(block, high + 16 * G)),
                2 => S::load(block, high + 16 * G),
                _ => S::shr_u16::<2>(S::load(block, high + 16 * G)),
            };
            S::or(low, S::and(high, S::splat_i32(0x3030_3030)))
        })
    }
}

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
    for (g, bytes) in bytes.iter().enumerate().take(64 / F::SUB) {
        total = total.signed_words(*bytes, sums, g);
    }
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
