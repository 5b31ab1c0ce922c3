//! What must be on the machine; installed where that is possible, asked for by name where it is not.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::sh;

const WASM: &str = "wasm32-unknown-unknown";
/// The oldest Node.js that the scripts and tests are written for.
const NODE: u32 = 20;

/// The Rust standard library for the browser.
pub fn wasm_target() -> Result<()> {
    let sysroot = sh::read(sh::cmd("rustc").args(["--print", "sysroot"]))?;
    let lib = std::path::Path::new(sysroot.trim()).join("lib/rustlib").join(WASM);
    if lib.is_dir() {
        return Ok(());
    }
    sh::run(sh::cmd("rustup").args(["target", "add", WASM]))
        .with_context(|| format!("the Rust target {WASM} is missing: install rustup, or the target by hand"))
}

/// Node.js and the development tools of package-lock.json.
pub fn npm() -> Result<()> {
    let version = sh::read(sh::cmd("node").arg("--version"))
        .with_context(|| format!("Node.js {NODE} or newer is needed: https://nodejs.org"))?;
    let major = version.trim().trim_start_matches('v').split('.').next();
    let major: u32 = major.and_then(|m| m.parse().ok()).unwrap_or(0);
    if major < NODE {
        bail!("Node.js {NODE} or newer is needed, found {}", version.trim());
    }
    // The lock file that was installed last is kept beside the modules, so that an unchanged one costs nothing.
    let lock = fs::read(sh::root().join("package-lock.json")).context("package-lock.json")?;
    let stamp = sh::root().join("node_modules/.kinglet-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    sh::run(sh::cmd("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    fs::write(&stamp, &lock).context("node_modules")
}
