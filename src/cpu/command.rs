//! What shards are told: orders of loading, and programs of commands over numbered tensors, weights and caches.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ops::{AttentionShape, CacheShape, HeadLayout, PartShape, RopeShape, Split};

/// Programs that a shard remembers: prefill with and without logits, decode, and a prompt's last chunk.
pub const PROGRAMS: usize = 4;

/// Number of an activation, in the order in which they were made.
pub type TensorId = u32;
/// Number of a matrix.
pub type WeightId = u32;
/// Number of a layer's cache.
pub type CacheId = u32;

/// One operation of [`Ops`](crate::ops::Ops), on the rows in use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Sets the rows in use.
    SetRows { t: TensorId, rows: usize },
    /// `out = w[tokens]`
    Embed { out: TensorId, w: WeightId },
    /// `out = norm(x) * gain`
    RmsNorm {
        out: TensorId,
        x: TensorId,
        gain: TensorId,
        eps: f32,
    },
    /// `out = w · x`
    Matmul { out: TensorId, w: WeightId, x: TensorId },
    /// `out += x`
    Add { out: TensorId, x: TensorId },
    /// `out += bias`, every row
    AddBias { out: TensorId, bias: TensorId },
    /// Norms of the query and key heads.
    HeadNorm {
        qkv: TensorId,
        heads: HeadLayout,
        q_gain: TensorId,
        k_gain: TensorId,
        eps: f32,
    },
    /// Rotation of the query and key heads.
    Rope {
        qkv: TensorId,
        table: TensorId,
        shape: RopeShape,
    },
    /// Stores keys and values at the step's position.
    KvWrite {
        cache: CacheId,
        qkv: TensorId,
        heads: HeadLayout,
    },
    /// `out = attention(qkv, cache)`
    Attention {
        out: TensorId,
        qkv: TensorId,
        cache: CacheId,
        shape: AttentionShape,
    },
    /// `out = silu(gate) * up`
    SiluMul { out: TensorId, gate_up: TensorId },
    /// `out = x[first ..]`
    CopyRows { out: TensorId, x: TensorId, first: usize },
}

impl Command {
    /// The operation; none for what computes nothing.
    pub fn op(&self) -> Option<&'static str> {
        Some(match self {
            Command::SetRows { .. } => return None,
            Command::Embed { .. } => "embed",
            Command::RmsNorm { .. } => "rms_norm",
            Command::Matmul { .. } => "matmul",
            Command::Add { .. } => "add",
            Command::AddBias { .. } => "add_bias",
            Command::HeadNorm { .. } => "head_norm",
            Command::Rope { .. } => "rope",
            Command::KvWrite { .. } => "kv_write",
            Command::Attention { .. } => "attention",
            Command::SiluMul { .. } => "silu_mul",
            Command::CopyRows { .. } => "copy_rows",
        })
    }
}

/// What the leader tells its followers. The payload of [`Order::Upload`] and [`Order::Fill`] goes beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Makes a zeroed activation `[rows, cols]`; it gets the next number.
    Tensor { rows: usize, cols: usize },
    /// Writes rows of an activation: the payload is f32, little-endian.
    Upload { t: TensorId, first_row: usize },
    /// Makes the shard's share of a matrix; it gets the next number.
    Weight { parts: Vec<PartShape>, split: Split },
    /// Fills rows of one part, all owned by the shard: the payload is as in the file.
    Fill { w: WeightId, part: usize, first_row: usize },
    /// Makes the shard's share of a layer's cache (`shape` is the whole one's); it gets the next number.
    Cache { shape: CacheShape },
    /// Remembers a program in a slot, `0..PROGRAMS`.
    Program { slot: usize, commands: Vec<Command> },
    /// Runs it for `tokens` at positions `pos ..`.
    Run { slot: usize, pos: usize, tokens: Vec<u32> },
    /// Hands the leader its part of an activation.
    Read { t: TensorId },
}

impl Order {
    /// As bytes, for a transport that has nothing else.
    ///
    /// # Errors
    /// [`Error::Internal`] for a number that cannot be written (none of ours).
    pub fn encode(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(self).map_err(|e| Error::internal(format!("an order cannot be written: {e}")))
    }

    /// The inverse of [`Order::encode`].
    ///
    /// # Errors
    /// [`Error::Internal`] for bytes that are no order.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        postcard::from_bytes(bytes).map_err(|e| Error::internal(format!("an order cannot be read: {e}")))
    }
}
