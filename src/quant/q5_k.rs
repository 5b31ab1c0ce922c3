//! Q5_K: Q4_K with a fifth bit.
//!
//! ```text
//! bytes   0..2  d f16     2..4  dmin f16     4..16  scales and minima as in Q4_K
//!        16..48 qh: bit s of qh[i] is bit 4 of weight 32s + i
//!        48..176 qs: low nibbles as in Q4_K
//!
//! sub-block s = weight / 32:   w = (d * sc[s]) * q - dmin * m[s]
//! ```

use super::f16_at;
use super::q4_k::scale_min;

pub(super) fn decode(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (f16_at(block, 0), f16_at(block, 2));
    let (scales, qh, qs) = (&block[4..16], &block[16..48], &block[48..176]);
    for (s, sub) in out.chunks_exact_mut(32).enumerate() {
        let (sc, m) = scale_min(scales, s);
        let (dl, ml) = (d * f32::from(sc), dmin * f32::from(m));
        let shift = s % 2 * 4;
        for ((w, &b), &h) in sub.iter_mut().zip(&qs[s / 2 * 32..]).zip(qh) {
            let q = ((b >> shift) & 15) | ((h >> s) & 1) << 4;
            *w = dl * f32::from(q) - ml;
        }
    }
}
