//! Q4_K: 256 weights of 4 bits, 8 sub-blocks of 32 with a 6-bit scale and a 6-bit minimum each.
//!
//! ```text
//! bytes   0..2  d f16     2..4  dmin f16
//!         4..16 scales and minima, 8 + 8 of 6 bits:
//!               byte      7 6 | 5 4 3 2 1 0
//!               j         hsc |   sc[j]            j in 0..4; hsc = high two bits of sc[j + 4]
//!               4 + j     hm  |   m[j]             hm = high two bits of m[j + 4]
//!               8 + j     m[j + 4] low 4 | sc[j + 4] low 4
//!        16..144 qs: four runs of 32 bytes; run r holds sub-block 2r in the low nibbles, 2r + 1 in the high ones
//!
//! sub-block s = weight / 32:   w = (d * sc[s]) * q - dmin * m[s]
//! ```

use super::f16_at;

/// Scale and minimum of sub-block `s` (0..8) from the 12 packed bytes. Q5_K packs them alike.
pub(super) fn scale_min(packed: &[u8], s: usize) -> (u8, u8) {
    if s < 4 {
        return (packed[s] & 63, packed[s + 4] & 63);
    }
    let low = packed[s + 4];
    let scale = (low & 15) | (packed[s - 4] >> 6) << 4;
    let min = (low >> 4) | (packed[s] >> 6) << 4;
    (scale, min)
}

pub(super) fn decode(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (f16_at(block, 0), f16_at(block, 2));
    let (scales, qs) = (&block[4..16], &block[16..144]);
    for (s, sub) in out.chunks_exact_mut(32).enumerate() {
        let (sc, m) = scale_min(scales, s);
        let (dl, ml) = (d * f32::from(sc), dmin * f32::from(m));
        let shift = s % 2 * 4;
        for (w, &b) in sub.iter_mut().zip(&qs[s / 2 * 32..]) {
            *w = dl * f32::from((b >> shift) & 15) - ml;
        }
    }
}
