//! Tokenizers from metadata and JSON that nobody should have written.

use kinglet::gguf::{Array, Metadata, Strings, Value};
use kinglet::text::{Bos, Special, Tokenizer};

use crate::support;

/// A SentencePiece-style vocabulary with one entry changed.
fn hostile(change: impl FnOnce(&mut Vec<(String, Value)>)) -> kinglet::Result<Tokenizer> {
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

/// Padding plays no part in inference, and its id is often one too many (32000 for Llama's 32,000 tokens).
#[test]
fn padding_beyond_the_vocabulary_is_harmless() {
    let tokenizer = hostile(|e| e.push(("tokenizer.ggml.padding_token_id".into(), Value::U32(6)))).expect("loads");
    let ids = tokenizer.encode("a", Special::AsText, Bos::Auto).expect("encodes");
    assert_eq!(ids, [1, 5]);
}

#[test]
fn odd_merges_and_pieces_do_no_harm() {
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
fn random_vocabularies_never_panic() {
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
