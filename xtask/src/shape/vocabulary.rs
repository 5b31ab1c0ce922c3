//! What a generated file says about itself, and its tokenizer: Phi-3's control tokens, invented pieces.

use super::gguf::Value;
use super::{HEAD_DIM, N_VOCAB, Shape};

/// Our own template in the form of Phi-3's.
const TEMPLATE: &str = "{% for message in messages %}{{ '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' }}\
                        {% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";

/// All metadata of a file of this shape; `file_type` is llama.cpp's number of the mix.
pub fn metadata(shape: &Shape, file_type: u32) -> Vec<(&'static str, Value)> {
    let (tokens, types) = vocabulary();
    let scores = (0..tokens.len()).map(|i| -(i as f32)).collect();
    vec![
        ("general.architecture", Value::Str("phi3")),
        ("general.name", Value::Str(shape.name)),
        ("general.file_type", Value::U32(file_type)),
        ("phi3.context_length", Value::U32(4096)),
        ("phi3.embedding_length", Value::U32(shape.n_embd as u32)),
        ("phi3.feed_forward_length", Value::U32(shape.n_ff as u32)),
        ("phi3.block_count", Value::U32(shape.n_layer as u32)),
        ("phi3.attention.head_count", Value::U32(shape.n_head())),
        ("phi3.attention.head_count_kv", Value::U32(shape.n_head())),
        ("phi3.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("phi3.attention.sliding_window", Value::U32(2047)),
        ("phi3.rope.dimension_count", Value::U32(HEAD_DIM)),
        ("phi3.rope.freq_base", Value::F32(10000.0)),
        ("tokenizer.ggml.model", Value::Str("llama")),
        ("tokenizer.ggml.pre", Value::Str("default")),
        ("tokenizer.ggml.tokens", Value::Strs(tokens)),
        ("tokenizer.ggml.scores", Value::F32s(scores)),
        ("tokenizer.ggml.token_type", Value::I32s(types)),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(32000)),
        ("tokenizer.ggml.unknown_token_id", Value::U32(0)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(true)),
        ("tokenizer.ggml.add_eos_token", Value::Bool(false)),
        ("tokenizer.chat_template", Value::Str(TEMPLATE)),
    ]
}

/// Ids of text; below are control tokens and bytes, above control tokens.
pub const PIECES: std::ops::Range<u64> = 259..32000;

/// Pieces and their types: Phi-3's control tokens and bytes at their real ids, invented pieces of up to three letters
/// elsewhere.
fn vocabulary() -> (Vec<String>, Vec<i32>) {
    const NORMAL: i32 = 1;
    const UNKNOWN: i32 = 2;
    const CONTROL: i32 = 3;
    const BYTE: i32 = 6;
    let control = |text: &str| (text.to_string(), CONTROL);
    let mut all = vec![("<unk>".to_string(), UNKNOWN), control("<s>"), control("</s>")];
    all.extend((0..256).map(|b| (format!("<0x{b:02X}>"), BYTE)));
    let letters = || ('a'..='z').map(String::from);
    let longer = |short: Vec<String>| -> Vec<String> {
        short
            .iter()
            .flat_map(|s| letters().map(move |l| format!("{s}{l}")))
            .collect()
    };
    let (one, space) = (letters().collect::<Vec<_>>(), vec!["▁".to_string()]);
    let others = (33u8..127)
        .filter(|b| !b.is_ascii_lowercase())
        .map(|b| char::from(b).to_string());
    let mut pieces: Vec<String> = space.iter().cloned().chain(one.clone()).chain(others).collect();
    let (two, space_one) = (longer(one), longer(space));
    let (three, space_two) = (longer(two.clone()), longer(space_one.clone()));
    let space_three = longer(space_two.clone());
    pieces.extend([space_one, two, space_two, three, space_three].into_iter().flatten());
    all.extend(pieces.into_iter().map(|p| (p, NORMAL)));
    all.truncate(PIECES.end as usize);
    let names = [
        "endoftext",
        "assistant",
        "placeholder1",
        "placeholder2",
        "placeholder3",
        "placeholder4",
        "system",
    ];
    all.extend(names.map(|n| control(&format!("<|{n}|>"))));
    all.push(control("<|end|>"));
    all.extend(["placeholder5", "placeholder6", "user"].map(|n| control(&format!("<|{n}|>"))));
    all.extend((all.len()..N_VOCAB as usize).map(|i| control(&format!("<|unused{i}|>"))));
    all.into_iter().unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vocabulary_is_complete_and_distinct() {
        let (tokens, types) = vocabulary();
        let text = |id: u64| types[id as usize] == 1;
        assert!((0..N_VOCAB).all(|id| text(id) == PIECES.contains(&id)));
        assert_eq!((tokens.len(), types.len()), (N_VOCAB as usize, N_VOCAB as usize));
        assert_eq!(
            (tokens[32000].as_str(), tokens[32007].as_str()),
            ("<|endoftext|>", "<|end|>")
        );
        assert_eq!(
            tokens.iter().collect::<std::collections::HashSet<_>>().len(),
            tokens.len()
        );
    }
}
