//! Streams a model's tensors into a backend, in the order in which they lie in the file.
//!
//! Everything is allocated before the first byte is read, so that what does not fit is found before a download.
//! Nothing is held twice: a matrix goes from the source to the backend in pieces of whole rows, at most
//! [`PIECE_BYTES`] each, and the backend is waited for when [`IN_FLIGHT_BYTES`] are on their way to it. Only vectors (norms, biases, factors: kilobytes) are gathered before they are uploaded.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::gguf::{GgufFile, TensorInfo};
use crate::model::identity::{Identity, Samples};
use crate::model::plan::{MatrixPlan, Plan, VectorPlan};
use crate::model::rope::RopeTable;
use crate::ops::Ops;
use crate::quant::{DType, dequantize_row};

/// Most bytes of a tensor that are read at once (a single longer row goes whole).
const PIECE_BYTES: usize = 4 << 20;
/// Most bytes that a backend may still have in its own staging memory: waiting for each piece would leave it idle while
/// the next one is read.
const IN_FLIGHT_BYTES: usize = 32 << 20;

/// What a load is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Operations are compiled, where the backend compiles them; goes on while weights stream in.
    Compile,
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
    /// Allocates everything in `plan`, which the caller has checked against the backend's limits; all of it zero.
    pub fn allocate(ops: &mut O, plan: &Plan) -> Result<Self> {
        let mut layers = Vec::with_capacity(plan.layers.len());
        let matrix = |ops: &mut O, m: &MatrixPlan| ops.weight(&m.parts, &m.split);
        let vector = |ops: &mut O, v: &VectorPlan| ops.tensor(1, v.parts.iter().map(|(_, len)| len).sum());
        for layer in &plan.layers {
            layers.push(Layer {
                attn_norm: vector(ops, &layer.attn_norm)?,
                qkv: matrix(ops, &layer.qkv)?,
                qkv_bias: layer.qkv_bias.as_ref().map(|bias| vector(ops, bias)).transpose()?,
                head_norms: match &layer.head_norms {
                    Some((q, k)) => Some((vector(ops, q)?, vector(ops, k)?)),
                    None => None,
                },
                attn_output: matrix(ops, &layer.attn_output)?,
                ffn_norm: vector(ops, &layer.ffn_norm)?,
                gate_up: matrix(ops, &layer.gate_up)?,
                ffn_down: matrix(ops, &layer.ffn_down)?,
                cache: ops.cache(plan.cache)?,
            });
        }
        Ok(Weights {
            token_embd: matrix(ops, &plan.token_embd)?,
            layers,
            output_norm: vector(ops, &plan.output_norm)?,
            output: plan.output.as_ref().map(|output| matrix(ops, output)).transpose()?,
            rope_table: ops.tensor(plan.n_ctx, plan.config.rope.n_rot)?,
        })
    }

    /// Streams the file into what [`Weights::allocate`] made of the same plan; says which model it was.
    pub async fn fill(
        &mut self,
        ops: &mut O,
        gguf: &GgufFile,
        plan: &Plan,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Identity> {
        let (vectors, samples) = stream(ops, gguf, plan, &mut self.matrices(), on_progress).await?;
        for (layer, plan) in self.layers.iter_mut().zip(&plan.layers) {
            vectors.upload(ops, &mut layer.attn_norm, &plan.attn_norm)?;
            vectors.upload(ops, &mut layer.ffn_norm, &plan.ffn_norm)?;
            if let (Some(to), Some(bias)) = (&mut layer.qkv_bias, &plan.qkv_bias) {
                vectors.upload(ops, to, bias)?;
            }
            if let (Some((to_q, to_k)), Some((q, k))) = (&mut layer.head_norms, &plan.head_norms) {
                vectors.upload(ops, to_q, q)?;
                vectors.upload(ops, to_k, k)?;
            }
        }
        vectors.upload(ops, &mut self.output_norm, &plan.output_norm)?;
        let factors = plan.rope_factors.as_ref().map(|v| vectors.gather(v)).transpose()?;
        rope_table(ops, &mut self.rope_table, plan, factors.as_deref())?;
        Ok(samples.identity(gguf))
    }

    /// Every matrix, in the order of [`Plan::matrices`].
    fn matrices(&mut self) -> Vec<&mut O::Weight> {
        let blocks = self
            .layers
            .iter_mut()
            .flat_map(|l| [&mut l.qkv, &mut l.attn_output, &mut l.gate_up, &mut l.ffn_down]);
        std::iter::once(&mut self.token_embd)
            .chain(&mut self.output)
            .chain(blocks)
            .collect()
    }
}

/// Fills the angle table in pieces.
fn rope_table<O: Ops>(ops: &mut O, tensor: &mut O::Tensor, plan: &Plan, factors: Option<&[f32]>) -> Result<()> {
    let table = RopeTable::new(&plan.config.rope, factors)?;
    let n_rot = plan.config.rope.n_rot;
    let rows = (PIECE_BYTES / (n_rot * size_of::<f32>()).max(1)).max(1);
    for first in (0..plan.n_ctx).step_by(rows) {
        let piece = table.rows(first, rows.min(plan.n_ctx - first));
        ops.upload(tensor, first, &piece)?;
    }
    Ok(())
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

    /// Into a tensor `[1, cols]`.
    fn upload<O: Ops>(&self, ops: &mut O, tensor: &mut O::Tensor, plan: &VectorPlan) -> Result<()> {
        ops.upload(tensor, 0, &self.gather(plan)?)
    }
}

/// Reads every tensor of the plan once, in file order: matrices into `matrices`, vectors into the result, samples of all
/// into the model's hash.
async fn stream<O: Ops>(
    ops: &mut O,
    gguf: &GgufFile,
    plan: &Plan,
    matrices: &mut [&mut O::Weight],
    on_progress: &mut OnProgress<'_>,
) -> Result<(Vectors, Samples)> {
    let wanted = wanted(gguf, plan);
    let mut report = Report {
        on_progress,
        loaded: 0,
        total: wanted.iter().map(|(info, _)| info.bytes).sum(),
    };
    report.add(0)?;

    let (mut vectors, mut samples) = (HashMap::new(), Samples::of(gguf));
    let mut in_flight = 0;
    for (info, place) in wanted {
        let rows = (PIECE_BYTES / place.row_bytes).max(1);
        for first in (0..place.rows).step_by(rows) {
            let (at, bytes) = (first * place.row_bytes, rows.min(place.rows - first) * place.row_bytes);
            let piece = gguf.read_tensor(info, at as u64, bytes).await?;
            samples.add(at, &piece);
            match place.slot {
                Slot::Vector(len) => {
                    vectors.insert(info.name.clone(), decoded(info, len, &piece)?);
                }
                Slot::Matrix(index, part) => {
                    ops.fill(matrices[index], part, first, &piece)?;
                    in_flight += bytes;
                }
            }
            drop(piece); // not held while the backend's own staging memory drains
            if in_flight > IN_FLIGHT_BYTES - PIECE_BYTES {
                ops.settle().await?;
                in_flight = 0;
            }
            report.add(bytes)?;
        }
    }
    ops.settle().await?;
    ops.loaded()?;
    Ok((Vectors(vectors), samples))
}

/// Where a tensor of the file goes, and how it is read: in pieces of whole rows.
struct Place {
    slot: Slot,
    rows: usize,
    row_bytes: usize,
}

#[derive(Clone, Copy)]
enum Slot {
    /// Number of the matrix, in the order of [`Plan::matrices`], and of its part.
    Matrix(usize, usize),
    /// A vector of so many values.
    Vector(usize),
}

/// The tensors of the plan, in file order.
fn wanted<'g>(gguf: &'g GgufFile, plan: &Plan) -> Vec<(&'g TensorInfo, Place)> {
    let mut slots: HashMap<&str, (Slot, usize, usize)> = HashMap::new();
    for (index, matrix) in plan.matrices().enumerate() {
        for (part, shape) in matrix.parts.iter().enumerate() {
            slots.insert(&shape.name, (Slot::Matrix(index, part), shape.rows, shape.cols));
        }
    }
    for (name, len) in plan.vectors().flat_map(|v| &v.parts) {
        slots.insert(name, (Slot::Vector(*len), 1, *len));
    }
    let place = |info: &'g TensorInfo| {
        let &(slot, rows, cols) = slots.get(info.name.as_str())?;
        let row_bytes = info.dtype.and_then(|t| t.row_bytes(cols)).unwrap_or(1).max(1);
        Some((info, Place { slot, rows, row_bytes }))
    };
    gguf.tensors().iter().filter_map(place).collect()
}

fn decoded(info: &TensorInfo, len: usize, piece: &[u8]) -> Result<Vec<f32>> {
    let mut values = vec![0.0; len];
    dequantize_row(info.dtype.unwrap_or(DType::F32), piece, &mut values)?;
    Ok(values)
}

struct Report<'a, 'b> {
    on_progress: &'a mut OnProgress<'b>,
    loaded: u64,
    total: u64,
}

impl Report<'_, '_> {
    fn add(&mut self, bytes: usize) -> Result<()> {
        self.loaded += bytes as u64;
        report(self.on_progress, Phase::Upload, self.loaded, self.total)
    }
}

/// Tells the caller, who may abort: [`Error::Aborted`].
pub fn report(on_progress: &mut OnProgress<'_>, phase: Phase, loaded: u64, total: u64) -> Result<()> {
    match on_progress(Progress { phase, loaded, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Aborted),
    }
}
