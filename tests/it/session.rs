//! A session end to end on the CPU: requests as JSON, chunks out. The model is a committed one that gets a chat
//! template written into its metadata.

use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::Error;
use kinglet::engine::BackendChoice;
use kinglet::platform::{ByteSource, MemorySource};
use kinglet::session::{Chunk, FinishReason, Request, Session, SessionOptions};
use kinglet::text::{Guard, Special, Tokenizer};
use pollster::block_on;
use serde_json::{Value, json};

use crate::support;
use crate::with_template::with_template;

/// Turns end with the end-of-text token, roles and contents stand bare beside control tokens.
const TEMPLATE: &str = "{% for m in messages %}{% if m.role == 'nobody' %}{{ raise_exception('nobody may not speak') }}\
    {% endif %}<s>{{ m.role }}: {{ m.content | trim }}{% if m.name %}{{ m.name }}{% endif %}\
    {% for c in m.tool_calls or [] %}{{ c.function.arguments | tojson }}{% endfor %}</s>{% endfor %}\
    {% if tools %}{{ tools | tojson }}{% endif %}<s>bot:";

fn load(template: Option<&str>) -> Session {
    let file = std::fs::read(support::root().join("tests/goldens/qwen2.gguf")).expect("readable");
    let file = template.map_or_else(|| file.clone(), |t| with_template(&file, t));
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(file))];
    let options = SessionOptions {
        backend: BackendChoice::Cpu,
        ..SessionOptions::default()
    };
    block_on(Session::load(sources, &options, &mut |_| ControlFlow::Continue(()))).expect("loads")
}

fn run(session: &mut Session, request: &Request) -> (String, Vec<Chunk>) {
    session.start(request).expect("starts");
    let mut chunks = Vec::new();
    while let Some(chunk) = block_on(session.next()).expect("a step") {
        chunks.push(chunk);
    }
    (chunks.iter().map(|c| c.text.as_str()).collect(), chunks)
}

/// The model's end-of-text token: banned, so that answers are as long as asked for.
const EOS: &str = "2";

fn chat(extra: Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "Once upon a time"}], "temperature": 0, "max_tokens": 24,
        "logit_bias": {EOS: -100}});
    for (key, value) in extra.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

#[test]
fn a_chat_answers_and_counts() {
    let mut session = load(Some(TEMPLATE));
    assert!(session.info().chat_template);
    let request = Request::chat(&chat(json!({}))).unwrap();
    let (text, chunks) = run(&mut session, &request);
    assert!(!text.is_empty());
    let last = chunks.last().unwrap();
    let usage = last.usage.unwrap();
    assert_eq!(last.finish_reason, Some(FinishReason::Length));
    assert!(
        chunks
            .iter()
            .rev()
            .skip(1)
            .all(|c| c.finish_reason.is_none() && c.usage.is_none())
    );
    assert_eq!(usage.completion_tokens, 24);
    assert_eq!(usage.total_tokens, usage.prompt_tokens + 24);
    assert_eq!(usage.prompt_tokens, session.prompt(&request.input).unwrap().len());
    assert_eq!(session.generated().len(), 24);

    // The same conversation with one more turn finds its beginning in the cache.
    let longer = json!({"messages": [
        {"role": "user", "content": "Once upon a time"}, {"role": "bot", "content": text}, {"role": "user", "content": "And then?"}],
        "temperature": 0, "max_tokens": 2});
    let (_, chunks) = run(&mut session, &Request::chat(&longer).unwrap());
    let usage = chunks.last().unwrap().usage.unwrap();
    assert!(usage.prompt_tokens_details.cached_tokens > 8, "{usage:?}");

    // A completion of the rendered text is the same request.
    let rendered = json!({"prompt": "user: Once upon a time</s><s>bot:", "temperature": 0, "max_tokens": 24, "logit_bias": {EOS: -100}});
    let (again, _) = run(&mut session, &Request::completion(&rendered).unwrap());
    assert_eq!(again, text);
}

#[test]
fn stop_strings_end_the_answer_wherever_they_begin() {
    let mut session = load(Some(TEMPLATE));
    let (text, chunks) = run(&mut session, &Request::chat(&chat(json!({}))).unwrap());
    let cuts: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
    for (from, len) in [(0, 1), (3, 2), (5, 4), (7, 9)] {
        let stop = &text[cuts[from]..cuts[from + len]];
        let request = Request::chat(&chat(json!({"stop": ["never there", stop]}))).unwrap();
        let (cut, cut_chunks) = run(&mut session, &request);
        assert_eq!(cut, text[..text.find(stop).unwrap()], "stop {stop:?}");
        assert_eq!(cut_chunks.last().unwrap().finish_reason, Some(FinishReason::Stop));
        assert!(cut_chunks.len() <= chunks.len());
    }
    let (whole, _) = run(
        &mut session,
        &Request::chat(&chat(json!({"stop": "never there"}))).unwrap(),
    );
    assert_eq!(whole, text, "held-back text comes out at the end");
}

#[test]
fn logprobs_come_with_their_tokens() {
    let mut session = load(Some(TEMPLATE));
    let request = Request::chat(&chat(json!({"logprobs": true, "top_logprobs": 3, "max_tokens": 6}))).unwrap();
    let (_, chunks) = run(&mut session, &request);
    let mut bytes: Vec<u8> = Vec::new();
    let mut count = 0;
    for entry in chunks
        .iter()
        .filter_map(|c| c.logprobs.as_ref())
        .flat_map(|l| &l.content)
    {
        count += 1;
        bytes.extend(&entry.bytes);
        let top = entry.top_logprobs.as_ref().unwrap();
        assert_eq!(top.len(), 3);
        let same = |t: &&kinglet::session::TokenLogprob| (&t.bytes, t.logprob) == (&entry.bytes, entry.logprob);
        let rank = top.iter().position(|t| same(&t));
        assert!(
            rank.is_some_and(|r| r < 2),
            "greedy takes the best, but for the banned token: {rank:?}"
        );
        assert!(entry.logprob <= 0.0 && top.windows(2).all(|w| w[0].logprob >= w[1].logprob));
    }
    assert_eq!(count, 6);
    let tokenizer = session.tokenizer();
    let generated: Vec<u8> = session
        .generated()
        .iter()
        .flat_map(|&id| tokenizer.token_bytes(id).into_owned())
        .collect();
    assert_eq!(bytes, generated);
}

#[test]
fn seeds_decide() {
    let mut session = load(Some(TEMPLATE));
    let mut draw = |extra: Value| run(&mut session, &Request::chat(&chat(extra)).unwrap()).0;
    let hot = |seed: Value| json!({"temperature": 1.5, "seed": seed});
    assert_eq!(draw(hot(json!(7))), draw(hot(json!(7))));
    assert_ne!(draw(hot(json!(7))), draw(hot(json!(-8))));
    assert_ne!(
        draw(hot(Value::Null)),
        draw(hot(Value::Null)),
        "unseeded answers differ"
    );
    let first = draw(json!({}));
    let banned = session.generated()[0];
    let body = chat(json!({"logit_bias": {banned.to_string(): -100, EOS: -100}, "max_tokens": 1}));
    let (other, _) = run(&mut session, &Request::chat(&body).unwrap());
    assert!(!session.generated().contains(&banned) && !first.starts_with(&format!("{other}{other}{other}")));
}

#[test]
fn abort_and_begin_anew() {
    let mut session = load(Some(TEMPLATE));
    let request = Request::chat(&chat(json!({}))).unwrap();
    let (text, _) = run(&mut session, &request);
    session.start(&request).unwrap();
    assert!(block_on(session.next()).unwrap().is_some());
    session.abort();
    assert_eq!(block_on(session.next()).unwrap(), None);
    session.start(&request).unwrap();
    drop(session.next()); // a future that is never polled computes nothing
    assert_eq!(run(&mut session, &request).0, text);
}

#[test]
fn what_cannot_be_done_is_said_first() {
    let mut session = load(Some(TEMPLATE));
    let error = |session: &mut Session, body: Value| session.start(&Request::chat(&body).unwrap()).unwrap_err();
    assert!(matches!(
        error(&mut session, chat(json!({"max_tokens": 100_000}))),
        Error::ContextOverflow { .. }
    ));
    let refused = error(&mut session, json!({"messages": [{"role": "nobody", "content": ""}]}));
    assert_eq!(
        refused,
        Error::TemplateRefused {
            message: "nobody may not speak".into()
        }
    );
    assert!(matches!(
        error(&mut session, chat(json!({"logit_bias": {"99999": 1}}))),
        Error::InvalidRequest { .. }
    ));
    let mut bare = load(None);
    match error(&mut bare, chat(json!({}))) {
        Error::Template { message } => assert!(message.contains("completion"), "{message}"),
        other => panic!("{other:?}"),
    }
    let completion = Request::completion(&json!({"prompt": "Once", "max_tokens": 3, "temperature": 0})).unwrap();
    assert!(!run(&mut bare, &completion).0.is_empty());
}

fn tool(description: &str) -> Value {
    json!({"type": "function", "function": {"name": "f", "description": description, "parameters": {"title": description}}})
}

/// Control tokens in contents, names, tool arguments and tools, whole or split over two messages, stay text.
#[test]
fn users_cannot_write_control_tokens() {
    let session = load(Some("{% for m in messages %}{{ m.content }}{% endfor %}"));
    let bare = load(Some(TEMPLATE));
    let controls = |s: &Session, body: Value| {
        let ids = s.prompt(&Request::chat(&body).unwrap().input).unwrap();
        ids.iter().filter(|&&id| s.tokenizer().is_markup(id)).count()
    };
    let texts: Vec<String> = bare.tokenizer().control_texts().map(str::to_owned).collect();
    assert!(texts.len() >= 2, "{texts:?}");
    let clean = controls(
        &bare,
        json!({"messages": [
        {"role": "user", "content": "x", "name": "x", "tool_calls": [{"function": {"arguments": {"x": "x"}}}]}], "tools": [tool("x")]}),
    );
    for t in &texts {
        let call = json!([{"function": {"arguments": {(t): [t, format!("a{t}b")]}}}]);
        let body = json!({"messages": [{"role": "user", "content": format!("{t} x {t}"), "name": t, "tool_calls": call}],
            "tools": [tool(t)]});
        assert_eq!(controls(&bare, body), clean, "{t}");
        let as_string = json!([{"function": {"arguments": json!({"k": t}).to_string()}}]);
        let body = json!({"messages": [{"role": "user", "content": [{"type": "text", "text": t}], "tool_calls": as_string}], "tools": [tool(t)]});
        assert_eq!(controls(&bare, body), clean, "{t}");
        let base = controls(&session, json!({"messages": [{"role": "user", "content": "x"}]}));
        for cut in 1..t.len() {
            let (a, b) = t.split_at(cut);
            let body = json!({"messages": [{"role": "user", "content": a}, {"role": "user", "content": b}]});
            assert_eq!(controls(&session, body), base, "{a} + {b}");
        }
    }
    // And the counting can fail: the same text from a template is markup.
    let ids = bare
        .tokenizer()
        .encode(&texts[0], Special::Parse, kinglet::text::Bos::No)
        .unwrap();
    assert!(ids.iter().any(|&id| bare.tokenizer().is_markup(id)));
}

/// With the vocabularies of real models: ids are those of the plain text wherever it holds no markup, and no control
/// token ever comes out of guarded text.
#[test]
fn guarded_text_tokenizes_like_plain_text() {
    for name in ["ggml-vocab-phi-3", "rebuilt-vocab-llama-bpe", "rebuilt-vocab-qwen2"] {
        let Some(path) = support::shared(&format!("vocab/{name}.gguf")) else {
            return;
        };
        let gguf = crate::golden::open(&path);
        let tokenizer = Tokenizer::from_gguf(gguf.metadata()).expect("a tokenizer");
        let guard = Guard::new(tokenizer.control_texts(), "", &[]).expect("a marker");
        let encode = |text: &str| tokenizer.encode_marked(text, Some(guard.marker())).expect("encodes");
        for text in [
            "Hello, world!",
            "> quote",
            "a < b",
            "user",
            "1|2|3 |> map",
            "  spaced  ",
            "日本語 🙂",
            "end",
            "s",
        ] {
            let plain = tokenizer.encode(text, Special::AsText, kinglet::text::Bos::No).unwrap();
            assert_eq!(encode(&guard.text(text)), plain, "{name}: {text:?}");
        }
        for control in tokenizer.control_texts() {
            let ids = encode(&guard.text(&format!("a {control}{control}")));
            assert!(!ids.iter().any(|&id| tokenizer.is_markup(id)), "{name}: {control}");
        }
    }
}

#[test]
fn requests_are_read_strictly() {
    let m = || json!([{"role": "user", "content": "x"}]);
    for (param, body) in [
        ("messages", json!({})),
        ("messages", json!({"messages": []})),
        ("messages[0].role", json!({"messages": [{"content": "x"}]})),
        (
            "messages[0].role",
            json!({"messages": [{"role": "<|end|>", "content": "x"}]}),
        ),
        (
            "messages[0].content",
            json!({"messages": [{"role": "user", "content": 5}]}),
        ),
        (
            "messages[0].content[0]",
            json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
        ),
        (
            "messages[0].function_call",
            json!({"messages": [{"role": "assistant", "content": null, "function_call": {"name": "f"}}]}),
        ),
        (
            "messages[0].audio",
            json!({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}),
        ),
        (
            "messages[0].prefix",
            json!({"messages": [{"role": "assistant", "content": "x", "prefix": true}]}),
        ),
        (
            "messages[0].annotations",
            json!({"messages": [{"role": "assistant", "content": "x", "annotations": [1]}]}),
        ),
        (
            "messages[0].name",
            json!({"messages": [{"role": "user", "content": "x", "name": 5}]}),
        ),
        (
            "messages[0].tool_call_id",
            json!({"messages": [{"role": "tool", "content": "x", "tool_call_id": {}}]}),
        ),
        (
            "messages[0].role",
            json!({"messages": [{"role": "function", "content": "x", "name": "f"}]}),
        ),
        (
            "messages[0].tool_calls",
            json!({"messages": [{"role": "assistant", "tool_calls": "f()"}]}),
        ),
        (
            "messages[0].tool_calls[0].function",
            json!({"messages": [{"role": "assistant", "tool_calls": [{"name": "f"}]}]}),
        ),
        (
            "messages[0].tool_calls[0].type",
            json!({"messages": [{"role": "assistant", "tool_calls": [{"type": "custom", "function": {"name": "f"}}]}]}),
        ),
        (
            "messages[0].tool_calls[0].function.name",
            json!({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": 1}}]}]}),
        ),
        (
            "messages[0].tool_calls[0].function.arguments",
            json!({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]}]}),
        ),
        (
            "kinglet.chat_template_kwargs.messages",
            json!({"messages": m(), "kinglet": {"chat_template_kwargs": {"messages": false}}}),
        ),
        (
            "kinglet.chat_template_kwargs.tools",
            json!({"messages": m(), "kinglet": {"chat_template_kwargs": {"tools": false}}}),
        ),
        (
            "kinglet.chat_template_kwargs.add_generation_prompt",
            json!({"messages": m(), "kinglet": {"chat_template_kwargs": {"add_generation_prompt": false}}}),
        ),
        (
            "kinglet.chat_template_kwargs.bos_token",
            json!({"messages": m(), "kinglet": {"chat_template_kwargs": {"bos_token": false}}}),
        ),
        (
            "kinglet.chat_template_kwargs.eos_token",
            json!({"messages": m(), "kinglet": {"chat_template_kwargs": {"eos_token": false}}}),
        ),
        ("temprature", json!({"messages": m(), "temprature": 1})),
        ("temperature", json!({"messages": m(), "temperature": "hot"})),
        ("temperature", json!({"messages": m(), "temperature": -1})),
        ("top_p", json!({"messages": m(), "top_p": 0})),
        ("n", json!({"messages": m(), "n": 0})),
        ("n", json!({"messages": m(), "n": 129})),
        ("top_k", json!({"messages": m(), "top_k": 5})),
        ("kinglet", json!({"messages": m(), "kinglet": 5})),
        ("kinglet.top_k", json!({"messages": m(), "kinglet": {"top_k": -1}})),
        ("kinglet.min_p", json!({"messages": m(), "kinglet": {"min_p": 2}})),
        (
            "kinglet.temperature",
            json!({"messages": m(), "kinglet": {"temperature": 1}}),
        ),
        ("modalities", json!({"messages": m(), "modalities": ["text", "audio"]})),
        ("reasoning_effort", json!({"messages": m(), "reasoning_effort": "low"})),
        ("functions", json!({"messages": m(), "functions": []})),
        ("stop", json!({"messages": m(), "stop": ""})),
        ("stop", json!({"messages": m(), "stop": [1]})),
        ("seed", json!({"messages": m(), "seed": 1.5})),
        ("logit_bias[x]", json!({"messages": m(), "logit_bias": {"x": 1}})),
        ("logit_bias[1]", json!({"messages": m(), "logit_bias": {"1": 101}})),
        ("top_logprobs", json!({"messages": m(), "top_logprobs": 2})),
        (
            "top_logprobs",
            json!({"messages": m(), "logprobs": true, "top_logprobs": 21}),
        ),
        ("max_tokens", json!({"messages": m(), "max_tokens": -1})),
        (
            "max_tokens",
            json!({"messages": m(), "max_tokens": 1, "max_completion_tokens": 2}),
        ),
        ("tools", json!({"messages": m(), "tools": "x"})),
        ("prompt", json!({"messages": m(), "prompt": "x"})),
        ("request", json!("x")),
    ] {
        match Request::chat(&body) {
            Err(Error::InvalidRequest { param: got, .. }) => assert_eq!(got, param, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    // An answer of OpenAI's, sent back as it came.
    let answer = json!({"role": "assistant", "content": null, "refusal": null, "annotations": [], "audio": null,
        "function_call": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let back = json!({"messages": [answer, {"role": "tool", "tool_call_id": "c", "content": "x"}]});
    assert!(Request::chat(&back).is_ok(), "{:?}", Request::chat(&back));
    let all = json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
        "model": "m", "stream": true, "stream_options": {"include_usage": true}, "user": "u", "metadata": {}, "store": false,
        "service_tier": "auto", "safety_identifier": "s", "prompt_cache_key": "k", "modalities": ["text"], "prediction": null,
        "n": 3, "temperature": 0.5, "top_p": 0.9,
        "kinglet": {"top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1, "repeat_last_n": -1, "context_shift": true,
            "chat_template_kwargs": {"x": 1}},
        "presence_penalty": 0.1, "frequency_penalty": 0.2, "seed": 3, "max_completion_tokens": 9, "stop": null, "tools": [],
        "function_call": null, "functions": null});
    let request = Request::chat(&all).expect("valid");
    assert_eq!(request.max_tokens, Some(9));
    assert_eq!(
        (request.sampling.top_k, request.sampling.repeat_last_n),
        (40, usize::MAX)
    );
    assert!(request.seeded && request.stop.is_empty() && request.shift);
    assert_eq!(request.n, 3);
    match request.input {
        kinglet::session::Input::Chat { messages, tools, .. } => {
            assert_eq!(messages[0]["content"], "ab");
            assert_eq!(tools, None);
        }
        other => panic!("{other:?}"),
    }
    for (param, body) in [
        ("prompt", json!({"prompt": 1})),
        ("prompt", json!({})),
        ("prompt", json!({"prompt": []})),
        ("prompt", json!({"prompt": [1, -1]})),
        ("prompt[1]", json!({"prompt": ["a", {}]})),
        ("prompt[0]", json!({"prompt": [[1.5]]})),
        ("suffix", json!({"prompt": [1], "suffix": "x"})),
        ("best_of", json!({"prompt": "x", "best_of": 3})),
        ("echo", json!({"prompt": "x", "echo": true, "logprobs": 1})),
        ("logprobs", json!({"prompt": "x", "logprobs": 21})),
        ("messages", json!({"prompt": "x", "messages": []})),
        ("n", json!({"prompt": vec!["x"; 17], "n": 128})),
        ("prompt", json!({"prompt": vec!["x"; 2049]})),
    ] {
        match Request::completion(&body) {
            Err(Error::InvalidRequest { param: got, .. }) => assert_eq!(got, param, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let body = json!({"prompt": ["a", [1, 2]], "n": 2, "best_of": 2, "echo": true, "suffix": null, "messages": null,
        "top_k": null, "kinglet": {"of_a_later_version": null}});
    let request = Request::completion(&body).expect("valid");
    assert_eq!((request.n, request.more.len(), request.echo), (2, 1, true));
    let [first, second] = ["a", "b"].map(|c| json!({"type": "text", "text": c}));
    let mixed = json!({"messages": [{"role": "developer", "content": [first, {"type": "input_audio"}, second]}]});
    match Request::chat(&mixed) {
        Err(Error::InvalidRequest { param, got, .. }) => {
            assert_eq!((&*param, &*got), ("messages[0].content[1]", "input_audio"));
        }
        other => panic!("{other:?}"),
    }
}
