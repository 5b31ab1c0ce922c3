//! JSON Lines in and out.

use std::io::{BufRead, Write};

use kinglet::{Error, Result};
use serde_json::Value;

/// Prints one line. A closed pipe (`kinglet … | head -1`) is an error like any other.
pub fn line(value: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")
        .and_then(|()| out.flush())
        .map_err(|e| io("standard output", &e))
}

/// Calls `each` with every non-empty line of standard input, parsed.
pub fn each_line(mut each: impl FnMut(Value) -> Result<()>) -> Result<()> {
    for (i, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.map_err(|e| io("standard input", &e))?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line)
            .map_err(|e| Error::invalid(format!("line {} of standard input", i + 1), "a JSON object", e))?;
        each(value)?;
    }
    Ok(())
}

/// The ids in `{"ids":[…]}`.
pub fn ids(value: &Value) -> Result<Option<Vec<u32>>> {
    let Some(ids) = value.get("ids") else { return Ok(None) };
    let numbers = ids
        .as_array()
        .ok_or_else(|| Error::invalid("ids", "an array of token ids", ids))?;
    let id = |n: &Value| n.as_u64().and_then(|n| u32::try_from(n).ok());
    numbers
        .iter()
        .map(|n| id(n).ok_or_else(|| Error::invalid("ids", "token ids (integers >= 0)", n)))
        .collect::<Result<_>>()
        .map(Some)
}

/// The text in `{"text":…}`.
pub fn text(value: &Value) -> Result<&str> {
    value
        .get("text")
        .and_then(Value::as_str)
        .ok_or_else(|| Error::invalid("line", "{\"text\": string}", value))
}

pub fn io(name: &str, error: &std::io::Error) -> Error {
    Error::Io {
        source_name: name.to_string(),
        message: error.to_string(),
    }
}
