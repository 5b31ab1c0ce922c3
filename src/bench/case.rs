//! One stage with its shape: what it reads and computes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ops::{AttentionShape, CacheShape, CacheType, HeadLayout};
use crate::quant::DType;

/// A stage of [`Ops`](crate::ops::Ops).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// `Ops::matmul`, as nothing else.
    Matmul,
    /// `Ops::matmul_add`: a projection onto the residual.
    MatmulAdd,
    /// `Ops::gate_up`: norm, two projections, activation.
    GateUp,
    /// `Ops::head`: norm and projection to logits.
    Head,
    /// `Ops::attention` with a full cache.
    Attention,
}

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// How the weight or the cache is used.
    pub stage: Stage,
    /// Of the weight.
    pub dtype: DType,
    /// K.
    pub cols: usize,
    /// N.
    pub rows: usize,
    /// Activations at once.
    pub tokens: usize,
    /// Of an attention: keys and values that are attended to, the token's own included.
    pub context: usize,
    /// Of an attention.
    pub heads: usize,
}

/// Elements of a head of Phi-3-mini.
pub const HEAD_DIM: usize = 96;

impl Case {
    /// A product with a weight.
    pub fn product(stage: Stage, dtype: DType, [cols, rows]: [usize; 2], tokens: usize) -> Case {
        Case {
            stage,
            dtype,
            cols,
            rows,
            tokens,
            context: 0,
            heads: 0,
        }
    }

    /// One token's attention to `context` positions.
    pub fn attention(heads: usize, context: usize) -> Case {
        let cols = heads * HEAD_DIM;
        Case {
            stage: Stage::Attention,
            dtype: DType::F16,
            cols,
            rows: cols,
            tokens: 1,
            context: context.max(1),
            heads,
        }
    }

    /// Bytes of weights, or of keys and values, that one run reads at least.
    pub fn bytes(&self) -> u64 {
        if self.stage == Stage::Attention {
            return 2 * self.cache().plane_bytes();
        }
        (self.dtype.row_bytes(self.cols).unwrap_or(0) * self.rows) as u64
    }

    /// Multiplications and additions.
    pub fn flop(&self) -> f64 {
        if self.stage == Stage::Attention {
            return 4.0 * (self.context * self.heads * HEAD_DIM) as f64;
        }
        2.0 * self.cols as f64 * self.rows as f64 * self.tokens as f64
    }

    /// The cache of an attention: just as long as what is attended to.
    pub fn cache(&self) -> CacheShape {
        CacheShape {
            n_ctx: self.context,
            n_head_kv: self.heads,
            head_dim: HEAD_DIM,
            dtype: CacheType::F16,
        }
    }

    /// Of an attention.
    pub fn layout(&self) -> HeadLayout {
        HeadLayout {
            n_head: self.heads,
            n_head_kv: self.heads,
            head_dim: HEAD_DIM,
        }
    }

    /// Of an attention.
    pub fn attention_shape(&self) -> AttentionShape {
        AttentionShape {
            heads: self.layout(),
            scale: 1.0 / (HEAD_DIM as f32).sqrt(),
            window: None,
        }
    }

    /// What a report says of it.
    pub fn describe(&self) -> Value {
        let mut found = json!({"stage": self.stage, "tokens": self.tokens, "bytes": self.bytes(), "flop": self.flop()});
        if self.stage == Stage::Attention {
            (found["context"], found["heads"]) = (self.context.into(), self.heads.into());
            found["cache"] = self.cache().dtype.name().into();
        } else {
            found["format"] = self.dtype.name().into();
            (found["cols"], found["rows"]) = (self.cols.into(), self.rows.into());
        }
        found
    }
}
