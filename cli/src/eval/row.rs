//! A labelled task file: JSON Lines, read strictly, before any model is loaded.

use std::io::{BufRead, BufReader};
use std::path::Path;

use kinglet::error::json_kind;
use kinglet::session::Request;
use kinglet::{Error, Result};
use serde_json::{Map, Value, json};

use crate::output;

/// One labelled item.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Line of the file, from 1.
    pub line: usize,
    pub id: Option<Value>,
    pub task: String,
    pub family: Option<String>,
    pub messages: Value,
    pub answer: String,
    /// The labels offered, where the answer is one of them.
    pub labels: Vec<String>,
    /// The keys asked for, of an extraction.
    pub fields: Vec<String>,
    /// Other answers that are right, too.
    pub accept: Vec<String>,
    /// Whether the question can be answered from what is given.
    pub known: bool,
}

/// The keys that a row may have.
const KEYS: [&str; 9] = [
    "id", "task", "family", "messages", "answer", "labels", "fields", "accept", "known",
];

/// All rows, or the first `limit`. Errors name the line.
pub fn read(path: &Path, limit: Option<usize>) -> Result<Vec<Row>> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|e| output::io(&name, &e))?;
    let mut rows = Vec::new();
    for (i, text) in BufReader::new(file).split(b'\n').enumerate() {
        if limit.is_some_and(|limit| rows.len() >= limit) {
            break;
        }
        let text = text.map_err(|e| output::io(&name, &e))?;
        if text.trim_ascii().is_empty() {
            continue;
        }
        rows.push(parse(i + 1, &text).map_err(|e| at_line(i + 1, e))?);
    }
    match rows.is_empty() {
        true => Err(Error::invalid(name, "at least one row", "none")),
        false => Ok(rows),
    }
}

/// The error of a row says where the row is.
pub fn at_line(line: usize, error: Error) -> Error {
    match error {
        Error::InvalidRequest { param, expected, got } => Error::InvalidRequest {
            param: format!("line {line}: {param}"),
            expected,
            got,
        },
        other => other,
    }
}

fn parse(line: usize, text: &[u8]) -> Result<Row> {
    let row: Value = serde_json::from_slice(text).map_err(|e| Error::invalid("row", "a JSON object", e))?;
    let row = row
        .as_object()
        .ok_or_else(|| Error::invalid("row", "a JSON object", json_kind(&row)))?;
    if let Some(key) = row.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(Error::invalid(
            key,
            format!("a key among {}", KEYS.join(", ")),
            "an unknown one",
        ));
    }
    let known = match present(row, "known") {
        None => true,
        Some(value) => value
            .as_bool()
            .ok_or_else(|| Error::invalid("known", "true or false", json_kind(value)))?,
    };
    let id = present(row, "id").cloned();
    if let Some(wrong) = id.as_ref().filter(|id| !id.is_string() && !id.is_number()) {
        return Err(Error::invalid("id", "a string or a number", json_kind(wrong)));
    }
    let row = Row {
        line,
        id,
        task: string(row, "task")?.ok_or_else(|| missing("task", "a string"))?,
        family: string(row, "family")?,
        messages: present(row, "messages")
            .cloned()
            .ok_or_else(|| missing("messages", "a list of messages"))?,
        answer: string(row, "answer")?.ok_or_else(|| missing("answer", "a string"))?,
        labels: strings(row, "labels")?,
        fields: strings(row, "fields")?,
        accept: strings(row, "accept")?,
        known,
    };
    check(&row)?;
    Ok(row)
}

/// What the parts of a row must be to each other.
fn check(row: &Row) -> Result<()> {
    Request::chat(&json!({"messages": row.messages}))?;
    if row.task.is_empty() {
        return Err(Error::invalid("task", "a name", "an empty string"));
    }
    if matches!(row.task.as_str(), "classify" | "filter") && row.labels.is_empty() {
        return Err(missing("labels", &format!("the labels offered (task {})", row.task)));
    }
    if !row.labels.is_empty() && !row.labels.contains(&row.answer) {
        return Err(Error::invalid(
            "answer",
            "one of the labels",
            format!("{:?}", row.answer),
        ));
    }
    if row.task == "extract" {
        for (param, answer) in [("answer", &row.answer)]
            .into_iter()
            .chain(row.accept.iter().map(|a| ("accept", a)))
        {
            let object =
                object(answer).ok_or_else(|| Error::invalid(param, "a JSON object as text", format!("{answer:?}")))?;
            if let Some(field) = row.fields.iter().find(|&f| !object.contains_key(f)) {
                return Err(Error::invalid(
                    param,
                    format!("an object with the field {field:?}"),
                    answer,
                ));
            }
        }
    }
    Ok(())
}

/// Text as a JSON object.
pub fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text.trim()).ok()
}

/// Null counts as absent.
fn present<'a>(row: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    row.get(key).filter(|v| !v.is_null())
}

fn string(row: &Map<String, Value>, key: &str) -> Result<Option<String>> {
    let text = |v: &Value| {
        v.as_str()
            .map(str::to_owned)
            .ok_or_else(|| Error::invalid(key, "a string", json_kind(v)))
    };
    present(row, key).map(text).transpose()
}

fn strings(row: &Map<String, Value>, key: &str) -> Result<Vec<String>> {
    let Some(value) = present(row, key) else {
        return Ok(Vec::new());
    };
    let list = value
        .as_array()
        .and_then(|list| list.iter().map(|v| v.as_str().map(str::to_owned)).collect());
    list.ok_or_else(|| Error::invalid(key, "a list of strings", json_kind(value)))
}

fn missing(key: &str, expected: &str) -> Error {
    Error::invalid(key, expected, "nothing")
}
