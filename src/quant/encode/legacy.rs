//! Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: one scale for 32 weights, taken from their range, and each weight to the nearest step.
//!
//! That leaves no choice but how ties fall; they fall as in the reference, so that files are equal byte for byte
//! (`tools/encode_cases.py`). The layouts are drawn in `quant/legacy.rs`.

use super::{put_f16, put_quants};
use crate::quant::DType;

/// Weights in a block.
const LEN: usize = 32;

pub(super) fn q4_0(x: &[f32], block: &mut [u8]) {
    from_extreme(DType::Q4_0, x, 8, block);
}

pub(super) fn q5_0(x: &[f32], block: &mut [u8]) {
    from_extreme(DType::Q5_0, x, 16, block);
}

pub(super) fn q4_1(x: &[f32], block: &mut [u8]) {
    from_range(DType::Q4_1, x, 15, block);
}

pub(super) fn q5_1(x: &[f32], block: &mut [u8]) {
    from_range(DType::Q5_1, x, 31, block);
}

pub(super) fn q8_0(x: &[f32], block: &mut [u8]) {
    let scale = x.iter().fold(0f32, |a, x| a.max(x.abs())) / 127.0;
    let inverse = inverse(scale);
    put_f16(block, 0, scale);
    // `round` is half away from zero.
    let q: [u8; LEN] = std::array::from_fn(|i| (x[i] * inverse).round() as i8 as u8);
    put_quants(DType::Q8_0, block, &q);
}

/// `x = d * (q - middle)`: the weight farthest from zero is step 0, on the side that has one step more.
fn from_extreme(t: DType, x: &[f32], middle: u8, block: &mut [u8]) {
    let farthest = |a: f32, &x: &f32| if x.abs() > a.abs() { x } else { a };
    let scale = x.iter().fold(0.0, farthest) / -f32::from(middle);
    let inverse = f64::from(inverse(scale));
    put_f16(block, 0, scale);
    // In f64, because in f32 a tie would depend on whether a compiler fuses the product with the sum.
    let step = |x: f32| (f64::from(x) * inverse + f64::from(middle) + 0.5) as u8;
    let q: [u8; LEN] = std::array::from_fn(|i| step(x[i]).min(2 * middle - 1));
    put_quants(t, block, &q);
}

/// `x = d * q + m`: the smallest weight is step 0, the largest is step `top`.
fn from_range(t: DType, x: &[f32], top: u8, block: &mut [u8]) {
    let min = x.iter().fold(f32::INFINITY, |a, &x| a.min(x));
    let max = x.iter().fold(f32::NEG_INFINITY, |a, &x| a.max(x));
    let scale = (max - min) / f32::from(top);
    let inverse = inverse(scale);
    put_f16(block, 0, scale);
    put_f16(block, 2, min);
    let q: [u8; LEN] = std::array::from_fn(|i| (((x[i] - min) * inverse + 0.5) as u8).min(top));
    put_quants(t, block, &q);
}

/// 0 for a scale that is zero, or so small that its inverse is infinite: in half precision it is zero anyway.
fn inverse(scale: f32) -> f32 {
    let inverse = 1.0 / scale;
    if inverse.is_finite() { inverse } else { 0.0 }
}
