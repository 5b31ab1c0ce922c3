//! What a decoder needs to know of a model, in GGUF's own names. Filled in by `model/arch/*`.

use crate::ops::RopeOrder;

/// Hyper-parameters of one decoder-only transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderConfig {
    /// `general.architecture`.
    pub arch: &'static str,
    /// `general.name`, or empty.
    pub name: String,
    /// Context the model was trained for.
    pub n_ctx_train: usize,
    /// Width of the residual stream.
    pub n_embd: usize,
    /// Blocks.
    pub n_layer: usize,
    /// Query heads.
    pub n_head: usize,
    /// Key/value heads.
    pub n_head_kv: usize,
    /// Elements of a head (key and value alike).
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub n_ff: usize,
    /// Rows of the embedding.
    pub n_vocab: usize,
    /// RMS-norm epsilon.
    pub norm_eps: f32,
    /// Rotary embedding.
    pub rope: RopeConfig,
    /// Keys a query sees, itself included; `None`: all. The loader drops a window `>=` the context.
    pub sliding_window: Option<usize>,
    /// How the projections lie in the file.
    pub tensors: TensorLayout,
}

/// Rotary embedding: angle of pair i at position p is `p / (base^(2i/n_rot) * factor[i])`.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeConfig {
    /// Rotated elements of a head (`<= head_dim`: partial rotary).
    pub n_rot: usize,
    /// Pairing.
    pub order: RopeOrder,
    /// Base frequency.
    pub base: f32,
    /// How angles are stretched for long contexts.
    pub scaling: RopeScaling,
}

/// Long-context scaling of the rotary embedding.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// As trained.
    None,
    /// All angles divided by a factor.
    Linear { factor: f32 },
    /// Per-pair divisors in the tensor `rope_freqs.weight` (llama 3).
    Tensor,
    /// Two tensors of per-pair divisors, `rope_factors_short.weight` and `rope_factors_long.weight`, chosen by the
    /// *allocated* context against the original one; cos and sin are multiplied by `attn_factor` (phi3 128k).
    LongRope { original_ctx: usize, attn_factor: f32 },
    /// YaRN: blends interpolated and original angles per pair (qwen2 long context). Cos and sin are multiplied by
    /// `attn_factor`, which already includes the paper's temperature, `0.1 ln(factor) + 1`.
    Yarn {
        factor: f32,
        original_ctx: usize,
        attn_factor: f32,
        beta_fast: f32,
        beta_slow: f32,
    },
}

/// Which tensors a block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorLayout {
    /// `attn_qkv` (fused) instead of `attn_q`, `attn_k`, `attn_v`.
    pub fused_qkv: bool,
    /// `ffn_up` holds gate rows then up rows; otherwise `ffn_gate` and `ffn_up`.
    pub fused_gate_up: bool,
    /// Biases on q, k and v (`attn_q.bias` …, or `attn_qkv.bias`).
    pub qkv_bias: bool,
    /// `attn_q_norm`, `attn_k_norm`: RMS norms of each head.
    pub head_norms: bool,
    /// No `output.weight`: the embedding is used as the output projection.
    pub tied_output: bool,
}
