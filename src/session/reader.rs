//! Reads a JSON body strictly: a wrong value is an error that names its parameter, and so is one that nobody asked for.

use kinglet_route::gauge::AbortRule;
use kinglet_route::signals::WINDOW;
use serde_json::{Map, Value};

use super::format::only;
use crate::error::{Error, Result, json_kind};

/// OpenAI's bound on stop sequences is 4; local models have no reason for one this small.
const MAX_STOPS: usize = 64;

/// A body whose keys are struck off as they are read.
pub(super) struct Reader<'a> {
    /// None: no body at all, so that everything in it is absent.
    body: Option<&'a Map<String, Value>>,
    /// What stands before the names in messages: empty, or `kinglet.`.
    prefix: &'static str,
    read: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// Reads `body`; the parameters of `without_effect` may have any value.
    pub(super) fn new(body: &'a Value, without_effect: &[&'static str]) -> Result<Self> {
        let body = body
            .as_object()
            .ok_or_else(|| Error::invalid("request", "an object", json_kind(body)))?;
        Ok(Reader {
            body: Some(body),
            prefix: "",
            read: without_effect.to_vec(),
        })
    }

    /// The parameters under `kinglet`, which OpenAI does not have.
    pub(super) fn ours(&mut self) -> Result<Self> {
        let body = match self.take("kinglet") {
            None => None,
            Some(Value::Object(map)) => Some(map),
            Some(other) => return Err(Error::invalid("kinglet", "an object", json_kind(other))),
        };
        Ok(Reader {
            body,
            prefix: "kinglet.",
            read: Vec::new(),
        })
    }

    /// How messages call a parameter.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The value of `name`; null counts as absent, as it does for OpenAI.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.body?.get(name).filter(|v| !v.is_null())
    }

    /// A number.
    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<f32>> {
        let number = |v: &Value| v.as_f64().map(|n| n as f32);
        self.typed(name, "a number", number)
    }

    /// A whole number, not negative.
    pub(super) fn count(&mut self, name: &'static str) -> Result<Option<usize>> {
        self.typed(name, "a whole number >= 0", count)
    }

    /// True or false.
    pub(super) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>> {
        self.typed(name, "true or false", Value::as_bool)
    }

    /// A text.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<&'a str>> {
        self.typed(name, "a string", Value::as_str)
    }

    /// OpenAI allows negative seeds; every 64-bit pattern is one.
    pub(super) fn seed(&mut self) -> Result<Option<u64>> {
        self.typed("seed", "a whole number", |v| {
            v.as_u64()
                .or_else(|| v.as_i64().map(|s| s as u64))
                .or_else(|| v.as_f64().filter(|s| s.fract() == 0.0).map(|s| s as i64 as u64))
        })
    }

    /// One string that ends the answer, or several.
    pub(super) fn stop(&mut self) -> Result<Vec<String>> {
        let wrong = |got: &dyn std::fmt::Display| Error::invalid("stop", "a non-empty string or a list of such", got);
        let stops: Vec<String> = match self.take("stop") {
            None => Vec::new(),
            Some(Value::String(s)) => vec![s.clone()],
            Some(Value::Array(list)) => {
                let text = |v: &Value| v.as_str().map(str::to_owned).ok_or_else(|| wrong(&json_kind(v)));
                list.iter().map(text).collect::<Result<_>>()?
            }
            Some(other) => return Err(wrong(&json_kind(other))),
        };
        if stops.iter().any(String::is_empty) {
            return Err(wrong(&"an empty string"));
        }
        if stops.len() > MAX_STOPS {
            let most = format!("at most {MAX_STOPS} strings");
            return Err(Error::invalid("stop", most, stops.len()));
        }
        Ok(stops)
    }

    /// The rule that ends an answer in doubt: `{window_below, grace?}`.
    pub(super) fn abort(&mut self) -> Result<Option<AbortRule>> {
        let name = self.name("abort");
        let Some(given) = self.take("abort") else {
            return Ok(None);
        };
        let wrong = || Error::invalid(&name, "an object {window_below, grace}", json_kind(given));
        only(&name, given.as_object().ok_or_else(wrong)?, &["window_below", "grace"])?;
        let field = |field: &str| given.get(field).filter(|v| !v.is_null());
        let refused = |key: &str, expected: &str| {
            let got = field(key).map_or("nothing".into(), Value::to_string);
            Error::invalid(format!("{name}.{key}"), expected, got)
        };
        let below = field("window_below")
            .and_then(Value::as_f64)
            .filter(|below| *below <= 0.0);
        let grace = match field("grace") {
            None => Some(WINDOW),
            Some(grace) => count(grace),
        };
        Ok(Some(AbortRule {
            window_below: below.ok_or_else(|| refused("window_below", "a number, at most 0"))?,
            grace: (grace.and_then(|n| u32::try_from(n).ok()))
                .ok_or_else(|| refused("grace", "a whole number >= 0"))?,
        }))
    }

    /// Token ids with what is added to their logits.
    pub(super) fn logit_bias(&mut self) -> Result<Vec<(u32, f32)>> {
        let map = match self.take("logit_bias") {
            None => return Ok(Vec::new()),
            Some(Value::Object(map)) => map,
            Some(other) => {
                let expected = "an object {token id: bias}";
                return Err(Error::invalid("logit_bias", expected, json_kind(other)));
            }
        };
        map.iter()
            .map(|(key, value)| {
                let name = format!("logit_bias[{key}]");
                let id = key
                    .parse()
                    .map_err(|_| Error::invalid(&name, "a token id as key", key))?;
                let bias = value.as_f64().filter(|b| (-100.0..=100.0).contains(b));
                let bias = bias.ok_or_else(|| Error::invalid(&name, "a number from -100 to 100", value))?;
                Ok((id, bias as f32))
            })
            .collect()
    }

    /// Fails with the first parameter that is there and that nobody has read; `ours` are names that belong under `kinglet`.
    pub(super) fn done(&self, ours: &[&str]) -> Result<()> {
        let unread = |(key, value): &(&String, &Value)| !value.is_null() && !self.read.contains(&key.as_str());
        match self.body.and_then(|body| body.iter().find(unread)) {
            None => Ok(()),
            Some((name, _)) if self.prefix.is_empty() && ours.contains(&name.as_str()) => {
                let expected = format!("{name} under the field kinglet, which holds all that is not OpenAI's");
                Err(Error::invalid(name, expected, "it beside OpenAI's parameters"))
            }
            Some((name, _)) => {
                let expected = "a parameter that kinglet knows";
                Err(Error::invalid(self.name(name), expected, "an unknown one"))
            }
        }
    }

    fn typed<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None if value.is_number() => Err(Error::invalid(self.name(name), expected, value)),
            None => Err(Error::invalid(self.name(name), expected, json_kind(value))),
        }
    }
}

/// A whole number, however JavaScript has written it.
pub(super) fn count(v: &Value) -> Option<usize> {
    let whole = v.as_u64().or_else(|| {
        let whole = v.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9.1e15).contains(n));
        whole.map(|n| n as u64)
    });
    whole.and_then(|n| usize::try_from(n).ok())
}
