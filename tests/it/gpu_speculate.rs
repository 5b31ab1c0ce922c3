//! Speculation on the GPU: a step of several tokens may add in another order than one of a single token, so an answer may
//! leave that of plain decoding, but only where the two best tokens are as close as that.

use kinglet::engine::{GenerateOptions, Pace, Token};
use kinglet::sampler::SamplerConfig;

use crate::gpu_support::backend;
use crate::speculate::{plain, repeating, run, speculating};

/// Logits of a step of many rows against those of single rows: the bound that chunks of a prompt keep to as well
/// (`engine::LOGIT_TOLERANCE`), on both sides of a comparison.
const TWIN_TOLERANCE: f64 = 0.02;

/// Whether an answer is `plain` until two tokens were too close to be told apart.
fn twins(tokens: &[Token], plain: &[Token]) -> Result<usize, String> {
    for (i, (a, b)) in tokens.iter().zip(plain).enumerate() {
        let margin = |token: &Token| token.measured.and_then(|m| m.margin).unwrap_or(0.0);
        if a.id != b.id {
            return match margin(a).min(margin(b)) <= TWIN_TOLERANCE {
                true => Ok(i),
                false => Err(format!("token {i} is {} and not {}, by {}", a.id, b.id, margin(b))),
            };
        }
        let off = f64::from(a.logprob - b.logprob).abs();
        if off > TWIN_TOLERANCE || (margin(a) - margin(b)).abs() > TWIN_TOLERANCE {
            return Err(format!("token {i} is off by {off}"));
        }
    }
    Ok(tokens.len())
}

#[test]
fn greedy_answers_are_those_without_speculation() {
    let prompt = repeating(30);
    let greedy = GenerateOptions {
        sampling: SamplerConfig {
            signals: true,
            ..SamplerConfig::default()
        },
        max_tokens: 40,
        ..GenerateOptions::default()
    };
    let expected = run(&mut plain(backend, 96), &prompt, &greedy);
    for (draft, length) in [(None, 4), (Some("qwen2"), 7), (Some("window"), 3)] {
        let mut engine = speculating(backend, draft, 96, Pace::fixed(length));
        let tokens = run(&mut engine, &prompt, &greedy);
        assert_eq!(tokens.len(), expected.len());
        let same = twins(&tokens, &expected).unwrap();
        assert!(same >= 8, "{draft:?}: {same} tokens compared");
        assert!(engine.timings().drafted_tokens > 0 || draft.is_none());
        // What the comparison is worth: one wrong token and one wrong probability are found.
        let mut wrong = tokens.clone();
        wrong[same / 2].logprob += 0.1;
        assert!(twins(&wrong, &expected).is_err());
    }
}

#[test]
fn a_seed_fixes_the_answer() {
    let prompt = repeating(30);
    let options = GenerateOptions {
        sampling: SamplerConfig {
            temperature: 0.8,
            top_k: 4,
            signals: true,
            seed: 11,
            ..SamplerConfig::default()
        },
        max_tokens: 24,
        ..GenerateOptions::default()
    };
    let mut engine = speculating(backend, Some("qwen2"), 96, Pace::fixed(3));
    let tokens = run(&mut engine, &prompt, &options);
    assert!(engine.timings().accepted_tokens > 0);
    // A random number may fall between two sums of the same probabilities, but rarely: none of these does.
    let ids = |tokens: &[Token]| tokens.iter().map(|token| token.id).collect::<Vec<_>>();
    assert_eq!(ids(&run(&mut engine, &prompt, &options)), ids(&tokens));
    assert_eq!(ids(&tokens), ids(&run(&mut plain(backend, 96), &prompt, &options)));
}
