//! One chat request: from its body to OpenAI's answer, whole or as a stream.

use std::sync::atomic::{AtomicU64, Ordering};

use kinglet::session::{Chunk, Request, Session};
use kinglet::{Error, Result, platform};
use pollster::block_on;
use serde_json::{Map, Value, json};

use super::Asked;
use super::reply::{self, Events, Refusal};
use crate::constraint;

/// Answers a request. Whoever has gone ends it.
pub fn answer(session: &mut Session, asked: Asked, name: &str) {
    let Asked { request, body, origin } = asked;
    let origin = origin.as_deref();
    let wanted = match begin(session, &body, name) {
        Ok(wanted) => wanted,
        Err(refusal) => return reply::refuse(request, &refusal, origin),
    };
    let head = Head::new(name);
    if !wanted.stream {
        match whole(session, &head) {
            Ok(answer) => reply::json(request, 200, &answer, origin),
            Err(error) => reply::refuse(request, &Refusal::of(&error), origin),
        }
    } else if let Ok(mut events) = Events::begin(request, origin) {
        let all_sent = stream(session, &head, &wanted, &mut events).is_ok_and(|()| events.end().is_ok());
        if !all_sent {
            session.abort();
        }
    }
}

struct Wanted {
    stream: bool,
    usage: bool,
}

/// Checks a request and starts it.
fn begin(session: &mut Session, body: &Value, name: &str) -> std::result::Result<Wanted, Refusal> {
    match &body["model"] {
        Value::Null => {}
        Value::String(model) if model == name => {}
        Value::String(model) => return Err(Refusal::no_such_model(model, name)),
        other => return Err(Refusal::of(&Error::invalid("model", "a text", other))),
    }
    let mut start = || -> Result<Wanted> {
        let stream = boolean(&body["stream"], "stream")?;
        let usage = boolean(&body["stream_options"]["include_usage"], "stream_options.include_usage")?;
        let request = Request::chat(body)?;
        let constraint = constraint::of(session, &request)?;
        session.start_under(&request, constraint)?;
        Ok(Wanted { stream, usage })
    };
    start().map_err(|error| Refusal::of(&error))
}

fn boolean(value: &Value, name: &str) -> Result<bool> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(is) => Ok(*is),
        other => Err(Error::invalid(name, "true or false", other)),
    }
}

/// What every part of an answer repeats.
struct Head {
    id: String,
    created: u64,
    model: String,
}

impl Head {
    fn new(name: &str) -> Head {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (count, now) = (COUNT.fetch_add(1, Ordering::Relaxed), platform::unix_seconds());
        Head {
            id: format!("chatcmpl-{:x}-{count}", (now * 1e3) as u64),
            created: now as u64,
            model: name.to_owned(),
        }
    }

    fn with(&self, object: &str, choices: Vec<Value>) -> Value {
        json!({"id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices})
    }
}

/// What is kinglet's own of a chunk, where it has any of it.
fn own(chunk: &Chunk) -> Option<Value> {
    let timings = chunk.timings.as_ref()?;
    let mut own = json!({ "timings": timings });
    if let Some(signals) = &chunk.signals {
        own["signals"] = json!(signals);
    }
    Some(own)
}

/// Sends the pieces as they come. An error on the way is an event; one of the wire ends it.
fn stream(session: &mut Session, head: &Head, wanted: &Wanted, events: &mut Events) -> std::io::Result<()> {
    let mut begun = Vec::new();
    loop {
        let chunk = match block_on(session.next()) {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => {
                events.send(&Refusal::of(&error).body().to_string())?;
                break;
            }
        };
        let mut delta = Map::new();
        if !begun.contains(&chunk.index) {
            begun.push(chunk.index);
            delta.insert("role".into(), json!("assistant"));
        }
        if !chunk.text.is_empty() || delta.contains_key("role") {
            delta.insert("content".into(), json!(chunk.text));
        }
        if !chunk.tool_calls.is_empty() {
            delta.insert("tool_calls".into(), json!(chunk.tool_calls));
        }
        if delta.is_empty() && chunk.finish_reason.is_none() && chunk.logprobs.is_none() {
            continue; // a token that is half a character
        }
        let choice = json!({"index": chunk.index, "delta": delta, "logprobs": chunk.logprobs, "finish_reason": chunk.finish_reason});
        let mut event = head.with("chat.completion.chunk", vec![choice]);
        if let Some(own) = own(&chunk) {
            event["kinglet"] = own;
        }
        if wanted.usage {
            event["usage"] = Value::Null;
        }
        events.send(&event.to_string())?;
        if let Some(usage) = chunk.usage.filter(|_| wanted.usage) {
            let mut event = head.with("chat.completion.chunk", vec![]);
            event["usage"] = json!(usage);
            events.send(&event.to_string())?;
        }
    }
    events.send("[DONE]")
}

/// One of the answers to a request, as far as it is there.
#[derive(Default)]
struct Choice {
    text: String,
    calls: Vec<Value>,
    logprobs: Vec<Value>,
    finish: Value,
}

impl Choice {
    fn add(&mut self, chunk: &Chunk) {
        self.text += &chunk.text;
        for delta in &chunk.tool_calls {
            if self.calls.len() <= delta.index {
                let function = json!({"name": delta.function.name, "arguments": ""});
                self.calls
                    .push(json!({"id": delta.id, "type": "function", "function": function}));
            }
            let arguments = &mut self.calls[delta.index]["function"]["arguments"];
            *arguments = json!(arguments.as_str().unwrap_or_default().to_owned() + &delta.function.arguments);
        }
        let content = chunk.logprobs.iter().flat_map(|logprobs| &logprobs.content);
        self.logprobs.extend(content.map(|token| json!(token)));
        if let Some(reason) = chunk.finish_reason {
            self.finish = json!(reason);
        }
    }

    fn json(self, index: usize) -> Value {
        let content = if self.text.is_empty() && !self.calls.is_empty() {
            Value::Null
        } else {
            json!(self.text)
        };
        let mut message = json!({"role": "assistant", "content": content, "refusal": null});
        if !self.calls.is_empty() {
            message["tool_calls"] = json!(self.calls);
        }
        let logprobs = if self.logprobs.is_empty() {
            Value::Null
        } else {
            json!({"content": self.logprobs, "refusal": null})
        };
        json!({"index": index, "message": message, "logprobs": logprobs, "finish_reason": self.finish})
    }
}

fn whole(session: &mut Session, head: &Head) -> Result<Value> {
    let mut choices: Vec<Choice> = Vec::new();
    let (mut usage, mut last) = (Value::Null, None);
    while let Some(chunk) = block_on(session.next())? {
        if choices.len() <= chunk.index {
            choices.resize_with(chunk.index + 1, Choice::default);
        }
        choices[chunk.index].add(&chunk);
        last = own(&chunk).or(last);
        if let Some(counted) = chunk.usage {
            usage = json!(counted);
        }
    }
    let choices = choices
        .into_iter()
        .enumerate()
        .map(|(index, choice)| choice.json(index))
        .collect();
    let mut answer = head.with("chat.completion", choices);
    answer["usage"] = usage;
    if let Some(own) = last {
        answer["kinglet"] = own;
    }
    Ok(answer)
}
