//! A real pool: `desk`'s answers to the report part of CLINC150 in the real engine (tools/route_pool.py), every one of them
//! known to be right or wrong. Calibration sets are drawn from it with replacement and judged on all of it.
//!
//! Stated before anything was drawn: the score is 1 - `label_max`, the model's share for its best label (what docs/tasks.md
//! goes by); texts out of scope, of which the set has 50, are weighted to 5.3 % of the traffic, and in a soak run to 18 %;
//! n = 300 and 1000, α = .03, .05 and .1, δ = .1. The goal: violations of at most δ and two standard errors, and "cannot
//! certify" in less than a fifth of the sets at 5 %.

use kinglet_route::calibrate::{Options, Row, Scored, Scoring, Sequence, calibrate};
use kinglet_route::evaluate;
use kinglet_route::measure::SplitMix64;
use kinglet_route::profile::Target;
use kinglet_route::score::Scale;

use super::certification::{DELTA, DRAWS, Population, allowed, certified, naive, trial};
use super::support::{AFTER, BEFORE, binding, soak};

const ROWS: &str = include_str!("../../../tests/cases/route/clinc_desk.jsonl");

/// The pool, in and out of scope, with the share of the traffic that is out of it.
struct Desk {
    inside: Vec<Row>,
    outside: Vec<Row>,
    share: f64,
}

impl Desk {
    fn of(share: f64) -> Desk {
        let rows: Vec<Row> = evaluate::read(ROWS)
            .unwrap()
            .iter()
            .map(evaluate::Row::labelled)
            .collect();
        let (outside, inside): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|r| r.class.as_deref() == Some("out"));
        assert_eq!((inside.len(), outside.len()), (1491, 50));
        Desk { inside, outside, share }
    }

    fn row(&self, random: &mut SplitMix64) -> &Row {
        let side = if random.unit() < self.share {
            &self.outside
        } else {
            &self.inside
        };
        &side[random.below(side.len() as u32) as usize]
    }

    /// The risk of what is kept, over all of the pool.
    fn risk_of(&self, keeps: impl Fn(&Row) -> bool) -> f64 {
        let (mut kept, mut wrong) = (0.0, 0.0);
        for (rows, share) in [(&self.inside, 1.0 - self.share), (&self.outside, self.share)] {
            for row in rows.iter().filter(|row| keeps(row)) {
                kept += share / rows.len() as f64;
                wrong += f64::from(row.local_ok == Some(false)) * share / rows.len() as f64;
            }
        }
        wrong / kept
    }
}

fn doubt(row: &Row) -> Scored {
    let label_max = row.signals.as_ref().and_then(|s| s.label_max).unwrap();
    (1.0 - label_max, row.local_ok == Some(false))
}

impl Population for Desk {
    fn draw(&self, random: &mut SplitMix64) -> Scored {
        doubt(self.row(random))
    }

    fn risk(&self, below: Option<f64>) -> f64 {
        self.risk_of(|row| below.is_none_or(|t| doubt(row).0 < t))
    }
}

#[test]
fn certificates_hold_on_the_real_pool() {
    for (share, seed) in [(BEFORE, 70_000), (AFTER, 80_000)] {
        if share == AFTER && !soak() {
            continue;
        }
        let pool = Desk::of(share);
        for n in [300, 1000] {
            for alpha in [0.03, 0.05, 0.1] {
                let seed = seed + n as u64 + (100.0 * alpha) as u64;
                let kept = trial(&pool, n, alpha, seed, |set| certified(set, alpha, &Sequence::Kept));
                let loose = trial(&pool, n, alpha, seed, |set| naive(set, alpha));
                println!(
                    "desk, {share} out of scope, n {n}, α {alpha}: violations {} (naive {}) of {DRAWS}, cannot {}, kept {:.3} \
                     (naive {:.3})",
                    kept.violations, loose.violations, kept.cannot, kept.kept, loose.kept
                );
                assert!(kept.violations <= allowed(), "n {n}, α {alpha}: {kept:?}");
                assert!(
                    loose.violations > DRAWS * 3 / 10,
                    "the comparison cannot fail: {loose:?}"
                );
                if share == BEFORE && alpha == 0.05 {
                    assert!(kept.cannot < DRAWS / 5, "n {n}: {kept:?}");
                }
            }
        }
    }
}

/// The whole way: the score is fitted to a third of the rows of each draw, from two signals, and the rest certifies.
#[test]
fn a_fitted_score_keeps_its_promise_on_the_real_pool() {
    let (pool, alpha) = (Desk::of(BEFORE), 0.05);
    let draws = if soak() { DRAWS } else { 20 };
    let options = Options {
        task: "intent".into(),
        created: "2026-11-22".into(),
        binding: binding(),
        target: Target::Risk { alpha, delta: DELTA },
        scoring: Scoring::Fit {
            features: vec!["label_max".into(), "min_logprob".into()],
            scale: Scale::Error,
        },
        sequence: Sequence::default(),
    };
    let (mut violations, mut cannot, mut kept_share) = (0, 0, 0.0);
    for draw in 0..draws {
        let mut random = SplitMix64::new(90_000_049 + draw);
        let named = |i: usize, row: &Row| Row {
            id: i.to_string(),
            ..row.clone()
        };
        let set: Vec<Row> = (0..1000).map(|i| named(i, pool.row(&mut random))).collect();
        match calibrate(&set, &options) {
            Err(error) => {
                assert_eq!(error.code(), "cannot_certify");
                cannot += 1;
            }
            Ok(profile) => {
                let keeps = |row: &Row| !profile.asks(row.signals.as_ref().unwrap(), None).unwrap().1;
                violations += u64::from(pool.risk_of(keeps) > alpha);
                let kept = set.iter().filter(|row| keeps(row)).count();
                kept_share += kept as f64 / set.len() as f64 / draws as f64;
            }
        }
    }
    println!("desk, fitted, n 1000, α .05: violations {violations} of {draws}, cannot {cannot}, kept {kept_share:.3}");
    let allowed = DELTA * draws as f64 + 2.0 * (DELTA * (1.0 - DELTA) * draws as f64).sqrt();
    assert!(
        violations as f64 <= allowed && cannot * 5 < draws,
        "{violations} {cannot}"
    );
}
