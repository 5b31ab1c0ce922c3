//! What the operations of a step cost on this backend.

use super::Engine;
use crate::error::{Error, Result};
use crate::model::decoder::{Profile, Rows};
use crate::ops::Ops;

impl<O: Ops> Engine<O> {
    /// Takes a step of `tokens` tokens at position `pos` apart; of one token with the head, of several as a prompt's chunk
    /// without. Which tokens they are, and what lies in the cache before them, changes no time.
    ///
    /// Ends a running request and forgets every text. Fails with [`Error::InvalidRequest`] beyond batch or context, and on
    /// a backend whose operations cannot be timed.
    pub async fn profile(&mut self, tokens: usize, pos: usize) -> Result<Profile> {
        self.reset();
        let plan = self.decoder.plan();
        let most = plan.n_batch.min(plan.n_ctx.saturating_sub(pos));
        if !(1..=most).contains(&tokens) {
            return Err(Error::invalid(
                "tokens",
                format!("1 to {most} at position {pos}"),
                tokens,
            ));
        }
        let ids: Vec<u32> = (0..tokens).map(|i| (i % plan.config.n_vocab) as u32).collect();
        let rows = if tokens == 1 { Rows::Last } else { Rows::None };
        let profile = self.decoder.profile(&ids, pos, rows, self.clock).await;
        self.checked(profile)
    }
}
