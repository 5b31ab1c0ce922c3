//! Product of activations with a weight in its file format:
//!
//! ```text
//! out[t, out_first + n] = sum_k w[n, k] * x[t, k]        x [T, K], w [N, K] (one row part), out [T, out_cols]
//! ```

use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu::{Recorder, Tensor};
#[cfg(feature = "gpu")]
use crate::kernels::{gemm, gemv, quantize, tuning::Tuning, weight::Weight};
use crate::quant::{DType, dequantize_row};

/// Shape of one row part of a weight, for the reference.
#[derive(Debug, Clone, Copy)]
pub struct Params {
    /// N: rows of this part.
    pub rows: usize,
    /// K.
    pub cols: usize,
    /// Columns of out.
    pub out_cols: usize,
    /// Column of out that row 0 of this part writes.
    pub out_first: usize,
}

/// K from which a row is long: beyond what the threads of a team take in one turn.
pub const LONG_ROW: usize = 2048;

/// Records `out [T, N] = x [T, K] · wᵀ`, as a row ([`gemv`]) or as several ([`gemm`], with room for bytes of activations).
///
/// # Errors
/// As they say.
#[cfg(feature = "gpu")]
pub fn gpu(
    rec: &mut Recorder,
    tuning: &Tuning,
    bytes: &mut quantize::Scratch,
    out: &mut Tensor,
    w: &Weight,
    x: &Tensor,
) -> Result<()> {
    match x.rows() {
        1 => gemv::gpu(rec, tuning.gemv, out, w, x, None, gemv::Output::Store),
        _ => gemm::gpu(rec, &tuning.gemm, bytes, out, w, x, gemm::Finish::Store),
    }
}

/// Reference: `out [T, out_cols]`, `weight` the part's rows as in the file, `x [T, cols]`. Each weight row is decoded
/// once and serves every token; sums are f64.
///
/// # Errors
/// [`Error::Internal`] when a slice does not fit `p`.
pub fn cpu(p: &Params, t: DType, out: &mut [f32], weight: &[u8], x: &[f32]) -> Result<()> {
    let Params {
        rows,
        cols,
        out_cols,
        out_first: first,
    } = *p;
    let misfit = || Error::internal(format!("matmul: {t} weight, x and out do not fit {p:?}"));
    let row_bytes = t.row_bytes(cols).filter(|&b| b > 0).ok_or_else(misfit)?;
    let tokens = x.len() / cols;
    if weight.len() < row_bytes * rows || out.len() < tokens * out_cols || first + rows > out_cols {
        return Err(misfit());
    }
    // The same x row meets every weight row: widen it once.
    let wide: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    let mut decoded = vec![0f32; cols];
    for (n, bytes) in weight.chunks_exact(row_bytes).take(rows).enumerate() {
        dequantize_row(t, bytes, &mut decoded)?;
        for (i, row) in wide.chunks_exact(cols).enumerate() {
            out[i * out_cols + first + n] = dot(&decoded, row) as f32;
        }
    }
    Ok(())
}

/// Independent partial sums: they hide the latency of an f64 addition and let the compiler use vector registers.
const SUMS: usize = 8;

fn dot(w: &[f32], x: &[f64]) -> f64 {
    let mut lanes = [0f64; SUMS];
    let (w_lanes, x_lanes) = (w.chunks_exact(SUMS), x.chunks_exact(SUMS));
    let rest = w_lanes.remainder().iter().zip(x_lanes.remainder());
    let rest: f64 = rest.map(|(&w, &x)| f64::from(w) * x).sum();
    for (w, x) in w_lanes.zip(x_lanes) {
        for i in 0..SUMS {
            lanes[i] += f64::from(w[i]) * x[i];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_only_its_columns() {
        let w = [1f32, 2.0, 3.0, 0.0, -1.0, 0.5];
        let w: Vec<u8> = w.iter().flat_map(|v| v.to_le_bytes()).collect();
        let x = [1f32, 10.0, 100.0, 2.0, 0.0, 1.0];
        let p = Params {
            rows: 2,
            cols: 3,
            out_cols: 4,
            out_first: 1,
        };
        let mut out = [7f32; 8];
        cpu(&p, DType::F32, &mut out, &w, &x).unwrap();
        assert_eq!(out, [7.0, 321.0, 40.0, 7.0, 7.0, 5.0, 0.5, 7.0]);
        assert!(cpu(&p, DType::F32, &mut out, &w[..20], &x).is_err());
        assert!(cpu(&p, DType::F32, &mut out[..7], &w, &x).is_err());
    }
}
