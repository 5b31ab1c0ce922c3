//! Has a rate risen? A cumulative sum over yes and no.

use serde::{Deserialize, Serialize};

use crate::error::{Result, RouteError};
use crate::math::ln;
use crate::profile::Count;

/// The rate that is looked for: its odds are this many times those of the reference. A rise of out-of-scope traffic from
/// 5.3 % to 18 % nearly doubles what lies in the most doubtful tenth.
pub const ODDS: f64 = 1.8;

/// Page's one-sided CUSUM (Biometrika 41, 1954): `s = max(0, s + ln(P1(x) / P0(x)))`; an alarm where `s` passes a bound.
///
/// P0 is the reference's rate plus one standard error of it, for the reference is itself a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cusum {
    /// What a yes adds.
    yes: f64,
    /// What a no takes away (negative).
    no: f64,
    /// The sum.
    sum: f64,
}

impl Cusum {
    /// For a rate like that of `reference`; none where it is of nothing.
    pub fn of(reference: Count) -> Option<Cusum> {
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
            yes: ln(p1 / p0),
            no: ln((1.0 - p1) / (1.0 - p0)),
            sum: 0.0,
        })
    }

    /// Takes one in, and says how high the sum is. It stops at `ceiling`, so that what was drift can end.
    pub fn push(&mut self, yes: bool, ceiling: f64) -> f64 {
        let step = if yes { self.yes } else { self.no };
        self.sum = (self.sum + step).clamp(0.0, ceiling);
        self.sum
    }

    pub(super) fn clear(&mut self) {
        self.sum = 0.0;
    }

    pub(super) fn check(&self) -> Result<()> {
        let fits = self.yes > 0.0 && self.no < 0.0 && self.sum >= 0.0;
        if fits && [self.yes, self.no, self.sum].iter().all(|x| x.is_finite()) {
            return Ok(());
        }
        Err(RouteError::invalid(
            "monitor",
            "a sum of its own making",
            format!("{self:?}"),
        ))
    }
}
