//! Messages.

use serde_json::{Map, Value};

use super::{Fields, objects, only, unknown_part};
use crate::refusal::Refusal;

/// Passed on as they are.
const FIELDS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tool_choice",
    "thinking",
];

/// What is sent. What marks a prompt to be cached is left out: writing a cache has a price of its own.
pub fn build(fields: &mut Fields) -> Result<Map<String, Value>, Refusal> {
    let mut sent = Map::new();
    let messages = fields.take("messages").unwrap_or(Value::Null);
    let messages: Result<Vec<_>, _> = objects(messages, "messages")?
        .into_iter()
        .enumerate()
        .map(message)
        .collect();
    sent.insert("messages".into(), Value::Array(messages?));
    if let Some(system) = fields.take("system") {
        sent.insert("system".into(), content(system, "system")?);
    }
    if let Some(tools) = fields.take("tools") {
        let tools: Result<Vec<_>, _> = objects(tools, "tools")?.into_iter().enumerate().map(tool).collect();
        sent.insert("tools".into(), Value::Array(tools?));
    }
    fields.pass(FIELDS, &mut sent);
    fields.ignore(&["metadata"]);
    Ok(sent)
}

fn message((i, mut message): (usize, Map<String, Value>)) -> Result<Value, Refusal> {
    let value = message.remove("content").unwrap_or(Value::Null);
    let mut message = only(message, &["role"]);
    message.insert("content".into(), content(value, &format!("messages[{i}].content"))?);
    Ok(Value::Object(message))
}

fn content(value: Value, path: &str) -> Result<Value, Refusal> {
    match value {
        Value::String(_) => Ok(value),
        Value::Array(_) => {
            let blocks: Result<Vec<_>, _> = objects(value, path)?.into_iter().map(|b| block(b, path)).collect();
            Ok(Value::Array(blocks?))
        }
        _ => Err(Refusal::invalid(format!("{path}: expected a text or a list of blocks"))),
    }
}

fn block(mut block: Map<String, Value>, path: &str) -> Result<Value, Refusal> {
    let names: &[&str] = match block.get("type").and_then(Value::as_str) {
        Some("text") => &["type", "text"],
        Some("tool_use") => &["type", "id", "name", "input"],
        Some("thinking") => &["type", "thinking", "signature"],
        Some("redacted_thinking") => &["type", "data"],
        Some("tool_result") => {
            if let Some(value) = block.remove("content").filter(|value| !value.is_null()) {
                block.insert("content".into(), content(value, path)?);
            }
            &["type", "tool_use_id", "is_error", "content"]
        }
        _ => return Err(unknown_part(path, block.get("type"))),
    };
    Ok(Value::Object(only(block, names)))
}

fn tool((i, tool): (usize, Map<String, Value>)) -> Result<Value, Refusal> {
    match tool.get("type") {
        None | Some(Value::Null) => {}
        Some(kind) if kind == "custom" => {}
        Some(_) => {
            let text = format!("tools[{i}].type: only \"custom\" is passed on by this relay");
            return Err(Refusal::invalid(text));
        }
    }
    Ok(Value::Object(only(
        tool,
        &["type", "name", "description", "input_schema"],
    )))
}
