//! Results of the CPU bench as JSON below benches/results: written after every cell, so that a run that breaks off is
//! continued where it was.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::sh;

/// What was measured so far.
pub struct Results {
    /// None: nothing is kept.
    path: Option<PathBuf>,
    all: Value,
    /// Names the package that runs now: figures of another one do not count.
    package: String,
}

impl Results {
    /// Reads `benches/results/NAME.json` if it is there.
    pub fn open(name: Option<&str>) -> Result<Results> {
        let path = name.map(|name| sh::root().join("benches/results").join(format!("{name}.json")));
        let mut all =
            json!({"command": "cargo xtask bench --backend cpu", "explained": "docs/benchmarking.md", "cells": {}});
        if let Some(path) = path.as_ref().filter(|path| path.exists()) {
            let text = fs::read_to_string(path)?;
            all = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        }
        let package = package()?;
        Ok(Results { path, all, package })
    }

    /// Whether this package was measured in this cell, with at least as many rounds.
    pub fn has(&self, cell: &str, rounds: u32) -> bool {
        let found = &self.all["cells"][cell];
        found["package"] == self.package.as_str() && found["rounds"].as_u64() >= Some(rounds.into())
    }

    /// The figures of a cell, or null.
    pub fn get(&self, cell: &str) -> &Value {
        &self.all["cells"][cell]
    }

    /// Keeps the figures of a cell.
    pub fn put(&mut self, cell: &str, mut figures: Value) -> Result<()> {
        figures["package"] = self.package.as_str().into();
        self.all["cells"][cell] = figures;
        if let Some(path) = &self.path {
            fs::write(path, format!("{:#}\n", self.all)).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

/// A hash of what is shipped and runs: Wasm and JavaScript.
fn package() -> Result<String> {
    let mut files = Vec::new();
    for dir in ["pkg/wasm", "pkg/dist"] {
        for entry in fs::read_dir(sh::root().join(dir)).context(dir)? {
            files.push(entry?.path());
        }
    }
    files.retain(|file| file.extension().is_some_and(|e| e == "wasm" || e == "js"));
    files.sort();
    let mut hash = DefaultHasher::new();
    for file in files {
        fs::read(&file)
            .with_context(|| file.display().to_string())?
            .hash(&mut hash);
    }
    Ok(format!("{:016x}", hash.finish()))
}
