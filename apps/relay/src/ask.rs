//! A client's request, read and written anew: what is passed on is only what is known, so that nothing in it can cost more
//! than what is reserved.

mod anthropic;
mod openai;

use serde_json::{Map, Value};

use crate::config::{Api, Model, Tier, Upstream};
use crate::refusal::Refusal;

/// What is sent upstream.
#[derive(Debug)]
pub struct Ask {
    pub body: Vec<u8>,
    pub stream: bool,
    /// The client wants the chunk that reports usage; else the relay keeps it.
    pub wants_usage: bool,
    /// Tokens of the prompt and of the answer, at most.
    pub input: u64,
    pub output: u64,
}

/// The object in a body, and the model that it names.
///
/// # Errors
/// It is not a JSON object, or names no model.
pub fn read(body: &[u8]) -> Result<(Map<String, Value>, String), Refusal> {
    let value: Value =
        serde_json::from_slice(body).map_err(|e| Refusal::invalid(format!("the body is no JSON: {e}")))?;
    let Value::Object(mut object) = value else {
        return Err(Refusal::invalid("the body: expected an object"));
    };
    match object.remove("model") {
        Some(Value::String(model)) => Ok((object, model)),
        _ => Err(Refusal::invalid("model: expected a text")),
    }
}

/// Makes the request for `model` of `upstream`, bounded as `tier` has it.
///
/// # Errors
/// It asks for something that is not passed on; the message names it.
pub fn build(object: Map<String, Value>, upstream: &Upstream, model: &Model, tier: &Tier) -> Result<Ask, Refusal> {
    let mut fields = Fields(object);
    let (mut sent, wants_usage) = match upstream.api {
        Api::Openai => openai::build(&mut fields)?,
        Api::Anthropic => (anthropic::build(&mut fields)?, true),
    };
    let stream = fields.flag("stream")?;
    let output = bound(&mut fields, tier.max_tokens)?;
    fields.nothing_else()?;
    if stream {
        sent.insert("stream".into(), true.into());
        if upstream.api == Api::Openai {
            sent.insert("stream_options".into(), serde_json::json!({ "include_usage": true }));
        }
    }
    sent.insert("model".into(), model.model.clone().into());
    let field = match upstream.api {
        Api::Openai => upstream.max_tokens_field.name(),
        Api::Anthropic => "max_tokens",
    };
    sent.insert(field.into(), output.into());
    let body = Value::Object(sent).to_string().into_bytes();
    let tokens = (body.len() as u64).div_ceil(model.bytes_per_token.max(1));
    let input = tokens
        .saturating_add(model.overhead_tokens)
        .min(model.context.unwrap_or(u64::MAX));
    Ok(Ask {
        body,
        stream,
        wants_usage,
        input,
        output,
    })
}

/// The bound of the answer: what the client asks for, at most `most`, which is also what it gets without asking.
fn bound(fields: &mut Fields, most: u64) -> Result<u64, Refusal> {
    let mut bound = most;
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(value) = fields.take(name) {
            match value.as_u64() {
                Some(tokens) if tokens > 0 => bound = bound.min(tokens),
                _ => return Err(Refusal::invalid(format!("{name}: expected an integer above 0"))),
            }
        }
    }
    Ok(bound)
}

/// What is left of a request.
struct Fields(Map<String, Value>);

impl Fields {
    /// A field that says something.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Refusal::invalid(format!("{name}: expected true or false"))),
        }
    }

    /// Moves those of `names` that are there.
    fn pass(&mut self, names: &[&str], to: &mut Map<String, Value>) {
        for name in names {
            if let Some(value) = self.take(name) {
                to.insert((*name).into(), value);
            }
        }
    }

    /// Drops fields that change nothing of the answer.
    fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.0.remove(*name);
        }
    }

    fn nothing_else(&self) -> Result<(), Refusal> {
        match self.0.iter().find(|(_, value)| !value.is_null()) {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(64).collect();
                Err(Refusal::invalid(format!(
                    "{name:?} is not passed on by this relay: leave it out"
                )))
            }
        }
    }
}

/// The elements of a list of objects.
fn objects(value: Value, path: &str) -> Result<Vec<Map<String, Value>>, Refusal> {
    let wrong = || Refusal::invalid(format!("{path}: expected a list of objects"));
    let Value::Array(items) = value else {
        return Err(wrong());
    };
    let object = |item| match item {
        Value::Object(object) => Ok(object),
        _ => Err(wrong()),
    };
    items.into_iter().map(object).collect()
}

/// Keeps of `object` what `names` has.
fn only(object: Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    object
        .into_iter()
        .filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null())
        .collect()
}

/// A part of a message that is not text: its size says nothing of what it costs.
fn unknown_part(path: &str, kind: Option<&Value>) -> Refusal {
    let kind: String = kind
        .and_then(Value::as_str)
        .unwrap_or("none")
        .chars()
        .take(64)
        .collect();
    Refusal::invalid(format!(
        "{path}: a part of type {kind:?} is not passed on by this relay"
    ))
}
