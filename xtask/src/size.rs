//! What a page downloads for the chat path: raw and gzip -9. Of the two modules it takes one. And what npm would pack:
//! the engine without weights.

use std::fs;
use std::io::Write;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::sh;

/// The package's promise: all Wasm and JavaScript that one page downloads, gzip -9, in bytes.
pub const BUDGET: usize = 1_000_000;

/// Bytes of files, as they are and after compression.
#[derive(Clone, Copy, Default)]
struct Sizes {
    raw: usize,
    gzip: usize,
}

impl AddAssign for Sizes {
    fn add_assign(&mut self, other: Sizes) {
        self.raw += other.raw;
        self.gzip += other.gzip;
    }
}

/// Prints every file's size and returns what a page downloads at most, after compression, in bytes.
pub fn report() -> Result<usize> {
    let root = sh::root().join("pkg");
    let mut files = Vec::new();
    for dir in ["wasm", "dist"] {
        collect(&root.join(dir), &mut files)?;
    }
    files.sort();
    let (mut scripts, mut baseline, mut relaxed) = (Sizes::default(), Sizes::default(), Sizes::default());
    println!("{:>10} {:>10}", "bytes", "gzip -9");
    for file in &files {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        let sizes = Sizes {
            raw: bytes.len(),
            gzip: gzip(&bytes)?,
        };
        let name = file.strip_prefix(&root).unwrap_or(file);
        print(sizes, &format!("pkg/{}", name.display()));
        *match name {
            name if name.starts_with("dist") => &mut scripts,
            name if name.to_string_lossy().contains("relaxed") => &mut relaxed,
            _ => &mut baseline,
        } += sizes;
    }
    let mut largest = 0;
    for (module, what) in [(baseline, "plain SIMD"), (relaxed, "relaxed SIMD")] {
        let mut page = scripts;
        page += module;
        print(page, &format!("a page with {what}; the budget is {BUDGET} bytes gzip"));
        largest = largest.max(page.gzip);
    }
    Ok(largest)
}

/// Extensions of all that npm may pack of the engine; weights have none of them.
const PACKED: &[&str] = &["js", "map", "ts", "wasm", "json", "md"];
/// The largest file that is not Wasm; weights under another name would be larger.
const TEXT: u64 = 256 << 10;

/// Fails if the engine's package would ship anything that may be weights: those are a package of their own.
pub fn no_weights() -> Result<()> {
    let listed = sh::read(sh::cmd("npm").args(["pack", "--dry-run", "--json", "./pkg"]))?;
    let packages: Value = serde_json::from_str(&listed).context("npm pack --json")?;
    let files = packages[0]["files"].as_array().context("npm pack lists no files")?;
    if files.is_empty() {
        bail!("npm pack would pack nothing");
    }
    for file in files {
        let path = file["path"].as_str().unwrap_or("?");
        if may_be_weights(path, file["size"].as_u64().unwrap_or(u64::MAX)) {
            bail!("pkg/{path} has no place in the engine's package: weights are kinglet-desk, in models/desk");
        }
    }
    Ok(())
}

fn may_be_weights(path: &str, size: u64) -> bool {
    let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or("");
    let known = PACKED.contains(&extension) || path.starts_with("LICENSE") || path == "THIRD_PARTY_LICENSES";
    !known || (extension != "wasm" && size > TEXT)
}

fn print(sizes: Sizes, what: &str) {
    println!("{:>10} {:>10}  {what}", sizes.raw, sizes.gzip);
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "wasm" || e == "js") {
            files.push(path);
        }
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_recognised() {
        for (path, size, expect) in [
            ("dist/index.js", 9_000, false),
            ("wasm/kinglet_bg.wasm", 2_500_000, false),
            ("LICENSE-MIT", 1_000, false),
            ("wasm/desk.gguf", 100, true),
            ("dist/desk.js", 8_000_000, true),
            ("LICENSE-desk", 8_000_000, true),
        ] {
            assert_eq!(may_be_weights(path, size), expect, "{path}");
        }
    }
}
