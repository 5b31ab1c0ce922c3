//! Has something risen? Page's cumulative sum of log-likelihood ratios.

use serde::{Deserialize, Serialize};

use crate::error::{Result, RouteError};
use crate::math::{exp, ln};
use crate::profile::{Count, Histogram};

/// The rate that is looked for: its odds are this many times those of the reference. Nearly doubled is what matters, and is
/// what a rise of out-of-scope traffic from 5.3 % to 18 % does to the share that asks.
pub const ODDS: f64 = 1.8;

/// The change of scores that is looked for: this share of the traffic is new, …
pub const NEW: f64 = 0.13;

/// … and its scores have the ranks `u` of the reference with the density `TILT · u^(TILT - 1)`: four fifths of them lie in
/// the most doubtful tenth.
pub const TILT: f64 = 16.0;

/// A one-sided CUSUM (Page, Biometrika 41, 1954): `s = max(0, s + ln(P1(x) / P0(x)))`; an alarm where `s` passes a bound.
///
/// The reference is itself a sample. Of rates, P0 is its rate plus one standard error; of scores, one standard error of the
/// mean step is taken off each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cusum {
    /// What each outcome adds: of a rate (no, yes), of scores one for each bin.
    steps: Vec<f64>,
    /// The sum.
    sum: f64,
}

impl Cusum {
    /// For a rate like that of `reference`; none where it is of nothing.
    pub fn of_rate(reference: Count) -> Option<Cusum> {
        if reference.n == 0 {
            return None;
        }
        let n = reference.n as f64;
        // Half a case more of either kind: never a rate of exactly nothing, or of everything.
        let rate = (reference.k as f64 + 0.5) / (n + 1.0);
        let p0 = (rate + (rate * (1.0 - rate) / n).sqrt()).min(1.0 - 0.5 / (n + 1.0));
        let odds = ODDS * p0 / (1.0 - p0);
        let p1 = odds / (1.0 + odds);
        Some(Cusum {
            steps: vec![ln((1.0 - p1) / (1.0 - p0)), ln(p1 / p0)],
            sum: 0.0,
        })
    }

    /// For scores like those of `reference`; none where it has one bin, or nothing.
    pub fn of_scores(reference: &Histogram) -> Option<Cusum> {
        let (bins, n) = (reference.counts.len(), reference.n() as f64);
        if bins < 2 || n == 0.0 {
            return None;
        }
        let all = n + 0.5 * bins as f64;
        let (mut below, mut steps, mut mean, mut square) = (0.0, Vec::new(), 0.0, 0.0);
        for count in &reference.counts {
            let share = (*count as f64 + 0.5) / all;
            let upper = (below + share).min(1.0);
            let new = exp(TILT * ln(upper)) - if below > 0.0 { exp(TILT * ln(below)) } else { 0.0 };
            let step = ln(1.0 - NEW + NEW * new / share);
            mean += share * step;
            square += share * step * step;
            steps.push(step);
            below = upper;
        }
        let error = ((square - mean * mean).max(0.0) / n).sqrt();
        steps.iter_mut().for_each(|step| *step -= error);
        Some(Cusum { steps, sum: 0.0 })
    }

    /// Takes an outcome in, and says how high the sum is. It stops at `ceiling`, so that what was drift can end.
    pub fn push(&mut self, outcome: usize, ceiling: f64) -> f64 {
        let step = self.steps.get(outcome).copied().unwrap_or(0.0);
        self.sum = (self.sum + step).clamp(0.0, ceiling);
        self.sum
    }

    pub(super) fn clear(&mut self) {
        self.sum = 0.0;
    }

    /// Refuses what was never written by one: `outcomes` steps, all finite.
    pub(super) fn check(&self, outcomes: usize) -> Result<()> {
        let finite = self.steps.iter().chain([&self.sum]).all(|x| x.is_finite());
        if finite && self.sum >= 0.0 && self.steps.len() == outcomes {
            return Ok(());
        }
        Err(RouteError::invalid(
            "monitor",
            "a sum of its own making",
            format!("{self:?}"),
        ))
    }
}
