//! The formats of 32 weights with one scale: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
//!
//! ```text
//! bytes  Q4_0  | d f16 | qs 16 |                     w = d * (q - 8)
//!        Q4_1  | d f16 | m f16 | qs 16 |             w = d * q + m
//!        Q5_0  | d f16 | qh 4  | qs 16 |             w = d * (q - 16)
//!        Q5_1  | d f16 | m f16 | qh 4 | qs 16 |      w = d * q + m
//!        Q8_0  | d f16 | qs 32, signed |             w = d * q
//!
//! qs[i], i in 0..16:   7 6 5 4 | 3 2 1 0             the low nibble is weight i, the high nibble weight i + 16
//!                     q[i + 16]|  q[i]
//! qh, 32 bits: bit i is bit 4 of q[i]                (five-bit formats only)
//! ```

use super::{f16_at, u32_at};

/// Weights in a block.
const LEN: usize = 32;

pub(super) fn q4_0(block: &[u8], out: &mut [f32]) {
    let d = f16_at(block, 0);
    for i in 0..LEN / 2 {
        let q = block[2 + i];
        out[i] = (i32::from(q & 15) - 8) as f32 * d;
        out[i + LEN / 2] = (i32::from(q >> 4) - 8) as f32 * d;
    }
}

pub(super) fn q4_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (f16_at(block, 0), f16_at(block, 2));
    for i in 0..LEN / 2 {
        let q = block[4 + i];
        out[i] = f32::from(q & 15) * d + m;
        out[i + LEN / 2] = f32::from(q >> 4) * d + m;
    }
}

pub(super) fn q5_0(block: &[u8], out: &mut [f32]) {
    let d = f16_at(block, 0);
    let high = u32_at(block, 2);
    for i in 0..LEN / 2 {
        let (low, upper) = five_bits(block[6 + i], high, i);
        out[i] = (low as i32 - 16) as f32 * d;
        out[i + LEN / 2] = (upper as i32 - 16) as f32 * d;
    }
}

pub(super) fn q5_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (f16_at(block, 0), f16_at(block, 2));
    let high = u32_at(block, 4);
    for i in 0..LEN / 2 {
        let (low, upper) = five_bits(block[8 + i], high, i);
        out[i] = low as f32 * d + m;
        out[i + LEN / 2] = upper as f32 * d + m;
    }
}

pub(super) fn q8_0(block: &[u8], out: &mut [f32]) {
    let d = f16_at(block, 0);
    for (w, &q) in out.iter_mut().zip(&block[2..]) {
        *w = f32::from(q as i8) * d;
    }
}

/// Quants `i` and `i + 16` of a five-bit block.
fn five_bits(nibbles: u8, high: u32, i: usize) -> (u32, u32) {
    let low = u32::from(nibbles & 15) | ((high >> i) & 1) << 4;
    let upper = u32::from(nibbles >> 4) | ((high >> (i + 16)) & 1) << 4;
    (low, upper)
}
