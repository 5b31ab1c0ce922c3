//! `cargo xtask bench --runner …`: kernels and models on the GPU, natively, on Dawn in Node, in Chromium and in Firefox.
//! docs/benchmarks.md says what is measured; benches/gpu measures, this builds what is measured and keeps the results.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::args::Args;
use crate::shape::{self, Mix};
use crate::{pkg, setup, sh};

const RUNNERS: [&str; 4] = ["native", "node", "chromium", "firefox"];

/// Measures with each of `runners`; every other option is in docs/benchmarks.md.
pub fn run(runners: &[String], mut args: Args) -> Result<()> {
    let command = format!("cargo xtask bench --runner {} {}", runners.join(","), typed(&args.0));
    if let Some(other) = runners.iter().find(|name| !RUNNERS.contains(&name.as_str())) {
        bail!("--runner {other}: {}", RUNNERS.join(", "));
    }
    let adapters = setup::adapters(&args.values("--adapter")?)?;
    let (save, built) = (args.value("--save")?, args.flag("--no-build"));
    let profile = args.profile();
    let kernels = args.value("--kernels")?.map(|text| plan(&text)).transpose()?;
    let model = model(&mut args)?;
    let ask = json!({
        "command": command.trim(),
        "commit": commit()?,
        "runners": places(runners, &adapters)?,
        "kernels": kernels,
        "broken": args.flag("--broken"),
        "model": model.as_ref().map(|(file, _)| file),
        "bytes_per_token": model.as_ref().and_then(|(_, bytes)| *bytes),
        "against": absolute(args.value("--against")?)?,
        "peer": args.flag("--peer"),
        "reference": args.value("--reference")?,
        "contexts": numbers(&mut args, "--contexts", &[0])?,
        "prompt": number(&mut args, "--prompt", 128)?,
        "generate": number(&mut args, "--generate", 16)?,
        "rounds": number(&mut args, "--rounds", 5)?,
        "tool": tool(profile),
        "meter": sh::target_dir().join("bench-wasm"),
    });
    args.done()?;
    if kernels.is_none() && model.is_none() {
        bail!("nothing to measure: --kernels PLAN, --model FILE or --shape SIZE");
    }
    setup::system()?;
    if !built {
        build(runners, profile, kernels.is_some(), model.is_some())?;
    }
    let mut script = sh::node("benches/gpu/run.mjs");
    script
        .arg(ask.to_string())
        .env("XDG_RUNTIME_DIR", setup::runtime_dir()?);
    for (name, found) in [
        ("KINGLET_CHROMIUM", setup::chromium()),
        ("KINGLET_FIREFOX", setup::firefox()),
    ] {
        script.envs(found.map(|path| (name, path)));
    }
    let text = sh::read(&mut script)?;
    let found: Value = serde_json::from_str(text.trim()).with_context(|| format!("not JSON: {text}"))?;
    if let Some(name) = save {
        let path = sh::root().join(format!("benches/results/gpu-{name}.json"));
        fs::write(&path, format!("{found:#}\n")).with_context(|| path.display().to_string())?;
        println!("{}", path.display());
        return sh::run(&mut sh::node("benches/gpu/report.mjs"));
    }
    println!("{found:#}");
    Ok(())
}

/// A plan of kernels: `full`, `quick` (one shape), or JSON.
fn plan(text: &str) -> Result<Value> {
    match text {
        "full" => Ok(json!({})),
        "quick" => Ok(json!({
            "formats": ["Q4_0", "Q4_K", "Q6_K", "Q8_0"],
            "matrices": [["matmul", 3072, 9216], ["gate_up", 3072, 16384]],
            "contexts": [256, 1024],
            "rounds": 5,
            "budget_ms": 1500,
            "rotate": 100_663_296,
        })),
        json => serde_json::from_str(json).context("--kernels: full, quick, or a plan in JSON"),
    }
}

/// The file to run, and how many bytes of weights a token reads of it, where that is known.
fn model(args: &mut Args) -> Result<Option<(PathBuf, Option<u64>)>> {
    let (file, size) = (args.value("--model")?, args.value("--shape")?);
    let format = args.value("--format")?;
    match (file, size) {
        (Some(file), None) => Ok(Some((fs::canonicalize(&file).context(file)?, None))),
        (None, Some(size)) => {
            let (shape, mix) = (shape::named(&size)?, Mix::named(format.as_deref().unwrap_or("Q4_K_M"))?);
            Ok(Some((shape.ensure(mix)?, Some(shape.bytes_per_token(mix)))))
        }
        (None, None) => Ok(None),
        _ => bail!("--model FILE or --shape SIZE, not both"),
    }
}

/// Where to measure: natively and on Dawn once on each adapter that is named.
fn places(runners: &[String], adapters: &[setup::Adapter]) -> Result<Vec<Value>> {
    let mut places = Vec::new();
    for runner in runners {
        for adapter in adapters {
            // Dawn refuses lavapipe; a browser comes with a driver, unless it is to take the system's.
            let fits = match runner.as_str() {
                "native" => true,
                "firefox" => adapter.name != "swiftshader",
                _ => adapter.name != "lavapipe",
            };
            if fits {
                places.push(json!({"runner": runner, "adapter": adapter.name, "driver": adapter.manifest()}));
            }
        }
    }
    if places.is_empty() {
        bail!("none of these runners has one of these adapters");
    }
    Ok(places)
}

fn build(runners: &[String], profile: pkg::Profile, kernels: bool, model: bool) -> Result<()> {
    let mut cargo = sh::cargo();
    cargo.args(["build", "--package=kinglet-cli"]);
    if profile == pkg::Profile::Release {
        cargo.arg("--release");
    }
    sh::run(&mut cargo)?;
    let hosted = runners.iter().any(|name| name != "native");
    if hosted && kernels {
        pkg::meter()?;
    }
    if hosted && model {
        pkg::compile(profile)?;
    }
    Ok(())
}

fn tool(profile: pkg::Profile) -> PathBuf {
    let folder = if profile == pkg::Profile::Release {
        "release"
    } else {
        "debug"
    };
    sh::target_dir().join(folder).join("kinglet")
}

/// The commit that is measured, with a `+` where files differ from it.
fn commit() -> Result<String> {
    let git = |args: &[&str]| sh::read(sh::cmd("git").args(args));
    let dirty = if git(&["status", "--porcelain"])?.trim().is_empty() {
        ""
    } else {
        "+"
    };
    Ok(format!("{}{dirty}", git(&["rev-parse", "--short=12", "HEAD"])?.trim()))
}

/// The arguments as one types them, for the results: in quotes where a shell would take them apart, and without the names
/// of folders of this machine.
fn typed(args: &[String]) -> String {
    let place = |before: Option<&String>| match before.map(String::as_str) {
        Some("--against") => Some("DIR"),
        Some("--model") => Some("FILE"),
        _ => None,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,/:=".contains(c);
    let words = args.iter().enumerate().map(|(at, arg)| {
        let before = at.checked_sub(1).map(|at| &args[at]);
        match place(before) {
            Some(place) => place.to_string(),
            None if arg.chars().all(plain) => arg.clone(),
            None => format!("'{arg}'"),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn absolute(folder: Option<String>) -> Result<Option<PathBuf>> {
    folder
        .map(|folder| fs::canonicalize(&folder).context(folder))
        .transpose()
}

fn number(args: &mut Args, name: &str, default: u32) -> Result<u32> {
    let found = args.value(name)?;
    found.map_or(Ok(default), |text| {
        text.parse().with_context(|| format!("{name} {text}"))
    })
}

fn numbers(args: &mut Args, name: &str, default: &[u32]) -> Result<Vec<u32>> {
    let parse = |text: &String| text.parse().with_context(|| format!("{name} {text}"));
    let found = args.list(name)?;
    found.map_or(Ok(default.to_vec()), |list| list.iter().map(parse).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_command_can_be_typed_and_names_no_folder() {
        let args = [
            "--against",
            "../before/pkg",
            "--kernels",
            r#"{"formats":["Q4_0"]}"#,
            "--model",
            "a b.gguf",
            "--save",
            "x-0.65",
        ];
        assert_eq!(
            typed(&args.map(String::from)),
            r#"--against DIR --kernels '{"formats":["Q4_0"]}' --model FILE --save x-0.65"#
        );
    }
}
