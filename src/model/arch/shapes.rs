//! Every tensor that a configuration needs, with its shape; the file must have exactly these.

use super::fields::Fields;
use super::rope;
use crate::error::{Error, Result};
use crate::gguf::TensorInfo;
use crate::model::config::{DecoderConfig, RopeScaling};
use crate::quant::DType;

/// Formats of vectors (norm gains, biases, rope factors).
const VECTOR_TYPES: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

/// Names and GGUF shapes (contiguous dimension first) of all tensors of the model.
pub(super) fn expected(c: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let (q, kv) = (c.n_head * c.head_dim, c.n_head_kv * c.head_dim);
    let mut out = vec![
        ("token_embd.weight".into(), vec![c.n_embd, c.n_vocab]),
        ("output_norm.weight".into(), vec![c.n_embd]),
    ];
    if !c.tensors.tied_output {
        out.push(("output.weight".into(), vec![c.n_embd, c.n_vocab]));
    }
    let factors: &[&str] = match c.rope.scaling {
        RopeScaling::Tensor => &[rope::FREQS],
        RopeScaling::LongRope { .. } => &[rope::FACTORS_SHORT, rope::FACTORS_LONG],
        RopeScaling::None | RopeScaling::Linear { .. } | RopeScaling::Yarn { .. } => &[],
    };
    out.extend(factors.iter().map(|name| (name.to_string(), vec![c.rope.n_rot / 2])));
    for layer in 0..c.n_layer {
        let mut add = |name: &str, shape: Vec<usize>| out.push((format!("blk.{layer}.{name}"), shape));
        add("attn_norm.weight", vec![c.n_embd]);
        let projections = [("attn_q", q), ("attn_k", kv), ("attn_v", kv)];
        let fused = [("attn_qkv", q + 2 * kv)];
        for &(name, rows) in if c.tensors.fused_qkv {
            &fused[..]
        } else {
            &projections[..]
        } {
            add(&format!("{name}.weight"), vec![c.n_embd, rows]);
            if c.tensors.qkv_bias {
                add(&format!("{name}.bias"), vec![rows]);
            }
        }
        if c.tensors.head_norms {
            add("attn_q_norm.weight", vec![c.head_dim]);
            add("attn_k_norm.weight", vec![c.head_dim]);
        }
        add("attn_output.weight", vec![q, c.n_embd]);
        add("ffn_norm.weight", vec![c.n_embd]);
        if c.tensors.fused_gate_up {
            add("ffn_up.weight", vec![c.n_embd, 2 * c.n_ff]);
        } else {
            add("ffn_gate.weight", vec![c.n_embd, c.n_ff]);
            add("ffn_up.weight", vec![c.n_embd, c.n_ff]);
        }
        add("ffn_down.weight", vec![c.n_ff, c.n_embd]);
    }
    out
}

/// Checks the file against [`expected`]: presence, shape, format, and that nothing is left over (a left-over bias or
/// expert would mean that the answers are wrong).
pub(super) fn check(c: &DecoderConfig, f: &Fields<'_>) -> Result<()> {
    let expected = expected(c);
    for (name, shape) in &expected {
        match f.tensors.get(name.as_str()) {
            None => {
                return Err(Error::bad_file(
                    format!("tensor {name:?}"),
                    format!("shape {shape:?}"),
                    "none",
                ));
            }
            Some(t) => check_one(t, shape)?,
        }
    }
    if f.tensors.len() == expected.len() {
        return Ok(()); // all expected ones are there, so there are no others
    }
    let known: std::collections::HashSet<&str> = expected.iter().map(|e| e.0.as_str()).collect();
    let mut extra: Vec<&str> = f.tensors.keys().copied().filter(|name| !known.contains(name)).collect();
    extra.sort_unstable();
    match extra.first() {
        Some(name) => Err(Error::UnsupportedFeature {
            what: format!("tensor {name:?}"),
            got: format!("a tensor that {} models do not have", c.arch),
            supported: format!(
                "the {} tensors of the {} layers that the metadata describes",
                expected.len(),
                c.n_layer
            ),
        }),
        None => Ok(()),
    }
}

fn check_one(t: &TensorInfo, shape: &[usize]) -> Result<()> {
    // Trailing dimensions of 1 carry nothing.
    let used = t
        .shape
        .iter()
        .rposition(|&d| d != 1)
        .map_or(1, |last| last + 1)
        .max(shape.len());
    if t.shape.len() < shape.len() || !t.shape[..used].iter().copied().eq(shape.iter().map(|&d| d as u64)) {
        return Err(Error::bad_file(
            format!("tensor {:?}", t.name),
            format!("shape {shape:?}"),
            format!("{:?}", t.shape),
        ));
    }
    let allowed = if shape.len() == 1 {
        &VECTOR_TYPES[..]
    } else {
        &DType::ALL[..]
    };
    match t.dtype {
        Some(dtype) if allowed.contains(&dtype) => Ok(()),
        _ => Err(Error::UnsupportedType {
            tensor: t.name.clone(),
            got: t.type_name(),
            supported: allowed.iter().map(|d| d.name()).collect::<Vec<_>>().join(", "),
        }),
    }
}
