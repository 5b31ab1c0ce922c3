//! The first half of a block: what is projected is made ready and kept, and attends to what was kept before.

use super::{BATCH, Numbers, Outputs, tensor};
use crate::error::Result;
use crate::ops::{
    AttendStage, AttentionShape, CacheShape, CacheType, HeadLayout, Ops, PartShape, QkvStage, RopeOrder, RopeShape,
    Split,
};
use crate::quant::DType;

/// Positions before the second batch: more than one workgroup goes over by itself.
const FAR: usize = 600;
/// Inputs of the projection.
const INPUTS: usize = 32;
/// Query heads, and key/value heads.
const HEADS: (usize, usize) = (4, 2);

/// Of a test.
pub fn heads(head_dim: usize) -> HeadLayout {
    HeadLayout {
        n_head: HEADS.0,
        n_head_kv: HEADS.1,
        head_dim,
    }
}

/// Nine positions at once and a tenth, a token, that sees them all; then the same far behind them.
///
/// The batches' keys and values are numbers that halves hold exactly: how a GPU rounds what it packs is its own choice (it
/// may cut off), and no reason to refuse it. A token's are what its projection makes of them, one key of ten or more.
pub fn everywhere<O: Ops>(
    ops: &mut O,
    head_dim: usize,
    (dtype, order, norms): (CacheType, RopeOrder, bool),
    rng: &mut Numbers,
) -> Result<Outputs<O>> {
    let heads = heads(head_dim);
    let shape = AttentionShape {
        heads,
        scale: 1.0 / (head_dim as f32).sqrt(),
        window: None,
    };
    let n_ctx = FAR + BATCH + 1;
    let mut cache = ops.cache(CacheShape {
        n_ctx,
        n_head_kv: heads.n_head_kv,
        head_dim,
        dtype,
    })?;
    let w = floats(ops, heads.cols(), rng)?;
    let table = tensor(ops, n_ctx, head_dim, rng)?;
    let norm = tensor(ops, 1, INPUTS, rng)?;
    let gains = (tensor(ops, 1, head_dim, rng)?, tensor(ops, 1, head_dim, rng)?);
    let rope = RopeShape {
        heads,
        n_rot: head_dim,
        order,
    };
    let mut outputs = Vec::new();
    let near = [(0, BATCH, ", a batch"), (BATCH, 1, ", a token")];
    let far = [(FAR, BATCH, ", a batch, far on"), (FAR + BATCH, 1, ", a token, far on")];
    let between = (BATCH + 1, FAR - BATCH - 1, "");
    for (pos, rows, name) in near.into_iter().chain([between]).chain(far) {
        let mut qkv = ops.tensor(rows, heads.cols())?;
        let mut out = ops.tensor(rows, heads.n_head * head_dim)?;
        if rows == 1 {
            let (x, mut xb) = (tensor(ops, 1, INPUTS, rng)?, ops.tensor(1, INPUTS)?);
            ops.begin(pos, &[0])?;
            ops.attend(AttendStage {
                out: &mut out,
                qkv: QkvStage {
                    qkv: &mut qkv,
                    xb: &mut xb,
                    cache: &mut cache,
                    x: &x,
                    norm: &norm,
                    eps: 1e-5,
                    w: &w,
                    bias: None,
                    head_norms: norms.then_some((&gains.0, &gains.1)),
                    table: &table,
                    rope,
                },
                attention: shape,
            })?;
        } else {
            let data: Vec<f32> = (0..rows * heads.cols()).map(|_| rng.half()).collect();
            ops.upload(&mut qkv, 0, &data)?;
            ops.begin(pos, &vec![0; rows])?;
            ops.kv_write(&mut cache, &qkv, heads)?;
            if !name.is_empty() {
                ops.attention(&mut out, &qkv, &cache, shape)?;
            }
        }
        if !name.is_empty() {
            outputs.push((name, out));
        }
    }
    Ok(outputs)
}

/// A projection `[rows, INPUTS]` of f32.
fn floats<O: Ops>(ops: &mut O, rows: usize, rng: &mut Numbers) -> Result<O::Weight> {
    let shape = PartShape {
        name: "self-test".into(),
        dtype: DType::F32,
        rows,
        cols: INPUTS,
    };
    let data: Vec<f32> = (0..rows * INPUTS).map(|_| rng.unit()).collect();
    let mut weight = ops.weight(&[shape], &Split::rows(rows))?;
    ops.fill(&mut weight, 0, 0, bytemuck::cast_slice(&data))?;
    Ok(weight)
}
