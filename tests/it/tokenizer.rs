//! Tokenizers against llama.cpp's ids: the shared vocabularies and small ones of our own.

use kinglet::gguf::{GgufFile, Metadata};
use kinglet::platform::MemorySource;
use kinglet::text::{Bos, Special, Tokenizer};
use serde_json::Value as Json;

use crate::support;

/// Metadata of a GGUF file.
fn metadata(path: &std::path::Path) -> Metadata {
    let bytes = std::fs::read(path).expect("readable");
    let source = std::rc::Rc::new(MemorySource::new(bytes));
    let file = pollster::block_on(GgufFile::open(source)).expect("a GGUF file");
    file.metadata().clone()
}

pub fn load(path: &std::path::Path) -> Tokenizer {
    Tokenizer::from_gguf(&metadata(path)).expect("a tokenizer")
}

pub fn ids(value: &Json) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("a list of ids")
}

/// The shared vocabularies: name in extra-vectors.json, vocabulary file, test vectors.
pub const SHARED: [(&str, &str, &str); 3] = [
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

/// Metadata of a vocabulary in tests/cases/tokenizer.json.
fn case_metadata(vocab: &Json) -> Metadata {
    use kinglet::gguf::{Array, Value};
    let texts = |key: &str| -> kinglet::gguf::Strings {
        let list = vocab[key].as_array().expect("a list");
        list.iter().map(|t| t.as_str().expect("a text")).collect()
    };
    let mut entries = vec![
        (
            "general.name".to_owned(),
            Value::String(vocab["name"].as_str().unwrap_or("test").into()),
        ),
        (
            "tokenizer.ggml.model".to_owned(),
            Value::String(vocab["model"].as_str().expect("a model").into()),
        ),
        (
            "tokenizer.ggml.tokens".to_owned(),
            Value::Array(Array::String(texts("tokens"))),
        ),
    ];
    let types = serde_json::from_value(vocab["types"].clone()).expect("integers");
    entries.push(("tokenizer.ggml.token_type".to_owned(), Value::Array(Array::I32(types))));
    if let Ok(scores) = serde_json::from_value(vocab["scores"].clone()) {
        entries.push(("tokenizer.ggml.scores".to_owned(), Value::Array(Array::F32(scores))));
    }
    if let Some(pre) = vocab["pre"].as_str() {
        entries.push(("tokenizer.ggml.pre".to_owned(), Value::String(pre.into())));
        entries.push((
            "tokenizer.ggml.merges".to_owned(),
            Value::Array(Array::String(texts("merges"))),
        ));
    }
    for role in ["bos", "eos"] {
        if let Some(id) = vocab[role].as_u64() {
            entries.push((format!("tokenizer.ggml.{role}_token_id"), Value::U32(id as u32)));
        }
    }
    for (key, name) in [
        ("add_bos", "add_bos_token"),
        ("add_eos", "add_eos_token"),
        ("add_space_prefix", "add_space_prefix"),
    ] {
        if let Some(on) = vocab[key].as_bool() {
            entries.push((format!("tokenizer.ggml.{name}"), Value::Bool(on)));
        }
    }
    Metadata::from_entries(entries).expect("metadata")
}

/// The small vocabularies of tools/tokenizer_cases.py (or of a bigger run of it, `KINGLET_TOKENIZER_CASES`).
pub fn own_vocabularies() -> Vec<(String, Json, Tokenizer)> {
    let committed = support::root().join("tests/cases/tokenizer.json");
    let path = std::env::var_os("KINGLET_TOKENIZER_CASES").map_or(committed, Into::into);
    let all: Json = serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
    let vocabularies = all["vocabularies"].as_array().expect("a list").iter();
    vocabularies
        .map(|v| {
            let name = v["name"].as_str().expect("a name").to_owned();
            let tokenizer = Tokenizer::from_gguf(&case_metadata(&v["vocab"]));
            (
                name.clone(),
                v["cases"].clone(),
                tokenizer.unwrap_or_else(|e| panic!("{name}: {e}")),
            )
        })
        .collect()
}

/// Encodes every text of [`own_vocabularies`]; a message for each whose ids are not the expected ones, and the count.
fn differences(perturb: impl Fn(&mut Vec<u32>)) -> (Vec<String>, usize) {
    let (mut different, mut count) = (Vec::new(), 0);
    for (name, cases, tokenizer) in own_vocabularies() {
        let spelled = |ids: &[u32]| {
            ids.iter()
                .map(|&id| tokenizer.token_text(id).to_owned())
                .collect::<Vec<_>>()
        };
        for case in cases.as_array().expect("a list") {
            let text = case["text"].as_str().expect("a text");
            let parse = case["parse"] == true;
            let special = if parse { Special::Parse } else { Special::AsText };
            let bos = if case["add"] == true { Bos::Auto } else { Bos::No };
            let mut got = tokenizer
                .encode(text, special, bos)
                .unwrap_or_else(|e| panic!("{name}: {text:?}: {e}"));
            perturb(&mut got);
            count += 1;
            let expected = ids(&case["ids"]);
            if got != expected {
                let (expected, got) = (spelled(&expected), spelled(&got));
                different.push(format!(
                    "{name}: {special:?} {bos:?} {text:?}\n  expected {expected:?}\n  got {got:?}"
                ));
            }
        }
    }
    (different, count)
}

#[test]
fn small_vocabularies_agree_with_llama_cpp() {
    let (different, count) = differences(|_| {});
    println!("{count} texts");
    let shown = &different[..different.len().min(12)];
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        shown.join("\n")
    );
    assert!(count >= 300, "only {count} texts");
    let (different, _) = differences(|ids| ids.push(0));
    assert_eq!(different.len(), count, "one token too many must be noticed");
}

#[test]
fn phi3_tokenizer_json_gives_the_same_ids() {
    let Some(path) = support::shared("tokenizers/phi-3-mini-4k-instruct/tokenizer.json") else {
        return;
    };
    let tokenizer = Tokenizer::from_tokenizer_json(&std::fs::read(path).expect("readable")).expect("a tokenizer");
    upstream_vectors(&tokenizer, "ggml-vocab-phi-3.gguf");
    extra_vectors(&tokenizer, "phi-3");
    assert_eq!(
        (tokenizer.bos(), tokenizer.add_bos(), tokenizer.is_eog(32007)),
        (Some(1), false, true)
    );
}

#[test]
fn byte_level_tokenizer_json_with_its_own_pattern() {
    // every byte, "he", "hello" and one added token; the pattern is Llama 3's
    let chars: Vec<char> = (0..=255u32)
        .map(|b| match b {
            0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => char::from_u32(b),
            0x00..=0x20 => char::from_u32(0x100 + b),
            0x7f..=0xa0 => char::from_u32(0x121 + b - 0x7f),
            _ => char::from_u32(0x143),
        })
        .map(|c| c.expect("a character"))
        .collect();
    let mut vocab: serde_json::Map<String, Json> = chars
        .iter()
        .enumerate()
        .map(|(i, c)| (c.to_string(), i.into()))
        .collect();
    vocab.insert("he".into(), 256.into());
    vocab.insert("hello".into(), 257.into());
    let json = serde_json::json!({
        "added_tokens": [{"id": 258, "content": "<|eot|>", "special": true, "rstrip": true}],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+"}, "behavior": "Isolated"},
            {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
        ]},
        "post_processor": {"type": "TemplateProcessing", "single": [
            {"SpecialToken": {"id": "<|eot|>"}}, {"Sequence": {"id": "A"}}]},
        "model": {"type": "BPE", "vocab": vocab, "merges": [["h", "e"]], "ignore_merges": true},
    });
    let tokenizer = Tokenizer::from_tokenizer_json(json.to_string().as_bytes()).expect("a tokenizer");
    let encode = |text| tokenizer.encode(text, Special::Parse, Bos::Auto).expect("encodes");
    assert_eq!(
        encode("hello hehello<|eot|> \n1"),
        [258, 257, 32, 256, 256, 108, 108, 111, 258, 49]
    );
    assert_eq!(
        tokenizer.decode(&[256, 0xc3, 0xa9], Special::AsText).expect("decodes"),
        "heé"
    );
}
