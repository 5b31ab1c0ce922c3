//! Streams a model's tensors into a backend, in the order in which they lie in the file.
//!
//! Nothing is held twice: a matrix goes from the source to the backend in pieces of whole rows, at most
//! [`PIECE_BYTES`] each. Only vectors (norms, biases, factors: kilobytes) are gathered before they are uploaded.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::gguf::{GgufFile, TensorInfo};
use crate::model::plan::{LayerPlan, MatrixPlan, Plan, VectorPlan};
use crate::model::rope::RopeTable;
use crate::ops::{Ops, PartShape};
use crate::quant::{DType, dequantize_row};

/// Most bytes of a tensor in flight at once (a single longer row goes whole).
const PIECE_BYTES: usize = 4 << 20;

/// What a load is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Weights stream into the backend; counted in bytes.
    Upload,
    /// The model can be used.
    Ready,
}

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Progress {
    /// What is going on.
    pub phase: Phase,
    /// Bytes done.
    pub loaded: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Called between pieces; `Break` aborts the load with [`Error::Aborted`].
pub type OnProgress<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// One block's weights and cache.
pub struct Layer<O: Ops> {
    /// `[1, n_embd]`
    pub attn_norm: O::Tensor,
    /// `[(n_head + 2 n_head_kv) * head_dim, n_embd]`
    pub qkv: O::Weight,
    /// `[1, (n_head + 2 n_head_kv) * head_dim]`
    pub qkv_bias: Option<O::Tensor>,
    /// `[1, head_dim]` each: gains of q and of k.
    pub head_norms: Option<(O::Tensor, O::Tensor)>,
    /// `[n_embd, n_head * head_dim]`
    pub attn_output: O::Weight,
    /// `[1, n_embd]`
    pub ffn_norm: O::Tensor,
    /// `[2 * n_ff, n_embd]`
    pub gate_up: O::Weight,
    /// `[n_embd, n_ff]`
    pub ffn_down: O::Weight,
    /// Keys and values.
    pub cache: O::Cache,
}

/// All that a decoder reads and that does not depend on the text.
pub struct Weights<O: Ops> {
    /// `[n_vocab, n_embd]`
    pub token_embd: O::Weight,
    /// The blocks.
    pub layers: Vec<Layer<O>>,
    /// `[1, n_embd]`
    pub output_norm: O::Tensor,
    /// `[n_vocab, n_embd]`; `None`: tied to the embedding.
    pub output: Option<O::Weight>,
    /// `[n_ctx, n_rot]`, see [`Ops::rope`].
    pub rope_table: O::Tensor,
}

impl<O: Ops> Weights<O> {
    /// Allocates and fills everything in `plan`, which the caller has checked against the backend's limits.
    pub async fn load(ops: &mut O, gguf: &GgufFile, plan: &Plan, on_progress: &mut OnProgress<'_>) -> Result<Self> {
        let mut matrices: Vec<O::Weight> = Vec::new();
        for matrix in plan.matrices() {
            matrices.push(ops.weight(&matrix.parts, &matrix.split)?);
        }
        let vectors = stream(ops, gguf, plan, &mut matrices, on_progress).await?;

        // `plan.matrices()` has a fixed order; hand them out in the same one.
        let mut matrices = matrices.into_iter();
        let mut next = || {
            matrices
                .next()
                .ok_or_else(|| Error::internal("a matrix was not allocated"))
        };
        let token_embd = next()?;
        let output = plan.output.as_ref().map(|_| next()).transpose()?;
        let mut layers = Vec::with_capacity(plan.layers.len());
        for layer in &plan.layers {
            let LayerPlan {
                attn_norm,
                qkv_bias,
                head_norms,
                ffn_norm,
                ..
            } = layer;
            layers.push(Layer {
                qkv: next()?,
                attn_output: next()?,
                gate_up: next()?,
                ffn_down: next()?,
                attn_norm: vectors.upload(ops, attn_norm)?,
                ffn_norm: vectors.upload(ops, ffn_norm)?,
                qkv_bias: qkv_bias.as_ref().map(|bias| vectors.upload(ops, bias)).transpose()?,
                head_norms: match head_norms {
                    Some((q, k)) => Some((vectors.upload(ops, q)?, vectors.upload(ops, k)?)),
                    None => None,
                },
                cache: ops.cache(plan.cache)?,
            });
        }
        let factors = plan.rope_factors.as_ref().map(|v| vectors.gather(v)).transpose()?;
        Ok(Weights {
            token_embd,
            layers,
            output_norm: vectors.upload(ops, &plan.output_norm)?,
            output,
            rope_table: rope_table(ops, plan, factors.as_deref())?,
        })
    }
}

/// Fills the angle table in pieces.
fn rope_table<O: Ops>(ops: &mut O, plan: &Plan, factors: Option<&[f32]>) -> Result<O::Tensor> {
    let table = RopeTable::new(&plan.config.rope, factors)?;
    let n_rot = plan.config.rope.n_rot;
    let mut tensor = ops.tensor(plan.n_ctx, n_rot)?;
    let rows = (PIECE_BYTES / (n_rot * size_of::<f32>()).max(1)).max(1);
    for first in (0..plan.n_ctx).step_by(rows) {
        let piece = table.rows(first, rows.min(plan.n_ctx - first));
        ops.upload(&mut tensor, first, &piece)?;
    }
    Ok(tensor)
}

/// The vectors of a file by name, decoded.
struct Vectors(HashMap<String, Vec<f32>>);

impl Vectors {
    fn gather(&self, plan: &VectorPlan) -> Result<Vec<f32>> {
        let mut all = Vec::new();
        for (name, _) in &plan.parts {
            let part = self
                .0
                .get(name)
                .ok_or_else(|| Error::internal(format!("{name} was not read")))?;
            all.extend_from_slice(part);
        }
        Ok(all)
    }

    /// As a tensor `[1, cols]`.
    fn upload<O: Ops>(&self, ops: &mut O, plan: &VectorPlan) -> Result<O::Tensor> {
        let data = self.gather(plan)?;
        let mut tensor = ops.tensor(1, data.len())?;
        ops.upload(&mut tensor, 0, &data)?;
        Ok(tensor)
    }
}

/// Reads every tensor of the plan once, in file order: matrices into `matrices`, vectors into the result.
async fn stream<O: Ops>(
    ops: &mut O,
    gguf: &GgufFile,
    plan: &Plan,
    matrices: &mut [O::Weight],
    on_progress: &mut OnProgress<'_>,
) -> Result<Vectors> {
    let parts = |(index, m): (usize, &'_ MatrixPlan)| -> Vec<(String, (usize, usize, PartShape))> {
        let slot = |(part, shape): (usize, &PartShape)| (shape.name.clone(), (index, part, shape.clone()));
        m.parts.iter().enumerate().map(slot).collect()
    };
    let slots: HashMap<String, (usize, usize, PartShape)> = plan.matrices().enumerate().flat_map(parts).collect();
    let lengths: HashMap<&str, usize> = plan
        .vectors()
        .flat_map(|v| &v.parts)
        .map(|(name, len)| (name.as_str(), *len))
        .collect();

    let wanted = |t: &&TensorInfo| slots.contains_key(&t.name) || lengths.contains_key(t.name.as_str());
    let total = gguf.tensors().iter().filter(wanted).map(|t| t.bytes).sum();
    let mut report = Report {
        on_progress,
        loaded: 0,
        total,
    };
    report.add(0)?;

    let mut vectors = HashMap::new();
    for info in gguf.tensors().iter().filter(wanted) {
        if let Some((index, part, shape)) = slots.get(&info.name) {
            let row_bytes = info.dtype.and_then(|t| t.row_bytes(shape.cols)).unwrap_or(1).max(1);
            let rows = (PIECE_BYTES / row_bytes).max(1);
            for first in (0..shape.rows).step_by(rows) {
                let bytes = rows.min(shape.rows - first) * row_bytes;
                let piece = gguf.read_tensor(info, (first * row_bytes) as u64, bytes).await?;
                ops.fill(&mut matrices[*index], *part, first, &piece)?;
                drop(piece); // not held while the backend's own staging memory drains
                ops.settle().await?;
                report.add(bytes)?;
            }
        } else if let Some(&len) = lengths.get(info.name.as_str()) {
            let dtype = info.dtype.unwrap_or(DType::F32);
            let bytes = dtype.row_bytes(len).unwrap_or(0);
            let mut values = vec![0.0; len];
            dequantize_row(dtype, &gguf.read_tensor(info, 0, bytes).await?, &mut values)?;
            vectors.insert(info.name.clone(), values);
            report.add(bytes)?;
        }
    }
    Ok(Vectors(vectors))
}

struct Report<'a, 'b> {
    on_progress: &'a mut OnProgress<'b>,
    loaded: u64,
    total: u64,
}

impl Report<'_, '_> {
    fn add(&mut self, bytes: usize) -> Result<()> {
        self.loaded += bytes as u64;
        let progress = Progress {
            phase: Phase::Upload,
            loaded: self.loaded,
            total: self.total,
        };
        match (self.on_progress)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Aborted),
        }
    }
}
