//! The house rules that a text search can enforce. Every check is a function of sources, and is shown to fail.

mod lex;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::support::root;

/// Which room may use which (ARCHITECTURE.md draws it). What is missing here is the architecture.
const DOORS: &[(&str, &[&str])] = &[
    // Beside the session: what it is given (sources, part names, a team of workers), what it reports, and the list of
    // shaders for a test.
    (
        "wasm",
        &[
            "session", "cpu", "platform", "gguf", "model", "text", "kernels", "error", "quant", "bench", "gpu",
        ],
    ),
    (
        "session",
        &[
            "engine", "backend", "model", "ops", "text", "sampler", "gguf", "platform", "error",
        ],
    ),
    // Measurements: not part of what is shipped.
    ("bench", &["backend", "ops", "kernels", "gpu", "quant", "error"]),
    ("engine", &["model", "backend", "ops", "sampler", "gguf", "error"]),
    ("text", &["gguf", "error"]),
    ("model", &["ops", "gguf", "quant", "error"]),
    ("quantize", &["model", "gguf", "quant", "error"]),
    ("backend", &["ops", "kernels", "gpu", "cpu", "quant", "error"]),
    ("cpu", &["ops", "quant", "error"]),
    ("kernels", &["gpu", "ops", "quant", "error"]),
    ("gpu", &["kernels", "platform", "error"]), // only what composes and names a shader: see `gpu_knows_no_kernel`
    ("ops", &["quant", "error"]),
    ("gguf", &["quant", "platform", "error"]),
    ("sampler", &["ops", "error"]),
    ("quant", &["error"]),
    ("platform", &["error"]),
    ("error", &[]),
];

/// The only places that may mention JavaScript.
const JAVASCRIPT: &[&str] = &["src/wasm/", "src/wasm.rs", "src/platform/"];

/// A file: its path from the root, with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        Source {
            path: path.into(),
            text: text.into(),
        }
    }

    /// `gguf` of src/gguf/file.rs; none for src/lib.rs.
    fn room(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        let room = rest.split('/').next()?.trim_end_matches(".rs");
        (room != "lib").then_some(room)
    }

    fn name(&self) -> &str {
        let file = self.path.rsplit('/').next().unwrap_or(&self.path);
        file.split('.').next().unwrap_or(file)
    }
}

/// All text files below `dir` with one of the extensions.
fn sources(dir: &str, extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root().join(dir), extensions, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "nothing in {dir}: did it move?");
    found
}

fn walk(dir: &Path, extensions: &[&str], found: &mut Vec<Source>) {
    const GENERATED: &[&str] = &["target", "node_modules", "dist"];
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let generated =
                GENERATED.contains(&name.as_str()) || path.ends_with("pkg/wasm") || path.ends_with("www/vendor");
            if !generated && (!name.starts_with('.') || name == ".ci") {
                walk(&path, extensions, found);
            }
        } else if extensions.contains(&name.rsplit('.').next().unwrap_or("")) {
            let relative = path
                .strip_prefix(root())
                .unwrap_or(&path)
                .to_string_lossy()
                .replace('\\', "/");
            if let Ok(text) = fs::read_to_string(&path) {
                found.push(Source { path: relative, text });
            }
        }
    }
}

fn rust() -> Vec<Source> {
    sources("src", &["rs"])
}

/// Fails with the list of violations.
fn expect_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// Lines of shipped code, from 1, that satisfy `bad`.
fn lines(source: &Source, bad: impl Fn(&str) -> bool) -> Vec<String> {
    let code = lex::shipped_code(&source.text);
    let lines = code.lines().enumerate().filter(|(_, line)| bad(line));
    lines
        .map(|(i, line)| format!("{}:{}: {}", source.path, i + 1, line.trim()))
        .collect()
}

// ---- doors ----------------------------------------------------------------------------------------------------------

/// What follows each `crate::`, groups opened: `use crate::{a::{B, C}, d}` gives `a::B`, `a::C` and `d`.
fn crate_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            open_groups("", &code[at + found.len()..], &mut paths);
        }
    }
    paths
}

/// Reads one path or `{group}` at the start of `text`; returns what is left.
fn open_groups<'a>(prefix: &str, text: &'a str, paths: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut group) = text.strip_prefix('{') {
        loop {
            group = group.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            if group.is_empty() || group.starts_with('}') {
                return group.get(1..).unwrap_or("");
            }
            let rest = open_groups(prefix, group, paths);
            let end = rest.find([',', '}']).unwrap_or(rest.len()); // an `as name`
            group = &rest[end..];
        }
    }
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let path = format!("{prefix}{word}");
    if path.ends_with("::") && rest.starts_with('{') {
        return open_groups(&path, rest, paths);
    }
    paths.push(path);
    // A stray character must not stop the reading of a group.
    if end == 0 { text.get(1..).unwrap_or("") } else { rest }
}

#[test]
fn groups_are_opened() {
    for (code, expect) in [
        ("use crate::a::B;", vec!["a::B"]),
        ("use crate::{a::{B, C as D}, e,};", vec!["a::B", "a::C", "e"]),
        ("use crate::a::*;", vec!["a::"]),
        ("pub(in crate::a) fn f() -> crate::b::C {}", vec!["a", "b::C"]),
        ("$crate::a!() krate::b", vec![]),
    ] {
        assert_eq!(crate_paths(code), expect, "{code}");
    }
}

fn wrong_doors(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let Some(room) = source.room() else { continue };
        let Some((_, allowed)) = DOORS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: room {room} is not in the table of doors", source.path));
            continue;
        };
        for path in crate_paths(&lex::shipped_code(&source.text)) {
            let to = path.split("::").next().unwrap_or("");
            let to = if matches!(to, "Error" | "Result") { "error" } else { to };
            if to != room && !allowed.contains(&to) {
                wrong.push(format!("{}: {room} may not use {to} (crate::{path})", source.path));
            }
        }
    }
    wrong
}

#[test]
fn rooms_open_only_their_doors() {
    expect_none(&wrong_doors(&rust()));
    for bad in [
        Source::new("src/model/decoder.rs", "use crate::gpu::Device;"),
        Source::new("src/model/decoder.rs", "use crate::{error::Error, backend};"),
        Source::new(
            "src/quant/mod.rs",
            "use crate::{\n    error::{Error, Result},\n    ops::Ops,\n};",
        ),
        Source::new("src/error.rs", "fn f() { crate::ops::g() }"),
        Source::new("src/cellar/mod.rs", ""),
    ] {
        assert_eq!(wrong_doors(&[bad]).len(), 1);
    }
    let test_code = Source::new("src/quant/mod.rs", "#[cfg(test)]\nmod tests { use crate::ops::Ops; }");
    expect_none(&wrong_doors(&[test_code]));
}

fn kernels_in_gpu(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|s| s.room() == Some("gpu")) {
        for path in crate_paths(&lex::shipped_code(&source.text)) {
            let neutral = ["wgsl", "Kernel", "dim"]
                .iter()
                .any(|name| path[..].starts_with(&format!("kernels::{name}")));
            if path.starts_with("kernels") && !neutral {
                wrong.push(format!("{}: crate::{path}", source.path));
            }
        }
    }
    wrong
}

#[test]
fn gpu_knows_no_kernel() {
    expect_none(&kernels_in_gpu(&rust()));
    let bad = Source::new("src/gpu/device.rs", "use crate::kernels::rope;");
    assert_eq!(kernels_in_gpu(&[bad]).len(), 1);
}

/// Two steps up would leave a room without naming it.
fn climbs(sources: &[Source]) -> Vec<String> {
    let leaves = |s: &Source| s.path.split('/').count() <= 3;
    let climbing = |s: &Source| lines(s, |line| line.contains("super::super::"));
    sources.iter().filter(|s| leaves(s)).flat_map(climbing).collect()
}

#[test]
fn no_room_is_left_by_the_window() {
    expect_none(&climbs(&rust()));
    let bad = Source::new("src/model/decoder.rs", "use super::super::gpu;");
    assert_eq!(climbs(&[bad]).len(), 1);
}

// ---- absences -------------------------------------------------------------------------------------------------------

fn javascript(sources: &[Source]) -> Vec<String> {
    const WORDS: &[&str] = &["web_sys", "js_sys", "wasm_bindgen", "serde_wasm_bindgen"];
    let outside = |s: &&Source| !JAVASCRIPT.iter().any(|place| s.path.starts_with(place));
    let speaks = |line: &str| WORDS.iter().any(|w| line.contains(w));
    sources.iter().filter(outside).flat_map(|s| lines(s, speaks)).collect()
}

#[test]
fn only_wasm_and_platform_speak_javascript() {
    expect_none(&javascript(&rust()));
    let bad = Source::new("src/engine/mod.rs", "use web_sys::Response;");
    assert_eq!(javascript(&[bad]).len(), 1);
}

fn panics(sources: &[Source]) -> Vec<String> {
    const WORDS: &[&str] = &[".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "dbg!("];
    let bad = |line: &str| WORDS.iter().any(|w| line.contains(w));
    sources
        .iter()
        .filter(|s| s.name() != "tests")
        .flat_map(|s| lines(s, bad))
        .collect()
}

#[test]
fn nothing_panics_on_purpose() {
    let mut all = rust();
    for folder in ["cli/src", "grammar/src", "route/src", "xtask/src"] {
        all.extend(sources(folder, &["rs"]));
    }
    expect_none(&panics(&all));
    let bad = Source::new("src/a.rs", "fn f() { g().unwrap(); } // why");
    assert_eq!(panics(&[bad]).len(), 1);
    let good = Source::new(
        "src/a.rs",
        "/// f().unwrap()\n#[cfg(test)]\nmod tests { fn f() { g().unwrap() } }",
    );
    expect_none(&panics(&[good]));
}

/// What would make a decision depend on something else than its inputs: clocks, randomness, maps without an order, files.
fn impure(sources: &[Source]) -> Vec<String> {
    const WORDS: &[&str] = &[
        "std::time",
        "SystemTime",
        "Instant",
        "Date::",
        "getrandom",
        "rand::",
        "HashMap",
        "HashSet",
        "std::fs",
        "std::env",
        "std::net",
        "static mut",
        "thread_local!",
    ];
    let outside = |line: &str| WORDS.iter().any(|word| line.contains(word));
    sources
        .iter()
        .filter(|s| s.name() != "tests")
        .flat_map(|s| lines(s, outside))
        .collect()
}

#[test]
fn what_decides_has_no_clock_and_no_randomness() {
    expect_none(&impure(&sources("route/src", &["rs"])));
    let bad = Source::new("route/src/a.rs", "fn f() { std::time::Instant::now() }");
    assert_eq!(impure(&[bad]).len(), 1);
}

fn unsafe_without_reason(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let code = lex::code_only(&source.text);
        let text: Vec<&str> = source.text.lines().collect();
        for (i, line) in code.lines().enumerate() {
            let is_unsafe = ["unsafe {", "unsafe fn", "unsafe impl"]
                .iter()
                .any(|w| line.contains(w));
            let reason = text[i.saturating_sub(3)..=i].iter().any(|l| l.contains("// SAFETY:"));
            if is_unsafe && !reason {
                wrong.push(format!("{}:{}: unsafe without a SAFETY comment", source.path, i + 1));
            }
        }
    }
    wrong
}

#[test]
fn unsafe_code_says_why() {
    expect_none(&unsafe_without_reason(&rust()));
    assert_eq!(
        unsafe_without_reason(&[Source::new("src/a.rs", "unsafe { f() }")]).len(),
        1
    );
    expect_none(&unsafe_without_reason(&[Source::new(
        "src/a.rs",
        "// SAFETY: f is pure\nunsafe { f() }",
    )]));
}

fn machine_paths(sources: &[Source]) -> Vec<String> {
    // In pieces, so that this file does not find itself.
    let places = [
        concat!("/ho", "me/"),
        concat!("/Use", "rs/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
    ];
    let mut wrong = Vec::new();
    for source in sources {
        for (i, line) in source.text.lines().enumerate() {
            if places
                .iter()
                .any(|p| line.match_indices(p).any(|(at, _)| starts_path(line, at)))
            {
                wrong.push(format!("{}:{}: {}", source.path, i + 1, line.trim()));
            }
        }
    }
    wrong
}

/// Not in the middle of a longer path or URL.
fn starts_path(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}/".contains(c))
}

#[test]
fn no_paths_of_somebodys_machine() {
    let extensions = [
        "rs", "wgsl", "ts", "mjs", "js", "html", "css", "py", "md", "toml", "json", "sh",
    ];
    expect_none(&machine_paths(&sources(".", &extensions)));
    let bad = format!("let f = \"{}ann/model.gguf\";", concat!("/ho", "me/"));
    assert_eq!(machine_paths(&[Source::new("a", &bad)]).len(), 1);
}

// ---- names ----------------------------------------------------------------------------------------------------------

/// Shaders that are two ways to compute one operation.
const SHADER_OF: &[(&str, &str)] = &[
    ("gemm_columns", "gemm"),
    ("gemm_int8", "gemm"),
    ("gemm_serial", "gemm"),
    ("attention_row", "attend"),
    ("combine", "attend"),
    ("finish_qkv", "attend"),
];

fn nameless_shaders(shaders: &[Source], rust: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let imported: BTreeSet<&str> = shaders
        .iter()
        .flat_map(|s| s.text.lines())
        .filter_map(|line| line.strip_prefix("//!import ").map(str::trim))
        .collect();
    let by_format = imported.iter().any(|name| name.contains("{{"));
    for shader in shaders {
        let name = shader.name();
        if shader.path.starts_with("shaders/lib/") {
            let quoted = format!("\"{name}\"");
            let format = by_format && rust.iter().any(|s| s.text.contains(&quoted));
            if !imported.contains(name) && !format {
                wrong.push(format!("{}: no shader imports it", shader.path));
            }
        } else {
            let operation = SHADER_OF
                .iter()
                .find(|(shader, _)| *shader == name)
                .map_or(name, |(_, op)| op);
            let kernel = format!("src/kernels/{operation}.rs");
            if !rust.iter().any(|s| s.path == kernel) {
                wrong.push(format!("{}: there is no {kernel}", shader.path));
            }
        }
    }
    wrong
}

#[test]
fn every_shader_has_its_kernel_and_every_fragment_a_user() {
    expect_none(&nameless_shaders(&sources("shaders", &["wgsl"]), &rust()));
    let shaders = [
        Source::new("shaders/add.wgsl", "//!import step"),
        Source::new("shaders/lib/step.wgsl", ""),
        Source::new("shaders/lonely.wgsl", ""),
        Source::new("shaders/lib/unused.wgsl", ""),
    ];
    let kernels = [Source::new("src/kernels/add.rs", "")];
    assert_eq!(nameless_shaders(&shaders, &kernels).len(), 2);
}

/// The codes in `Error::code`.
fn error_codes(error_rs: &str) -> Vec<String> {
    let code = |line: &str| {
        let (variant, rest) = line.trim().strip_prefix("Error::")?.split_once("=> \"")?;
        let name = rest.strip_suffix("\",")?;
        variant.is_ascii().then(|| name.to_string())
    };
    error_rs.lines().filter_map(code).collect()
}

fn unlisted<'a>(codes: &'a [String], text: &str, quote: char) -> Vec<&'a String> {
    codes
        .iter()
        .filter(|code| !text.contains(&format!("{quote}{code}{quote}")))
        .collect()
}

#[test]
fn every_error_code_is_documented_and_typed() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect(path);
    let codes = error_codes(&read("src/error.rs"));
    assert!(codes.len() >= 20, "the search no longer finds the codes: {codes:?}");
    for (path, quote) in [("docs/api.md", '`'), ("pkg/src/errors.ts", '\'')] {
        let missing = unlisted(&codes, &read(path), quote);
        assert!(missing.is_empty(), "{path} lacks {missing:?}");
    }
    assert_eq!(unlisted(&["new_code".into()], "`old_code`", '`').len(), 1);
}

// ---- size -----------------------------------------------------------------------------------------------------------

/// Lines from which a file is listed, and from which it is refused: code, and tests (which are read case by case).
const LONG: usize = 400;
const TOO_LONG: usize = 600;
const TOO_LONG_TEST: usize = 800;

fn longer_than(limit: usize, sources: &[Source]) -> Vec<String> {
    let long = sources.iter().filter(|s| s.text.lines().count() > limit);
    long.map(|s| format!("{}: {} lines", s.path, s.text.lines().count()))
        .collect()
}

#[test]
fn files_stay_short() {
    let all = sources(".", &["rs", "wgsl", "ts", "mjs", "py"]);
    for long in longer_than(LONG, &all) {
        println!("long: {long}");
    }
    let (tests, code): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.path.starts_with("tests/"));
    expect_none(&longer_than(TOO_LONG, &code));
    expect_none(&longer_than(TOO_LONG_TEST, &tests));
    assert_eq!(longer_than(2, &[Source::new("a", "1\n2\n3\n")]).len(), 1);
}

#[test]
fn glue_generator_and_library_are_one_version() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let version = |name: &str| {
        let at = lock.find(&format!("name = \"{name}\"\n")).expect(name);
        lock[at..].split('"').nth(3).map(str::to_string)
    };
    assert_eq!(version("wasm-bindgen"), version("wasm-bindgen-cli-support"));
}
