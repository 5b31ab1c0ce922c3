//! What a model would take, from its header alone: said before its weights are fetched.

use std::rc::Rc;

use serde::Serialize;

use super::SessionOptions;
use crate::engine::step_down;
use crate::error::Result;
use crate::gguf::GgufFile;
use crate::model::arch;
use crate::model::plan::{DecoderOptions, Memory, Plan};
use crate::ops::MemoryLimits;
use crate::platform::ByteSource;
use crate::text::Tokenizer;

/// What could hold a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Most bytes in one buffer.
    pub max_buffer: u64,
    /// Most bytes overall, of each shard, where that is known.
    pub total: Option<u64>,
    /// Shards that would hold it together.
    pub shards: usize,
}

/// A model that can be run, if it fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// `general.name`, or empty.
    pub model: String,
    /// `general.architecture`.
    pub architecture: String,
    /// Tokens of context that the model was trained for.
    pub trained_context: usize,
    /// Whether the file brings a chat template.
    pub chat_template: bool,
    /// What it takes as it was asked for.
    #[serde(flatten)]
    pub size: Size,
    /// What it would take where the GPU has not room for that: smaller contexts, then smaller batches, as loading tries
    /// them, in order.
    pub smaller: Vec<Size>,
}

/// What a model takes with one context and one batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Size {
    /// Tokens of context that would be allocated.
    pub context: usize,
    /// Bytes that it takes in one place.
    pub memory: Memory,
    #[serde(skip)]
    plan: Plan,
}

impl Estimate {
    /// Reads the header, and nothing else, of one file or of all parts of a split one.
    ///
    /// # Errors
    /// Those of [`Session::load`](super::Session::load) that come before the weights.
    pub async fn new(mut sources: Vec<Rc<dyn ByteSource>>, options: &SessionOptions) -> Result<Self> {
        let gguf = match sources.len() {
            1 => GgufFile::open(sources.remove(0)).await?,
            _ => GgufFile::open_split(sources).await?,
        };
        let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
        let (asked, mut smaller) = (options.decoder(), Vec::new());
        let mut now = asked.clone();
        while let Some((next, ..)) = step_down(&gguf, &asked, 0, &now)? {
            smaller.push(Size::new(&gguf, &next)?);
            now = next;
        }
        let size = Size::new(&gguf, &asked)?;
        let config = &size.plan.config;
        Ok(Estimate {
            model: config.name.clone(),
            architecture: config.arch.into(),
            trained_context: config.n_ctx_train,
            chat_template: tokenizer.chat_template(None).is_some(),
            size,
            smaller,
        })
    }
}

impl Size {
    fn new(gguf: &GgufFile, options: &DecoderOptions) -> Result<Self> {
        let plan = Plan::new(gguf, arch::config(gguf.metadata(), gguf.tensors())?, options)?;
        Ok(Size {
            context: plan.n_ctx,
            memory: plan.memory,
            plan,
        })
    }

    /// Refuses what does not fit, as loading would: with [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// # Errors
    /// As said.
    pub fn fits(&self, place: Place) -> Result<()> {
        self.plan.check(MemoryLimits {
            max_buffer: place.max_buffer,
            total: place.total,
            shards: place.shards.max(1),
        })
    }

    /// Bytes that the largest share takes there.
    pub fn share(&self, place: Place) -> u64 {
        let shards = place.shards.max(1);
        let shares = (0..shards).map(|shard| self.plan.share(shard, shards).total());
        shares.max().unwrap_or(0)
    }
}
