//! The population stability index of a window of scores against the reference.

use serde::{Deserialize, Serialize};

use crate::math::ln;
use crate::profile::Histogram;

/// Scores of a window; each is looked at once, when it is full.
pub const WINDOW: u64 = 250;

/// The normal quantile of 1 - 0.0005: eight windows of 2000 answers alarm falsely in 0.4 %.
pub const SCORES_Z: f64 = 3.290_526_731_491_926;

/// That of 1 - 0.0001: eight windows of each of five signals alarm falsely in 0.4 %, all together.
pub const SIGNALS_Z: f64 = 3.719_016_485_455_709;

/// `Σ (a - b) ln(a / b)` over shares `a` of the window and `b` of the reference, with half a count more in each bin.
pub fn psi(window: &[u64], reference: &[u64]) -> f64 {
    let shares = |counts: &[u64]| -> Vec<f64> {
        let n = counts.iter().map(|c| *c as f64).sum::<f64>() + 0.5 * counts.len() as f64;
        counts.iter().map(|c| (*c as f64 + 0.5) / n).collect()
    };
    let pairs = shares(window).into_iter().zip(shares(reference));
    pairs.map(|(a, b)| (a - b) * ln(a / b)).sum()
}

/// What the index exceeds by chance in one window of 2000: without drift it is `χ²(bins - 1) · (1 / n + 1 / m)` for `n`
/// scores in the window and `m` in the reference (Yurdakul, "Statistical properties of population stability index", 2018);
/// the quantile of χ² by Wilson and Hilferty's cube (PNAS 17, 1931), `z` being the normal one.
pub fn psi_bound(bins: usize, n: u64, m: u64, z: f64) -> f64 {
    let degrees = bins.saturating_sub(1).max(1) as f64;
    let c = 2.0 / (9.0 * degrees);
    let root = 1.0 - c + z * c.sqrt();
    degrees * root * root * root * (1.0 / n.max(1) as f64 + 1.0 / m.max(1) as f64)
}

/// Counts of the window that is being filled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    counts: Vec<u64>,
}

impl Window {
    pub(super) fn of(reference: &Histogram) -> Window {
        Window {
            counts: vec![0; reference.counts.len()],
        }
    }

    pub(super) fn fits(&self, reference: &Histogram) -> bool {
        let small = self.counts.iter().all(|c| *c < WINDOW);
        small && self.counts.len() == reference.counts.len()
    }

    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// Takes a value in. When the window is full: its index and the bound; then it begins anew.
    pub(super) fn push(&mut self, bin: usize, reference: &Histogram, z: f64) -> Option<(f64, f64)> {
        if self.counts.len() < 2 {
            return None; // all of the reference's values are equal: there is nothing to compare
        }
        *self.counts.get_mut(bin)? += 1;
        let n: u64 = self.counts.iter().sum();
        if n < WINDOW {
            return None;
        }
        let found = psi(&self.counts, &reference.counts);
        self.clear();
        Some((found, psi_bound(reference.counts.len(), n, reference.n(), z)))
    }
}
