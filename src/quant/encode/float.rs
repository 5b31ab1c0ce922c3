//! F32, F16 and BF16: every weight for itself, rounded to the nearest, ties to even.

pub(super) fn f32(x: &[f32], out: &mut [u8]) {
    out.copy_from_slice(&x[0].to_le_bytes());
}

pub(super) fn f16(x: &[f32], out: &mut [u8]) {
    out.copy_from_slice(&half::f16::from_f32(x[0]).to_le_bytes());
}

pub(super) fn bf16(x: &[f32], out: &mut [u8]) {
    out.copy_from_slice(&half::bf16::from_f32(x[0]).to_le_bytes());
}
