//! Python: the system's own for tests of the standard library only, an environment with PyTorch for training, and a small
//! one with a real server of models.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::sh;

/// The oldest Python that the packages of models/desk/requirements.txt run on.
const OLDEST: (u32, u32) = (3, 11);

/// The system's Python.
///
/// # Errors
/// It is missing or too old; the message says what to install.
pub fn system() -> Result<Command> {
    let advice = || {
        format!(
            "Python {}.{} or newer is needed: on Debian, apt-get install python3 python3-venv",
            OLDEST.0, OLDEST.1
        )
    };
    let version =
        sh::read(sh::cmd("python3").args(["-c", "import sys; print(*sys.version_info[:2])"])).with_context(advice)?;
    let numbers: Vec<u32> = version.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    match numbers[..] {
        [major, minor] if (major, minor) >= OLDEST => Ok(sh::cmd("python3")),
        _ => bail!("{}; found {}", advice(), version.trim()),
    }
}

/// Whether `python3 -m venv` would work: Debian has the module's other half in a package of its own.
pub fn can_make_environments() -> bool {
    sh::read(sh::cmd("python3").args(["-c", "import venv, ensurepip"])).is_ok()
}

/// The Python that trains: `KINGLET_PYTHON`, or that of target/desk-venv, which is made and filled where it is missing
/// or models/desk/requirements.txt has changed (about 5 GB: PyTorch with its GPU libraries).
pub fn training() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("KINGLET_PYTHON") {
        return Ok(path.into());
    }
    environment("desk-venv", "models/desk/requirements.txt", "about 5 GB")
        .context("training needs these packages; KINGLET_PYTHON names a Python that has them")
}

/// The Python with a real server of models and the official definitions of telemetry: `KINGLET_REAL_PYTHON`, or that of
/// target/real-venv (about 140 MB).
pub fn real_servers() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("KINGLET_REAL_PYTHON") {
        return Ok(path.into());
    }
    environment("real-venv", "tests/web/support/real-llm.txt", "about 140 MB")
        .context("tests with real servers need these packages; KINGLET_REAL_PYTHON names a Python that has them")
}

/// An environment below target/, made and filled where it is missing or its list of packages has changed.
fn environment(name: &str, packages: &str, size: &str) -> Result<PathBuf> {
    let folder = sh::target_dir().join(name);
    let python = folder.join("bin/python");
    let list = sh::root().join(packages);
    let wanted = fs::read(&list).with_context(|| list.display().to_string())?;
    // Written last, so that an installation that was cut off is begun again.
    let stamp = folder.join("requirements.txt");
    if python.exists() && fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    println!(
        "installing the packages of {packages} into {} ({size})",
        folder.display()
    );
    sh::run(system()?.args(["-m", "venv", "--clear"]).arg(&folder))
        .context("on Debian, apt-get install python3-venv")?;
    let mut pip = sh::cmd(&python.to_string_lossy());
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        // Gigabytes of wheels that nothing else asks for again would lie beside what they hold.
        "--no-cache-dir",
        "-r",
    ]);
    sh::run(pip.arg(&list)).with_context(|| format!("the packages of {packages}"))?;
    fs::write(&stamp, &wanted).with_context(|| stamp.display().to_string())?;
    Ok(python)
}
