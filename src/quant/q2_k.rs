//! Q2_K: 256 weights of 2 bits, 16 sub-blocks of 16 with a 4-bit scale and a 4-bit minimum each.
//!
//! ```text
//! bytes   0..16  scales: scales[s] = 7 6 5 4 | 3 2 1 0        s in 0..16
//!                                     min m  | scale sc
//!        16..80  qs: two halves of 32 bytes, one per 128 weights
//!        80..82  d f16      82..84  dmin f16
//!
//! weight 128h + 32p + i  (h in 0..2, p in 0..4, i in 0..32):  q = bits 2p, 2p+1 of qs[32h + i]
//! sub-block s = weight / 16:   w = (d * sc[s]) * q - dmin * m[s]
//! ```

use super::f16_at;

pub(super) fn decode(block: &[u8], out: &mut [f32]) {
    let (scales, qs) = (&block[0..16], &block[16..80]);
    let (d, dmin) = (f16_at(block, 80), f16_at(block, 82));
    for (s, sub) in out.chunks_exact_mut(16).enumerate() {
        let dl = d * f32::from(scales[s] & 15);
        let ml = dmin * f32::from(scales[s] >> 4);
        let (half, plane, first) = (s / 8, s % 8 / 2, s % 2 * 16);
        let bytes = &qs[32 * half + first..][..16];
        for (w, &b) in sub.iter_mut().zip(bytes) {
            *w = dl * f32::from((b >> (2 * plane)) & 3) - ml;
        }
    }
}
