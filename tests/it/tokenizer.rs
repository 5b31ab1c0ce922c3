//! Tokenizers against llama.cpp's ids: the shared vocabularies and small ones of our own.

use kinglet::gguf::{GgufFile, Metadata};
use kinglet::platform::MemorySource;
use kinglet::text::{Bos, Special, TokenStream, Tokenizer};
use serde_json::Value as Json;

use crate::support;

/// Metadata of a GGUF file.
fn metadata(path: &std::path::Path) -> Metadata {
    let bytes = std::fs::read(path).expect("readable");
    let source = std::rc::Rc::new(MemorySource::new(bytes));
    let file = pollster::block_on(GgufFile::open(source)).expect("a GGUF file");
    file.metadata().clone()
}

fn load(path: &std::path::Path) -> Tokenizer {
    Tokenizer::from_gguf(&metadata(path)).expect("a tokenizer")
}

fn ids(value: &Json) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("a list of ids")
}

/// The shared vocabularies: name in extra-vectors.json, vocabulary file, test vectors.
const SHARED: [(&str, &str, &str); 3] = [
    ("phi-3", "ggml-vocab-phi-3.gguf", "ggml-vocab-phi-3.gguf"),
    ("llama-bpe", "rebuilt-vocab-llama-bpe.gguf", "ggml-vocab-llama-bpe.gguf"),
    ("qwen2", "rebuilt-vocab-qwen2.gguf", "ggml-vocab-qwen2.gguf"),
];

/// Encodes the vectors that llama.cpp ships with this vocabulary.
fn upstream_vectors(tokenizer: &Tokenizer, vectors: &str) {
    let Some(inputs) = support::shared(&format!("vocab/{vectors}.inp")) else {
        return;
    };
    let Some(outputs) = support::shared(&format!("vocab/{vectors}.out")) else {
        return;
    };
    let inputs = std::fs::read_to_string(inputs).expect("readable");
    let outputs = std::fs::read_to_string(outputs).expect("readable");
    let texts: Vec<&str> = inputs.split("\n__ggml_vocab_test__\n").collect();
    let lines: Vec<&str> = outputs.split('\n').collect();
    assert_eq!(texts.len(), lines.len(), "{vectors}");
    for (text, line) in texts.iter().zip(lines) {
        let expected: Vec<u32> = line.split_whitespace().map(|id| id.parse().expect("an id")).collect();
        let got = tokenizer.encode(text, Special::AsText, Bos::No).expect("encodes");
        assert_eq!(got, expected, "{vectors}: {text:?}");
    }
}

/// Encodes the vectors of extra-vectors.json and decodes them again.
fn extra_vectors(tokenizer: &Tokenizer, name: &str) {
    let Some(path) = support::shared("vocab/extra-vectors.json") else {
        return;
    };
    let all: Json = serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
    for (list, special) in [("plain", Special::AsText), ("with_special", Special::Parse)] {
        let cases = all["vocabs"][name][list].as_array().expect("a list");
        assert!(!cases.is_empty());
        for case in cases {
            let text = case["text"].as_str().expect("a text");
            let got = tokenizer.encode(text, special, Bos::No).expect("encodes");
            assert_eq!(got, ids(&case["ids"]), "{name}, {list}: {text:?}");
            if special == Special::AsText {
                assert_eq!(tokenizer.decode(&got, special).expect("decodes"), text);
            }
        }
    }
}

fn shared_vocabulary(which: usize) {
    let (name, vocab, vectors) = SHARED[which];
    let Some(path) = support::shared(&format!("vocab/{vocab}")) else {
        return;
    };
    let tokenizer = load(&path);
    upstream_vectors(&tokenizer, vectors);
    extra_vectors(&tokenizer, name);
}

#[test]
fn phi3_vectors() {
    shared_vocabulary(0);
}

#[test]
fn llama_bpe_vectors() {
    shared_vocabulary(1);
}

#[test]
fn qwen2_vectors() {
    shared_vocabulary(2);
}
