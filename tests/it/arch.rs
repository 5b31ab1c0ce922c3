//! Model families: metadata and tensor directory to a checked configuration.

use std::path::Path;
use std::rc::Rc;

use kinglet::Result;
use kinglet::gguf::{GgufFile, TensorInfo, Value};
use kinglet::model::arch;
use kinglet::model::config::{DecoderConfig, RopeConfig, RopeScaling, TensorLayout};
use kinglet::ops::RopeOrder;
use kinglet::platform::{ByteSource, FileSource, LocalFuture};
use pollster::block_on;

use crate::support::{root, shared};
use crate::writer::Writer;

fn config_of(path: &Path) -> DecoderConfig {
    let name = path.to_str().unwrap();
    let names = kinglet::gguf::split_names(name).unwrap_or_else(|| vec![name.into()]);
    let sources = names
        .iter()
        .map(|n| Rc::new(FileSource::open(n).unwrap()) as Rc<dyn ByteSource>)
        .collect();
    let file = block_on(GgufFile::open_split(sources)).unwrap_or_else(|e| panic!("{name}: {e}"));
    arch::config(file.metadata(), file.tensors()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn shared_models() {
    let Some(dir) = shared("models") else { return };
    let c = config_of(&dir.join("stories260K-f32.gguf"));
    assert_eq!((c.arch, c.n_ctx_train, c.n_embd, c.n_layer), ("llama", 512, 64, 5));
    assert_eq!(
        (c.n_head, c.n_head_kv, c.head_dim, c.n_ff, c.n_vocab),
        (8, 4, 8, 172, 512)
    );
    assert_eq!(
        (c.rope.n_rot, c.rope.order, c.rope.base),
        (8, RopeOrder::Interleaved, 10000.0)
    );
    assert_eq!(
        (c.rope.scaling, c.sliding_window, c.norm_eps),
        (RopeScaling::None, None, 1e-5)
    );
    assert!(c.tensors.tied_output && !c.tensors.fused_qkv && !c.tensors.qkv_bias);

    let c = config_of(&dir.join("stories260K-phi3-f32.gguf"));
    assert_eq!(
        (c.arch, c.rope.order, c.sliding_window),
        ("phi3", RopeOrder::HalfSplit, Some(511))
    );
    assert!(c.tensors.fused_qkv && c.tensors.fused_gate_up && !c.tensors.tied_output);

    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "gguf") {
            config_of(&path);
        }
    }
}

/// The committed feature models: the one feature of each arrives in the configuration.
#[test]
fn feature_models() {
    let of = |name: &str| config_of(&root().join("tests/goldens").join(name));
    assert_eq!(of("linear.gguf").rope.scaling, RopeScaling::Linear { factor: 4.0 });
    assert_eq!(of("llama3.gguf").rope.scaling, RopeScaling::Tensor);
    let long = RopeScaling::LongRope {
        original_ctx: 256,
        attn_factor: 1.19,
    };
    assert_eq!(of("longrope.gguf").rope.scaling, long);
    let c = of("phi4mini.gguf");
    assert_eq!((c.head_dim, c.rope.n_rot, c.n_head_kv), (16, 12, 2));
    assert!(c.tensors.tied_output);
    let c = of("qwen2.gguf");
    assert!(c.tensors.qkv_bias && c.rope.order == RopeOrder::HalfSplit);
    let c = of("qwen3.gguf");
    assert!(c.tensors.head_norms && !c.tensors.qkv_bias && c.head_dim == 16);
    assert_eq!(of("window.gguf").sliding_window, Some(24));
    let RopeScaling::Yarn {
        factor,
        original_ctx,
        attn_factor,
        beta_fast,
        beta_slow,
    } = of("yarn.gguf").rope.scaling
    else {
        panic!("not yarn");
    };
    assert_eq!((factor, original_ctx, beta_fast, beta_slow), (4.0, 64, 32.0, 1.0));
    assert!((attn_factor - (0.1 * 4f32.ln() + 1.0)).abs() < 1e-6);
    assert_eq!(of("split-00001-of-00003.gguf"), of("qwen2.gguf"));
}

/// A file of any length of which only the header exists; the rest reads as zeros.
struct Sparse {
    header: Vec<u8>,
    len: u64,
}

impl ByteSource for Sparse {
    fn name(&self) -> String {
        "sparse".into()
    }
    fn len(&self) -> Option<u64> {
        Some(self.len)
    }
    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>> {
        let mut out = vec![0; len];
        let from = self.header.get(offset as usize..).unwrap_or_default();
        let n = from.len().min(len);
        out[..n].copy_from_slice(&from[..n]);
        Box::pin(std::future::ready(Ok(out)))
    }
}

/// The keys and tensors that ollama's converter wrote for Phi-3-mini-128k-instruct, in a file of the full 7.6 GB.
#[test]
fn phi3_mini_128k() {
    let Some(path) = shared("gguf-metadata/ollama-convert-Phi-3-mini-128k-instruct.json") else {
        return;
    };
    let said: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut file = Writer::default();
    let mut offset = 0u64;
    for (key, value) in &said {
        let value = value.as_str().unwrap();
        let layer_tensor = key.rsplit_once('.').is_some_and(|(_, end)| end == "weight");
        if layer_tensor {
            let (shape, ggml_type): (&[u64], u32) = match key.rsplit('.').nth(1).unwrap() {
                "attn_norm" | "ffn_norm" | "output_norm" => (&[3072], 0),
                "rope_factors_long" | "rope_factors_short" => (&[48], 0),
                "attn_qkv" => (&[3072, 9216], 1),
                "attn_output" => (&[3072, 3072], 1),
                "ffn_up" => (&[3072, 16384], 1),
                "ffn_down" => (&[8192, 3072], 1),
                "token_embd" | "output" => (&[3072, 32064], 1),
                other => panic!("unexpected tensor {other}"),
            };
            file = file.tensor(key, shape, ggml_type, vec![]);
            file.tensors.last_mut().unwrap().offset = Some(offset);
            offset += TensorInfo::new(key, shape.to_vec(), ggml_type)
                .unwrap()
                .bytes
                .next_multiple_of(32);
        } else if let Ok(b) = value.parse() {
            file = file.kv(key, &Value::Bool(b));
        } else if ["freq_base", "attn_factor", "epsilon"]
            .iter()
            .any(|end| key.ends_with(end))
        {
            file = file.kv(key, &Value::F32(value.parse().unwrap()));
        } else if let Ok(n) = value.parse() {
            file = file.kv(key, &Value::U32(n));
        } else {
            file = file.kv(key, &Value::String(value.into())); // vocabulary arrays appear as checksums only
        }
    }
    // The checksums stand for arrays; as strings those keys would rightly be refused.
    file.entries.retain(|e| {
        !["scores", "token_type", "tokens"]
            .iter()
            .any(|end| e[8..].starts_with(format!("tokenizer.ggml.{end}").as_bytes()))
    });
    let header = file.header();
    let len = header.len().next_multiple_of(32) as u64 + offset;
    assert!(len > 7_600_000_000);
    let file = block_on(GgufFile::open(Rc::new(Sparse { header, len }))).unwrap();
    assert_eq!(file.tensors().len(), 32 * 6 + 5);
    assert_eq!(file.metadata().u32("tokenizer.ggml.eos_token_id").unwrap(), Some(32000));
    assert_eq!(
        file.metadata().bool("tokenizer.ggml.add_bos_token").unwrap(),
        Some(false)
    );
    let expected = DecoderConfig {
        arch: "phi3",
        name: String::new(),
        n_ctx_train: 131_072,
        n_embd: 3072,
        n_layer: 32,
        n_head: 32,
        n_head_kv: 32,
        head_dim: 96,
        n_ff: 8192,
        n_vocab: 32_064,
        norm_eps: 1e-5,
        rope: RopeConfig {
            n_rot: 96,
            order: RopeOrder::HalfSplit,
            base: 10_000.0,
            scaling: RopeScaling::LongRope {
                original_ctx: 4096,
                attn_factor: 1.190_238_1,
            },
        },
        sliding_window: Some(262_144),
        tensors: TensorLayout {
            fused_qkv: true,
            fused_gate_up: true,
            qkv_bias: false,
            head_norms: false,
            tied_output: false,
        },
    };
    assert_eq!(arch::config(file.metadata(), file.tensors()).unwrap(), expected);
}
