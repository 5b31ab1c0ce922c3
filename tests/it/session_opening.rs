//! How an answer opens: the space that encoding puts before a text is no part of it.

use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::engine::BackendChoice;
use kinglet::platform::{ByteSource, MemorySource};
use kinglet::session::{Request, Session, SessionOptions};
use pollster::block_on;
use serde_json::json;

use crate::support;
use crate::with_template::with_template;

/// The answer to one message when every token of it is `piece`, which begins with a space.
fn answer(template: &str) -> String {
    let file = std::fs::read(support::root().join("tests/goldens/qwen2.gguf")).expect("readable");
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(with_template(&file, template)))];
    let options = SessionOptions {
        backend: BackendChoice::Cpu,
        ..SessionOptions::default()
    };
    let mut session = block_on(Session::load(sources, &options, &mut |_| ControlFlow::Continue(()))).expect("loads");
    let vocabulary = u32::try_from(session.info().vocabulary).expect("small");
    let spaced = |id: &u32| session.tokenizer().token_bytes(*id).first() == Some(&b' ');
    let piece = (0..vocabulary).find(spaced).expect("a piece with a space");
    let request = json!({"messages": [{"role": "user", "content": "Hello"}], "temperature": 0, "max_tokens": 2,
        "logit_bias": {piece.to_string(): 100}});
    session
        .start(&Request::chat(&request).expect("a request"))
        .expect("starts");
    let mut text = String::new();
    while let Some(chunk) = block_on(session.next()).expect("a step") {
        text.push_str(&chunk.text);
    }
    text
}

#[test]
fn after_a_control_token_the_space_in_front_goes() {
    let opening = answer("{% for m in messages %}{{ m.content }}{% endfor %}<s>");
    let continuing = answer("{% for m in messages %}<s>{{ m.content }}{% endfor %} bot:");
    assert!(continuing.starts_with(' '), "{continuing:?}");
    assert_eq!(opening, continuing[1..]);
}
