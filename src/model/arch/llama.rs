//! llama: Llama 2 and 3.x, Mistral, TinyLlama, SmolLM2. Files hold q and k permuted for interleaved rotation.

use super::fields::Fields;
use crate::error::Result;
use crate::model::config::{DecoderConfig, TensorLayout};
use crate::ops::RopeOrder;

pub(super) fn config(f: &Fields<'_>) -> Result<DecoderConfig> {
    f.decoder(
        RopeOrder::Interleaved,
        TensorLayout {
            fused_qkv: false,
            fused_gate_up: false,
            qkv_bias: f.has("blk.0.attn_q.bias"),
            head_norms: false,
            tied_output: f.tied_output(),
        },
    )
}
