//! What escalation a quality target needs, from a few numbers; and which targets they exclude.
//!
//! A model of doubt, not a measurement: scores of right and of wrong local answers are normal with one variance and the
//! distance that the AUROC demands, `d = sqrt 2 · Φ⁻¹(AUROC)`. The remote model repairs a share `f` of the wrong ones, and
//! is right where the local one is with probability `min(1, (S - f(1 - a)) / a)`, so that it is right on `S` of all.

use serde::{Deserialize, Serialize};

use super::normal::{cdf, quantile};
use crate::{Result, RouteError};

/// A figure that is known, or the interval in which it lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

impl Range {
    /// Known exactly.
    pub fn exactly(value: f64) -> Self {
        Range {
            low: value,
            high: value,
        }
    }

    fn check(&self, name: &str, low: f64, high: f64) -> Result<()> {
        let inside = |x: f64| x >= low && x <= high;
        if inside(self.low) && inside(self.high) && self.low <= self.high {
            return Ok(());
        }
        let got = format!("{} to {}", self.low, self.high);
        Err(RouteError::invalid(
            name,
            format!("numbers from {low} to {high}, ascending"),
            got,
        ))
    }
}

/// What is known before a target is promised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Share of requests that the local model answers rightly (`a`).
    pub local: Range,
    /// Share that the remote model answers rightly (`S`).
    pub remote: Range,
    /// How well doubt separates wrong local answers from right ones.
    pub auroc: Range,
    /// Share of the wrong local answers that the remote model repairs (`f`).
    pub repairs: Range,
    /// The share of the remote model's quality that is wanted: 0.97.
    pub keep: f64,
    /// The largest share that may be escalated; 1 if there is no limit.
    pub limit: f64,
}

/// One exact set of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Case {
    local: f64,
    remote: f64,
    auroc: f64,
    repairs: f64,
}

/// What a target needs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Need {
    /// Share that has to be escalated.
    pub escalation: f64,
    /// The quality of that.
    pub quality: f64,
    /// Share that even an oracle would have to escalate: one that knows which escalations help.
    pub oracle: f64,
}

/// The answer of the planner. Where inputs are intervals, all corners have been tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Plan {
    /// Every value that the inputs allow reaches the target within the limit.
    Holds {
        /// In the best case.
        best: Need,
        /// In the worst case: what to promise.
        worst: Need,
    },
    /// Some do and some do not: nothing is promised.
    Open {
        /// In the best case.
        best: Need,
        /// The quality that the worst case reaches within the limit.
        worst_quality: f64,
        /// The quality that is wanted in that case.
        wanted: f64,
    },
    /// No value that the inputs allow reaches it.
    Excluded {
        /// The quality that the best case reaches within the limit.
        best_quality: f64,
        /// The share escalated for that.
        at: f64,
        /// The quality that is wanted in that case.
        wanted: f64,
        /// Escalation that it would need without the limit; absent if no escalation reaches it.
        needs: Option<f64>,
    },
}

/// Halvings of a bracket: to the last bit.
const HALVINGS: usize = 200;
/// Scores beyond this are not told apart.
const FAR: f64 = 40.0;

impl Case {
    /// P(remote right | local right).
    fn keeps(&self) -> f64 {
        if self.local == 0.0 {
            return 1.0;
        }
        ((self.remote - self.repairs * (1.0 - self.local)) / self.local).clamp(0.0, 1.0)
    }

    /// (escalated, quality) where scores above `t` are escalated, and those of wrong answers lie `d` higher.
    fn at(&self, t: f64, d: f64) -> (f64, f64) {
        let (right, wrong) = (self.local * cdf(-t), (1.0 - self.local) * cdf(d - t));
        (
            right + wrong,
            self.local - right * (1.0 - self.keeps()) + wrong * self.repairs,
        )
    }

    /// The smallest escalation with at least this quality, and the best quality within `limit` with its escalation.
    fn solve(&self, wanted: f64, limit: f64) -> (Option<f64>, (f64, f64)) {
        if self.auroc >= 1.0 {
            return self.solve_perfect(wanted, limit);
        }
        let d = std::f64::consts::SQRT_2 * quantile(self.auroc).unwrap_or(0.0);
        // Escalating on pays as long as odds · repaired > spoiled; the odds of a wrong answer grow with the score.
        let (spoiled, repaired) = (self.local * (1.0 - self.keeps()), (1.0 - self.local) * self.repairs);
        let turn = if spoiled <= 0.0 {
            -FAR
        } else if repaired <= 0.0 {
            FAR
        } else if d > 0.0 {
            (libm::log(spoiled / repaired) / d + d / 2.0).clamp(-FAR, FAR)
        } else if repaired > spoiled {
            -FAR
        } else {
            FAR
        };
        let last = |reached: &dyn Fn((f64, f64)) -> bool| {
            // From `turn` (escalates more) to FAR (nothing): the largest t that still satisfies.
            let (mut yes, mut no) = (turn, FAR);
            for _ in 0..HALVINGS {
                let middle = 0.5 * (yes + no);
                *if reached(self.at(middle, d)) { &mut yes } else { &mut no } = middle;
            }
            yes
        };
        let peak = self.at(turn, d);
        let best = if peak.0 <= limit {
            peak
        } else {
            let (mut more, mut less) = (turn, FAR);
            for _ in 0..HALVINGS {
                let middle = 0.5 * (more + less);
                *if self.at(middle, d).0 > limit {
                    &mut more
                } else {
                    &mut less
                } = middle;
            }
            self.at(less, d)
        };
        let needs = if self.local >= wanted {
            Some(0.0)
        } else if peak.1 < wanted {
            None
        } else {
            Some(self.at(last(&|(_, quality)| quality >= wanted), d).0)
        };
        (needs, best)
    }

    /// Doubt that knows every wrong answer: first all of these, each gaining `repairs`; more only spoils.
    fn solve_perfect(&self, wanted: f64, limit: f64) -> (Option<f64>, (f64, f64)) {
        let wrong = 1.0 - self.local;
        let at = if self.repairs > 0.0 { wrong.min(limit) } else { 0.0 };
        let best = (at, self.local + at * self.repairs);
        let needs = if self.local >= wanted {
            Some(0.0)
        } else {
            Some((wanted - self.local) / self.repairs).filter(|share| *share <= wrong)
        };
        (needs, best)
    }
}

impl Inputs {
    fn check(&self) -> Result<()> {
        self.local.check("local", 0.0, 1.0)?;
        self.remote.check("remote", 0.0, 1.0)?;
        self.auroc.check("auroc", 0.5, 1.0)?;
        self.repairs.check("repairs", 0.0, 1.0)?;
        Range::exactly(self.keep).check("keep", 0.0, 1.0)?;
        Range::exactly(self.limit).check("limit", 0.0, 1.0)
    }

    fn corners(&self) -> impl Iterator<Item = Case> {
        let pick = |range: Range, bit: u32, mask: u32| if mask >> bit & 1 == 0 { range.low } else { range.high };
        let this = *self;
        (0..16).map(move |mask| Case {
            local: pick(this.local, 0, mask),
            remote: pick(this.remote, 1, mask),
            auroc: pick(this.auroc, 2, mask),
            repairs: pick(this.repairs, 3, mask),
        })
    }
}

/// Whether the target can be promised, what it needs, or why it is excluded.
///
/// # Errors
/// A number outside of its range, or an interval upside down; it names the input.
pub fn plan(inputs: &Inputs) -> Result<Plan> {
    inputs.check()?;
    let mut met: Vec<Need> = Vec::new();
    // Of the corners that miss: (quality short of what is wanted, best quality, at, wanted, needs).
    let mut missed: Vec<(f64, f64, f64, f64, Option<f64>)> = Vec::new();
    for case in inputs.corners() {
        let wanted = inputs.keep * case.remote;
        let (needs, (at, best)) = case.solve(wanted, inputs.limit);
        match needs.filter(|share| *share <= inputs.limit) {
            Some(escalation) => met.push(Need {
                escalation,
                quality: wanted.max(case.local),
                oracle: (wanted - case.local).max(0.0),
            }),
            None => missed.push((wanted - best, best, at, wanted, needs)),
        }
    }
    met.sort_by(|a, b| a.escalation.total_cmp(&b.escalation));
    missed.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(match (met.first(), met.last(), missed.first(), missed.last()) {
        (Some(&best), _, _, Some(&(_, worst_quality, _, wanted, _))) => Plan::Open {
            best,
            worst_quality,
            wanted,
        },
        (Some(&best), Some(&worst), ..) => Plan::Holds { best, worst },
        (_, _, Some(&(_, best_quality, at, wanted, needs)), _) => Plan::Excluded {
            best_quality,
            at,
            wanted,
            needs,
        },
        // There are sixteen corners, so one of the lists has an entry.
        _ => return Err(RouteError::invalid("inputs", "numbers", "none")),
    })
}

#[cfg(test)]
mod tests;
