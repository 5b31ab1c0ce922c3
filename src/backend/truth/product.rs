//! Products, in every way in which a decoder asks for them.

use super::{BATCH, COLS, LONG_ROW, Numbers, Outputs, ROWS, tensor};
use crate::error::Result;
use crate::ops::{GateUpStage, HeadStage, Ops, PartShape, Split};
use crate::quant::DType;

/// Columns of a long row: blocks for every one of the 128 threads that may share it, and some for a second turn.
const LONG_COLS: usize = 2 * LONG_ROW + COLS;
/// Numbers of rows, and what to call them: each takes another rung of the ladder (see `kernels/gemm.rs`).
const RUNGS: [(usize, &str); 4] = [
    (1, ", one row"),
    (3, ", three rows"),
    (BATCH, ", a batch"),
    (40, ", many rows"),
];
/// The same with subnormal scales: how a weight is decoded depends little on the rung.
const SUBNORMAL: [(usize, &str); 2] = [
    (1, ", one row, subnormal scales"),
    (BATCH, ", a batch, subnormal scales"),
];
/// One row and several, and what they are called in each stage.
const STAGES: [(usize, [&str; 3]); 2] = [
    (1, [", normed", ", added", ", gated"]),
    (BATCH, [", normed, a batch", ", added, a batch", ", gated, a batch"]),
];
/// Of the norms.
const EPS: f32 = 1e-5;

/// Whether an output of this name is one of the gated stage.
pub fn is_gated(what: &str) -> bool {
    STAGES.iter().any(|(_, [.., gated])| *gated == what)
}

/// Products with a matrix of format `t`.
pub fn every_way<O: Ops>(ops: &mut O, t: DType, rng: &mut Numbers) -> Result<Outputs<O>> {
    let mut outputs = Vec::new();
    for (subnormal, ways) in [(false, RUNGS.as_slice()), (true, SUBNORMAL.as_slice())] {
        let w = weight(ops, t, COLS, subnormal, rng)?;
        for &(rows, name) in ways {
            let x = tensor(ops, rows, COLS, rng)?;
            let mut out = ops.tensor(rows, ROWS)?;
            ops.begin(0, &[])?;
            ops.matmul(&mut out, &w, &x)?;
            outputs.push((name, out));
        }
        if !subnormal {
            for (rows, names) in STAGES {
                outputs.extend(stages(ops, &w, rows, names, rng)?);
            }
        }
    }
    Ok(outputs)
}

/// Of x through a norm, as heads have it; added to what is there, as outputs are; through a norm and gated.
fn stages<O: Ops>(
    ops: &mut O,
    w: &O::Weight,
    rows: usize,
    names: [&'static str; 3],
    rng: &mut Numbers,
) -> Result<Outputs<O>> {
    let (x, norm) = (tensor(ops, rows, COLS, rng)?, tensor(ops, 1, COLS, rng)?);
    let (mut normed, mut xb) = (ops.tensor(rows, ROWS)?, ops.tensor(rows, COLS)?);
    let (mut added, mut tmp) = (tensor(ops, rows, ROWS, rng)?, ops.tensor(rows, ROWS)?);
    let (mut gated, mut gate_up) = (ops.tensor(rows, ROWS / 2)?, ops.tensor(rows, ROWS)?);
    ops.begin(0, &[])?;
    ops.head(HeadStage {
        logits: &mut normed,
        xb: &mut xb,
        x: &x,
        norm: &norm,
        eps: EPS,
        w,
    })?;
    ops.matmul_add(&mut added, &mut tmp, w, &x)?;
    ops.gate_up(GateUpStage {
        act: &mut gated,
        gate_up: &mut gate_up,
        xb: &mut xb,
        x: &x,
        norm: &norm,
        eps: EPS,
        w,
    })?;
    Ok(names.into_iter().zip([normed, added, gated]).collect())
}

/// A product with rows of [`LONG_ROW`] columns and more.
pub fn long_row<O: Ops>(ops: &mut O, t: DType, rng: &mut Numbers) -> Result<Outputs<O>> {
    let x = tensor(ops, 1, LONG_COLS, rng)?;
    let w = weight(ops, t, LONG_COLS, false, rng)?;
    let mut out = ops.tensor(1, ROWS)?;
    ops.begin(0, &[])?;
    ops.matmul(&mut out, &w, &x)?;
    Ok(vec![("", out)])
}

/// `[ROWS, cols]` of random quants; scales that are normal halves of both signs, or subnormal ones. For formats without
/// scales the weights themselves are of that kind, but f32 stays normal: WGSL allows a GPU to flush it.
pub fn weight<O: Ops>(ops: &mut O, t: DType, cols: usize, subnormal: bool, rng: &mut Numbers) -> Result<O::Weight> {
    let shape = PartShape {
        name: "self-test".into(),
        dtype: t,
        rows: ROWS,
        cols,
    };
    let size = t.row_bytes(cols).unwrap_or(0) * ROWS;
    let mut bytes: Vec<u8> = (0..size).map(|_| rng.next() as u8).collect();
    for block in bytes.chunks_exact_mut(t.block_bytes()) {
        let mut half = || {
            let bits = rng.next();
            let exponent = if subnormal { 0 } else { 7 + (bits >> 11 & 7) as u16 };
            // At least a quarter of the range, so that a scale that is flushed shows.
            (bits as u16 & 0x8000) | exponent << 10 | 0x100 | (bits as u16 & 0xff)
        };
        match t {
            DType::F16 => block.copy_from_slice(&half().to_le_bytes()),
            DType::BF16 => block.copy_from_slice(&((0x3e00 + (half() & 0xff)) | (half() & 0x8000)).to_le_bytes()),
            DType::F32 => block.copy_from_slice(&rng.unit().to_le_bytes()),
            _ => {
                for &at in t.scale_offsets() {
                    block[at..at + 2].copy_from_slice(&half().to_le_bytes());
                }
            }
        }
    }
    let mut weight = ops.weight(&[shape], &Split::rows(ROWS))?;
    ops.fill(&mut weight, 0, 0, &bytes)?;
    Ok(weight)
}
