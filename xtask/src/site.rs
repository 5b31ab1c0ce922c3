//! The static site of a release: the page with the package as it was packed, the project's models, the catalogue, and the list of
//! the files that the page's service worker keeps for a reload without the network. All addresses in it are relative.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use crate::{offline, sh};

/// The folder's models: what lies where in the repository and in the site. The first one is loaded at once.
pub const MODELS: [(&str, &str); 2] = [
    ("models/desk/desk.gguf", "models/desk.gguf"),
    ("models/desk/desk-nano.gguf", "models/desk-nano.gguf"),
];
/// Models that can be had, for the view that manages them; at the same address in the repository and in the site.
pub const CATALOG: &str = "models/catalog.json";

/// Writes the folder; `unpack` puts the package into the one that it is given.
pub fn write(site: &Path, unpack: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    copy(&sh::root().join("www"), site)?;
    unpack(&site.join("pkg"))?;
    let mut kept = offline::entries(site, "")?;
    fs::create_dir_all(site.join("models"))?;
    for (from, to) in MODELS.into_iter().chain([(CATALOG, CATALOG)]) {
        if sh::root().join(from).is_file() {
            fs::copy(sh::root().join(from), site.join(to)).with_context(|| from.to_string())?;
        }
    }
    if site.join(CATALOG).is_file() {
        kept.push((CATALOG.into(), site.join(CATALOG)));
    }
    let (preset, list) = offline::write(kept, json!({ "url": MODELS[0].1, "load": true }))?;
    fs::write(site.join(offline::PRESET), preset).context(offline::PRESET)?;
    fs::write(site.join(offline::LIST), list).context(offline::LIST)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
