//! Python's methods of strings, with Python's meaning of their arguments.

use minijinja::value::{Tuple, Value};
use minijinja::{Error, ErrorKind, State};

use super::limits;
use super::methods::{Args, required_text};
use super::python::{is_space, to_str};

fn texts<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Value {
    Value::from(pieces.into_iter().map(Value::from).collect::<Vec<_>>())
}

/// `s.method(args)`; `None`: strings have no such method.
pub(super) fn string(state: &mut State, s: &str, method: &str, args: &Args) -> Result<Option<Value>, Error> {
    let value = match method {
        "upper" => s.to_uppercase().into(),
        "lower" | "casefold" => s.to_lowercase().into(),
        "title" => title(s).into(),
        "capitalize" => capitalize(s).into(),
        "swapcase" => {
            let swap = |c: char| {
                if c.is_uppercase() {
                    c.to_lowercase().to_string()
                } else {
                    c.to_uppercase().to_string()
                }
            };
            s.chars().map(swap).collect::<String>().into()
        }
        "strip" => strip(s, args, true, true)?.into(),
        "lstrip" => strip(s, args, true, false)?.into(),
        "rstrip" => strip(s, args, false, true)?.into(),
        "startswith" => any_affix(args, |affix| s.starts_with(affix))?.into(),
        "endswith" => any_affix(args, |affix| s.ends_with(affix))?.into(),
        "removeprefix" => s.strip_prefix(args.first_text()?.as_str()).unwrap_or(s).into(),
        "removesuffix" => s.strip_suffix(args.first_text()?.as_str()).unwrap_or(s).into(),
        "split" => split(s, args)?,
        "rsplit" => rsplit(s, args)?,
        "splitlines" => texts(splitlines(s, args.get(0, "keepends").is_some_and(|v| v.is_true()))),
        "partition" | "rpartition" => partition(s, &args.first_text()?, method == "rpartition")?,
        "replace" => replace(state, s, args)?,
        "join" => join(state, s, args)?,
        "find" | "index" => position(s, s.find(args.first_text()?.as_str()), method == "index")?,
        "rfind" | "rindex" => position(s, s.rfind(args.first_text()?.as_str()), method == "rindex")?,
        "count" => {
            let needle = args.first_text()?;
            let n = if needle.is_empty() {
                s.chars().count() + 1
            } else {
                s.matches(needle.as_str()).count()
            };
            n.into()
        }
        "format" => format(state, s, args)?,
        "zfill" | "ljust" | "rjust" | "center" => pad(state, s, method, args)?,
        "isdigit" | "isnumeric" | "isdecimal" => all(s, char::is_numeric).into(),
        "isalpha" => all(s, char::is_alphabetic).into(),
        "isalnum" => all(s, char::is_alphanumeric).into(),
        "isspace" => all(s, is_space).into(),
        "isascii" => s.is_ascii().into(),
        "islower" => (s.chars().any(char::is_lowercase) && !s.chars().any(char::is_uppercase)).into(),
        "isupper" => (s.chars().any(char::is_uppercase) && !s.chars().any(char::is_lowercase)).into(),
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn all(s: &str, test: fn(char) -> bool) -> bool {
    !s.is_empty() && s.chars().all(test)
}

/// First letter of each run of letters in upper case, the rest in lower case.
fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

/// First character in upper case, the rest in lower case.
pub(super) fn capitalize(s: &str) -> String {
    let mut chars = s.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

fn strip(s: &str, args: &Args, left: bool, right: bool) -> Result<String, Error> {
    let set: Option<Vec<char>> = args.text(0, "chars")?.map(|t| t.chars().collect());
    let stripped = |c: char| set.as_ref().map_or_else(|| is_space(c), |set| set.contains(&c));
    let mut rest = s;
    if left {
        rest = rest.trim_start_matches(stripped);
    }
    if right {
        rest = rest.trim_end_matches(stripped);
    }
    Ok(rest.to_owned())
}

/// `startswith` and `endswith` take a string or a tuple of them.
fn any_affix(args: &Args, test: impl Fn(&str) -> bool) -> Result<bool, Error> {
    let affix = args.get(0, "").ok_or_else(|| Error::from(ErrorKind::MissingArgument))?;
    if affix.as_str().is_some() {
        return Ok(test(&required_text(&affix)?));
    }
    for one in affix.try_iter()? {
        if test(&required_text(&one)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `maxsplit` as a number of pieces; negative means no bound.
fn pieces(args: &Args) -> Result<usize, Error> {
    Ok(args.int(1, "maxsplit")?.map_or(usize::MAX, |n| {
        usize::try_from(n).map_or(usize::MAX, |n| n.saturating_add(1))
    }))
}

fn separator(args: &Args) -> Result<Option<String>, Error> {
    let separator = args.text(0, "sep")?;
    if separator.as_deref() == Some("") {
        return Err(Error::new(ErrorKind::InvalidOperation, "empty separator"));
    }
    Ok(separator)
}

fn split(s: &str, args: &Args) -> Result<Value, Error> {
    let n = pieces(args)?;
    if let Some(separator) = separator(args)? {
        return Ok(texts(s.splitn(n, separator.as_str())));
    }
    let mut found = Vec::new();
    let mut rest = s.trim_start_matches(is_space);
    while !rest.is_empty() {
        if found.len() + 1 == n {
            found.push(rest);
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        found.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    Ok(texts(found))
}

fn rsplit(s: &str, args: &Args) -> Result<Value, Error> {
    let n = pieces(args)?;
    let mut found: Vec<&str> = Vec::new();
    if let Some(separator) = separator(args)? {
        found.extend(s.rsplitn(n, separator.as_str()));
    } else {
        let mut rest = s.trim_end_matches(is_space);
        while !rest.is_empty() {
            if found.len() + 1 == n {
                found.push(rest);
                break;
            }
            let start = rest
                .char_indices()
                .rev()
                .find(|(_, c)| is_space(*c))
                .map_or(0, |(i, c)| i + c.len_utf8());
            found.push(&rest[start..]);
            rest = rest[..start].trim_end_matches(is_space);
        }
    }
    found.reverse();
    Ok(texts(found))
}

/// The lines of `s`, with their ends if `keep` says so.
pub(super) fn splitlines(s: &str, keep: bool) -> Vec<&str> {
    let is_end = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut lines = Vec::new();
    let mut rest = s;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_end(*c)) {
        let end = at
            + if rest[at..].starts_with("\r\n") {
                2
            } else {
                c.len_utf8()
            };
        lines.push(&rest[..if keep { end } else { at }]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

fn partition(s: &str, separator: &str, from_right: bool) -> Result<Value, Error> {
    if separator.is_empty() {
        return Err(Error::new(ErrorKind::InvalidOperation, "empty separator"));
    }
    let found = if from_right {
        s.rsplit_once(separator)
    } else {
        s.split_once(separator)
    };
    let parts = match found {
        Some((before, after)) => [before, separator, after],
        None if from_right => ["", "", s],
        None => [s, "", ""],
    };
    Ok(Value::from(Tuple::new(parts.map(Value::from).to_vec())))
}

fn replace(state: &mut State, s: &str, args: &Args) -> Result<Value, Error> {
    let (Some(old), Some(new)) = (args.text(0, "old")?, args.text(1, "new")?) else {
        return Err(Error::from(ErrorKind::MissingArgument));
    };
    let count = args
        .int(2, "count")?
        .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    replaced(state, s, &old, &new, count).map(Value::from)
}

/// Replaces the first `count` occurrences, after counting what that will cost.
pub(super) fn replaced(state: &mut State, s: &str, old: &str, new: &str, count: usize) -> Result<String, Error> {
    let hits = s.matches(old).take(count).count();
    limits::charge(state, s.len().saturating_add(hits.saturating_mul(new.len())))?;
    Ok(s.replacen(old, new, count))
}

fn join(state: &mut State, separator: &str, args: &Args) -> Result<Value, Error> {
    let list = args
        .positional
        .first()
        .ok_or_else(|| Error::from(ErrorKind::MissingArgument))?;
    let mut out = String::new();
    for (i, item) in list.try_iter()?.enumerate() {
        let item = required_text(&item)?;
        limits::charge(state, item.len() + separator.len())?;
        if i > 0 {
            out.push_str(separator);
        }
        out.push_str(&item);
    }
    Ok(out.into())
}

/// A byte offset as a character index.
fn position(s: &str, at: Option<usize>, required: bool) -> Result<Value, Error> {
    match at {
        Some(at) => Ok(s[..at].chars().count().into()),
        None if required => Err(Error::new(ErrorKind::InvalidOperation, "substring not found")),
        None => Ok(Value::from(-1)),
    }
}

/// `str.format` with `{}`, `{0}` and `{name}`; format specifications are not supported.
fn format(state: &mut State, s: &str, args: &Args) -> Result<Value, Error> {
    let wrong = |what: &str| Error::new(ErrorKind::InvalidOperation, format!("str.format: {what}"));
    let mut out = String::new();
    let mut automatic = 0;
    let mut rest = s;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..];
        if brace.starts_with("{{") || brace.starts_with("}}") {
            out.push_str(&brace[..1]);
            rest = &brace[2..];
            continue;
        }
        let end = brace
            .find('}')
            .filter(|_| brace.starts_with('{'))
            .ok_or_else(|| wrong("unbalanced brace"))?;
        let field = &brace[1..end];
        let value = if field.is_empty() {
            automatic += 1;
            args.positional.get(automatic - 1).cloned()
        } else if let Ok(index) = field.parse::<usize>() {
            args.positional.get(index).cloned()
        } else {
            args.named
                .as_ref()
                .and_then(|named| named.get::<Option<Value>>(field).ok().flatten())
        };
        let value = value.ok_or_else(|| wrong(&format!("no argument for {{{field}}}")))?;
        let text = to_str(&value);
        limits::charge(state, text.len())?;
        out.push_str(&text);
        rest = &brace[end + 1..];
    }
    out.push_str(rest);
    Ok(out.into())
}

fn pad(state: &mut State, s: &str, method: &str, args: &Args) -> Result<Value, Error> {
    let width = args
        .int(0, "width")?
        .ok_or_else(|| Error::from(ErrorKind::MissingArgument))?;
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(s.chars().count());
    limits::charge(state, missing.saturating_mul(4))?;
    let fill = if method == "zfill" {
        "0".into()
    } else {
        args.text(1, "fillchar")?.unwrap_or_else(|| " ".into())
    };
    Ok(match method {
        "ljust" => format!("{s}{}", fill.repeat(missing)),
        "center" => {
            // Python puts the odd one to the left when the width is odd, to the right otherwise.
            let left = missing / 2 + (missing & usize::try_from(width).unwrap_or(0) & 1);
            format!("{}{s}{}", fill.repeat(left), fill.repeat(missing - left))
        }
        "zfill" if s.starts_with(['+', '-']) => format!("{}{}{}", &s[..1], fill.repeat(missing), &s[1..]),
        _ => format!("{}{s}", fill.repeat(missing)),
    }
    .into())
}
