//! Which tensor gets which format: llama.cpp's rules for its file types, for the tensors of the families that run here.
//!
//! A mix spends its extra bits where an error costs most. Rows, first match wins; "middle" is each type's own format:
//!
//! | tensor | rule | why |
//! |---|---|---|
//! | vectors: norms, biases, rope factors | as they are | a few kilobytes, and every activation passes through them |
//! | `output`, or `token_embd` when it is also the output | Q6_K; Q8_0 in q8_0 | its error is in every logit, nothing follows that evens it out |
//! | `token_embd` | middle | one row is read for each token |
//! | `attn_v` | q2_k: Q3_K, with 4 or more query heads on one: Q4_K; q3_k_m: Q5_K in layers 0 and 1, else Q4_K; q3_k_l: Q5_K; q4_k_s: Q5_K in layers 0 to 3; q4_k_m, q5_k_m: Q6_K where more bits go | small, and its error goes to the output unweighted by any softmax |
//! | `attn_v` of llama's 70B (80 layers, shared heads) | at least Q5_K | eight query heads read it, and it is tiny there |
//! | `attn_qkv` (fused) | q3_k_m, q3_k_l: Q4_K; q4_k_m: Q5_K; q5_k_m: Q6_K | holds `attn_v`, but q and k too: one step more, in all layers |
//! | `attn_output` | q2_k: Q3_K; q3_k_m: Q4_K; q3_k_l: Q5_K | below four bits the middle is too coarse for it |
//! | `ffn_down` | q2_k: Q3_K; q3_k_m: Q5_K in the first sixteenth, else Q4_K; q3_k_l: Q5_K; q4_k_s: Q5_K in the first eighth; q4_k_m, q5_k_m: Q6_K where more bits go | its input, a product, has the largest outliers |
//! | everything else | middle | |
//!
//! More bits go to the first eighth of the layers, the last eighth, and every third in between.
//!
//! Rows that are no whole number of a format's blocks fall back to one of 32 weights, or F16: Q2_K and Q3_K → Q4_0
//! (llama.cpp: IQ4_NL, of the same size, which kinglet does not have), Q4_K → Q5_0, Q5_K → Q5_1, Q6_K → Q8_0.

use super::Options;
use crate::gguf::TensorInfo;
use crate::model::config::DecoderConfig;
use crate::quant::DType;
use crate::quant::FileType;

/// Layers of llama's 70B model.
const LAYERS_70B: usize = 80;

/// The format that tensor `t` of a model gets; `None`: it stays as it is.
pub(super) fn format(t: &TensorInfo, config: &DecoderConfig, options: &Options) -> Option<DType> {
    let is_vector = t.shape[1..].iter().all(|&d| d == 1);
    if is_vector {
        return None;
    }
    let wanted = if t.name == "token_embd.weight" && options.embedding.is_some() {
        options.embedding
    } else if is_output(t, config) && options.output.is_some() {
        options.output
    } else if options.pure {
        None
    } else {
        mixed(t, config, options.file_type)
    };
    Some(fitting(wanted.unwrap_or(options.file_type.base()), t.shape[0]))
}

fn is_output(t: &TensorInfo, config: &DecoderConfig) -> bool {
    let name = if config.tensors.tied_output {
        "token_embd.weight"
    } else {
        "output.weight"
    };
    t.name == name
}

/// The mix of the table above; `None`: the middle.
fn mixed(t: &TensorInfo, config: &DecoderConfig, file_type: FileType) -> Option<DType> {
    use FileType::{BF16, F16, F32, Q2K, Q3KL, Q3KM, Q4KM, Q4KS, Q5KM, Q8_0};
    if is_output(t, config) {
        return (!matches!(file_type, F32 | F16 | BF16 | Q8_0)).then_some(DType::Q6K);
    }
    let (layer, part) = layer(&t.name)?;
    let n = config.n_layer;
    match (part, file_type) {
        ("attn_v.weight", _) => value(layer, config, file_type),
        ("attn_qkv.weight", Q3KM | Q3KL) => Some(DType::Q4K),
        ("attn_qkv.weight", Q4KM) => Some(DType::Q5K),
        ("attn_qkv.weight", Q5KM) => Some(DType::Q6K),
        ("attn_output.weight", Q2K) => Some(DType::Q3K),
        ("attn_output.weight", Q3KM) => Some(DType::Q4K),
        ("attn_output.weight", Q3KL) => Some(DType::Q5K),
        ("ffn_down.weight", Q2K) => Some(DType::Q3K),
        ("ffn_down.weight", Q3KM) if layer < n / 16 => Some(DType::Q5K),
        ("ffn_down.weight", Q3KM) => Some(DType::Q4K),
        ("ffn_down.weight", Q3KL) => Some(DType::Q5K),
        ("ffn_down.weight", Q4KS) if layer < n / 8 => Some(DType::Q5K),
        ("ffn_down.weight", Q4KM | Q5KM) if more_bits(layer, n) => Some(DType::Q6K),
        _ => None,
    }
}

/// `attn_v`.
fn value(layer: usize, config: &DecoderConfig, file_type: FileType) -> Option<DType> {
    use FileType::{Q2K, Q3KL, Q3KM, Q4KM, Q4KS, Q5KM};
    let shared = config.n_head / config.n_head_kv.max(1);
    let format = match file_type {
        Q2K if shared >= 4 => Some(DType::Q4K),
        Q2K => Some(DType::Q3K),
        Q3KM if layer < 2 => Some(DType::Q5K),
        Q3KM => Some(DType::Q4K),
        Q3KL => Some(DType::Q5K),
        Q4KS if layer < 4 => Some(DType::Q5K),
        Q4KM | Q5KM if more_bits(layer, config.n_layer) => Some(DType::Q6K),
        _ => None,
    };
    let is_70b = config.n_layer == LAYERS_70B && shared > 1 && matches!(config.arch, "llama" | "qwen2");
    match format.unwrap_or(file_type.base()) {
        DType::Q3K | DType::Q4K if is_70b => Some(DType::Q5K),
        _ => format,
    }
}

/// See the table.
fn more_bits(layer: usize, n_layer: usize) -> bool {
    let eighth = n_layer / 8;
    layer < eighth || layer >= 7 * n_layer / 8 || (layer - eighth) % 3 == 2
}

/// `(3, "attn_v.weight")` of `blk.3.attn_v.weight`.
fn layer(name: &str) -> Option<(usize, &str)> {
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    Some((layer.parse().ok()?, part))
}

/// `wanted`, or what rows of `cols` weights allow instead.
fn fitting(wanted: DType, cols: u64) -> DType {
    let fits = |t: DType| cols.is_multiple_of(t.block_len() as u64);
    if fits(wanted) {
        return wanted;
    }
    let instead = match wanted {
        DType::Q2K | DType::Q3K => DType::Q4_0,
        DType::Q4K => DType::Q5_0,
        DType::Q5K => DType::Q5_1,
        DType::Q6K => DType::Q8_0,
        _ => DType::F16,
    };
    if fits(instead) { instead } else { DType::F16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_bits_at_both_ends_and_every_third() {
        let chosen = |n| (0..n).filter(|&i| more_bits(i, n)).collect::<Vec<_>>();
        assert_eq!(chosen(5), [2, 4]);
        assert_eq!(chosen(16), [0, 1, 4, 7, 10, 13, 14, 15]);
    }

    #[test]
    fn rows_that_do_not_fit_fall_back() {
        for (wanted, cols, expect) in [
            (DType::Q4K, 256, DType::Q4K),
            (DType::Q4K, 288, DType::Q5_0),
            (DType::Q5K, 288, DType::Q5_1),
            (DType::Q6K, 288, DType::Q8_0),
            (DType::Q2K, 288, DType::Q4_0),
            (DType::Q6K, 100, DType::F16),
            (DType::Q8_0, 100, DType::F16),
            (DType::BF16, 100, DType::BF16),
        ] {
            assert_eq!(fitting(wanted, cols), expect, "{wanted} {cols}");
        }
    }
}
