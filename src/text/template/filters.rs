//! Filters and tests where Jinja2 differs from the engine's own.

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};

use super::python::{self, is_space, to_str};
use super::{json, limits, strings};

/// The engine's own `format`, under a name that no template can spell.
const PRINTF: &str = "%s";

/// Replaces the engine's versions.
pub(super) fn install(env: &mut Environment<'_>) {
    env.add_filter("tojson", json::tojson);
    // Jinja's string filters take any value by its printed form.
    env.add_filter("string", |v: Value| {
        if v.as_str().is_some() {
            v
        } else {
            Value::from(to_str(&v))
        }
    });
    env.add_filter("upper", |v: &Value| to_str(v).to_uppercase());
    env.add_filter("lower", |v: &Value| to_str(v).to_lowercase());
    env.add_filter("capitalize", |v: &Value| strings::capitalize(&to_str(v)));
    for name in ["escape", "e", "forceescape"] {
        env.add_filter(name, move |state: &mut State, v: Value| {
            escape(state, v, name == "forceescape")
        });
    }
    env.add_filter("trim", trim);
    env.add_filter("replace", replace);
    env.add_filter("join", join);
    env.add_filter("float", float);
    env.add_filter("indent", indent);
    env.add_filter("int", int);
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_filter(PRINTF, minijinja::filters::format);
    env.add_filter("format", format);
    env.add_filter("length", length);
    env.add_filter("count", length);
    env.add_filter("wordcount", |v: &Value| {
        to_str(v)
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|w| !w.is_empty())
            .count()
    });
    env.add_filter("list", |state: &mut State, v: &Value| {
        super::operators::items(state, v).map(Value::from)
    });
    for unbounded in ["center", "pprint", "urlencode"] {
        env.remove_filter(unbounded);
    }

    let sized = |v: &Value| {
        matches!(
            v.kind(),
            ValueKind::String | ValueKind::Seq | ValueKind::Iterable | ValueKind::Map
        )
    };
    env.add_test("sequence", sized);
    env.add_test("iterable", move |v: &Value| sized(v) || v.is_undefined());
    env.add_test("number", |v: &Value| {
        matches!(v.kind(), ValueKind::Number | ValueKind::Bool)
    });
    env.add_test("integer", |v: &Value| v.kind() == ValueKind::Number && v.is_integer());
    env.add_test("float", |v: &Value| v.kind() == ValueKind::Number && !v.is_integer());
    env.add_test("callable", |v: &Value| v.kind() == ValueKind::Plain);
}

fn escape(state: &mut State, v: Value, force: bool) -> Result<Value, Error> {
    if v.is_safe() && !force {
        return Ok(v);
    }
    let text = python::escape_html(&to_str(&v));
    limits::charge(state, text.len())?;
    Ok(Value::from_safe_string(text))
}

fn trim(v: &Value, chars: Option<String>) -> String {
    let text = to_str(v);
    match chars {
        None => text.trim_matches(is_space).to_owned(),
        Some(set) => text.trim_matches(|c| set.contains(c)).to_owned(),
    }
}

fn replace(state: &mut State, v: &Value, old: &Value, new: &Value, count: Option<i64>) -> Result<String, Error> {
    let count = count.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    strings::replaced(state, &to_str(v), &to_str(old), &to_str(new), count)
}

fn join(
    state: &mut State,
    list: &Value,
    separator: Option<Value>,
    attribute: Option<Value>,
    kwargs: Kwargs,
) -> Result<String, Error> {
    let named = |given: Option<Value>, name: &str| match given {
        Some(value) => Ok(Some(value)),
        None => kwargs.get::<Option<Value>>(name),
    };
    let separator = named(separator, "d")?.unwrap_or_else(|| Value::from(""));
    let attribute = named(attribute, "attribute")?.filter(|a| !a.is_none());
    kwargs.assert_all_used()?;
    let separator = to_str(&separator);
    let mut out = String::new();
    for (i, item) in list.try_iter()?.checked().enumerate() {
        let mut item = item?;
        if let Some(path) = &attribute {
            for part in to_str(path).split('.') {
                item = match part.parse::<usize>() {
                    Ok(index) => item.get_item_by_index(index)?,
                    Err(_) => item.get_attr(part)?,
                };
            }
        }
        let text = to_str(&item);
        limits::charge(state, text.len() + separator.len())?;
        if i > 0 {
            out.push_str(&separator);
        }
        out.push_str(&text);
    }
    Ok(out)
}

/// `"%s %d" % (...)`, with widths and precisions of at most four digits.
fn format(state: &mut State, text: &Value, args: Rest<Value>) -> Result<Value, Error> {
    let mut digits = 0;
    for c in to_str(text).chars() {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        if digits > 4 {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "format: a number of more than four digits",
            ));
        }
    }
    let mut all = vec![text.clone()];
    all.extend(args.0);
    state.apply_filter(PRINTF, &all)
}

/// `indent(text, width=4, first=False, blank=False)`; the width may be a string, `blank` must be named. Unlike the engine's own it keeps a
/// newline at the end.
fn indent(
    state: &mut State,
    v: &Value,
    width: Option<Value>,
    first: Option<bool>,
    kwargs: Kwargs,
) -> Result<String, Error> {
    let width = match width {
        Some(width) => Some(width),
        None => kwargs.get::<Option<Value>>("width")?,
    };
    let flag = |given: Option<bool>, name: &str| match given {
        Some(flag) => Ok(flag),
        None => kwargs.get::<Option<bool>>(name).map(|flag| flag.unwrap_or(false)),
    };
    let (first, blank) = (flag(first, "first")?, flag(None, "blank")?);
    kwargs.assert_all_used()?;
    let indention = match &width {
        None => "    ".to_owned(),
        Some(width) => match (width.as_str(), width.as_i64()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(n)) if n <= 1000 => " ".repeat(usize::try_from(n).unwrap_or(0)),
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    "indent: width must be a small number or a string",
                ));
            }
        },
    };
    let text = to_str(v).into_owned() + "\n";
    let lines = strings::splitlines(&text, false);
    limits::charge(state, text.len() + lines.len().saturating_mul(indention.len()))?;
    let mut out = String::with_capacity(text.len());
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let indented = if i == 0 { first } else { blank || !line.is_empty() };
        if indented {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// `float(value)`, or the default (0.0) where that is impossible.
fn float(v: &Value, default: Option<f64>) -> f64 {
    let number = match v.as_str() {
        Some(text) => text.trim_matches(is_space).replace('_', "").parse().ok(),
        None if v.kind() == ValueKind::Bool => Some(f64::from(u8::from(v.is_true()))),
        None => f64::try_from(v.clone()).ok(),
    };
    number.unwrap_or(default.unwrap_or(0.0))
}

/// `int(value)`, cutting a fraction off, or the default (0) where that is impossible.
fn int(v: &Value, default: Option<i64>, base: Option<u32>) -> Value {
    let whole = match v.as_str() {
        Some(text) => {
            let text = text.trim_matches(is_space).replace('_', "");
            let base = base.filter(|b| (2..=36).contains(b)).unwrap_or(10);
            let exact = i64::from_str_radix(&text, base).ok();
            exact.or_else(|| text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n as i64))
        }
        None if v.kind() == ValueKind::Bool => Some(v.is_true().into()),
        None if v.is_integer() => return v.clone(),
        None => f64::try_from(v.clone())
            .ok()
            .filter(|n| n.is_finite())
            .map(|n| n as i64),
    };
    Value::from(whole.unwrap_or(default.unwrap_or(0)))
}

/// `default(value, default_value="", boolean=False)`.
fn default(v: Value, other: Option<Value>, boolean: Option<bool>, kwargs: Kwargs) -> Result<Value, Error> {
    let other = match other {
        Some(other) => other,
        None => kwargs
            .get::<Option<Value>>("default_value")?
            .unwrap_or_else(|| Value::from("")),
    };
    let boolean = match boolean {
        Some(boolean) => boolean,
        None => kwargs.get::<Option<bool>>("boolean")?.unwrap_or(false),
    };
    kwargs.assert_all_used()?;
    Ok(if v.is_undefined() || (boolean && !v.is_true()) {
        other
    } else {
        v
    })
}

fn length(v: &Value) -> Result<usize, Error> {
    if v.is_undefined() {
        return Ok(0);
    }
    let none = || {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("{} has no length", python::to_str(v)),
        )
    };
    match v.kind() {
        ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Bytes => v.len().ok_or_else(none),
        ValueKind::Iterable => match v.len() {
            Some(n) => Ok(n),
            None => Ok(v.try_iter()?.count()),
        },
        _ => Err(none()),
    }
}
