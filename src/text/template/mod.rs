//! Chat templates: the Jinja text that a model's file brings, rendered as Hugging Face transformers and Jinja2 do.
//!
//! `minijinja` is the engine. What Python does differently is added around it: methods of strings, dicts and lists
//! ([`methods`]), `tojson` as `json.dumps` ([`json`]), printing ([`python`]), operators and slices ([`operators`]),
//! filters and tests ([`filters`]). A template comes from the net, so its work is bounded ([`limits`]).

mod compile;
mod filters;
mod json;
mod limits;
mod methods;
mod operators;
mod python;
mod strftime;
mod strings;

use std::error::Error as _;

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, State};
use serde_json::Map;

pub use strftime::CivilTime;

use crate::error::{Error, Result};

/// What a template is given.
#[derive(Debug, Clone)]
pub struct RenderInput<'a> {
    /// The conversation: a list of objects.
    pub messages: &'a serde_json::Value,
    /// Tool descriptions; without any the variable is undefined, as in llama.cpp.
    pub tools: Option<&'a serde_json::Value>,
    /// Ask for the beginning of the assistant's answer.
    pub add_generation_prompt: bool,
    /// Text of the model's BOS token.
    pub bos_token: &'a str,
    /// Text of the model's EOS token.
    pub eos_token: &'a str,
    /// The clock that `strftime_now` sees.
    pub now: CivilTime,
    /// Further variables; they win over those above.
    pub extra: &'a Map<String, serde_json::Value>,
}

/// A template that compiles.
///
/// ```
/// use kinglet::text::template::{ChatTemplate, CivilTime, RenderInput};
/// let template = ChatTemplate::new("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}")?;
/// let text = template.render(&RenderInput {
///     messages: &serde_json::json!([{"role": "user", "content": "Hello"}]),
///     tools: None,
///     add_generation_prompt: true,
///     bos_token: "<s>",
///     eos_token: "</s>",
///     now: CivilTime::from_unix(0),
///     extra: &serde_json::Map::new(),
/// })?;
/// assert_eq!(text, "<|user|>Hello");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    source: String,
}

impl ChatTemplate {
    /// Checks that `source` compiles.
    ///
    /// # Errors
    /// [`Error::Template`] with the line.
    pub fn new(source: &str) -> Result<Self> {
        limits::check_source(source)?;
        let source = compile::without_generation_tags(source);
        compile::compile(&source).map_err(explain)?;
        Ok(ChatTemplate { source })
    }

    /// Renders a conversation.
    ///
    /// # Errors
    /// [`Error::TemplateRefused`] if the template calls `raise_exception`; [`Error::Template`] for every other failure,
    /// also when the template exceeds its bounds.
    pub fn render(&self, input: &RenderInput<'_>) -> Result<String> {
        let mut variables = vec![
            ("messages", python::from_json(input.messages)),
            ("add_generation_prompt", Value::from(input.add_generation_prompt)),
            ("bos_token", Value::from(input.bos_token)),
            ("eos_token", Value::from(input.eos_token)),
        ];
        variables.extend(input.tools.map(|tools| ("tools", python::from_json(tools))));
        variables.extend(
            input
                .extra
                .iter()
                .map(|(name, value)| (name.as_str(), python::from_json(value))),
        );
        let env = environment(input.now);
        let compiled = compile::compile(&self.source).map_err(explain)?;
        compile::run(&env, &compiled, Value::from_pairs(variables)).map_err(explain)
    }
}

/// Everything a template can call.
fn environment(now: CivilTime) -> Environment<'static> {
    let mut env = Environment::new();
    limits::install(&mut env);
    filters::install(&mut env);
    operators::install(&mut env);
    env.set_unknown_method_callback(methods::call);
    env.set_formatter(|out, state, value| {
        let text = python::to_str(value);
        limits::charge(state, text.len())?;
        out.write_str(&text)?;
        Ok(())
    });
    env.add_function(
        "raise_exception",
        |message: &Value| -> Result<Value, minijinja::Error> {
            let refused = Refused(python::to_str(message).into_owned());
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, "raise_exception").with_source(refused))
        },
    );
    env.add_function("strftime_now", move |state: &mut State, format: &str| {
        let text = now.format(format);
        limits::charge(state, text.len())?;
        Ok(text)
    });
    env
}

/// What a template said through `raise_exception`.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// An engine error in our words.
fn explain(error: minijinja::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(e) = cause {
        if let Some(refused) = e.downcast_ref::<Refused>() {
            return Error::TemplateRefused {
                message: refused.0.clone(),
            };
        }
        cause = e.source();
    }
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("it ran for more than {} steps", limits::STEPS),
        (kind, None) => kind.to_string(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
    };
    Error::Template {
        message: match error.line() {
            Some(line) => format!("line {line}: {what}"),
            None => what,
        },
    }
}
