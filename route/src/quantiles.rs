//! Quantiles of positive numbers from a histogram of fixed size.

use crate::math;

/// Bins: one for nearly nothing, then [`PER_OCTAVE`] for each doubling.
pub const BINS: usize = 64;
/// Bins for each doubling: a bin's upper edge is 2^(1/3) = 1.26 times its lower one.
const PER_OCTAVE: f64 = 3.0;
/// log2 of the first edge: 2^-14 = 6.1e-5, a surprisal of which is a probability of 0.99994. The last one is 2^7 = 128.
const FIRST: f64 = -14.0;

/// How often numbers of each size came. The edges are 0, 2^-14, 2^(-14 + 1/3), 2^(-14 + 2/3), …, 2^7.
///
/// A quantile is that of the order statistics, element ceil(q n) of n in rising order, as far as the bins tell it apart:
/// [`Histogram::at`] is at most a factor 2^(1/3) (or 2^-14) from it, exact for one element, and never outside of what came.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: [u32; BINS],
    n: u32,
    least: f64,
    most: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            counts: [0; BINS],
            n: 0,
            least: f64::INFINITY,
            most: 0.0,
        }
    }
}

/// The lower edge of a bin.
fn edge(bin: usize) -> f64 {
    match bin {
        0 => 0.0,
        _ => math::exp(core::f64::consts::LN_2 * (FIRST + (bin - 1) as f64 / PER_OCTAVE)),
    }
}

impl Histogram {
    /// One more number; it is finite and not negative.
    pub fn push(&mut self, x: f64) {
        let octaves = math::ln(x.max(f64::MIN_POSITIVE)) / core::f64::consts::LN_2 - FIRST;
        // A cast of a number below 0 is 0.
        let bin = match octaves < 0.0 {
            true => 0,
            false => (octaves * PER_OCTAVE) as usize + 1,
        };
        self.counts[bin.min(BINS - 1)] += 1;
        self.n += 1;
        self.least = self.least.min(x);
        self.most = self.most.max(x);
    }

    /// The number that a share `q` (0 to 1) of all does not exceed.
    pub fn at(&self, q: f64) -> Option<f64> {
        if self.n == 0 {
            return None;
        }
        // Half a count against rounding: 0.95 * 20 is not more than 19.
        let rank = ((q * f64::from(self.n) - 1e-9).ceil()).clamp(1.0, f64::from(self.n));
        let mut before = 0.0;
        for (bin, &count) in self.counts.iter().enumerate() {
            let count = f64::from(count);
            if before + count >= rank {
                // Evenly over the bin.
                let (low, high) = (edge(bin), edge(bin + 1));
                let within = low + (high - low) * (rank - before - 0.5) / count;
                return Some(within.clamp(self.least, self.most));
            }
            before += count;
        }
        Some(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_rise_by_a_third_of_an_octave() {
        assert!((edge(1) - 2f64.powi(-14)).abs() < 1e-18);
        assert!((edge(BINS) - 128.0).abs() < 1e-9);
        for bin in 2..=BINS {
            assert!((edge(bin) / edge(bin - 1) - 2f64.cbrt()).abs() < 1e-9, "{bin}");
        }
    }

    #[test]
    fn of_nothing_of_one_and_of_equals() {
        let mut h = Histogram::default();
        assert_eq!(h.at(0.5), None);
        h.push(0.37);
        assert_eq!((h.at(0.0), h.at(0.5), h.at(1.0)), (Some(0.37), Some(0.37), Some(0.37)));
        (0..999).for_each(|_| h.push(0.37));
        assert_eq!(h.at(0.95), Some(0.37));
        let mut zeros = Histogram::default();
        zeros.push(0.0);
        zeros.push(0.0);
        assert_eq!(zeros.at(0.9), Some(0.0));
    }
}
