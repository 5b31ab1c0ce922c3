//! Formatting and lints.

use super::report::Report;
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
