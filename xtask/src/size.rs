//! What a page downloads to chat, raw and compressed, held against the package's promise; what is fetched only when it is
//! first used; and what npm would pack: the engine without weights.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::sh;

/// The package's promise: all Wasm and JavaScript that one page downloads to chat, gzip -9, in bytes.
const BUDGET: usize = 1_000_000;
/// A page's scripts: these, and what they import without being asked for more (`import()` is for later).
const PAGE: &[&str] = &["dist/index.js", "dist/worker.js", "dist/shard.js"];
/// The two builds of the engine, of which a page takes one.
const BUILDS: &[(&str, &str)] = &[("kinglet", "plain SIMD"), ("kinglet_relaxed", "relaxed SIMD")];
/// Weights of the package kinglet-desk, which `engine + desk` counts.
const DESK: &str = "models/desk/desk.gguf";

/// Something that is downloaded when it is first used.
struct Later {
    name: &'static str,
    /// Its scripts, beside what they import.
    scripts: &'static [&'static str],
    /// Its module in `pkg/wasm`, where it has one.
    wasm: Option<&'static str>,
    /// Bytes after gzip -9.
    budget: usize,
}

const LATER: &[Later] = &[
    Later {
        name: "grammars",
        scripts: &[],
        wasm: Some("kinglet_grammar"),
        budget: 700_000,
    },
    Later {
        name: "task calls",
        scripts: &["dist/tasks/index.js"],
        wasm: None,
        budget: 24_000, // measured 22,476: each call as another model is asked it
    },
    Later {
        name: "retrieval",
        scripts: &["dist/retrieval/index.js"],
        wasm: None,
        budget: 20_000,
    },
    Later {
        name: "decisions",
        scripts: &["dist/deciding.js", "dist/route/index.js"],
        wasm: Some("kinglet_route"),
        budget: 370_000, // measured 365,549, of which some 54,000 are budgets
    },
    Later {
        name: "acting on decisions",
        scripts: &["dist/act/index.js"],
        wasm: None,     // that of decisions
        budget: 88_000, // measured 84,231: remote models 21,140, privacy 18,246, ledger 11,293, a schema validator 10,900
    },
    Later {
        name: "a queue for the network",
        scripts: &["dist/offline/index.js"],
        wasm: None,
        budget: 21_000, // measured 19,310; nearly all of it is there with what acts
    },
    Later {
        name: "telemetry",
        scripts: &["dist/telemetry/index.js"],
        wasm: None,
        budget: 10_000,
    },
    Later {
        name: "calibrations",
        scripts: &["dist/calibrate/index.js"],
        wasm: Some("kinglet_calibrate"),
        budget: 175_000, // measured 163,000
    },
];

/// Bytes of files, as they are and after compression.
#[derive(Clone, Copy, Default)]
struct Sizes {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl AddAssign for Sizes {
    fn add_assign(&mut self, other: Sizes) {
        self.raw += other.raw;
        self.gzip += other.gzip;
        self.brotli += other.brotli;
    }
}

/// The built files with their sizes, by their paths in `pkg/`.
struct Built(Vec<(String, Sizes)>);

/// Prints every file's size and the totals; the promises that are not kept are returned as sentences.
pub fn report() -> Result<Vec<String>> {
    let built = Built::read()?;
    let page = imported(PAGE)?;
    println!("{:>10} {:>10} {:>10}", "bytes", "gzip -9", "brotli");
    for (name, sizes) in &built.0 {
        print(*sizes, &format!("pkg/{name}"));
    }
    println!();
    let mut broken = Vec::new();
    let mut keep = |what: &str, sizes: Sizes, budget: usize| {
        print(sizes, &format!("{what}; the budget is {budget} bytes gzip"));
        if sizes.gzip > budget {
            broken.push(format!(
                "{what}: {} bytes gzip are more than the budget of {budget}",
                sizes.gzip
            ));
        }
    };
    let scripts = built.sum(|name| page.contains(name));
    let mut largest = Sizes::default();
    for (build, what) in BUILDS {
        let mut sizes = scripts;
        sizes += built.sum(|name| is_module(name, build));
        keep(&format!("a page's engine, {what}"), sizes, BUDGET);
        if sizes.gzip > largest.gzip {
            largest = sizes;
        }
    }
    for later in LATER {
        let own = imported(later.scripts)?;
        let sizes = built.sum(|name| {
            later.wasm.is_some_and(|wasm| is_module(name, wasm)) || (own.contains(name) && !page.contains(name))
        });
        keep(&format!("on first use: {}", later.name), sizes, later.budget);
    }
    if let Ok(desk) = fs::metadata(sh::root().join(DESK)) {
        let weights = usize::try_from(desk.len())?; // servers send weights as they are
        largest += Sizes {
            raw: weights,
            gzip: weights,
            brotli: weights,
        };
        print(largest, "engine + desk, its weights not compressed");
    }
    broken.extend(
        built
            .unknown()
            .map(|name| format!("pkg/{name} belongs to no build: give it a row in xtask/src/size.rs")),
    );
    Ok(broken)
}

/// Fails if a promise is not kept.
pub fn gate() -> Result<()> {
    match report()? {
        broken if broken.is_empty() => Ok(()),
        broken => bail!("{}", broken.join("\n")),
    }
}

impl Built {
    fn read() -> Result<Built> {
        let root = sh::root().join("pkg");
        let mut files = Vec::new();
        for dir in ["wasm", "dist"] {
            collect(&root.join(dir), &mut files)?;
        }
        files.sort();
        let brotli: Vec<usize> = serde_json::from_str(&sh::read(sh::node("xtask/src/brotli.mjs").args(&files))?)?;
        let mut built = Vec::new();
        for (file, brotli) in files.iter().zip(brotli) {
            let bytes = fs::read(file).with_context(|| file.display().to_string())?;
            let name = file
                .strip_prefix(&root)
                .unwrap_or(file)
                .to_string_lossy()
                .replace('\\', "/");
            built.push((
                name,
                Sizes {
                    raw: bytes.len(),
                    gzip: gzip(&bytes)?,
                    brotli,
                },
            ));
        }
        Ok(Built(built))
    }

    fn sum(&self, wanted: impl Fn(&str) -> bool) -> Sizes {
        let mut sum = Sizes::default();
        self.0
            .iter()
            .filter(|(name, _)| wanted(name))
            .for_each(|(_, sizes)| sum += *sizes);
        sum
    }

    /// Modules that no total counts.
    fn unknown(&self) -> impl Iterator<Item = &str> {
        let known = |name: &str| {
            let later = LATER.iter().filter_map(|later| later.wasm);
            BUILDS
                .iter()
                .map(|(build, _)| *build)
                .chain(later)
                .any(|module| is_module(name, module))
        };
        self.0
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(move |name| name.starts_with("wasm/") && !known(name))
    }
}

/// Glue and module of `wasm/<module>`.
fn is_module(name: &str, module: &str) -> bool {
    name.strip_prefix("wasm/")
        .is_some_and(|file| file == format!("{module}.js") || file == format!("{module}_bg.wasm"))
}

/// The scripts of `pkg/` that `begin` needs at once: what is imported, and what that imports.
fn imported(begin: &[&str]) -> Result<BTreeSet<String>> {
    let root = sh::root().join("pkg");
    let mut found = BTreeSet::new();
    let mut left: Vec<PathBuf> = begin.iter().map(PathBuf::from).collect();
    while let Some(path) = left.pop() {
        if !found.insert(path.to_string_lossy().replace('\\', "/")) {
            continue;
        }
        let text = fs::read_to_string(root.join(&path)).with_context(|| format!("pkg/{}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        left.extend(imports(&text).map(|relative| join(folder, relative)));
    }
    Ok(found)
}

/// The relative addresses that a script imports before it runs, as esbuild writes them.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    let address = |word: &'static str| text.match_indices(word).map(move |(at, _)| &text[at + word.len()..]);
    let all = address(" from \"")
        .chain(address(" from\""))
        .chain(address("}from\""))
        .chain(address("*from\""))
        .chain(address("import\""));
    all.filter_map(|rest| rest.split('"').next())
        .filter(|address| address.starts_with('.'))
}

/// `folder` and a relative address, without `.` and `..`.
fn join(folder: &Path, relative: &str) -> PathBuf {
    let mut path = folder.to_path_buf();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

/// Extensions of all that npm may pack of the engine; weights have none of them.
const PACKED: &[&str] = &["js", "map", "ts", "wasm", "json", "md"];
/// The largest file that is not Wasm; weights under another name would be larger.
const TEXT: u64 = 512 << 10;

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
    println!("{:>10} {:>10} {:>10}  {what}", sizes.raw, sizes.gzip, sizes.brotli);
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
    fn imports_are_followed_and_later_ones_are_not() {
        let text = "import{a}from\"./a.js\";import\"../b.js\";export*from\"./c.js\";import e from \"./e.js\";import f from\"./f.js\";\
                    import x from\"react\";const later=()=>import(\"./d.js\");";
        let mut found: Vec<_> = imports(text).collect();
        found.sort_unstable();
        assert_eq!(found, ["../b.js", "./a.js", "./c.js", "./e.js", "./f.js"]);
        assert_eq!(join(Path::new("dist/adapters"), "../b.js"), Path::new("dist/b.js"));
    }

    #[test]
    fn modules_have_names() {
        for (name, expect) in [
            ("wasm/kinglet.js", true),
            ("wasm/kinglet_bg.wasm", true),
            ("wasm/kinglet_relaxed.js", false),
            ("dist/kinglet.js", false),
        ] {
            assert_eq!(is_module(name, "kinglet"), expect, "{name}");
        }
    }

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
