//! The messages of a conversation, checked: every content becomes one string, every role is a word.

use serde_json::Value;

use super::format::only;
use super::reader::Reader;
use crate::error::{Error, Result, json_kind};

/// What a message may hold; the last is what templates of thinking models read.
const KNOWN: &[&str] = &[
    "role",
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "refusal",
    "reasoning_content",
];

/// Reads `messages`: at least one.
pub(super) fn messages(reader: &mut Reader<'_>) -> Result<Vec<Value>> {
    let list = match reader.take("messages") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(Value::Array(_)) => return Err(Error::invalid("messages", "at least one message", "an empty list")),
        other => return Err(Error::invalid("messages", "a list", other.map_or("nothing", json_kind))),
    };
    list.iter().enumerate().map(|(i, m)| message(i, m)).collect()
}

/// Checks one message and joins the parts of its content.
fn message(i: usize, message: &Value) -> Result<Value> {
    let at = |field: &str| format!("messages[{i}]{field}");
    let fields = message
        .as_object()
        .ok_or_else(|| Error::invalid(at(""), "an object", json_kind(message)))?;
    match fields.get("role") {
        Some(Value::String(role)) if is_role(role) => {}
        Some(Value::String(role)) => {
            let expected = "a word of letters, digits, '_' and '-'";
            return Err(Error::invalid(at(".role"), expected, format!("{role:?}")));
        }
        other => {
            let got = other.map_or("nothing", json_kind);
            return Err(Error::invalid(at(".role"), "a string", got));
        }
    }
    if fields.get("role").is_some_and(|role| role == "function") {
        let expected = "\"tool\" with the tool_call_id, for what a tool has answered";
        return Err(Error::invalid(at(".role"), expected, "\"function\""));
    }
    let mut fields = fields.clone();
    // OpenAI's own answers carry it, empty, and are often sent back.
    if fields
        .get("annotations")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty)
    {
        fields.remove("annotations");
    }
    only(&at(""), &fields, KNOWN)?;
    for field in ["name", "tool_call_id", "refusal", "reasoning_content"] {
        match fields.get(field) {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(other) => return Err(Error::invalid(at(&format!(".{field}")), "a string", json_kind(other))),
        }
    }
    match fields.get("tool_calls") {
        None | Some(Value::Null) => {}
        Some(Value::Array(calls)) => calls
            .iter()
            .enumerate()
            .try_for_each(|(j, call)| tool_call(&at(&format!(".tool_calls[{j}]")), call))?,
        Some(other) => return Err(Error::invalid(at(".tool_calls"), "a list", json_kind(other))),
    }
    // OpenAI's newer name of the same role; templates know the older one.
    if fields.get("role").is_some_and(|role| role == "developer") {
        fields.insert("role".into(), "system".into());
    }
    match fields.get("content") {
        None | Some(Value::Null | Value::String(_)) => {}
        Some(Value::Array(parts)) => {
            let parts = parts.iter().enumerate();
            let texts = parts.map(|(j, part)| part_text(&at(&format!(".content[{j}]")), part));
            let text = texts.collect::<Result<String>>()?;
            fields.insert("content".into(), Value::String(text));
        }
        Some(other) => {
            let expected = "a string or a list of text parts";
            return Err(Error::invalid(at(".content"), expected, json_kind(other)));
        }
    }
    Ok(Value::Object(fields))
}

/// Checks a call that an assistant has made.
fn tool_call(at: &str, call: &Value) -> Result<()> {
    let field = |pointer: &str| call.pointer(pointer).filter(|v| !v.is_null());
    let function = field("/function").and_then(Value::as_object);
    if function.is_none() {
        let got = field("/function").map_or("nothing", json_kind);
        return Err(Error::invalid(format!("{at}.function"), "an object", got));
    }
    for pointer in ["/id", "/function/name"] {
        if let Some(other) = field(pointer).filter(|v| !v.is_string()) {
            let path = format!("{at}{}", pointer.replace('/', "."));
            return Err(Error::invalid(path, "a string", json_kind(other)));
        }
    }
    if let Some(kind) = field("/type").filter(|kind| *kind != "function") {
        return Err(Error::invalid(format!("{at}.type"), "\"function\"", kind));
    }
    match field("/function/arguments") {
        None | Some(Value::String(_) | Value::Object(_)) => Ok(()),
        Some(other) => {
            let expected = "a JSON text, or an object";
            Err(Error::invalid(
                format!("{at}.function.arguments"),
                expected,
                json_kind(other),
            ))
        }
    }
}

/// The text of a part, or the error that names it: an image, a sound or a file cannot be read.
fn part_text<'a>(at: &str, part: &'a Value) -> Result<&'a str> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or("something else");
    let text = match kind {
        "text" => part.get("text"),
        "refusal" => part.get("refusal"), // what an assistant has said
        _ => None,
    };
    let text = text.and_then(Value::as_str);
    text.ok_or_else(|| {
        Error::invalid(
            at,
            "a part of type \"text\" with its text: models here read nothing else",
            kind,
        )
    })
}

/// Roles reach the template's markup unescaped, so they are words: no role can carry a control token.
fn is_role(role: &str) -> bool {
    (1..=64).contains(&role.len())
        && role
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
