//! Rust tests: built once by cargo, then each test program is run by us, so that every test's time is seen and the GPU
//! tests can run once per Vulkan driver.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::report::{Report, Status};
use super::{Options, Size, watch};
use crate::{setup, sh};

/// One compiled test program.
struct Program {
    /// `kinglet it`: package and target.
    name: String,
    path: PathBuf,
    /// The package's root, where cargo would run it.
    dir: PathBuf,
}

pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let programs = match build() {
        Ok(programs) => programs,
        Err(error) => {
            report.add("cargo test --no-run".into(), 0.0, Status::Failed(format!("{error:#}")));
            return Ok(());
        }
    };
    let adapters = setup::adapters(&options.adapters)?;
    for program in &programs {
        let (gpu, plain): (Vec<_>, Vec<_>) = list(program)?.into_iter().partition(|name| is_gpu(name));
        run_program(program, &plain, None, options, report)?;
        for adapter in &adapters {
            run_program(program, &gpu, Some(adapter), options, report)?;
        }
    }
    doc_tests(options, report)
}

/// A test that needs a GPU lies in a module, or has a name, that starts with `gpu`.
fn is_gpu(name: &str) -> bool {
    name.split("::").any(|part| part.starts_with("gpu"))
}

/// Packages that share one choice of features for their dependencies. xtask is built alone, as `cargo xtask` builds it,
/// else its dependencies would be compiled a second time.
const PRODUCT: &[&str] = &[
    "--package=kinglet",
    "--package=kinglet-cli",
    "--package=kinglet-route",
    "--package=kinglet-calibrate",
    "--package=kinglet-relay",
];
const TOOLS: &[&str] = &["--package=xtask"];

fn build() -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for packages in [PRODUCT, TOOLS] {
        let mut command = sh::cargo();
        command
            .arg("test")
            .args(packages)
            .args(["--no-run", "--message-format=json-render-diagnostics"]);
        programs.extend(test_programs(&sh::read(&mut command)?)?);
    }
    if programs.is_empty() {
        bail!("cargo built no test program");
    }
    Ok(programs)
}

/// The test programs among cargo's messages.
fn test_programs(messages: &str) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for line in messages.lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
            continue;
        }
        let (Some(path), Some(manifest)) = (message["executable"].as_str(), message["manifest_path"].as_str()) else {
            continue;
        };
        let dir = Path::new(manifest).parent().context("manifest path")?;
        let package = dir.strip_prefix(sh::root()).unwrap_or(dir).to_string_lossy();
        let package = if package.is_empty() { "kinglet" } else { &package };
        let target = message["target"]["name"].as_str().unwrap_or("?");
        let kind = message["target"]["kind"][0].as_str().unwrap_or("?");
        let target = if kind == "test" { target } else { "unit" };
        programs.push(Program {
            name: format!("{package} {target}"),
            path: path.into(),
            dir: dir.into(),
        });
    }
    Ok(programs)
}

/// The program's tests, by name.
fn list(program: &Program) -> Result<Vec<String>> {
    let mut command = Command::new(&program.path);
    command.current_dir(&program.dir).args(["--list", "--format", "terse"]);
    let out = sh::read(&mut command)?;
    Ok(out
        .lines()
        .filter_map(|l| l.strip_suffix(": test"))
        .map(str::to_string)
        .collect())
}

fn run_program(
    program: &Program,
    tests: &[String],
    adapter: Option<&setup::Adapter>,
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    if tests.is_empty() {
        return Ok(());
    }
    let suite = match adapter {
        Some(adapter) => format!("{} [{}]", program.name, adapter.name),
        None => program.name.clone(),
    };
    // A driver of software compiles one shader at a time in a process, which takes most of a GPU test: so, several processes.
    let processes = if adapter.is_some() { 2.min(tests.len()) } else { 1 };
    let share = |process: usize| tests.iter().skip(process).step_by(processes);
    let run = &|process: usize| -> Result<Report> {
        let mut report = Report::default();
        let mut command = Command::new(&program.path);
        command.current_dir(&program.dir).arg("--exact").args(share(process));
        // With one thread libtest gives tests no thread of their own, and so no name for the skip log.
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
        command.arg(format!("--test-threads={threads}"));
        if let Some(adapter) = adapter {
            adapter.select(&mut command)?;
        }
        run_libtest(&mut command, &suite, process, options, &mut report)?;
        Ok(report)
    };
    let reports: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..processes)
            .map(|process| scope.spawn(move || run(process)))
            .collect();
        started.into_iter().map(|process| process.join()).collect()
    });
    for joined in reports {
        report.append(joined.map_err(|_| anyhow!("what ran the tests panicked"))??);
    }
    Ok(())
}

/// Runs something that ends in libtest, and records its tests; `process` is its number among those that run at the same time.
fn run_libtest(
    command: &mut Command,
    suite: &str,
    process: usize,
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    let skip_log = sh::target_dir().join(format!("skipped-{process}.txt"));
    let _ = fs::remove_file(&skip_log);
    command.env("KINGLET_SKIP_LOG", &skip_log).env("RUST_BACKTRACE", "1");
    if options.size == Size::Soak {
        // What passing tests print, too: counts and seeds.
        command.env("KINGLET_SOAK", "1").arg("--show-output");
    }
    command.args(["-Z", "unstable-options", "--format=json", "--report-time"]);
    command.env("RUSTC_BOOTSTRAP", "1"); // libtest's times are unstable; this is for the test program alone
    let mut events = Events::default();
    let end = watch::run(command, options.limit(), |line| {
        if let Some((name, seconds, status)) = events.read(line) {
            let status = match (status, skip_reason(&skip_log, &name)) {
                (Status::Passed, Some(reason)) => Status::Skipped(reason),
                (status, _) => status,
            };
            report.add(format!("{suite} {name}"), seconds, status);
        }
    })?;
    let Some(trouble) = end.trouble() else { return Ok(()) };
    // A crash or a hang is the failure of the tests that were running; of the program, if there were none.
    let running: Vec<String> = events.running.drain().map(|(name, ())| name).collect();
    for name in &running {
        report.add(
            format!("{suite} {name}"),
            0.0,
            Status::Failed(format!("{trouble} while it ran")),
        );
    }
    if running.is_empty() && !events.failed {
        report.add(suite.into(), 0.0, Status::Failed(trouble));
    }
    Ok(())
}

/// The reason that test `name` gave for doing nothing, if it did.
fn skip_reason(log: &Path, name: &str) -> Option<String> {
    let log = fs::read_to_string(log).ok()?;
    let mut lines = log.lines().filter_map(|l| l.split_once('\t'));
    lines
        .find(|(test, _)| *test == name)
        .map(|(_, reason)| reason.to_string())
}

/// libtest's JSON lines.
#[derive(Default)]
struct Events {
    running: HashMap<String, ()>,
    failed: bool,
}

impl Events {
    /// A finished test: name, seconds, status.
    fn read(&mut self, line: &str) -> Option<(String, f64, Status)> {
        let event: Value = match serde_json::from_str(line) {
            Ok(event @ Value::Object(_)) => event,
            _ => {
                println!("        | {line}"); // a test's own thread wrote it
                return None;
            }
        };
        if event["type"] != "test" {
            return None;
        }
        let name = event["name"].as_str()?.to_string();
        let seconds = event["exec_time"].as_f64().unwrap_or(0.0);
        let output = || event["stdout"].as_str().unwrap_or("no output").to_string();
        let status = match event["event"].as_str()? {
            "started" => {
                self.running.insert(name, ());
                return None;
            }
            "ok" => {
                for line in event["stdout"].as_str().unwrap_or("").lines() {
                    println!("        | {line}");
                }
                Status::Passed
            }
            "ignored" => Status::Skipped(event["message"].as_str().unwrap_or("#[ignore]").to_string()),
            "failed" => {
                self.failed = true;
                Status::Failed(output())
            }
            _ => return None, // "timeout" is only a warning about a slow test
        };
        self.running.remove(&name);
        Some((name, seconds, status))
    }
}

/// Examples in documentation comments.
fn doc_tests(options: &Options, report: &mut Report) -> Result<()> {
    let mut command = sh::cargo();
    command.arg("test").args(PRODUCT).args(["--doc", "--quiet", "--"]);
    // libtest inside rustdoc wants RUSTC_BOOTSTRAP, but cargo must not see it: build scripts would run again.
    command
        .env("RUSTDOC", std::env::current_exe()?)
        .env(SHIM, "1")
        .stderr(Stdio::inherit());
    command.args(["-Z", "unstable-options", "--format=json", "--report-time"]);
    let mut events = Events::default();
    let mut seen = 0;
    let end = watch::run(&mut command, options.limit(), |line| {
        if let Some((name, seconds, status)) = events.read(line) {
            seen += 1;
            report.add(format!("kinglet doc {name}"), seconds, status);
        }
    })?;
    if let Some(trouble) = end.trouble()
        && !events.failed
    {
        report.add(format!("kinglet doc ({seen} seen)"), 0.0, Status::Failed(trouble));
    }
    Ok(())
}

const SHIM: &str = "KINGLET_RUSTDOC_SHIM";

/// If cargo started this program as rustdoc: runs the real one, with unstable test options allowed, and its exit code.
pub fn rustdoc_shim() -> Option<i32> {
    std::env::var_os(SHIM)?;
    let mut rustdoc = Command::new("rustdoc");
    rustdoc.args(std::env::args_os().skip(1)).env_remove(SHIM);
    if std::env::args().any(|a| a == "--test") {
        rustdoc.env("RUSTC_BOOTSTRAP", "1");
    }
    Some(rustdoc.status().ok().and_then(|s| s.code()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_events() {
        let mut events = Events::default();
        assert_eq!(
            events.read(r#"{"type":"suite","event":"started","test_count":3}"#),
            None
        );
        assert_eq!(events.read(r#"{"type":"test","event":"started","name":"a"}"#), None);
        assert_eq!(events.read(r#"{"type":"test","event":"started","name":"b"}"#), None);
        let ok = events.read(r#"{"type":"test","name":"a","event":"ok","exec_time":0.5}"#);
        assert_eq!(ok, Some(("a".into(), 0.5, Status::Passed)));
        assert!(events.running.contains_key("b"), "b would be blamed for a crash");
        let failed = events.read(r#"{"type":"test","name":"b","event":"failed","exec_time":1.0,"stdout":"boom"}"#);
        assert_eq!(failed, Some(("b".into(), 1.0, Status::Failed("boom".into()))));
        assert!(events.failed && events.running.is_empty());
    }

    #[test]
    fn gpu_tests_are_recognised() {
        for (name, expect) in [
            ("gpu_ops::add", true),
            ("golden::gpu_phi3", true),
            ("backend::gpu::tests::split", true),
            ("gguf::trap", false),
            ("cli::backend_gpu", false),
        ] {
            assert_eq!(is_gpu(name), expect, "{name}");
        }
    }
}
