//! What is tried on a GPU that has not room for what was asked: a smaller context, then a smaller batch.

use crate::error::Result;
use crate::gguf::GgufFile;
use crate::model::arch;
use crate::model::plan::{DEFAULT_N_CTX, DecoderOptions};

/// The smallest context that a step down leaves: a short question and its answer.
pub const LEAST_CONTEXT: usize = 512;
/// The smallest batch that a step down leaves.
pub const LEAST_BATCH: usize = 16;

/// A smaller load, with what it changes: its name, the number before, the number now.
pub type Step = (DecoderOptions, &'static str, usize, usize);

/// The next smaller load after `now` of what was `asked` for, with a context of at least `least`; `None` where nothing is
/// left to change.
///
/// # Errors
/// Those of the file's metadata.
pub fn step_down(gguf: &GgufFile, asked: &DecoderOptions, least: usize, now: &DecoderOptions) -> Result<Option<Step>> {
    let trained = arch::config(gguf.metadata(), gguf.tensors())?.n_ctx_train;
    let n_ctx = now.n_ctx.unwrap_or(trained.min(DEFAULT_N_CTX));
    let least = LEAST_CONTEXT.max(least);
    if asked.n_ctx.is_none() && n_ctx > least {
        let smaller = (n_ctx / 2).max(least);
        let next = DecoderOptions {
            n_ctx: Some(smaller),
            ..now.clone()
        };
        return Ok(Some((next, "context", n_ctx, smaller)));
    }
    if now.n_batch > LEAST_BATCH {
        let smaller = (now.n_batch / 2).max(LEAST_BATCH);
        let next = DecoderOptions {
            n_batch: smaller,
            ..now.clone()
        };
        return Ok(Some((next, "batch", now.n_batch, smaller)));
    }
    Ok(None)
}
