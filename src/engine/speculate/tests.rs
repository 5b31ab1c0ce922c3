//! Speculation draws from the model's distribution: chi-square tests over many draws, and rules that are biased, which the
//! same tests must find.

use super::pace::Trust;
use super::{Ahead, lookup};
use crate::sampler::{Sampler, SamplerConfig};

/// A vocabulary of eight; what comes next depends on the token before.
const N: usize = 8;
const DRAWS: usize = 24_000;

/// Logits of the token behind each token.
type Table = [[f32; N]; N];

/// How a round is verified.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    /// As the engine does.
    Ours,
    /// A proposal that was refused is drawn again from the whole distribution: proposals come too often.
    DrawsAgain,
    /// Rows behind a wrong proposal are used.
    KeepsRows,
    /// Proposals are taken as they are.
    TakesAll,
}

/// Who proposes.
#[derive(Clone, Copy)]
enum Guess<'a> {
    Draft(&'a Table),
    Lookup,
    /// Always this token.
    Point(u32),
}

fn table(seed: u64, spread: f32) -> Table {
    let mut rng = crate::sampler::Rng::new(seed);
    [[(); N]; N].map(|row| row.map(|()| spread * (rng.next_f64() as f32 - 0.5)))
}

/// A chain of [`DRAWS`] tokens, in rounds of 1 to 4 proposals; with the share of proposals that were accepted.
fn chain(p: &Table, guess: Guess<'_>, config: &SamplerConfig, rule: Rule) -> (Vec<u32>, f64) {
    let mut sampler = Sampler::new(config.clone()).unwrap();
    let mut tokens = vec![0u32];
    let (mut proposed, mut accepted) = (0, 0);
    while tokens.len() <= DRAWS {
        let last = tokens[tokens.len() - 1];
        let length = 1 + tokens.len() % 4;
        let mut proposals = Vec::new();
        match guess {
            Guess::Point(id) => proposals = vec![id; length],
            Guess::Lookup => {
                let recent = &tokens[tokens.len().saturating_sub(50)..];
                proposals.extend(
                    lookup::find(recent)
                        .map(|f| f.proposals(recent, length))
                        .unwrap_or_default(),
                );
            }
            Guess::Draft(q) => {
                let (mut guesser, mut before) = (sampler.guesser(), last);
                for _ in 0..length {
                    before = guesser.sample_row(&q[before as usize]).unwrap().id;
                    guesser.accept(before);
                    proposals.push(before);
                }
            }
        }
        let contexts = std::iter::once(&last).chain(&proposals);
        let rows: Vec<f32> = contexts.flat_map(|&before| p[before as usize]).collect();
        let mut ahead = Ahead::new(rows.clone(), proposals.clone(), Trust::Fair);
        proposed += proposals.len();
        for (i, row) in rows.chunks_exact(N).enumerate() {
            let mut id = match (rule, ahead.row()) {
                (Rule::Ours, None) => break,
                (Rule::Ours, Some(row)) => sampler.sample_row(row).unwrap().id,
                _ => sampler.sample_row(row).unwrap().id,
            };
            let guess = proposals.get(i).copied();
            match rule {
                Rule::DrawsAgain if guess.is_some_and(|guess| guess != id) => id = sampler.sample_row(row).unwrap().id,
                Rule::TakesAll => id = guess.unwrap_or(id),
                _ => {}
            }
            let right = ahead.choose(id);
            accepted += usize::from(right);
            sampler.accept(id);
            tokens.push(id);
            if !right && rule == Rule::DrawsAgain {
                break;
            }
        }
    }
    (tokens, accepted as f64 / proposed as f64)
}

/// The probabilities of a row behind `before`, computed here from the definition of the stages.
fn probabilities(row: &[f32; N], before: u32, config: &SamplerConfig) -> [f64; N] {
    let mut logits = row.map(f64::from);
    if config.repeat_last_n == 1 {
        logits[before as usize] -= f64::from(config.presence_penalty + config.frequency_penalty);
    }
    let mut order: Vec<usize> = (0..N).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    let best = logits[order[0]];
    let mass = |i: usize| (logits[i] - best).exp();
    let total: f64 = order.iter().map(|&i| mass(i)).sum();
    let mut kept = if config.top_k > 0 { config.top_k } else { N };
    let mut sum = 0.0;
    for (i, &id) in order.iter().enumerate() {
        sum += mass(id);
        if config.top_p < 1.0 && sum >= f64::from(config.top_p) * total {
            kept = kept.min(i + 1);
        }
        if mass(id) < f64::from(config.min_p) {
            kept = kept.min(i);
        }
    }
    let mut p = [0.0; N];
    for &id in &order[..kept] {
        p[id] = ((logits[id] - best) / f64::from(config.temperature)).exp();
    }
    let total: f64 = p.iter().sum();
    p.map(|p| p / total)
}

/// Whether the transitions of a chain are those of the table, at a level of one in ten thousand (Wilson and Hilferty's
/// approximation of the quantile).
fn fits(tokens: &[u32], p: &Table, config: &SamplerConfig) -> bool {
    let mut counts = [[0usize; N]; N];
    for pair in tokens.windows(2) {
        counts[pair[0] as usize][pair[1] as usize] += 1;
    }
    let (mut statistic, mut freedom) = (0.0, 0.0);
    for (before, counts) in counts.iter().enumerate() {
        let n: usize = counts.iter().sum();
        let p = probabilities(&p[before], before as u32, config);
        // Cells that are rarely expected are one cell, as the approximation asks.
        let (mut rare, mut rare_count, mut cells) = (0.0, 0, 0);
        for (&count, &p) in counts.iter().zip(&p) {
            let expected = p * n as f64;
            if expected == 0.0 && count > 0 {
                return false;
            }
            if expected < 5.0 {
                (rare, rare_count) = (rare + expected, rare_count + count);
            } else {
                statistic += (count as f64 - expected).powi(2) / expected;
                cells += 1;
            }
        }
        if rare >= 5.0 {
            statistic += (rare_count as f64 - rare).powi(2) / rare;
            cells += 1;
        }
        freedom += f64::from((cells - 1).max(0));
    }
    let spread = 2.0 / (9.0 * freedom);
    statistic < freedom * (1.0 - spread + 3.719 * f64::sqrt(spread)).powi(3)
}

/// Ways of sampling whose distribution depends on no more than the token before.
fn ways() -> Vec<SamplerConfig> {
    let plain = |seed| SamplerConfig {
        temperature: 1.0,
        seed,
        ..SamplerConfig::default()
    };
    vec![
        plain(1),
        SamplerConfig {
            temperature: 0.6,
            top_k: 5,
            ..plain(2)
        },
        SamplerConfig {
            temperature: 1.3,
            top_p: 0.8,
            min_p: 0.05,
            ..plain(3)
        },
        SamplerConfig {
            repeat_last_n: 1,
            presence_penalty: 0.9,
            frequency_penalty: 0.4,
            ..plain(4)
        },
    ]
}

/// Sharp and flat distributions; drafts that are the same, alike, and nothing alike.
fn shapes() -> Vec<(Table, Table)> {
    let (sharp, flat) = (table(10, 8.0), table(11, 1.0));
    let alike = {
        let noise = table(12, 1.0);
        let mut q = sharp;
        q.iter_mut()
            .flatten()
            .zip(noise.iter().flatten())
            .for_each(|(q, n)| *q += n);
        q
    };
    vec![
        (sharp, sharp),
        (sharp, alike),
        (flat, table(13, 1.0)),
        (sharp, table(14, 8.0)),
        (flat, sharp),
    ]
}

#[test]
fn the_distribution_is_the_models_whoever_proposes() {
    for (i, (p, q)) in shapes().into_iter().enumerate() {
        let ways = ways();
        for config in [&ways[i % ways.len()], &ways[(i + 1) % ways.len()]] {
            for guess in [Guess::Draft(&q), Guess::Lookup, Guess::Point(3)] {
                let (tokens, _) = chain(&p, guess, config, Rule::Ours);
                assert!(fits(&tokens, &p, config), "{config:?}");
            }
        }
    }
}

#[test]
fn the_same_test_finds_biased_rules() {
    let config = &ways()[0];
    for rule in [Rule::DrawsAgain, Rule::KeepsRows, Rule::TakesAll] {
        for (p, q) in &shapes()[2..] {
            let (tokens, _) = chain(p, Guess::Draft(q), config, rule);
            assert!(!fits(&tokens, p, config), "{rule:?}");
        }
        let (flat, _) = &shapes()[2];
        let (tokens, _) = chain(flat, Guess::Point(3), config, rule);
        assert!(!fits(&tokens, flat, config), "{rule:?} of one token");
    }
}

#[test]
fn a_seed_fixes_the_tokens_whatever_is_proposed() {
    let (p, q) = shapes()[1];
    for config in ways() {
        let mut sampler = Sampler::new(config.clone()).unwrap();
        let mut plain = vec![0u32];
        for i in 0..DRAWS {
            let id = sampler.sample_row(&p[plain[i] as usize]).unwrap().id;
            sampler.accept(id);
            plain.push(id);
        }
        for guess in [Guess::Draft(&q), Guess::Lookup, Guess::Point(0)] {
            assert!(
                chain(&p, guess, &config, Rule::Ours).0.starts_with(&plain),
                "{config:?}"
            );
        }
    }
}

#[test]
fn a_draft_that_knows_is_accepted_always_and_one_token_as_often_as_it_is_likely() {
    let config = &ways()[0];
    let (sharp, alike) = shapes()[1];
    assert_eq!(chain(&sharp, Guess::Draft(&sharp), config, Rule::Ours).1, 1.0);
    let near = chain(&sharp, Guess::Draft(&alike), config, Rule::Ours).1;
    let far = chain(&sharp, Guess::Draft(&shapes()[3].1), config, Rule::Ours).1;
    assert!(near > 0.5 && near > far, "{near} and {far}");
}
