//! Chained steps give the answer of unchained ones: every token, log-probability, signal and error, whatever the device
//! guesses and wherever the answer ends.

use kinglet::Error;
use kinglet::backend::Gpu;
use kinglet::backend::gpu::Drill;
use kinglet::engine::{Chain, Depth, Engine, FinishReason, GenerateOptions, Guesses, Token, chain_of};
use kinglet::gpu::{Device, GpuOptions};
use kinglet::sampler::SamplerConfig;
use pollster::block_on;

use crate::engine::{decoder, model, options, text};
use crate::gpu_support::{choose_driver, device};

/// Ways to run depth: one step behind another, and batches.
const DEPTHS: [Depth; 3] = [Depth::Tokens(1), Depth::Tokens(3), Depth::Tokens(16)];

fn engine_on(device: Device, n_ctx: usize) -> Engine<Gpu> {
    let gpu = Gpu::on(device).expect("backend");
    Engine::new(
        decoder(gpu, &model("qwen2"), &options(n_ctx, 16)).expect("loads"),
        || 0.0,
    )
}

fn engine(n_ctx: usize) -> Engine<Gpu> {
    engine_on(device(), n_ctx)
}

/// A device whose compiler is told to guess wrongly.
fn wrong_device(guess: &'static str) -> Device {
    choose_driver();
    let options = GpuOptions {
        allow_software: true,
        drill: Drill::miscompile("top_k", "let guessed = guess(step.k, sum.x);", guess),
        ..GpuOptions::default()
    };
    block_on(Device::open(&options)).expect("an adapter")
}

/// The whole answer and why it ended.
fn answer(
    engine: &mut Engine<Gpu>,
    depth: Depth,
    prompt: &[u32],
    options: &GenerateOptions,
) -> (Vec<Token>, FinishReason) {
    engine.reset();
    engine.set_depth(depth);
    engine.start(prompt, options.clone()).expect("starts");
    let mut tokens = Vec::new();
    while let Some(token) = block_on(engine.next()).expect("a step") {
        tokens.push(token);
    }
    (tokens, engine.finish_reason().expect("ended"))
}

fn sampled(seed: u64, change: impl FnOnce(&mut SamplerConfig)) -> GenerateOptions {
    let mut sampling = SamplerConfig {
        temperature: 0.9,
        top_k: 20,
        top_p: 0.9,
        min_p: 0.02,
        seed,
        ..SamplerConfig::default()
    };
    change(&mut sampling);
    GenerateOptions {
        sampling,
        max_tokens: 12,
        ..GenerateOptions::default()
    }
}

fn since(after: Guesses, before: Guesses) -> (u64, u64) {
    (after.right - before.right, after.wrong - before.wrong)
}

#[test]
fn the_chain_gives_the_same_answer() {
    let mut engine = engine(64);
    let mut cases = vec![
        ("greedy", sampled(0, |c| *c = SamplerConfig::default())),
        (
            "log-probabilities",
            sampled(1, |c| (c.top_logprobs, c.signals) = (5, true)),
        ),
        ("nucleus", sampled(2, |c| (c.top_k, c.min_p) = (0, 0.0))),
        ("min-p", sampled(3, |c| (c.top_k, c.top_p, c.min_p) = (0, 1.0, 0.05))),
        (
            "whole row",
            sampled(4, |c| (c.temperature, c.top_k, c.top_p, c.min_p) = (1.0, 0, 1.0, 0.0)),
        ),
        (
            "hot row",
            sampled(5, |c| (c.temperature, c.top_k, c.top_p, c.min_p) = (1.5, 0, 1.0, 0.0)),
        ),
        ("bans", sampled(6, |c| c.logit_bias = vec![(5, -100.0), (9, -1.0)])),
        ("penalties", sampled(7, |c| c.repeat_penalty = 1.3)),
        ("lifted", sampled(8, |c| c.logit_bias = vec![(5, 3.0)])),
    ];
    cases.extend((0..6).map(|seed| ("stages", sampled(100 + seed, |_| {}))));
    let prompt = text(21);
    let before = engine.guesses();
    for (what, options) in &cases {
        let want = answer(&mut engine, Depth::Tokens(0), &prompt, options);
        assert_eq!((want.0.len(), want.1), (12, FinishReason::Length), "{what}");
        for depth in DEPTHS {
            let got = answer(&mut engine, depth, &prompt, options);
            assert_eq!(got, want, "{what}, {depth:?}");
        }
    }
    // The device computes the stages in f32 and sees no row: it seldom differs where the best settle the choice.
    let (right, wrong) = since(engine.guesses(), before);
    println!("{right} guesses right, {wrong} wrong");
    assert!(right > 2 * wrong, "{right} guesses right, {wrong} wrong");
}

#[test]
fn a_wrong_guess_is_found_and_made_good() {
    let prompt = text(9);
    for (what, guess, always) in [
        (
            "always the token behind",
            "let guessed = (guess(step.k, sum.x) + 1u) % params.n_vocab;",
            true,
        ),
        ("no token at all", "let guessed = 4000000000u;", true),
        (
            "now and then",
            "let guessed = guess(step.k, sum.x) ^ select(0u, 1u, step.pos % 3u == 0u);",
            false,
        ),
    ] {
        let mut wrong = engine_on(wrong_device(guess), 64);
        for options in [sampled(0, |c| *c = SamplerConfig::default()), sampled(3, |_| {})] {
            let want = answer(&mut wrong, Depth::Tokens(0), &prompt, &options);
            for depth in DEPTHS {
                let before = wrong.guesses();
                assert_eq!(answer(&mut wrong, depth, &prompt, &options), want, "{what}, {depth:?}");
                let (good, bad) = since(wrong.guesses(), before);
                assert!(bad > 0 && (good == 0) == always, "{what}: {good} right, {bad} wrong");
            }
        }
    }
}

#[test]
fn an_answer_ends_where_it_ends() {
    let prompt = text(9);
    let mut engine = engine(32);
    let greedy = |max_tokens| GenerateOptions {
        max_tokens,
        ..GenerateOptions::default()
    };
    let want = answer(&mut engine, Depth::Tokens(0), &prompt, &greedy(12)).0;
    for depth in DEPTHS {
        // At a stop token, in the middle of what is in flight: the cache holds what was decided, and the next is right.
        for at in [1, 4] {
            let options = GenerateOptions {
                stop_tokens: vec![want[at].id],
                ..greedy(12)
            };
            let first = want.iter().position(|token| token.id == want[at].id).expect("there");
            let (got, finish) = answer(&mut engine, depth, &prompt, &options);
            assert_eq!((&got[..], finish), (&want[..first], FinishReason::Stop));
            assert_eq!(
                engine.cached().len(),
                prompt.len() + first,
                "{depth:?}: only what was decided is remembered"
            );
            let mut longer = prompt.clone();
            longer.extend(want[..first].iter().map(|token| token.id));
            engine.start(&longer, greedy(12 - first)).expect("starts");
            for token in &want[first..] {
                assert_eq!(block_on(engine.next()).expect("a step").map(|t| t.id), Some(token.id));
            }
        }
        // At the number of tokens.
        for most in [1, 2, 5] {
            let (got, finish) = answer(&mut engine, depth, &prompt, &greedy(most));
            assert_eq!((&got[..], finish), (&want[..most], FinishReason::Length));
        }
        // At the end of the context, and beyond it with a shift.
        let room = 32 - prompt.len();
        assert_eq!(answer(&mut engine, depth, &prompt, &greedy(room)).0.len(), room);
        assert!(matches!(
            engine.start(&prompt, greedy(room + 1)),
            Err(Error::ContextOverflow { .. })
        ));
        let shift = GenerateOptions {
            shift: true,
            ..greedy(60)
        };
        let shifted = answer(&mut engine, Depth::Tokens(0), &prompt, &shift);
        assert_eq!(answer(&mut engine, depth, &prompt, &shift), shifted, "{depth:?}");
    }
}

/// A caller that asks for no further token while steps are in flight.
#[test]
fn what_is_given_up_in_flight_spoils_nothing() {
    let prompt = text(9);
    let other: Vec<u32> = text(14).iter().map(|id| 270 - id).collect(); // nothing in common
    let mut engine = engine(64);
    let options = sampled(3, |_| {});
    let want = [&prompt, &other].map(|prompt| answer(&mut engine, Depth::Tokens(0), prompt, &options).0);
    for depth in DEPTHS {
        engine.reset();
        engine.set_depth(depth);
        let mut created = 0;
        for round in 0..3 {
            for (prompt, want) in [&prompt, &other].into_iter().zip(&want) {
                engine.start(prompt, options.clone()).expect("starts");
                for token in &want[..3] {
                    assert_eq!(block_on(engine.next()).expect("a step").as_ref(), Some(token));
                }
                assert_eq!(
                    engine.cached().len(),
                    prompt.len() + 2,
                    "only what was decided is remembered"
                );
            }
            let now = engine.decoder().ops().stats().created;
            assert!(
                round < 2 || now == created,
                "{depth:?}: what was given up is used again"
            );
            created = now;
        }
        for (prompt, want) in [&prompt, &other].into_iter().zip(&want) {
            assert_eq!(&answer(&mut engine, depth, prompt, &options).0, want, "{depth:?}");
        }
    }
}

#[test]
fn a_request_interrupted_in_flight_goes_on_elsewhere() {
    let prompt = text(9);
    let options = sampled(3, |_| {});
    let mut first = engine(64);
    let want = answer(&mut first, Depth::Tokens(0), &prompt, &options).0;
    for depth in DEPTHS {
        first.reset();
        first.set_depth(depth);
        first.start(&prompt, options.clone()).expect("starts");
        let mut got: Vec<Token> = (0..5).filter_map(|_| block_on(first.next()).expect("a step")).collect();
        let mut second = engine(64);
        second.set_depth(depth);
        second.resume(first.pause().expect("a request")).expect("resumes");
        while let Some(token) = block_on(second.next()).expect("a step") {
            got.push(token);
        }
        let ids = |tokens: &[Token]| tokens.iter().map(|t| t.id).collect::<Vec<_>>();
        assert_eq!(ids(&got), ids(&want), "{depth:?}");
    }
}

/// The table of docs/decode.md says what the engine does.
#[test]
fn the_documented_table_is_the_engines() {
    let page = std::fs::read_to_string(crate::support::root().join("docs/decode.md")).expect("the page");
    let plain = || sampled(0, |c| *c = SamplerConfig::default());
    let drawn = |change: fn(&mut SamplerConfig)| {
        sampled(0, |c| {
            *c = SamplerConfig {
                temperature: 0.8,
                ..SamplerConfig::default()
            };
            change(c);
        })
    };
    let mut rows = 0;
    for row in page.lines().filter_map(|line| line.strip_prefix("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (options, constrained) = match cells[0] {
            // The engine asks whether somebody proposes tokens.
            "option" | "speculation" => continue,
            // What is not the engine's is done by ending the request early.
            "`temperature` 0" | "`n`" | "abort" | "escalation in the middle of an answer" | "`stop`" => {
                (plain(), false)
            }
            "`temperature` up to 1" => (drawn(|c| c.temperature = 1.0), false),
            "`temperature` above 1" => (drawn(|c| c.temperature = 1.1), false),
            "`temperature` above 1, with `top_p`" => (drawn(|c| (c.temperature, c.top_p) = (1.1, 0.9)), false),
            "`top_k` up to 64" => (drawn(|c| c.top_k = 64), false),
            "`top_k` above 64" => (drawn(|c| c.top_k = 65), false),
            "`top_p`" => (drawn(|c| c.top_p = 0.9), false),
            "`min_p`" => (drawn(|c| c.min_p = 0.1), false),
            "`seed`" => (drawn(|c| c.seed = 5), false),
            "`top_logprobs`" => (drawn(|c| c.top_logprobs = 20), false),
            "`signals`" => (drawn(|c| c.signals = true), false),
            "`logit_bias` at most 0" => (drawn(|c| c.logit_bias = vec![(1, -100.0), (2, -0.5)]), false),
            "`logit_bias` above 0" => (drawn(|c| c.logit_bias = vec![(1, 0.5)]), false),
            "`repeat_penalty`" => (drawn(|c| c.repeat_penalty = 1.1), false),
            "`presence_penalty`" => (drawn(|c| c.presence_penalty = 0.1), false),
            "`frequency_penalty`" => (drawn(|c| c.frequency_penalty = 0.1), false),
            "grammar" => (plain(), true),
            "`max_tokens`" => (
                GenerateOptions {
                    max_tokens: 1,
                    ..plain()
                },
                false,
            ),
            "`shift`" => (
                GenerateOptions {
                    shift: true,
                    n_keep: 7,
                    ..plain()
                },
                false,
            ),
            "stop tokens" => (
                GenerateOptions {
                    stop_tokens: vec![2],
                    ..plain()
                },
                false,
            ),
            other => panic!("the table has {other}, of which this test knows nothing"),
        };
        let ends_early = ["`stop`", "abort", "escalation in the middle of an answer"].contains(&cells[0]);
        let chain = match chain_of(&options, constrained) {
            Chain::Chained if ends_early => Chain::Lags,
            chain => chain,
        };
        assert_eq!(format!("{chain:?}").to_lowercase(), cells[1], "{}", cells[0]);
        rows += 1;
    }
    assert_eq!(rows, 24);
}
