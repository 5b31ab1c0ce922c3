//! `pkg/THIRD_PARTY_LICENSES`: every crate that ends up in a Wasm module of the package, and every script of others, with the texts of its licences.
//!
//! The list is what cargo resolves for the browser, without build scripts and macros, which leave nothing of themselves
//! in the module; the texts are the files that the crates themselves bring. The test is not made from that list: it looks
//! for the crates whose names stand in the finished modules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{pkg, sh};

/// The file's name, in `pkg/`.
pub const FILE: &str = "THIRD_PARTY_LICENSES";

/// A crate as it is licensed.
struct Crate {
    name: String,
    version: String,
    /// The SPDX expression of its manifest.
    licence: String,
    authors: String,
    source: String,
    /// The text of each licence file that it brings.
    texts: Vec<String>,
}

/// Writes the file, unless it says that already.
pub fn write() -> Result<()> {
    let path = sh::root().join("pkg").join(FILE);
    let text = render(&crates()?)?;
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(&path, text).with_context(|| path.display().to_string())
}

/// Fails if a crate whose name stands in one of the built modules is not in the file.
pub fn check() -> Result<()> {
    let root = sh::root().join("pkg");
    let notices = fs::read_to_string(root.join(FILE)).context("pkg/THIRD_PARTY_LICENSES: cargo xtask pkg makes it")?;
    let mut named = BTreeSet::new();
    for entry in fs::read_dir(root.join("wasm")).context("pkg/wasm: cargo xtask pkg makes it")? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wasm") {
            named.extend(crates_named_in(&fs::read(&path)?));
        }
    }
    if named.is_empty() {
        bail!("no crate is named in pkg/wasm, so this check sees nothing: have the paths of panics gone?");
    }
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !lists(&notices, name) && !is_standard(name))
        .cloned()
        .collect();
    if !missing.is_empty() {
        bail!("pkg/{FILE} lacks {}", missing.join(", "));
    }
    println!(
        "        | {} crates are named in the modules, all are listed",
        named.len()
    );
    Ok(())
}

fn lists(notices: &str, name: &str) -> bool {
    notices
        .lines()
        .any(|line| line.strip_prefix("  ").and_then(|l| l.split("  ").next()) == Some(name))
}

/// `name version` of each crate whose source files a module names: panics say where they come from.
fn crates_named_in(module: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for at in module
        .windows(5)
        .enumerate()
        .filter(|(_, w)| *w == b"/src/")
        .map(|(i, _)| i)
    {
        let start = module[..at]
            .iter()
            .rposition(|b| !b.is_ascii_alphanumeric() && !b"-_.+".contains(b));
        let folder = &module[start.map_or(0, |i| i + 1)..at];
        let Ok(folder) = str::from_utf8(folder) else { continue };
        // The version begins after the last dash that a digit follows and that only a version follows: tk-encode-0.1.0-rc.3.
        let version = folder
            .match_indices('-')
            .map(|(i, _)| i)
            .find(|i| is_version(&folder[i + 1..]));
        if let Some(i) = version {
            found.insert(format!("{} {}", &folder[..i], &folder[i + 1..]));
        }
    }
    found
}

fn is_version(text: &str) -> bool {
    let mut numbers = text.splitn(3, '.');
    let digits = |part: Option<&str>| part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    digits(numbers.next())
        && digits(numbers.next())
        && numbers
            .next()
            .is_some_and(|p| p.starts_with(|c: char| c.is_ascii_digit()))
}

/// All crates below those of the modules, sorted.
fn crates() -> Result<Vec<Crate>> {
    let mut wanted = BTreeSet::new();
    for package in pkg::crates() {
        let mut tree = sh::cargo();
        tree.args([
            "tree",
            "--locked",
            "--package",
            package,
            "--target",
            "wasm32-unknown-unknown",
        ]);
        tree.args([
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
            "--no-dedupe",
            "--format",
            "{p}",
        ]);
        // `name v1.2.3`, and for a crate of this repository its folder.
        let listed = sh::read(&mut tree)?;
        wanted.extend(listed.lines().filter(|line| !line.contains('(')).map(str::to_string));
    }
    let mut metadata = sh::cargo();
    metadata.args([
        "metadata",
        "--locked",
        "--format-version=1",
        "--filter-platform=wasm32-unknown-unknown",
    ]);
    let metadata: Value = serde_json::from_str(&sh::read(&mut metadata)?).context("cargo metadata")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let mut found = BTreeMap::new();
    for package in packages {
        let text = |key: &str| package[key].as_str().unwrap_or("").to_string();
        let key = format!("{} v{}", text("name"), text("version"));
        if wanted.remove(key.as_str()) {
            found.insert(key, Crate::read(package)?);
        }
    }
    if !wanted.is_empty() {
        bail!("cargo metadata does not know {wanted:?}");
    }
    for (name, _, _) in pkg::SCRIPTS {
        let script = script(name)?;
        found.insert(format!("{} v{}", script.name, script.version), script);
    }
    Ok(found.into_values().collect())
}

/// An npm package of which a script is part of ours.
fn script(name: &str) -> Result<Crate> {
    let manifest = sh::root().join("node_modules").join(name).join("package.json");
    let text = fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
    let mut package: Value = serde_json::from_str(&text).with_context(|| manifest.display().to_string())?;
    package["manifest_path"] = manifest.display().to_string().into();
    package["authors"] = Value::Array(vec![package["author"].clone()]);
    package["repository"] = package["repository"]["url"].clone();
    Crate::read(&package)
}

impl Crate {
    fn read(package: &Value) -> Result<Crate> {
        let text = |key: &str| package[key].as_str().unwrap_or("").to_string();
        let manifest = text("manifest_path");
        let folder = Path::new(&manifest).parent().context("a manifest has no folder")?;
        let mut files: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        files.sort_by_key(std::fs::DirEntry::file_name);
        let mut texts = Vec::new();
        for file in files {
            let name = file.file_name().to_string_lossy().to_uppercase();
            let legal = ["LICEN", "COPY", "NOTICE", "UNLIC"]
                .iter()
                .any(|start| name.starts_with(start));
            if legal && file.path().is_file() {
                texts.push(tidy(&fs::read_to_string(file.path())?));
            }
        }
        let authors: Vec<_> = package["authors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let found = Crate {
            name: text("name"),
            version: text("version"),
            licence: text("license"),
            authors: authors.join(", "),
            source: text("repository"),
            texts,
        };
        if found.licence.is_empty() {
            bail!("{} {} names no licence", found.name, found.version);
        }
        Ok(found)
    }

    /// Its texts; of a crate that brings none the standard one of the licence that it names.
    fn texts(&self) -> Result<Vec<String>> {
        if !self.texts.is_empty() {
            return Ok(self.texts.clone());
        }
        let named: Vec<_> = self.licence.split([' ', '/', '(', ')']).collect();
        if named.contains(&"Apache-2.0") {
            return Ok(vec![tidy(&fs::read_to_string(sh::root().join("LICENSE-APACHE"))?)]);
        }
        if named.contains(&"MIT") {
            let owner = if self.authors.is_empty() {
                &self.name
            } else {
                &self.authors
            };
            let ours = fs::read_to_string(sh::root().join("LICENSE-MIT"))?;
            return Ok(vec![mit_of(&ours, owner)?]);
        }
        bail!(
            "{} {} brings no licence file, and {} is not known here",
            self.name,
            self.version,
            self.licence
        )
    }
}

/// The licence MIT with another owner.
fn mit_of(ours: &str, owner: &str) -> Result<String> {
    let line = ours
        .lines()
        .find(|line| line.starts_with("Copyright"))
        .context("LICENSE-MIT names no owner")?;
    Ok(tidy(
        &ours.replace(line, &format!("Copyright (c) the authors: {owner}")),
    ))
}

/// Without what differs between two copies of one text.
fn tidy(text: &str) -> String {
    let lines: Vec<_> = text.trim_start_matches('\u{feff}').lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_string()
}

/// Whether `name version` is a part of the standard library, which brings its own versions.
fn is_standard(name: &str) -> bool {
    name.split(' ')
        .next()
        .is_some_and(|name| STANDARD_PARTS.contains(&name))
}

/// Crates inside of the standard library, for the browser's target.
const STANDARD_PARTS: &[&str] = &["hashbrown", "cfg-if", "dlmalloc", "rustc-demangle", "compiler-builtins"];

/// What is not a crate of ours, but in every module.
const STANDARD: &str = "\
The Rust standard library is in every module: Copyright (c) The Rust Project contributors, MIT OR Apache-2.0. Parts of it
are hashbrown, cfg-if, dlmalloc and rustc-demangle (MIT OR Apache-2.0) and compiler-builtins (MIT AND Apache-2.0 WITH
LLVM-exception). The texts of both licences are below.";

fn render(crates: &[Crate]) -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut out = String::from(
        "Third-party licences\n\nThis package contains the following: crates in its Wasm modules, npm packages in dist/vendor.\n\n",
    );
    for each in crates {
        let name = format!("{} {}", each.name, each.version);
        writeln!(out, "  {name}  {}  {}", each.licence, each.source)?;
        for text in each.texts()? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    out.push_str("\nNone of them was changed, but that scripts have no comments; the source of each is the crate of that name and version in Rust's package registry, or the package in npm's.\n\n");
    writeln!(out, "{STANDARD}")?;
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    for (text, names) in texts {
        writeln!(out, "\n{}\n{}\n\n{text}", "=".repeat(80), names.join(", "))?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(name: &str, licence: &str, texts: &[&str]) -> Crate {
        Crate {
            name: name.into(),
            version: "1.0.0".into(),
            licence: licence.into(),
            authors: "Ada <ada@example.org>".into(),
            source: String::new(),
            texts: texts.iter().map(|text| (*text).into()).collect(),
        }
    }

    #[test]
    fn crates_are_found_in_a_module() {
        let module = b"\0/x/registry/src/index-1a2b/tk-encode-0.1.0-rc.3/src/lib.rs\xff../rand-0.10.3/src/a/src/b.rs\0library/core/src/fmt.rs";
        let found: Vec<_> = crates_named_in(module).into_iter().collect();
        assert_eq!(found, ["rand 0.10.3", "tk-encode 0.1.0-rc.3"]);
    }

    #[test]
    fn a_text_stands_once_and_a_missing_one_is_the_standard_one() -> Result<()> {
        let shared = "Do as you like.";
        let text = render(&[
            example("one", "MIT", &[shared]),
            example("two", "MIT", &[shared]),
            example("bare", "MIT", &[]),
        ])?;
        assert_eq!(text.matches(shared).count(), 1);
        assert!(text.contains("one 1.0.0, two 1.0.0"));
        assert!(text.contains("Copyright (c) the authors: Ada"), "{text}");
        assert!(lists(&text, "bare 1.0.0") && !lists(&text, "bare 1.0.1"));
        assert!(STANDARD_PARTS.iter().all(|part| text.contains(part)), "{text}");
        assert!(is_standard("dlmalloc 0.2.11") && !is_standard("serde 1.0.0"));
        assert!(render(&[example("odd", "Foo-1.0", &[])]).is_err());
        Ok(())
    }
}
