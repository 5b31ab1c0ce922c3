//! Matrix product of activations with a weight in its file format:
//!
//! ```text
//! out[t, out_first + n] = sum_k w[n, k] * x[t, k]        x [T, K], w [N, K] (one row part), out [T, *]
//! ```

use bytemuck::{Pod, Zeroable};

use crate::error::{Error, Result};
use crate::quant::{DType, dequantize_row};

/// Arguments of one dispatch: one row part of a weight.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct Params {
    /// N: rows of this part.
    pub rows: u32,
    /// K.
    pub cols: u32,
    /// T.
    pub tokens: u32,
    /// f32 elements from one row of x to the next.
    pub x_stride: u32,
    /// f32 elements from one row of out to the next.
    pub out_stride: u32,
    /// Column of out that row 0 of this part writes.
    pub out_first: u32,
    /// vec4s of plane `wq` per weight row (GPU only).
    pub wq_stride: u32,
    /// Words of plane `wd` per weight row (GPU only).
    pub wd_stride: u32,
}

/// Reference: each weight row is decoded once and serves every token; sums are f64.
///
/// `weight` holds the part's rows as in the file.
///
/// # Errors
/// [`Error::Internal`] when a slice is too short for `p`.
pub fn cpu(p: &Params, t: DType, out: &mut [f32], weight: &[u8], x: &[f32]) -> Result<()> {
    let (cols, tokens) = (p.cols as usize, p.tokens as usize);
    let (x_stride, out_stride) = (p.x_stride as usize, p.out_stride as usize);
    let row_bytes = t.row_bytes(cols).filter(|&b| b > 0);
    let row_bytes = row_bytes.ok_or_else(|| Error::internal(format!("matmul: rows of {cols} {t} weights")))?;
    let first = p.out_first as usize;
    let last_rows = tokens.saturating_sub(1);
    let enough = weight.len() >= row_bytes * p.rows as usize
        && x.len() >= last_rows * x_stride + cols
        && out.len() >= last_rows * out_stride + first + p.rows as usize;
    if !enough {
        return Err(Error::internal(format!("matmul: buffers too short for {p:?}")));
    }
    // The same x row meets every weight row: widen it once.
    let wide: Vec<f64> = (0..tokens)
        .flat_map(|i| x[i * x_stride..][..cols].iter().map(|&v| f64::from(v)))
        .collect();
    let mut decoded = vec![0f32; cols];
    for (n, bytes) in weight.chunks_exact(row_bytes).take(p.rows as usize).enumerate() {
        dequantize_row(t, bytes, &mut decoded)?;
        for (i, row) in wide.chunks_exact(cols).enumerate() {
            out[i * out_stride + first + n] = dot(&decoded, row) as f32;
        }
    }
    Ok(())
}

/// Independent partial sums: they hide the latency of an f64 addition and let the compiler use vector registers.
const LANES: usize = 8;

fn dot(w: &[f32], x: &[f64]) -> f64 {
    let mut lanes = [0f64; LANES];
    let (w_lanes, x_lanes) = (w.chunks_exact(LANES), x.chunks_exact(LANES));
    let rest: f64 = w_lanes
        .remainder()
        .iter()
        .zip(x_lanes.remainder())
        .map(|(&w, &x)| f64::from(w) * x)
        .sum();
    for (w, x) in w_lanes.zip(x_lanes) {
        for i in 0..LANES {
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
        let w: Vec<u8> = [1f32, 2.0, 3.0, 0.0, -1.0, 0.5]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let x = [1f32, 10.0, 100.0, 9.0, 2.0, 0.0, 1.0, 9.0]; // two rows of three, stride four
        let p = Params {
            rows: 2,
            cols: 3,
            tokens: 2,
            x_stride: 4,
            out_stride: 4,
            out_first: 1,
            wq_stride: 0,
            wd_stride: 0,
        };
        let mut out = [7f32; 8];
        cpu(&p, DType::F32, &mut out, &w, &x).unwrap();
        assert_eq!(out, [7.0, 321.0, 40.0, 7.0, 7.0, 5.0, 0.5, 7.0]);
        assert!(cpu(&p, DType::F32, &mut out, &w[..20], &x).is_err());
    }
}
