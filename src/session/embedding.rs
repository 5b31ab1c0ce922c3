//! Texts as vectors: the hidden states of a text's tokens, pooled and normalised.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::reader::Reader;
use super::request::{Input, inputs};
use super::restore::survives;
use super::{Session, Usage};
use crate::error::{Error, Result};
use crate::gguf::Metadata;
use crate::text::{Bos, Special};

/// How the hidden states of a text's tokens become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// That of the last token, which has seen all others.
    Last,
}

impl Pooling {
    /// What a file says in `<arch>.pooling_type` (the numbers are llama.cpp's); the mean where it says nothing, or none.
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] for a pooling that a decoder cannot do, [`Error::BadFile`] for a wrong type.
    pub(super) fn declared(metadata: &Metadata, arch: &str) -> Result<Self> {
        let key = format!("{arch}.pooling_type");
        match metadata.u32(&key)? {
            None | Some(0 | 1) => Ok(Pooling::Mean),
            Some(3) => Ok(Pooling::Last),
            Some(other) => Err(Error::UnsupportedFeature {
                what: key,
                got: other.to_string(),
                supported: "0 (none: the mean is taken), 1 (mean), 3 (last)".into(),
            }),
        }
    }
}

/// A request for embeddings, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingRequest {
    /// The texts, or tokens.
    pub inputs: Vec<Input>,
    /// Values of each vector to keep, the first ones; `None`: all.
    pub dimensions: Option<usize>,
    /// Instead of the file's own.
    pub pooling: Option<Pooling>,
}

/// Parameters that say nothing about the vectors. How they are written (`encoding_format`) is the client's affair.
const WITHOUT_EFFECT: &[&str] = &["model", "user", "encoding_format"];

impl EmbeddingRequest {
    /// Reads OpenAI's body: `input`, `dimensions`, and `kinglet.pooling`.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub fn new(body: &Value) -> Result<Self> {
        let mut reader = Reader::new(body, WITHOUT_EFFECT)?;
        let mut ours = reader.ours()?;
        let request = EmbeddingRequest {
            inputs: inputs("input", reader.take("input"))?,
            dimensions: reader.count("dimensions")?,
            pooling: match ours.text("pooling")? {
                None => None,
                Some("mean") => Some(Pooling::Mean),
                Some("last") => Some(Pooling::Last),
                Some(other) => return Err(Error::invalid(ours.name("pooling"), "\"mean\" or \"last\"", other)),
            },
        };
        reader.done(&["pooling"])?;
        ours.done(&[])?;
        Ok(request)
    }
}

/// One text's vector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Embedding {
    /// Which of the inputs.
    pub index: usize,
    /// Of length 1.
    pub embedding: Vec<f32>,
    /// Of the whole request: with its last vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// A request for embeddings that is under way.
pub(super) struct Job {
    texts: VecDeque<Vec<u32>>,
    dimensions: usize,
    pooling: Pooling,
    /// Tokens of the first text that are done, and the sum of their states, or the last one.
    done: usize,
    pooled: Vec<f64>,
    index: usize,
    tokens: usize,
}

impl Job {
    /// Positions that it needs at most.
    pub(super) fn context(&self) -> usize {
        self.texts.iter().map(Vec::len).fold(0, usize::max)
    }
}

impl Session {
    /// Begins to embed; nothing is computed yet. Ends what was running before.
    ///
    /// # Errors
    /// [`Error::ContextOverflow`] for a text that is longer than the context, [`Error::InvalidRequest`],
    /// [`Error::UnsupportedFeature`] where the file asks for a pooling that is not done here.
    pub fn start_embedding(&mut self, request: &EmbeddingRequest) -> Result<()> {
        self.abort();
        self.origin.losses.progress();
        let plan = self.engine.plan();
        let (n_embd, n_ctx, n_vocab) = (plan.config.n_embd, plan.n_ctx, plan.config.n_vocab);
        let dimensions = request.dimensions.unwrap_or(n_embd);
        if !(1..=n_embd).contains(&dimensions) {
            return Err(Error::invalid("dimensions", format!("1 to {n_embd}"), dimensions));
        }
        let pooling = request.pooling.map_or_else(|| self.pooling.clone(), Ok)?;
        let mut texts = VecDeque::with_capacity(request.inputs.len());
        for (i, input) in request.inputs.iter().enumerate() {
            let ids = match input {
                // Whatever a text says, none of it is a control token.
                Input::Completion { prompt } => self.tokenizer.encode(prompt, Special::AsText, Bos::Auto)?,
                other => self.prompt(other)?,
            };
            let at = || format!("input[{i}]");
            if ids.is_empty() {
                return Err(Error::invalid(at(), "at least one token", "none"));
            }
            if let Some(id) = ids.iter().find(|&&id| id as usize >= n_vocab) {
                return Err(Error::invalid(at(), format!("token ids below {n_vocab}"), id));
            }
            if ids.len() > n_ctx {
                return Err(Error::ContextOverflow {
                    prompt: ids.len(),
                    max_tokens: 0,
                    n_ctx,
                });
            }
            texts.push_back(ids);
        }
        self.embedding = Some(Job {
            tokens: texts.iter().map(Vec::len).sum(),
            texts,
            dimensions,
            pooling,
            done: 0,
            pooled: vec![0.0; n_embd],
            index: 0,
        });
        Ok(())
    }

    /// True while a request for embeddings is under way.
    pub fn embeds(&self) -> bool {
        self.embedding.is_some()
    }

    /// Computes one more chunk of the current text; true: call again, false: call [`Session::next_embedding`].
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn embed_chunk(&mut self) -> Result<bool> {
        // Whoever drops this future, or fails in it for good, has ended the request.
        let Some(mut job) = self.embedding.take() else {
            return Ok(false);
        };
        let (n_batch, n_embd) = (self.engine.plan().n_batch, job.pooled.len());
        let Some(text) = job.texts.front() else {
            return Ok(false);
        };
        let chunk = &text[job.done..text.len().min(job.done + n_batch)];
        if !chunk.is_empty() {
            if job.done == 0 {
                self.engine.reset();
            }
            let rows = match self.engine.hidden(chunk).await {
                Ok(rows) => rows,
                Err(error) => {
                    if survives(&error) {
                        job.done = 0; // this text from its beginning
                        job.pooled.fill(0.0);
                        self.embedding = Some(job);
                    }
                    return Err(error);
                }
            };
            match job.pooling {
                Pooling::Mean => rows.chunks_exact(n_embd).for_each(|row| add(&mut job.pooled, row)),
                Pooling::Last => {
                    job.pooled.fill(0.0);
                    rows.chunks_exact(n_embd)
                        .next_back()
                        .into_iter()
                        .for_each(|row| add(&mut job.pooled, row));
                }
            }
            job.done += chunk.len();
        }
        let more = job.done < text.len();
        self.embedding = Some(job);
        Ok(more)
    }

    /// The vector of the next text; `None` after the last.
    ///
    /// # Errors
    /// Those of the backend; [`Error::NotFinite`] where the states are no numbers, or all zero.
    pub async fn next_embedding(&mut self) -> Result<Option<Embedding>> {
        while self.embed_chunk().await? {}
        let Some(mut job) = self.embedding.take() else {
            return Ok(None);
        };
        self.origin.losses.progress();
        job.texts.pop_front();
        job.done = 0;
        let embedding = normalised(&job.pooled[..job.dimensions])?;
        job.pooled.fill(0.0);
        let index = job.index;
        job.index += 1;
        let last = job.texts.is_empty();
        let usage = last.then_some(Usage {
            prompt_tokens: job.tokens,
            total_tokens: job.tokens,
            ..Usage::default()
        });
        if !last {
            self.embedding = Some(job);
        }
        Ok(Some(Embedding {
            index,
            embedding,
            usage,
        }))
    }
}

fn add(sum: &mut [f64], row: &[f32]) {
    sum.iter_mut()
        .zip(row)
        .for_each(|(sum, &value)| *sum += f64::from(value));
}

/// The vector of length 1 in this direction: a sum does as well as a mean.
fn normalised(values: &[f64]) -> Result<Vec<f32>> {
    let length = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    if !length.is_finite() || length == 0.0 {
        return Err(Error::NotFinite {
            what: format!("an embedding of length {length}"),
        });
    }
    Ok(values.iter().map(|v| (v / length) as f32).collect())
}
