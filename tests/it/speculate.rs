//! Speculation changes how fast an answer comes and nothing else: the same tokens, probabilities and ends as without, whoever
//! proposes and however much.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::backend::Reference;
use kinglet::engine::{BackendChoice, Engine, FinishReason, GenerateOptions, Pace, Speculator, Token, check_draft};
use kinglet::gguf::GgufFile;
use kinglet::ops::Ops;
use kinglet::platform::{ByteSource, FileSource};
use kinglet::sampler::SamplerConfig;
use kinglet::session::{Request, Session, SessionOptions, Speculation};
use pollster::block_on;
use serde_json::json;

use crate::engine::{decoder, model, options, text};
use crate::support::{self, Rng};

/// The models of `tests/goldens` share a vocabulary: any may draft for any.
const DRAFTS: [Option<&str>; 3] = [None, Some("qwen2"), Some("window")];

/// An engine that speculates with rounds of `length`; without a draft it looks up.
pub fn speculating<O: Ops>(ops: fn() -> O, draft: Option<&str>, n_ctx: usize, pace: Pace) -> Engine<O> {
    let mut engine = plain(ops, n_ctx);
    engine.speculate(Some(match draft {
        None => Speculator::lookup(pace),
        Some(name) => Speculator::draft(decoder(ops(), &model(name), &options(n_ctx, 16)).unwrap(), pace),
    }));
    engine
}

pub fn plain<O: Ops>(ops: fn() -> O, n_ctx: usize) -> Engine<O> {
    Engine::new(decoder(ops(), &model("qwen2"), &options(n_ctx, 16)).unwrap(), || 0.0)
}

/// A text that repeats itself, so that there is something to look up.
pub fn repeating(len: usize) -> Vec<u32> {
    let ids = text(12);
    ids.iter().cycle().take(len).copied().collect()
}

pub fn run<O: Ops>(engine: &mut Engine<O>, prompt: &[u32], options: &GenerateOptions) -> Vec<Token> {
    engine.start(prompt, options.clone()).unwrap();
    let mut tokens = Vec::new();
    while let Some(token) = block_on(engine.next()).unwrap() {
        tokens.push(token);
        // What was computed ahead is nobody's business.
        assert_eq!(engine.cached().len(), prompt.len() + tokens.len() - 1);
    }
    tokens
}

/// Whether two answers are the same: to the token, and to what rounding leaves of a probability that was summed from a whole
/// row instead of by the backend.
#[track_caller]
fn assert_same(what: &str, got: &[Token], want: &[Token]) {
    let ids = |tokens: &[Token]| tokens.iter().map(|token| token.id).collect::<Vec<_>>();
    assert_eq!(ids(got), ids(want), "{what}");
    for (a, b) in got.iter().zip(want) {
        let pairs = a.top.iter().zip(&b.top).map(|(a, b)| ((a.0, a.1), (b.0, b.1)));
        for (a, b) in pairs.chain([((a.id, a.logprob), (b.id, b.logprob))]) {
            assert!(a.0 == b.0 && (a.1 - b.1).abs() < 1e-5, "{what}: {a:?} and {b:?}");
        }
        let parts = |token: &Token| token.measured.map(|m| (m.margin.unwrap(), m.entropy.unwrap()));
        match (parts(a), parts(b)) {
            (Some(a), Some(b)) => assert!(
                (a.0 - b.0).abs() < 1e-5 && (a.1 - b.1).abs() < 1e-5,
                "{what}: {a:?} and {b:?}"
            ),
            (a, b) => assert_eq!(a, b, "{what}"),
        }
    }
}

fn sampled(seed: u64) -> SamplerConfig {
    SamplerConfig {
        temperature: 1.0,
        top_k: 6,
        repeat_penalty: 1.2,
        frequency_penalty: 0.1,
        repeat_last_n: 7,
        seed,
        ..SamplerConfig::default()
    }
}

#[test]
fn the_answer_is_that_without_speculation() {
    let prompt = repeating(30);
    let mut plain = plain(Reference::new, 96);
    for (i, draft) in DRAFTS.into_iter().enumerate() {
        for length in [1, 6] {
            let mut engine = speculating(Reference::new, draft, 96, Pace::fixed(length));
            let greedy = SamplerConfig {
                top_logprobs: 3,
                signals: true,
                ..SamplerConfig::default()
            };
            for sampling in [greedy, sampled(i as u64), sampled(77)] {
                let options = GenerateOptions {
                    sampling,
                    max_tokens: 24,
                    ..GenerateOptions::default()
                };
                let (got, want) = (run(&mut engine, &prompt, &options), run(&mut plain, &prompt, &options));
                assert_same(&format!("{draft:?} {length}"), &got, &want);
                assert_eq!(engine.cached(), plain.cached());
                let timings = engine.timings();
                assert!(timings.accepted_tokens <= timings.drafted_tokens, "{timings:?}");
                assert!(timings.drafted_tokens > 0 || draft.is_none(), "{timings:?}");
                if draft == Some("qwen2") {
                    assert_eq!(timings.accepted_tokens, timings.drafted_tokens, "it drafts for itself");
                }
            }
        }
    }
}

#[test]
fn a_text_that_repeats_itself_is_looked_up() {
    let prompt = repeating(30);
    let mut engine = speculating(Reference::new, None, 128, Pace::fixed(4));
    let options = GenerateOptions {
        max_tokens: 80,
        ..GenerateOptions::default()
    };
    run(&mut engine, &prompt, &options);
    let timings = engine.timings();
    assert!(timings.accepted_tokens > 10, "{timings:?}");
}

#[test]
fn ends_are_where_they_were() {
    let prompt = repeating(20);
    let mut plain = plain(Reference::new, 64);
    let whole = run(
        &mut plain,
        &prompt,
        &GenerateOptions {
            max_tokens: 44,
            ..GenerateOptions::default()
        },
    );
    for draft in [None, Some("window")] {
        let mut engine = speculating(Reference::new, draft, 64, Pace::fixed(5));
        // Lengths of an answer, up to the last position of the context.
        for max_tokens in [0, 1, 2, 7, 43, 44] {
            let options = GenerateOptions {
                max_tokens,
                ..GenerateOptions::default()
            };
            assert_same(
                &format!("{draft:?}"),
                &run(&mut engine, &prompt, &options),
                &whole[..max_tokens],
            );
            assert_eq!(engine.finish_reason(), Some(FinishReason::Length));
        }
        // Tokens of it as the one that stops.
        for stop in &whole[..6] {
            let first = whole.iter().position(|token| token.id == stop.id).unwrap();
            let options = GenerateOptions {
                stop_tokens: vec![stop.id],
                max_tokens: 44,
                ..GenerateOptions::default()
            };
            assert_same(
                &format!("{draft:?}"),
                &run(&mut engine, &prompt, &options),
                &whole[..first],
            );
            assert_eq!(engine.finish_reason(), Some(FinishReason::Stop));
            assert_eq!(engine.cached().len(), prompt.len() + first);
        }
    }
}

#[test]
fn a_shift_and_what_was_given_up_leave_nothing_behind() {
    let mut rng = Rng(5);
    let shift = GenerateOptions {
        max_tokens: 60,
        shift: true,
        ..GenerateOptions::default()
    };
    for draft in [None, Some("qwen2")] {
        let mut engine = speculating(Reference::new, draft, 40, Pace::fixed(3));
        let mut plain = plain(Reference::new, 40);
        let answer = |engine: &mut Engine<Reference>, prompt: &[u32], until: usize| {
            engine.start(prompt, shift.clone()).unwrap();
            (0..until)
                .map(|_| block_on(engine.next()).unwrap().unwrap().id)
                .collect::<Vec<_>>()
        };
        for round in 0..6 {
            let mut prompt = repeating(8 + rng.below(24));
            let at = rng.below(prompt.len());
            prompt[at] = 3 + rng.below(200) as u32;
            // Given up half-way as often as not.
            let until = if round % 2 == 0 { 60 } else { 1 + rng.below(59) };
            assert_eq!(
                answer(&mut engine, &prompt, until),
                answer(&mut plain, &prompt, until),
                "{draft:?} {round}"
            );
            assert_eq!(engine.cached(), plain.cached());
        }
    }
}

#[test]
fn an_interrupted_request_goes_on() {
    let prompt = repeating(30);
    let options = GenerateOptions {
        sampling: sampled(3),
        max_tokens: 30,
        ..GenerateOptions::default()
    };
    let whole = run(&mut plain(Reference::new, 64), &prompt, &options);
    let mut engine = speculating(Reference::new, Some("qwen2"), 64, Pace::fixed(7));
    for interrupted in [1, 4, 9] {
        engine.start(&prompt, options.clone()).unwrap();
        let mut tokens = Vec::new();
        for _ in 0..interrupted {
            tokens.extend(block_on(engine.next()).unwrap());
        }
        let paused = engine.pause().unwrap();
        assert!(engine.cached().is_empty());
        engine.resume(paused).unwrap();
        while let Some(token) = block_on(engine.next()).unwrap() {
            tokens.push(token);
        }
        let ids = |tokens: &[Token]| tokens.iter().map(|token| token.id).collect::<Vec<_>>();
        assert_eq!(ids(&tokens), ids(&whole), "{interrupted}");
    }
}

/// The two likeliest tokens of a place, and how often each was chosen there.
type Place = (Vec<(u32, f32)>, BTreeMap<u32, usize>);

/// Draws of an engine against its own probabilities: of every token, given those before it in its answer.
#[test]
fn sampled_answers_have_the_models_probabilities() {
    const SEEDS: u64 = 300;
    let prompt = repeating(30);
    let mut engine = speculating(Reference::new, Some("window"), 64, Pace::fixed(3));
    let mut places: BTreeMap<Vec<u32>, Place> = BTreeMap::new();
    let mut drafted = 0;
    for seed in 0..SEEDS {
        let sampling = SamplerConfig {
            temperature: 1.0,
            top_k: 2,
            top_logprobs: 2,
            seed,
            ..SamplerConfig::default()
        };
        let options = GenerateOptions {
            sampling,
            max_tokens: 4,
            ..GenerateOptions::default()
        };
        let mut before = Vec::new();
        for token in run(&mut engine, &prompt, &options) {
            let place = places
                .entry(before.clone())
                .or_insert_with(|| (token.top.clone(), BTreeMap::new()));
            *place.1.entry(token.id).or_insert(0) += 1;
            before.push(token.id);
        }
        drafted += engine.timings().drafted_tokens;
    }
    assert!(drafted > 500, "{drafted} proposals");
    let (mut statistic, mut freedom) = (0.0, 0.0);
    for (top, counts) in places.values() {
        let n: usize = counts.values().sum();
        let mass: f64 = top.iter().map(|(_, logprob)| f64::from(*logprob).exp()).sum();
        let cells: Vec<(f64, f64)> = top
            .iter()
            .map(|(id, logprob)| {
                let expected = f64::from(*logprob).exp() / mass * n as f64;
                (counts.get(id).copied().unwrap_or(0) as f64, expected)
            })
            .collect();
        if cells.iter().all(|(_, expected)| *expected >= 5.0) {
            statistic += cells
                .iter()
                .map(|(count, expected)| (count - expected).powi(2) / expected)
                .sum::<f64>();
            freedom += 1.0;
        }
    }
    // One in ten thousand.
    let spread: f64 = 2.0 / (9.0 * freedom);
    let most = freedom * (1.0 - spread + 3.719 * spread.sqrt()).powi(3);
    assert!(freedom >= 10.0 && statistic < most, "{statistic} of {freedom}");
}

thread_local! {
    static NOW: Cell<f64> = const { Cell::new(0.0) };
}

/// Every reading of the clock is a millisecond later.
fn ticking() -> f64 {
    NOW.set(NOW.get() + 1.0);
    NOW.get()
}

#[test]
fn the_clock_changes_no_text() {
    let prompt = repeating(30);
    let options = GenerateOptions {
        sampling: sampled(9),
        max_tokens: 120,
        ..GenerateOptions::default()
    };
    let whole = run(&mut plain(Reference::new, 160), &prompt, &options);
    let load = |clock| {
        let mut engine = Engine::new(
            decoder(Reference::new(), &model("qwen2"), &options_of(160)).unwrap(),
            clock,
        );
        let draft = decoder(Reference::new(), &model("qwen2"), &options_of(160)).unwrap();
        engine.speculate(Some(Speculator::draft(draft, Pace::default())));
        engine
    };
    let mut engine = load(ticking);
    assert_same("by the clock", &run(&mut engine, &prompt, &options), &whole);
    assert!(engine.timings().accepted_tokens > 0, "{:?}", engine.timings());
    let mut engine = load(|| 0.0);
    assert_same("by the clock", &run(&mut engine, &prompt, &options), &whole);
    assert_eq!(engine.timings().drafted_tokens, 0, "nothing was measured");
}

fn options_of(n_ctx: usize) -> kinglet::model::plan::DecoderOptions {
    options(n_ctx, 16)
}

#[test]
fn a_draft_with_another_vocabulary_is_refused() {
    let desk = |name: &str| crate::golden::open(&support::root().join(format!("models/desk/{name}.gguf")));
    let refused = |model: &GgufFile, draft: &GgufFile| {
        let error = check_draft(model, draft).unwrap_err();
        assert_eq!(error.code(), "invalid_request");
        assert_eq!(error.detail()["param"], "speculation.draft");
        error.to_string()
    };
    assert_eq!(check_draft(&desk("desk"), &desk("desk-nano")), Ok(()));
    assert_eq!(check_draft(&model("qwen2"), &model("window")), Ok(()));
    let said = refused(&desk("desk"), &model("qwen2"));
    assert!(said.contains("a model whose token "), "{said}");
}

#[test]
fn a_session_has_its_draft_model_in_the_last_sources() {
    let load = |draft: &str, files| {
        let sources = ["tests/goldens/qwen2.gguf", draft].map(|name| {
            let source = FileSource::open(support::root().join(name)).unwrap();
            Rc::new(source) as Rc<dyn ByteSource>
        });
        let options = SessionOptions {
            backend: BackendChoice::Cpu,
            speculation: Speculation::Draft(files),
            proposals: Some(3),
            ..SessionOptions::default()
        };
        block_on(Session::load(sources.into(), &options, &mut |_| {
            ControlFlow::Continue(())
        }))
    };
    let mut session = load("tests/goldens/window.gguf", 1).unwrap();
    let request = json!({"prompt": "a", "max_tokens": 12, "temperature": 0, "logit_bias": {"2": -100}});
    session.start(&Request::completion(&request).unwrap()).unwrap();
    let mut last = None;
    while let Some(chunk) = block_on(session.next()).unwrap() {
        last = chunk.timings.or(last);
    }
    let timings = last.unwrap();
    assert!(
        timings.drafted_tokens > timings.accepted_tokens.map(|_| 3),
        "{timings:?}"
    );

    let error = load("models/desk/desk-nano.gguf", 1).err().unwrap();
    assert_eq!(error.detail()["param"], "speculation.draft");
    // No file is left for the model itself.
    for files in [2, 9] {
        assert!(load("tests/goldens/window.gguf", files).is_err());
    }
}
