//! The chain: steps that follow one another on the device before the host has seen what they chose.
//!
//! The device guesses each next token, with the settings and the random number that the host's sampler is going to use. The
//! host decides all the same, from the best logits that are read back: where it decides otherwise, what is in flight behind
//! that token is thrown away, and its positions in the cache are written again. So an answer is the same with and without
//! the chain. docs/decode.md has the table of what runs chained.

use std::collections::VecDeque;

use super::GenerateOptions;
use super::batches::MOST_TOKENS;
use crate::error::{Error, Result};
use crate::model::decoder::{Decoder, Input};
use crate::ops::{Find, Ops, Ticket};
use crate::sampler::{Need, Sampled, Sampler};

/// How the tokens of a request follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// The device goes on with its guess, the host checks.
    Chained,
    /// So it does, and the answer may end at a token behind which more was computed: that is thrown away.
    Lags,
    /// Each step waits for the host's choice.
    Unchained,
}

/// How a request's tokens follow one another; `constrained`: it keeps to a grammar.
pub fn chain_of(options: &GenerateOptions, constrained: bool) -> Chain {
    match (
        options.sampling.foreseeable() && !constrained,
        options.stop_tokens.is_empty(),
    ) {
        (false, _) => Chain::Unchained,
        (true, false) => Chain::Lags,
        (true, true) => Chain::Chained,
    }
}

/// What is to be under way.
pub(super) struct Order<'a> {
    /// Who is going to choose.
    pub sampler: &'a Sampler,
    /// What is to be read of each row.
    pub need: Need,
    /// The text so far.
    pub tokens: &'a [u32],
    /// Most tokens that are of use.
    pub most: usize,
    /// Tokens in each submit; 0: one, and none behind it.
    pub batch: usize,
}

/// Searches that were submitted and not decided, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Flight {
    tickets: VecDeque<Ticket>,
    /// Position at which the oldest begins.
    pos: usize,
}

impl Flight {
    /// Nobody waits for any of them.
    pub fn give_up(&mut self) {
        self.tickets.clear();
    }

    /// More than one step is under way.
    pub fn chained(&self) -> bool {
        self.tickets.len() > 1
    }

    /// Submits steps until enough are under way: the one that computes what the cache lacks of the text, from `pos` on, and
    /// where the order has a batch those that follow, so many in each submit.
    pub fn launch<O: Ops>(&mut self, decoder: &mut Decoder<O>, order: &Order<'_>, pos: usize) -> Result<()> {
        let tokens = order.tokens;
        let batch = order.batch.min(MOST_TOKENS);
        if self.pos != pos {
            self.give_up();
        }
        self.pos = pos;
        let plan = decoder.plan();
        let k = match order.need {
            Need::Row => 0,
            Need::Top(k) => k.min(plan.config.n_vocab),
        };
        if k == 0 {
            self.give_up();
            self.tickets.push_back(decoder.step_asking(&tokens[pos..], pos)?);
            return Ok(());
        }
        let room = (plan.n_ctx + 1).saturating_sub(tokens.len());
        let most = if batch == 0 { 1 } else { order.most.min(room) };
        while self.tickets.len() <= batch && self.tickets.len() < most {
            let end = most.min(self.tickets.len() + batch.max(1));
            for ahead in self.tickets.len()..end {
                let (input, at) = match ahead {
                    0 => (Input::Tokens(&tokens[pos..]), pos),
                    _ => (Input::Chained, tokens.len() - 1 + ahead),
                };
                let draw = order.sampler.foresee(ahead);
                self.tickets.push_back(decoder.search(input, at, &Find { k, draw })?);
            }
            decoder.submit()?;
        }
        Ok(())
    }

    /// Waits for the oldest, which has computed `tokens`, and decides; whether the device had guessed it. Reads back as little
    /// as the sampler can do with.
    pub async fn land<O: Ops>(
        &mut self,
        decoder: &mut Decoder<O>,
        sampler: &mut Sampler,
        tokens: &[u32],
        mask: Option<&[u32]>,
    ) -> Result<(Sampled, bool)> {
        let Some(ticket) = self.tickets.pop_front() else {
            return Err(Error::internal("no step is under way"));
        };
        let pos = self.pos;
        self.pos += tokens.len();
        if ticket.k == 0 {
            let token = sampler.sample_row_of(&decoder.asked(ticket).await?, mask)?;
            return Ok((token, false));
        }
        let found = decoder.found(ticket).await?;
        let token = match sampler.sample_top_of(&found.top, mask)? {
            Some(token) => token,
            None if self.tickets.is_empty() => sampler.sample_row_of(&decoder.logits().await?, mask)?,
            None => {
                // The steps behind it have written over its logits.
                self.give_up();
                let ticket = decoder.step_asking(tokens, pos)?;
                sampler.sample_row_of(&decoder.asked(ticket).await?, mask)?
            }
        };
        let right = found.guess == Some(token.id);
        if !right {
            self.give_up();
        }
        Ok((token, right))
    }
}
