//! Encoders: from f32 weights to the storage formats, the inverse of [`dequantize_row`](super::dequantize_row).
//!
//! Native only (`kinglet quantize`): the module is not compiled for Wasm, where nothing ever encodes.
//!
//! The plain formats and the old block formats leave no choice, and their bytes are those of every other tool. A K-quant
//! leaves much: any scales, minima and quants are a valid block. `search.rs` finds good ones for a sub-block,
//! `affine.rs` and `symmetric.rs` for a block of 256, whose sub-blocks share a scale.

mod affine;
mod float;
mod legacy;
mod search;
mod symmetric;

use super::DType;
use crate::error::{Error, Result};

/// The largest half-precision number. All block formats keep their scales so.
const F16_MAX: f32 = 65504.0;
/// The largest number that bfloat16 does not round to infinity.
const BF16_MAX: f32 = f32::from_bits(0x7f7f_7fff);

/// The first weight that `t` cannot hold: no number, infinite, or too large. (A block format could stretch a little
/// further than half precision does; no model needs it.)
pub fn unfit(t: DType, weights: &[f32]) -> Option<f32> {
    let largest = match t {
        DType::F32 => f32::MAX,
        DType::BF16 => BF16_MAX,
        _ => F16_MAX,
    };
    weights.iter().copied().find(|w| w.is_nan() || w.abs() > largest)
}

/// Encodes one row (or several whole rows in a stretch): fills `out`, bytes as in the file.
///
/// Deterministic: the same weights give the same bytes on every machine and with any number of threads.
///
/// # Errors
/// [`Error::Internal`] when `out` does not hold exactly these weights, or one of them is [`unfit`]: callers check both.
///
/// ```
/// use kinglet::quant::{DType, encode::quantize_row};
/// let mut bytes = [0; 4];
/// quantize_row(DType::F16, &[1.0, -2.0], &mut bytes)?;
/// assert_eq!(bytes, [0x00, 0x3c, 0x00, 0xc0]);
/// # Ok::<(), kinglet::Error>(())
/// ```
pub fn quantize_row(t: DType, weights: &[f32], out: &mut [u8]) -> Result<()> {
    if t.row_bytes(weights.len()) != Some(out.len()) {
        let (n, bytes) = (weights.len(), out.len());
        return Err(Error::internal(format!("{n} weights of {t} do not make {bytes} bytes")));
    }
    if let Some(w) = unfit(t, weights) {
        return Err(Error::internal(format!("{w} does not fit {t}")));
    }
    let encode: fn(&[f32], &mut [u8]) = match t {
        DType::F32 => float::f32,
        DType::F16 => float::f16,
        DType::BF16 => float::bf16,
        DType::Q4_0 => legacy::q4_0,
        DType::Q4_1 => legacy::q4_1,
        DType::Q5_0 => legacy::q5_0,
        DType::Q5_1 => legacy::q5_1,
        DType::Q8_0 => legacy::q8_0,
        DType::Q2K => affine::q2_k,
        DType::Q3K => symmetric::q3_k,
        DType::Q4K => affine::q4_k,
        DType::Q5K => affine::q5_k,
        DType::Q6K => symmetric::q6_k,
    };
    out.fill(0); // encoders set bits
    let blocks = out.chunks_exact_mut(t.block_bytes());
    for (block, weights) in blocks.zip(weights.chunks_exact(t.block_len())) {
        encode(weights, block);
    }
    Ok(())
}

/// Stores `x` in half precision at byte `at` and returns what was stored.
fn put_f16(block: &mut [u8], at: usize, x: f32) -> f32 {
    let half = half::f16::from_f32(x);
    block[at..at + 2].copy_from_slice(&half.to_le_bytes());
    half.to_f32()
}

/// Stores the quants of a block, 32 at a time: the unsigned integers that the format's decoder subtracts from.
fn put_quants(t: DType, block: &mut [u8], q: &[u8]) {
    for (s, sub) in q.chunks_exact(super::sub_block::SUB).enumerate() {
        let mut words = super::sub_block::Quants::default();
        for (word, bytes) in words.iter_mut().zip(sub.chunks_exact(4)) {
            *word = super::u32_at(bytes, 0);
        }
        super::sub_block::write(t, block, s, &words);
    }
}
