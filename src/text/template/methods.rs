//! Python's methods of strings (strings.rs), dicts and lists: those that chat templates call, without the mutating ones
//! (which Jinja's sandbox forbids as well).

use minijinja::value::{Kwargs, Tuple, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::strings::string;

/// The engine's hook for `value.method(args)`.
pub(super) fn call(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let args = Args::new(args)?;
    let result = match value.kind() {
        ValueKind::String => string(state, value.as_str().unwrap_or_default(), method, &args)?,
        ValueKind::Map => dict(value, method, &args)?,
        ValueKind::Seq | ValueKind::Iterable => list(value, method, &args)?,
        _ => None,
    };
    result.ok_or_else(|| Error::from(ErrorKind::UnknownMethod))
}

/// Positional and named arguments.
pub(super) struct Args {
    pub(super) positional: Vec<Value>,
    pub(super) named: Option<Kwargs>,
}

impl Args {
    fn new(args: &[Value]) -> Result<Self, Error> {
        let (named, positional) = match args.split_last() {
            Some((last, rest)) if last.is_kwargs() => (Some(Kwargs::try_from(last.clone())?), rest),
            _ => (None, args),
        };
        Ok(Args {
            positional: positional.to_vec(),
            named,
        })
    }

    /// Argument `index`, or the one named `name`; none counts as absent.
    pub(super) fn get(&self, index: usize, name: &str) -> Option<Value> {
        let named = || self.named.as_ref()?.get::<Option<Value>>(name).ok().flatten();
        self.positional
            .get(index)
            .cloned()
            .or_else(named)
            .filter(|v| !v.is_none() && !v.is_undefined())
    }

    pub(super) fn text(&self, index: usize, name: &str) -> Result<Option<String>, Error> {
        self.get(index, name).map(|v| required_text(&v)).transpose()
    }

    pub(super) fn first_text(&self) -> Result<String, Error> {
        self.text(0, "")?.ok_or_else(|| Error::from(ErrorKind::MissingArgument))
    }

    pub(super) fn int(&self, index: usize, name: &str) -> Result<Option<i64>, Error> {
        let wrong = || Error::new(ErrorKind::InvalidOperation, "an integer was expected");
        self.get(index, name).map(|v| v.as_i64().ok_or_else(wrong)).transpose()
    }
}

/// The text that an argument is.
///
/// # Errors
/// It is no text.
pub(super) fn required_text(v: &Value) -> Result<String, Error> {
    let wrong = || {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("a string was expected, not a {}", v.kind()),
        )
    };
    v.as_str().map(str::to_owned).ok_or_else(wrong)
}

fn dict(value: &Value, method: &str, args: &Args) -> Result<Option<Value>, Error> {
    let keys = || -> Result<Vec<Value>, Error> { value.try_iter()?.checked().collect() };
    let result = match method {
        "keys" => Value::from(keys()?),
        "values" => Value::from(
            keys()?
                .iter()
                .map(|k| value.get_item(k))
                .collect::<Result<Vec<_>, _>>()?,
        ),
        "items" => {
            let pair = |k: Value| Ok(Value::from(Tuple::new(vec![k.clone(), value.get_item(&k)?])));
            Value::from(keys()?.into_iter().map(pair).collect::<Result<Vec<_>, Error>>()?)
        }
        "get" => {
            let key = args
                .positional
                .first()
                .ok_or_else(|| Error::from(ErrorKind::MissingArgument))?;
            let found = value.get_item(key)?;
            match args.positional.get(1).or(None) {
                _ if !found.is_undefined() => found,
                Some(default) => default.clone(),
                None => args.get(1, "default").unwrap_or(Value::from(())),
            }
        }
        "copy" => value.clone(),
        _ => return Ok(None),
    };
    Ok(Some(result))
}

fn list(value: &Value, method: &str, args: &Args) -> Result<Option<Value>, Error> {
    let wanted = || {
        args.positional
            .first()
            .ok_or_else(|| Error::from(ErrorKind::MissingArgument))
    };
    let result = match method {
        "index" => {
            let wanted = wanted()?;
            let at = value.try_iter()?.position(|item| item == *wanted);
            Value::from(at.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "the value is not in the list"))?)
        }
        "count" => {
            let wanted = wanted()?;
            Value::from(value.try_iter()?.filter(|item| item == wanted).count())
        }
        "copy" => value.clone(),
        _ => return Ok(None),
    };
    Ok(Some(result))
}
