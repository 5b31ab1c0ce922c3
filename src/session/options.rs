//! How a model is loaded, and what is said of it afterwards.

use serde::{Deserialize, Serialize};

use crate::engine::{BackendChoice, Pace};
use crate::error::{Error, Result};
use crate::model::identity::Identity;
use crate::model::plan::DecoderOptions;
use crate::ops::CacheType;

/// Who proposes tokens that the model then only has to check: see [`Pace`](crate::engine::Pace) for how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Speculation {
    /// Nobody.
    #[default]
    Off,
    /// The text itself: what followed the same tokens before.
    Lookup,
    /// A smaller model with the same vocabulary, which is in so many of the last sources.
    Draft(usize),
}

impl Speculation {
    fn from_json(name: &str, value: &serde_json::Value) -> Result<Self> {
        let files = || match value.as_object() {
            Some(given) if given.len() == 1 => given.get("draft")?.as_u64().filter(|&n| n > 0)?.try_into().ok(),
            _ => None,
        };
        match value.as_str() {
            Some("off") => Ok(Self::Off),
            Some("lookup") => Ok(Self::Lookup),
            _ => files()
                .map(Self::Draft)
                .ok_or_else(|| Error::invalid(name, "\"off\", \"lookup\" or {\"draft\": number of files}", value)),
        }
    }
}

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
    /// See [`LoadOptions::exact`](crate::engine::LoadOptions::exact).
    pub exact: bool,
    /// See [`LoadOptions::threads`](crate::engine::LoadOptions::threads).
    pub threads: Option<usize>,
    /// See [`LoadOptions::tested`](crate::engine::LoadOptions::tested).
    pub tested: Vec<String>,
    /// See [`LoadOptions::timestamps`](crate::engine::LoadOptions::timestamps).
    pub timestamps: bool,
    /// Who proposes tokens.
    pub speculation: Speculation,
    /// Always so many of them; `None`: as many as are measured to pay.
    pub proposals: Option<usize>,
    /// See [`LoadOptions::tuning`](crate::engine::LoadOptions::tuning).
    #[cfg(feature = "gpu")]
    pub tuning: crate::engine::Tune,
    /// Faults that a test orders.
    #[cfg(feature = "gpu")]
    pub drill: crate::backend::gpu::Drill,
}

impl SessionOptions {
    /// Context, batch and cache, for the decoder.
    pub(super) fn decoder(&self) -> DecoderOptions {
        DecoderOptions {
            n_ctx: self.n_ctx,
            n_batch: self.n_batch.unwrap_or(DecoderOptions::default().n_batch),
            cache_type: self.cache_type,
            ignore_window: self.ignore_window,
        }
    }

    /// How many tokens are proposed.
    pub(super) fn pace(&self) -> Pace {
        self.proposals.map_or_else(Pace::default, Pace::fixed)
    }

    /// Reads `{"backend", "context", "batch", "cache_type", "ignore_window", "exact", "threads", "tested", "timestamps",
    /// "speculation", "tuning"}`; all optional.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming an unknown option or a wrong value.
    pub fn from_json(value: &serde_json::Value) -> Result<Self> {
        let given = value
            .as_object()
            .ok_or_else(|| Error::invalid("options", "an object", value))?;
        let mut options = SessionOptions::default();
        for (name, value) in given {
            let count = || {
                let n = value.as_u64().and_then(|n| usize::try_from(n).ok());
                n.ok_or_else(|| Error::invalid(name, "a whole number", value))
            };
            let flag = || {
                let given = value.as_bool();
                given.ok_or_else(|| Error::invalid(name, "true or false", value))
            };
            match name.as_str() {
                "backend" => {
                    options.backend = BackendChoice::deserialize(value)
                        .map_err(|_| Error::invalid(name, "\"auto\", \"gpu\" or \"cpu\"", value))?;
                }
                "context" => options.n_ctx = Some(count()?),
                "batch" => options.n_batch = Some(count()?),
                "cache_type" => {
                    let known = value.as_str().and_then(CacheType::from_name);
                    options.cache_type =
                        known.ok_or_else(|| Error::invalid(name, "\"f16\", \"f32\" or \"q8_0\"", value))?;
                }
                "ignore_window" => options.ignore_window = flag()?,
                "exact" => options.exact = flag()?,
                "threads" => match count()? {
                    0 => return Err(Error::invalid(name, "at least 1", value)),
                    n => options.threads = Some(n),
                },
                "tested" => {
                    options.tested =
                        Vec::deserialize(value).map_err(|_| Error::invalid(name, "a list of names", value))?;
                }
                "timestamps" => options.timestamps = flag()?,
                "speculation" => options.speculation = Speculation::from_json(name, value)?,
                #[cfg(feature = "gpu")]
                "tuning" => {
                    let expected = "\"off\", \"auto\", \"always\" or a tuning";
                    options.tuning =
                        crate::engine::Tune::deserialize(value).map_err(|_| Error::invalid(name, expected, value))?;
                }
                _ => return Err(Error::invalid(name, "an option that kinglet knows", "an unknown one")),
            }
        }
        Ok(options)
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
    /// What the GPU has, and which variants of the kernels run there.
    #[cfg(feature = "gpu")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<crate::engine::GpuFacts>,
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
    /// Values of an embedding.
    pub embedding_length: usize,
    /// Whether the file brings a chat template.
    pub chat_template: bool,
    /// What a calibration made with this model is bound to.
    pub binding: Identity,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_are_read() {
        let all = json!({"backend": "gpu", "context": 64, "batch": 8, "cache_type": "f32", "ignore_window": true,
            "exact": true, "threads": 3, "tested": ["top_k"], "timestamps": true, "speculation": {"draft": 2}});
        let expect = SessionOptions {
            backend: BackendChoice::Gpu,
            n_ctx: Some(64),
            n_batch: Some(8),
            cache_type: CacheType::F32,
            ignore_window: true,
            exact: true,
            threads: Some(3),
            tested: vec!["top_k".into()],
            timestamps: true,
            speculation: Speculation::Draft(2),
            ..SessionOptions::default()
        };
        assert_eq!(SessionOptions::from_json(&all), Ok(expect));
        assert_eq!(SessionOptions::from_json(&json!({})), Ok(SessionOptions::default()));
        for dtype in CacheType::ALL {
            let options = SessionOptions::from_json(&json!({"cache_type": dtype.name()})).unwrap();
            assert_eq!(options.cache_type, dtype);
        }
    }

    #[test]
    fn a_wrong_option_is_named() {
        let cases = [
            ("backend", json!("tpu")),
            ("context", json!(-1)),
            ("context", json!(1.5)),
            ("batch", json!("8")),
            ("cache_type", json!("f8")),
            ("ignore_window", json!(1)),
            ("exact", json!("yes")),
            ("threads", json!(0)),
            ("tested", json!("top_k")),
            ("timestamps", json!(1)),
            ("speculation", json!("auto")),
            ("speculation", json!({"draft": 0})),
            ("speculation", json!({"draft": 1, "length": 3})),
            #[cfg(feature = "gpu")]
            ("tuning", json!("on")),
            ("depth", json!(1)),
        ];
        for (name, value) in cases {
            let error = SessionOptions::from_json(&json!({ name: value })).unwrap_err();
            assert_eq!(error.code(), "invalid_request");
            assert_eq!(error.detail()["param"], name, "{error}");
        }
        assert!(SessionOptions::from_json(&json!(7)).is_err());
    }
}
