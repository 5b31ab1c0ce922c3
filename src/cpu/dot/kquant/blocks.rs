//! How a quad's super-block is taken apart, one way for each K-quant.

use crate::cpu::simd::Simd;

/// How a quad's super-block is taken apart.
pub(super) trait Format {
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
    let (low, mid, high) = (S::load(block, at), S::load(block, at + 16), S::load(block, at + 32));
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

pub(super) struct Q2K;
impl Format for Q2K {
    const BYTES: usize = 336;
    const SUB: usize = 16;
    const D: usize = 320;
    const DMIN: Option<usize> = Some(328);
    #[inline(always)]
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4] {
        let all = eight!(|G| bits::<S>(block, 0, G % 4, 0, 0x0f0f_0f0f));
        [all[0], all[1], all[2], all[3]]
    }
    #[inline(always)]
    fn mins<S: Simd>(block: &[u8]) -> [S::V; 4] {
        let all = eight!(|G| bits::<S>(block, 0, G % 4, 4, 0x0f0f_0f0f));
        [all[0], all[1], all[2], all[3]]
    }
    #[inline(always)]
    fn quants<S: Simd, const STRETCH: usize>(block: &[u8]) -> [S::V; 8] {
        let at = 64 + 128 * (STRETCH / 4);
        eight!(|G| bits::<S>(block, at, G, 2 * (STRETCH % 4), 0x0303_0303))
    }
}

pub(super) struct Q3K;
impl Format for Q3K {
    const BYTES: usize = 440;
    const SUB: usize = 16;
    const OFFSET: i32 = 4;
    const D: usize = 432;
    const SIGNED: bool = true;
    #[inline(always)]
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4] {
        // Low four bits in bytes 0..8, high two in bytes 8..12 (drawn in `quant/q3_k.rs`); 32 is subtracted.
        let (a, b, c) = (S::load(block, 384), S::load(block, 400), S::load(block, 416));
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

pub(super) struct Q4K;
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

pub(super) struct Q5K;
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

pub(super) struct Q6K;
impl Format for Q6K {
    const BYTES: usize = 840;
    const SUB: usize = 16;
    const OFFSET: i32 = 32;
    const D: usize = 832;
    const SIGNED: bool = true;
    #[inline(always)]
    fn scales<S: Simd>(block: &[u8]) -> [S::V; 4] {
        let at = 768;
        [
            S::load(block, at),
            S::load(block, at + 16),
            S::load(block, at + 32),
            S::load(block, at + 48),
        ]
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
