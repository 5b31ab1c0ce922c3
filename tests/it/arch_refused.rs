//! Model families: small models in memory, each changed in one way, that run or are refused by name.

use kinglet::Result;
use kinglet::gguf::{Array, Metadata, TensorInfo, Value};
use kinglet::model::arch;
use kinglet::model::config::{DecoderConfig, RopeScaling};

/// Metadata and tensors of a model, to be spoilt.
struct Parts {
    arch: &'static str,
    meta: Vec<(String, Value)>,
    tensors: Vec<(String, Vec<u64>, u32)>,
}

const F32: u32 = 0;

impl Parts {
    /// Two layers, 8 wide, 4 query heads of 2, 2 key heads, feed-forward 12, vocabulary 10, output tied.
    fn new(arch: &'static str) -> Self {
        let mut p = Parts {
            arch,
            meta: vec![("general.architecture".into(), Value::String(arch.into()))],
            tensors: vec![],
        };
        p.set("context_length", Value::U32(64));
        p.set("embedding_length", Value::U32(8));
        p.set("block_count", Value::U32(2));
        p.set("feed_forward_length", Value::U32(12));
        p.set("attention.head_count", Value::U32(4));
        p.set("attention.head_count_kv", Value::U32(2));
        p.set("attention.layer_norm_rms_epsilon", Value::F32(1e-6));
        p.add("token_embd.weight", &[8, 10]);
        p.add("output_norm.weight", &[8]);
        for layer in 0..2 {
            let mut add = |name: &str, shape: &[u64]| p.add(&format!("blk.{layer}.{name}"), shape);
            add("attn_norm.weight", &[8]);
            add("ffn_norm.weight", &[8]);
            add("attn_output.weight", &[8, 8]);
            add("ffn_down.weight", &[12, 8]);
            if arch == "phi3" {
                add("attn_qkv.weight", &[8, 16]);
                add("ffn_up.weight", &[8, 24]);
                continue;
            }
            for (name, rows) in [("attn_q", 8), ("attn_k", 4), ("attn_v", 4)] {
                add(&format!("{name}.weight"), &[8, rows]);
                if arch == "qwen2" {
                    add(&format!("{name}.bias"), &[rows]);
                }
            }
            add("ffn_gate.weight", &[8, 12]);
            add("ffn_up.weight", &[8, 12]);
            if arch == "qwen3" {
                add("attn_q_norm.weight", &[2]);
                add("attn_k_norm.weight", &[2]);
            }
        }
        p
    }

    fn set(&mut self, suffix: &str, value: Value) {
        self.unset(suffix);
        self.meta.push((format!("{}.{suffix}", self.arch), value));
    }

    fn unset(&mut self, suffix: &str) {
        let key = format!("{}.{suffix}", self.arch);
        self.meta.retain(|(k, _)| *k != key);
    }

    fn add(&mut self, name: &str, shape: &[u64]) {
        self.tensors.push((name.into(), shape.into(), F32));
    }

    fn tensor(&mut self, name: &str) -> &mut (String, Vec<u64>, u32) {
        self.tensors.iter_mut().find(|t| t.0 == name).unwrap()
    }

    fn config(self) -> Result<DecoderConfig> {
        let tensors: Vec<TensorInfo> = self
            .tensors
            .into_iter()
            .map(|(n, s, t)| TensorInfo::new(n, s, t).unwrap())
            .collect();
        arch::config(&Metadata::from_entries(self.meta)?, &tensors)
    }
}

fn changed(arch: &'static str, change: impl FnOnce(&mut Parts)) -> Result<DecoderConfig> {
    let mut p = Parts::new(arch);
    change(&mut p);
    p.config()
}

#[test]
fn variants_that_run() {
    for arch in arch::supported() {
        let c = changed(arch, |_| {}).unwrap();
        assert_eq!((c.arch, c.head_dim, c.rope.n_rot, c.rope.base), (arch, 2, 2, 10_000.0));
        assert_eq!((c.rope.scaling, c.sliding_window), (RopeScaling::None, None));
    }
    let c = changed("llama", |p| {
        p.set("attention.sliding_window", Value::U32(0));
        p.set("attention.head_count_kv", Value::Array(Array::I32(vec![2, 2])));
        p.set("block_count", Value::U64(2));
        p.set("expert_count", Value::U32(0));
        p.set("attention.causal", Value::Bool(true));
        p.set("attention.scale", Value::F32(0.5f32.sqrt()));
        p.set("rope.freq_base", Value::F32(5e5));
        p.add("rope_freqs.weight", &[1]);
        p.add("output.weight", &[8, 10]);
        for layer in 0..2 {
            p.add(&format!("blk.{layer}.attn_q.bias"), &[8]);
            p.add(&format!("blk.{layer}.attn_k.bias"), &[4]);
            p.add(&format!("blk.{layer}.attn_v.bias"), &[4]);
        }
    });
    let c = c.unwrap();
    assert_eq!((c.n_head_kv, c.sliding_window, c.rope.base), (2, None, 5e5));
    assert_eq!(c.rope.scaling, RopeScaling::Tensor);
    assert!(c.tensors.qkv_bias && !c.tensors.tied_output);
    // A factor without a type is linear; the type none switches it off; the key of 2023 still counts.
    let scaled = |kind: Option<&str>, key: &str| {
        changed("llama", |p| {
            p.set(key, Value::F32(4.0));
            if let Some(kind) = kind {
                p.set("rope.scaling.type", Value::String(kind.into()));
            }
        })
        .unwrap()
        .rope
        .scaling
    };
    let linear = RopeScaling::Linear { factor: 4.0 };
    assert_eq!(scaled(None, "rope.scaling.factor"), linear);
    assert_eq!(scaled(None, "rope.scale_linear"), linear);
    assert_eq!(scaled(Some("linear"), "rope.scaling.factor"), linear);
    assert_eq!(scaled(Some("none"), "rope.scaling.factor"), RopeScaling::None);
    // Longrope whose file gives no attn_factor.
    let c = changed("phi3", |p| {
        p.set("context_length", Value::U32(131_072));
        p.set("rope.scaling.original_context_length", Value::U32(4096));
        p.add("rope_factors_long.weight", &[1]);
        p.add("rope_factors_short.weight", &[1]);
    });
    let RopeScaling::LongRope {
        original_ctx: 4096,
        attn_factor,
    } = c.unwrap().rope.scaling
    else {
        panic!()
    };
    assert!((attn_factor - 1.190_238_1).abs() < 1e-6);
}

type Change = fn(&mut Parts);

/// (family, what is spoilt, code, what the message names)
#[rustfmt::skip] // one row, one line
const REFUSED: &[(&str, Change, &str, &str)] = &[
    ("llama", |p| p.unset("context_length"), "bad_file", "llama.context_length"),
    ("llama", |p| p.unset("block_count"), "bad_file", "llama.block_count"),
    ("llama", |p| p.unset("attention.layer_norm_rms_epsilon"), "bad_file", "layer_norm_rms_epsilon"),
    ("llama", |p| p.set("block_count", Value::U32(0)), "bad_file", "llama.block_count"),
    ("llama", |p| p.set("block_count", Value::U32(1 << 30)), "bad_file", "llama.block_count"),
    ("llama", |p| p.set("block_count", Value::I32(-1)), "bad_file", "llama.block_count"),
    ("llama", |p| p.set("block_count", Value::F32(2.0)), "bad_file", "llama.block_count"),
    ("llama", |p| p.set("block_count", Value::U32(1)), "unsupported_feature", "blk.1."),
    ("llama", |p| p.set("block_count", Value::U32(3)), "bad_file", "blk.2."),
    ("llama", |p| p.set("embedding_length", Value::U32(9)), "bad_file", "llama.attention.head_count"),
    ("llama", |p| p.set("attention.head_count_kv", Value::U32(3)), "bad_file", "head_count_kv"),
    ("llama", |p| p.set("attention.head_count_kv", Value::U32(0)), "bad_file", "head_count_kv"),
    (
        "llama",
        |p| p.set("attention.head_count_kv", Value::Array(Array::U32(vec![2, 4]))),
        "unsupported_feature",
        "head_count_kv",
    ),
    ("llama", |p| p.set("attention.head_count_kv", Value::Array(Array::F32(vec![2.0]))), "bad_file", "head_count_kv"),
    ("llama", |p| p.set("attention.head_count", Value::Array(Array::U32(vec![]))), "unsupported_feature", "head_count"),
    ("llama", |p| p.set("attention.value_length", Value::U32(4)), "unsupported_feature", "value_length"),
    ("llama", |p| p.set("attention.key_length", Value::U32(1 << 20)), "bad_file", "key_length"),
    (
        "llama",
        |p| {
            p.set("attention.key_length", Value::U32(3));
            p.set("attention.value_length", Value::U32(3));
            p.set("rope.dimension_count", Value::U32(2));
        },
        "unsupported_feature",
        "width of a head",
    ),
    ("llama", |p| p.set("attention.key_length", Value::U32(258)), "bad_file", "key_length"),
    ("llama", |p| p.set("rope.dimension_count", Value::U32(4)), "bad_file", "dimension_count"),
    ("llama", |p| p.set("rope.dimension_count", Value::U32(1)), "bad_file", "dimension_count"),
    ("llama", |p| p.set("rope.freq_base", Value::F32(0.0)), "bad_file", "freq_base"),
    ("llama", |p| p.set("rope.freq_base", Value::F32(f32::NAN)), "bad_file", "freq_base"),
    ("llama", |p| p.set("rope.freq_base", Value::F32(f32::INFINITY)), "bad_file", "freq_base"),
    ("llama", |p| p.set("attention.layer_norm_rms_epsilon", Value::F32(-1e-5)), "bad_file", "epsilon"),
    ("llama", |p| p.set("attention.layer_norm_rms_epsilon", Value::F32(f32::NAN)), "bad_file", "epsilon"),
    ("llama", |p| p.set("vocab_size", Value::U32(11)), "bad_file", "token_embd"),
    (
        "llama",
        |p| {
            p.meta.push((
                "tokenizer.ggml.tokens".into(),
                Value::Array(Array::String(["x"; 11].into_iter().collect())),
            ))
        },
        "bad_file",
        "tokenizer.ggml.tokens",
    ),
    ("llama", |p| p.set("expert_count", Value::U32(8)), "unsupported_feature", "expert_count"),
    ("llama", |p| p.set("attention.causal", Value::Bool(false)), "unsupported_feature", "attention.causal"),
    ("llama", |p| p.set("attention.scale", Value::F32(0.1)), "unsupported_feature", "attention.scale"),
    ("llama", |p| p.set("attn_logit_softcapping", Value::F32(50.0)), "unsupported_feature", "attn_logit_softcapping"),
    ("llama", |p| p.set("final_logit_softcapping", Value::F32(30.0)), "unsupported_feature", "softcapping"),
    ("llama", |p| p.set("logit_scale", Value::F32(0.1)), "unsupported_feature", "logit_scale"),
    ("llama", |p| p.set("rope.scaling.type", Value::String("ntk".into())), "unsupported_feature", "ntk"),
    ("llama", |p| p.set("rope.scaling.factor", Value::F32(-1.0)), "bad_file", "rope.scaling.factor"),
    ("llama", |p| p.set("rope.scaling.attn_factor", Value::F32(1.2)), "unsupported_feature", "attn_factor"),
    ("llama", |p| p.set("rope.scaling.type", Value::String("longrope".into())), "bad_file", "rope_factors"),
    (
        "llama",
        |p| {
            p.set("rope.scaling.factor", Value::F32(2.0));
            p.add("rope_freqs.weight", &[1]);
        },
        "unsupported_feature",
        "rope_freqs.weight",
    ),
    ("llama", |p| p.add("rope_freqs.weight", &[2]), "bad_file", "rope_freqs.weight"),
    (
        "llama",
        |p| p.meta.push(("general.type".into(), Value::String("adapter".into()))),
        "unsupported_feature",
        "adapter",
    ),
    ("llama", |p| p.tensors.clear(), "bad_file", "token_embd.weight"),
    ("llama", |p| p.tensor("output_norm.weight").0 = "other".into(), "bad_file", "output_norm.weight"),
    ("llama", |p| p.tensor("blk.1.ffn_down.weight").1 = vec![8, 12], "bad_file", "blk.1.ffn_down.weight"),
    ("llama", |p| p.tensor("blk.1.ffn_down.weight").1 = vec![12, 8, 2], "bad_file", "[12, 8, 2]"),
    ("llama", |p| p.tensor("blk.1.ffn_norm.weight").1 = vec![9], "bad_file", "blk.1.ffn_norm.weight"),
    ("llama", |p| p.tensor("blk.0.attn_q.weight").2 = 26, "unsupported_type", "blk.0.attn_q.weight"),
    ("llama", |p| p.tensor("blk.0.attn_norm.weight").2 = 26, "unsupported_type", "blk.0.attn_norm.weight"),
    ("llama", |p| p.add("blk.0.attn_output.bias", &[8]), "unsupported_feature", "blk.0.attn_output.bias"),
    ("llama", |p| p.add("blk.1.ffn_up.bias", &[12]), "unsupported_feature", "blk.1.ffn_up.bias"),
    ("llama", |p| p.add("blk.0.ffn_gate_inp.weight", &[8, 4]), "unsupported_feature", "ffn_gate_inp"),
    ("llama", |p| p.add("blk.0.attn_q.bias", &[8]), "bad_file", "blk.0.attn_k.bias"),
    ("llama", |p| p.add("output.bias", &[10]), "unsupported_feature", "output.bias"),
    ("phi3", |p| p.add("rope_factors_long.weight", &[1]), "bad_file", "rope_factors_short.weight"),
    ("phi3", |p| p.tensor("blk.0.attn_qkv.weight").1 = vec![8, 24], "bad_file", "blk.0.attn_qkv.weight"),
    ("phi3", |p| p.tensor("blk.0.ffn_up.weight").1 = vec![8, 12], "bad_file", "blk.0.ffn_up.weight"),
    ("qwen2", |p| p.tensors.retain(|t| !t.0.ends_with("bias")), "bad_file", "attn_q.bias"),
    ("qwen3", |p| p.tensors.retain(|t| !t.0.contains("k_norm")), "bad_file", "attn_k_norm.weight"),
    (
        "qwen2",
        |p| p.set("rope.dimension_sections", Value::Array(Array::I32(vec![1]))),
        "unsupported_feature",
        "sections",
    ),
];

#[test]
fn each_unsuitable_model_has_a_typed_error() {
    for (i, &(arch, change, code, names)) in REFUSED.iter().enumerate() {
        match changed(arch, change) {
            Ok(_) => panic!("row {i} ({arch}, {names}): accepted"),
            Err(e) => {
                assert_eq!(e.code(), code, "row {i}: {e}");
                assert!(e.to_string().contains(names), "row {i}, {names}: {e}");
            }
        }
    }
    let e = changed("mamba", |_| {}).unwrap_err();
    assert_eq!(e.code(), "unsupported_architecture");
    for arch in arch::supported() {
        assert!(e.to_string().contains(arch), "{e}");
    }
}

/// A trailing dimension of 1 carries nothing.
#[test]
fn trailing_ones_are_accepted() {
    let c = changed("llama", |p| {
        p.tensor("output_norm.weight").1 = vec![8, 1];
        p.tensor("token_embd.weight").1 = vec![8, 10, 1, 1];
    });
    assert_eq!(c.unwrap().n_vocab, 10);
}
