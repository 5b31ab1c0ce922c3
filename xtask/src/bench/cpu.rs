//! `cargo xtask bench --backend cpu`: the CPU backend in Chromium, paired with wllama. docs/benchmarking.md says what is
//! measured; benches/cpu measures one file with one number of threads, this chooses them and keeps the results.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::results::Results;
use super::table;
use crate::args::Args;
use crate::shape::{self, Mix, Shape};
use crate::{pkg, setup, sh};

/// Tokens of context that both engines allocate.
const CONTEXT: u32 = 2048;
/// Tokens of the prompt whose reading is timed; benches/cpu/run.mjs has the same.
const PROMPT_TOKENS: u32 = 128;

struct Options {
    params: Vec<&'static Shape>,
    /// None: all that wllama's 4 GB hold of a size.
    formats: Option<Vec<Mix>>,
    threads: Vec<u32>,
    rounds: u32,
    /// Fresh browsers per engine, for load time and memory.
    loads: u32,
    /// Tokens after the first, timed; none: by size.
    generate: Option<u32>,
    first_token_prompts: Vec<u32>,
    /// Seconds that the time to the first token of one length of prompt may take, all rounds together.
    budget_s: u32,
    /// Give kinglet a file with zeroed weights: the validation must fail.
    broken: bool,
    /// Stop after the validation.
    validate_only: bool,
    /// A Python with llama-cpp-python, for a column of native llama.cpp.
    llama_cpp: Option<PathBuf>,
    /// Name below benches/results.
    save: Option<String>,
    /// Measure again what the file has already.
    again: bool,
    /// None: the package is used as it lies there.
    profile: Option<pkg::Profile>,
}

impl Options {
    fn parse(mut args: Args) -> Result<Options> {
        let numbers = |list: Option<Vec<String>>, default: &[u32]| -> Result<Vec<u32>> {
            let parse = |text: &String| text.parse().with_context(|| format!("no number: {text}"));
            list.map_or(Ok(default.to_vec()), |list| list.iter().map(parse).collect())
        };
        let params = args.list("--params")?.unwrap_or_else(|| vec!["0.13".into()]);
        let named = |list: Vec<String>| list.iter().map(|name| Mix::named(name)).collect::<Result<_>>();
        let formats = args.list("--formats")?.map(named).transpose()?;
        let mut number = |name: &str, default| match args.value(name)? {
            Some(text) => text.parse().with_context(|| format!("{name} {text}")),
            None => Ok(default),
        };
        let (rounds, loads) = (number("--rounds", 7)?, number("--loads", 3)?);
        let (budget_s, generate) = (number("--budget", 240)?, number("--generate", 0)?);
        let options = Options {
            params: params.iter().map(|name| shape::named(name)).collect::<Result<_>>()?,
            formats,
            threads: numbers(args.list("--threads")?, &[1, 2])?,
            rounds,
            loads,
            generate: (generate > 0).then_some(generate),
            first_token_prompts: numbers(args.list("--context-tokens")?, &[64, 512, 1024])?,
            budget_s,
            broken: args.flag("--broken"),
            validate_only: args.flag("--validate-only"),
            llama_cpp: args.value("--llama-cpp")?.map(PathBuf::from),
            save: args.value("--save")?,
            again: args.flag("--again"),
            profile: (!args.flag("--no-build")).then(|| args.profile()),
        };
        args.done()?;
        if rounds == 0 || loads == 0 || options.threads.contains(&0) {
            bail!("--rounds, --loads and --threads: at least 1");
        }
        if options.first_token_prompts.iter().any(|n| !(2..CONTEXT).contains(n)) {
            bail!("--context-tokens: 2 to {}", CONTEXT - 1);
        }
        Ok(options)
    }
}

/// Measures every file with every number of threads.
pub fn run(args: Args) -> Result<()> {
    let options = Options::parse(args)?;
    setup::system()?;
    options.profile.map_or(Ok(()), pkg::compile)?;
    let mut results = Results::open(options.save.as_deref())?;
    for shape in &options.params {
        for mix in options.formats.as_deref().unwrap_or(shape.mixes()) {
            for &threads in &options.threads {
                let cell = format!("{} B {}, {threads} threads", shape.params, mix.name());
                if !options.again && results.has(&cell, options.rounds) {
                    println!("{cell}: measured before");
                } else {
                    println!("{cell}");
                    let figures = measure(&options, shape, *mix, threads)?;
                    if options.validate_only {
                        continue;
                    }
                    results.put(&cell, figures)?;
                }
                table::print(&cell, results.get(&cell));
            }
        }
    }
    Ok(())
}

fn measure(options: &Options, shape: &Shape, mix: Mix, threads: u32) -> Result<Value> {
    let file = shape.ensure(mix)?;
    // A large model's token takes a second in the slower engine.
    let generate = options.generate.unwrap_or(if shape.params == "3.8" { 16 } else { 32 });
    let ask = json!({
        "file": file,
        "threads": threads,
        "context": CONTEXT,
        "rounds": options.rounds,
        "loads": options.loads,
        "generate": generate,
        "first_token_prompts": options.first_token_prompts,
        "budget_s": options.budget_s,
        "bytes_per_token": shape.bytes_per_token(mix),
        "matrices": shape.matrices(mix),
        "broken": options.broken,
        "validate_only": options.validate_only,
    });
    let mut command = sh::node("benches/cpu/run.mjs");
    command
        .arg(ask.to_string())
        .env("XDG_RUNTIME_DIR", setup::runtime_dir()?);
    if let Some(chromium) = setup::chromium() {
        command.env("KINGLET_CHROMIUM", chromium);
    }
    let mut figures = parse(&sh::read(&mut command)?)?;
    figures["rounds"] = options.rounds.into();
    figures["file_bytes"] = std::fs::metadata(&file)?.len().into();
    figures["bytes_per_token"] = ask["bytes_per_token"].clone();
    if let Some(python) = &options.llama_cpp {
        let mut command = sh::cmd(&python.to_string_lossy());
        command.arg("tools/llama_cpp_speed.py").arg(&file);
        command.args([threads, PROMPT_TOKENS, generate, options.rounds].map(|n| n.to_string()));
        figures["llama_cpp"] = parse(&sh::read(&mut command)?)?;
    }
    Ok(figures)
}

/// The last line that a script prints.
fn parse(out: &str) -> Result<Value> {
    let line = out.trim().lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))
}
