//! `cargo xtask pkg`: Rust to Wasm, JavaScript glue, wasm-opt, TypeScript; then the sizes.
//!
//! `pkg/` is owned by hand (package.json, src/*.ts); `pkg/wasm`, `pkg/dist` and the licences are made here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{exports, notices, scope, setup, sh, size};

/// How much time the compiler may take.
#[derive(Clone, Copy, PartialEq)]
pub enum Profile {
    /// What is shipped and tested.
    Release,
    /// Compiles in seconds: little optimisation, no wasm-opt.
    Dev,
}

/// One of the two modules between which the worker chooses (pkg/src/module.ts), that for grammars (pkg/src/grammar.ts), that
/// for decisions (pkg/src/route/module.ts), or that for calibrations (pkg/src/calibrate/module.ts).
struct Build {
    /// Of its files in `pkg/wasm`.
    name: &'static str,
    /// Cargo's package, and the file that becomes of it.
    package: [&'static str; 2],
    /// Cargo's profiles: release and dev.
    profiles: [&'static str; 2],
    /// For the compiler, in addition to `.cargo/config.toml`, which asks for SIMD.
    rustc: &'static [&'static str],
    /// For wasm-opt, in addition to [`WASM_OPT`].
    wasm_opt: &'static [&'static str],
    /// Features of the package beside its own.
    features: &'static str,
}

/// Not part of the package: what measures kernels, for `cargo xtask bench --runner`. What it times is the GPU.
const METER: Build = Build {
    name: "kinglet_bench",
    package: ENGINE,
    profiles: ["wasm-bench", "wasm-bench"],
    rustc: &[],
    wasm_opt: &[],
    features: "bench",
};

/// Builds [`METER`] and says where it is.
pub fn meter() -> Result<PathBuf> {
    setup::wasm_target()?;
    check_versions()?;
    let out = sh::target_dir().join("bench-wasm");
    METER.process(&METER.cargo(Profile::Dev)?, Profile::Dev, &out)?;
    Ok(out)
}

const ENGINE: [&str; 2] = ["kinglet", "kinglet.wasm"];

const BUILDS: [Build; 5] = [
    Build {
        name: "kinglet",
        package: ENGINE,
        profiles: ["wasm", "wasm-dev"],
        rustc: &[],
        wasm_opt: &[],
        features: "",
    },
    Build {
        name: "kinglet_relaxed",
        package: ENGINE,
        profiles: ["wasm-relaxed", "wasm-dev-relaxed"],
        rustc: &["-Ctarget-feature=+relaxed-simd"],
        wasm_opt: &["--enable-relaxed-simd"],
        features: "",
    },
    Build {
        name: "kinglet_grammar",
        package: ["kinglet-grammar", "kinglet_grammar.wasm"],
        profiles: ["wasm-grammar", "wasm-dev-grammar"],
        // Grammars nest, and so do the functions that read them: four times the usual stack.
        rustc: &["-Clink-arg=-zstack-size=4194304"],
        wasm_opt: &[],
        features: "",
    },
    Build {
        name: "kinglet_route",
        package: ["kinglet-route", "kinglet_route.wasm"],
        profiles: ["wasm-route", "wasm-dev-route"],
        rustc: &[],
        wasm_opt: &[],
        features: "",
    },
    Build {
        name: "kinglet_calibrate",
        package: ["kinglet-calibrate", "kinglet_calibrate.wasm"],
        profiles: ["wasm-calibrate", "wasm-dev-calibrate"],
        rustc: &[],
        wasm_opt: &[],
        features: "",
    },
];

/// How the exports begin that `llguidance` has for C, and that nobody calls here.
const FOREIGN: &str = "llg_";

/// The crates that the modules are made of.
pub fn crates() -> &'static [&'static str] {
    &["kinglet", "kinglet-grammar", "kinglet-route", "kinglet-calibrate"]
}

/// npm packages of others of which scripts are part of the package, where they stand there (a script, or a folder of scripts), and
/// what they are called in `pkg/dist/vendor`. Their declarations are in `pkg/src/vendor`.
pub const SCRIPTS: [(&str, &str, &str); 3] = [
    ("@cfworker/json-schema", "dist/esm", "json-schema"),
    ("eventsource-parser", "dist/index.js", "eventsource-parser.js"),
    ("minisearch", "dist/es/index.js", "minisearch.js"),
];

/// The folders of what goes to npm: the engine, and the project's own weights.
pub const PACKAGES: [&str; 2] = ["pkg", "models/desk"];

/// Features that every browser with SIMD has. `--all-features` would emit instructions that none of them knows.
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
];

/// Builds the package and prints its sizes.
pub fn build(profile: Profile) -> Result<()> {
    compile(profile)?;
    for broken in size::report()? {
        println!("{broken}"); // `cargo xtask test` fails at that; a build of seconds is larger than what is shipped
    }
    Ok(())
}

/// Builds `pkg/wasm` and `pkg/dist`.
pub fn compile(profile: Profile) -> Result<()> {
    setup::wasm_target()?;
    setup::npm()?;
    wasm(profile)?;
    glue()?;
    licences()?;
    notices::write()?;
    typescript()?;
    page_scripts()
}

/// Scripts of others that the page uses, to `www/vendor`.
pub fn page_scripts() -> Result<()> {
    timed("www/vendor", || sh::run(&mut sh::node("xtask/src/vendor.mjs")))
}

/// npm packs only what lies in a package's folder, and whoever gets the package must get its licences.
fn licences() -> Result<()> {
    for package in PACKAGES {
        for name in ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"] {
            fs::copy(sh::root().join(name), sh::root().join(package).join(name)).context(name)?;
        }
    }
    Ok(())
}

/// TypeScript to `pkg/dist`; also the type check.
pub fn typescript() -> Result<()> {
    let made = sh::root().join("pkg/dist");
    if made.exists() {
        fs::remove_dir_all(&made).context("pkg/dist")?; // what a script that was since renamed had left would be packed, too
    }
    timed("tsc", || {
        sh::run(sh::node("node_modules/typescript/bin/tsc").args(["--project", "pkg"]))?;
        vendor(&made)?;
        // Comments are for the declarations, and for the sources in the source maps; a page need not download them.
        sh::run(sh::node("xtask/src/shrink.mjs").args(scripts(&made)?))
    })
}

/// Puts the scripts of [`SCRIPTS`] beside our own: a page without a bundler has them, too.
fn vendor(made: &Path) -> Result<()> {
    let folder = made.join("vendor");
    fs::create_dir_all(&folder).context("pkg/dist/vendor")?;
    for (name, path, as_) in SCRIPTS {
        let from = sh::root().join("node_modules").join(name).join(path);
        let to = folder.join(as_);
        if from.is_dir() {
            fs::create_dir_all(&to).with_context(|| to.display().to_string())?;
            for script in scripts(&from)? {
                let name = script.file_name().context("a script has a name")?;
                fs::copy(sh::root().join(&script), to.join(name)).with_context(|| script.display().to_string())?;
            }
        } else {
            fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        }
    }
    Ok(())
}

/// The scripts below a folder, as paths from the repository's root.
fn scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(scripts(&path)?);
        } else if path.extension().is_some_and(|e| e == "js") {
            found.push(path.strip_prefix(sh::root()).unwrap_or(&path).to_path_buf());
        }
    }
    Ok(found)
}

/// The modules' scripts without what only people read.
fn glue() -> Result<()> {
    let files = BUILDS.iter().map(|build| format!("pkg/wasm/{}.js", build.name));
    sh::run(sh::node("xtask/src/shrink.mjs").args(files))
}

/// All modules, side by side: link-time optimisation keeps only one core busy.
fn wasm(profile: Profile) -> Result<()> {
    check_versions()?;
    std::thread::scope(|scope| {
        let builds = BUILDS.each_ref().map(|build| {
            scope.spawn(move || {
                let compiled = build.cargo(profile)?;
                build.process(&compiled, profile, &sh::root().join("pkg/wasm"))
            })
        });
        builds
            .into_iter()
            .try_for_each(|build| build.join().unwrap_or_else(|_| bail!("building a module panicked")))
    })
}

impl Build {
    fn profile(&self, profile: Profile) -> &'static str {
        self.profiles[usize::from(profile == Profile::Dev)]
    }

    /// The compiled module.
    fn cargo(&self, profile: Profile) -> Result<Vec<u8>> {
        let (target, profile) = ("wasm32-unknown-unknown", self.profile(profile));
        timed(&format!("cargo {}", self.name), || {
            let mut cargo = sh::cargo();
            cargo.args(["rustc", "--package", self.package[0], "--lib"]);
            // Only as a lone cdylib: cargo does no link-time optimisation for a library that is also an rlib.
            cargo.args(["--crate-type=cdylib", "--target", target, "--profile", profile]);
            if !self.features.is_empty() {
                cargo.args(["--features", self.features]);
            }
            sh::run(cargo.arg("--").args(self.rustc))
        })?;
        let path = sh::target_dir().join(target).join(profile).join(self.package[1]);
        fs::read(&path).with_context(|| path.display().to_string())
    }

    /// Writes the glue and the finished module to `out`, unless they were made from this very module.
    fn process(&self, compiled: &[u8], profile: Profile, out: &Path) -> Result<()> {
        let name = self.name;
        let stamp = out.join(format!(".{name}.source"));
        let source = self.source_key(compiled, profile);
        if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == source) {
            return Ok(());
        }
        let _ = fs::remove_file(&stamp); // what follows may fail half-way
        timed(&format!("wasm-bindgen {name}"), || {
            Bindgen::new()
                .input_bytes(name, exports::without(compiled, FOREIGN)?)
                .web(true)?
                .typescript(true)
                .omit_default_module_path(false) // else `init()` does not find the .wasm beside it
                .remove_name_section(profile == Profile::Release)
                .remove_producers_section(true)
                .out_name(name)
                .generate(out)
        })?;
        if profile == Profile::Release {
            let wasm = out.join(format!("{name}_bg.wasm"));
            timed(&format!("wasm-opt {name}"), || {
                let mut opt = sh::node("node_modules/binaryen/bin/wasm-opt");
                sh::run(opt.arg(&wasm).args(WASM_OPT).args(self.wasm_opt).arg("-o").arg(&wasm))
            })?;
        }
        let script = out.join(format!("{name}.js"));
        let text = fs::read_to_string(&script).with_context(|| script.display().to_string())?;
        fs::write(&script, scope::discardable(&text)?).with_context(|| script.display().to_string())?;
        fs::write(&stamp, source).with_context(|| stamp.display().to_string())
    }

    /// Names the compiled module, so that an unchanged one is not processed again.
    fn source_key(&self, compiled: &[u8], profile: Profile) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hash = DefaultHasher::new();
        let around = scope::discardable("").unwrap_or_default(); // what each script gets
        (compiled, WASM_OPT, self.wasm_opt, around).hash(&mut hash);
        format!("{} {:016x}", self.profile(profile), hash.finish())
    }
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
    println!("{what:28} {:6.1} s", start.elapsed().as_secs_f64());
    Ok(out)
}
