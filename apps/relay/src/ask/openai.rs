//! Chat completions.

use serde_json::{Map, Value};

use super::{Fields, objects, only, unknown_part};
use crate::refusal::Refusal;

/// Passed on as they are.
const FIELDS: &[&str] = &[
    "temperature",
    "top_p",
    "stop",
    "seed",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
];
/// Who asks, and what the service may keep of it: not the client's to say.
const IGNORED: &[&str] = &["user", "safety_identifier", "prompt_cache_key", "metadata", "store"];
const MESSAGE: &[&str] = &["role", "name", "tool_call_id", "tool_calls", "refusal"];

/// What is sent, and whether the client wants the usage of a stream.
pub fn build(fields: &mut Fields) -> Result<(Map<String, Value>, bool), Refusal> {
    let mut sent = Map::new();
    let messages = fields.take("messages").unwrap_or(Value::Null);
    let messages: Result<Vec<_>, _> = objects(messages, "messages")?
        .into_iter()
        .enumerate()
        .map(message)
        .collect();
    sent.insert("messages".into(), Value::Array(messages?));
    if let Some(tools) = fields.take("tools") {
        let tools: Result<Vec<_>, _> = objects(tools, "tools")?.into_iter().enumerate().map(tool).collect();
        sent.insert("tools".into(), Value::Array(tools?));
    }
    fields.pass(FIELDS, &mut sent);
    fields.ignore(IGNORED);
    // Each further answer would cost as much as the first.
    if fields.take("n").is_some_and(|n| n.as_u64() != Some(1)) {
        return Err(Refusal::invalid("n: only 1 is passed on by this relay"));
    }
    let wants_usage = match fields.take("stream_options") {
        None => false,
        Some(Value::Object(options)) => options.get("include_usage") == Some(&Value::Bool(true)),
        Some(_) => return Err(Refusal::invalid("stream_options: expected an object")),
    };
    Ok((sent, wants_usage))
}

fn message((i, mut message): (usize, Map<String, Value>)) -> Result<Value, Refusal> {
    let content = message.remove("content").unwrap_or(Value::Null);
    let path = format!("messages[{i}].content");
    let content = match content {
        Value::Null | Value::String(_) => content,
        Value::Array(_) => {
            let part = |part: Map<String, Value>| match part.get("type").and_then(Value::as_str) {
                Some("text" | "refusal") => Ok(Value::Object(only(part, &["type", "text", "refusal"]))),
                _ => Err(unknown_part(&path, part.get("type"))),
            };
            let parts: Result<Vec<_>, _> = objects(content, &path)?.into_iter().map(part).collect();
            Value::Array(parts?)
        }
        _ => return Err(Refusal::invalid(format!("{path}: expected a text or a list of parts"))),
    };
    let mut message = only(message, MESSAGE);
    message.insert("content".into(), content);
    Ok(Value::Object(message))
}

fn tool((i, tool): (usize, Map<String, Value>)) -> Result<Value, Refusal> {
    match tool.get("type").and_then(Value::as_str) {
        Some("function") => Ok(Value::Object(only(tool, &["type", "function"]))),
        _ => Err(Refusal::invalid(format!(
            "tools[{i}].type: only \"function\" is passed on by this relay"
        ))),
    }
}
