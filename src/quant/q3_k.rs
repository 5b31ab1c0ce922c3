//! Q3_K: 256 weights of 3 bits, 16 sub-blocks of 16 with a signed 6-bit scale each.
//!
//! ```text
//! bytes    0..32   hmask: bit b of hmask[i] belongs to weight 32b + i: set means "do not subtract 4"
//!         32..96   qs: low 2 bits, in Q2_K's order
//!         96..108  scales, 16 of 6 bits: low four bits in 96..104 (two per byte: s and s + 8),
//!                  high two bits in 104..108 (four per byte: s, s + 4, s + 8, s + 12)
//!        108..110  d f16
//!
//! q = low2 - (hmask bit ? 0 : 4)            -4 ..= 3
//! sub-block s = weight / 16:   w = (d * (sc[s] - 32)) * q
//! ```

use super::f16_at;

/// The scale of sub-block `s` (0..16), from the 12 packed bytes; already minus 32.
fn scale(packed: &[u8], s: usize) -> i32 {
    let low = (packed[s % 8] >> (s / 8 * 4)) & 15;
    let high = (packed[8 + s % 4] >> (s / 4 * 2)) & 3;
    i32::from(low | high << 4) - 32
}

pub(super) fn decode(block: &[u8], out: &mut [f32]) {
    let (hmask, qs, scales) = (&block[0..32], &block[32..96], &block[96..108]);
    let d = f16_at(block, 108);
    for (s, sub) in out.chunks_exact_mut(16).enumerate() {
        let dl = d * scale(scales, s) as f32;
        let (half, plane, first) = (s / 8, s % 8 / 2, s % 2 * 16);
        let low = &qs[32 * half + first..][..16];
        let high = &hmask[first..][..16];
        for ((w, &l), &h) in sub.iter_mut().zip(low).zip(high) {
            let q = i32::from((l >> (2 * plane)) & 3) - if (h >> (s / 2)) & 1 == 0 { 4 } else { 0 };
            *w = dl * q as f32;
        }
    }
}
