//! F32, F16 and BF16: no blocks, every weight for itself, little-endian.

use crate::error::Result;

/// IEEE single precision.
pub(super) fn f32_row(bytes: &[u8], out: &mut [f32]) -> Result<()> {
    for (b, w) in bytes.chunks_exact(4).zip(out) {
        *w = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    }
    Ok(())
}

/// IEEE half precision: 1 sign, 5 exponent, 10 mantissa bits.
pub(super) fn f16_row(bytes: &[u8], out: &mut [f32]) -> Result<()> {
    for (b, w) in bytes.chunks_exact(2).zip(out) {
        *w = half::f16::from_le_bytes([b[0], b[1]]).to_f32();
    }
    Ok(())
}

/// The upper half of an f32: 1 sign, 8 exponent, 7 mantissa bits.
pub(super) fn bf16_row(bytes: &[u8], out: &mut [f32]) -> Result<()> {
    for (b, w) in bytes.chunks_exact(2).zip(out) {
        *w = f32::from_bits(u32::from(u16::from_le_bytes([b[0], b[1]])) << 16);
    }
    Ok(())
}
