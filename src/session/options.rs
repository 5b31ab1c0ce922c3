//! How a model is loaded, and what is said of it afterwards.

use serde::{Deserialize, Serialize};

use crate::engine::BackendChoice;
use crate::error::{Error, Result};
use crate::ops::CacheType;

/// Options of loading a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionOptions {
    /// Where to compute.
    pub backend: BackendChoice,
    /// Tokens of context to allocate; `None`: the model's own, at most [`DEFAULT_N_CTX`](crate::model::plan::DEFAULT_N_CTX).
    /// See [`DecoderOptions::n_ctx`](crate::model::plan::DecoderOptions::n_ctx).
    pub n_ctx: Option<usize>,
    /// Most prompt tokens per step; `None`: the engine's choice.
    pub n_batch: Option<usize>,
    /// How keys and values are stored.
    pub cache_type: CacheType,
    /// Attend to the whole context although the model has a sliding window, as llama.cpp does.
    pub ignore_window: bool,
}

impl SessionOptions {
    /// Reads `{"backend", "context", "batch", "cache_type", "ignore_window"}`; all optional.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming an unknown option or a wrong value.
    pub fn from_json(value: &serde_json::Value) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wire {
            #[serde(default)]
            backend: BackendChoice,
            context: Option<usize>,
            batch: Option<usize>,
            cache_type: Option<String>,
            #[serde(default)]
            ignore_window: bool,
        }
        let wire = Wire::deserialize(value).map_err(|e| Error::invalid("options", "options of loading", e))?;
        Ok(SessionOptions {
            backend: wire.backend,
            n_ctx: wire.context,
            n_batch: wire.batch,
            cache_type: match wire.cache_type.as_deref() {
                None | Some("f16") => CacheType::F16,
                Some("f32") => CacheType::F32,
                Some(other) => return Err(Error::invalid("cache_type", "\"f16\" or \"f32\"", other)),
            },
            ignore_window: wire.ignore_window,
        })
    }
}

/// What was loaded, and where it runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionInfo {
    /// `"cpu"` or `"gpu"`.
    pub backend: &'static str,
    /// Adapter name, or the processor's features.
    pub adapter: String,
    /// The adapter is emulated in software.
    pub software: bool,
    /// Why `auto` did not take the GPU, where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// `general.name`, or empty.
    pub model: String,
    /// `general.architecture`.
    pub architecture: String,
    /// Tokens of context that were allocated.
    pub context: usize,
    /// Tokens of context that the model was trained for.
    pub trained_context: usize,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Whether the file brings a chat template.
    pub chat_template: bool,
}
