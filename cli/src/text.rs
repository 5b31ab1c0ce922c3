//! `kinglet tokenize`, `detokenize` and `render`: text without a model's weights.

use std::path::Path;

use kinglet::text::{Bos, Special, Tokenizer};
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

pub fn render(_: &Path, _: Option<String>, _: Option<String>, _: Option<String>) -> Result<()> {
    Err(Error::Template {
        message: "not built yet".into(),
    })
}
