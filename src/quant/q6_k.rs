//! Q6_K: 256 weights of 6 bits, 16 sub-blocks of 16 with a signed 8-bit scale each.
//!
//! ```text
//! bytes    0..128  ql: two halves of 64 bytes, one per 128 weights
//!        128..192  qh: two halves of 32 bytes
//!        192..208  scales, signed
//!        208..210  d f16
//!
//! weight 128h + 32p + i  (h in 0..2, p in 0..4, i in 0..32):
//!   low 4 bits:  p = 0, 1 -> low nibble of ql[64h + 32p + i];  p = 2, 3 -> high nibble of ql[64h + 32(p - 2) + i]
//!   high 2 bits: bits 2p, 2p+1 of qh[32h + i]
//! sub-block s = weight / 16:   w = (d * sc[s]) * (q - 32)
//! ```

use super::f16_at;

pub(super) fn decode(block: &[u8], out: &mut [f32]) {
    let (ql, qh, scales) = (&block[0..128], &block[128..192], &block[192..208]);
    let d = f16_at(block, 208);
    for (s, sub) in out.chunks_exact_mut(16).enumerate() {
        let dl = d * f32::from(scales[s] as i8);
        let (half, plane, first) = (s / 8, s % 8 / 2, s % 2 * 16);
        let low = &ql[64 * half + 32 * (plane % 2) + first..][..16];
        let high = &qh[32 * half + first..][..16];
        for ((w, &l), &h) in sub.iter_mut().zip(low).zip(high) {
            let q = ((l >> (plane / 2 * 4)) & 15) | ((h >> (2 * plane)) & 3) << 4;
            *w = dl * (i32::from(q) - 32) as f32;
        }
    }
}
