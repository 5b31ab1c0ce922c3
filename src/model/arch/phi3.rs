//! phi3: Phi-3, Phi-3.5 and Phi-4 (mini). Fused qkv and gate/up projections; long and short rope factors.

use super::fields::Fields;
use crate::error::Result;
use crate::model::config::{DecoderConfig, TensorLayout};
use crate::ops::RopeOrder;

pub(super) fn config(f: &Fields<'_>) -> Result<DecoderConfig> {
    f.decoder(
        RopeOrder::HalfSplit,
        TensorLayout {
            fused_qkv: true,
            fused_gate_up: true,
            qkv_bias: f.has("blk.0.attn_qkv.bias"),
            head_norms: false,
            tied_output: f.tied_output(),
        },
    )
}
