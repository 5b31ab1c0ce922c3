//! `tojson` as transformers defines it: `json.dumps(value, ensure_ascii=False, ...)`, nothing escaped for HTML.

use std::fmt::Write;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::{limits, python};

/// Deepest nesting that is written; it guards the native stack.
const DEPTH: usize = 200;

/// The filter: arguments `ensure_ascii`, `indent`, `separators`, `sort_keys`; only `indent` may be positional.
pub(super) fn tojson(state: &mut State, value: &Value, indent: Option<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => kwargs.get::<Option<Value>>("indent")?,
    };
    let indent = match indent.filter(|i| !i.is_none() && !i.is_undefined()) {
        None => None,
        Some(i) => match (i.as_str(), i.as_i64()) {
            (Some(text), _) => Some(text.to_owned()),
            (None, Some(n)) if n <= 64 => Some(" ".repeat(n.max(0) as usize)),
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    "tojson: indent must be a small number or a string",
                ));
            }
        },
    };
    let separators = match kwargs.get::<Option<Vec<String>>>("separators")?.as_deref() {
        None => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
        Some([item, key]) => (item.clone(), key.clone()),
        Some(_) => {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "tojson: separators must be a pair",
            ));
        }
    };
    let mut writer = Writer {
        out: String::new(),
        indent,
        separators,
        ascii: kwargs.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sort_keys: kwargs.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    kwargs.assert_all_used()?;
    writer.value(value, 0)?;
    limits::charge(state, writer.out.len())?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    indent: Option<String>,
    separators: (String, String),
    ascii: bool,
    sort_keys: bool,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH || self.out.len() > limits::TEXT_BYTES {
            return Err(Error::new(
                ErrorKind::BadSerialization,
                "tojson: the value is too deep or too large",
            ));
        }
        if let Some(text) = value.as_str() {
            self.string(text);
            return Ok(());
        }
        match value.kind() {
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.number(value),
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.checked().collect::<Result<_, _>>()?;
                if self.sort_keys {
                    keys.sort();
                }
                self.container('{', '}', keys.iter(), depth, |w, key| {
                    w.key(key)?;
                    w.out.push_str(&w.separators.1.clone());
                    w.value(&value.get_item(key)?, depth + 1)
                })?;
            }
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.checked().collect::<Result<_, _>>()?;
                self.container('[', ']', items.iter(), depth, |w, item| w.value(item, depth + 1))?;
            }
            other => {
                let what = format!("tojson: a value of type {other} is not JSON serializable");
                return Err(Error::new(ErrorKind::BadSerialization, what));
            }
        }
        Ok(())
    }

    fn container<'v>(
        &mut self,
        open: char,
        close: char,
        items: impl ExactSizeIterator<Item = &'v Value>,
        depth: usize,
        mut each: impl FnMut(&mut Self, &Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let empty = items.len() == 0;
        self.out.push(open);
        for (i, item) in items.enumerate() {
            if i > 0 {
                self.out.push_str(&self.separators.0);
            }
            self.new_line(depth + 1);
            each(self, item)?;
        }
        if !empty {
            self.new_line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }

    fn number(&mut self, value: &Value) {
        if value.is_integer() {
            self.out.push_str(&value.to_string());
            return;
        }
        let number = f64::try_from(value.clone()).unwrap_or(f64::NAN);
        self.out.push_str(&match number {
            n if n.is_nan() => "NaN".into(),
            f64::INFINITY => "Infinity".into(),
            f64::NEG_INFINITY => "-Infinity".into(),
            n => python::float(n),
        });
    }

    /// Keys are strings; Python writes numbers, booleans and None as if they were.
    fn key(&mut self, key: &Value) -> Result<(), Error> {
        match key.kind() {
            ValueKind::String => self.value(key, 0),
            ValueKind::None | ValueKind::Bool | ValueKind::Number => {
                self.out.push('"');
                self.value(key, 0)?;
                self.out.push('"');
                Ok(())
            }
            other => Err(Error::new(
                ErrorKind::BadSerialization,
                format!("tojson: a {other} cannot be a key"),
            )),
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            // Writing to a String cannot fail.
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\x08' => self.out.push_str("\\b"),
                '\x0c' => self.out.push_str("\\f"),
                '\0'..='\x1f' => {
                    let _ = write!(self.out, "\\u{:04x}", c as u32);
                }
                // Private-use characters stay: one of them marks user text (see `protect`) and must be found again.
                c if self.ascii && !c.is_ascii() && !('\u{e000}'..='\u{f8ff}').contains(&c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(self.out, "\\u{unit:04x}");
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}
