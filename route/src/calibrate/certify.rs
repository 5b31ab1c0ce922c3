//! Certifying a bound on risk: a fixed sequence of exact binomial tests.
//!
//! For a threshold `t` let R(t) be the share of wrong answers among all that have a value below `t`, in the traffic that
//! the labelled answers were drawn from. "R(t) > α" is tested by `P(Bin(kept, α) ≤ errors) ≤ δ`, one threshold after the
//! other in a sequence that was fixed before the labels were looked at; the first test that fails ends it, and the last
//! one that passed is the answer. A wrong promise needs that the *first* threshold with R(t) > α passes, which has at most
//! the probability δ: no correction for the number of tests is due (Maurer, Hothorn and Lehmacher 1995; "fixed sequence
//! testing" in Angelopoulos et al., Learn then Test, 2021).
//!
//! [`Sequence::Declared`]: thresholds that were declared without these answers. Given how many lie below a fixed `t`, the
//! errors among them are binomial with R(t); nothing else is assumed but independent draws.
//!
//! [`Sequence::Kept`]: the *counts* are fixed, by n, α and δ alone, and each threshold is the value of the next answer
//! behind so many. Given that value (an order statistic), the answers below it are independent draws from all that lie
//! below it, so that each test is exact, too. Which threshold is the first bad one now depends on the values, and the
//! argument needs that the risk of what is kept passes α once: that it does not sink below α again as more doubtful
//! answers are added. Then, with t* where it passes: the answers below t* are wrong with α, those between t* and the first
//! bad threshold T with more than α on average (or R(T) would not be above α), so their errors are stochastically at least
//! Bin(kept, α), however many of the kept ones lie on either side.

use crate::calibrate::binomial::{cdf, upper_bound};
use crate::error::{Result, RouteError};
use crate::math::{decimal, decimal_down};

/// Errors that the first test of [`Sequence::Kept`] lets pass. With none, a single error among the surest ends everything;
/// with three, a start whose true risk is a fifth of α = 5 % fails once in fifty.
pub const START_ERRORS: u64 = 3;

/// The first test of [`Sequence::Kept`] keeps at least one answer in so many: with many labels a start of few answers would
/// throw them away, and a share of wrong labels among the surest, of 2 %, would end everything by chance. Where less than
/// a quarter can be kept, there is little to win.
pub const START_PART: u64 = 4;

/// Steps of [`Sequence::Kept`] from its start to all answers.
pub const STEPS: u64 = 40;

/// Most declared thresholds.
pub const MAX_DECLARED: usize = 1000;

/// Power at which the number of labels that it would take is computed: a normal quantile, 80 %.
const POWER_Z: f64 = 0.84;

/// More labels than this are no advice.
const MOST_LABELS: u64 = 1_000_000;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// The bound on the share of wrong answers among the kept ones, inside of (0, 1).
    pub alpha: f64,
    /// The probability that it may not hold, over draws of the labelled answers, inside of (0, 1).
    pub delta: f64,
}

/// A labelled answer: the value of its score, and whether it is wrong.
pub type Scored = (f64, bool);

/// Which thresholds are tried, and in which order.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Sequence {
    /// Numbers of kept answers that follow from n, α and δ: [`kept_counts`].
    #[default]
    Kept,
    /// These thresholds, strictly rising, declared without looking at the labelled answers.
    Declared(Vec<f64>),
}

/// The answer to "may this bound be promised?".
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Yes, below this threshold.
    Certified(Certificate),
    /// No.
    Cannot(Shortfall),
}

/// A promise with its evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// Answers with a smaller value are kept; none: all are.
    pub below: Option<f64>,
    /// Labelled answers.
    pub n: u64,
    /// Of these, below the threshold.
    pub kept: u64,
    /// Of the kept ones, wrong.
    pub errors: u64,
    /// Clopper-Pearson upper bound of the risk, at 1 - δ, for this threshold taken by itself.
    pub bound: f64,
}

/// Why nothing can be promised.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortfall {
    /// Labelled answers.
    pub n: u64,
    /// Of these, below the first threshold.
    pub kept: u64,
    /// Of the kept ones, wrong.
    pub errors: u64,
    /// Labelled answers with which it would succeed four times in five, if the surest are as often wrong as here; none
    /// where they are wrong too often for any number.
    pub needed: Option<u64>,
    /// The same for people.
    pub message: String,
}

impl Shortfall {
    /// As an error, for callers that asked for nothing else.
    pub fn into_error(self) -> RouteError {
        RouteError::CannotCertify {
            message: self.message,
            n: self.n,
            needed: self.needed,
        }
    }
}

impl Promise {
    /// # Errors
    /// `invalid_request` where α or δ is not strictly between 0 and 1.
    pub fn check(self) -> Result<Promise> {
        for (path, x) in [("target.risk", self.alpha), ("target.delta", self.delta)] {
            if !(x > 0.0 && x < 1.0) {
                return Err(RouteError::invalid(
                    path,
                    "a number between 0 and 1, neither included",
                    x,
                ));
            }
        }
        Ok(self)
    }

    fn holds(self, errors: u64, kept: u64) -> bool {
        kept > 0 && cdf(errors, kept, self.alpha) <= self.delta
    }

    /// Labelled answers with which a certificate is likely, if most can be kept: twice the fewest that bear
    /// [`START_ERRORS`] errors. Depends on α and δ and on nothing else.
    pub fn likely(self) -> u64 {
        2 * self.fewest(START_ERRORS)
    }

    /// The fewest kept answers of which so many may be wrong.
    pub fn fewest(self, errors: u64) -> u64 {
        let mut high = errors + 1;
        while !self.holds(errors, high) && high < MOST_LABELS {
            high *= 2;
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.holds(errors, middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }
}

/// The numbers of kept answers that are tried, in order: from the fewest that bear [`START_ERRORS`] errors (fewer errors,
/// where that would be more than half of n), but at least one in [`START_PART`], to all, in [`STEPS`] equal steps. Depends
/// on n, α and δ and on nothing else.
/// Empty where not even all of them without an error would do.
pub fn kept_counts(n: u64, promise: Promise) -> Vec<u64> {
    let by_errors = (0..=START_ERRORS).rev().map(|e| promise.fewest(e));
    let start = by_errors.into_iter().find(|m| m * 2 <= n).unwrap_or(promise.fewest(0));
    let start = start.max(n / START_PART);
    if start > n {
        return Vec::new();
    }
    let mut counts: Vec<u64> = (0..=STEPS).map(|j| start + j * (n - start) / STEPS).collect();
    counts.dedup();
    counts
}

/// Certifies a threshold for these answers, whose values must be finite.
///
/// # Errors
/// `invalid_request`: α or δ outside of (0, 1), a value that is no number, declared thresholds that do not rise or are too
/// many.
pub fn certify(answers: &[Scored], promise: Promise, sequence: &Sequence) -> Result<Verdict> {
    let promise = promise.check()?;
    let mut sorted = answers.to_vec();
    if let Some((bad, _)) = sorted.iter().find(|(v, _)| !v.is_finite()) {
        return Err(RouteError::invalid("scores", "finite numbers", bad));
    }
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = sorted.len() as u64;
    let mut errors_up_to = vec![0u64];
    let mut errors = 0;
    for (_, wrong) in &sorted {
        errors += u64::from(*wrong);
        errors_up_to.push(errors);
    }
    let thresholds: Vec<Option<f64>> = match sequence {
        Sequence::Kept => kept_counts(n, promise)
            .iter()
            .map(|m| behind(&sorted, *m as usize))
            .collect(),
        Sequence::Declared(thresholds) => declared(thresholds)?,
    };
    let mut best: Option<Certificate> = None;
    let mut failed = (0, 0);
    for below in thresholds {
        let kept = below.map_or(sorted.len(), |t| sorted.partition_point(|(v, _)| *v < t));
        let (kept, errors) = (kept as u64, errors_up_to[kept]);
        if !promise.holds(errors, kept) {
            failed = (kept, errors);
            break;
        }
        best = Some(Certificate {
            below,
            n,
            kept,
            errors,
            bound: upper_bound(errors, kept, promise.delta),
        });
    }
    Ok(match best {
        Some(certificate) => Verdict::Certified(certificate),
        None => Verdict::Cannot(shortfall(n, failed, promise)),
    })
}

/// The threshold that keeps the first `m` answers (and those equal to the last of them): the next value.
fn behind(sorted: &[Scored], m: usize) -> Option<f64> {
    let last = sorted.get(m.checked_sub(1)?)?.0;
    let next = sorted[m..].iter().find(|(v, _)| *v > last)?;
    Some(decimal_down(next.0))
}

fn declared(thresholds: &[f64]) -> Result<Vec<Option<f64>>> {
    let rises = thresholds.windows(2).all(|w| w[0] < w[1]);
    let fits = (1..=MAX_DECLARED).contains(&thresholds.len()) && thresholds.iter().all(|t| t.is_finite());
    if !rises || !fits {
        return Err(RouteError::invalid(
            "sequence",
            format!("1 to {MAX_DECLARED} finite thresholds that rise"),
            format!("{} thresholds", thresholds.len()),
        ));
    }
    Ok(thresholds.iter().map(|t| Some(decimal(*t))).collect())
}

fn shortfall(n: u64, (kept, errors): (u64, u64), promise: Promise) -> Shortfall {
    let (alpha, delta) = (100.0 * promise.alpha, 1.0 - promise.delta);
    let fewest = promise.fewest(0);
    let bound = format!("that at most {alpha} % of the kept answers are wrong, with confidence {delta}");
    let (needed, message) = if kept < fewest {
        let needed = promise.likely();
        let message = format!(
            "{bound}, takes {fewest} kept answers without any error, and {needed} labelled ones to be likely; \
             {kept} are kept at the first threshold"
        );
        (Some(needed), message)
    } else {
        let found = format!("of the {kept} surest answers {errors} are wrong");
        match enough(n, kept, errors, promise) {
            Some(needed) => (
                Some(needed),
                format!("{bound}: {found}; label about {needed}, or accept more risk"),
            ),
            None => (
                None,
                format!(
                    "{bound}: {found}, and more labels will not change that; accept more risk, or find a better signal"
                ),
            ),
        }
    };
    Shortfall {
        n,
        kept,
        errors,
        needed,
        message,
    }
}

/// Labelled answers with which the first test would pass four times in five, at the risk that was seen.
fn enough(n: u64, kept: u64, errors: u64, promise: Promise) -> Option<u64> {
    let risk = errors as f64 / kept as f64;
    let passes = |m: u64| {
        let mean = risk * m as f64;
        let likely = mean + POWER_Z * (mean * (1.0 - risk)).sqrt();
        promise.holds(likely.ceil() as u64, m)
    };
    if risk >= promise.alpha {
        return None;
    }
    let mut high = kept;
    while !passes(high) {
        high = high.checked_mul(2).filter(|m| *m <= MOST_LABELS)?;
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if passes(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some((high as f64 * n as f64 / kept as f64).ceil() as u64)
}
