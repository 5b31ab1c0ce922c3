//! `cargo xtask bench`: how fast and how large, natively and in Chromium. Not part of the test run.
//!
//! A time is only printed for a text that equals the native CPU backend's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{pkg, setup, sh, shape};

pub mod cpu;
pub mod gpu;
pub mod grammar;
mod results;
mod table;

pub struct Options {
    /// A GGUF file; none: a small model of the shared data, or the generated one.
    pub file: Option<PathBuf>,
    /// A generated file of exact Phi-3-mini shape: 2.4 GB, seconds for each token on software GPUs.
    pub full_size: bool,
    /// Vulkan drivers for the native GPU runs; none: all software ones (for the full size: no native GPU run).
    pub adapters: Vec<String>,
}

/// How much is computed.
struct Load {
    prompt_tokens: &'static str,
    generate: &'static str,
    repeat: &'static str,
}

const SMALL: Load = Load {
    prompt_tokens: "64",
    generate: "32",
    repeat: "3",
};
const FULL: Load = Load {
    prompt_tokens: "8",
    generate: "4",
    repeat: "1",
};
const CONTEXT: &str = "512";
const PROMPT: &str = "Once upon a time";
/// The small model: real weights, the format of real files.
const SHARED: &str = "data/models/stories260K-p768-phi3-q4_k_m.gguf";

pub fn run(options: &Options) -> Result<()> {
    let file = match &options.file {
        Some(file) => std::env::current_dir()?.join(file),
        None if options.full_size => shape::named("3.8")?.ensure(shape::Mix::Q4KM)?,
        None => sh::shared().join(SHARED),
    };
    if !file.is_file() {
        bail!("no such file: {}; name one", file.display());
    }
    let load = if options.full_size { FULL } else { SMALL };
    setup::system()?;
    sh::run(sh::cargo().args(["build", "--release", "--package=kinglet-cli"]))?;
    pkg::compile(pkg::Profile::Release)?;

    native("cpu", &file, &load, None)?;
    let adapters = match (options.full_size, options.adapters.is_empty()) {
        (true, true) => Vec::new(),
        _ => setup::adapters(&options.adapters)?,
    };
    for adapter in &adapters {
        native("gpu", &file, &load, Some(adapter))?;
    }
    let expected = expected_text(&file, &load)?;
    browser("gpu", &file, &load, &expected)?;
    warm_start("gpu", &file)?;
    if !options.full_size {
        browser("cpu", &file, &load, &expected)?;
    }
    Ok(())
}

fn tool(args: &[&str], file: &Path, adapter: Option<&setup::Adapter>) -> Result<Value> {
    let tool = sh::target_dir().join("release/kinglet");
    let mut command = sh::cmd(&tool.to_string_lossy());
    command
        .arg(args[0])
        .arg(file)
        .args(&args[1..])
        .args(["--ctx", CONTEXT, "--cache", "f32"]);
    if let Some(adapter) = adapter {
        adapter.select(&mut command)?;
    }
    let out = sh::read(&mut command)?;
    serde_json::from_str(out.trim()).with_context(|| format!("not JSON: {out}"))
}

fn native(backend: &str, file: &Path, load: &Load, adapter: Option<&setup::Adapter>) -> Result<()> {
    let amount = [
        "--prompt-tokens",
        load.prompt_tokens,
        "--generate",
        load.generate,
        "--repeat",
        load.repeat,
    ];
    let args = [&["bench", "--backend", backend], &amount[..]].concat();
    let figures = tool(&args, file, adapter)?;
    println!("native {backend} {}\n{figures:#}", adapter.map_or("", |a| &a.name));
    Ok(())
}

fn expected_text(file: &Path, load: &Load) -> Result<String> {
    let args = [
        "generate",
        "--backend",
        "cpu",
        "--prompt",
        PROMPT,
        "--max-tokens",
        load.generate,
    ];
    let answer = tool(&args, file, None)?;
    Ok(answer["text"].as_str().context("generate printed no text")?.to_string())
}

/// A start from the model store of a browser whose profile lies on the disk: time, memory, and what the checking costs.
fn warm_start(backend: &str, file: &Path) -> Result<()> {
    let figures = measured(sh::node("tests/web/bench-store.mjs").arg(file).arg(backend))?;
    println!("warm start from OPFS, {backend}\n{figures:#}");
    Ok(())
}

/// What a script that drives Chromium prints: one line of JSON.
fn measured(command: &mut Command) -> Result<Value> {
    command.env("XDG_RUNTIME_DIR", setup::runtime_dir()?);
    if let Some(chromium) = setup::chromium() {
        command.env("KINGLET_CHROMIUM", chromium);
    }
    let out = sh::read(command)?;
    serde_json::from_str(out.trim()).with_context(|| format!("not JSON: {out}"))
}

fn browser(backend: &str, file: &Path, load: &Load, expected: &str) -> Result<()> {
    let mut command = sh::node("tests/web/bench.mjs");
    let figures = measured(command.arg(file).args([backend, PROMPT, load.generate, CONTEXT]))?;
    if figures["text"] != expected {
        bail!(
            "the browser's {backend} says {}, the native CPU says {expected:?}: no times",
            figures["text"]
        );
    }
    println!("browser {backend}, text equal to the native CPU's\n{figures:#}");
    Ok(())
}
