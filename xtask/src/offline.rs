//! What the page's service worker keeps (www/sw.js): the list of the page's own files, each with its digest, and the version that is
//! another one whenever any of them is.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::sh;

/// The list's address.
pub const LIST: &str = "offline.json";
/// What the host says that the page begins with.
pub const PRESET: &str = "model.json";
/// The kinds of files of which a page consists; not types, source maps, licences, models.
const KEPT: [&str; 8] = ["css", "html", "js", "mjs", "png", "svg", "wasm", "webmanifest"];

/// A file of the page: its address relative to the page, and where it lies.
pub type Entry = (String, PathBuf);

/// The page's files below a folder, which the page knows by `prefix`.
pub fn entries(folder: &Path, prefix: &str) -> Result<Vec<Entry>> {
    let is_kept = |file: &PathBuf| file.extension().is_some_and(|e| KEPT.iter().any(|kind| e == *kind));
    let found = sh::files(folder)?.into_iter().filter(is_kept);
    Ok(found
        .map(|file| (format!("{prefix}{}", sh::address(&file, folder)), file))
        .collect())
}

/// What `model.json` and `offline.json` say. `preset` is the former without the version, which goes into it. The page itself is
/// asked for by its folder's address, so that is how it is kept.
pub fn write(mut files: Vec<Entry>, mut preset: Value) -> Result<(String, String)> {
    files.sort();
    let mut digests = Map::new();
    for (address, file) in &files {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        let name = if address == "index.html" { "." } else { address };
        digests.insert(name.into(), json!(sh::hex(&Sha256::digest(bytes))));
    }
    let all = json!([preset, digests]).to_string();
    let version = sh::hex(&Sha256::digest(all)[..8]);
    preset["offline"] = json!(version);
    let preset = preset.to_string();
    digests.insert(PRESET.into(), json!(sh::hex(&Sha256::digest(&preset))));
    Ok((preset, json!({ "version": version, "files": digests }).to_string()))
}

/// The list of a host that wants nothing kept: a page that was kept there before is given up.
pub fn nothing() -> String {
    json!({ "version": null, "files": {} }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_without_types_is_kept_and_each_change_is_a_version() -> Result<()> {
        let site = sh::target_dir().join("offline-test");
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
        let files = entries(&site, "")?;
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["index.html", "pkg/a.js", "pkg/a.wasm"]);
        let of = |preset: Value| -> Result<(Value, Value)> {
            let (preset, list) = write(entries(&site, "")?, preset)?;
            Ok((serde_json::from_str(&preset)?, serde_json::from_str(&list)?))
        };
        let (preset, list) = of(json!({ "url": "m.gguf" }))?;
        assert_eq!(preset["offline"], list["version"]);
        assert_eq!(list["files"]["pkg/a.js"], sh::hex(&Sha256::digest("pkg/a.js")));
        let addresses: Vec<&String> = list["files"].as_object().context("files")?.keys().collect();
        assert_eq!(addresses, [".", "pkg/a.js", "pkg/a.wasm", PRESET]);
        assert_ne!(of(json!({ "url": "other.gguf" }))?.1["version"], list["version"]);
        fs::write(site.join("pkg/a.js"), "changed")?;
        assert_ne!(of(json!({ "url": "m.gguf" }))?.1["version"], list["version"]);
        fs::remove_dir_all(&site).context("offline-test")
    }
}
