//! A histogram over bins of fixed shares of the values that it is made from.

use serde::{Deserialize, Serialize};

use crate::math::decimal_down;

/// Where the edges lie: deciles, and the most doubtful tenth in two, for that is where traffic of a new kind goes.
pub const SHARES: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

/// Most bins.
pub const BINS: usize = SHARES.len() + 1;

/// Counts between edges: bin `i` holds the values from `edges[i - 1]` on and below `edges[i]`; the outer two are open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// Strictly rising; one fewer than there are counts.
    pub edges: Vec<f64>,
    /// How many values lie in each bin.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// At the [`SHARES`] of these values, which must be finite; fewer bins where many are equal.
    pub fn of(values: &[f64]) -> Histogram {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut edges: Vec<f64> = Vec::new();
        for share in SHARES {
            let at = (share * sorted.len() as f64) as usize;
            let Some(edge) = sorted.get(at).map(|v| decimal_down(*v)) else {
                continue;
            };
            let above_first = sorted.first().is_some_and(|first| edge > *first);
            if above_first && edges.last().is_none_or(|last| *last < edge) {
                edges.push(edge);
            }
        }
        let mut out = Histogram {
            counts: vec![0; edges.len() + 1],
            edges,
        };
        for value in sorted {
            let bin = out.bin(value);
            out.counts[bin] += 1;
        }
        out
    }

    /// The bin of a value.
    pub fn bin(&self, value: f64) -> usize {
        self.edges.partition_point(|edge| *edge <= value)
    }

    /// All counts together.
    pub fn n(&self) -> u64 {
        self.counts.iter().fold(0, |sum, c| sum.saturating_add(*c))
    }
}
