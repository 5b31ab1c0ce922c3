//! `kinglet bench`: how fast a file runs here. Results are checked before they are timed.

use std::path::Path;

use kinglet::backend::gpu::Stats;
use kinglet::engine::{AnyEngine, GenerateOptions};
use kinglet::sampler::SamplerConfig;
use kinglet::session::{Request, Session};
use kinglet::{Error, Result, platform};
use pollster::block_on;
use serde_json::{Value, json};

use crate::args::ModelArgs;
use crate::run::{load_engine, load_session, read};
use crate::{constraint, open, output};

/// Figures of one run.
struct Run {
    ids: Vec<u32>,
    prefill_ms: f64,
    first_token_ms: f64,
    decode_ms: f64,
    counts: Option<Stats>,
}

pub fn bench(args: &ModelArgs, prompt_tokens: usize, generate: usize, repeat: usize) -> Result<()> {
    if prompt_tokens == 0 || generate < 2 || repeat == 0 {
        return Err(Error::invalid(
            "bench",
            "at least 1 prompt token, 2 tokens to generate and 1 repetition",
            "less",
        ));
    }
    let gguf = open::gguf(&args.file)?;
    let begin = platform::now_ms();
    let mut engine = load_engine(&gguf, &args.run)?;
    let load_ms = platform::now_ms() - begin;
    let prompt = prompt(prompt_tokens, engine.plan().config.n_vocab);

    // The first run warms up, and every later one must produce the same tokens: a bench that computes garbage
    // quickly is worth nothing.
    let expected = once(&mut engine, &prompt, generate)?.ids;
    let mut runs = Vec::with_capacity(repeat);
    for _ in 0..repeat {
        let run = once(&mut engine, &prompt, generate)?;
        if run.ids != expected {
            return Err(Error::internal(
                "two greedy runs over the same prompt disagree; no speed is reported",
            ));
        }
        runs.push(run);
    }
    let median = |of: fn(&Run) -> f64| median(runs.iter().map(of).collect());
    let per_token = |of: fn(&Stats) -> u64| runs[0].counts.map(|counts| of(&counts) as f64 / (generate - 1) as f64);
    let memory = engine.plan().memory;
    output::line(&json!({
        "file": args.file.display().to_string(),
        "backend": engine.info(),
        "prompt_tokens": prompt_tokens,
        "generated_tokens": generate,
        "repetitions": repeat,
        "load_ms": load_ms,
        "prefill_tokens_per_s": prompt_tokens as f64 / median(|r| r.prefill_ms) * 1e3,
        "decode_tokens_per_s": (generate - 1) as f64 / median(|r| r.decode_ms) * 1e3,
        "time_to_first_token_ms": median(|r| r.first_token_ms),
        "dispatches_per_token": per_token(|s| s.dispatches),
        "submits_per_token": per_token(|s| s.submits),
        "uploaded_bytes_per_token": per_token(|s| s.uploaded),
        "created_per_token": per_token(|s| s.created),
        "memory": {"weights": memory.weights, "cache": memory.cache, "activations": memory.activations},
        "peak_memory_bytes": peak_memory(),
    }))
}

/// The likeliest next tokens of each prompt (a line of `file`), `[[{token, logprob}]]`: what another backend, elsewhere, is
/// compared with.
pub fn likely(args: &ModelArgs, file: &Path) -> Result<()> {
    let mut session = load_session(&args.file, &args.run)?;
    let mut lists = Vec::new();
    for prompt in read(file)?.lines() {
        let ask = json!({"prompt": prompt, "max_tokens": 1, "temperature": 0, "logprobs": LIKELY});
        session.start(&Request::completion(&ask)?)?;
        while let Some(chunk) = block_on(session.next())? {
            for token in chunk.logprobs.into_iter().flat_map(|found| found.content) {
                let best = token.top_logprobs.unwrap_or_default();
                let list = best
                    .iter()
                    .map(|rival| json!({"token": rival.token, "logprob": rival.logprob}));
                lists.push(list.collect::<Vec<_>>());
            }
        }
    }
    output::line(&json!({"adapter": session.info().adapter, "lists": lists}))
}

/// How many.
const LIKELY: usize = 10;

/// Requests in turn, so that what slows the machine down for a while slows down all of them.
pub fn requests(args: &ModelArgs, file: &Path, repeat: usize) -> Result<()> {
    let text = read(file)?;
    let requests: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|e| Error::invalid("requests", "JSON lines", e)))
        .collect::<Result<_>>()?;
    let mut session = load_session(&args.file, &args.run)?;
    let mut rounds = Vec::new();
    for round in 0..=repeat {
        let times: Vec<f64> = requests
            .iter()
            .map(|request| processor_ms(&mut session, request))
            .collect::<Result<_>>()?;
        if round > 0 {
            rounds.push(times);
        }
    }
    output::line(&json!({"adapter": session.info().adapter, "rounds": rounds}))
}

/// What this thread computes for one token of an answer, from the first to the last.
fn processor_ms(session: &mut Session, request: &Value) -> Result<f64> {
    let request = Request::completion(request)?;
    let constraint = constraint::of(session, &request)?;
    session.start_under(&request, constraint)?;
    block_on(async {
        let mut begun = None;
        while session.next().await?.is_some() {
            begun = begun.or(thread_ms());
        }
        let steps = session.generated().len().saturating_sub(1).max(1);
        Ok(between(begun, thread_ms())? / steps as f64)
    })
}

/// From one moment of this thread to another.
pub fn between(begun: Option<f64>, now: Option<f64>) -> Result<f64> {
    let spent = begun.zip(now).map(|(begun, now)| now - begun);
    spent.ok_or_else(|| Error::internal("this system does not say how long a thread has computed"))
}

/// How long this thread has computed, where the system tells (Linux).
pub fn thread_ms() -> Option<f64> {
    // The account of a thread that runs is as old as the last tick, milliseconds; of one that slept it is exact.
    std::thread::sleep(std::time::Duration::from_nanos(1));
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(ns / 1e6)
}

/// Seeded ids all over the vocabulary (SplitMix64).
pub fn prompt(n: usize, n_vocab: usize) -> Vec<u32> {
    let mut state = 0x6b69_6e67u64;
    let id = |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n_vocab as u64) as u32
    };
    (0..n).map(id).collect()
}

/// The best token each time, and no stop token: the length is the caller's.
fn greedy(max_tokens: usize) -> GenerateOptions {
    let sampling = SamplerConfig {
        temperature: 0.0,
        ..SamplerConfig::default()
    };
    GenerateOptions {
        sampling,
        max_tokens,
        ..GenerateOptions::default()
    }
}

fn once(engine: &mut AnyEngine, prompt: &[u32], generate: usize) -> Result<Run> {
    engine.reset(); // nothing is taken from the cache
    block_on(async {
        let begin = platform::now_ms();
        engine.start(prompt, greedy(generate))?;
        while engine.prefill().await? {}
        let mut ids = Vec::with_capacity(generate);
        let mut first_token_ms = 0.0;
        let mut before = None;
        while let Some(token) = engine.next().await? {
            if ids.is_empty() {
                first_token_ms = platform::now_ms() - begin;
                before = engine.gpu_stats();
            }
            ids.push(token.id);
        }
        let counts = before
            .zip(engine.gpu_stats())
            .map(|(before, after)| since(before, after));
        let timings = engine.timings();
        Ok(Run {
            prefill_ms: timings.prefill_ms,
            first_token_ms,
            decode_ms: platform::now_ms() - begin - first_token_ms,
            counts,
            ids,
        })
    })
}

/// What was counted from one moment to another.
fn since(before: Stats, after: Stats) -> Stats {
    Stats {
        dispatches: after.dispatches - before.dispatches,
        submits: after.submits - before.submits,
        uploaded: after.uploaded - before.uploaded,
        created: after.created - before.created,
        ..after
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Largest resident size of this process so far, where the system tells (Linux).
fn peak_memory() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    json!(kib.map(|k| k * 1024))
}
