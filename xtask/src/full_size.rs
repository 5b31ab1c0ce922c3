//! A file of exact Phi-3-mini-4k shape and Q4_K_M mix (2.39 GB), with seeded weights.
//!
//! It says nothing sensible, but every tensor has the real name, shape and format, activations stay of the size that
//! real ones have (each projection keeps the variance), block scales of Q5_K and Q6_K are subnormal as in real files,
//! and the same seed gives the same bytes everywhere: what loads, runs and agrees on it, does so on the real thing.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::sh;

const N_LAYER: usize = 32;
const N_EMBD: u64 = 3072;
const N_FF: u64 = 8192;
const N_VOCAB: u64 = 32064;
/// Alignment of tensor data, GGUF's default.
const ALIGN: u64 = 32;

/// The formats of the mix, with GGUF's number, weights and bytes of a block.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    F32,
    Q4K,
    Q5K,
    Q6K,
}

impl Format {
    fn id(self) -> u32 {
        match self {
            Format::F32 => 0,
            Format::Q4K => 12,
            Format::Q5K => 13,
            Format::Q6K => 14,
        }
    }

    fn block(self) -> (u64, usize) {
        match self {
            Format::F32 => (1, 4),
            Format::Q4K => (256, 144),
            Format::Q5K => (256, 176),
            Format::Q6K => (256, 210),
        }
    }
}

struct Tensor {
    name: String,
    /// ne0 (inputs), ne1 (outputs); ne1 = 0 for a vector.
    shape: [u64; 2],
    format: Format,
}

impl Tensor {
    fn blocks(&self) -> u64 {
        self.shape[0] * self.shape[1].max(1) / self.format.block().0
    }

    fn bytes(&self) -> u64 {
        self.blocks() * self.format.block().1 as u64
    }
}

/// The path of the file, which is written first unless it is there.
pub fn ensure() -> Result<PathBuf> {
    let path = sh::root().join("target/full-size/phi3-mini-shape-q4_k_m.gguf");
    let tensors = tensors();
    let size = header(&tensors).len() as u64 + tensors.iter().map(|t| t.bytes().next_multiple_of(ALIGN)).sum::<u64>();
    if fs::metadata(&path).is_ok_and(|m| m.len() == size) {
        return Ok(path);
    }
    println!("writing {} ({:.2} GB)", path.display(), size as f64 / 1e9);
    // A run that dies in between leaves no half file behind under the final name.
    let unfinished = path.with_extension("part");
    write(&unfinished, &tensors).with_context(|| unfinished.display().to_string())?;
    fs::rename(&unfinished, &path)?;
    Ok(path)
}

fn write(path: &Path, tensors: &[Tensor]) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    out.write_all(&header(tensors))?;
    for (i, t) in tensors.iter().enumerate() {
        let mut rng = Rng(i as u64);
        let scale = block_scale(t);
        let mut block = vec![0; t.format.block().1];
        for _ in 0..t.blocks() {
            fill(t.format, scale, &mut rng, &mut block);
            out.write_all(&block)?;
        }
        let padding = t.bytes().next_multiple_of(ALIGN) - t.bytes();
        out.write_all(&vec![0; padding as usize])?;
    }
    out.flush()?;
    Ok(())
}

/// In llama.cpp's order, with the formats that it chooses for Q4_K_M.
fn tensors() -> Vec<Tensor> {
    let tensor = |name: &str, shape, format| Tensor {
        name: format!("{name}.weight"),
        shape,
        format,
    };
    let mut all = vec![tensor("token_embd", [N_EMBD, N_VOCAB], Format::Q4K)];
    for i in 0..N_LAYER {
        // "use_more_bits": the first and last eighth, and every third layer between.
        let eighth = N_LAYER / 8;
        let more = i < eighth || i >= 7 * eighth || (i - eighth) % 3 == 2;
        let down = if more { Format::Q6K } else { Format::Q4K };
        let block = |name: &str, shape, format| tensor(&format!("blk.{i}.{name}"), shape, format);
        all.extend([
            block("attn_norm", [N_EMBD, 0], Format::F32),
            block("attn_qkv", [N_EMBD, 3 * N_EMBD], Format::Q5K),
            block("attn_output", [N_EMBD, N_EMBD], Format::Q4K),
            block("ffn_norm", [N_EMBD, 0], Format::F32),
            block("ffn_up", [N_EMBD, 2 * N_FF], Format::Q4K),
            block("ffn_down", [N_FF, N_EMBD], down),
        ]);
    }
    all.push(tensor("output_norm", [N_EMBD, 0], Format::F32));
    all.push(tensor("output", [N_EMBD, N_VOCAB], Format::Q6K));
    all
}

/// The scale that gives weights of variance 1 / ne0, so that a product keeps the variance of its input; 1 for the
/// embedding. The divisors are the rms of `scale * quant` for random bits (see [`fill`]).
fn block_scale(t: &Tensor) -> u16 {
    let rms = if t.name.starts_with("token_embd") {
        1.0
    } else {
        1.0 / (t.shape[0] as f64).sqrt()
    };
    half(match t.format {
        Format::F32 => 0.0,
        Format::Q4K => rms / (36.5 * 4.6),
        Format::Q5K => rms / (36.5 * 9.2),
        Format::Q6K => rms / (73.9 * 18.5),
    })
}

/// Half-precision bits of a number in `0 .. 65504`; subnormals included.
fn half(value: f64) -> u16 {
    let exponent = if value > 0.0 {
        value.log2().floor().max(-14.0)
    } else {
        -14.0
    };
    let mantissa = (value / (exponent - 10.0).exp2()).round();
    (((exponent + 14.0) as u16) << 10) + mantissa as u16
}

fn half_to_f64(bits: u16) -> f64 {
    let (exponent, fraction) = (f64::from(bits >> 10), f64::from(bits & 1023));
    if bits < 1024 {
        fraction * (-24f64).exp2()
    } else {
        (1024.0 + fraction) * (exponent - 25.0).exp2()
    }
}

/// One block of random quants whose mean is zero.
fn fill(format: Format, scale: u16, rng: &mut Rng, block: &mut [u8]) {
    for chunk in block.chunks_mut(8) {
        chunk.copy_from_slice(&rng.next().to_le_bytes()[..chunk.len()]);
    }
    match format {
        // A gain of 1, give or take a quarter.
        Format::F32 => {
            let gain = 0.75 + f32::from(block[0]) / 512.0;
            block.copy_from_slice(&gain.to_le_bytes());
        }
        Format::Q6K => block[208..210].copy_from_slice(&scale.to_le_bytes()),
        // Each sub-block's minimum equals its scale, and the block's is as much larger as the mean quant.
        Format::Q4K | Format::Q5K => {
            let mean = if format == Format::Q4K { 7.5 } else { 15.5 };
            block[0..2].copy_from_slice(&scale.to_le_bytes());
            block[2..4].copy_from_slice(&half(mean * half_to_f64(scale)).to_le_bytes());
            for i in 4..8 {
                block[i + 4] = block[i];
                block[i + 8] = block[i + 8] & 15 | block[i + 8] << 4;
            }
        }
    }
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// GGUF's header, metadata and directory, padded to the data.
fn header(tensors: &[Tensor]) -> Vec<u8> {
    let metadata = metadata();
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in &metadata {
        string(&mut out, key);
        out.extend(value.id().to_le_bytes());
        value.write(&mut out);
    }
    let mut offset = 0u64;
    for t in tensors {
        string(&mut out, &t.name);
        let dims = &t.shape[..if t.shape[1] == 0 { 1 } else { 2 }];
        out.extend((dims.len() as u32).to_le_bytes());
        for d in dims {
            out.extend(d.to_le_bytes());
        }
        out.extend(t.format.id().to_le_bytes());
        out.extend(offset.to_le_bytes());
        offset += t.bytes().next_multiple_of(ALIGN);
    }
    out.resize(out.len().next_multiple_of(ALIGN as usize), 0);
    out
}

enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Str(&'static str),
    Strs(Vec<String>),
    F32s(Vec<f32>),
    I32s(Vec<i32>),
}

impl Value {
    fn id(&self) -> u32 {
        match self {
            Value::U32(_) => 4,
            Value::F32(_) => 6,
            Value::Bool(_) => 7,
            Value::Str(_) => 8,
            Value::Strs(_) | Value::F32s(_) | Value::I32s(_) => 9,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let array = |out: &mut Vec<u8>, id: u32, len: usize| {
            out.extend(id.to_le_bytes());
            out.extend((len as u64).to_le_bytes());
        };
        match self {
            Value::U32(v) => out.extend(v.to_le_bytes()),
            Value::F32(v) => out.extend(v.to_le_bytes()),
            Value::Bool(v) => out.push(u8::from(*v)),
            Value::Str(v) => string(out, v),
            Value::Strs(all) => {
                array(out, 8, all.len());
                all.iter().for_each(|v| string(out, v));
            }
            Value::F32s(all) => {
                array(out, 6, all.len());
                all.iter().for_each(|v| out.extend(v.to_le_bytes()));
            }
            Value::I32s(all) => {
                array(out, 5, all.len());
                all.iter().for_each(|v| out.extend(v.to_le_bytes()));
            }
        }
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Our own template in the form of Phi-3's.
const TEMPLATE: &str = "{% for message in messages %}{{ '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' }}\
                        {% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";

fn metadata() -> Vec<(&'static str, Value)> {
    let (tokens, types) = vocabulary();
    let scores = (0..tokens.len()).map(|i| -(i as f32)).collect();
    vec![
        ("general.architecture", Value::Str("phi3")),
        ("general.name", Value::Str("Phi-3-mini shape, seeded weights")),
        ("general.file_type", Value::U32(15)), // mostly Q4_K_M
        ("phi3.context_length", Value::U32(4096)),
        ("phi3.embedding_length", Value::U32(N_EMBD as u32)),
        ("phi3.feed_forward_length", Value::U32(N_FF as u32)),
        ("phi3.block_count", Value::U32(N_LAYER as u32)),
        ("phi3.attention.head_count", Value::U32(32)),
        ("phi3.attention.head_count_kv", Value::U32(32)),
        ("phi3.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("phi3.attention.sliding_window", Value::U32(2047)),
        ("phi3.rope.dimension_count", Value::U32(96)),
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
    all.truncate(32000);
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
    fn size_is_that_of_the_real_file() {
        // Phi-3-mini-4k-instruct-q4.gguf has 2,393,231,072 bytes, metadata included.
        let bytes: u64 = tensors().iter().map(Tensor::bytes).sum();
        assert!((2_390_000_000..2_394_000_000).contains(&bytes), "{bytes}");
        let formats = |f| tensors().iter().filter(|t| t.format == f).count();
        assert_eq!(
            [Format::F32, Format::Q4K, Format::Q5K, Format::Q6K].map(formats),
            [65, 81, 32, 17]
        );
    }

    #[test]
    fn vocabulary_is_complete_and_distinct() {
        let (tokens, types) = vocabulary();
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

    #[test]
    fn halves() {
        for (value, bits) in [
            (0.0, 0),
            (1.0, 0x3c00),
            (6.1035e-5, 0x400),
            (5.9605e-8, 1),
            (65504.0, 0x7bff),
            (0.1, 0x2e66),
        ] {
            assert_eq!(half(value), bits, "{value}");
            assert!((half_to_f64(bits) - value).abs() <= value * 1e-3, "{value}");
        }
    }
}
