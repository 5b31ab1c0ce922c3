//! `kinglet tokenize`, `detokenize` and `render`: text without a model's weights.

use std::path::Path;

use kinglet::text::template::{ChatTemplate, CivilTime, RenderInput};
use kinglet::text::{Bos, Special, Tokenizer};
use kinglet::{Error, Result};
use serde_json::{Map, Value, json};

use crate::args::{BosArg, SpecialArg};
use crate::{open, output};

impl From<SpecialArg> for Special {
    fn from(s: SpecialArg) -> Self {
        match s {
            SpecialArg::Parse => Special::Parse,
            SpecialArg::Text => Special::AsText,
        }
    }
}

impl From<BosArg> for Bos {
    fn from(b: BosArg) -> Self {
        match b {
            BosArg::Auto => Bos::Auto,
            BosArg::Yes => Bos::Yes,
            BosArg::No => Bos::No,
        }
    }
}

fn tokenizer(file: &Path) -> Result<Tokenizer> {
    Tokenizer::from_gguf(open::gguf(file)?.metadata())
}

pub fn tokenize(file: &Path, special: SpecialArg, bos: BosArg) -> Result<()> {
    let tokenizer = tokenizer(file)?;
    output::each_line(|line| {
        let ids = tokenizer.encode(output::text(&line)?, special.into(), bos.into())?;
        output::line(&json!({"ids": ids}))
    })
}

pub fn detokenize(file: &Path, special: SpecialArg) -> Result<()> {
    let tokenizer = tokenizer(file)?;
    output::each_line(|line| {
        let ids = output::ids(&line)?.ok_or_else(|| Error::invalid("line", "{\"ids\": […]}", &line))?;
        output::line(&json!({"text": tokenizer.decode(&ids, special.into())?}))
    })
}

/// A template and the texts of its special tokens, from a GGUF file or a bare template.
struct Source {
    template: ChatTemplate,
    bos_token: String,
    eos_token: String,
}

fn source(file: &Path) -> Result<Source> {
    if file.extension().is_some_and(|e| e == "jinja" || e == "j2") {
        let text = std::fs::read_to_string(file).map_err(|e| output::io(&file.display().to_string(), &e))?;
        let (bos_token, eos_token) = Default::default();
        return Ok(Source {
            template: ChatTemplate::new(&text)?,
            bos_token,
            eos_token,
        });
    }
    let gguf = open::gguf(file)?;
    let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
    let text = tokenizer.chat_template(None).ok_or_else(|| Error::Template {
        message: "the file has none (metadata key tokenizer.chat_template)".into(),
    })?;
    let piece = |id: Option<u32>| id.map(|id| tokenizer.token_text(id).to_string()).unwrap_or_default();
    Ok(Source {
        template: ChatTemplate::new(text)?,
        bos_token: piece(tokenizer.bos()),
        eos_token: piece(tokenizer.eos()),
    })
}

pub fn render(file: &Path, bos_token: Option<String>, eos_token: Option<String>, now: Option<String>) -> Result<()> {
    let source = source(file)?;
    let now = match now {
        Some(text) => CivilTime::from_iso(&text)
            .ok_or_else(|| Error::invalid("--now", "a time such as 2026-01-15T12:00:00", &text))?,
        None => CivilTime::from_unix((kinglet::platform::now_ms() / 1000.0) as i64),
    };
    let bos_token = bos_token.unwrap_or(source.bos_token);
    let eos_token = eos_token.unwrap_or(source.eos_token);
    output::each_line(|line| {
        let rendered = line_variables(line).and_then(|v| {
            source.template.render(&RenderInput {
                messages: &v.messages,
                tools: v.tools.as_ref(),
                add_generation_prompt: v.add_generation_prompt,
                bos_token: &bos_token,
                eos_token: &eos_token,
                now,
                extra: &v.extra,
            })
        });
        output::line(&match rendered {
            Ok(text) => json!({"text": text}),
            Err(e) => json!({"error": e.to_json()}),
        })
    })
}

/// What one line gives a template; further keys are further variables.
struct Variables {
    messages: Value,
    tools: Option<Value>,
    add_generation_prompt: bool,
    extra: Map<String, Value>,
}

fn line_variables(line: Value) -> Result<Variables> {
    let Value::Object(mut extra) = line else {
        return Err(Error::invalid("line", "a JSON object with messages", line));
    };
    let messages = extra.shift_remove("messages").filter(Value::is_array);
    let add_generation_prompt = match extra.shift_remove("add_generation_prompt") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(b)) => b,
        Some(other) => return Err(Error::invalid("add_generation_prompt", "true or false", other)),
    };
    Ok(Variables {
        messages: messages.ok_or_else(|| Error::invalid("messages", "an array of messages", "something else"))?,
        tools: extra.shift_remove("tools").filter(|t| !t.is_null()),
        add_generation_prompt,
        extra,
    })
}
