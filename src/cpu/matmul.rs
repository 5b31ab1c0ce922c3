//! `out[t, n] = sum_k w[n, k] * x[t, k]` for a packed weight.

use super::dot::{Target, float, kquant, legacy};
use super::input::Input;
use super::packed::Packed;
use super::simd::Level;
use crate::error::{Error, Result};
use crate::quant::DType;

/// Multiplies the rows of `input` with `w`: row t of the result goes to `out[t * out_cols + out_first ..]`.
///
/// Quantized weights meet activations of 8 bits, others `f32`. The result is the same on every level.
///
/// # Errors
/// [`Error::Internal`] when the shapes do not fit together.
pub fn matmul(
    level: Level,
    w: &Packed,
    input: &mut Input,
    out: &mut [f32],
    out_cols: usize,
    out_first: usize,
) -> Result<()> {
    let fits = out_first.checked_add(w.rows()).is_some_and(|end| end <= out_cols);
    if !fits || w.cols() != input.cols() || out.len() != input.rows() * out_cols {
        return Err(Error::internal(format!(
            "[{}, {}] times [{}, {}] into {} at {out_first} of {out_cols}",
            w.rows(),
            w.cols(),
            input.rows(),
            input.cols(),
            out.len()
        )));
    }
    if w.rows() == 0 || out.is_empty() {
        return Ok(());
    }
    let target = Target {
        out,
        cols: out_cols,
        first: out_first,
        rows: 0,
    };
    let exact = |input: &mut Input, run: fn(Level, &Packed, &[f32], &mut [f32], Target<'_>), target| {
        let (x, acc) = input.exact();
        run(level, w, x, acc, target);
    };
    let small = |input: &mut Input, run: fn(Level, &Packed, &_, &mut [f32], Target<'_>), target| {
        let (x, acc) = input.small(level, w.dtype() == DType::Q8_0);
        run(level, w, x, acc, target);
    };
    let large = |input: &mut Input, run: fn(Level, &Packed, &_, &mut [f32], &mut [f32], Target<'_>), target| {
        let (x, acc, iacc) = input.large(level);
        run(level, w, x, acc, iacc, target);
    };
    match w.dtype() {
        DType::F32 => exact(input, float::f32, target),
        DType::F16 => exact(input, float::f16, target),
        DType::BF16 => exact(input, float::bf16, target),
        DType::Q4_0 => small(input, legacy::q4_0, target),
        DType::Q4_1 => small(input, legacy::q4_1, target),
        DType::Q5_0 => small(input, legacy::q5_0, target),
        DType::Q5_1 => small(input, legacy::q5_1, target),
        DType::Q8_0 => small(input, legacy::q8_0, target),
        DType::Q2K => large(input, kquant::q2_k, target),
        DType::Q3K => large(input, kquant::q3_k, target),
        DType::Q4K => large(input, kquant::q4_k, target),
        DType::Q5K => large(input, kquant::q5_k, target),
        DType::Q6K => large(input, kquant::q6_k, target),
    }
    Ok(())
}
