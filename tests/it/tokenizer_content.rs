//! What becomes of text: never markup, never half a character.

use kinglet::text::{Bos, Special, TokenStream, Tokenizer};

use crate::support;
use crate::tokenizer::{SHARED, ids, load, own_vocabularies};

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
