//! Labels by way of a session: the tokens of an assistant's message, scores that add up, and a prompt kept in the cache.

use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::Error;
use kinglet::engine::BackendChoice;
use kinglet::platform::{ByteSource, MemorySource};
use kinglet::session::{ChoiceRequest, ChooseOptions, Input, Request, Session, SessionOptions};
use pollster::block_on;
use serde_json::json;

use crate::support;
use crate::with_template::with_template;

/// An answer is an assistant's message, its end a control token.
const TEMPLATE: &str = "{% for m in messages %}<s>{{ m.role }}: {{ m.content | trim }}</s>{% endfor %}<s>assistant:";
const END: u32 = 2;

fn load(template: &str) -> Session {
    load_with(template, None)
}

fn load_with(template: &str, n_batch: Option<usize>) -> Session {
    let file = std::fs::read(support::root().join("tests/goldens/qwen2.gguf")).expect("readable");
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(with_template(&file, template)))];
    let options = SessionOptions {
        backend: BackendChoice::Cpu,
        n_batch,
        ..SessionOptions::default()
    };
    block_on(Session::load(sources, &options, &mut |_| ControlFlow::Continue(()))).expect("loads")
}

fn texts(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|&l| l.to_owned()).collect()
}

fn ask(text: &str) -> Input {
    Request::chat(&json!({"messages": [{"role": "user", "content": text}]}))
        .expect("a request")
        .input
}

#[test]
fn labels_are_an_assistants_messages() {
    let session = load(TEMPLATE);
    let given = texts(&["car", "car rental", "cart", "a </s> b", "Größe"]);
    let labels = session.labels(&given).expect("labels");
    assert_eq!(labels.texts(), given);
    for (text, tokens) in given.iter().zip(labels.tokens()) {
        assert_eq!(
            tokens.iter().position(|&id| id == END),
            Some(tokens.len() - 1),
            "{text}"
        );
        // What the model would have to generate for this text to come out.
        let said = session.tokenizer().decode(
            &[&[1][..], &tokens[..tokens.len() - 1]].concat(),
            kinglet::text::Special::AsText,
        );
        assert_eq!(said.expect("text").trim(), text);
    }
    let error = |texts: &[String]| session.labels(texts).unwrap_err();
    let param = |e: Error| e.detail()["param"].as_str().unwrap_or_default().to_owned();
    assert_eq!(param(error(&[])), "labels");
    assert_eq!(param(error(&texts(&["a", " "]))), "labels[1]");
    assert_eq!(param(error(&texts(&["a", "b", "a"]))), "labels[2]");
    // Templates that do not end an answer, or continue another text.
    for template in [
        "{% for m in messages %}{{ m.content }}{% endfor %}",
        "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}<s>bot:",
    ] {
        let error = load(template).labels(&texts(&["a"])).unwrap_err();
        assert_eq!(error.code(), "template", "{template}");
    }
}

#[test]
fn scores_add_up_and_the_list_is_read_once() {
    let mut session = load(TEMPLATE);
    let labels = session
        .labels(&texts(&["car", "car rental", "train", "bus", "none of these"]))
        .expect("labels");
    let all = ChooseOptions {
        epsilon: 0.0,
        ..ChooseOptions::default()
    };
    let list = "car, car rental, train, bus, none of these";
    let choice = block_on(session.choose(&ask(&format!("{list} Where is my bus?")), &labels, &all)).expect("a choice");
    assert!(choice.scores.iter().all(|s| !s.bound));
    let sum: f64 = choice.scores.iter().map(|s| s.score).sum();
    assert!((sum - 1.0).abs() < 1e-12);
    let mass: f64 = choice.scores.iter().map(|s| s.logprob.exp()).sum();
    assert!((choice.mass / mass - 1.0).abs() < 1e-12 && mass <= 1.0);
    assert_eq!(choice.rest, 0.0);
    let mut order: Vec<f64> = choice.scores.iter().map(|s| s.score).collect();
    order.sort_by(|a, b| b.total_cmp(a));
    assert_eq!(choice.scores[choice.best].score, order[0]);
    assert_eq!(choice.margin, order[0] - order[1]);
    let said: f64 = choice.logprobs.content.iter().map(|t| f64::from(t.logprob)).sum();
    assert!((said - choice.scores[choice.best].logprob).abs() < 1e-12);

    let next =
        block_on(session.choose(&ask(&format!("{list} I left it in the train.")), &labels, &all)).expect("a choice");
    let shared = next.timings.reused_tokens;
    assert!(shared > 12 && shared < next.usage.prompt_tokens, "{next:?}");
    // A generation afterwards is not disturbed, and nothing is left of the search.
    let body = json!({"messages": [{"role": "user", "content": "Once"}], "max_tokens": 4, "temperature": 0});
    let request = Request::chat(&body).expect("a request");
    let run = |session: &mut Session| {
        session.start(&request).expect("starts");
        while block_on(session.next()).expect("a step").is_some() {}
        session.generated().to_vec()
    };
    assert_eq!(run(&mut session), run(&mut load(TEMPLATE)));
    block_on(session.choose(&ask(list), &labels, &all)).expect("a choice");
    assert!(session.generated().is_empty());
}

#[test]
fn a_label_alone_is_certain() {
    let mut session = load(TEMPLATE);
    let labels = session.labels(&texts(&["only"])).expect("labels");
    let choice = block_on(session.choose(&ask("x"), &labels, &ChooseOptions::default())).expect("a choice");
    assert_eq!((choice.best, choice.margin, choice.scores[0].score), (0, 1.0, 1.0));
}

#[test]
fn the_doubt_comes_with_the_choice() {
    let mut session = load(TEMPLATE);
    let labels = session
        .labels(&texts(&["car", "car rental", "boat", "none of these"]))
        .expect("labels");
    let mut choose = |none, epsilon| {
        let options = ChooseOptions {
            none,
            epsilon,
            ..ChooseOptions::default()
        };
        block_on(session.choose(&ask("Once upon a time"), &labels, &options)).expect("a choice")
    };
    let all = choose(Some(3), 0.0);
    let s = &all.signals;
    assert_eq!(
        (s.label_max, s.label_margin),
        (Some(all.scores[all.best].score), Some(all.margin))
    );
    assert_eq!(
        (s.label_mass, s.label_none),
        (Some(all.mass), Some(all.scores[3].score))
    );
    // Of the best label's tokens, with the one that ends it.
    let tokens: Vec<f64> = all.logprobs.content.iter().map(|t| f64::from(t.logprob)).collect();
    assert_eq!(s.tokens as usize, labels.tokens()[all.best].len());
    assert_eq!((s.tokens as usize, s.first_logprob), (tokens.len(), Some(tokens[0])));
    let total = s.mean_logprob.expect("tokens") * tokens.len() as f64;
    assert!((total - all.scores[all.best].logprob).abs() < 1e-4);
    assert!(s.mean_margin.is_some() && s.max_entropy >= s.mean_entropy && s.grammar_pressure.is_none());
    // Searched no further than needed, the label for none of them is computed all the same.
    let quick = choose(Some(3), 0.5);
    assert!(!quick.scores[3].bound && quick.signals.label_none.is_some());
    assert_eq!(choose(None, 0.5).signals.label_none, None);
    let beyond = ChooseOptions {
        none: Some(4),
        ..ChooseOptions::default()
    };
    assert!(block_on(session.choose(&ask("x"), &labels, &beyond)).is_err());
}

/// A request for a choice, run as a page runs it: the number of chunks that were read ahead, and the choice.
fn run(session: &mut Session, body: &serde_json::Value) -> Result<(usize, kinglet::session::Choice), Error> {
    session.start_choice(&ChoiceRequest::new(body)?)?;
    let mut chunks = 0;
    while block_on(session.choice_chunk())? {
        chunks += 1;
    }
    let choice = block_on(session.next_choice())?.expect("a choice");
    assert!(
        !session.chooses() && block_on(session.next_choice())?.is_none(),
        "it is over"
    );
    Ok((chunks, choice))
}

#[test]
fn a_request_for_a_choice_is_the_same_choice_read_in_chunks() {
    let given = ["car", "car rental", "train", "bus"];
    let load = || load_with(TEMPLATE, Some(64));
    let n_batch = load().engine().plan().n_batch;
    for (words, chunked) in [(3, false), (n_batch, true)] {
        let text = "bus ".repeat(words);
        let body = json!({"messages": [{"role": "user", "content": text}], "labels": given, "always": [3], "none": 2});
        let mut session = load();
        let (chunks, found) = run(&mut session, &body).expect("a choice");
        assert_eq!(chunks > 0, chunked, "{words} words, {n_batch} a batch");
        let mut whole = load();
        let labels = whole.labels(&texts(&given)).expect("labels");
        let options = ChooseOptions {
            always: vec![3],
            none: Some(2),
            ..ChooseOptions::default()
        };
        let expected = block_on(whole.choose(&ask(&text), &labels, &options)).expect("a choice");
        assert_eq!((found.best, &found.scores), (expected.best, &expected.scores));
        assert!(!found.scores[3].bound);
        assert_eq!(found.signals, expected.signals);
        assert_eq!(found.signals.label_none, Some(found.scores[2].score));
        assert_eq!(found.timings.reused_tokens, 0, "what was read ahead counts as computed");
        // The same prompt again is in the cache but for its last token.
        let (_, again) = run(&mut session, &body).expect("a choice");
        assert_eq!(again.timings.reused_tokens, again.usage.prompt_tokens - 1);
        assert_eq!(again.scores, found.scores);
    }
}

#[test]
fn a_choice_ends_with_an_abort_or_another_request() {
    let mut session = load(TEMPLATE);
    let body = json!({"messages": [{"role": "user", "content": "bus"}], "labels": ["car", "bus"]});
    let request = ChoiceRequest::new(&body).expect("a request");
    session.start_choice(&request).expect("starts");
    assert!(session.chooses());
    session.abort();
    assert!(!session.chooses() && block_on(session.next_choice()).expect("nothing").is_none());
    session.start_choice(&request).expect("starts");
    let chat = json!({"messages": [{"role": "user", "content": "a"}], "max_tokens": 1});
    session
        .start(&Request::chat(&chat).expect("a request"))
        .expect("starts");
    assert!(!session.chooses());
}

#[test]
fn a_wrong_request_for_a_choice_names_what_is_wrong() {
    let with = |name: &str, value: serde_json::Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "a"}], "labels": ["car", "bus"]});
        body[name] = value;
        body
    };
    let long = "bus ".repeat(5000);
    for (body, param) in [
        (with("labels", json!("car")), "labels"),
        (with("labels", json!([])), "labels"),
        (with("labels", json!(["car", 1])), "labels[1]"),
        (with("labels", json!(["car", "car"])), "labels[1]"),
        (with("labels", json!(vec!["a"; 1001])), "labels"),
        (with("always", json!([2])), "always"),
        (with("always", json!([-1])), "always[0]"),
        (with("always", json!(0)), "always"),
        (with("none", json!(2)), "none"),
        (with("none", json!("bus")), "none"),
        (with("messages", json!([])), "messages"),
        (with("temperature", json!(0)), "temperature"),
        (with("kinglet", json!({"top_k": 1})), "kinglet.top_k"),
        (with("chat_template_kwargs", json!({})), "chat_template_kwargs"),
    ] {
        let error = run(&mut load(TEMPLATE), &body).expect_err(param);
        assert_eq!(error.detail()["param"], param, "{error}");
    }
    let error = run(
        &mut load(TEMPLATE),
        &with("messages", json!([{"role": "user", "content": long}])),
    );
    assert_eq!(error.expect_err("too long").code(), "context_overflow");
}
