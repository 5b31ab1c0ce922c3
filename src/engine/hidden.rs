//! What a model makes of a text before it becomes a prediction: the raw material of embeddings.

use super::Engine;
use crate::error::{Error, Result};
use crate::model::decoder::Rows;
use crate::ops::Ops;

impl<O: Ops> Engine<O> {
    /// Hidden states of `tokens` after the output norm, `[T, n_embd]`: as the next tokens of a text that began with
    /// [`Engine::reset`]. At most [`Plan::n_batch`](crate::model::plan::Plan::n_batch) of them.
    ///
    /// Ends a running request. Fails with [`Error::ContextOverflow`] beyond the context, with [`Error::InvalidRequest`] for
    /// an unknown token.
    pub async fn hidden(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        self.run = None;
        self.check_ids("input", tokens)?;
        let (pos, n_ctx) = (self.cached.len(), self.n_ctx());
        if pos + tokens.len() > n_ctx {
            return Err(Error::ContextOverflow {
                prompt: pos + tokens.len(),
                max_tokens: 0,
                n_ctx,
            });
        }
        let rows = self.hidden_rows(tokens, pos).await;
        self.checked(rows)
    }

    async fn hidden_rows(&mut self, tokens: &[u32], pos: usize) -> Result<Vec<f32>> {
        self.decoder.step(tokens, pos, Rows::Hidden)?;
        let rows = self.decoder.hidden().await?;
        self.cached.extend_from_slice(tokens);
        Ok(rows)
    }
}
