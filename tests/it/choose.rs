//! Choosing among given answers: the same numbers as scoring each of them, for less work, whatever the cache holds.

use kinglet::backend::{Cpu, Reference, recruit};
use kinglet::engine::{ChooseOptions, Chosen, Engine};
use kinglet::ops::Ops;
use pollster::block_on;

use crate::engine::{decoder, model, options, text};
use crate::support::{self, Rng};

const END: u32 = 2;

fn engine<O: Ops>(ops: O, name: &str) -> Engine<O> {
    Engine::new(decoder(ops, &model(name), &options(96, 16)).unwrap(), || 0.0)
}

fn reference(name: &str) -> Engine<Reference> {
    engine(Reference::new(), name)
}

/// `n` different answers of one to seven tokens and the end, some of which begin like others or continue them.
fn answers(rng: &mut Rng, n: usize) -> Vec<Vec<u32>> {
    let mut found: Vec<Vec<u32>> = Vec::new();
    while found.len() < n {
        let mut answer = match found.len() {
            0 => Vec::new(),
            k => {
                let model = &found[rng.below(k)];
                model[..rng.below(model.len())].to_vec()
            }
        };
        answer.extend((0..1 + rng.below(3)).map(|_| 3 + rng.below(250) as u32));
        answer.truncate(7);
        answer.push(END);
        if !found.contains(&answer) {
            found.push(answer);
        }
    }
    found
}

/// The sum of what `score` says of each token of the answer.
fn brute<O: Ops>(engine: &mut Engine<O>, prompt: &[u32], answer: &[u32]) -> f64 {
    let scored = block_on(engine.score(&[prompt, answer].concat())).unwrap();
    scored[prompt.len() - 1..].iter().map(|s| -f64::from(s.nll)).sum()
}

fn choose<O: Ops>(engine: &mut Engine<O>, prompt: &[u32], answers: &[Vec<u32>], epsilon: f64) -> Chosen {
    let options = ChooseOptions {
        epsilon,
        ..ChooseOptions::default()
    };
    block_on(engine.choose(prompt, answers, &options)).unwrap()
}

fn equals_scores<O: Ops>(mut engine: Engine<O>, mut other: Engine<O>, rounds: usize) {
    let mut rng = Rng(4);
    for round in 0..rounds {
        let prompt = text(1 + rng.below(60));
        let answers = answers(&mut rng, 20);
        let chosen = choose(&mut engine, &prompt, &answers, 0.0);
        let want: Vec<f64> = answers.iter().map(|a| brute(&mut other, &prompt, a)).collect();
        for (i, (got, want)) in chosen.scores.iter().zip(&want).enumerate() {
            assert!(!got.bound);
            assert_eq!(got.logprob, *want, "round {round}, answer {i}: {:?}", answers[i]);
        }
        let best = want.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(want[chosen.best], best);
        assert_eq!(chosen.rest, f64::NEG_INFINITY);
        let ids: Vec<u32> = chosen.tokens.iter().map(|t| t.id).collect();
        assert_eq!(ids, answers[chosen.best]);
        let sum: f64 = chosen.tokens.iter().map(|t| f64::from(t.logprob)).sum();
        assert_eq!(sum, best);
    }
}

#[test]
fn scores_are_those_of_the_texts() {
    equals_scores(reference("qwen2"), reference("qwen2"), support::count(3, 40));
    equals_scores(reference("phi4mini"), reference("phi4mini"), support::count(2, 40));
}

#[test]
fn scores_are_those_of_the_texts_cpu() {
    let cpu = || engine(Cpu::new(block_on(recruit(Some(2))).unwrap()), "llama3");
    equals_scores(cpu(), cpu(), support::count(4, 40));
}

/// With a share that may be left out: the same choice, true scores where they are not bounds, and bounds that hold.
#[test]
fn what_is_left_out_is_bounded() {
    let (mut engine, mut other) = (reference("qwen2"), reference("qwen2"));
    let mut rng = Rng(11);
    let mut left_out = 0;
    for epsilon in [1e-3, 0.1, 0.5, 10.0] {
        for _ in 0..support::count(3, 40) {
            let prompt = text(2 + rng.below(40));
            let answers = answers(&mut rng, 20);
            let all = choose(&mut other, &prompt, &answers, 0.0);
            let some = choose(&mut engine, &prompt, &answers, epsilon);
            assert_eq!(some.best, all.best);
            assert!(some.timings.generated_tokens <= all.timings.generated_tokens);
            let mut order: Vec<usize> = (0..20).collect();
            order.sort_by(|&a, &b| all.scores[b].logprob.total_cmp(&all.scores[a].logprob));
            assert!(
                order[..2].iter().all(|&i| !some.scores[i].bound),
                "the two best are exact"
            );
            let (mut computed, mut missing) = (0.0, 0.0);
            for (some, all) in some.scores.iter().zip(&all.scores) {
                match some.bound {
                    true => {
                        assert!(some.logprob >= all.logprob);
                        missing += all.logprob.exp();
                    }
                    false => {
                        assert_eq!(some.logprob, all.logprob);
                        computed += all.logprob.exp();
                    }
                }
            }
            left_out += some.scores.iter().filter(|s| s.bound).count();
            assert!(missing <= some.rest.exp() * (1.0 + 1e-12));
            assert!(some.rest.exp() <= epsilon * computed * (1.0 + 1e-9));
            // What is always wanted is computed, even the least likely.
            let options = ChooseOptions {
                epsilon,
                always: vec![order[19]],
                ..ChooseOptions::default()
            };
            let wanted = block_on(engine.choose(&prompt, &answers, &options)).unwrap();
            assert_eq!(wanted.scores[order[19]], all.scores[order[19]]);
        }
    }
    assert!(left_out > 0, "nothing was ever left out: the test shows nothing");
}

#[test]
fn the_prompt_stays_in_the_cache() {
    let mut engine = reference("qwen2");
    let mut rng = Rng(5);
    let (prompt, answers) = (text(40), answers(&mut rng, 12));
    let first = choose(&mut engine, &prompt, &answers, 0.0);
    assert_eq!(first.timings.reused_tokens, 0);
    assert_eq!(engine.cached()[..40], prompt);
    let again = choose(&mut engine, &prompt, &answers, 0.0);
    assert_eq!(
        again.timings.reused_tokens, 39,
        "the last token is computed for its logits"
    );
    assert_eq!(again.scores, first.scores);
    let mut other = prompt.clone();
    other[30] += 1;
    let changed = choose(&mut engine, &other, &answers, 0.0);
    assert_eq!(changed.timings.reused_tokens, 30);
    engine.reset();
    assert_eq!(choose(&mut engine, &other, &answers, 0.0).scores, changed.scores);
    // No branch computes more than itself: each answer's tokens but the last, at most.
    let branches: usize = answers.iter().map(|a| a.len() - 1).sum();
    assert!(again.timings.generated_tokens <= branches);
}

#[test]
fn top_tokens_come_with_the_choice() {
    let mut engine = reference("qwen2");
    let options = ChooseOptions {
        top_logprobs: 3,
        ..ChooseOptions::default()
    };
    let answers = [vec![5, 6, END], vec![5, 6, 7, END], vec![9, END]];
    let chosen = block_on(engine.choose(&text(20), &answers, &options)).unwrap();
    assert_eq!(chosen.tokens.len(), answers[chosen.best].len());
    for token in &chosen.tokens {
        assert_eq!(token.top.len(), 3);
        assert!(token.top[0].1 >= token.top[1].1 && token.top[0].1 >= token.logprob - 1e-4);
    }
    // One answer has no rival, and is computed all the same.
    let only = block_on(engine.choose(&text(20), &answers[..1], &options)).unwrap();
    assert_eq!(only.scores[0], chosen.scores[0]);
}

#[test]
fn what_cannot_be_chosen_from_is_refused() {
    let mut engine = reference("qwen2");
    let ids = text(20);
    let mut error = |prompt: &[u32], answers: &[Vec<u32>], options: ChooseOptions| {
        let error = block_on(engine.choose(prompt, answers, &options)).unwrap_err();
        (
            error.code(),
            error.detail()["param"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let plain = ChooseOptions::default;
    let invalid = |param: &str| ("invalid_request", param.to_owned());
    let good = vec![vec![5, END], vec![6, END]];
    assert_eq!(error(&[], &good, plain()), invalid("prompt"));
    assert_eq!(error(&[100_000], &good, plain()), invalid("prompt"));
    assert_eq!(error(&ids, &[], plain()), invalid("answers"));
    assert_eq!(error(&ids, &[vec![5], vec![]], plain()), invalid("answers"));
    assert_eq!(error(&ids, &[vec![5, END], vec![5, END]], plain()), invalid("answers"));
    assert_eq!(error(&ids, &[vec![5, 6, END], vec![5, 6]], plain()), invalid("answers"));
    assert_eq!(error(&ids, &[vec![100_000, END]], plain()), invalid("answers"));
    let beyond = ChooseOptions {
        always: vec![2],
        ..plain()
    };
    assert_eq!(error(&ids, &good, beyond), invalid("always"));
    assert_eq!(error(&text(95), &[vec![5, 6, 7, END]], plain()).0, "context_overflow");
    let fits = block_on(engine.choose(&text(95), &good, &plain())).unwrap();
    assert_eq!(fits.scores.len(), 2);
}
