//! A tokenizer from a GGUF file's metadata.

use super::pre::Pre;
use super::tokenizer::{Scheme, Tokenizer, VocabSpec};
use super::vocab::Kind;
use crate::error::{Error, Result};
use crate::gguf::{Array, Metadata, Value};

/// Metadata keys of tokens with a role: `tokenizer.ggml.{key}_token_id`. Padding has none here; published files give it
/// ids beyond their vocabulary.
const ROLES: &[&str] = &[
    "bos", "eos", "eot", "eom", "unknown", "fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep",
];

/// Older names of some of them.
const OLDER_ROLES: &[(&str, &str)] = &[("fim_pre", "prefix"), ("fim_suf", "suffix"), ("fim_mid", "middle")];

/// What a SentencePiece file means when it does not say.
const SPM_ROLES: &[(&str, u32)] = &[("bos", 1), ("eos", 2), ("unknown", 0)];

/// The same for a byte-level file, as llama.cpp has it. (Its end-of-text token is 11 as well: not taken over, it would
/// end generation at an ordinary token.)
const BYTE_LEVEL_ROLES: &[(&str, u32)] = &[("bos", 11)];

/// Some converters write "none" as the largest number.
const NO_TOKEN: u32 = u32::MAX;

impl Tokenizer {
    /// The tokenizer of a GGUF file.
    ///
    /// # Errors
    /// [`Error::UnsupportedTokenizer`] for a kind of tokenizer or pre-tokenizer that kinglet does not know exactly;
    /// [`Error::BadFile`] where the metadata contradicts itself.
    ///
    /// ```
    /// use kinglet::gguf::{Array, Metadata, Value};
    /// use kinglet::text::{Bos, Special, Tokenizer};
    /// let pieces = ["<unk>", "<s>", "</s>", "▁", "h", "i", "▁hi", "hi"];
    /// let scores = vec![0.0, 0.0, 0.0, -3.0, -4.0, -5.0, -1.0, -2.0];
    /// let metadata = Metadata::from_entries(vec![
    ///     ("tokenizer.ggml.model".into(), Value::String("llama".into())),
    ///     ("tokenizer.ggml.tokens".into(), Value::Array(Array::String(pieces.into_iter().collect()))),
    ///     ("tokenizer.ggml.scores".into(), Value::Array(Array::F32(scores))),
    ///     ("tokenizer.ggml.token_type".into(), Value::Array(Array::I32(vec![2, 3, 3, 1, 1, 1, 1, 1]))),
    /// ])?;
    /// let tokenizer = Tokenizer::from_gguf(&metadata)?;
    /// let ids = tokenizer.encode("hi hi", Special::AsText, Bos::Auto)?;
    /// assert_eq!(ids, [1, 6, 6]);
    /// assert_eq!(tokenizer.decode(&ids, Special::AsText)?, "hi hi");
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn from_gguf(metadata: &Metadata) -> Result<Self> {
        let missing = |key: &str| Error::bad_file(format!("metadata key \"{key}\""), "a tokenizer in the file", "none");
        let model = metadata
            .str("tokenizer.ggml.model")?
            .ok_or_else(|| missing("tokenizer.ggml.model"))?;
        let tokens = metadata
            .strs("tokenizer.ggml.tokens")?
            .ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        let (scheme, spm) = match model {
            "llama" => (Scheme::Spm, true),
            "gpt2" => {
                let merges = metadata
                    .strs("tokenizer.ggml.merges")?
                    .ok_or_else(|| missing("tokenizer.ggml.merges"))?;
                let merges = Box::new(merges.iter().filter_map(halves));
                let pre = Pre::named(
                    metadata
                        .str("tokenizer.ggml.pre")?
                        .filter(|p| !p.is_empty())
                        .unwrap_or("default"),
                )?;
                (Scheme::ByteLevel { pre, merges }, false)
            }
            other => {
                return Err(Error::UnsupportedTokenizer {
                    what: "model".into(),
                    got: other.to_owned(),
                    supported: "llama (SentencePiece), gpt2 (byte-level BPE)".into(),
                });
            }
        };
        let scores = match metadata.get("tokenizer.ggml.scores") {
            Some(Value::Array(Array::I32(scores))) => Some(scores.iter().map(|&s| s as f32).collect()),
            _ => metadata.f32s("tokenizer.ggml.scores")?.map(<[f32]>::to_vec),
        };
        let kinds = metadata.i32s("tokenizer.ggml.token_type")?;
        let mut roles = Vec::new();
        for &role in ROLES {
            let id = |name: &str| metadata.u32(&format!("tokenizer.ggml.{name}_token_id"));
            let older = OLDER_ROLES.iter().find(|r| r.0 == role);
            let id = match (id(role)?, older) {
                (None, Some(&(_, older))) => id(older)?,
                (found, _) => found,
            };
            match id {
                Some(NO_TOKEN) => {}
                Some(id) => roles.push((role, id)),
                None => {
                    let defaults = if spm { SPM_ROLES } else { BYTE_LEVEL_ROLES };
                    roles.extend(defaults.iter().find(|r| r.0 == role && (r.1 as usize) < tokens.len()));
                }
            }
        }
        let add_bos = match &scheme {
            Scheme::ByteLevel { pre, .. } => pre.add_bos,
            Scheme::Spm | Scheme::Characters { .. } => true,
        };
        let name = metadata.str("general.name")?.unwrap_or_default().to_lowercase();
        Tokenizer::new(VocabSpec {
            tokens: tokens.clone(),
            scores,
            kinds: kinds.map(|k| k.into_iter().map(Kind::from_number).collect()),
            roles,
            add_bos: metadata.bool("tokenizer.ggml.add_bos_token")?.unwrap_or(add_bos),
            add_eos: metadata.bool("tokenizer.ggml.add_eos_token")?.unwrap_or(false),
            space_prefix: spm && metadata.bool("tokenizer.ggml.add_space_prefix")?.unwrap_or(true),
            strips: Vec::new(),
            // GGUF does not record stripping; like llama.cpp, go by the model's name (in any spelling of it)
            phi3: name.replace([' ', '_'], "-").contains("phi-3") || name.contains("phi3"),
            templates: templates(metadata)?,
            scheme,
        })
    }
}

/// The halves of a merge, `"left right"`; the left one is never empty, so the first character is no separator.
fn halves(merge: &str) -> Option<(&str, &str)> {
    let first = merge.chars().next()?.len_utf8();
    let at = first + merge[first..].find(' ')?;
    Some((&merge[..at], &merge[at + 1..]))
}

/// Chat templates: `tokenizer.chat_template` under the name "", `tokenizer.chat_template.x` under "x".
fn templates(metadata: &Metadata) -> Result<Vec<(String, String)>> {
    const KEY: &str = "tokenizer.chat_template";
    let mut found = Vec::new();
    for (key, _) in metadata.iter() {
        let Some(rest) = key.strip_prefix(KEY) else { continue };
        let name = match rest.strip_prefix('.') {
            Some(name) => name,
            None if rest.is_empty() => "",
            None => continue,
        };
        if let Some(source) = metadata.str(key)? {
            found.push((name.to_owned(), source.to_owned()));
        }
    }
    Ok(found)
}
