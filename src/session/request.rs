//! What a caller may ask: OpenAI's request bodies, read strictly. A parameter that we do not know is an error that
//! names it; one that cannot change the answer is accepted without effect.

use serde_json::{Map, Value};

use crate::error::{Error, Result, json_kind};
use crate::sampler::{MAX_TOP_LOGPROBS, SamplerConfig};

/// A request, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What to continue.
    pub input: Input,
    /// Sampling.
    pub sampling: SamplerConfig,
    /// The caller chose the seed. Without it the session draws one from the clock.
    pub seeded: bool,
    /// Most tokens to generate; `None`: as many as the context holds.
    pub max_tokens: Option<usize>,
    /// Strings that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Report each token's log-probability.
    pub logprobs: bool,
    /// Let the context slide when it is full instead of ending with `length`.
    pub shift: bool,
}

/// The two kinds of request.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A conversation, rendered by the model's chat template.
    Chat {
        /// The messages; every content is a string or null, roles are checked.
        messages: Vec<Value>,
        /// The `tools` argument of the template.
        tools: Option<Value>,
        /// Further arguments of the template (`chat_template_kwargs`).
        extra: Map<String, Value>,
    },
    /// Text that is continued as it stands.
    Completion {
        /// The prompt; control tokens in it are recognised.
        prompt: String,
    },
}

/// OpenAI's bound on stop sequences is 4; local models have no reason for one this small.
const MAX_STOPS: usize = 64;

/// Parameters that describe the call, not the answer.
const WITHOUT_EFFECT: [&str; 6] = ["model", "stream", "stream_options", "user", "metadata", "store"];

impl Request {
    /// Reads a chat request: `messages` and the common parameters.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub fn chat(body: &Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let messages = reader.messages()?;
        let tools = reader.tools()?;
        let extra = match reader.take("chat_template_kwargs") {
            None => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(other) => return Err(Error::invalid("chat_template_kwargs", "an object", json_kind(other))),
        };
        let logprobs = reader.boolean("logprobs")?.unwrap_or(false);
        let top = reader.count("top_logprobs")?;
        if top.is_some_and(|n| n > 0) && !logprobs {
            return Err(Error::invalid(
                "top_logprobs",
                "\"logprobs\": true beside it",
                "no logprobs",
            ));
        }
        reader.finish(Input::Chat { messages, tools, extra }, logprobs, top.unwrap_or(0))
    }

    /// Reads a completion request: `prompt` and the common parameters; `logprobs` is a number here.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub fn completion(body: &Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let prompt = match reader.take("prompt") {
            Some(Value::String(text)) => text.clone(),
            other => return Err(Error::invalid("prompt", "a string", other.map_or("nothing", json_kind))),
        };
        let top = reader.count("logprobs")?;
        reader.finish(Input::Completion { prompt }, top.is_some(), top.unwrap_or(0))
    }
}

/// A body whose keys are struck off as they are read.
struct Reader<'a> {
    body: &'a Map<String, Value>,
    read: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    fn new(body: &'a Value) -> Result<Self> {
        let body = body
            .as_object()
            .ok_or_else(|| Error::invalid("request", "an object", json_kind(body)))?;
        Ok(Reader {
            body,
            read: WITHOUT_EFFECT.to_vec(),
        })
    }

    /// The value of `name`; null counts as absent, as it does for OpenAI.
    fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.body.get(name).filter(|v| !v.is_null())
    }

    fn number(&mut self, name: &'static str) -> Result<Option<f32>> {
        self.take(name)
            .map(|v| {
                v.as_f64()
                    .map(|n| n as f32)
                    .ok_or_else(|| Error::invalid(name, "a number", json_kind(v)))
            })
            .transpose()
    }

    fn count(&mut self, name: &'static str) -> Result<Option<usize>> {
        self.take(name)
            .map(|v| {
                let whole = v
                    .as_u64()
                    .or_else(|| v.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64));
                let n = whole.ok_or_else(|| Error::invalid(name, "a whole number >= 0", v))?;
                usize::try_from(n).map_err(|_| Error::invalid(name, "a smaller number", n))
            })
            .transpose()
    }

    fn boolean(&mut self, name: &'static str) -> Result<Option<bool>> {
        self.take(name)
            .map(|v| {
                v.as_bool()
                    .ok_or_else(|| Error::invalid(name, "true or false", json_kind(v)))
            })
            .transpose()
    }

    fn messages(&mut self) -> Result<Vec<Value>> {
        let list = match self.take("messages") {
            Some(Value::Array(list)) if !list.is_empty() => list,
            Some(Value::Array(_)) => return Err(Error::invalid("messages", "at least one message", "an empty list")),
            other => return Err(Error::invalid("messages", "a list", other.map_or("nothing", json_kind))),
        };
        list.iter().enumerate().map(|(i, m)| message(i, m)).collect()
    }

    fn tools(&mut self) -> Result<Option<Value>> {
        match self.take("tools") {
            None => Ok(None),
            Some(Value::Array(list)) if list.is_empty() => Ok(None),
            Some(list @ Value::Array(_)) => Ok(Some(list.clone())),
            Some(other) => Err(Error::invalid("tools", "a list", json_kind(other))),
        }
    }

    fn stop(&mut self) -> Result<Vec<String>> {
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
            return Err(Error::invalid(
                "stop",
                format!("at most {MAX_STOPS} strings"),
                stops.len(),
            ));
        }
        Ok(stops)
    }

    fn logit_bias(&mut self) -> Result<Vec<(u32, f32)>> {
        let map = match self.take("logit_bias") {
            None => return Ok(Vec::new()),
            Some(Value::Object(map)) => map,
            Some(other) => {
                return Err(Error::invalid(
                    "logit_bias",
                    "an object {token id: bias}",
                    json_kind(other),
                ));
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

    fn finish(mut self, input: Input, logprobs: bool, top_logprobs: usize) -> Result<Request> {
        if top_logprobs > MAX_TOP_LOGPROBS {
            let name = if matches!(input, Input::Chat { .. }) {
                "top_logprobs"
            } else {
                "logprobs"
            };
            return Err(Error::invalid(
                name,
                format!("at most {MAX_TOP_LOGPROBS}"),
                top_logprobs,
            ));
        }
        if let Some(n) = self.count("n")?
            && n != 1
        {
            return Err(Error::invalid("n", "1: one engine gives one answer at a time", n));
        }
        let default = SamplerConfig::default();
        let seed = self.take("seed").map(seed).transpose()?;
        let max_tokens = self.count("max_completion_tokens")?;
        let old_name = self.count("max_tokens")?;
        if max_tokens.is_some() && old_name.is_some() && max_tokens != old_name {
            return Err(Error::invalid(
                "max_tokens",
                "the same as max_completion_tokens",
                old_name.unwrap_or(0),
            ));
        }
        let repeat_last_n = match self.take("repeat_last_n") {
            Some(v) if v.as_i64() == Some(-1) => usize::MAX,
            _ => self.count("repeat_last_n")?.unwrap_or(default.repeat_last_n),
        };
        let sampling = SamplerConfig {
            // OpenAI's defaults: temperature 1, the whole distribution.
            temperature: self.number("temperature")?.unwrap_or(1.0),
            top_p: self.number("top_p")?.unwrap_or(default.top_p),
            top_k: self.count("top_k")?.unwrap_or(default.top_k),
            min_p: self.number("min_p")?.unwrap_or(default.min_p),
            repeat_penalty: self.number("repeat_penalty")?.unwrap_or(default.repeat_penalty),
            repeat_last_n,
            presence_penalty: self.number("presence_penalty")?.unwrap_or(default.presence_penalty),
            frequency_penalty: self.number("frequency_penalty")?.unwrap_or(default.frequency_penalty),
            logit_bias: self.logit_bias()?,
            seed: seed.unwrap_or(default.seed),
            top_logprobs,
        };
        sampling.check()?;
        let request = Request {
            input,
            sampling,
            seeded: seed.is_some(),
            max_tokens: max_tokens.or(old_name),
            stop: self.stop()?,
            logprobs,
            shift: self.boolean("context_shift")?.unwrap_or(false),
        };
        match self.body.keys().find(|key| !self.read.contains(&key.as_str())) {
            Some(unknown) => Err(Error::invalid(
                unknown,
                "a parameter that kinglet knows",
                "an unknown one",
            )),
            None => Ok(request),
        }
    }
}

/// OpenAI allows negative seeds; every 64-bit pattern is one.
fn seed(v: &Value) -> Result<u64> {
    v.as_u64()
        .or_else(|| v.as_i64().map(|s| s as u64))
        .or_else(|| v.as_f64().filter(|s| s.fract() == 0.0).map(|s| s as i64 as u64))
        .ok_or_else(|| Error::invalid("seed", "a whole number", v))
}

/// Checks one message and joins the text parts of its content.
fn message(i: usize, message: &Value) -> Result<Value> {
    let at = |field: &str| format!("messages[{i}]{field}");
    let fields = message
        .as_object()
        .ok_or_else(|| Error::invalid(at(""), "an object", json_kind(message)))?;
    match fields.get("role") {
        Some(Value::String(role)) if is_role(role) => {}
        Some(Value::String(role)) => {
            return Err(Error::invalid(
                at(".role"),
                "a word of letters, digits, '_' and '-'",
                format!("{role:?}"),
            ));
        }
        other => {
            return Err(Error::invalid(
                at(".role"),
                "a string",
                other.map_or("nothing", json_kind),
            ));
        }
    }
    let mut fields = fields.clone();
    match fields.get("content") {
        None | Some(Value::Null | Value::String(_)) => {}
        Some(Value::Array(parts)) => {
            let mut text = String::new();
            for (j, part) in parts.iter().enumerate() {
                let is_text = part.get("type").and_then(Value::as_str) == Some("text");
                match part.get("text").and_then(Value::as_str).filter(|_| is_text) {
                    Some(piece) => text.push_str(piece),
                    None => {
                        let got = part.get("type").and_then(Value::as_str).unwrap_or("something else");
                        return Err(Error::invalid(
                            at(&format!(".content[{j}]")),
                            "a part of type \"text\"",
                            got,
                        ));
                    }
                }
            }
            fields.insert("content".into(), Value::String(text));
        }
        Some(other) => {
            return Err(Error::invalid(
                at(".content"),
                "a string or a list of text parts",
                json_kind(other),
            ));
        }
    }
    Ok(Value::Object(fields))
}

/// Roles reach the template's markup unescaped, so they are words: no role can carry a control token.
fn is_role(role: &str) -> bool {
    (1..=64).contains(&role.len())
        && role
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
