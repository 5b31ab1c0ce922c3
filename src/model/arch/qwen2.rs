//! qwen2: Qwen 2 and 2.5. Biases on q, k and v.

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
            qkv_bias: true,
            head_norms: false,
            tied_output: f.tied_output(),
        },
    )
}
