//! The messages of a conversation, checked: every content becomes one string, every role is a word.

use serde_json::Value;

use super::reader::Reader;
use crate::error::{Error, Result, json_kind};

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
    let mut fields = fields.clone();
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
