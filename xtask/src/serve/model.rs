//! The model that the page is served with: the project's own, or the one that `--model` names.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http::percent_encode;
use crate::sh;

/// The project's own model, from the repository's root.
const DESK: &str = "models/desk/desk.gguf";

/// The model that the page offers first.
pub enum Model {
    Url(String),
    /// Directory and name of the first file; the other parts of a split model lie beside it.
    File(PathBuf, String),
    /// The project's own model: small, so the page loads it at once.
    Desk,
    /// The smaller one of the project, which the demo begins with.
    Nano,
    /// The project's own model should be here and is not.
    Missing,
}

impl Model {
    /// What `--model` names; without it the project's own.
    ///
    /// # Errors
    /// A file that is not there, or an address that the page may not read.
    pub fn new(asked: Option<&str>) -> Result<Model> {
        let Some(text) = asked else {
            return Ok(if sh::root().join(DESK).is_file() {
                Model::Desk
            } else {
                Model::Missing
            });
        };
        let local = text.starts_with("http://localhost:");
        if text.starts_with("https://") || local {
            return Ok(Model::Url(text.into()));
        }
        if text.starts_with("http://") {
            bail!("--model {text}: the page's security policy allows https://, and http:// from localhost only");
        }
        let path = Path::new(text);
        if !path.is_file() {
            bail!("--model {text}: no such file (a URL starts with http:// or https://)");
        }
        let path = path.canonicalize()?;
        let name = path.file_name().context("--model names no file")?;
        let dir = path.parent().context("--model names no file")?;
        Ok(Model::File(dir.into(), name.to_string_lossy().into_owned()))
    }

    /// What `/model.json` answers: the address, whether to load it at once, and which file is missing.
    pub fn preset(&self) -> Value {
        match self {
            Model::Url(url) => json!({ "url": url }),
            Model::File(_, name) => json!({ "url": format!("/models/{}", percent_encode(name)) }),
            Model::Desk => json!({ "url": "/models/desk.gguf", "load": true }),
            Model::Nano => json!({ "url": "/models/desk-nano.gguf", "load": true }),
            Model::Missing => json!({ "url": null, "missing": DESK }),
        }
    }

    /// What to tell whoever started the server, where there is something to tell.
    pub fn remark(&self) -> Option<String> {
        match self {
            Model::Missing => Some(format!(
                "{DESK} is not there: the page asks for a GGUF file. (It is part of the repository: `git checkout -- \
                 {DESK}`, or make it as models/desk/README.md says.)"
            )),
            _ => None,
        }
    }

    /// The file behind `/models/{name}`: the model itself or another part of it, nothing else of that directory.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        match self {
            Model::File(dir, first) => {
                let part = name == first || split_stem(name).is_some_and(|stem| split_stem(first) == Some(stem));
                part.then(|| dir.join(name))
            }
            // The project's own are there always (mod.rs).
            Model::Desk | Model::Nano | Model::Url(_) | Model::Missing => None,
        }
    }
}

/// `m` of `m-00001-of-00003.gguf`.
fn split_stem(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".gguf")?;
    let (stem, _count) = stem.rsplit_once("-of-")?;
    let (stem, part) = stem.rsplit_once('-')?;
    part.bytes().all(|b| b.is_ascii_digit()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_model_and_its_parts_are_served() {
        let model = Model::File("/m".into(), "a-00001-of-00002.gguf".into());
        assert!(model.file("a-00001-of-00002.gguf").is_some());
        assert!(model.file("a-00002-of-00002.gguf").is_some());
        assert!(model.file("b-00002-of-00002.gguf").is_none());
        assert!(model.file("../a-00002-of-00002.gguf").is_none());
        assert!(model.file("secret").is_none());
    }

    #[test]
    fn without_an_argument_it_is_the_projects_own() {
        let model = Model::new(None).expect("never fails");
        let there = sh::root().join(DESK).is_file();
        assert_eq!(model.preset()["load"] == true, there);
        assert_eq!(model.remark().is_none(), there);
        assert_eq!(Model::Desk.preset(), json!({"url": "/models/desk.gguf", "load": true}));
        assert!(Model::Desk.file("train.py").is_none());
        let missing = Model::Missing;
        assert_eq!(missing.preset()["missing"], DESK);
        assert!(missing.remark().is_some_and(|text| text.contains(DESK)));
        assert!(missing.file("desk.gguf").is_none());
    }

    #[test]
    fn what_the_user_names_is_only_offered() {
        let model = Model::new(Some("https://example.org/m.gguf")).expect("a URL");
        assert_eq!(model.preset(), json!({"url": "https://example.org/m.gguf"}));
        assert!(Model::new(Some("http://example.org/m.gguf")).is_err());
        assert!(Model::new(Some("no/such/file.gguf")).is_err());
    }
}
