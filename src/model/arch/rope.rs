//! Rotary scaling from metadata and tensors.

use super::fields::Fields;
use crate::error::{Error, Result};
use crate::model::config::RopeScaling;

/// Base frequency where the metadata does not say (GGUF specification).
pub(super) const DEFAULT_BASE: f32 = 10_000.0;
/// Llama 3: divisors, one per rotated pair.
pub(super) const FREQS: &str = "rope_freqs.weight";
/// Phi-3 128k: divisors up to the original context, and beyond it.
pub(super) const FACTORS_SHORT: &str = "rope_factors_short.weight";
pub(super) const FACTORS_LONG: &str = "rope_factors_long.weight";

/// Bound on factors; real ones are below 100.
const MAX_FACTOR: f32 = 1e6;
/// Bound on the length of the original context.
const MAX_ORIGINAL_CTX: usize = 1 << 24;
/// YaRN's defaults (paper, and llama.cpp where the keys are absent).
const YARN_BETA_FAST: f32 = 32.0;
const YARN_BETA_SLOW: f32 = 1.0;

/// How angles are stretched. As in llama.cpp, a factor without a type is linear, and factor tensors mean longrope.
pub(super) fn scaling(f: &Fields<'_>, n_ctx_train: usize) -> Result<RopeScaling> {
    let kind = f.str("rope.scaling.type")?;
    if let Some(got) = kind.filter(|k| !["none", "linear", "yarn", "longrope"].contains(k)) {
        return Err(Error::UnsupportedFeature {
            what: f.named("rope.scaling.type"),
            got: got.chars().take(80).collect(),
            supported: "none, linear, yarn, longrope".into(),
        });
    }
    if f.has(FACTORS_LONG) || f.has(FACTORS_SHORT) || kind == Some("longrope") {
        return match kind {
            None | Some("longrope") if !f.has(FREQS) => long_rope(f, n_ctx_train),
            _ => Err(clash(f, kind, FACTORS_LONG)),
        };
    }
    let factor = match f.positive("rope.scaling.factor", MAX_FACTOR)? {
        None => f.positive("rope.scale_linear", MAX_FACTOR)?, // the key of 2023
        some => some,
    };
    let factor = factor.filter(|_| kind != Some("none")).unwrap_or(1.0);
    if kind == Some("yarn") {
        return if f.has(FREQS) {
            Err(clash(f, kind, FREQS))
        } else {
            yarn(f, factor, n_ctx_train)
        };
    }
    if let Some(got) = f
        .positive("rope.scaling.attn_factor", MAX_FACTOR)?
        .filter(|&a| a != 1.0)
    {
        return Err(Error::UnsupportedFeature {
            what: f.named("rope.scaling.attn_factor"),
            got: got.to_string(),
            supported: "1 unless the scaling is longrope or yarn".into(),
        });
    }
    match (f.has(FREQS), factor == 1.0) {
        (true, true) => Ok(RopeScaling::Tensor),
        (true, false) => Err(clash(f, kind.or(Some("linear")), FREQS)),
        (false, true) => Ok(RopeScaling::None),
        (false, false) => Ok(RopeScaling::Linear { factor }),
    }
}

fn clash(f: &Fields<'_>, kind: Option<&str>, tensor: &str) -> Error {
    Error::UnsupportedFeature {
        what: f.named("rope.scaling.type"),
        got: format!("{} together with tensor {tensor}", kind.unwrap_or("none")),
        supported: "one kind of scaling".into(),
    }
}

fn original_ctx(f: &Fields<'_>, n_ctx_train: usize) -> Result<usize> {
    Ok(f.size("rope.scaling.original_context_length", MAX_ORIGINAL_CTX)?
        .unwrap_or(n_ctx_train))
}

fn long_rope(f: &Fields<'_>, n_ctx_train: usize) -> Result<RopeScaling> {
    let original_ctx = original_ctx(f, n_ctx_train)?;
    let attn_factor = match f.positive("rope.scaling.attn_factor", MAX_FACTOR)? {
        Some(given) => given,
        None => long_rope_attn_factor(n_ctx_train, original_ctx),
    };
    Ok(RopeScaling::LongRope {
        original_ctx,
        attn_factor,
    })
}

/// The factor of a file that does not give it: `sqrt(1 + ln(n/o) / ln(o))` for a context n above the original o, else
/// 1 (LongRoPE paper; `_compute_longrope_parameters` of transformers; llama.cpp's converter writes the same number).
fn long_rope_attn_factor(n_ctx_train: usize, original_ctx: usize) -> f32 {
    if n_ctx_train <= original_ctx || original_ctx < 2 {
        return 1.0;
    }
    let (n, o) = (n_ctx_train as f64, original_ctx as f64);
    (1.0 + (n / o).ln() / o.ln()).sqrt() as f32
}

fn yarn(f: &Fields<'_>, factor: f32, n_ctx_train: usize) -> Result<RopeScaling> {
    let given = match f.positive("rope.scaling.attn_factor", MAX_FACTOR)? {
        None => f.positive("rope.scaling.yarn_attn_factor", MAX_FACTOR)?,
        some => some,
    };
    // The paper's temperature: sqrt(1/t) = 0.1 ln(s) + 1, for s > 1.
    let temperature = if factor > 1.0 { 0.1 * factor.ln() + 1.0 } else { 1.0 };
    let beta = |key, default| Ok::<f32, Error>(f.positive(key, MAX_FACTOR)?.unwrap_or(default));
    Ok(RopeScaling::Yarn {
        factor,
        original_ctx: original_ctx(f, n_ctx_train)?,
        attn_factor: temperature * given.unwrap_or(1.0),
        beta_fast: beta("rope.scaling.yarn_beta_fast", YARN_BETA_FAST)?,
        beta_slow: beta("rope.scaling.yarn_beta_slow", YARN_BETA_SLOW)?,
    })
}

#[cfg(test)]
mod tests {
    use super::long_rope_attn_factor;

    #[test]
    fn attn_factor_of_known_models() {
        // Phi-3-mini-128k and Phi-4-mini; microsoft's files give the same numbers.
        assert!((long_rope_attn_factor(131_072, 4096) - 1.190_238_1).abs() < 1e-6);
        assert_eq!(long_rope_attn_factor(4096, 4096), 1.0);
        assert_eq!(long_rope_attn_factor(4096, 1), 1.0);
    }
}
