//! `cargo xtask pkg`: Rust to Wasm, JavaScript glue, wasm-opt, TypeScript; then the sizes.
//!
//! `pkg/` is owned by hand (package.json, src/*.ts); `pkg/wasm`, `pkg/dist` and the licences are made here.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{setup, sh, size};

/// How much time the compiler may take.
#[derive(Clone, Copy, PartialEq)]
pub enum Profile {
    /// What is shipped and tested.
    Release,
    /// Compiles in seconds: little optimisation, no wasm-opt.
    Dev,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Release => "wasm",
            Profile::Dev => "wasm-dev",
        }
    }
}

/// Features that all browsers with WebGPU have. `--all-features` would emit instructions that none of them knows.
const WASM_OPT: &[&str] = &[
    "-O3",
    "--strip-debug",
    "--strip-producers",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-simd",
    "--enable-relaxed-simd",
];

/// Builds the package and prints its sizes.
pub fn build(profile: Profile) -> Result<()> {
    compile(profile)?;
    size::report()?;
    Ok(())
}

/// Builds `pkg/wasm` and `pkg/dist`.
pub fn compile(profile: Profile) -> Result<()> {
    setup::wasm_target()?;
    setup::npm()?;
    wasm(profile)?;
    licences()?;
    typescript()
}

/// npm packs only what lies in `pkg/`, and whoever gets the package must get its licences.
fn licences() -> Result<()> {
    for name in ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(sh::root().join(name), sh::root().join("pkg").join(name)).context(name)?;
    }
    Ok(())
}

/// TypeScript to `pkg/dist`; also the type check.
pub fn typescript() -> Result<()> {
    if !sh::root().join("pkg/tsconfig.json").exists() {
        return Ok(());
    }
    timed("tsc", || {
        sh::run(sh::node("node_modules/typescript/bin/tsc").args(["--project", "pkg"]))
    })
}

fn wasm(profile: Profile) -> Result<()> {
    check_versions()?;
    let target = "wasm32-unknown-unknown";
    // Only as a lone cdylib: cargo does no link-time optimisation for a library that is also an rlib.
    timed("cargo", || {
        sh::run(sh::cargo().args([
            "rustc",
            "--package=kinglet",
            "--lib",
            "--crate-type=cdylib",
            "--target",
            target,
            "--profile",
            profile.name(),
        ]))
    })?;
    let input = sh::target_dir().join(target).join(profile.name()).join("kinglet.wasm");
    let out = sh::root().join("pkg/wasm");
    let stamp = out.join(".source");
    let source = source_key(&input, profile)?;
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == source) {
        return Ok(());
    }
    if out.exists() {
        fs::remove_dir_all(&out).context("pkg/wasm")?;
    }
    timed("wasm-bindgen", || {
        Bindgen::new()
            .input_path(&input)
            .web(true)?
            .typescript(true)
            .omit_default_module_path(false) // else `init()` does not find the .wasm beside it
            .remove_name_section(profile == Profile::Release)
            .remove_producers_section(true)
            .out_name("kinglet")
            .generate(&out)
    })?;
    if profile == Profile::Release {
        let wasm = out.join("kinglet_bg.wasm");
        timed("wasm-opt", || {
            let mut opt = sh::node("node_modules/binaryen/bin/wasm-opt");
            sh::run(opt.arg(&wasm).args(WASM_OPT).arg("-o").arg(&wasm))
        })?;
    }
    fs::write(&stamp, source).context("pkg/wasm")
}

/// Names the compiled module, so that an unchanged one is not processed again.
fn source_key(input: &Path, profile: Profile) -> Result<String> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hash = DefaultHasher::new();
    fs::read(input)
        .with_context(|| input.display().to_string())?
        .hash(&mut hash);
    WASM_OPT.hash(&mut hash);
    Ok(format!("{} {:016x}", profile.name(), hash.finish()))
}

/// The glue generator understands only modules built with its own version.
fn check_versions() -> Result<()> {
    let lock = fs::read_to_string(sh::root().join("Cargo.lock")).context("Cargo.lock")?;
    let version = |name: &str| {
        let at = lock.find(&format!("name = \"{name}\"\n"))?;
        lock[at..].split('"').nth(3).map(str::to_string)
    };
    let (library, tool) = (version("wasm-bindgen"), version("wasm-bindgen-cli-support"));
    if library != tool {
        bail!(
            "Cargo.lock has wasm-bindgen {} but wasm-bindgen-cli-support {}: set both to one version (xtask/Cargo.toml)",
            library.unwrap_or_default(),
            tool.unwrap_or_default()
        );
    }
    Ok(())
}

fn timed<T>(what: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let out = step().with_context(|| what.to_string())?;
    println!("{what:14} {:6.1} s", start.elapsed().as_secs_f64());
    Ok(out)
}
