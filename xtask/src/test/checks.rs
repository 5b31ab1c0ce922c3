//! Formatting, lints, and what the dependencies may be.

use std::time::Instant;

use super::report::{Report, Status};
use crate::audit::{self, Verdict};
use crate::sh;

pub fn format(report: &mut Report) {
    report.check("rustfmt --check", || {
        sh::run(sh::cargo().args(["fmt", "--all", "--", "--check"]))
    });
}

pub fn clippy(report: &mut Report) {
    report.check("clippy, all targets", || {
        sh::run(sh::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    });
    report.check("clippy, without gpu", || {
        let args = [
            "clippy",
            "--package=kinglet",
            "--no-default-features",
            "--",
            "-D",
            "warnings",
        ];
        sh::run(sh::cargo().args(args))
    });
    report.check("clippy, browser", || {
        crate::setup::wasm_target()?;
        let args = [
            "clippy",
            "--package=kinglet",
            "--lib",
            "--target=wasm32-unknown-unknown",
        ];
        sh::run(sh::cargo().args(args).args(["--profile=wasm", "--", "-D", "warnings"]))
    });
}

/// Licences, sources and known weaknesses; what cannot be asked here is a skipped test.
pub fn audit(report: &mut Report) {
    for (name, check) in audit::CHECKS {
        let start = Instant::now();
        let status = match check() {
            Ok(Verdict::Clean) => Status::Passed,
            Ok(Verdict::Unasked(why)) => Status::Skipped(why),
            Err(error) => Status::Failed(format!("{error:#}")),
        };
        report.add((*name).into(), start.elapsed().as_secs_f64(), status);
    }
}
