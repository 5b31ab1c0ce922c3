//! Rows of the embedding, decoded from their file format:
//!
//! ```text
//! out[t, :] = w[token[t] - first_row, :]        for the tokens that lie in this row part; other rows are left alone
//! ```

use bytemuck::{Pod, Zeroable};

use crate::error::{Error, Result};
use crate::quant::{DType, dequantize_row};

/// Arguments of one dispatch: one row part of the embedding `w [n_vocab, n_embd]`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Rows of this part.
    pub rows: u32,
    /// n_embd.
    pub cols: u32,
    /// T.
    pub tokens: u32,
    /// Token id of row 0 of this part.
    pub first_row: u32,
    /// f32 elements from one row of out to the next.
    pub out_stride: u32,
    /// vec4s of plane `wq` per weight row (GPU only).
    pub wq_stride: u32,
    /// Words of plane `wd` per weight row (GPU only).
    pub wd_stride: u32,
    /// Uniforms come in 16-byte units.
    pub pad: u32,
}

/// Reference. `weight` holds the part's rows as in the file, `tokens` all T ids.
///
/// # Errors
/// [`Error::Internal`] when a slice is too short for `p`.
pub fn cpu(p: &Params, t: DType, out: &mut [f32], weight: &[u8], tokens: &[u32]) -> Result<()> {
    let cols = p.cols as usize;
    let row_bytes = t.row_bytes(cols).filter(|&b| b > 0);
    let row_bytes = row_bytes.ok_or_else(|| Error::internal(format!("embed: rows of {cols} {t} weights")))?;
    let short = || Error::internal(format!("embed: buffers too short for {p:?}"));
    for (i, &token) in tokens.iter().take(p.tokens as usize).enumerate() {
        let Some(row) = token.checked_sub(p.first_row).filter(|&r| r < p.rows) else {
            continue;
        };
        let start = row as usize * row_bytes;
        let bytes = weight.get(start..start + row_bytes).ok_or_else(short)?;
        let at = i * p.out_stride as usize;
        let out = out.get_mut(at..at + cols).ok_or_else(short)?;
        dequantize_row(t, bytes, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_tokens_of_this_part() {
        let w: Vec<u8> = [1f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let p = Params {
            rows: 2,
            cols: 2,
            tokens: 4,
            first_row: 5,
            out_stride: 3,
            ..Params::zeroed()
        };
        let mut out = [7f32; 12];
        cpu(&p, DType::F32, &mut out, &w, &[6, 4, 5, 7]).unwrap();
        assert_eq!(out, [3.0, 4.0, 7.0, 7.0, 7.0, 7.0, 1.0, 2.0, 7.0, 7.0, 7.0, 7.0]);
    }
}
