//! `cargo xtask release`: what is published, in one folder. Both packages as npm packs them, `site/` that any static host
//! serves from any path, and the checksums of it all; then npm is asked whether it would publish.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::pkg::{self, Profile};
use crate::{notices, sh, site, size};

/// What `cargo xtask release` was asked for.
pub struct Options {
    /// A tag of this repository that must name the version: what the workflow was started by.
    pub tag: Option<String>,
    /// Where this repository is: npm attests only what names its origin.
    pub repository: Option<String>,
    pub profile: Profile,
}

/// The checksums' file, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

/// Builds, checks and writes everything; returns the folder.
pub fn run(options: &Options) -> Result<PathBuf> {
    let version = version()?;
    if let Some(tag) = &options.tag {
        named(tag, &version, &fs::read_to_string(sh::root().join("CHANGELOG.md"))?)?;
    }
    pkg::compile(options.profile)?;
    if options.profile == Profile::Release {
        size::gate()?;
    }
    size::no_weights()?;
    notices::check()?;
    let out = write(options.repository.as_deref())?;
    publishable(&out)?;
    println!("\n{} is ready: {}", version, out.display());
    Ok(out)
}

/// Writes the folder from what is built.
pub fn write(repository: Option<&str>) -> Result<PathBuf> {
    let out = sh::target_dir().join("release-files");
    if out.is_dir() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    for package in pkg::PACKAGES {
        let packed = pack(&sh::root().join(package), &out)?;
        if let Some(url) = repository {
            from_repository(&packed, &out, url, package)?;
        }
    }
    let engine = of_engine(tarballs(&out)?).context("npm packed no kinglet")?;
    site::write(&out.join("site"), |folder| unpack(&engine, folder))?;
    sums(&out)?;
    Ok(out)
}

/// The tarball of a package's folder.
fn pack(package: &Path, out: &Path) -> Result<PathBuf> {
    let mut npm = sh::cmd("npm");
    npm.args(["pack", "--silent", "--pack-destination"])
        .arg(out)
        .arg(package);
    Ok(out.join(sh::read(&mut npm)?.trim()))
}

/// Packs a tarball anew with a manifest that says where it was made.
fn from_repository(tarball: &Path, out: &Path, url: &str, folder: &str) -> Result<()> {
    let stage = out.join("stage");
    unpack(tarball, &stage)?;
    let manifest = stage.join("package.json");
    let mut fields: Value = serde_json::from_str(&fs::read_to_string(&manifest)?).context("package.json")?;
    fields["repository"] = json!({ "type": "git", "url": format!("git+{url}.git"), "directory": folder });
    fs::write(&manifest, format!("{}\n", serde_json::to_string_pretty(&fields)?))?;
    pack(&stage, out)?;
    fs::remove_dir_all(stage).context("stage")
}

fn unpack(tarball: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut tar = sh::cmd("tar");
    tar.arg("-xzf").arg(tarball).arg("-C").arg(to);
    sh::run(tar.arg("--strip-components=1"))
}

/// The tarball of the engine: its version follows its name, whatever the folders are called.
fn of_engine(tarballs: Vec<PathBuf>) -> Option<PathBuf> {
    tarballs.into_iter().find(|path| {
        path.file_name()
            .and_then(|name| name.to_string_lossy().strip_prefix("kinglet-").map(str::to_owned))
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

fn tarballs(out: &Path) -> Result<Vec<PathBuf>> {
    let mut found = sh::files(out)?;
    found.retain(|path| path.extension().is_some_and(|e| e == "tgz"));
    Ok(found)
}

fn sums(out: &Path) -> Result<()> {
    let mut text = String::new();
    for file in sh::files(out)? {
        let digest = Sha256::digest(fs::read(&file)?);
        writeln!(text, "{}  {}", sh::hex(&digest), sh::address(&file, out))?;
    }
    fs::write(out.join(SUMS), text).context(SUMS)
}

/// Asks npm of each tarball in the folder what it would do.
pub fn publishable(out: &Path) -> Result<()> {
    let tarballs = tarballs(out)?;
    if tarballs.len() != pkg::PACKAGES.len() {
        bail!(
            "{} tarballs, expected one for each of {:?}",
            tarballs.len(),
            pkg::PACKAGES
        );
    }
    tarballs.iter().try_for_each(|tarball| try_publishing(tarball))
}

/// No registry is asked: a version that is published already is for the workflow to find, which must be able to run twice.
const NOBODY: [&str; 2] = ["--registry=http://127.0.0.1:9", "--fetch-retries=0"];

/// A manifest that npm would correct is an error here. npm looks at manifests of folders only, so the tarball is unpacked.
fn try_publishing(tarball: &Path) -> Result<()> {
    let stage = tarball.with_extension("tried");
    unpack(tarball, &stage)?;
    let manifest: Value = serde_json::from_str(&fs::read_to_string(stage.join("package.json"))?)?;
    let mut npm = sh::cmd("npm");
    npm.args(["publish", "--dry-run", "--ignore-scripts", "--access=public"])
        .args(NOBODY)
        .arg(&stage);
    let out = npm.output().context("cannot start npm")?;
    fs::remove_dir_all(&stage).context("stage")?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    if !out.status.success() || said.contains("auto-corrected") {
        bail!("{}: {}", sh::show(&npm), said.trim());
    }
    // A dry run says nothing of this.
    if manifest["private"] != Value::Null {
        bail!("{} is private", manifest["name"]);
    }
    println!("npm would publish {}", String::from_utf8_lossy(&out.stdout).trim());
    Ok(())
}

/// The version that all manifests agree on.
fn version() -> Result<String> {
    let cargo = fs::read_to_string(sh::root().join("Cargo.toml")).context("Cargo.toml")?;
    let (_, rest) = cargo
        .split_once("[workspace.package]\nversion = \"")
        .context("Cargo.toml names no version")?;
    let version = rest.split('"').next().unwrap_or("").to_string();
    numbers(&version)?;
    for package in pkg::PACKAGES {
        let path = sh::root().join(package).join("package.json");
        let manifest: Value =
            serde_json::from_str(&fs::read_to_string(&path)?).with_context(|| path.display().to_string())?;
        if manifest["version"] != version.as_str() {
            bail!(
                "{package}/package.json has version {}, Cargo.toml {version}: set both to one",
                manifest["version"]
            );
        }
        let desk = &manifest["peerDependencies"]["kinglet-desk"];
        if !desk.is_null() && *desk != format!("^{version}") {
            bail!("{package}/package.json wants kinglet-desk {desk}, expected \"^{version}\"");
        }
    }
    Ok(version)
}

/// Fails unless a version is three numbers: one of trial ("1.0.0-rc.1") would become what `npm install` takes.
fn numbers(version: &str) -> Result<()> {
    let number = |part: &str| {
        part == "0" || !part.starts_with('0') && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
    };
    if version.split('.').count() != 3 || !version.split('.').all(number) {
        bail!("Cargo.toml has version {version:?}: what is published is three numbers, X.Y.Z");
    }
    Ok(())
}

/// Fails unless a tag names the version and the changelog has a section for it.
fn named(tag: &str, version: &str, changelog: &str) -> Result<()> {
    if tag.strip_prefix('v') != Some(version) {
        bail!("the tag {tag} is not v{version}, the version of the manifests");
    }
    let heading = format!("## {version}");
    if !changelog
        .lines()
        .any(|line| line == heading || line.starts_with(&format!("{heading} ")))
    {
        bail!("CHANGELOG.md has no section \"{heading}\"");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_manifests_have_one_version() -> Result<()> {
        numbers(&version()?)
    }

    #[test]
    fn a_version_is_three_numbers() {
        for fine in ["0.1.0", "10.20.30"] {
            assert!(numbers(fine).is_ok(), "{fine}");
        }
        for other in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.2.3-rc.1",
            "1.2.3+4",
            "1.2.x",
            "1..3",
            "01.2.3",
            " 1.2.3",
            "v1.2.3",
        ] {
            assert!(numbers(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn the_engine_is_known_by_its_file_name() {
        let desk = PathBuf::from("/desk/kinglet-0/kinglet-desk-0.1.0.tgz");
        let engine = PathBuf::from("/desk/kinglet-0/kinglet-0.1.0.tgz");
        assert_eq!(of_engine(vec![desk.clone(), engine.clone()]), Some(engine));
        assert_eq!(of_engine(vec![desk]), None);
    }

    #[test]
    fn what_is_private_or_npm_would_correct_is_refused() -> Result<()> {
        let folder = sh::target_dir().join("release-refused");
        for (manifest, fine) in [
            (r#"{"name": "kinglet-example", "version": "0.1.0"}"#, true),
            (r#"{"name": "typescript", "version": "5.0.2"}"#, true),
            (r#"{"name": "kinglet-example", "version": "0.1"}"#, false),
            (
                r#"{"name": "kinglet-example", "version": "0.1.0", "private": true}"#,
                false,
            ),
            (
                r#"{"name": "kinglet-example", "version": "0.1.0", "bin": "./run.js", "repository": "a/b"}"#,
                false,
            ),
        ] {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(folder.join("package"))?;
            fs::write(folder.join("package/package.json"), manifest)?;
            fs::write(folder.join("package/run.js"), "")?;
            let packed = pack(&folder.join("package"), &folder)?;
            assert_eq!(try_publishing(&packed).is_ok(), fine, "{manifest}");
        }
        fs::remove_dir_all(folder).context("release-refused")
    }

    #[test]
    fn a_tarball_is_told_where_it_was_made() -> Result<()> {
        let folder = sh::target_dir().join("release-test");
        let _ = fs::remove_dir_all(&folder);
        let (package, out) = (folder.join("package"), folder.join("out"));
        fs::create_dir_all(&package)?;
        fs::create_dir_all(&out)?;
        fs::write(
            package.join("package.json"),
            r#"{"name": "example", "version": "1.0.0", "type": "module"}"#,
        )?;
        fs::write(package.join("index.js"), "")?;
        let tarball = pack(&package, &out)?;
        from_repository(&tarball, &out, "https://example.org/a/b", "pkg")?;
        assert_eq!(
            sh::files(&out)?,
            std::slice::from_ref(&tarball),
            "one tarball, and nothing left beside it"
        );
        unpack(&tarball, &folder.join("again"))?;
        let manifest: Value = serde_json::from_str(&fs::read_to_string(folder.join("again/package.json"))?)?;
        assert_eq!(manifest["repository"]["url"], "git+https://example.org/a/b.git");
        assert_eq!(
            (&manifest["type"], &manifest["repository"]["directory"]),
            (&json!("module"), &json!("pkg"))
        );
        assert!(folder.join("again/index.js").is_file());
        fs::remove_dir_all(folder).context("release-test")
    }

    #[test]
    fn a_tag_names_version_and_changes() {
        let changelog = "# Changelog\n\n## 1.2.3 (a day)\n\n- x\n";
        assert!(named("v1.2.3", "1.2.3", changelog).is_ok());
        for (tag, version) in [("1.2.3", "1.2.3"), ("v1.2.4", "1.2.3"), ("v1.2", "1.2")] {
            assert!(named(tag, version, changelog).is_err(), "{tag} {version}");
        }
    }
}
