//! What a browser downloads for the chat path: raw and gzip -9.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::sh;

/// The package's promise: all Wasm and JavaScript of the chat path, gzip -9, in bytes.
pub const BUDGET: usize = 1_000_000;

/// Prints every file's size and returns the sum after compression, in bytes.
pub fn report() -> Result<usize> {
    let root = sh::root().join("pkg");
    let mut files = Vec::new();
    for dir in ["wasm", "dist"] {
        collect(&root.join(dir), &mut files)?;
    }
    files.sort();
    let (mut raw_sum, mut gzip_sum) = (0, 0);
    println!("{:>10} {:>10}", "bytes", "gzip -9");
    for file in &files {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        let packed = gzip(&bytes)?;
        let name = file.strip_prefix(&root).unwrap_or(file).display();
        println!("{:>10} {packed:>10}  pkg/{name}", bytes.len());
        raw_sum += bytes.len();
        gzip_sum += packed;
    }
    println!("{raw_sum:>10} {gzip_sum:>10}  total; the budget is {BUDGET} bytes gzip");
    Ok(gzip_sum)
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
