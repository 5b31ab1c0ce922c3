//! Which model it is: as another implementation says it, in one file and in several, and what changes it.

use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::gguf::GgufFile;
use kinglet::model::identity::{Identity, SAMPLE};
use kinglet::platform::{ByteSource, FileSource, MemorySource};
use kinglet::session::Session;
use pollster::block_on;
use serde_json::{Value, json};

use crate::loaded::{cpu, golden_bytes, load, with_metadata};
use crate::support::root;
use crate::with_template::with_template;

fn identity(file: Vec<u8>) -> Identity {
    load(file, &cpu()).info().binding.clone()
}

fn of_files(paths: &[String]) -> Identity {
    let open = |path: &String| -> Rc<dyn ByteSource> {
        let path = root().join(path);
        Rc::new(FileSource::open(path.to_str().expect("a path")).expect("opens"))
    };
    let sources = paths.iter().map(open).collect();
    let session = block_on(Session::load(sources, &cpu(), &mut |_| ControlFlow::Continue(())));
    session.expect("loads").info().binding.clone()
}

/// tools/goldens/identity.py
#[test]
fn it_is_what_another_implementation_says() {
    let golden = std::fs::read(root().join("tests/goldens/identity.json")).expect("readable");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let parts = (1..=3)
        .map(|i| format!("tests/goldens/split-0000{i}-of-00003.gguf"))
        .collect();
    for (name, paths) in [
        ("qwen2", vec!["tests/goldens/qwen2.gguf".into()]),
        ("split", parts),
        ("desk", vec!["models/desk/desk.gguf".into()]),
    ] {
        assert_eq!(json!(of_files(&paths)), golden[name], "{name}");
    }
}

#[test]
fn what_is_changed_is_told_apart() {
    let file = golden_bytes("qwen2");
    let before = identity(file.clone());
    assert_eq!(identity(file.clone()), before, "every time");

    // The last bytes of the file are in the last tensor, whose samples begin every 4096 bytes.
    let gguf = block_on(GgufFile::open(Rc::new(MemorySource::new(file.clone())))).expect("a model");
    let last = gguf.tensors().last().expect("tensors");
    let begins = file.len() - last.bytes as usize; // the writer pads nothing behind it
    let mut other = file.clone();
    other[begins + SAMPLE - 4] ^= 1;
    let weights = identity(other);
    assert_ne!(weights.model_hash, before.model_hash);
    let header_alone = Identity {
        model_hash: before.model_hash.clone(),
        ..weights
    };
    assert_eq!(header_alone, before, "weights alone");

    let templated = identity(with_template(&file, "{{ messages }}"));
    assert_ne!(templated.model_hash, before.model_hash);
    assert_ne!(templated.template_hash, before.template_hash);
    assert_eq!(templated.tokenizer_hash, before.tokenizer_hash);

    let tokens = identity(with_metadata(&file, &[("tokenizer.ggml.seperator_token_id", 1)]));
    assert_ne!(tokens.tokenizer_hash, before.tokenizer_hash);
    assert_eq!(tokens.template_hash, before.template_hash);
}
