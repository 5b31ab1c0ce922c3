//! Signals of an answer: against naive sums over whole rows of logits, on both of the sampler's paths, under a grammar; the
//! rule that ends an answer; what a request may say of them.

use kinglet::Error;
use kinglet::backend::Reference;
use kinglet::engine::GenerateOptions;
use kinglet::kernels::top_k as search;
use kinglet::model::decoder::Rows;
use kinglet::ops::CacheType;
use kinglet::sampler::{KEPT_TOLERANCE, Sampler, SamplerConfig};
use kinglet::session::{Aborted, Chunk, FinishReason, Request, Session, SessionOptions, Signals};
use kinglet_route::gauge::Freedom;
use pollster::block_on;
use serde_json::{Value, json};

use crate::constraint;
use crate::engine::{decoder, model, options};
use crate::loaded::{EOS, cpu, golden_bytes, load, load_golden};
use crate::support::{self, Rng};

/// Logits are f32 near 10, their sums f64: an ulp or two of the logits for each number.
const ROUNDING: f64 = 2e-5;

pub fn request(extra: Value) -> Value {
    let mut body = json!({"prompt": "Once upon a time", "temperature": 0, "max_tokens": 40, "logit_bias": {EOS: -100},
        "kinglet": {"signals": true}});
    for (key, value) in extra.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn run(session: &mut Session, body: &Value) -> Vec<Chunk> {
    let request = Request::completion(body).expect("a request");
    let constraint = constraint::of(session, &request).expect("a grammar");
    session.start_under(&request, constraint).expect("starts");
    let mut chunks = Vec::new();
    while let Some(chunk) = block_on(session.next()).expect("a step") {
        chunks.push(chunk);
    }
    chunks
}

fn signals(session: &mut Session, body: &Value) -> Signals {
    let mut chunks = run(session, body);
    let last = chunks.pop().expect("a chunk");
    assert!(chunks.iter().all(|c| c.signals.is_none()), "on the last one only");
    last.signals.expect("asked for")
}

fn exact() -> Session {
    let exact = SessionOptions {
        exact: true,
        cache_type: CacheType::F32,
        ..cpu()
    };
    load(golden_bytes("qwen2"), &exact)
}

/// Every number of the signals by name.
pub fn numbers(signals: &Signals) -> Vec<(String, f64)> {
    let Value::Object(fields) = json!(signals) else {
        panic!("an object");
    };
    let number = |(name, value): (String, Value)| Some((name, value.as_f64()?));
    fields.into_iter().filter_map(number).collect()
}

pub fn assert_same(what: &str, got: &Signals, want: &Signals, tolerance: f64) {
    let (got, want) = (numbers(got), numbers(want));
    assert!(want.len() > 15, "{what}: {want:?}");
    assert_eq!(got.len(), want.len(), "{what}: {got:?} {want:?}");
    for ((name, got), (_, want)) in got.iter().zip(&want) {
        assert!((got - want).abs() <= tolerance, "{what}: {name} is {got}, not {want}");
    }
}

#[test]
fn they_are_naive_sums_over_whole_rows() {
    let mut session = exact();
    let body = request(json!({}));
    let got = signals(&mut session, &body);
    let prompt = session.prompt(&Request::completion(&body).unwrap().input).unwrap();
    let ids = session.generated().to_vec();
    assert_eq!(ids.len(), 40);

    // The same tokens through a decoder of its own, row by row.
    let mut decoder = decoder(Reference::new(), &model("qwen2"), &options(128, 64)).unwrap();
    let mut last = prompt.clone();
    let (mut pos, mut l, mut m, mut e) = (0, vec![], vec![], vec![]);
    for &id in &ids {
        decoder.step(&last, pos, Rows::Last).unwrap();
        pos += last.len();
        last = vec![id];
        let row: Vec<f64> = block_on(decoder.logits()).unwrap().into_iter().map(f64::from).collect();
        let sum: f64 = row.iter().map(|x| x.exp()).sum();
        let p: Vec<f64> = row.iter().map(|x| x.exp() / sum).collect();
        let mut sorted = p.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        l.push(p[id as usize].ln());
        m.push((sorted[0] / sorted[1]).ln());
        e.push(-p.iter().map(|p| p * p.ln()).sum::<f64>());
    }
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let least = |x: &[f64]| x.iter().copied().fold(f64::INFINITY, f64::min);
    let windows: Vec<f64> = l.windows(16).map(mean).collect();
    let wanted = [
        ("mean_logprob", got.mean_logprob, mean(&l)),
        ("min_logprob", got.min_logprob, least(&l)),
        ("first_logprob", got.first_logprob, l[0]),
        ("window_logprob", got.window_logprob, least(&windows)),
        ("mean_margin", got.mean_margin, mean(&m)),
        ("min_margin", got.min_margin, least(&m)),
        ("first_margin", got.first_margin, m[0]),
        ("mean_entropy", got.mean_entropy, mean(&e)),
        ("max_entropy", got.max_entropy, e.iter().copied().fold(0.0, f64::max)),
    ];
    for (name, got, want) in wanted {
        let got = got.expect(name);
        assert!((got - want).abs() <= ROUNDING, "{name}: {got} for {want}");
    }
    l.sort_by(f64::total_cmp);
    let (q10, want) = (got.q10_logprob.unwrap(), l[4]); // of 40, rank 36 of the surprisals
    assert!(q10 / want < 1.27 && want / q10 < 1.27, "{q10} for {want}");
    assert_eq!((got.tokens, got.truncated, got.empty), (40, Some(true), Some(false)));
    assert_eq!(got.prompt_tokens, Some(prompt.len() as u32));
    assert_eq!((got.grammar_pressure, got.parse_ok, got.agreement), (None, None, None));
}

/// tools/goldens/signals.py has float64 throughout, this engine f32.
const ANOTHER: f64 = 5e-4;

#[test]
fn they_are_those_of_another_implementation() {
    let golden = std::fs::read(support::root().join("tests/goldens/qwen2.signals.json")).expect("readable");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let mut session = exact();
    let got = json!(signals(&mut session, &request(json!({"prompt": golden["prompt"]}))));
    assert_eq!(json!(session.generated()), golden["tokens"]);
    let differs = |of: &str, within: &dyn Fn(f64, f64) -> bool| -> Vec<String> {
        let wanted = golden[of].as_object().expect("numbers");
        let wrong = wanted.iter().filter(|(name, want)| {
            let got = got[name.as_str()].as_f64().expect(name);
            !within(got, want.as_f64().expect("a number"))
        });
        wrong.map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(differs("signals", &|got, want| (got - want).abs() <= ANOTHER), [""; 0]);
    assert_eq!(
        differs("quantiles", &|got, want| (0.79..1.27).contains(&(got / want))),
        [""; 0]
    );
    let shifted = differs("signals", &|got, want| (got + 4.0 * ANOTHER - want).abs() <= ANOTHER);
    assert_eq!(shifted.len(), 10, "a small difference would be noticed");
}

#[test]
fn they_are_those_of_the_raw_logits_on_every_path() {
    let mut session = load_golden("qwen2");
    let greedy = signals(&mut session, &request(json!({})));
    // A raised token can come from anywhere: the whole row is read. None of these changes what is drawn: at so low a temperature
    // neighbours that are a hundredth apart are as good as certain.
    let ways = [
        ("the row", json!({"logit_bias": {EOS: -100, "5": 1e-4}})),
        ("a temperature", json!({"temperature": 0.001, "top_p": 0.5, "seed": 1})),
        (
            "one of the best",
            json!({"temperature": 1, "kinglet": {"signals": true, "top_k": 1}}),
        ),
        ("with alternatives", json!({"logprobs": 20})),
    ];
    for (what, more) in ways {
        assert_same(what, &signals(&mut session, &request(more)), &greedy, ROUNDING);
    }
    let other = signals(&mut session, &request(json!({"temperature": 1.5, "seed": 3})));
    assert!(other.mean_logprob < greedy.mean_logprob, "another text is told apart");
}

#[test]
fn the_mass_that_a_mask_keeps_is_the_same_from_the_best_logits_as_from_the_row() {
    let (n, mut rng) = (1000usize, Rng(31));
    let (mut settled, mut tried, mut worst) = (0, 0, 0.0f64);
    for round in 0..300 {
        let scale = [1.0, 4.0, 12.0][round % 3];
        let row: Vec<f32> = (0..n).map(|_| (rng.activation() * scale).clamp(-30.0, 30.0)).collect();
        let keep = [1, 2, 40, 900][round % 4];
        let mut mask = vec![0u32; n.div_ceil(32)];
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        // The best one is mostly allowed, as it is in answers.
        let first = if rng.below(4) > 0 {
            order[0]
        } else {
            order[rng.below(60)]
        };
        let mut allowed = vec![first];
        allowed.extend((1..keep).map(|_| rng.below(n)));
        allowed.iter().for_each(|&id| mask[id / 32] |= 1 << (id % 32));
        allowed.sort_unstable();
        allowed.dedup();
        let config = SamplerConfig {
            signals: true,
            ..SamplerConfig::default()
        };
        let mut sampler = Sampler::new(config).unwrap();
        let whole = sampler.sample_row_of(&row, Some(&mask)).unwrap();
        let want = whole.measured.expect("asked for");
        let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        let kept: f64 = allowed.iter().map(|&id| f64::from(row[id]).exp() / sum).sum();
        let off = want.kept.unwrap() - kept.ln();
        assert!(off.abs() < ROUNDING, "{off} of {}", kept.ln());
        assert_eq!(want.freedom == Freedom::Forced, allowed.len() == 1);
        let top = search::cpu(&search::Params { n_vocab: n as u32 }, 64, &row);
        tried += 1;
        let Some(quick) = sampler.sample_top_of(&top, Some(&mask)).unwrap() else {
            continue;
        };
        settled += 1;
        let got = quick.measured.expect("asked for");
        assert_eq!((quick.id, got.freedom), (whole.id, want.freedom));
        worst = worst.max((got.kept.unwrap() - want.kept.unwrap()).abs());
        assert!((got.entropy.unwrap() - want.entropy.unwrap()).abs() < 1e-4);
        assert!((got.margin.unwrap() - want.margin.unwrap()).abs() < 1e-6);
    }
    assert!(worst <= KEPT_TOLERANCE / 2.0 + 1e-5, "{worst}");
    assert!(settled > tried / 3 && settled < tried, "{settled} of {tried}");
}

#[test]
fn under_a_schema_there_are_pressure_forced_tokens_and_anchors() {
    let schema = json!({"type": "object", "properties": {"label": {"enum": ["cat", "dog"]}, "n": {"type": "integer"}},
        "required": ["label", "n"], "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let body = request(json!({"response_format": format, "logit_bias": {}, "max_tokens": 200, "logprobs": 0}));
    let mut session = load_golden("qwen2");
    let chunks = run(&mut session, &body);
    let text: String = chunks.iter().map(|c| c.text.as_str()).collect();
    let got = chunks.last().and_then(|c| c.signals.clone()).expect("asked for");
    let pressure = got.grammar_pressure.expect("a grammar");
    assert!(pressure > 1.0, "this model would not have said JSON: {pressure}");
    let (tokens, forced) = (session.generated().len() as u32, got.forced_tokens.expect("a grammar"));
    assert!(forced > 0 && got.tokens + forced == tokens, "{got:?} of {tokens}");
    let anchor = got.anchor_logprob.expect("a value");
    assert!(anchor >= got.min_logprob.unwrap() && got.anchor_margin.is_some());
    assert_eq!((got.parse_ok, got.truncated), (Some(true), Some(false)), "{text}");
    // From whole rows.
    let row = request(json!({"response_format": format, "logit_bias": {"5": 1e-4}, "max_tokens": 200}));
    let tolerance = f64::from(tokens) * KEPT_TOLERANCE / 2.0;
    assert_same("a row", &signals(&mut session, &row), &got, tolerance);
    // Without a schema there is none of it.
    let free = signals(&mut session, &request(json!({})));
    assert_eq!(
        (free.grammar_pressure, free.anchor_logprob, free.forced_tokens),
        (None, None, None)
    );
}

#[test]
fn nobody_asks_nothing_is_said() {
    let mut session = load_golden("qwen2");
    let chunks = run(&mut session, &request(json!({"kinglet": {"signals": false}})));
    assert!(chunks.iter().all(|c| c.signals.is_none() && c.aborted.is_none()));
    let timings = chunks.last().unwrap().timings.unwrap();
    let rate = timings.decode_tokens_per_s.expect("39 tokens");
    assert!((rate - 39.0 / timings.decode_ms * 1e3).abs() < 1e-6 * rate);
    assert!(timings.prefill_tokens_per_s.is_some());
    let engine = GenerateOptions::default();
    assert!(!engine.sampling.signals, "off where nothing turns it on");
}

#[test]
fn doubt_ends_an_answer_early() {
    let mut session = load_golden("qwen2");
    let rule = |below: f64, grace: u32| json!({"abort": {"window_below": below, "grace": grace}, "signals": true});
    let whole = signals(&mut session, &request(json!({})));
    let lowest = whole.window_logprob.unwrap();
    let never = run(&mut session, &request(json!({"kinglet": rule(lowest - 0.01, 16)})));
    let last = never.last().unwrap();
    assert_eq!((last.finish_reason, last.aborted), (Some(FinishReason::Length), None));
    let chunks = run(&mut session, &request(json!({"kinglet": rule(lowest + 0.01, 16)})));
    let last = chunks.last().unwrap();
    assert_eq!(
        (last.finish_reason, last.aborted),
        (Some(FinishReason::Stop), Some(Aborted::MidAbort))
    );
    assert_eq!(json!(last)["aborted"], "mid_abort");
    let signals = last.signals.as_ref().expect("asked for");
    assert!(chunks.len() < never.len() && signals.window_logprob.unwrap() < lowest + 0.01);
    assert_eq!(signals.truncated, Some(false));
    let usage = last.usage.expect("the last chunk");
    assert_eq!(usage.completion_tokens, chunks.len());

    // At once, without signals, for each answer of a request; and the session goes on with another one.
    let alone = json!({"n": 2, "temperature": 1.5, "seed": 1, "kinglet": {"abort": {"window_below": 0, "grace": 2}}});
    let chunks = run(&mut session, &request(alone));
    let ends: Vec<&Chunk> = chunks.iter().filter(|c| c.finish_reason.is_some()).collect();
    assert!(ends.len() == 2 && ends.iter().all(|c| c.aborted.is_some() && c.signals.is_none()));
    assert_eq!(chunks.len(), 4);
    assert_eq!(run(&mut session, &request(json!({}))).len(), 40);
}

#[test]
fn answers_to_one_prompt_are_compared() {
    let mut session = load_golden("qwen2");
    let mut agreement = |more: Value| -> Vec<(Option<f64>, Option<u32>)> {
        let chunks = run(&mut session, &request(more));
        let all = chunks.iter().filter_map(|c| c.signals.as_ref());
        all.map(|s| (s.agreement, s.samples)).collect()
    };
    let none = (None, None);
    assert_eq!(agreement(json!({"n": 3})), [none, none, (Some(1.0), Some(3))]);
    let differ = agreement(json!({"n": 4, "temperature": 2, "seed": 5}));
    assert_eq!(differ, [none, none, none, (Some(0.0), Some(4))]);
    assert_eq!(agreement(json!({"n": 5})), [none; 5], "more than four are not compared");
    assert_eq!(agreement(json!({"n": 1})), [none]);
    let two = agreement(json!({"n": 2, "prompt": ["a", "b"]}));
    assert_eq!(two, [none, (Some(1.0), Some(2)), none, (Some(1.0), Some(2))]);
}

#[test]
fn what_a_request_says_of_them_is_read_strictly() {
    let wrong = [
        (json!({"signals": "yes"}), "kinglet.signals"),
        (json!({"abort": true}), "kinglet.abort"),
        (json!({"abort": {}}), "kinglet.abort.window_below"),
        (json!({"abort": {"window_below": 0.5}}), "kinglet.abort.window_below"),
        (json!({"abort": {"window_below": "low"}}), "kinglet.abort.window_below"),
        (json!({"abort": {"window_below": null}}), "kinglet.abort.window_below"),
        (
            json!({"abort": {"window_below": -1, "grace": -1}}),
            "kinglet.abort.grace",
        ),
        (
            json!({"abort": {"window_below": -1, "grace": 1.5}}),
            "kinglet.abort.grace",
        ),
        (
            json!({"abort": {"window_below": -1, "grace": 1e12}}),
            "kinglet.abort.grace",
        ),
        (
            json!({"abort": {"window_below": -1, "after": 3}}),
            "kinglet.abort.after",
        ),
    ];
    for (ours, param) in wrong {
        let error = Request::completion(&request(json!({"kinglet": ours}))).expect_err(param);
        assert_eq!(
            (error.code(), error.detail()["param"].as_str()),
            ("invalid_request", Some(param))
        );
    }
    for name in ["signals", "abort"] {
        let error = Request::completion(&json!({"prompt": "a", name: true})).expect_err(name);
        assert!(matches!(error, Error::InvalidRequest { .. }), "{error}");
        assert!(error.to_string().contains("under the field kinglet"), "{error}");
    }
    let read = Request::completion(&json!({"prompt": "a", "kinglet": {"abort": {"window_below": -2}}})).unwrap();
    let rule = read.abort.expect("a rule");
    assert_eq!((rule.window_below, rule.grace, read.signals), (-2.0, 16, false));
}
