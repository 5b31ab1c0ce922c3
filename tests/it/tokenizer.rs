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
fn own_vocabularies() -> Vec<(String, Json, Tokenizer)> {
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

#[test]
fn small_vocabularies_agree_with_llama_cpp() {
    let mut count = 0;
    let mut different = Vec::new();
    for (name, cases, tokenizer) in own_vocabularies() {
        for case in cases.as_array().expect("a list") {
            let text = case["text"].as_str().expect("a text");
            let special = if case["parse"] == true {
                Special::Parse
            } else {
                Special::AsText
            };
            let bos = if case["add"] == true { Bos::Auto } else { Bos::No };
            let got = tokenizer
                .encode(text, special, bos)
                .unwrap_or_else(|e| panic!("{name}: {text:?}: {e}"));
            count += 1;
            if got != ids(&case["ids"]) {
                let spelled = |ids: &[u32]| {
                    ids.iter()
                        .map(|&id| tokenizer.token_text(id).to_owned())
                        .collect::<Vec<_>>()
                };
                different.push(format!(
                    "{name}: {special:?} {bos:?} {text:?}\n  expected {:?}\n  got      {:?}",
                    spelled(&ids(&case["ids"])),
                    spelled(&got)
                ));
            }
        }
    }
    println!("{count} texts");
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different[..different.len().min(12)].join("\n")
    );
    assert!(count >= 300, "only {count} texts");
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

/// True for markup other than the stand-in for characters without token.
fn is_foreign(tokenizer: &Tokenizer, id: u32) -> bool {
    tokenizer.is_markup(id) && tokenizer.token_text(id) != "<unk>"
}

/// No token of `ids` is markup.
fn assert_no_markup(tokenizer: &Tokenizer, ids: &[u32], text: &str) {
    if let Some(&id) = ids.iter().find(|&&id| is_foreign(tokenizer, id)) {
        panic!("{text:?} became markup: token {id}, {:?}", tokenizer.token_text(id));
    }
}

/// Every control token of a vocabulary, inside content, stays text and survives.
fn content_never_becomes_markup(tokenizer: &Tokenizer, lossless: bool) -> usize {
    let names: Vec<String> = tokenizer.control_texts().map(str::to_owned).collect();
    for name in &names {
        for text in [
            name.clone(),
            format!("a{name}b"),
            format!("{name}{name} \n{name}"),
            format!("x {name}"),
        ] {
            let plain = tokenizer.encode(&text, Special::AsText, Bos::No).expect("encodes");
            assert_no_markup(tokenizer, &plain, &text);
            if lossless {
                assert_eq!(tokenizer.decode(&plain, Special::Parse).expect("decodes"), text);
            }
            // the same through a template: a marker inside the name, the real token around it
            let marker = '\u{e000}';
            let (head, tail) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
            let content = text.replace(name.as_str(), &format!("{head}{marker}{tail}"));
            let marked = tokenizer.encode_marked(&content, Some(marker)).expect("encodes");
            assert_eq!(marked, plain, "{text:?}");
            let around = tokenizer
                .encode_marked(&format!("{name}{content}{name}"), Some(marker))
                .expect("encodes");
            let markup = around.iter().filter(|&&id| is_foreign(tokenizer, id)).count();
            let single = name.chars().count() == 1; // nowhere to put a marker inside
            assert!(
                single || name == "<unk>" || markup == 2,
                "{text:?}: {markup} control tokens"
            );
        }
    }
    names.len()
}

#[test]
fn content_never_becomes_markup_in_any_vocabulary() {
    for (name, _, tokenizer) in own_vocabularies() {
        // SentencePiece puts a space after the user-defined "<|us", and some vocabularies lack bytes
        let lossless = name.starts_with("bpe") && !name.contains("few");
        content_never_becomes_markup(&tokenizer, lossless);
    }
    for (name, vocab, _) in SHARED {
        let Some(path) = support::shared(&format!("vocab/{vocab}")) else {
            continue;
        };
        let names = content_never_becomes_markup(&load(&path), true);
        assert!(names >= 3, "{name}: only {names} control tokens");
    }
}

#[test]
fn markers_change_nothing_but_the_recognition_of_markup() {
    for (name, cases, tokenizer) in own_vocabularies() {
        let mut rng = support::Rng(7);
        for case in cases
            .as_array()
            .expect("a list")
            .iter()
            .filter(|c| c["parse"] == true && c["add"] == false)
        {
            let text = case["text"].as_str().expect("a text");
            // markers between characters where no control token stands
            let (mut marked, mut rest) = (String::new(), text);
            while let Some(c) = rest.chars().next() {
                let control = tokenizer
                    .control_texts()
                    .find(|t| rest.starts_with(t))
                    .map_or(0, str::len);
                let inside = tokenizer.control_texts().any(|t| {
                    // conservatively: no marker before a character that may belong to a control token
                    t.contains(c)
                });
                if control == 0 && !inside && rng.below(3) == 0 {
                    marked.push('\u{e000}');
                }
                let taken = control.max(c.len_utf8());
                marked.push_str(&rest[..taken]);
                rest = &rest[taken..];
            }
            let got = tokenizer.encode_marked(&marked, Some('\u{e000}')).expect("encodes");
            assert_eq!(got, ids(&case["ids"]), "{name}: {marked:?}");
        }
    }
}

#[test]
fn streams_give_what_decoding_gives_and_whole_characters_only() {
    let texts = ["Hello", "naïve 日本語 🙂👍🏽", "  two", "a\u{301}🏴\u{e0067}", ""];
    for (name, _, tokenizer) in own_vocabularies() {
        if name.contains("no bytes") {
            continue;
        }
        for text in texts {
            let ids = tokenizer.encode(text, Special::AsText, Bos::Auto).expect("encodes");
            let decoded = tokenizer.decode(&ids, Special::AsText).expect("decodes");
            if !name.contains("few") && !name.contains("add bos") {
                assert!(decoded.ends_with(text), "{name}: {text:?}, {decoded:?}");
            }
            let mut stream = TokenStream::new(Special::AsText);
            let mut pieces: Vec<String> = ids.iter().map(|&id| stream.push(&tokenizer, id)).collect();
            if !name.contains("few") {
                assert!(pieces.iter().all(|p| !p.contains('\u{fffd}')), "{name}: {pieces:?}");
            }
            pieces.push(stream.flush());
            assert_eq!(pieces.concat(), decoded, "{name}");
        }
    }
    let Some(path) = support::shared("vocab/ggml-vocab-phi-3.gguf") else {
        return;
    };
    let phi3 = load(&path);
    let ids = phi3.encode("🙂 x", Special::AsText, Bos::Yes).expect("encodes");
    let mut stream = TokenStream::new(Special::AsText);
    let pieces: Vec<String> = ids.iter().map(|&id| stream.push(&phi3, id)).collect();
    assert_eq!(pieces, ["", "", "", "", "", "🙂", " x"]);
    let mut stream = TokenStream::continuing(Special::AsText);
    assert_eq!(stream.push(&phi3, phi3.token_id("▁the").expect("a token")), " the");
    assert_eq!(
        phi3.decode(&[1, 15043, 32007], Special::Parse).expect("decodes"),
        "<s> Hello<|end|>"
    );
    assert_eq!(
        phi3.decode(&[1, 15043, 32007], Special::AsText).expect("decodes"),
        "Hello"
    );
    assert!(phi3.decode(&[40_000], Special::AsText).is_err());
}

/// A SentencePiece-style vocabulary with one entry changed.
fn hostile(change: impl FnOnce(&mut Vec<(String, kinglet::gguf::Value)>)) -> kinglet::Result<Tokenizer> {
    use kinglet::gguf::{Array, Value};
    let pieces = ["<unk>", "<s>", "</s>", "▁", "a", "▁a"];
    let mut entries = vec![
        ("tokenizer.ggml.model".to_owned(), Value::String("llama".into())),
        (
            "tokenizer.ggml.tokens".to_owned(),
            Value::Array(Array::String(pieces.iter().collect())),
        ),
        (
            "tokenizer.ggml.scores".to_owned(),
            Value::Array(Array::F32(vec![0.0; 6])),
        ),
        (
            "tokenizer.ggml.token_type".to_owned(),
            Value::Array(Array::I32(vec![2, 3, 3, 1, 1, 1])),
        ),
    ];
    change(&mut entries);
    Tokenizer::from_gguf(&Metadata::from_entries(entries)?)
}

#[test]
fn hostile_metadata_gives_typed_errors() {
    use kinglet::gguf::{Array, Strings, Value};
    assert!(hostile(|_| {}).is_ok());
    let texts = |list: &[&str]| Value::Array(Array::String(list.iter().collect::<Strings>()));
    type Change = Box<dyn FnOnce(&mut Vec<(String, Value)>)>;
    let set = |i: usize, value: Value| -> Change { Box::new(move |e| e[i].1 = value) };
    let add = |key: &str, value: Value| -> Change {
        let key = key.to_owned();
        Box::new(move |e| e.push((key, value)))
    };
    let changes: Vec<(&str, &str, Change)> = vec![
        ("no model", "bad_file", Box::new(|e| drop(e.remove(0)))),
        ("no tokens", "bad_file", Box::new(|e| drop(e.remove(1)))),
        (
            "unknown model",
            "unsupported_tokenizer",
            set(0, Value::String("bert".into())),
        ),
        ("model is a number", "bad_file", set(0, Value::U32(1))),
        (
            "tokens are numbers",
            "bad_file",
            set(1, Value::Array(Array::U32(vec![1]))),
        ),
        ("empty vocabulary", "bad_file", set(1, texts(&[]))),
        (
            "duplicate piece",
            "bad_file",
            set(1, texts(&["a", "b", "c", "d", "e", "a"])),
        ),
        (
            "too few scores",
            "bad_file",
            set(2, Value::Array(Array::F32(vec![0.0; 5]))),
        ),
        (
            "NaN score",
            "bad_file",
            set(2, Value::Array(Array::F32(vec![f32::NAN; 6]))),
        ),
        (
            "too many types",
            "bad_file",
            set(3, Value::Array(Array::I32(vec![1; 7]))),
        ),
        (
            "bos out of range",
            "bad_file",
            add("tokenizer.ggml.bos_token_id", Value::U32(6)),
        ),
        (
            "negative eos",
            "bad_file",
            add("tokenizer.ggml.eos_token_id", Value::I32(-1)),
        ),
        (
            "add_bos is a string",
            "bad_file",
            add("tokenizer.ggml.add_bos_token", Value::String("yes".into())),
        ),
        ("gpt2 without merges", "bad_file", set(0, Value::String("gpt2".into()))),
    ];
    for (what, code, change) in changes {
        let error = hostile(change).err().unwrap_or_else(|| panic!("{what} was accepted"));
        assert_eq!(error.code(), code, "{what}: {error}");
    }
    let pre = hostile(|e| {
        e[0].1 = Value::String("gpt2".into());
        e.push(("tokenizer.ggml.merges".into(), texts(&[])));
        e.push(("tokenizer.ggml.pre".into(), Value::String("nonesuch".into())));
    });
    assert_eq!(pre.err().map(|e| e.code()), Some("unsupported_tokenizer"));
}

#[test]
fn odd_merges_and_pieces_do_no_harm() {
    use kinglet::gguf::{Array, Strings, Value};
    let long = "x".repeat(40_000);
    let merges = [
        "", " ", "a", "a ", " a", "a b", "a b", "ab c", "b 漢", "漢 字", "a b c", "zz yy", &long,
    ];
    let tokenizer = hostile(|e| {
        e[0].1 = Value::String("gpt2".into());
        e[1].1 = Value::Array(Array::String(
            ["", "a", "b", "ab", "\0", "漢字"].iter().collect::<Strings>(),
        ));
        e[3].1 = Value::Array(Array::I32(vec![1, 1, 1, 1, 99, -5]));
        e.push((
            "tokenizer.ggml.merges".into(),
            Value::Array(Array::String(merges.iter().collect())),
        ));
    })
    .expect("loads");
    let ids = tokenizer
        .encode("ab\0 漢字 aab", Special::AsText, Bos::No)
        .expect("encodes");
    assert_eq!(ids, [3, 1, 3]);
    let two = format!("{long} {long}");
    let error = hostile(|e| {
        e[0].1 = Value::String("gpt2".into());
        e.push((
            "tokenizer.ggml.merges".into(),
            Value::Array(Array::String([two].iter().collect())),
        ));
    });
    assert_eq!(error.err().map(|e| e.code()), Some("bad_file"));
}

#[test]
fn hostile_tokenizer_json_gives_typed_errors() {
    let model = r#""model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0},"merges":[]}"#;
    for (json, code) in [
        ("{".to_owned(), "bad_file"),
        ("[]".to_owned(), "bad_file"),
        (
            r#"{"model":{"type":"Unigram","vocab":{}}}"#.to_owned(),
            "unsupported_tokenizer",
        ),
        (format!("{{{model}}}"), "unsupported_tokenizer"),
        (
            format!(r#"{{{model},"pre_tokenizer":{{"type":"Whitespace"}}}}"#),
            "unsupported_tokenizer",
        ),
        (
            format!(r#"{{{model},"normalizer":{{"type":"Lowercase"}}}}"#),
            "unsupported_tokenizer",
        ),
        (
            format!(
                r#"{{{model},"added_tokens":[{{"id":4000000000,"content":"x"}}],"pre_tokenizer":{{"type":"ByteLevel"}}}}"#
            ),
            "bad_file",
        ),
        (
            format!(r#"{{{model},"added_tokens":[{{"id":0,"content":"x"}}],"pre_tokenizer":{{"type":"ByteLevel"}}}}"#),
            "bad_file",
        ),
        (
            format!(
                r#"{{{model},"pre_tokenizer":{{"type":"Split","pattern":{{"Regex":"(?<x>a)"}},"behavior":"Isolated"}}}}"#
            ),
            "unsupported_tokenizer",
        ),
    ] {
        let error = Tokenizer::from_tokenizer_json(json.as_bytes())
            .err()
            .unwrap_or_else(|| panic!("accepted: {json}"));
        assert_eq!(error.code(), code, "{json}: {error}");
    }
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

#[test]
fn random_vocabularies_never_panic() {
    use kinglet::gguf::{Array, Strings, Value};
    let seed = 20;
    let (rounds, mut loaded) = (support::count(150, 5_000), 0);
    let mut rng = support::Rng(seed);
    let atoms = [
        "a", "b", "▁", "Ġ", " ", "<", ">", "|", "\n", "é", "漢", "🙂", "<0x41>", "\0", "Ċ", "<s>", "e\u{301}",
    ];
    for _ in 0..rounds {
        let word = |rng: &mut support::Rng, most: usize| -> String {
            let n = rng.below(most + 1);
            (0..n).map(|_| atoms[rng.below(atoms.len())]).collect()
        };
        let mut tokens: Vec<String> = (0..1 + rng.below(60)).map(|_| word(&mut rng, 4)).collect();
        if rng.below(10) > 0 {
            tokens.sort();
            tokens.dedup();
        }
        let n = tokens.len();
        let merges: Vec<String> = (0..rng.below(60))
            .map(|_| match rng.below(4) {
                0 => word(&mut rng, 5),
                _ => format!("{} {}", tokens[rng.below(n)], tokens[rng.below(n)]),
            })
            .collect();
        let kinds = (0..n).map(|_| [1, 1, 1, 1, 2, 3, 4, 5, 6, 77][rng.below(10)]).collect();
        let scores = (0..n)
            .map(|_| [0.0, -1.0, 3.5, f32::INFINITY, f32::NEG_INFINITY][rng.below(5)])
            .collect();
        let pre = ["default", "llama-bpe", "gpt-2", "deepseek-llm"][rng.below(4)];
        let model = ["llama", "gpt2"][rng.below(2)];
        let metadata = Metadata::from_entries(vec![
            ("tokenizer.ggml.model".into(), Value::String(model.into())),
            ("tokenizer.ggml.pre".into(), Value::String(pre.into())),
            (
                "tokenizer.ggml.tokens".into(),
                Value::Array(Array::String(tokens.iter().collect::<Strings>())),
            ),
            (
                "tokenizer.ggml.merges".into(),
                Value::Array(Array::String(merges.iter().collect::<Strings>())),
            ),
            ("tokenizer.ggml.token_type".into(), Value::Array(Array::I32(kinds))),
            ("tokenizer.ggml.scores".into(), Value::Array(Array::F32(scores))),
        ]);
        let Ok(tokenizer) = Tokenizer::from_gguf(&metadata.expect("metadata")) else {
            continue;
        };
        loaded += 1;
        for _ in 0..8 {
            let text = word(&mut rng, 30);
            for special in [Special::Parse, Special::AsText] {
                if let Ok(ids) = tokenizer.encode(&text, special, Bos::Auto) {
                    assert!(ids.iter().all(|&id| (id as usize) < tokenizer.n_vocab()));
                    tokenizer.decode(&ids, special).expect("own ids decode");
                }
            }
        }
    }
    println!("seed {seed}: {loaded} of {rounds} vocabularies loaded");
    assert!(loaded * 3 > rounds, "only {loaded} of {rounds} vocabularies loaded");
}
