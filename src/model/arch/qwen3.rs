//! qwen3 (dense): RMS norms on each q and k head; the width of a head is independent of n_embd.

use super::fields::Fields;
use crate::error::Result;
use crate::model::config::{DecoderConfig, TensorLayout};
use crate::ops::RopeOrder;

pub(super) fn config(f: &Fields<'_>) -> Result<DecoderConfig> {
    f.decoder(
        RopeOrder::HalfSplit,
        TensorLayout {
            fused_qkv: false,
            fused_gate_up: false,
            qkv_bias: f.has("blk.0.attn_q.bias"),
            head_norms: true,
            tied_output: f.tied_output(),
        },
    )
}
