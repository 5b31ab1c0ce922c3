//! A smaller model that proposes what a larger one with the same vocabulary may say.
//!
//! It draws with a copy of the other's sampler, random numbers included: where the two agree about the probabilities they
//! agree about the token, and the other's choice never depends on what was proposed (Daliri, Musco, Suresh 2024, arXiv
//! 2408.07978: speculation without communication).

use crate::engine::chain::{Flight, Order};
use crate::error::{Error, Result};
use crate::gguf::{GgufFile, Metadata};
use crate::model::arch;
use crate::model::decoder::{Decoder, Rows};
use crate::ops::Ops;
use crate::sampler::Sampler;

/// Tokens that a draft model is behind in every round: the last proposal and the token after it.
const USUAL: usize = 2;

/// A loaded draft model.
pub struct Draft<O: Ops> {
    decoder: Decoder<O>,
    /// Tokens whose keys and values its cache holds.
    cached: Vec<u32>,
}

impl<O: Ops> Draft<O> {
    pub fn new(decoder: Decoder<O>) -> Self {
        Self {
            decoder,
            cached: Vec::new(),
        }
    }

    /// Most proposals behind so many tokens.
    pub fn room(&self, tokens: usize) -> usize {
        (self.decoder.plan().n_ctx + 1).saturating_sub(tokens)
    }

    /// Forgets what is no longer the text, and reads what is new of it, but for the little that every round brings.
    pub async fn follow(&mut self, tokens: &[u32]) -> Result<()> {
        let common = self.cached.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        self.cached.truncate(common.min(tokens.len().saturating_sub(1)));
        while tokens.len() - self.cached.len() > USUAL {
            let behind = tokens.len() - self.cached.len();
            let pos = self.cached.len();
            let chunk = &tokens[pos..pos + (behind - 1).min(self.decoder.plan().n_batch)];
            self.decoder.step(chunk, pos, Rows::None)?;
            self.cached.extend_from_slice(chunk);
            self.decoder.settle().await?;
        }
        Ok(())
    }

    /// Proposes `n` tokens behind `tokens`, which it has followed; fewer where one of `ends` comes. `sampler` is a copy of the
    /// one that will choose.
    pub async fn propose(&mut self, tokens: &[u32], n: usize, mut sampler: Sampler, ends: &[u32]) -> Result<Vec<u32>> {
        let mut proposals = Vec::with_capacity(n);
        let (mut text, mut flight) = (tokens.to_vec(), Flight::default());
        // All of them in one submit, where the device can go on with what it chose.
        let batch = if O::CHAINS && sampler.config().foreseeable() {
            n
        } else {
            0
        };
        while proposals.len() < n {
            let order = Order {
                sampler: &sampler,
                need: sampler.need(),
                tokens: &text,
                most: n - proposals.len(),
                batch,
            };
            let pos = self.cached.len();
            flight.launch(&mut self.decoder, &order, pos)?;
            let (token, _) = flight.land(&mut self.decoder, &mut sampler, &text[pos..], None).await?;
            self.cached.extend_from_slice(&text[pos..]);
            proposals.push(token.id);
            if ends.contains(&token.id) {
                break;
            }
            sampler.accept(token.id);
            text.push(token.id);
        }
        Ok(proposals)
    }
}

/// Refuses a draft model whose tokens are not those of the model: what it proposes would mean something else.
///
/// # Errors
/// [`Error::InvalidRequest`] for `speculation.draft`, saying what differs; [`Error::BadFile`] for a file without a
/// vocabulary.
pub fn check_draft(model: &GgufFile, draft: &GgufFile) -> Result<()> {
    let rows = |gguf: &GgufFile| arch::config(gguf.metadata(), gguf.tensors()).map(|config| config.n_vocab);
    let differ = |expected: String, got: String| Err(Error::invalid("speculation.draft", expected, got));
    let (ours, theirs) = (vocabulary(model.metadata())?, vocabulary(draft.metadata())?);
    let differs = ours.clone().zip(theirs.clone()).position(|(a, b)| a != b);
    if let Some((id, (a, b))) = differs.and_then(|id| Some((id, ours.clone().zip(theirs.clone()).nth(id)?))) {
        return differ(format!("a model whose token {id} is {a:?}"), format!("{b:?}"));
    }
    let (n, m) = (ours.count(), theirs.count());
    if n != m {
        return differ(format!("a vocabulary of {n} tokens"), format!("{m}"));
    }
    let (n, m) = (rows(model)?, rows(draft)?);
    if n != m {
        return differ(format!("logits of {n} tokens"), format!("{m}"));
    }
    Ok(())
}

fn vocabulary(metadata: &Metadata) -> Result<impl Iterator<Item = &str> + Clone> {
    let key = "tokenizer.ggml.tokens";
    let tokens = metadata.strs(key)?;
    let tokens = tokens.ok_or_else(|| Error::bad_file(format!("metadata key {key:?}"), "a vocabulary", "none"))?;
    Ok(tokens.iter())
}
