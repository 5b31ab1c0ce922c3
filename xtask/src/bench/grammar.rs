//! `cargo xtask bench --grammar`: by how much grammars slow decode down; benches/grammar.mjs says how it is measured.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::measured;
use crate::args::Args;
use crate::{pkg, sh};

/// Vocabularies of the shared data: a small, a usual and a large one.
const VOCABULARIES: [(&str, &str); 3] = [
    ("stories260K", "data/models/stories260K-f32.gguf"),
    ("Phi-3", "data/vocab/ggml-vocab-phi-3.gguf"),
    ("Llama 3", "data/vocab/rebuilt-vocab-llama-bpe.gguf"),
];

/// Measures with the package as it is shipped, unless `--no-build`; `--save NAME` writes benches/results/NAME.json;
/// `--vocabularies` and `--places` (native, wasm, browser) choose some of them.
pub fn run(mut args: Args) -> Result<()> {
    let rounds: u32 = match args.value("--rounds")? {
        Some(text) => text.parse().with_context(|| format!("--rounds {text}"))?,
        None => 9,
    };
    let (only, places) = (args.list("--vocabularies")?, args.list("--places")?);
    let (save, built) = (args.value("--save")?, args.flag("--no-build"));
    args.done()?;
    if rounds == 0 {
        bail!("--rounds: at least 1");
    }
    if !built {
        sh::run(sh::cargo().args(["build", "--release", "--package=kinglet-cli"]))?;
        pkg::compile(pkg::Profile::Release)?;
    }
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only.iter().any(|o| o == name));
    let vocabularies: Vec<Value> = VOCABULARIES
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, path)| json!({"name": name, "path": sh::shared().join(path)}))
        .collect();
    let tool = sh::target_dir().join("release/kinglet");
    let ask = json!({"rounds": rounds, "tool": tool, "vocabularies": vocabularies, "places": places});
    let mut figures = measured(sh::node("benches/grammar.mjs").arg(ask.to_string()))?;
    figures["command"] = "cargo xtask bench --grammar".into();
    print(&figures);
    if let Some(name) = save {
        let path = sh::root().join(format!("benches/results/{name}.json"));
        fs::write(&path, format!("{figures:#}\n")).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// A line for each way: what a token takes, and how much more that is than without a grammar.
fn print(figures: &Value) {
    let entries = |value: &Value| value.as_object().cloned().unwrap_or_default();
    for (vocabulary, places) in entries(&figures["vocabularies"]) {
        for (place, samplers) in entries(&places) {
            println!("\n{vocabulary}, {place}");
            for (sampler, ways) in entries(&samplers) {
                for (way, found) in entries(&ways) {
                    let number = |value: &Value| value.as_f64().map_or_else(|| "-".into(), |n| format!("{n:.1}"));
                    let [ms, slower, low, high] = [
                        &found["ms_per_token"],
                        &found["slower_percent"],
                        &found["interval_95"][0],
                        &found["interval_95"][1],
                    ]
                    .map(number);
                    println!("{sampler:8} {way:20} {ms:>6} ms {slower:>6} % ({low} to {high})");
                }
            }
        }
    }
}
