//! The static site of a release: the page with the package as it was packed, the model, and the list of the files that the
//! page's service worker keeps for a reload without the network. All addresses in it are relative.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::sh;

/// The model of the site, and where it lies there.
const MODEL: (&str, &str) = ("models/desk/desk.gguf", "models/desk.gguf");
/// The list of what is kept.
const LIST: &str = "offline.json";
/// The kinds of files of which a page consists; not types, source maps, licences.
const KEPT: [&str; 5] = ["css", "html", "js", "svg", "wasm"];

/// Writes the folder; `unpack` puts the package into the one that it is given.
pub fn write(site: &Path, unpack: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    copy(&sh::root().join("www"), site)?;
    unpack(&site.join("pkg"))?;
    let kept = kept(site)?;
    let version = version(site, &kept)?;
    let (from, to) = MODEL;
    let to = site.join(to);
    fs::create_dir_all(to.parent().context("the model has no folder")?)?;
    fs::copy(sh::root().join(from), &to).with_context(|| from.to_string())?;
    let preset = json!({ "url": MODEL.1, "load": true, "offline": version });
    fs::write(site.join("model.json"), preset.to_string()).context("model.json")?;
    let files: Vec<String> = [".", "model.json"].map(String::from).into_iter().chain(kept).collect();
    let list = json!({ "version": version, "files": files });
    fs::write(site.join(LIST), list.to_string()).context(LIST)
}

/// Addresses of the page's own files, sorted.
fn kept(site: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in sh::files(site)? {
        if file
            .extension()
            .is_some_and(|extension| KEPT.iter().any(|kind| extension == *kind))
        {
            found.push(sh::address(&file, site));
        }
    }
    Ok(found)
}

/// Another one whenever a file or its name is another.
fn version(site: &Path, files: &[String]) -> Result<String> {
    let mut all = Sha256::new();
    for file in files {
        all.update(file.as_bytes());
        all.update(Sha256::digest(fs::read(site.join(file))?));
    }
    Ok(sh::hex(&all.finalize()[..8]))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_without_types_is_kept_and_each_change_is_a_version() -> Result<()> {
        let site = sh::target_dir().join("site-test");
        let _ = fs::remove_dir_all(&site);
        fs::create_dir_all(site.join("pkg"))?;
        for name in [
            "index.html",
            "pkg/a.js",
            "pkg/a.js.map",
            "pkg/a.d.ts",
            "pkg/a.wasm",
            "pkg/LICENSE",
        ] {
            fs::write(site.join(name), name)?;
        }
        let kept = kept(&site)?;
        assert_eq!(kept, ["index.html", "pkg/a.js", "pkg/a.wasm"]);
        let first = version(&site, &kept)?;
        assert_eq!(first.len(), 16);
        fs::write(site.join("pkg/a.js"), "changed")?;
        assert_ne!(version(&site, &kept)?, first);
        fs::remove_dir_all(&site).context("site-test")
    }
}
