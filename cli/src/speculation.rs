//! `kinglet bench --compare`: what speculation brings, in pairs of answers with and without it.

use std::path::Path;

use kinglet::{Error, Result};
use serde_json::{Value, json};

use crate::args::{ModelArgs, RunArgs};
use crate::output;
use crate::run::{answer, load_session, read};

/// Of one request, one way.
#[derive(Default, Clone)]
struct Way {
    /// Milliseconds behind the first token, round by round summed.
    ms: f64,
    tokens: usize,
    drafted: u64,
    accepted: u64,
    text: String,
}

/// All requests in turn, so that no prompt is in a cache, with and without speculation in changing order; a first round warms
/// up and lets the pace learn.
pub fn compare(args: &ModelArgs, file: &Path, repeat: usize) -> Result<()> {
    let requests: Vec<Value> = read(file)?
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|e| Error::invalid("compare", "JSON lines", e)))
        .collect::<Result<_>>()?;
    let plain = RunArgs {
        speculation: "off".into(),
        ..args.run.clone()
    };
    let mut sessions = [load_session(&args.file, &plain)?, load_session(&args.file, &args.run)?];
    let mut found = vec![[Way::default(), Way::default()]; requests.len()];
    for round in 0..=repeat {
        for (request, ways) in requests.iter().zip(&mut found) {
            for which in [round % 2, 1 - round % 2] {
                let answer = answer(&mut sessions[which], request)?;
                if round == 0 {
                    ways[which].text = answer.text;
                    continue;
                }
                let count = |name: &str| answer.timings[name].as_u64().unwrap_or(0);
                let way = &mut ways[which];
                way.ms += answer.timings["decode_ms"].as_f64().unwrap_or(0.0);
                way.tokens += answer.ids.len().saturating_sub(1);
                way.drafted += count("drafted_tokens");
                way.accepted += count("accepted_tokens");
            }
            if ways[0].text != ways[1].text {
                return Err(Error::internal(format!(
                    "with speculation the answer is {:?}, without {:?}; no speed is reported",
                    ways[1].text, ways[0].text
                )));
            }
        }
    }
    for [plain, speculating] in &found {
        output::line(&figures(plain, speculating))?;
    }
    let sum = |which: usize| {
        found.iter().fold(Way::default(), |sum, ways| Way {
            ms: sum.ms + ways[which].ms,
            tokens: sum.tokens + ways[which].tokens,
            drafted: sum.drafted + ways[which].drafted,
            accepted: sum.accepted + ways[which].accepted,
            text: format!("all {}", found.len()),
        })
    };
    output::line(&figures(&sum(0), &sum(1)))
}

fn figures(plain: &Way, speculating: &Way) -> Value {
    let rate = |way: &Way| way.tokens as f64 / way.ms * 1e3;
    json!({
        "tokens": plain.tokens,
        "tokens_per_s": [rate(plain), rate(speculating)],
        "ratio": rate(speculating) / rate(plain),
        "drafted": speculating.drafted,
        "accepted": speculating.accepted,
        "text": plain.text,
    })
}
