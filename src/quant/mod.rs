//! Storage formats of GGUF tensors: block layouts, reference decoding, and the aligned planes that the GPU reads.

// Native only: a page never encodes, so its module holds no encoder.
#[cfg(not(target_arch = "wasm32"))]
pub mod encode;
mod file_type;
mod float;
mod legacy;
pub mod planes;
mod q2_k;
mod q3_k;
mod q4_k;
mod q5_k;
mod q6_k;
mod sub_block;

use std::fmt;

pub use file_type::{FileType, parse_format};

use crate::error::{Error, Result};

/// A storage format that kinglet decodes. Numbers are GGUF's (`ggml_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum DType {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

impl DType {
    /// Every supported format.
    pub const ALL: [DType; 13] = [
        DType::F32,
        DType::F16,
        DType::BF16,
        DType::Q4_0,
        DType::Q4_1,
        DType::Q5_0,
        DType::Q5_1,
        DType::Q8_0,
        DType::Q2K,
        DType::Q3K,
        DType::Q4K,
        DType::Q5K,
        DType::Q6K,
    ];

    /// The format with GGUF's number `id`, if it is supported.
    pub fn from_ggml(id: u32) -> Option<DType> {
        Self::ALL.into_iter().find(|t| t.ggml_id() == id)
    }

    /// GGUF's number.
    pub fn ggml_id(self) -> u32 {
        match self {
            DType::F32 => 0,
            DType::F16 => 1,
            DType::Q4_0 => 2,
            DType::Q4_1 => 3,
            DType::Q5_0 => 6,
            DType::Q5_1 => 7,
            DType::Q8_0 => 8,
            DType::Q2K => 10,
            DType::Q3K => 11,
            DType::Q4K => 12,
            DType::Q5K => 13,
            DType::Q6K => 14,
            DType::BF16 => 30,
        }
    }

    /// Name as GGUF tools print it.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "F32",
            DType::F16 => "F16",
            DType::BF16 => "BF16",
            DType::Q4_0 => "Q4_0",
            DType::Q4_1 => "Q4_1",
            DType::Q5_0 => "Q5_0",
            DType::Q5_1 => "Q5_1",
            DType::Q8_0 => "Q8_0",
            DType::Q2K => "Q2_K",
            DType::Q3K => "Q3_K",
            DType::Q4K => "Q4_K",
            DType::Q5K => "Q5_K",
            DType::Q6K => "Q6_K",
        }
    }

    /// Name of its shader fragment, `shaders/lib/<fragment>.wgsl`.
    pub fn fragment(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::Q4_0 => "q4_0",
            DType::Q4_1 => "q4_1",
            DType::Q5_0 => "q5_0",
            DType::Q5_1 => "q5_1",
            DType::Q8_0 => "q8_0",
            DType::Q2K => "q2_k",
            DType::Q3K => "q3_k",
            DType::Q4K => "q4_k",
            DType::Q5K => "q5_k",
            DType::Q6K => "q6_k",
        }
    }

    /// Weights in one block.
    pub fn block_len(self) -> usize {
        match self {
            DType::F32 | DType::F16 | DType::BF16 => 1,
            DType::Q4_0 | DType::Q4_1 | DType::Q5_0 | DType::Q5_1 | DType::Q8_0 => 32,
            DType::Q2K | DType::Q3K | DType::Q4K | DType::Q5K | DType::Q6K => 256,
        }
    }

    /// Bytes of one block in the file.
    pub fn block_bytes(self) -> usize {
        match self {
            DType::F32 => 4,
            DType::F16 | DType::BF16 => 2,
            DType::Q4_0 => 18,
            DType::Q4_1 => 20,
            DType::Q5_0 => 22,
            DType::Q5_1 => 24,
            DType::Q8_0 => 34,
            DType::Q2K => 84,
            DType::Q3K => 110,
            DType::Q4K => 144,
            DType::Q5K => 176,
            DType::Q6K => 210,
        }
    }

    /// Where the half-precision numbers (scales, minima) lie in a block, in bytes.
    pub fn scale_offsets(self) -> &'static [usize] {
        match self {
            DType::F32 | DType::F16 | DType::BF16 => &[],
            DType::Q4_0 | DType::Q5_0 | DType::Q8_0 => &[0],
            DType::Q4_1 | DType::Q5_1 | DType::Q4K | DType::Q5K => &[0, 2],
            DType::Q2K => &[80, 82],
            DType::Q3K => &[108],
            DType::Q6K => &[208],
        }
    }

    /// Bytes of a row of `cols` weights, or `None` when `cols` is not a whole number of blocks or overflows.
    pub fn row_bytes(self, cols: usize) -> Option<usize> {
        if !cols.is_multiple_of(self.block_len()) {
            return None;
        }
        (cols / self.block_len()).checked_mul(self.block_bytes())
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Decodes one row (or several whole rows in a stretch): `bytes` as in the file, `out.len()` weights.
///
/// This is the reference that every other decoder in the crate is measured against: f32 arithmetic in ggml's order, so
/// that results are equal bit for bit.
///
/// # Errors
/// [`Error::Internal`] when `bytes` does not hold exactly `out.len()` weights: callers derive both from one shape.
///
/// ```
/// use kinglet::quant::{DType, dequantize_row};
/// let mut row = [0f32; 2];
/// dequantize_row(DType::F16, &[0x00, 0x3c, 0x00, 0xc0], &mut row)?;
/// assert_eq!(row, [1.0, -2.0]);
/// # Ok::<(), kinglet::Error>(())
/// ```
pub fn dequantize_row(t: DType, bytes: &[u8], out: &mut [f32]) -> Result<()> {
    if t.row_bytes(out.len()) != Some(bytes.len()) {
        return Err(Error::internal(format!(
            "{} bytes do not hold {} weights of {t}",
            bytes.len(),
            out.len()
        )));
    }
    let decode: fn(&[u8], &mut [f32]) = match t {
        DType::F32 => return float::f32_row(bytes, out),
        DType::F16 => return float::f16_row(bytes, out),
        DType::BF16 => return float::bf16_row(bytes, out),
        DType::Q4_0 => legacy::q4_0,
        DType::Q4_1 => legacy::q4_1,
        DType::Q5_0 => legacy::q5_0,
        DType::Q5_1 => legacy::q5_1,
        DType::Q8_0 => legacy::q8_0,
        DType::Q2K => q2_k::decode,
        DType::Q3K => q3_k::decode,
        DType::Q4K => q4_k::decode,
        DType::Q5K => q5_k::decode,
        DType::Q6K => q6_k::decode,
    };
    let blocks = bytes.chunks_exact(t.block_bytes());
    for (block, weights) in blocks.zip(out.chunks_exact_mut(t.block_len())) {
        decode(block, weights);
    }
    Ok(())
}

/// The half-precision number at byte `at`, little-endian.
fn f16_at(bytes: &[u8], at: usize) -> f32 {
    half::f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// The 32 bits at byte `at`, little-endian.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Stores 32 bits at byte `at`, little-endian.
fn put_u32(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}
