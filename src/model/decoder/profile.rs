//! One step, taken apart into its operations. Never part of a request: a step of its own, which leaves the cache useless.

use std::collections::BTreeSet;

use super::{Decoder, Input, Rows};
use crate::error::Result;
use crate::model::plan::{LayerPlan, MatrixPlan, Plan};
use crate::ops::{Measured, Method, Ops, Span};

/// All operations of one kind at one stage.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ProfileRow {
    /// Which they are, and how long they took.
    #[serde(flatten)]
    pub span: Span,
    /// Storage formats of the matrices that they read, and bytes of these as they lie in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// See `format`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// What a step takes.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Profile {
    /// Tokens of the step.
    pub tokens: usize,
    /// Positions before them.
    pub position: usize,
    /// How the rows were timed.
    pub method: Method,
    /// Milliseconds of the same step as a whole, as a request runs it, until the device has done it.
    pub step_ms: f64,
    /// In the order in which the model computes them.
    pub rows: Vec<ProfileRow>,
}

impl<O: Ops> Decoder<O> {
    /// Runs a step twice, as ever and operation by operation. The cache holds nothing of use afterwards.
    ///
    /// # Errors
    /// As [`Decoder::step`]; [`Error::InvalidRequest`](crate::Error::InvalidRequest) on a backend that cannot be timed.
    pub async fn profile(&mut self, tokens: &[u32], pos: usize, rows: Rows, now_ms: fn() -> f64) -> Result<Profile> {
        self.check(Input::Tokens(tokens), pos, rows)?;
        self.ops.settle().await?;
        let begun = now_ms();
        self.step(tokens, pos, rows)?;
        self.ops.settle().await?;
        let step_ms = now_ms() - begun;
        self.ops.measure()?;
        let recorded = self.record(Input::Tokens(tokens), pos, rows);
        let measured = self.ops.measured(now_ms).await; // ends the measuring, whatever was recorded
        recorded?;
        let Measured { method, spans } = measured?;
        let row = |span| row(&self.plan, span, tokens.len());
        Ok(Profile {
            tokens: tokens.len(),
            position: pos,
            method,
            step_ms,
            rows: spans.into_iter().map(row).collect(),
        })
    }
}

/// Adds what is read of matrices.
fn row(plan: &Plan, span: Span, tokens: usize) -> ProfileRow {
    let layers = |of: fn(&LayerPlan) -> &MatrixPlan| plan.layers.iter().map(of).collect();
    let matrices: Vec<&MatrixPlan> = match (span.stage, span.op) {
        ("embed", _) => vec![&plan.token_embd],
        ("qkv", "matmul") => layers(|layer| &layer.qkv),
        ("attn_output", "matmul") => layers(|layer| &layer.attn_output),
        ("gate_up", "matmul") => layers(|layer| &layer.gate_up),
        ("ffn_down", "matmul") => layers(|layer| &layer.ffn_down),
        ("head", "matmul") => vec![plan.output.as_ref().unwrap_or(&plan.token_embd)],
        _ => vec![],
    };
    let parts = || matrices.iter().flat_map(|matrix| &matrix.parts);
    let formats: BTreeSet<String> = parts().map(|part| part.dtype.to_string()).collect();
    let bytes = parts().map(|part| {
        let rows = if span.op == "embed" {
            tokens.min(part.rows)
        } else {
            part.rows
        };
        (part.dtype.row_bytes(part.cols).unwrap_or(0) * rows) as u64
    });
    let there = !matrices.is_empty();
    ProfileRow {
        format: there.then(|| formats.into_iter().collect::<Vec<_>>().join(", ")),
        bytes: there.then(|| bytes.sum()),
        span,
    }
}
