//! What must be on the machine; installed where that is possible, asked for by name where it is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{python, sh};

const WASM: &str = "wasm32-unknown-unknown";
/// The oldest Node.js that the scripts and tests are written for.
const NODE: u32 = 20;
/// Debian packages: the browser (with SwiftShader beside it), the lavapipe driver, the Vulkan loader; the other two
/// browsers, the screen that WebKit's needs, what apps/webview-linux is compiled with, and Python for the training's tests.
const PACKAGES: &[&str] = &[
    "chromium",
    "mesa-vulkan-drivers",
    "libvulkan1",
    "firefox-esr",
    "webkit2gtk-driver",
    "xvfb",
    "libwebkit2gtk-4.1-dev",
    "pkg-config",
    "make",
    "python3-venv",
];

/// A Vulkan driver for the GPU tests.
#[derive(Clone, Debug)]
pub struct Adapter {
    pub name: String,
    /// The driver's manifest; none means whatever the system has.
    icd: Option<PathBuf>,
}

/// Software drivers, each an independent implementation, and where their manifests may lie.
const ADAPTERS: &[(&str, &[&str])] = &[
    (
        "lavapipe",
        &[
            "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
            "/usr/share/vulkan/icd.d/lvp_icd.aarch64.json",
            "/usr/share/vulkan/icd.d/lvp_icd.json",
        ],
    ),
    (
        "swiftshader",
        &[
            "/usr/lib/chromium/vk_swiftshader_icd.json",
            "/usr/lib64/chromium-browser/vk_swiftshader_icd.json",
            "/opt/google/chrome/vk_swiftshader_icd.json",
        ],
    ),
];

impl Adapter {
    /// The driver's manifest, or null.
    pub fn manifest(&self) -> serde_json::Value {
        self.icd
            .as_ref()
            .map_or(serde_json::Value::Null, |icd| icd.to_string_lossy().into())
    }

    /// Makes `command` see this driver and no other.
    pub fn select(&self, command: &mut Command) -> Result<()> {
        if let Some(icd) = &self.icd {
            command.env("VK_DRIVER_FILES", icd).env("VK_ICD_FILENAMES", icd);
            command.env("KINGLET_ADAPTER", &self.name);
        }
        command.env("XDG_RUNTIME_DIR", runtime_dir()?);
        Ok(())
    }
}

/// The adapters called `names` (`system`: no choice is made), or all software ones.
pub fn adapters(names: &[String]) -> Result<Vec<Adapter>> {
    let all: Vec<String> = ADAPTERS.iter().map(|(name, _)| (*name).to_string()).collect();
    let names = if names.is_empty() { &all } else { names };
    names.iter().map(|name| adapter(name)).collect()
}

fn adapter(name: &str) -> Result<Adapter> {
    if name == "system" {
        return Ok(Adapter {
            name: name.into(),
            icd: None,
        });
    }
    let Some((_, manifests)) = ADAPTERS.iter().find(|(known, _)| *known == name) else {
        bail!("unknown adapter {name}: lavapipe, swiftshader or system");
    };
    let icd = manifests.iter().map(Path::new).find(|path| path.exists());
    let icd = icd.with_context(|| format!("no Vulkan driver {name}: looked for {}", manifests.join(", ")))?;
    Ok(Adapter {
        name: name.into(),
        icd: Some(icd.into()),
    })
}

/// The Chromium that browser tests drive: `KINGLET_CHROMIUM`, or the first one found.
pub fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("KINGLET_CHROMIUM") {
        return Some(path.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
    names.iter().find_map(|name| find_program(name))
}

/// The Firefox that browser tests drive: `KINGLET_FIREFOX`, or the first one found.
pub fn firefox() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("KINGLET_FIREFOX") {
        return Some(path.into());
    }
    ["firefox-esr", "firefox"].iter().find_map(|name| find_program(name))
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// A private directory for drivers that want one.
pub fn runtime_dir() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)
        && dir.is_dir()
    {
        return Ok(dir);
    }
    let dir = sh::target_dir().join("runtime");
    fs::create_dir_all(&dir).context("target/runtime")?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).context("target/runtime")?;
    }
    Ok(dir)
}

/// What the tests need and this machine lacks, for a message.
fn missing() -> String {
    let folders = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/lib64",
    ];
    let loader = folders.iter().any(|dir| Path::new(dir).join("libvulkan.so.1").exists());
    let drivers = adapter("lavapipe").is_ok() && adapter("swiftshader").is_ok();
    let needed = [
        ("Chromium", chromium().is_some()),
        ("the software Vulkan drivers lavapipe and SwiftShader", drivers),
        ("libvulkan.so.1", loader),
        ("Firefox", firefox().is_some()),
        ("WebKitWebDriver", find_program("WebKitWebDriver").is_some()),
        ("Xvfb", find_program("Xvfb").is_some()),
        ("WebKitGTK's headers, with make", has_webkit_headers()),
        ("Python with venv", python::can_make_environments()),
    ];
    let missing: Vec<_> = needed.iter().filter(|(_, have)| !have).map(|(what, _)| *what).collect();
    missing.join(", ")
}

fn has_webkit_headers() -> bool {
    let known = sh::cmd("pkg-config").args(["--exists", "webkit2gtk-4.1"]).output();
    known.is_ok_and(|out| out.status.success()) && find_program("make").is_some()
}

/// Browsers and software Vulkan drivers.
pub fn system() -> Result<()> {
    if missing().is_empty() {
        return Ok(());
    }
    let packages = PACKAGES.join(" ");
    if !(is_root() && Path::new("/etc/debian_version").exists() && find_program("apt-get").is_some()) {
        bail!(
            "missing: {}.\nOn Debian:  sudo apt-get update && sudo apt-get install {packages}\nElsewhere: Chromium or \
             Chrome, Mesa's lavapipe (often called mesa-vulkan-drivers or vulkan-swrast), the Vulkan loader, Firefox, \
             WebKitGTK (2.40 or newer, API 4.1) with its headers, WebKitWebDriver and MiniBrowser, make, pkg-config, Xvfb, \
             and Python with its module venv.",
            missing()
        );
    }
    println!("installing {packages} (missing: {})", missing());
    let apt = |args: &[&str]| sh::run(sh::cmd("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"));
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], PACKAGES].concat())?;
    if !missing().is_empty() {
        bail!("still missing after apt-get install {packages}: {}", missing());
    }
    Ok(())
}

fn is_root() -> bool {
    sh::read(sh::cmd("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

/// rustfmt and clippy of the toolchain in use.
pub fn rust_components() -> Result<()> {
    for (tool, component) in [("cargo-fmt", "rustfmt"), ("cargo-clippy", "clippy")] {
        if !sh::cmd(tool)
            .arg("--version")
            .output()
            .is_ok_and(|out| out.status.success())
        {
            sh::run(sh::cmd("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

/// The Rust standard library for the browser.
pub fn wasm_target() -> Result<()> {
    let sysroot = sh::read(sh::cmd("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(WASM).is_dir() {
        return Ok(());
    }
    sh::run(sh::cmd("rustup").args(["target", "add", WASM]))
        .with_context(|| format!("the Rust target {WASM} is missing: install rustup, or the target by hand"))
}

/// Node.js and the development tools of package-lock.json.
pub fn npm() -> Result<()> {
    let version = sh::read(sh::cmd("node").arg("--version"))
        .with_context(|| format!("Node.js {NODE} or newer is needed: https://nodejs.org"))?;
    let major = version.trim().trim_start_matches('v').split('.').next();
    let major: u32 = major.and_then(|m| m.parse().ok()).unwrap_or(0);
    if major < NODE {
        bail!("Node.js {NODE} or newer is needed, found {}", version.trim());
    }
    // The lock file that was installed last is kept beside the modules, so that an unchanged one costs nothing.
    let lock = fs::read(sh::root().join("package-lock.json")).context("package-lock.json")?;
    let stamp = sh::root().join("node_modules/.kinglet-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    sh::run(sh::cmd("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    fs::write(&stamp, &lock).context("node_modules")
}
