//! The package: built as it is shipped, measured, type-checked, and driven by node:test, most of it in a browser.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::python::program;
use super::report::{Report, Status};
use super::{Options, Size, watch};
use crate::{notices, pkg, python, release, setup, sh, size};

pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    report.check("package builds", || pkg::compile(pkg::Profile::Release));
    report.check("package size", size::gate);
    report.check("every crate in the package is in its licence notices", notices::check);
    report.check(
        "the release's files are written, and npm would publish both packages",
        || release::publishable(&release::write(None)?),
    );
    report.check("the engine package holds no weights", size::no_weights);
    let mut real = Real::default();
    report.check("Python packages of a real server", || {
        real.python = Some(python::real_servers()?);
        Ok(())
    });
    report.check("relay", || {
        real.relay = Some(program("kinglet-relay")?);
        Ok(())
    });
    for file in test_files()? {
        run_file(&file, &real, options, report)?;
    }
    Ok(())
}

/// What tests ask that is no double.
#[derive(Default)]
struct Real {
    /// A Python with llama.cpp's server.
    python: Option<PathBuf>,
    relay: Option<PathBuf>,
}

fn test_files() -> Result<Vec<PathBuf>> {
    let dir = sh::root().join("tests/web");
    let mut files = Vec::new();
    if dir.is_dir() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(".test.mjs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// One file of tests in one node process.
fn run_file(file: &Path, real: &Real, options: &Options, report: &mut Report) -> Result<()> {
    let suite = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .replace(".test.mjs", "");
    let mut command = sh::node("--test");
    command.arg("--test-reporter=./xtask/src/test/reporter.mjs");
    command.arg(file);
    command.env("XDG_RUNTIME_DIR", setup::runtime_dir()?);
    if let Some(chromium) = setup::chromium() {
        command.env("KINGLET_CHROMIUM", chromium);
    }
    if let Some(firefox) = setup::firefox() {
        command.env("KINGLET_FIREFOX", firefox);
    }
    if let Some(python) = &real.python {
        command.env("KINGLET_REAL_PYTHON", python);
    }
    if let Some(relay) = &real.relay {
        command.env("KINGLET_RELAY", relay);
        command.env("KINGLET_CLI", relay.with_file_name("kinglet")); // built with it
    }
    if options.size == Size::Soak {
        command.env("KINGLET_SOAK", "1");
    }
    let (mut tests, mut failed, mut output) = (0, false, String::new());
    let end = watch::run(&mut command, options.limit(), |line| {
        match parse(line) {
            Line::Output(text) => output.push_str(&text),
            Line::Note(text) => println!("        | {text}"),
            Line::Test { name, seconds, status } => {
                tests += 1;
                let mut status = status;
                if let Status::Failed(error) = &mut status {
                    failed = true;
                    error.push('\n');
                    error.push_str(&output);
                }
                output.clear();
                report.add(format!("web {suite}: {name}"), seconds, status);
            }
        };
    })
    .context("node --test")?;
    if let Some(trouble) = end.trouble()
        && !failed
    {
        report.add(
            format!("web {suite}"),
            0.0,
            Status::Failed(format!("{trouble}\n{output}")),
        );
    } else if tests == 0 {
        report.add(format!("web {suite}"), 0.0, Status::Failed("it holds no tests".into()));
    }
    Ok(())
}

/// What a test program said.
#[derive(Debug, PartialEq)]
pub enum Line {
    Output(String),
    /// What a test wants to be read when it passes, too: a number, an adapter.
    Note(String),
    Test {
        name: String,
        seconds: f64,
        status: Status,
    },
}

/// A line of reporter.mjs or unit.py.
pub fn parse(line: &str) -> Line {
    let Ok(event) = serde_json::from_str::<Value>(line) else {
        return Line::Output(format!("{line}\n"));
    };
    if let Some(text) = event["output"].as_str() {
        return Line::Output(text.into());
    }
    if let Some(text) = event["note"].as_str() {
        return Line::Note(text.into());
    }
    let text = |key: &str| event[key].as_str().unwrap_or("").to_string();
    let status = match (&event["skip"], event["passed"] == true) {
        (Value::String(reason), true) => Status::Skipped(reason.clone()),
        (_, true) => Status::Passed,
        (_, false) => Status::Failed(text("error")),
    };
    Line::Test {
        name: text("name"),
        seconds: event["seconds"].as_f64().unwrap_or(0.0),
        status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reporter_lines() {
        let test = |status| Line::Test {
            name: "a".into(),
            seconds: 0.5,
            status,
        };
        for (line, expect) in [
            (
                r#"{"name":"a","seconds":0.5,"passed":true,"skip":null}"#,
                test(Status::Passed),
            ),
            (
                r#"{"name":"a","seconds":0.5,"passed":true,"skip":"no GPU"}"#,
                test(Status::Skipped("no GPU".into())),
            ),
            (
                r#"{"name":"a","seconds":0.5,"passed":false,"error":"x"}"#,
                test(Status::Failed("x".into())),
            ),
            (r#"{"output":"hi\n"}"#, Line::Output("hi\n".into())),
            (r#"{"note":"12 ms"}"#, Line::Note("12 ms".into())),
            ("plain", Line::Output("plain\n".into())),
        ] {
            assert_eq!(parse(line), expect, "{line}");
        }
    }
}
