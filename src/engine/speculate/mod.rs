//! Speculation: tokens are guessed, and one step of the model says how many of the guesses were right.
//!
//! A round proposes `k` tokens, computes the step of the last token and the proposals together, and keeps the logits of all its
//! rows. From then on every token is chosen as without speculation: the sampler, with its own random numbers, window, mask
//! and log-probabilities, chooses from the next row. While it chooses what was proposed, the row behind that is right, too;
//! the first other token makes the rest worthless, and it is dropped before anybody sees it.
//!
//! The choice never asks what was proposed, nor how much, so the text is that of plain decoding and a seed fixes it, whatever
//! a clock says. For a proposal that is one certain token this is the acceptance rule of Leviathan et al. 2023 (arXiv
//! 2211.17192): `x` is drawn from `p`, so the proposal `y` is accepted with probability `p(y)`, and what comes instead is
//! drawn from `p` without `y`. What remains is arithmetic: a step of several tokens may add in another order than one of a
//! single token, so that two almost equal logits may change places.

mod draft;
mod lookup;
mod pace;
#[cfg(test)]
mod tests;

use super::{Engine, Run};
use crate::error::Result;
use crate::model::decoder::{Decoder, Rows};
use crate::ops::Ops;

use draft::Draft;
pub use draft::check_draft;
pub use pace::Pace;
use pace::{Outcome, Trust};

/// Who proposes.
enum Proposer<O: Ops> {
    /// The text itself.
    Lookup,
    /// A smaller model.
    Draft(Box<Draft<O>>),
}

/// Proposes, and learns whether it pays.
pub struct Speculator<O: Ops> {
    proposer: Proposer<O>,
    pace: Pace,
}

impl<O: Ops> Speculator<O> {
    /// Proposes what followed the same tokens before.
    pub fn lookup(pace: Pace) -> Self {
        Self {
            proposer: Proposer::Lookup,
            pace,
        }
    }

    /// Proposes what a smaller model says.
    pub fn draft(model: Decoder<O>, pace: Pace) -> Self {
        Self {
            proposer: Proposer::Draft(Box::new(Draft::new(model))),
            pace,
        }
    }
}

/// Rows of logits that were computed ahead: each is right as long as all proposals before it were.
pub struct Ahead {
    /// `[proposed.len() + 1, n_vocab]`
    rows: Vec<f32>,
    proposed: Vec<u32>,
    trust: Trust,
    /// Tokens chosen from the rows so far.
    chosen: usize,
    accepted: usize,
    /// Of the round so far.
    ms: f64,
}

impl Ahead {
    fn new(rows: Vec<f32>, proposed: Vec<u32>, trust: Trust) -> Self {
        Self {
            rows,
            proposed,
            trust,
            chosen: 0,
            accepted: 0,
            ms: 0.0,
        }
    }

    /// The logits of the next token; `None`: there are no more that are right.
    pub fn row(&self) -> Option<&[f32]> {
        let n_vocab = self.rows.len() / (self.proposed.len() + 1);
        let right = self.chosen == self.accepted;
        right
            .then(|| self.rows.chunks_exact(n_vocab).nth(self.chosen))
            .flatten()
    }

    /// This token was chosen from [`Ahead::row`]; true: it was proposed.
    pub fn choose(&mut self, id: u32) -> bool {
        let right = self.proposed.get(self.chosen) == Some(&id);
        self.chosen += 1;
        self.accepted += usize::from(right);
        right
    }

    /// Adds what a call took; what came of the round, once it is over.
    fn spent(&mut self, ms: f64) -> Option<Outcome> {
        self.ms += ms;
        self.row().is_none().then_some(Outcome {
            proposed: self.proposed.len(),
            trust: self.trust,
            accepted: self.accepted,
            ms: self.ms,
        })
    }
}

impl<O: Ops> Engine<O> {
    /// Has tokens proposed from now on; `None`: no more. Ends a running request.
    pub fn speculate(&mut self, speculator: Option<Speculator<O>>) {
        self.end();
        self.speculator = speculator;
    }

    /// Where it pays, computes the next token's logits together with those behind proposals. What it took to prepare a
    /// proposer, in milliseconds, is of no round.
    pub(super) async fn look_ahead(&mut self) -> Result<f64> {
        let Self {
            decoder,
            cached,
            run: Some(run),
            speculator: Some(speculator),
            clock,
            ..
        } = self
        else {
            return Ok(0.0);
        };
        let most = match room(run, cached.len()) {
            None => return Ok(0.0),
            Some(room) => room
                .min(decoder.plan().n_ctx.saturating_sub(run.tokens.len()))
                .min(decoder.max_scored().saturating_sub(1)),
        };
        let mut prepared = 0.0;
        let (proposed, trust) = match &mut speculator.proposer {
            Proposer::Lookup => {
                let Some(found) = lookup::find(&run.tokens) else {
                    return Ok(0.0);
                };
                let length = speculator.pace.length(most, found.trust());
                (found.proposals(&run.tokens, length), found.trust())
            }
            Proposer::Draft(draft) => {
                let most = most.min(draft.room(run.tokens.len()));
                let length = speculator.pace.length(most, Trust::Fair);
                if length == 0 {
                    return Ok(0.0);
                }
                let begun = clock();
                draft.follow(&run.tokens).await?;
                prepared = clock() - begun;
                let (sampler, ends) = (run.sampler.guesser(), &run.options.stop_tokens);
                let proposed = draft.propose(&run.tokens, length, sampler, ends).await?;
                (proposed, Trust::Fair)
            }
        };
        if proposed.is_empty() {
            return Ok(prepared);
        }
        let step = [&run.tokens[cached.len()..], &proposed].concat();
        decoder.step(&step, cached.len(), Rows::All)?;
        let rows = decoder.logits().await?;
        run.timings.drafted_tokens += proposed.len();
        run.ahead = Some(Ahead::new(rows, proposed, trust));
        Ok(prepared)
    }

    /// Learns from a call that took so many milliseconds.
    pub(super) fn learn(&mut self, ms: f64) {
        let (Some(run), Some(speculator)) = (&mut self.run, &mut self.speculator) else {
            return;
        };
        match &mut run.ahead {
            None => speculator.pace.single(ms),
            Some(ahead) => {
                if let Some(outcome) = ahead.spent(ms) {
                    speculator.pace.round(outcome);
                    run.ahead = None;
                }
            }
        }
    }
}

/// Most proposals that can be of use to the request; `None`: it is not to be speculated on now.
fn room(run: &Run, cached: usize) -> Option<usize> {
    let generated = run.timings.generated_tokens;
    let plain = run.ahead.is_none() && run.finish.is_none() && generated > 0 && run.tokens.len() == cached + 1;
    // The model's own token behind the proposals is one of those that are left.
    plain.then(|| run.options.max_tokens.saturating_sub(generated + 1))
}
