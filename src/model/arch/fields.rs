//! Hyper-parameters from metadata, each within a sane bound, and the keys that are refused.

use std::collections::HashMap;

use super::rope;
use crate::error::{Error, Result};
use crate::gguf::{Metadata, TensorInfo, Value};
use crate::model::config::{DecoderConfig, RopeConfig, TensorLayout};
use crate::ops::RopeOrder;

// Bounds far above any real model: they keep a hostile file from asking for absurd sizes, and products of them
// inside 64 bits.
const MAX_CTX: usize = 1 << 24;
const MAX_EMBD: usize = 1 << 17;
const MAX_LAYERS: usize = 1 << 10;
const MAX_HEADS: usize = 1 << 10;
/// What the attention kernel holds; it reads pairs, so the width of a head is even, too.
const MAX_HEAD_DIM: usize = 256;
const MAX_FF: usize = 1 << 20;
const MAX_VOCAB: usize = 1 << 22;
/// Bound on the RMS-norm epsilon; real ones are 1e-6 to 1e-5.
const MAX_EPS: f32 = 1e-2;
/// Bound on the rotary base frequency; the largest real ones are 1e7.
const MAX_ROPE_BASE: f32 = 1e12;

/// Keys (without the family's prefix) that change the computation in ways the decoder does not know, and the values
/// at which they change nothing.
const REFUSED: [(&str, &[f64]); 24] = [
    ("expert_count", &[0.0]),
    ("expert_used_count", &[0.0]),
    ("expert_shared_count", &[0.0]),
    ("leading_dense_block_count", &[0.0]),
    ("nextn_predict_layers", &[0.0]),
    ("attention.causal", &[1.0]),
    ("attention.clamp_kqv", &[0.0]),
    ("attention.max_alibi_bias", &[0.0]),
    ("attention.output_scale", &[0.0, 1.0]),
    ("attention.temperature_scale", &[0.0]),
    ("attention.temperature_length", &[0.0]),
    ("attention.sliding_window_pattern", &[0.0, 1.0]),
    ("attention.shared_kv_layers", &[0.0]),
    ("attention.key_length_mla", &[0.0]),
    ("attn_logit_softcapping", &[0.0]),
    ("final_logit_softcapping", &[0.0]),
    ("logit_scale", &[0.0, 1.0]),
    ("embedding_scale", &[0.0, 1.0]),
    ("residual_scale", &[0.0, 1.0]),
    ("use_parallel_residual", &[0.0]),
    ("rope.dimension_sections", &[]),
    ("rope.freq_base_swa", &[]),
    ("rope.scaling.yarn_log_multiplier", &[0.0]),
    ("rope.scaling.yarn_ext_factor", &[1.0]),
];

/// Metadata of one family, and tensors by name.
pub(super) struct Fields<'a> {
    arch: &'static str,
    meta: &'a Metadata,
    pub(super) tensors: HashMap<&'a str, &'a TensorInfo>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(arch: &'static str, meta: &'a Metadata, tensors: &'a [TensorInfo]) -> Self {
        Self {
            arch,
            meta,
            tensors: tensors.iter().map(|t| (t.name.as_str(), t)).collect(),
        }
    }

    /// True when the file has tensor `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// True when the embedding doubles as the output projection.
    pub(super) fn tied_output(&self) -> bool {
        !self.has("output.weight")
    }

    /// The full key of `suffix`.
    pub(super) fn key(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.arch)
    }

    /// `metadata key "llama.x"`, for messages.
    pub(super) fn named(&self, suffix: &str) -> String {
        format!("metadata key \"{}\"", self.key(suffix))
    }

    /// A string.
    pub(super) fn str(&self, suffix: &str) -> Result<Option<&'a str>> {
        self.meta.str(&self.key(suffix))
    }

    /// A float in `0 < x <= max`; infinities and NaN are refused.
    pub(super) fn positive(&self, suffix: &str, max: f32) -> Result<Option<f32>> {
        match self.meta.f32(&self.key(suffix))? {
            Some(x) if !(x > 0.0 && x <= max) => Err(Error::bad_file(
                self.named(suffix),
                format!("a float in 0 < x <= {max}"),
                x,
            )),
            x => Ok(x),
        }
    }

    /// An integer in `1..=max`; an array of one value per layer counts when all are equal.
    pub(super) fn size(&self, suffix: &str, max: usize) -> Result<Option<usize>> {
        let got = match self.meta.get(&self.key(suffix)) {
            Some(Value::Array(per_layer)) => {
                let values = self.meta.u32s(&self.key(suffix))?.unwrap_or_default();
                match values.first() {
                    Some(&first) if values.iter().all(|&v| v == first) => first,
                    _ => {
                        return Err(Error::UnsupportedFeature {
                            what: self.named(suffix),
                            got: format!("array of {} different values", per_layer.len()),
                            supported: "the same value for all layers".into(),
                        });
                    }
                }
            }
            _ => match self.meta.u32(&self.key(suffix))? {
                Some(x) => x,
                None => return Ok(None),
            },
        };
        match got as usize {
            n if (1..=max).contains(&n) => Ok(Some(n)),
            n => Err(Error::bad_file(self.named(suffix), format!("1..{max}"), n)),
        }
    }

    fn required<T>(&self, suffix: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| Error::bad_file(self.named(suffix), "a value", "none"))
    }

    fn required_size(&self, suffix: &str, max: usize) -> Result<usize> {
        self.required(suffix, self.size(suffix, max)?)
    }

    /// Refuses keys that the decoder would silently leave out.
    pub(super) fn refuse_unknown_features(&self) -> Result<()> {
        if let Some(kind) = self.meta.str("general.type")?.filter(|&t| t != "model") {
            return Err(Error::UnsupportedFeature {
                what: "metadata key \"general.type\"".into(),
                got: kind.chars().take(80).collect(),
                supported: "model".into(),
            });
        }
        for (suffix, neutral) in REFUSED {
            let Some(value) = self.meta.get(&self.key(suffix)) else {
                continue;
            };
            if number(value).is_none_or(|x| !neutral.contains(&x)) {
                return Err(Error::UnsupportedFeature {
                    what: self.named(suffix),
                    got: value.to_string(),
                    supported: match neutral {
                        [] => "files without this key".into(),
                        _ => format!("the value {neutral:?}"),
                    },
                });
            }
        }
        Ok(())
    }

    /// The configuration, given what the family decides.
    pub(super) fn decoder(&self, order: RopeOrder, tensors: TensorLayout) -> Result<DecoderConfig> {
        let n_ctx_train = self.required_size("context_length", MAX_CTX)?;
        let n_embd = self.required_size("embedding_length", MAX_EMBD)?;
        let n_head = self.required_size("attention.head_count", MAX_HEADS)?;
        let n_head_kv = self.size("attention.head_count_kv", MAX_HEADS)?.unwrap_or(n_head);
        if !n_head.is_multiple_of(n_head_kv) {
            let expected = format!("a divisor of the {n_head} query heads");
            return Err(Error::bad_file(
                self.named("attention.head_count_kv"),
                expected,
                n_head_kv,
            ));
        }
        let head_dim = self.head_dim(n_embd, n_head)?;
        let n_rot = self.size("rope.dimension_count", MAX_HEAD_DIM)?.unwrap_or(head_dim);
        if n_rot > head_dim || !n_rot.is_multiple_of(2) {
            let expected = format!("an even number up to the head's {head_dim} elements");
            return Err(Error::bad_file(self.named("rope.dimension_count"), expected, n_rot));
        }
        let eps = "attention.layer_norm_rms_epsilon";
        Ok(DecoderConfig {
            arch: self.arch,
            name: self.meta.str("general.name")?.unwrap_or_default().to_owned(),
            n_ctx_train,
            n_embd,
            n_layer: self.required_size("block_count", MAX_LAYERS)?,
            n_head,
            n_head_kv,
            head_dim,
            n_ff: self.required_size("feed_forward_length", MAX_FF)?,
            n_vocab: self.n_vocab()?,
            norm_eps: self.required(eps, self.positive(eps, MAX_EPS)?)?,
            rope: RopeConfig {
                n_rot,
                order,
                base: self
                    .positive("rope.freq_base", MAX_ROPE_BASE)?
                    .unwrap_or(rope::DEFAULT_BASE),
                scaling: rope::scaling(self, n_ctx_train)?,
            },
            sliding_window: self.sliding_window()?,
            tensors,
        })
    }

    /// `attention.key_length`, else `n_embd / n_head`. Values must be as wide as keys, and scores scaled as usual.
    fn head_dim(&self, n_embd: usize, n_head: usize) -> Result<usize> {
        let head_dim = match self.size("attention.key_length", MAX_HEAD_DIM)? {
            Some(n) => n,
            None if n_embd.is_multiple_of(n_head) && n_embd / n_head <= MAX_HEAD_DIM => n_embd / n_head,
            None => {
                let expected = format!("a divisor of embedding_length {n_embd} giving heads of 1..{MAX_HEAD_DIM}");
                return Err(Error::bad_file(self.named("attention.head_count"), expected, n_head));
            }
        };
        if !head_dim.is_multiple_of(2) {
            return Err(Error::UnsupportedFeature {
                what: "the width of a head".into(),
                got: head_dim.to_string(),
                supported: format!("even numbers up to {MAX_HEAD_DIM}"),
            });
        }
        let value_length = self.size("attention.value_length", MAX_HEAD_DIM)?.unwrap_or(head_dim);
        if value_length != head_dim {
            return Err(Error::UnsupportedFeature {
                what: self.named("attention.value_length"),
                got: value_length.to_string(),
                supported: format!("the key length, {head_dim}"),
            });
        }
        const SCALE_TOLERANCE: f32 = 1e-5; // relative; only rounding is allowed
        let usual = 1.0 / (head_dim as f32).sqrt();
        match self.meta.f32(&self.key("attention.scale"))? {
            Some(s) if s != 0.0 && (s - usual).abs() > usual * SCALE_TOLERANCE => Err(Error::UnsupportedFeature {
                what: self.named("attention.scale"),
                got: s.to_string(),
                supported: format!("1/sqrt({head_dim}) = {usual}"),
            }),
            _ => Ok(head_dim),
        }
    }

    /// Rows of the embedding; `vocab_size` and the tokenizer's list, where they are there, must agree.
    fn n_vocab(&self) -> Result<usize> {
        let name = "token_embd.weight";
        let Some(embd) = self.tensors.get(name) else {
            return Err(Error::bad_file(
                format!("tensor {name:?}"),
                "a matrix [n_embd, n_vocab]",
                "none",
            ));
        };
        let rows = embd.shape.get(1).copied().unwrap_or(1);
        let n_vocab = usize::try_from(rows).ok().filter(|n| *n <= MAX_VOCAB);
        let Some(n_vocab) = n_vocab else {
            return Err(Error::bad_file(
                format!("tensor {name:?}"),
                format!("1..{MAX_VOCAB} rows"),
                rows,
            ));
        };
        match self.size("vocab_size", MAX_VOCAB)? {
            Some(said) if said != n_vocab => {
                return Err(Error::bad_file(
                    format!("tensor {name:?}"),
                    format!("vocab_size {said} rows"),
                    n_vocab,
                ));
            }
            _ => {}
        }
        let tokens = self.meta.strs("tokenizer.ggml.tokens")?.map_or(0, |t| t.len());
        if tokens > n_vocab {
            let expected = format!("at most {n_vocab} tokens, the rows of {name:?}");
            return Err(Error::bad_file(
                "metadata key \"tokenizer.ggml.tokens\"",
                expected,
                tokens,
            ));
        }
        Ok(n_vocab)
    }

    /// Zero, like an absent key, means no window.
    fn sliding_window(&self) -> Result<Option<usize>> {
        let key = self.key("attention.sliding_window");
        Ok(self.meta.u32(&key)?.filter(|&w| w > 0).map(|w| w as usize))
    }
}

/// A number or bool as a float.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::F32(x) => Some(f64::from(*x)),
        Value::F64(x) => Some(*x),
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        other => other.integer().map(|x| x as f64),
    }
}
