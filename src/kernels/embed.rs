//! Rows of the embedding, decoded from their file format:
//!
//! ```text
//! out[t] = w[token[t] - first_row]        for the tokens that lie in this row part; other rows are left alone
//! ```

use bytemuck::{Pod, Zeroable};

use super::wgsl::Variant;
use super::{Kernel, dim};
use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu::{Binding, Grid, Recorder, Tensor};
#[cfg(feature = "gpu")]
use crate::kernels::weight::Weight;
use crate::quant::planes::plane_words;
use crate::quant::{DType, dequantize_row};

/// Shape of one dispatch, that is of one row part of the embedding `w [n_vocab, n_embd]`; the uniform of `embed.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// Rows of this part.
    pub rows: u32,
    /// n_embd.
    pub cols: u32,
    /// Token id of row 0 of this part.
    pub first_row: u32,
    /// vec4s of plane `wq` per weight row.
    pub wq_stride: u32,
    /// Words of plane `wd` per weight row.
    pub wd_stride: u32,
}

impl Params {
    /// For a part `[rows, cols]` of format `t` that holds the tokens from `first_row` on.
    pub fn new(t: DType, rows: usize, cols: usize, first_row: usize) -> Self {
        let (wq, wd) = plane_words(t, cols);
        let [rows, cols, first_row, wq_stride, wd_stride] = [rows, cols, first_row, wq, wd].map(dim);
        Self {
            rows,
            cols,
            first_row,
            wq_stride,
            wd_stride,
        }
    }
}

impl Kernel for Params {
    const NAME: &'static str = "embed";

    fn variants() -> Vec<Variant> {
        DType::ALL.into_iter().map(variant).collect()
    }
}

fn variant(t: DType) -> Variant {
    Variant::new(Params::NAME).name("FORMAT", t.fragment())
}

/// Records `out [T, n_embd] = w[tokens of the step]`: one dispatch per piece of the weight.
///
/// # Errors
/// [`Error::Internal`] when the shapes do not fit, and what [`Recorder::launch`] says.
#[cfg(feature = "gpu")]
pub fn gpu(rec: &mut Recorder, out: &mut Tensor, w: &Weight) -> Result<()> {
    if out.cols() != w.cols() {
        let (n, k, cols) = (w.rows(), w.cols(), out.cols());
        return Err(Error::internal(format!("embed: w [{n}, {k}], out [.., {cols}]")));
    }
    let (rows, tokens) = (out.rows(), rec.tokens());
    for piece in w.pieces() {
        let p = Params::new(piece.dtype, piece.rows, w.cols(), piece.first);
        let grid = Grid::threads(w.cols().div_ceil(32), 64, rows);
        let bindings = &[
            Binding::output(out),
            Binding::read(&tokens),
            Binding::read(&piece.wq),
            Binding::read(&piece.wd),
        ];
        rec.launch(&p, variant(piece.dtype), grid, rows, bindings)?;
    }
    Ok(())
}

/// Reference: `out [T, cols]`, `weight` the part's rows as in the file, `tokens [T]`.
///
/// # Errors
/// [`Error::Internal`] when a slice does not fit `p`.
pub fn cpu(p: &Params, t: DType, out: &mut [f32], weight: &[u8], tokens: &[u32]) -> Result<()> {
    let cols = p.cols as usize;
    let misfit = || Error::internal(format!("embed: {t} weight and out do not fit {p:?}"));
    let row_bytes = t.row_bytes(cols).filter(|&b| b > 0).ok_or_else(misfit)?;
    for (i, &token) in tokens.iter().enumerate() {
        let Some(row) = token.checked_sub(p.first_row).filter(|&r| r < p.rows) else {
            continue;
        };
        let start = row as usize * row_bytes;
        let bytes = weight.get(start..start + row_bytes).ok_or_else(misfit)?;
        let out = out.get_mut(i * cols..(i + 1) * cols).ok_or_else(misfit)?;
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
        let p = Params::new(DType::F32, 2, 2, 5);
        let mut out = [7f32; 8];
        cpu(&p, DType::F32, &mut out, &w, &[6, 4, 5, 7]).unwrap();
        assert_eq!(out, [3.0, 4.0, 7.0, 7.0, 1.0, 2.0, 7.0, 7.0]);
    }
}
