//! What a caller may ask: OpenAI's request bodies, read strictly. A parameter that we do not know is an error that
//! names it; one that cannot change the answer is accepted without effect; what is not OpenAI's stands under `kinglet`.

use kinglet_route::gauge::AbortRule;
use serde_json::{Map, Value};

use super::format::{self, Format, ToolChoice};
use super::message::messages;
use super::reader::{Reader, count};
use crate::error::{Error, Result, json_kind};
use crate::sampler::{MAX_TOP_LOGPROBS, SamplerConfig};

/// A request, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What to continue.
    pub input: Input,
    /// Further prompts of a completion; each is continued as `input` is.
    pub more: Vec<Input>,
    /// Answers to each prompt.
    pub n: usize,
    /// Sampling of the first answer; those after it have seeds derived from its seed.
    pub sampling: SamplerConfig,
    /// The caller chose the seed. Without it the session draws one from the clock.
    pub seeded: bool,
    /// Most tokens to generate for each answer; `None`: as many as the context holds.
    pub max_tokens: Option<usize>,
    /// Strings that end an answer; they are not part of it.
    pub stop: Vec<String>,
    /// Report each token's log-probability.
    pub logprobs: bool,
    /// Give the prompt back before its continuation.
    pub echo: bool,
    /// Let the context slide when it is full instead of ending with `length`.
    pub shift: bool,
    /// What an answer must look like.
    pub format: Format,
    /// Report what is known of each answer's doubt.
    pub signals: bool,
    /// When an answer is ended before its end, because of its doubt.
    pub abort: Option<AbortRule>,
}

/// What is continued.
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
    /// Tokens that are continued as they stand.
    Tokens {
        /// Their ids.
        ids: Vec<u32>,
    },
    /// A gap between two texts, for models that declare tokens for it. No control token is recognised in either.
    Infill {
        /// The text before the gap.
        prefix: String,
        /// The text behind it.
        suffix: String,
    },
}

/// Most answers to one prompt, as at OpenAI.
const MAX_N: usize = 128;

/// Most prompts of one request, as at OpenAI.
pub(super) const MAX_INPUTS: usize = 2048;

/// Parameters that describe the call, or who makes it, and not the answer.
const WITHOUT_EFFECT: &[&str] = &[
    "model",
    "stream",
    "stream_options",
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prediction",
];

/// Parameters under `kinglet`, for the message to a caller who writes them elsewhere.
const OURS: &[&str] = &[
    "top_k",
    "min_p",
    "repeat_penalty",
    "repeat_last_n",
    "context_shift",
    "chat_template_kwargs",
    "regex",
    "lark",
    "signals",
    "abort",
];

/// Arguments of a template that `chat_template_kwargs` may not replace: unchecked messages, or a prompt without its end.
const OF_THE_REQUEST: &[&str] = &[
    "messages",
    "tools",
    "add_generation_prompt",
    "bos_token",
    "eos_token",
    "raise_exception",
    "strftime_now",
];

impl Request {
    /// Reads a chat request: `messages` and the common parameters.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub fn chat(body: &Value) -> Result<Self> {
        let mut reader = Reader::new(body, WITHOUT_EFFECT)?;
        let mut ours = reader.ours()?;
        let messages = messages(&mut reader)?;
        let tools = format::tools(reader.take("tools"))?;
        let format = Format::chat(&mut reader, &mut ours, tools.as_ref())?;
        // A model that may call none is not told of any.
        let tools = tools.filter(|_| format.choice != ToolChoice::None);
        modalities(&mut reader)?;
        let extra = template_arguments(&mut ours)?;
        let logprobs = reader.boolean("logprobs")?.unwrap_or(false);
        let top = reader.count("top_logprobs")?.unwrap_or(0);
        if top > 0 && !logprobs {
            let expected = "\"logprobs\": true beside it";
            return Err(Error::invalid("top_logprobs", expected, "no logprobs"));
        }
        at_most("top_logprobs", MAX_TOP_LOGPROBS, top)?;
        let mut request = common(&mut reader, &mut ours, Input::Chat { messages, tools, extra })?;
        request.format = format;
        request.logprobs = logprobs;
        request.sampling.top_logprobs = top;
        finished(request, &reader, &ours)
    }

    /// Reads a completion request: `prompt`, `suffix` and the common parameters; `logprobs` is a number here.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub fn completion(body: &Value) -> Result<Self> {
        let mut reader = Reader::new(body, WITHOUT_EFFECT)?;
        let mut ours = reader.ours()?;
        let mut inputs = inputs("prompt", reader.take("prompt"))?;
        // OpenAI's clients send an empty suffix for none.
        if let Some(suffix) = reader.text("suffix")?.filter(|suffix| !suffix.is_empty()) {
            inputs = inputs
                .into_iter()
                .map(|input| infill(input, suffix))
                .collect::<Result<_>>()?;
        }
        let format = Format::completion(&mut reader, &mut ours)?;
        let logprobs = reader.count("logprobs")?;
        at_most("logprobs", MAX_TOP_LOGPROBS, logprobs.unwrap_or(0))?;
        let echo = reader.boolean("echo")?.unwrap_or(false);
        if echo && logprobs.is_some() {
            let expected = "no logprobs beside it: those of a prompt are not computed";
            return Err(Error::invalid("echo", expected, "logprobs"));
        }
        let best_of = reader.count("best_of")?;
        let more = inputs.split_off(1);
        let first = inputs.remove(0);
        let mut request = common(&mut reader, &mut ours, first)?;
        if let Some(best_of) = best_of.filter(|&best_of| best_of != request.n) {
            let expected = format!("the same as n, which is {}: every answer is returned", request.n);
            return Err(Error::invalid("best_of", expected, best_of));
        }
        request.more = more;
        at_most("n", MAX_INPUTS / (1 + request.more.len()), request.n)?; // so many answers wait at once
        request.format = format;
        request.logprobs = logprobs.is_some();
        request.sampling.top_logprobs = logprobs.unwrap_or(0);
        request.echo = echo;
        finished(request, &reader, &ours)
    }
}

/// Further arguments of the template.
pub(super) fn template_arguments(ours: &mut Reader<'_>) -> Result<Map<String, Value>> {
    let name = ours.name("chat_template_kwargs");
    match ours.take("chat_template_kwargs") {
        None => Ok(Map::new()),
        Some(Value::Object(map)) => match map.keys().find(|key| OF_THE_REQUEST.contains(&key.as_str())) {
            None => Ok(map.clone()),
            Some(own) => Err(Error::invalid(
                format!("{name}.{own}"),
                "arguments that the request does not say in another way",
                "one that kinglet gives the template itself",
            )),
        },
        Some(other) => Err(Error::invalid(name, "an object", json_kind(other))),
    }
}

/// What chats and completions share.
fn common(reader: &mut Reader<'_>, ours: &mut Reader<'_>, input: Input) -> Result<Request> {
    let n = reader.count("n")?.unwrap_or(1);
    if !(1..=MAX_N).contains(&n) {
        return Err(Error::invalid("n", format!("1 to {MAX_N}"), n));
    }
    let default = SamplerConfig::default();
    let seed = reader.seed()?;
    let max_tokens = reader.count("max_completion_tokens")?;
    let old_name = reader.count("max_tokens")?;
    if let (Some(max), Some(old)) = (max_tokens, old_name)
        && max != old
    {
        return Err(Error::invalid("max_tokens", "the same as max_completion_tokens", old));
    }
    let repeat_last_n = match ours.take("repeat_last_n") {
        Some(v) if v.as_i64() == Some(-1) => usize::MAX,
        _ => ours.count("repeat_last_n")?.unwrap_or(default.repeat_last_n),
    };
    Ok(Request {
        input,
        more: Vec::new(),
        n,
        sampling: SamplerConfig {
            // OpenAI's defaults: temperature 1, the whole distribution.
            temperature: reader.number("temperature")?.unwrap_or(1.0),
            top_p: reader.number("top_p")?.unwrap_or(default.top_p),
            top_k: ours.count("top_k")?.unwrap_or(default.top_k),
            min_p: ours.number("min_p")?.unwrap_or(default.min_p),
            repeat_penalty: ours.number("repeat_penalty")?.unwrap_or(default.repeat_penalty),
            repeat_last_n,
            presence_penalty: reader.number("presence_penalty")?.unwrap_or(default.presence_penalty),
            frequency_penalty: reader.number("frequency_penalty")?.unwrap_or(default.frequency_penalty),
            logit_bias: reader.logit_bias()?,
            seed: seed.unwrap_or(default.seed),
            top_logprobs: 0,
            signals: false,
        },
        seeded: seed.is_some(),
        max_tokens: max_tokens.or(old_name),
        stop: reader.stop()?,
        logprobs: false,
        echo: false,
        shift: ours.boolean("context_shift")?.unwrap_or(false),
        format: Format::default(),
        signals: ours.boolean("signals")?.unwrap_or(false),
        abort: ours.abort()?,
    })
}

/// The request, if everything in its body has been read and its numbers make sense together.
fn finished(request: Request, reader: &Reader<'_>, ours: &Reader<'_>) -> Result<Request> {
    request.sampling.check().map_err(|error| match error {
        // The sampler does not know where its parameters stand in a request.
        Error::InvalidRequest { param, expected, got } if OURS.contains(&param.as_str()) => {
            Error::invalid(ours.name(&param), expected, got)
        }
        other => other,
    })?;
    reader.done(OURS)?;
    ours.done(&[])?;
    Ok(request)
}

fn at_most(name: &str, most: usize, got: usize) -> Result<()> {
    match got <= most {
        true => Ok(()),
        false => Err(Error::invalid(name, format!("at most {most}"), got)),
    }
}

/// Some clients say that they want text, which is all that there is.
fn modalities(reader: &mut Reader<'_>) -> Result<()> {
    match reader.take("modalities") {
        None => Ok(()),
        Some(Value::Array(list)) if list.iter().all(|m| m == "text") => Ok(()),
        Some(other) => Err(Error::invalid("modalities", "[\"text\"]", other)),
    }
}

/// A text, tokens, or a list of either: at least one.
pub(super) fn inputs(name: &str, value: Option<&Value>) -> Result<Vec<Input>> {
    let expected = "a string, a list of strings, token ids, or a list of such";
    let list = match value {
        Some(Value::String(prompt)) => return Ok(vec![Input::Completion { prompt: prompt.clone() }]),
        Some(Value::Array(list)) if list.is_empty() => return Err(Error::invalid(name, expected, "an empty list")),
        Some(Value::Array(list)) if list.iter().all(Value::is_number) => {
            let ids = token_ids(name, list)?;
            return Ok(vec![Input::Tokens { ids }]);
        }
        Some(Value::Array(list)) => list,
        other => return Err(Error::invalid(name, expected, other.map_or("nothing", json_kind))),
    };
    at_most(name, MAX_INPUTS, list.len())?;
    let one = |(i, value): (usize, &Value)| match value {
        Value::String(prompt) => Ok(Input::Completion { prompt: prompt.clone() }),
        Value::Array(ids) => token_ids(&format!("{name}[{i}]"), ids).map(|ids| Input::Tokens { ids }),
        other => Err(Error::invalid(
            format!("{name}[{i}]"),
            "a string or token ids",
            json_kind(other),
        )),
    };
    list.iter().enumerate().map(one).collect()
}

fn token_ids(name: &str, list: &[Value]) -> Result<Vec<u32>> {
    let id = |v: &Value| count(v).and_then(|n| u32::try_from(n).ok());
    let ids = list
        .iter()
        .map(|v| id(v).ok_or_else(|| Error::invalid(name, "token ids", v)));
    ids.collect()
}

fn infill(input: Input, suffix: &str) -> Result<Input> {
    match input {
        Input::Completion { prompt } => Ok(Input::Infill {
            prefix: prompt,
            suffix: suffix.to_owned(),
        }),
        _ => Err(Error::invalid(
            "suffix",
            "a prompt that is a string beside it",
            "tokens",
        )),
    }
}
