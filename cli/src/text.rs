//! `kinglet tokenize`, `detokenize` and `render`: text without a model's weights.

use std::path::Path;

use kinglet::gguf::GgufFile;
use kinglet::text::{Bos, ChatTemplate, RenderInput, Special, Tokenizer};
use kinglet::{Error, Result};
use serde_json::json;

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
    if file.extension().is_some_and(|e| e == "json") {
        let bytes = std::fs::read(file).map_err(|e| output::io(&file.display().to_string(), &e))?;
        return Tokenizer::from_tokenizer_json(&bytes);
    }
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
        output::line(&json!({"text": tokenizer.decode(&ids, special.into())}))
    })
}

/// A template and the texts of its special tokens, from a GGUF file or a bare template.
struct Source {
    template: ChatTemplate,
    bos_token: String,
    eos_token: String,
}

fn source(file: &Path) -> Result<Source> {
    if file.extension().is_some_and(|e| e == "jinja" || e == "j2" || e == "txt") {
        let text = std::fs::read_to_string(file).map_err(|e| output::io(&file.display().to_string(), &e))?;
        return Ok(Source { template: ChatTemplate::new(&text)?, bos_token: String::new(), eos_token: String::new() });
    }
    let gguf: GgufFile = open::gguf(file)?;
    let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
    let text = gguf.metadata().str("tokenizer.chat_template")?.ok_or_else(|| Error::Template {
        message: "the file has no chat template (metadata key tokenizer.chat_template)".into(),
    })?;
    Ok(Source {
        template: ChatTemplate::new(text)?,
        bos_token: tokenizer.bos_text().unwrap_or_default().to_string(),
        eos_token: tokenizer.eos_text().unwrap_or_default().to_string(),
    })
}

pub fn render(file: &Path, bos_token: Option<String>, eos_token: Option<String>, now: Option<String>) -> Result<()> {
    let mut source = source(file)?;
    source.bos_token = bos_token.unwrap_or(source.bos_token);
    source.eos_token = eos_token.unwrap_or(source.eos_token);
    let now = now.map_or_else(|| Ok(kinglet::text::DateTime::from_unix_ms(kinglet::platform::now_ms())), |n| n.parse())?;
    output::each_line(|line| {
        let input = RenderInput::from_json(&line, &source.bos_token, &source.eos_token, now);
        let rendered = input.and_then(|i| source.template.render(&i));
        output::line(&match rendered {
            Ok(text) => json!({"text": text}),
            Err(e) => json!({"error": e.to_json()}),
        })
    })
}

