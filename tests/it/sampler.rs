//! The sampler: order of stages, penalties, bans, ties, statistics, and agreement of its two entrances.

use kinglet::Error;
use kinglet::kernels::top_k as search;
use kinglet::ops::{TOP_K_MAX, TopK};
use kinglet::sampler::{Need, Sampler, SamplerConfig};

use crate::support::{Rng, count};

fn config() -> SamplerConfig {
    SamplerConfig::default()
}

fn sampler(config: SamplerConfig) -> Sampler {
    Sampler::new(config).expect("a valid configuration")
}

fn entropy_of(row: &[f32]) -> f32 {
    let n_vocab = row.len() as u32;
    search::cpu(&search::Params { n_vocab }, 1, row).entropy
}

/// What a backend would read back of `row`.
fn top_k(row: &[f32], k: usize) -> TopK {
    let mut ids: Vec<u32> = (0..row.len() as u32).collect();
    ids.sort_by(|a, b| row[*b as usize].partial_cmp(&row[*a as usize]).unwrap().then(a.cmp(b)));
    ids.truncate(k);
    let max = row.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = row.iter().map(|l| f64::from(l - max).exp()).sum();
    TopK {
        logits: ids.iter().map(|&id| row[id as usize]).collect(),
        ids,
        log_sum_exp: max + sum.ln() as f32,
        entropy: entropy_of(row),
    }
}

/// The set of tokens that ever comes out of `row`.
fn support_of(config: SamplerConfig, row: &[f32]) -> Vec<u32> {
    let mut s = sampler(config);
    let mut seen: Vec<u32> = (0..2000).map(|_| s.sample_row(row).unwrap().id).collect();
    seen.sort_unstable();
    seen.dedup();
    seen
}

#[test]
fn greedy_takes_the_lowest_id_of_the_best() {
    let row = [-1.0, 3.0, 0.0, 3.0, -0.0];
    assert_eq!(sampler(config()).sample_row(&row).unwrap().id, 1);
    assert_eq!(
        sampler(config()).sample_row(&[-0.0, 0.0]).unwrap().id,
        0,
        "zeros of both signs tie"
    );
    assert_eq!(sampler(config()).need(), Need::Top(1));
    assert_eq!(sampler(config()).sample_top(&top_k(&row, 1)).unwrap().unwrap().id, 1);
}

#[test]
fn truncation_keeps_what_it_says() {
    // Probabilities 0.5, 0.25, 0.125, 0.0625, 0.0625.
    let row: Vec<f32> = [0.5f32, 0.25, 0.125, 0.0625, 0.0625].iter().map(|p| p.ln()).collect();
    let base = || SamplerConfig {
        temperature: 1.0,
        seed: 5,
        ..config()
    };
    let cases = [
        ("all", base(), vec![0, 1, 2, 3, 4]),
        ("top_k", SamplerConfig { top_k: 2, ..base() }, vec![0, 1]),
        ("top_p", SamplerConfig { top_p: 0.7, ..base() }, vec![0, 1]),
        (
            "top_p reaches past one token",
            SamplerConfig { top_p: 0.76, ..base() },
            vec![0, 1, 2],
        ),
        (
            "top_p always keeps one",
            SamplerConfig { top_p: 0.01, ..base() },
            vec![0],
        ),
        ("min_p", SamplerConfig { min_p: 0.2, ..base() }, vec![0, 1, 2]),
        (
            "top_p is over what top_k kept",
            SamplerConfig {
                top_k: 2,
                top_p: 0.6,
                ..base()
            },
            vec![0],
        ),
        (
            "temperature comes last",
            SamplerConfig {
                temperature: 50.0,
                top_p: 0.7,
                ..base()
            },
            vec![0, 1],
        ),
        (
            "ban",
            SamplerConfig {
                logit_bias: vec![(0, -100.0)],
                top_k: 1,
                ..base()
            },
            vec![1],
        ),
    ];
    for (name, config, expect) in cases {
        assert_eq!(support_of(config, &row), expect, "{name}");
    }
}

#[test]
fn penalties_follow_the_sign_rule() {
    let mut s = sampler(SamplerConfig {
        repeat_penalty: 2.0,
        ..config()
    });
    s.accept(0);
    // 4 / 2 = 2 < 3; a negative logit is multiplied: -1 * 2 = -2 < -1.5.
    assert_eq!(s.sample_row(&[4.0, 3.0]).unwrap().id, 1);
    assert_eq!(s.sample_row(&[-1.0, -1.5]).unwrap().id, 1);

    let mut s = sampler(SamplerConfig {
        presence_penalty: 0.5,
        frequency_penalty: 0.25,
        ..config()
    });
    s.accept(0);
    s.accept(0);
    s.accept(0); // 0.5 + 3 * 0.25 = 1.25
    assert_eq!(s.sample_row(&[2.0, 0.76]).unwrap().id, 1);
    assert_eq!(s.sample_row(&[2.0, 0.74]).unwrap().id, 0);
}

#[test]
fn the_window_forgets() {
    let mut s = sampler(SamplerConfig {
        presence_penalty: 10.0,
        repeat_last_n: 2,
        ..config()
    });
    for token in [0, 1, 1] {
        s.accept(token);
    }
    assert_eq!(
        s.sample_row(&[1.0, 2.0]).unwrap().id,
        0,
        "0 has left the window, 1 is penalised"
    );
    let mut off = sampler(SamplerConfig {
        presence_penalty: 10.0,
        repeat_last_n: 0,
        ..config()
    });
    off.accept(1);
    assert_eq!(off.sample_row(&[1.0, 2.0]).unwrap().id, 1);
}

#[test]
fn logprobs_are_of_the_raw_distribution() {
    let row: Vec<f32> = [0.5f32, 0.3, 0.2].iter().map(|p| p.ln() + 7.0).collect();
    let banned = SamplerConfig {
        logit_bias: vec![(0, -100.0)],
        top_logprobs: 2,
        ..config()
    };
    for picked in [
        sampler(banned.clone()).sample_row(&row).unwrap(),
        sampler(banned).sample_top(&top_k(&row, 3)).unwrap().unwrap(),
    ] {
        assert_eq!(picked.id, 1);
        assert!((picked.logprob - 0.3f32.ln()).abs() < 1e-5);
        assert_eq!(picked.top.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 1]);
        assert!((picked.top[0].1 - 0.5f32.ln()).abs() < 1e-5);
    }
}

#[test]
fn frequencies_match_the_distribution() {
    let weights = [0.4f64, 0.3, 0.15, 0.1, 0.05];
    let row: Vec<f32> = weights.iter().map(|p| p.ln() as f32).collect();
    let draws = count(20_000, 2_000_000);
    // (temperature, allowed chi-square): 4 degrees of freedom, 18.5 is the 0.1 % point.
    for (temperature, seed) in [(1.0f32, 1), (0.7, 2), (1.5, 3)] {
        let mut s = sampler(SamplerConfig {
            temperature,
            seed,
            ..config()
        });
        let mut counts = [0f64; 5];
        for _ in 0..draws {
            counts[s.sample_row(&row).unwrap().id as usize] += 1.0;
        }
        let scaled: Vec<f64> = weights.iter().map(|p| p.powf(1.0 / f64::from(temperature))).collect();
        let total: f64 = scaled.iter().sum();
        let chi = |expected: &dyn Fn(usize) -> f64| -> f64 {
            (0..5).map(|i| (counts[i] - expected(i)).powi(2) / expected(i)).sum()
        };
        let n = draws as f64;
        let good = chi(&|i| n * scaled[i] / total);
        assert!(good < 18.5, "temperature {temperature}: chi-square {good}");
        let wrong = chi(&|i| n * scaled[(i + 1) % 5] / total);
        assert!(wrong > 100.0, "the statistic must be able to fail, got {wrong}");
    }
}

#[test]
fn same_seed_same_tokens_other_seed_others() {
    let row: Vec<f32> = (0..100).map(|i| (i % 7) as f32 * 0.1).collect();
    let draw = |seed| -> Vec<u32> {
        let mut s = sampler(SamplerConfig {
            temperature: 1.0,
            seed,
            ..config()
        });
        (0..50).map(|_| s.sample_row(&row).unwrap().id).collect()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}

/// `sample_top` either declines or gives exactly the token of `sample_row`; and it seldom declines where it should not.
#[test]
fn both_entrances_agree() {
    let mut rng = Rng(42);
    let (mut served, mut declined) = (0, 0);
    for round in 0..count(600, 60_000) {
        let n = [70, 257, 1757][rng.below(3)];
        let spread = [0.5, 3.0, 12.0][rng.below(3)];
        let row: Vec<f32> = (0..n).map(|_| (rng.unit() * spread * 4.0).round() / 4.0).collect(); // many ties
        let pick = |rng: &mut Rng, options: &[f32]| options[rng.below(options.len())];
        let c = SamplerConfig {
            temperature: pick(&mut rng, &[0.0, 0.7, 1.0, 1.3]),
            top_k: [0, 1, 5, 40, 64, 100][rng.below(6)],
            top_p: pick(&mut rng, &[1.0, 0.95, 0.5, 0.1]),
            min_p: pick(&mut rng, &[0.0, 0.05, 0.5]),
            repeat_penalty: pick(&mut rng, &[1.0, 1.1, 2.0]),
            presence_penalty: pick(&mut rng, &[0.0, 0.5, -0.5]),
            frequency_penalty: pick(&mut rng, &[0.0, 0.5]),
            logit_bias: (0..rng.below(4))
                .map(|_| (rng.below(n) as u32, [-100.0, -1.0, 2.0][rng.below(3)]))
                .collect(),
            seed: rng.next_u64(),
            top_logprobs: rng.below(6),
            ..config()
        };
        let mut a = sampler(c);
        for _ in 0..rng.below(80) {
            a.accept(rng.below(n) as u32);
        }
        let Need::Top(k) = a.need() else { continue };
        assert!((1..=TOP_K_MAX).contains(&k));
        let mut b = a.clone();
        match a.sample_top(&top_k(&row, k)).unwrap() {
            None => declined += 1,
            Some(from_top) => {
                served += 1;
                let from_row = b.sample_row(&row).unwrap();
                assert_eq!(from_top.id, from_row.id, "round {round}: {:?}", a.config());
                assert!((from_top.logprob - from_row.logprob).abs() < 1e-4);
                assert_eq!(from_top.top.len(), from_row.top.len());
                for (x, y) in from_top.top.iter().zip(&from_row.top) {
                    assert!(x.0 == y.0 && (x.1 - y.1).abs() < 1e-4, "round {round}");
                }
            }
        }
    }
    println!("served {served}, declined {declined}, seed 42");
    assert!(
        served > 50 && declined > 20,
        "both outcomes must be exercised: {served} {declined}"
    );
}

#[test]
fn need_asks_for_a_row_only_when_it_must() {
    let chat = SamplerConfig {
        temperature: 0.8,
        top_k: 40,
        top_p: 0.95,
        ..config()
    };
    assert_eq!(sampler(chat.clone()).need(), Need::Top(40));
    assert_eq!(
        sampler(SamplerConfig {
            top_k: 0,
            ..chat.clone()
        })
        .need(),
        Need::Top(TOP_K_MAX)
    );
    assert_eq!(
        sampler(SamplerConfig {
            top_k: 65,
            ..chat.clone()
        })
        .need(),
        Need::Row
    );
    assert_eq!(
        sampler(SamplerConfig {
            top_k: 0,
            top_p: 1.0,
            ..chat.clone()
        })
        .need(),
        Need::Top(TOP_K_MAX)
    );
    assert_eq!(
        sampler(SamplerConfig {
            temperature: 1.01,
            top_k: 0,
            top_p: 1.0,
            ..chat.clone()
        })
        .need(),
        Need::Row,
        "what lies behind the best is worth more than it was"
    );
    assert_eq!(
        sampler(SamplerConfig {
            logit_bias: vec![(1, 5.0)],
            ..chat
        })
        .need(),
        Need::Row
    );
    let flat = vec![0.0f32; 1000];
    let mut nucleus = sampler(SamplerConfig {
        temperature: 1.0,
        top_p: 0.9,
        ..config()
    });
    assert_eq!(
        nucleus.sample_top(&top_k(&flat, 64)).unwrap(),
        None,
        "64 of 1000 equal tokens hold 6.4 %"
    );
}

#[test]
fn broken_logits_are_errors() {
    for bad in [f32::NAN, f32::INFINITY] {
        let got = sampler(config()).sample_row(&[0.0, bad]);
        assert!(matches!(got, Err(Error::NotFinite { .. })), "{got:?}");
        let top = TopK {
            ids: vec![1],
            logits: vec![bad],
            log_sum_exp: 0.0,
            entropy: 0.0,
        };
        assert!(matches!(
            sampler(config()).sample_top(&top),
            Err(Error::NotFinite { .. })
        ));
    }
    assert!(matches!(
        sampler(config()).sample_row(&[f32::NEG_INFINITY; 3]),
        Err(Error::NotFinite { .. })
    ));
    assert!(sampler(config()).sample_row(&[]).is_err());
    let all_banned = SamplerConfig {
        logit_bias: vec![(0, -100.0), (1, f32::NEG_INFINITY)],
        ..config()
    };
    let got = sampler(all_banned).sample_row(&[1.0, 2.0]);
    assert!(matches!(got, Err(Error::InvalidRequest { .. })), "{got:?}");
}

#[test]
fn senseless_settings_are_refused_by_name() {
    let bad = [
        (
            "temperature",
            SamplerConfig {
                temperature: -1.0,
                ..config()
            },
        ),
        (
            "temperature",
            SamplerConfig {
                temperature: f32::NAN,
                ..config()
            },
        ),
        ("top_p", SamplerConfig { top_p: 0.0, ..config() }),
        ("top_p", SamplerConfig { top_p: 1.1, ..config() }),
        (
            "min_p",
            SamplerConfig {
                min_p: -0.1,
                ..config()
            },
        ),
        (
            "repeat_penalty",
            SamplerConfig {
                repeat_penalty: 0.0,
                ..config()
            },
        ),
        (
            "presence_penalty",
            SamplerConfig {
                presence_penalty: f32::INFINITY,
                ..config()
            },
        ),
        (
            "logit_bias[3]",
            SamplerConfig {
                logit_bias: vec![(3, f32::NAN)],
                ..config()
            },
        ),
        (
            "top_logprobs",
            SamplerConfig {
                top_logprobs: 21,
                ..config()
            },
        ),
    ];
    for (name, config) in bad {
        match Sampler::new(config) {
            Err(Error::InvalidRequest { param, .. }) => assert_eq!(param, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn extreme_boosts_do_not_break_the_arithmetic() {
    let c = SamplerConfig {
        temperature: 1.0,
        repeat_penalty: f32::MIN_POSITIVE,
        logit_bias: vec![(0, f32::MAX)],
        ..config()
    };
    let mut s = sampler(c);
    s.accept(1);
    assert!(s.sample_row(&[f32::MAX, 3.0, 0.0]).unwrap().id < 2);
}
