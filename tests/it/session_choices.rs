//! Requests with several answers: choices, several prompts, prompts as tokens, echoes, gaps to be filled.

use std::collections::BTreeMap;

use kinglet::Error;
use kinglet::session::{Chunk, FinishReason, Request, Session};
use pollster::block_on;
use serde_json::{Value, json};

use crate::loaded::{EOS, load_golden, load_golden_with};

/// The text of each answer, and the chunks of all.
fn run(session: &mut Session, body: &Value) -> (Vec<String>, Vec<Chunk>) {
    session
        .start(&Request::completion(body).expect("a request"))
        .expect("starts");
    let mut texts: BTreeMap<usize, String> = BTreeMap::new();
    let mut chunks = Vec::new();
    while let Some(chunk) = block_on(session.next()).expect("a step") {
        texts.entry(chunk.index).or_default().push_str(&chunk.text);
        chunks.push(chunk);
    }
    assert!(
        texts.keys().copied().eq(0..texts.len()),
        "every index from 0 on: {:?}",
        texts.keys()
    );
    (texts.into_values().collect(), chunks)
}

fn body(extra: Value) -> Value {
    let mut body = json!({"prompt": "Once upon a time", "temperature": 0, "max_tokens": 12, "logit_bias": {EOS: -100}});
    for (key, value) in extra.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

#[test]
fn choices_come_one_after_the_other_and_share_the_prompt() {
    let mut session = load_golden("qwen2");
    let (alone, _) = run(&mut session, &body(json!({})));
    session.abort();
    let mut session = load_golden("qwen2");
    let (texts, chunks) = run(&mut session, &body(json!({"n": 3})));
    assert_eq!(texts, vec![alone[0].clone(); 3], "greedy answers are the same");
    assert!(chunks.is_sorted_by_key(|c| c.index));
    let ends: Vec<&Chunk> = chunks.iter().filter(|c| c.finish_reason.is_some()).collect();
    assert_eq!(ends.len(), 3);
    assert!(
        ends[..2].iter().all(|c| c.usage.is_none()),
        "usage only at the very end"
    );
    let prompt = ends[0].timings.unwrap();
    assert_eq!(prompt.reused_tokens, 0);
    let usage = ends[2].usage.unwrap();
    for end in &ends[1..] {
        assert_eq!(end.timings.unwrap().reused_tokens, usage.prompt_tokens - 1);
    }
    assert_eq!(usage.completion_tokens, 36);
    assert_eq!(usage.total_tokens, usage.prompt_tokens + 36, "the prompt counts once");
    assert_eq!(
        usage.prompt_tokens_details.cached_tokens, 0,
        "nothing was there before the request"
    );
}

#[test]
fn choices_differ_by_seeds_that_follow_from_the_first() {
    let mut session = load_golden("qwen2");
    let hot = |extra: Value| {
        let mut body = body(json!({"temperature": 1.5, "seed": 7}));
        for (key, value) in extra.as_object().expect("an object") {
            body[key] = value.clone();
        }
        body
    };
    let (three, _) = run(&mut session, &hot(json!({"n": 3})));
    assert!(
        three[0] != three[1] && three[1] != three[2] && three[0] != three[2],
        "{three:?}"
    );
    assert_eq!(run(&mut session, &hot(json!({"n": 3}))).0, three);
    assert_eq!(
        run(&mut session, &hot(json!({}))).0,
        three[..1],
        "the first has the seed itself"
    );
    assert_ne!(run(&mut session, &hot(json!({"n": 3, "seed": 8}))).0, three);
}

#[test]
fn several_prompts_and_prompts_as_tokens() {
    let mut session = load_golden("qwen2");
    let (first, _) = run(&mut session, &body(json!({})));
    let (second, _) = run(&mut session, &body(json!({"prompt": "abc"})));
    assert_ne!(first, second);
    let prompt = Request::completion(&body(json!({}))).unwrap();
    let ids = session.prompt(&prompt.input).unwrap();
    let (texts, chunks) = run(&mut session, &body(json!({"prompt": [ids, "abc"], "n": 2})));
    assert_eq!(texts, [&first[0], &first[0], &second[0], &second[0]].map(String::clone));
    let usage = chunks.last().unwrap().usage.unwrap();
    let abc = Request::completion(&json!({"prompt": "abc"})).unwrap();
    let prompts = session.prompt(&prompt.input).unwrap().len() + session.prompt(&abc.input).unwrap().len();
    assert_eq!(usage.prompt_tokens, prompts);
    assert_eq!(usage.completion_tokens, 4 * 12);
}

#[test]
fn an_echo_stands_before_the_answer() {
    let mut session = load_golden("qwen2");
    let (plain, _) = run(&mut session, &body(json!({"stop": "Once"})));
    let (echoed, _) = run(&mut session, &body(json!({"echo": true, "stop": "Once"})));
    assert_eq!(
        echoed[0],
        format!("Once upon a time{}", plain[0]),
        "and no stop string is looked for in it"
    );
    let (nothing, chunks) = run(&mut session, &body(json!({"echo": true, "max_tokens": 0})));
    assert_eq!(nothing, ["Once upon a time"]);
    assert_eq!(chunks[0].finish_reason, Some(FinishReason::Length));
}

#[test]
fn a_request_with_one_impossible_prompt_computes_nothing() {
    let mut session = load_golden("qwen2");
    let start = |session: &mut Session, extra: Value| session.start(&Request::completion(&body(extra)).unwrap());
    let long = "word ".repeat(5000);
    let error = start(&mut session, json!({"prompt": ["a", long]})).unwrap_err();
    assert!(matches!(error, Error::ContextOverflow { .. }), "{error}");
    assert_eq!(block_on(session.next()).unwrap(), None);
    for (prompt, expected) in [(json!([[1], [99_999_999]]), "prompt"), (json!([""]), "")] {
        match start(&mut session, json!({ "prompt": prompt })) {
            Err(Error::InvalidRequest { param, .. }) => assert_eq!(param, expected),
            other => assert!(other.is_ok() && expected.is_empty(), "{prompt}: {other:?}"), // a BOS token is a prompt
        }
    }
    session.abort();
}

#[test]
fn an_abort_ends_all_answers_of_the_request() {
    let mut session = load_golden("qwen2");
    session
        .start(&Request::completion(&body(json!({"n": 4}))).unwrap())
        .unwrap();
    assert!(block_on(session.next()).unwrap().is_some());
    session.abort();
    assert_eq!(block_on(session.next()).unwrap(), None);
    assert!(!block_on(session.prefill()).unwrap());
}

#[test]
fn a_gap_is_filled_where_the_file_declares_tokens_for_it() {
    let mut bare = load_golden("qwen2");
    let request =
        Request::completion(&json!({"prompt": "ab", "suffix": "ef", "max_tokens": 2, "temperature": 0})).unwrap();
    match bare.start(&request) {
        Err(Error::InvalidRequest { param, .. }) => assert_eq!(param, "suffix"),
        other => panic!("{other:?}"),
    }
    for names in [["fim_pre", "fim_suf", "fim_mid"], ["prefix", "suffix", "middle"]] {
        let keys = names.map(|name| format!("tokenizer.ggml.{name}_token_id"));
        let entries: Vec<(&str, u32)> = keys.iter().map(String::as_str).zip([5, 6, 7]).collect();
        let mut session = load_golden_with("qwen2", &entries);
        let ids = session.prompt(&request.input).unwrap();
        let text = |text: &str| {
            let encode = |t| {
                session
                    .tokenizer()
                    .encode(t, kinglet::text::Special::AsText, kinglet::text::Bos::No)
            };
            encode(text).unwrap()
        };
        let bos: Vec<u32> = session
            .tokenizer()
            .bos()
            .filter(|_| session.tokenizer().add_bos())
            .into_iter()
            .collect();
        assert_eq!(ids, [bos, vec![5], text("ab"), vec![6], text("ef"), vec![7]].concat());
        // An empty suffix is none.
        let none = Request::completion(&json!({"prompt": "ab", "suffix": ""})).unwrap();
        assert_eq!(
            session.prompt(&none.input).unwrap().len(),
            ids.len() - 3 - text("ef").len()
        );
        session.start(&request).unwrap();
        let chunk = block_on(session.next()).unwrap().expect("a chunk");
        assert_eq!(chunk.index, 0);
    }
    // A model that declares only two of the three cannot do it.
    let half = [
        ("tokenizer.ggml.fim_pre_token_id", 5),
        ("tokenizer.ggml.fim_suf_token_id", 6),
    ];
    assert!(load_golden_with("qwen2", &half).start(&request).is_err());
}
