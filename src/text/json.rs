//! A tokenizer from a Hugging Face `tokenizer.json`.
//!
//! Byte-level BPE and SentencePiece-style BPE with byte fallback are understood, with the steps that decoder models
//! use around them; anything else is an error that names it. A normaliser of Unicode forms (NFC) is left out, as
//! llama.cpp leaves it out when it runs the same model: text then decodes to itself.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::pre::{BYTE_LEVEL_PATTERN, Pre};
use super::special::Strip;
use super::tokenizer::{Scheme, Tokenizer, VocabSpec};
use super::vocab::Kind;
use crate::error::{Error, Result};
use crate::gguf::Strings;

#[derive(Deserialize)]
struct File {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Json,
    #[serde(default)]
    pre_tokenizer: Json,
    #[serde(default)]
    post_processor: Json,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    vocab: HashMap<String, u32>,
    #[serde(default)]
    merges: Vec<Merge>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
}

/// `"left right"` or `["left", "right"]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(String, String),
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
}

/// Ids may have holes, but not absurd ones: this many beyond twice the number of tokens.
const MAX_HOLES: usize = 65_536;

/// Texts of the beginning- and end-of-text tokens: the file itself has no such roles.
const ROLE_TEXTS: &[(&str, &[&str])] = &[
    ("bos", &["<s>", "<|begin_of_text|>", "<bos>", "<｜begin▁of▁sentence｜>"]),
    (
        "eos",
        &[
            "</s>",
            "<|end_of_text|>",
            "<eos>",
            "<｜end▁of▁sentence｜>",
            "<|endoftext|>",
        ],
    ),
];

fn unsupported(what: &str, got: impl ToString, supported: &str) -> Error {
    Error::UnsupportedTokenizer {
        what: what.into(),
        got: got.to_string(),
        supported: supported.into(),
    }
}

/// A step, or the steps of a `Sequence`.
fn steps<'j>(step: &'j Json, list: &str) -> Vec<&'j Json> {
    match (step["type"].as_str(), step[list].as_array()) {
        (Some("Sequence"), Some(steps)) => steps.iter().collect(),
        (None, _) => Vec::new(),
        _ => vec![step],
    }
}

/// What the steps before the model do.
#[derive(Default)]
struct Steps {
    /// Patterns that cut the text into words.
    patterns: Vec<String>,
    byte_level: bool,
    /// Spaces become U+2581.
    spaces: bool,
    /// One more in front.
    prefix: bool,
}

impl Steps {
    fn read(file: &File) -> Result<Self> {
        let mut out = Self::default();
        for step in steps(&file.normalizer, "normalizers") {
            match step["type"].as_str() {
                Some("NFC") => {}
                Some("Prepend") if step["prepend"] == "▁" => out.prefix = true,
                Some("Replace") if step["pattern"]["String"] == " " && step["content"] == "▁" => out.spaces = true,
                _ => {
                    return Err(unsupported(
                        "normalizer",
                        step,
                        "NFC, Prepend \"▁\", Replace \" \" by \"▁\"",
                    ));
                }
            }
        }
        for step in steps(&file.pre_tokenizer, "pretokenizers") {
            match step["type"].as_str() {
                Some("ByteLevel") if step["add_prefix_space"] != true => {
                    out.byte_level = true;
                    if step["use_regex"] != false {
                        out.patterns.push(BYTE_LEVEL_PATTERN.into());
                    }
                }
                Some("Split") if step["behavior"] == "Isolated" && step["invert"] != true => {
                    let regex = step["pattern"]["Regex"].as_str();
                    let pattern = regex.ok_or_else(|| unsupported("pre-tokenizer", step, "Split by a regex"))?;
                    out.patterns.push(pattern.into());
                }
                Some("Digits") if step["individual_digits"] == true => out.patterns.push(r"\p{N}".into()),
                Some("Digits") => out.patterns.push(r"\p{N}+".into()),
                Some("Metaspace") if step["replacement"] == "▁" && step["split"] == false => {
                    out.spaces = true;
                    match step["prepend_scheme"].as_str() {
                        Some("always") => out.prefix = true,
                        Some("never") => {}
                        _ => {
                            return Err(unsupported(
                                "Metaspace scheme",
                                &step["prepend_scheme"],
                                "always, never",
                            ));
                        }
                    }
                }
                _ => {
                    return Err(unsupported(
                        "pre-tokenizer",
                        step,
                        "ByteLevel, Split (Isolated), Digits, Metaspace",
                    ));
                }
            }
        }
        Ok(out)
    }
}

/// Tokens that the post-processor puts before and after a text.
fn around(file: &File) -> (Option<String>, Option<String>) {
    let (mut before, mut after) = (None, None);
    for step in steps(&file.post_processor, "processors") {
        let mut seen_text = false;
        for item in step["single"].as_array().into_iter().flatten() {
            seen_text |= item["Sequence"].is_object();
            if let Some(token) = item["SpecialToken"]["id"].as_str() {
                let side = if seen_text { &mut after } else { &mut before };
                *side = Some(token.to_owned());
            }
        }
    }
    (before, after)
}

/// Texts and kinds of all tokens, by id.
fn tokens(file: &File, spaces: bool) -> Result<(Strings, Vec<Kind>)> {
    let listed = file.model.vocab.len() + file.added_tokens.len();
    let ids = file
        .model
        .vocab
        .values()
        .copied()
        .chain(file.added_tokens.iter().map(|a| a.id));
    let n = ids.max().map_or(0, |id| id as usize + 1);
    if n > 2 * listed + MAX_HOLES {
        return Err(Error::bad_file(
            "tokenizer.json",
            format!("ids near 0..{listed}"),
            format!("id {}", n - 1),
        ));
    }
    let mut texts = vec![""; n];
    let mut kinds = vec![Kind::Unused; n];
    let vocab = file
        .model
        .vocab
        .iter()
        .map(|(text, &id)| (text.as_str(), id, Kind::Normal));
    let added = file.added_tokens.iter().map(|a| {
        let kind = if a.special { Kind::Control } else { Kind::UserDefined };
        (a.content.as_str(), a.id, kind)
    });
    for (text, id, kind) in vocab.chain(added) {
        let slot = &mut texts[id as usize];
        if !slot.is_empty() && *slot != text {
            return Err(Error::bad_file(
                format!("token {id} of tokenizer.json"),
                "one text",
                format!("{slot:?} and {text:?}"),
            ));
        }
        *slot = text;
        let byte = spaces && kind == Kind::Normal && text.len() == 6 && text.starts_with("<0x") && text.ends_with('>');
        kinds[id as usize] = if byte { Kind::Byte } else { kind };
    }
    Ok((texts.into_iter().collect(), kinds))
}

impl Tokenizer {
    /// The tokenizer of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::UnsupportedTokenizer`] names a step or model that kinglet does not run exactly; [`Error::BadFile`]
    /// tells what contradicts itself.
    pub fn from_tokenizer_json(json: &[u8]) -> Result<Self> {
        let file: File =
            serde_json::from_slice(json).map_err(|e| Error::bad_file("tokenizer.json", "a BPE tokenizer", e))?;
        let model = &file.model;
        if model.kind.as_deref().is_some_and(|kind| kind != "BPE") {
            return Err(unsupported("model", model.kind.as_deref().unwrap_or_default(), "BPE"));
        }
        let affixes = [&model.continuing_subword_prefix, &model.end_of_word_suffix];
        if let Some(affix) = affixes.into_iter().flatten().find(|a| !a.is_empty()) {
            return Err(unsupported("subword prefix or suffix", affix, "none"));
        }
        let steps = Steps::read(&file)?;
        let (tokens, kinds) = tokens(&file, steps.spaces)?;
        let halves = |merge: &Merge| match merge {
            Merge::Pair(left, right) => Some((left.clone(), right.clone())),
            Merge::Line(line) => line.split_once(' ').map(|(l, r)| (l.to_owned(), r.to_owned())),
        };
        let merges: Vec<(String, String)> = model.merges.iter().filter_map(halves).collect();
        let merges = Box::new(merges.iter().map(|(l, r)| (l.as_str(), r.as_str())));
        let scheme = match (steps.byte_level, steps.spaces && model.byte_fallback) {
            (true, false) => Scheme::ByteLevel {
                pre: Pre::from_patterns(&steps.patterns, model.ignore_merges)?,
                merges,
            },
            (false, true) if steps.patterns.is_empty() => Scheme::Characters { merges },
            _ => {
                let supported = "ByteLevel, or \"▁\" for spaces with byte_fallback";
                return Err(unsupported("combination of steps", &file.pre_tokenizer, supported));
            }
        };
        let (before, after) = around(&file);
        let find = |text: &str| {
            let added = file.added_tokens.iter().find(|a| a.content == text).map(|a| a.id);
            added.or_else(|| model.vocab.get(text).copied())
        };
        let mut roles: Vec<(&'static str, u32)> = Vec::new();
        for (role, placed) in [("bos", &before), ("eos", &after)] {
            let texts = ROLE_TEXTS.iter().filter(|r| r.0 == role).flat_map(|r| r.1).copied();
            roles.extend(
                placed
                    .as_deref()
                    .into_iter()
                    .chain(texts)
                    .find_map(find)
                    .map(|id| (role, id)),
            );
        }
        roles.extend(model.unk_token.as_deref().and_then(find).map(|id| ("unknown", id)));
        let strip = |a: &Added| {
            let strip = Strip {
                left: a.lstrip,
                right: a.rstrip,
            };
            (a.id, strip)
        };
        Tokenizer::new(VocabSpec {
            scheme,
            tokens,
            scores: None,
            kinds: Some(kinds),
            roles,
            add_bos: before.is_some(),
            add_eos: after.is_some(),
            space_prefix: steps.prefix,
            strips: file.added_tokens.iter().map(strip).collect(),
            phi3: false,
            templates: Vec::new(),
        })
    }
}
