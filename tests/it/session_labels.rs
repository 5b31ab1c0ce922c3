//! Labels by way of a session: the tokens of an assistant's message, scores that add up, and a prompt kept in the cache.

use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::Error;
use kinglet::engine::BackendChoice;
use kinglet::platform::{ByteSource, MemorySource};
use kinglet::session::{ChooseOptions, Input, Request, Session, SessionOptions};
use pollster::block_on;
use serde_json::json;

use crate::support;
use crate::with_template::with_template;

/// An answer is an assistant's message, its end a control token.
const TEMPLATE: &str = "{% for m in messages %}<s>{{ m.role }}: {{ m.content | trim }}</s>{% endfor %}<s>assistant:";
const END: u32 = 2;

fn load(template: &str) -> Session {
    let file = std::fs::read(support::root().join("tests/goldens/qwen2.gguf")).expect("readable");
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(with_template(&file, template)))];
    let options = SessionOptions {
        backend: BackendChoice::Cpu,
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
