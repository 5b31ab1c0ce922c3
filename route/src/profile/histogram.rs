//! A histogram over bins of about equal counts.

use serde::{Deserialize, Serialize};

use crate::math::decimal;

/// Most bins: deciles.
pub const BINS: usize = 10;

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
    /// Deciles of these values, which must be finite; fewer bins where many are equal.
    pub fn of(values: &[f64]) -> Histogram {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut edges: Vec<f64> = Vec::new();
        for i in 1..BINS {
            let Some(edge) = sorted.get(i * sorted.len() / BINS).map(|v| decimal(*v)) else {
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
