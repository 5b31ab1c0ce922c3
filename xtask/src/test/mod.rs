//! `cargo xtask test`: every check of the repository, one printed line each, and a closing count.

mod checks;
mod python;
mod report;
mod rust;
mod watch;
mod web;

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{setup, sh};
use report::Report;

pub use rust::rustdoc_shim;

/// How many cases the tests try.
#[derive(Clone, Copy, PartialEq)]
pub enum Size {
    /// Every commit.
    Small,
    /// `cargo xtask soak`: hours are fine.
    Soak,
}

/// What to run; all of it by default.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Part {
    /// Formatting, lints.
    Checks,
    /// Unit, integration and documentation tests, the GPU ones once per adapter.
    Rust,
    /// The models' unit tests, and a training run of seconds.
    Python,
    /// The package: size gate, type check, unit and browser tests.
    Web,
}

impl Part {
    pub fn parse(text: &str) -> Option<Part> {
        match text {
            "checks" => Some(Part::Checks),
            "rust" => Some(Part::Rust),
            "python" => Some(Part::Python),
            "web" => Some(Part::Web),
            _ => None,
        }
    }
}

pub struct Options {
    pub size: Size,
    /// Empty: all.
    pub parts: Vec<Part>,
    /// Vulkan drivers for the GPU tests (see [`setup::ADAPTERS`]); empty: every software adapter.
    pub adapters: Vec<String>,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// How long one program (a test binary, a browser test file) may take before it is stopped.
    fn limit(&self) -> Duration {
        match self.size {
            Size::Small => Duration::from_secs(20 * 60),
            Size::Soak => Duration::from_secs(6 * 3600),
        }
    }
}

/// Runs everything; true if all is well.
pub fn run(options: &Options) -> Result<bool> {
    let start = Instant::now();
    if options.wants(Part::Web) || options.wants(Part::Rust) {
        setup::system()?;
    }
    let mut report = Report::default();
    if options.wants(Part::Checks) {
        setup::rust_components()?;
        checks::format(&mut report);
    }
    if options.wants(Part::Rust) {
        rust::run(options, &mut report)?;
    }
    if options.wants(Part::Checks) {
        checks::clippy(&mut report);
        checks::audit(&mut report);
    }
    if options.wants(Part::Python) {
        python::run(options, &mut report)?;
    }
    if options.wants(Part::Web) {
        web::run(options, &mut report)?;
    }
    // What was just installed or built, or lies beside the repository, is no reason to skip.
    report.forbid_skips(&[
        "no Chromium",
        "no Firefox",
        "no WebKitWebDriver",
        "no Xvfb",
        "no real server",
        "no relay",
        "no native tool",
        "pkg/wasm is not built",
        "no release",
        "models/desk/desk.gguf is not there",
    ]);
    if sh::shared().join("data").is_dir() {
        report.forbid_skips(&["needs shared data", "no shared data"]);
    }
    report.close(start.elapsed());
    Ok(report.passed())
}
