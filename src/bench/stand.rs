//! A case set up on a backend: its weights, caches and activations, ready to be run.

use super::case::{Case, Stage};
use super::data::{Data, Rows};
use crate::backend::Gpu;
use crate::error::Result;
use crate::ops::{GateUpStage, HeadStage, Ops, PartShape, Split};

/// Of a norm.
const EPS: f32 = 1e-5;
/// Positions whose keys and values are written at once.
const CHUNK: usize = 128;
/// Bytes of weights that are handed over before the device has taken them.
const IN_FLIGHT: usize = 32 << 20;

/// See the module's documentation.
pub struct Stand<O: Ops> {
    case: Case,
    /// `[tokens, cols]`; of an attention: `[tokens, 3 * cols]`.
    x: O::Tensor,
    /// `[tokens, outputs]`.
    out: O::Tensor,
    /// Scratch `[tokens, cols]`.
    xb: O::Tensor,
    /// Scratch `[tokens, outputs]`, `[tokens, 2 * outputs]` for gate and up.
    wide: O::Tensor,
    gain: O::Tensor,
    /// Copies of the same weight, used in turn.
    weights: Vec<O::Weight>,
    /// The same of an attention's cache.
    caches: Vec<O::Cache>,
}

impl<O: Ops> Stand<O> {
    /// Sets up `copies` of the case's weight, or cache, with these of its rows.
    pub async fn new(ops: &mut O, case: &Case, data: &Data, rows: Rows<'_>, copies: usize) -> Result<Self> {
        let outputs = data.outputs(rows);
        let (x_cols, wide) = match case.stage {
            Stage::Attention => (3 * case.cols, 1),
            Stage::GateUp => (case.cols, 2 * outputs),
            _ => (case.cols, outputs),
        };
        let mut stand = Self {
            case: *case,
            x: ops.tensor(case.tokens, x_cols)?,
            out: ops.tensor(case.tokens, outputs)?,
            xb: ops.tensor(case.tokens, case.cols)?,
            wide: ops.tensor(case.tokens, wide)?,
            gain: ops.tensor(1, case.cols)?,
            weights: Vec::new(),
            caches: Vec::new(),
        };
        ops.upload(&mut stand.gain, 0, &data.gain)?;
        for _ in 0..copies {
            if case.stage == Stage::Attention {
                stand.caches.push(filled_cache(ops, case, data).await?);
            } else {
                stand
                    .weights
                    .push(filled_weight(ops, case, &data.weight(case, rows)).await?);
            }
        }
        stand.refresh(ops, data, rows)?;
        Ok(stand)
    }

    /// Writes the activations anew.
    pub fn refresh(&mut self, ops: &mut O, data: &Data, rows: Rows<'_>) -> Result<()> {
        match self.case.stage {
            Stage::Attention => ops.upload(&mut self.x, 0, &data.qkv(&self.case, self.case.context - 1, 1)),
            Stage::MatmulAdd => {
                ops.upload(&mut self.out, 0, &data.residual(&self.case, rows))?;
                ops.upload(&mut self.x, 0, &data.x)
            }
            _ => ops.upload(&mut self.x, 0, &data.x),
        }
    }

    /// Gives it other activations than the case has: what it computes must be found wrong.
    pub fn spoil(&mut self, ops: &mut O, data: &Data) -> Result<()> {
        let mut x = match self.case.stage {
            Stage::Attention => data.qkv(&self.case, self.case.context - 1, 1),
            _ => data.x.clone(),
        };
        for value in x.iter_mut().step_by(20) {
            *value = 0.0;
        }
        ops.upload(&mut self.x, 0, &x)
    }

    /// Records the `i`th run, with the copy whose turn it is.
    pub fn run(&mut self, ops: &mut O, i: usize) -> Result<()> {
        if i == 0 {
            let pos = self.case.context.max(1) - 1;
            ops.begin(pos, &vec![0; self.case.tokens])?;
        }
        if self.case.stage == Stage::Attention {
            let cache = &self.caches[i % self.caches.len()];
            return ops.attention(&mut self.out, &self.x, cache, self.case.attention_shape());
        }
        let w = &self.weights[i % self.weights.len()];
        match self.case.stage {
            Stage::MatmulAdd => ops.matmul_add(&mut self.out, &mut self.wide, w, &self.x),
            Stage::GateUp => ops.gate_up(GateUpStage {
                act: &mut self.out,
                gate_up: &mut self.wide,
                xb: &mut self.xb,
                x: &self.x,
                norm: &self.gain,
                eps: EPS,
                w,
            }),
            Stage::Head => ops.head(HeadStage {
                logits: &mut self.out,
                xb: &mut self.xb,
                x: &self.x,
                norm: &self.gain,
                eps: EPS,
                w,
            }),
            _ => ops.matmul(&mut self.out, w, &self.x),
        }
    }

    /// What one run computes, `[tokens, outputs]`.
    pub async fn result(&mut self, ops: &mut O) -> Result<Vec<f32>> {
        self.run(ops, 0)?;
        ops.download(&self.out).await
    }
}

impl Stand<Gpu> {
    /// Dispatches of one run, and the shader variants that they are of.
    pub async fn shaders(&mut self, gpu: &mut Gpu, now_ms: fn() -> f64) -> Result<(usize, Vec<String>)> {
        gpu.measure()?;
        self.run(gpu, 0)?;
        let spans = gpu.measured(now_ms).await?.spans;
        let names = spans.iter().map(|span| span.kernel.clone()).collect();
        Ok((spans.iter().map(|span| span.calls).sum(), names))
    }
}

async fn filled_weight<O: Ops>(ops: &mut O, case: &Case, bytes: &[u8]) -> Result<O::Weight> {
    let row_bytes = case.dtype.row_bytes(case.cols).unwrap_or(1).max(1);
    let part = PartShape {
        name: "benchmark".into(),
        dtype: case.dtype,
        rows: bytes.len() / row_bytes,
        cols: case.cols,
    };
    let split = Split::rows(part.rows);
    let mut weight = ops.weight(&[part], &split)?;
    let rows = (IN_FLIGHT / row_bytes).max(1);
    for (i, chunk) in bytes.chunks(rows * row_bytes).enumerate() {
        ops.fill(&mut weight, 0, i * rows, chunk)?;
        ops.settle().await?;
    }
    Ok(weight)
}

async fn filled_cache<O: Ops>(ops: &mut O, case: &Case, data: &Data) -> Result<O::Cache> {
    let mut cache = ops.cache(case.cache())?;
    let mut qkv = ops.tensor(CHUNK, 3 * case.cols)?;
    for first in (0..case.context).step_by(CHUNK) {
        let count = CHUNK.min(case.context - first);
        ops.begin(first, &vec![0; count])?;
        ops.set_rows(&mut qkv, count);
        ops.upload(&mut qkv, 0, &data.qkv(case, first, count))?;
        ops.kv_write(&mut cache, &qkv, case.layout())?;
        ops.settle().await?;
    }
    Ok(cache)
}
