//! A promise is broken as seldom as it says: calibration sets are drawn from a population whose risk is known.

use kinglet_route::calibrate::{Promise, Scored, Sequence, Verdict, certify};
use kinglet_route::measure::SplitMix64;

use super::support::{BEFORE, CLINC, DULL, Laws, SHARP, soak};

/// Calibration sets of each setting (issue 6).
pub(super) const DRAWS: u64 = 1000;

/// Answers of a population that is given as a pool.
const POOL: usize = 5000;

pub(super) const DELTA: f64 = 0.1;

/// A population most of which cannot be kept.
const HARD: &str = "R(t) = t² / 3";

/// Thresholds for [`Sequence::Declared`], stated here: on the scale of the score, for no calibration set in particular.
const DECLARED: [f64; 12] = [0.06, 0.08, 0.1, 0.12, 0.14, 0.17, 0.2, 0.24, 0.28, 0.34, 0.4, 0.5];

/// Where calibration sets come from.
pub(super) trait Population {
    fn draw(&self, random: &mut SplitMix64) -> Scored;
    /// The risk of what is kept below a threshold.
    fn risk(&self, below: Option<f64>) -> f64;
}

/// Every answer is known.
struct Pool {
    answers: Vec<Scored>,
}

impl Pool {
    fn of(laws: Laws, seed: u64) -> Pool {
        let mut random = SplitMix64::new(seed);
        let answers = (0..POOL).map(|_| laws.answer(&mut random, BEFORE)).collect();
        Pool { answers }
    }
}

impl Population for Pool {
    fn draw(&self, random: &mut SplitMix64) -> Scored {
        self.answers[random.below(POOL as u32) as usize]
    }

    fn risk(&self, below: Option<f64>) -> f64 {
        let kept: Vec<&Scored> = self
            .answers
            .iter()
            .filter(|(v, _)| below.is_none_or(|t| *v < t))
            .collect();
        kept.iter().filter(|(_, wrong)| *wrong).count() as f64 / kept.len() as f64
    }
}

/// Uniform scores `s`, wrong with the probability `(power + 1) · all · s^power`: R(t) = all · t^power exactly.
struct Power {
    all: f64,
    power: i32,
}

impl Population for Power {
    fn draw(&self, random: &mut SplitMix64) -> Scored {
        let score = random.unit();
        let p = f64::from(self.power + 1) * self.all * score.powi(self.power);
        (score, random.unit() < p)
    }

    fn risk(&self, below: Option<f64>) -> f64 {
        self.all * below.unwrap_or(1.0).min(1.0).powi(self.power)
    }
}

/// Uniform scores, of which those between .42 and .46 are wrong by halves, and those behind .75 in 30 %: what is kept passes
/// 5 % at about .44, sinks below it at .57, and passes it again at .79. [`Sequence::Kept`] does not allow for that.
struct Twice;

impl Twice {
    const PARTS: [(f64, f64); 4] = [(0.42, 0.02), (0.46, 0.5), (0.75, 0.0), (1.0, 0.3)];
}

impl Population for Twice {
    fn draw(&self, random: &mut SplitMix64) -> Scored {
        let score = random.unit();
        let part = Self::PARTS.iter().find(|(end, _)| score < *end);
        (score, random.unit() < part.map_or(0.0, |p| p.1))
    }

    fn risk(&self, below: Option<f64>) -> f64 {
        let t = below.unwrap_or(1.0).min(1.0);
        let (mut from, mut errors) = (0.0, 0.0);
        for (end, risk) in Self::PARTS {
            errors += risk * (end.min(t) - from).max(0.0);
            from = end;
        }
        errors / t
    }
}

/// What a risk that passes its bound twice does: reported in a soak run, and no more than twice δ.
#[test]
fn a_risk_that_passes_its_bound_twice_is_the_documented_exception() {
    for n in if soak() { &[300, 1000, 3000][..] } else { &[300] } {
        let kept = trial(&Twice, *n, 0.05, 9000 + *n as u64, |set| {
            certified(set, 0.05, &Sequence::Kept)
        });
        println!("twice, n {n}: {kept:?}");
        assert!((kept.violations as f64) < 2.0 * DELTA * DRAWS as f64);
    }
}

/// What became of all draws.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub violations: u64,
    pub cannot: u64,
    pub kept: f64,
}

pub(super) fn trial(
    population: &dyn Population,
    n: usize,
    alpha: f64,
    seed: u64,
    rule: impl Fn(&[Scored]) -> Option<(Option<f64>, u64)>,
) -> Tally {
    let mut tally = Tally::default();
    for draw in 0..DRAWS {
        let mut random = SplitMix64::new(seed.wrapping_mul(1_000_003) + draw);
        let set: Vec<Scored> = (0..n).map(|_| population.draw(&mut random)).collect();
        match rule(&set) {
            None => tally.cannot += 1,
            Some((below, kept)) => {
                tally.violations += u64::from(population.risk(below) > alpha);
                tally.kept += kept as f64 / n as f64 / DRAWS as f64;
            }
        }
    }
    tally
}

pub(super) fn certified(set: &[Scored], alpha: f64, sequence: &Sequence) -> Option<(Option<f64>, u64)> {
    match certify(set, Promise { alpha, delta: DELTA }, sequence).unwrap() {
        Verdict::Certified(c) => Some((c.below, c.kept)),
        Verdict::Cannot(_) => None,
    }
}

/// The loosest threshold whose share of wrong answers in the calibration set is not above α.
pub(super) fn naive(set: &[Scored], alpha: f64) -> Option<(Option<f64>, u64)> {
    let mut sorted = set.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut errors, mut best) = (0u64, None);
    for (i, (_, wrong)) in sorted.iter().enumerate() {
        errors += u64::from(*wrong);
        let kept = i as u64 + 1;
        if errors as f64 <= alpha * kept as f64 {
            best = Some((sorted.get(i + 1).map(|next| next.0), kept));
        }
    }
    best
}

/// δ, and two standard errors of a share of [`DRAWS`] draws.
pub(super) fn allowed() -> u64 {
    let draws = DRAWS as f64;
    (DELTA * draws + 2.0 * (DELTA * (1.0 - DELTA) * draws).sqrt()) as u64
}

#[test]
fn certificates_hold_as_often_as_promised_and_naive_thresholds_do_not() {
    let populations: [(&str, Box<dyn Population>); 5] = [
        (CLINC.name, Box::new(Pool::of(CLINC, 1))),
        (SHARP.name, Box::new(Pool::of(SHARP, 2))),
        (DULL.name, Box::new(Pool::of(DULL, 3))),
        ("R(t) = .15 t⁴", Box::new(Power { all: 0.15, power: 4 })),
        (
            HARD,
            Box::new(Power {
                all: 1.0 / 3.0,
                power: 2,
            }),
        ),
    ];
    // The first and the fourth are for every day.
    for (i, (name, population)) in populations
        .iter()
        .enumerate()
        .filter(|(i, _)| soak() || [0, 3].contains(i))
    {
        for n in [300, 1000] {
            for alpha in [0.05, 0.1] {
                let seed = (1000 * i + n) as u64 + (100.0 * alpha) as u64;
                let population = population.as_ref();
                let kept = trial(population, n, alpha, seed, |set| certified(set, alpha, &Sequence::Kept));
                let declared = Sequence::Declared(DECLARED.to_vec());
                let fixed = trial(population, n, alpha, seed, |set| certified(set, alpha, &declared));
                let loose = trial(population, n, alpha, seed, |set| naive(set, alpha));
                println!(
                    "{name}, n {n}, α {alpha}: violations {} (declared {}, naive {}) of {DRAWS}, cannot {} (declared {}), \
                     kept {:.3} (declared {:.3}, naive {:.3})",
                    kept.violations,
                    fixed.violations,
                    loose.violations,
                    kept.cannot,
                    fixed.cannot,
                    kept.kept,
                    fixed.kept,
                    loose.kept
                );
                for tally in [&kept, &fixed] {
                    assert!(tally.violations <= allowed(), "{name}, n {n}, α {alpha}: {tally:?}");
                }
                assert!(
                    loose.violations > DRAWS * 3 / 10,
                    "the comparison cannot fail: {loose:?}"
                );
                // With a dull signal, or a third of all answers wrong (at 5 % risk 39 % of them may be kept at most), 300
                // labels do not suffice, and it says so.
                if ![DULL.name, HARD].contains(name) {
                    assert!(kept.cannot < DRAWS / 5, "{name}, n {n}, α {alpha}: {kept:?}");
                }
            }
        }
    }
}
