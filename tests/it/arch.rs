//! Model families: metadata and tensor directory to a checked configuration.

use std::path::Path;
use std::rc::Rc;

use kinglet::gguf::GgufFile;
use kinglet::model::arch;
use kinglet::model::config::{DecoderConfig, RopeScaling};
use kinglet::ops::RopeOrder;
use kinglet::platform::{ByteSource, FileSource};
use pollster::block_on;

use crate::support::{root, shared};

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
