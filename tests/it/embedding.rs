//! Embeddings: against llama.cpp's, and what must hold for every model.

use kinglet::Error;
use kinglet::ops::CacheType;
use kinglet::session::{EmbeddingRequest, Request, Session, SessionOptions};
use pollster::block_on;
use serde_json::{Value, json};

use crate::loaded::{cpu, golden_bytes, load, load_golden, load_golden_with};
use crate::support;

/// The vectors of a request.
pub fn embed(session: &mut Session, body: &Value) -> Vec<Vec<f32>> {
    session
        .start_embedding(&EmbeddingRequest::new(body).expect("a request"))
        .expect("starts");
    let mut vectors = Vec::new();
    while let Some(found) = block_on(session.next_embedding()).expect("a vector") {
        assert_eq!(found.index, vectors.len());
        vectors.push(found.embedding);
    }
    vectors
}

/// Cosine of the angle between two vectors of length 1.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// What llama.cpp makes of the texts of tests/cases/embeddings.json, compared with what `options` make of them; `None`
/// without the shared data.
pub fn against_llama_cpp(options: &SessionOptions) -> Option<f64> {
    let text = std::fs::read_to_string(support::root().join("tests/cases/embeddings.json")).expect("readable");
    let cases: Value = serde_json::from_str(&text).expect("JSON");
    let path = support::shared(&format!("models/{}", cases["model"].as_str().expect("a name")))?;
    let mut session = load(std::fs::read(path).expect("readable"), options);
    let mut worst: f64 = 1.0;
    for pooling in ["mean", "last"] {
        let ours = embed(
            &mut session,
            &json!({"input": cases["texts"], "kinglet": {"pooling": pooling}}),
        );
        let same = embed(
            &mut session,
            &json!({"input": cases["ids"], "kinglet": {"pooling": pooling}}),
        );
        assert_eq!(ours, same, "the tokens are llama.cpp's");
        for (ours, theirs) in ours.iter().zip(cases[pooling].as_array().expect("vectors")) {
            let theirs: Vec<f32> = serde_json::from_value(theirs.clone()).expect("numbers");
            worst = worst.min(cosine(ours, &theirs));
        }
    }
    Some(worst)
}

#[test]
fn they_are_those_of_llama_cpp() {
    let exact = SessionOptions {
        exact: true,
        cache_type: CacheType::F32,
        ..cpu()
    };
    // f32 against f32: what is left is the order of sums.
    if let Some(worst) = against_llama_cpp(&exact) {
        assert!(worst > 1.0 - 1e-6, "{worst}");
    }
    // Activations in 8 bits and a cache in f16.
    if let Some(worst) = against_llama_cpp(&cpu()) {
        assert!(worst > 0.999, "{worst}");
    }
}

#[test]
fn a_wrong_pooling_is_noticed() {
    let mut session = load_golden("qwen2");
    let [mean, last] = ["mean", "last"].map(|pooling| {
        embed(
            &mut session,
            &json!({"input": "Once upon a time", "kinglet": {"pooling": pooling}}),
        )
        .remove(0)
    });
    assert!(cosine(&mean, &last) < 0.99, "{}", cosine(&mean, &last));
}

#[test]
fn what_holds_for_every_model() {
    for model in ["qwen2", "qwen3", "llama3", "phi4mini", "window"] {
        let mut session = load_golden(model);
        let texts = ["Once upon a time", "abc", "abc abc abc abc abc abc abc abc abc"];
        let vectors = embed(&mut session, &json!({ "input": texts }));
        assert_eq!(vectors.len(), 3);
        for vector in &vectors {
            assert_eq!(vector.len(), session.info().embedding_length, "{model}");
            assert!((cosine(vector, vector) - 1.0).abs() < 1e-5, "{model}: of length 1");
        }
        // Each alone is the same as among others.
        for (text, vector) in texts.iter().zip(&vectors) {
            assert_eq!(
                &embed(&mut session, &json!({ "input": text }))[0],
                vector,
                "{model}: {text}"
            );
        }
        assert!(
            cosine(&vectors[0], &vectors[1]) < 0.9999,
            "{model}: different texts differ"
        );
        // One token: its mean is its last.
        let poolings = ["mean", "last"].map(|p| embed(&mut session, &json!({"input": [5], "kinglet": {"pooling": p}})));
        assert_eq!(poolings[0], poolings[1], "{model}");
        // Read in chunks of three tokens it is the same text.
        let small = SessionOptions {
            n_batch: Some(3),
            ..cpu()
        };
        let mut chunked = load(golden_bytes(model), &small);
        for (a, b) in embed(&mut chunked, &json!({ "input": texts })).iter().zip(&vectors) {
            assert!(cosine(a, b) > 1.0 - 1e-5, "{model}: {}", cosine(a, b));
        }
    }
}

#[test]
fn fewer_dimensions_are_the_first_ones_at_length_one() {
    let mut session = load_golden("qwen2");
    let whole = embed(&mut session, &json!({"input": "abc"})).remove(0);
    let part = embed(&mut session, &json!({"input": "abc", "dimensions": 8})).remove(0);
    assert_eq!(part.len(), 8);
    let length = cosine(&whole[..8], &whole[..8]).sqrt();
    for (part, whole) in part.iter().zip(&whole) {
        assert!((f64::from(*part) - f64::from(*whole) / length).abs() < 1e-6);
    }
}

#[test]
fn the_file_says_how_to_pool() {
    let mut plain = load_golden("qwen2");
    let last = embed(&mut plain, &json!({"input": "a b c", "kinglet": {"pooling": "last"}}));
    let mut declared = load_golden_with("qwen2", &[("qwen2.pooling_type", 3)]);
    assert_eq!(embed(&mut declared, &json!({"input": "a b c"})), last);
    // A model that wants another pooling can still chat.
    let mut ranker = load_golden_with("qwen2", &[("qwen2.pooling_type", 4)]);
    let request = EmbeddingRequest::new(&json!({"input": "a"})).unwrap();
    assert!(matches!(
        ranker.start_embedding(&request),
        Err(Error::UnsupportedFeature { .. })
    ));
    assert_eq!(
        embed(&mut ranker, &json!({"input": "a b c", "kinglet": {"pooling": "last"}})),
        last
    );
}

#[test]
fn usage_counts_all_texts_and_no_control_token_comes_out_of_them() {
    let mut session = load_golden("qwen2");
    let count = |session: &mut Session, input: Value| {
        let request = EmbeddingRequest::new(&json!({ "input": input })).unwrap();
        session.start_embedding(&request).unwrap();
        let mut usage = None;
        while let Some(found) = block_on(session.next_embedding()).unwrap() {
            assert!(usage.is_none(), "only with the last");
            usage = found.usage;
        }
        usage.expect("a usage").prompt_tokens
    };
    let each = count(&mut session, json!("abc")) + count(&mut session, json!("de"));
    assert_eq!(count(&mut session, json!(["abc", "de"])), each);
    assert!(
        count(&mut session, json!("</s>")) > count(&mut session, json!("s")),
        "the text of a control token is text"
    );
}

#[test]
fn bad_requests_are_named() {
    for (param, body) in [
        ("input", json!({})),
        ("input", json!({"input": []})),
        ("input", json!({"input": 7})),
        ("input[1]", json!({"input": ["a", null]})),
        ("dimensions", json!({"input": "a", "dimensions": "8"})),
        ("kinglet.pooling", json!({"input": "a", "kinglet": {"pooling": "cls"}})),
        ("pooling", json!({"input": "a", "pooling": "mean"})),
        ("task", json!({"input": "a", "task": "search"})),
    ] {
        match EmbeddingRequest::new(&body) {
            Err(Error::InvalidRequest { param: got, .. }) => assert_eq!(got, param, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let mut session = load_golden("qwen2");
    let mut start = |body: Value| {
        session
            .start_embedding(&EmbeddingRequest::new(&body).unwrap())
            .unwrap_err()
    };
    assert_eq!(
        start(json!({"input": "a", "dimensions": 0})).detail()["param"],
        "dimensions"
    );
    assert_eq!(
        start(json!({"input": "a", "dimensions": 100_000})).detail()["param"],
        "dimensions"
    );
    assert_eq!(
        start(json!({"input": [[1], [99_999_999]]})).detail()["param"],
        "input[1]"
    );
    assert_eq!(start(json!({"input": [[1], []]})).detail()["param"], "input[1]");
    assert!(matches!(
        start(json!({"input": "word ".repeat(5000)})),
        Error::ContextOverflow { .. }
    ));
}

#[test]
fn an_answer_after_an_embedding_is_the_same() {
    let body = json!({"prompt": "Once upon a time", "max_tokens": 8, "temperature": 0});
    let request = Request::completion(&body).unwrap();
    let text = |session: &mut Session| {
        session.start(&request).unwrap();
        let mut text = String::new();
        while let Some(chunk) = block_on(session.next()).unwrap() {
            text += &chunk.text;
        }
        text
    };
    let mut session = load_golden("qwen2");
    let alone = text(&mut session);
    embed(&mut session, &json!({"input": "Once upon another time"}));
    assert_eq!(text(&mut session), alone);
    // An abort ends the request for embeddings, too.
    session
        .start_embedding(&EmbeddingRequest::new(&json!({"input": ["a", "b"]})).unwrap())
        .unwrap();
    assert!(block_on(session.next_embedding()).unwrap().is_some() && session.embeds());
    session.abort();
    assert_eq!(block_on(session.next_embedding()).unwrap(), None);
    assert_eq!(text(&mut session), alone);
}
