//! `kinglet verify`: everything that can be said about one model file on this machine, as one JSON report.

use std::io::Read;
use std::path::Path;

use kinglet::gguf::GgufFile;
use kinglet::text::{Bos, Special, Tokenizer};
use kinglet::{Error, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::args::{BackendArg, CacheArg, RunArgs};
use crate::run::{self, Score};
use crate::{open, output};

/// A paragraph of our own, for perplexity: ordinary English that no training set contains word for word.
const PARAGRAPH: &str = "The night train to the coast leaves at ten past nine, and on most evenings nobody notices it. \
Marta did, because her kitchen window looked over the bend where the driver always slowed down. She had counted the \
carriages every night for eleven years. On the first Monday of October there were seven instead of six, and the last \
one was dark. She put down the cup that she was drying, wrote the number on the calendar, and went to find her coat. \
By the time she reached the crossing, the signal had turned red and the train was standing still in the rain.";

/// Questions that any instruct model of this class answers; the check is a word that must occur.
const FACTS: [(&str, &str); 5] = [
    ("What is the capital of France? Answer with one word.", "paris"),
    ("What is 7 plus 5? Answer with a number only.", "12"),
    ("Which planet do we live on? Answer with one word.", "earth"),
    (
        "What colour do you get when you mix blue and yellow paint? Answer with one word.",
        "green",
    ),
    ("How many days are there in a week? Answer with a number only.", "7"),
];

/// Texts that a tokenizer must give back unchanged.
const ROUND_TRIPS: [&str; 6] = [
    "Hello, world!",
    "  two leading spaces, a tab\tand a line\nbreak",
    "na\u{ef}ve caf\u{e9} \u{2014} \u{201c}quotes\u{201d}",
    "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{30c6}\u{30ad}\u{30b9}\u{30c8}",
    "\u{1f642}\u{1f44d}\u{1f3fd} emoji",
    "fn main() { println!(\"{}\", 3.14159); }",
];

/// Context that the checks allocate: small, so that the report also comes from small machines.
const CONTEXT: usize = 512;

/// Tokens compared between CPU and GPU: a software adapter needs seconds for each.
const COMPARED: usize = 24;

/// Largest difference of a nll between CPU and GPU that counts as agreement (f16 cache on both).
const AGREEMENT: f32 = 0.05;

pub fn verify(file: &Path, cpu_only: bool) -> Result<()> {
    let gguf = open::gguf(file)?;
    let tokenizer = Tokenizer::from_gguf(gguf.metadata())?;
    let context = CONTEXT.min(kinglet::model::arch::config(gguf.metadata(), gguf.tensors())?.n_ctx_train);
    let args = |backend, exact| RunArgs {
        backend,
        ctx: Some(context),
        cache: CacheArg::F16,
        batch: None,
        ignore_window: false,
        exact,
        threads: None,
        speculation: "off".into(),
        proposals: None,
    };
    let mut engine = run::load_engine(&gguf, &args(BackendArg::Cpu, false))?;
    let mut ids = tokenizer.encode(PARAGRAPH, Special::AsText, Bos::Auto)?;
    ids.truncate(context);
    let score = Score::of(&mut engine, ids.clone())?;
    drop(engine); // the weights are loaded again for the answers: never twice at once

    ids.truncate(COMPARED);
    let agreement = if cpu_only {
        json!({"skipped": "--cpu-only"})
    } else {
        agreement(&gguf, [args(BackendArg::Cpu, true), args(BackendArg::Gpu, false)], ids)
    };
    output::line(&json!({
        "kinglet": env!("CARGO_PKG_VERSION"),
        "files": checksums(file)?,
        "model": {
            "name": gguf.metadata().str("general.name")?,
            "architecture": gguf.metadata().str("general.architecture")?,
            "tensors": gguf.tensors().len(),
        },
        "tokenizer": tokenizer_check(&tokenizer)?,
        "perplexity": {"tokens": score.ids.len(), "value": score.perplexity()},
        // A template that fails is a finding; the rest of the report took minutes.
        "facts": facts(file, &args(BackendArg::Cpu, false)).unwrap_or_else(|e| json!({"right": 0, "of": FACTS.len(), "error": e.to_json()})),
        "cpu_against_gpu": agreement,
    }))
}

/// Size and SHA-256 of each file of the model.
fn checksums(file: &Path) -> Result<Vec<Value>> {
    open::paths(file)?
        .iter()
        .map(|path| {
            let name = path.display().to_string();
            let mut reader = std::fs::File::open(path).map_err(|e| output::io(&name, &e))?;
            let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
            loop {
                let n = reader.read(&mut buffer).map_err(|e| output::io(&name, &e))?;
                if n == 0 {
                    break;
                }
                hash.update(&buffer[..n]);
                bytes += n;
            }
            let digest: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
            let name = path.file_name().map_or(name, |n| n.to_string_lossy().into_owned());
            Ok(json!({"name": name, "bytes": bytes, "sha256": digest}))
        })
        .collect()
}

/// Text to ids and back.
fn tokenizer_check(tokenizer: &Tokenizer) -> Result<Value> {
    let mut failed = vec![];
    for text in ROUND_TRIPS {
        let ids = tokenizer.encode(text, Special::AsText, Bos::No)?;
        let back = tokenizer.decode(&ids, Special::Parse)?;
        if back != text {
            failed.push(json!({"text": text, "ids": ids, "back": back}));
        }
    }
    Ok(json!({"vocabulary": tokenizer.n_vocab(), "round_trips": ROUND_TRIPS.len(), "failed": failed}))
}

/// Greedy answers to simple questions. A model without a chat template is asked by plain continuation.
fn facts(file: &Path, args: &RunArgs) -> Result<Value> {
    let mut session = run::load_session(file, args)?;
    let chat = session.info().chat_template;
    let mut answers = vec![];
    for (question, word) in FACTS {
        let request = if chat {
            // Qwen 3 and its kind would spend all 16 tokens on thinking; other templates do not look at the variable.
            json!({"messages": [{"role": "user", "content": question}], "max_tokens": 16, "temperature": 0,
                "kinglet": {"chat_template_kwargs": {"enable_thinking": false}}})
        } else {
            json!({"prompt": format!("Question: {question}\nAnswer:"), "max_tokens": 16, "temperature": 0})
        };
        let text = run::answer(&mut session, &request)?.text;
        answers.push(json!({"question": question, "answer": text, "expected": word, "right": text.to_lowercase().contains(word)}));
    }
    let right = answers.iter().filter(|a| a["right"] == true).count();
    Ok(
        json!({"asked_as": if chat { "chat" } else { "completion (the file has no chat template)" }, "right": right, "of": FACTS.len(), "answers": answers}),
    )
}

/// The first tokens again in the CPU's exact mode and on the GPU, one after the other. No GPU, or too little memory on
/// it, is part of the report, not a failure.
fn agreement(gguf: &GgufFile, args: [RunArgs; 2], ids: Vec<u32>) -> Value {
    let [cpu, gpu] = args.map(|args| -> Result<_> {
        let mut engine = run::load_engine(gguf, &args)?;
        Ok((engine.info(), Score::of(&mut engine, ids.clone())?))
    });
    match cpu.and_then(|(_, cpu)| Ok((cpu, gpu?))) {
        Ok((cpu, (info, gpu))) => {
            let worst = gpu
                .nll
                .iter()
                .zip(&cpu.nll)
                .map(|(g, c)| (g - c).abs())
                .fold(0.0, f32::max);
            let same = gpu.argmax.iter().zip(&cpu.argmax).filter(|(g, c)| g == c).count();
            json!({"adapter": info, "tokens": gpu.nll.len(), "max_nll_difference": worst, "same_argmax": same, "agree": worst <= AGREEMENT})
        }
        Err(e @ (Error::GpuUnavailable { .. } | Error::TooLarge { .. })) => {
            json!({"skipped": e.to_string(), "error": e.to_json()})
        }
        Err(e) => json!({"agree": false, "error": e.to_json()}),
    }
}
