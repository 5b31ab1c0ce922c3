//! `kinglet bench --signals`: what signals and decision cost, in pairs of short answers with and without them.

use kinglet::Result;
use kinglet::session::{Request, Session, Signals};
use kinglet_route::router::{self, Router};
use pollster::block_on;
use serde_json::{Value, json};

use crate::args::ModelArgs;
use crate::bench::{between, median, prompt, thread_ms};
use crate::output;
use crate::run::load_session;

/// Ways of sampling, each of which reads something else of a row of logits: the best, the 64 best, all.
const WAYS: [(&str, f64, f64); 3] = [
    ("greedy", 0.0, 1.0),
    ("top_p 0.9", 1.0, 0.9),
    ("temperature 1", 1.0, 1.0),
];

/// A policy with all parts of a decision: a target, a remote model with prices, an end in doubt.
const POLICY: &str = r#"{"remotes": [{"name": "big", "price": {"inputPerMillion": 2500000, "outputPerMillion": 10000000,
    "currency": "USD", "asOf": "2026-11-22"}, "contextWindow": 128000}],
    "escalation": {"target": {"risk": 0.05, "confidence": 0.9}, "maxRate": 0.3, "abort": {"grace": 16, "windowBelow": -100}}}"#;

/// What the engine would be known by.
const BINDING: &str = r#"{"model_hash": "m", "quantization": "Q4_0", "tokenizer_hash": "t", "template_hash": "c",
    "sampler": "greedy", "signal_version": 1}"#;

/// Decisions whose median time counts.
const DECISIONS: usize = 201;

/// Of `repeat` pairs for each way, one answer of `generate` tokens with signals and one without, in changing order.
pub fn signals(args: &ModelArgs, prompt_tokens: usize, generate: usize, repeat: usize) -> Result<()> {
    let mut session = load_session(&args.file, &args.run)?;
    let ids = prompt(prompt_tokens, session.info().vocabulary);
    let banned: Value = (session.tokenizer().eog().iter())
        .map(|id| (id.to_string(), json!(-100)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut found = serde_json::Map::new();
    let mut last = None;
    for (way, temperature, top_p) in WAYS {
        let body = |signals: bool| {
            let own = match signals {
                true => json!({"signals": true, "abort": {"window_below": -100}}),
                false => json!({}),
            };
            json!({"prompt": ids, "max_tokens": generate, "temperature": temperature, "top_p": top_p, "seed": 1,
                "logit_bias": banned, "kinglet": own})
        };
        let requests = [Request::completion(&body(false))?, Request::completion(&body(true))?];
        for request in &requests {
            last = answer(&mut session, request)?.1.or(last); // warms up
        }
        let (mut alone, mut ratios) = (Vec::new(), Vec::new());
        for pair in 0..repeat {
            let mut ms = [0.0; 2];
            for which in [pair % 2, 1 - pair % 2] {
                ms[which] = answer(&mut session, &requests[which])?.0;
            }
            alone.push(ms[0]);
            ratios.push((ms[1] / ms[0] - 1.0) * 100.0);
        }
        let [low, high] = interval(&ratios);
        found.insert(
            way.into(),
            json!({"ms_per_token": median(alone), "slower_percent": median(ratios), "interval_95": [low, high]}),
        );
    }
    output::line(&json!({
        "file": args.file.display().to_string(),
        "adapter": session.info().adapter,
        "prompt_tokens": prompt_tokens,
        "generated_tokens": generate,
        "pairs": repeat,
        "decode": found,
        "decision_ms": decision(&last.unwrap_or_default())?,
    }))
}

/// Milliseconds that this thread computed for each token after the first, and the signals.
fn answer(session: &mut Session, request: &Request) -> Result<(f64, Option<Signals>)> {
    session.start(request)?;
    block_on(async {
        let (mut begun, mut signals) = (None, None);
        while let Some(chunk) = session.next().await? {
            begun = begun.or(thread_ms());
            signals = chunk.signals.or(signals);
        }
        let steps = session.generated().len().saturating_sub(1).max(1);
        Ok((between(begun, thread_ms())? / steps as f64, signals))
    })
}

/// Milliseconds of one decision, from facts to the settled trace, as texts of JSON: the way a page takes.
fn decision(signals: &Signals) -> Result<f64> {
    let wrong = |e: kinglet_route::RouteError| kinglet::Error::internal(e.to_string());
    let router = Router::new(POLICY, &[], BINDING).map_err(wrong)?;
    let facts = json!({"prompt_tokens": 200, "max_tokens": 200, "context": 4096, "online": true}).to_string();
    let answer = json!({"signals": signals, "ended": "complete"}).to_string();
    let mut times = Vec::with_capacity(DECISIONS);
    for _ in 0..DECISIONS {
        let begun = thread_ms();
        let state = router::fresh().map_err(wrong)?;
        let step = router.decide("r", &facts, &state, None).map_err(wrong)?;
        let reviewed = router.review(&step, &answer).map_err(wrong)?;
        router.settle(&reviewed, "{}", &state).map_err(wrong)?;
        times.push(between(begun, thread_ms())?);
    }
    Ok(median(times))
}

/// 95 % of the median, from order statistics: ranks n/2 ± 0.98 √n (the normal approximation of the binomial).
fn interval(values: &[f64]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let rank = |x: f64| sorted[x.clamp(0.0, n - 1.0) as usize];
    [rank(n / 2.0 - 0.98 * n.sqrt()), rank(n / 2.0 + 0.98 * n.sqrt())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_that_of_the_middle_ranks() {
        let values: Vec<f64> = (0..100).rev().map(f64::from).collect();
        assert_eq!(interval(&values), [40.0, 59.0]);
        assert_eq!(interval(&[3.0]), [3.0, 3.0]);
    }

    #[test]
    fn a_decision_with_this_policy_is_taken_to_its_end() {
        let ms = decision(&Signals::default()).expect("a decision");
        assert!((0.0..1000.0).contains(&ms), "{ms}");
    }
}
