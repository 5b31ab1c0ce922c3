//! What it says of itself: one JSON object a line on stderr. Never a prompt, an answer, a key or a token.

use std::io::Write;

use serde_json::{Map, Value};

use crate::time::now_ms;

fn write(level: &str, message: &str, fields: &[(&str, Value)]) {
    let mut line = Map::new();
    line.insert("time_ms".into(), now_ms().into());
    line.insert("level".into(), level.into());
    line.insert("message".into(), message.into());
    for (name, value) in fields {
        line.insert((*name).into(), value.clone());
    }
    // Where stderr is gone there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{}", Value::Object(line));
}

pub fn info(message: &str, fields: &[(&str, Value)]) {
    write("info", message, fields);
}

pub fn error(message: &str, fields: &[(&str, Value)]) {
    write("error", message, fields);
}
