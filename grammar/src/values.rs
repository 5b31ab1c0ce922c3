//! The values of single keywords: what they may be, what a schema excludes, and where a name of a reference is.

use serde_json::{Value, json};

use crate::error::{GrammarError, Result};
use crate::pattern;
use crate::schema::{ANNOTATIONS, EXACT, MAX_COUNT, MAX_DEPTH, TYPES};

/// `type`: one of the seven, or several.
pub(crate) fn types(value: &Value, at: &str) -> Result<Value> {
    let known = |v: &Value| v.as_str().is_some_and(|t| TYPES.contains(&t));
    let fine = match value {
        Value::Array(list) => !list.is_empty() && list.iter().all(known),
        one => known(one),
    };
    match fine {
        true => Ok(value.clone()),
        false => Err(GrammarError::invalid(
            at,
            format!("one or several of {TYPES:?} are expected, got {value}"),
        )),
    }
}

/// A list of names.
pub(crate) fn names(value: &Value, at: &str) -> Result<Value> {
    let list = value.as_array().filter(|list| list.iter().all(Value::is_string));
    list.map(|list| Value::Array(list.clone()))
        .ok_or_else(|| GrammarError::invalid(at, "a list of names is expected"))
}

/// An expression of JavaScript, as the matcher reads it.
pub(crate) fn expression(text: &str, at: &str) -> Result<String> {
    pattern::translate(text).map_err(|message| GrammarError::unsupported(at, message))
}

/// A bound: a whole number within reason.
pub(crate) fn count(value: &Value, at: &str) -> Result<u64> {
    let n = value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0);
    let n = n.ok_or_else(|| GrammarError::invalid(at, "a whole number >= 0 is expected"))?;
    if n > MAX_COUNT as f64 {
        return Err(GrammarError::unsupported(at, format!("a bound above {MAX_COUNT}")));
    }
    Ok(n as u64)
}

/// Refuses numbers that the matcher would round.
pub(crate) fn exact(value: &Value, at: &str) -> Result<()> {
    match value {
        Value::Number(n) => {
            let size = n.as_f64().unwrap_or(f64::INFINITY).abs();
            match size < EXACT && (size == 0.0 || size >= 1e-6) {
                true => Ok(()),
                false => Err(GrammarError::unsupported(
                    at,
                    format!("the number {n}, which is too large or too small"),
                )),
            }
        }
        Value::Array(list) => list.iter().try_for_each(|v| exact(v, at)),
        Value::Object(map) => map.values().try_for_each(|v| exact(v, at)),
        _ => Ok(()),
    }
}

/// What a schema excludes, where that can be said without `not`.
pub(crate) fn negation(schema: &Value) -> Option<Value> {
    let map = match schema {
        Value::Bool(b) => return Some(Value::Bool(!b)),
        Value::Object(map) => map,
        _ => return None,
    };
    let mut keywords = map
        .iter()
        .filter(|(name, _)| !ANNOTATIONS.contains(&name.as_str()) && *name != "title");
    let (name, value) = match (keywords.next(), keywords.next()) {
        (None, _) => return Some(Value::Bool(false)),
        (Some(one), None) => one,
        _ => return None,
    };
    match name.as_str() {
        "type" => {
            let excluded: Vec<&str> = match value {
                Value::String(one) => vec![one],
                Value::Array(list) => list.iter().map(Value::as_str).collect::<Option<_>>()?,
                _ => return None,
            };
            if !excluded.iter().all(|t| TYPES.contains(t)) {
                return None;
            }
            // Numbers that are not whole cannot be said.
            let number = excluded.contains(&"number");
            if excluded.contains(&"integer") && !number {
                return None;
            }
            let rest: Vec<&&str> = TYPES
                .iter()
                .filter(|t| **t != "integer" && !excluded.contains(t))
                .collect();
            Some(if rest.is_empty() {
                Value::Bool(false)
            } else {
                json!({"type": rest})
            })
        }
        "required" => {
            let names = value.as_array().filter(|names| !names.is_empty())?;
            let without = names.iter().map(|n| Some(json!({"properties": {n.as_str()?: false}})));
            Some(json!({"type": "object", "anyOf": without.collect::<Option<Vec<_>>>()?}))
        }
        "not" => negation(value).as_ref().and_then(|_| match value {
            Value::Bool(b) => Some(Value::Bool(*b)),
            _ => None,
        }),
        _ => None,
    }
}

/// The subschema that an anchor names.
pub(crate) fn anchored<'v>(schema: &'v Value, anchor: &str, depth: usize) -> Option<&'v Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    match schema {
        Value::Object(map) => {
            if ["$anchor", "$dynamicAnchor"]
                .iter()
                .any(|k| map.get(*k).and_then(Value::as_str) == Some(anchor))
            {
                return Some(schema);
            }
            if depth > 0 && map.contains_key("$id") {
                return None; // a document of its own, with names of its own
            }
            let inside = map
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "const" | "enum" | "default" | "examples"));
            inside.map(|(_, v)| v).find_map(|v| anchored(v, anchor, depth + 1))
        }
        Value::Array(list) => list.iter().find_map(|v| anchored(v, anchor, depth + 1)),
        _ => None,
    }
}

/// A fragment of an address as text.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
