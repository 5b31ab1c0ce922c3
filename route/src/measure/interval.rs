//! A figure with its interval, and intervals of shares.

use serde::{Deserialize, Serialize};

/// A figure, how many items it is of, and where it may as well lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Of all items.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Items.
    pub n: usize,
    /// Replicates in which the figure was not defined (and which the interval therefore leaves out).
    #[serde(default, skip_serializing_if = "none")]
    pub undefined: u32,
}

fn none(count: &u32) -> bool {
    *count == 0
}

/// The 97.5th percentile of the normal distribution: 95 % lie between it and its negative.
pub const Z95: f64 = 1.959_963_984_540_054;

/// The Wilson score interval of a share, `right` of `n`, for a normal quantile `z` ([`Z95`]: 95 %, two-sided). `None` of
/// nothing.
///
/// `(p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)` with `p = right / n` (Wilson, JASA 22, 1927).
pub fn wilson(right: usize, n: usize, z: f64) -> Option<Estimate> {
    if n == 0 || right > n || !z.is_finite() {
        return None;
    }
    let (value, total, z2) = (right as f64 / n as f64, n as f64, z * z);
    let centre = value + z2 / (2.0 * total);
    let half = z * (value * (1.0 - value) / total + z2 / (4.0 * total * total)).sqrt();
    let (low, high) = (
        (centre - half) / (1.0 + z2 / total),
        (centre + half) / (1.0 + z2 / total),
    );
    Some(Estimate {
        value,
        // None and all are their own bounds, but for rounding.
        low: if right == 0 { 0.0 } else { low },
        high: if right == n { 1.0 } else { high },
        n,
        undefined: 0,
    })
}

/// The `q`-quantile of sorted values, between neighbours by their distance (type 7 of Hyndman and Fan, 1996, which is what
/// numpy does). `None` of nothing.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (*sorted.get(at.floor() as usize)?, *sorted.get(at.ceil() as usize)?);
    Some(low + (high - low) * (at - at.floor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the tables of Newcombe, Statistics in Medicine 17 (1998), method 3, to the four places printed there.
    #[test]
    fn wilson_intervals_of_the_literature() {
        for (right, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let e = wilson(right, n, Z95).unwrap();
            assert!(
                (e.low - low).abs() < 6e-5 && (e.high - high).abs() < 6e-5,
                "{right}/{n}: {e:?}"
            );
        }
        let all = wilson(29, 29, Z95).unwrap();
        assert!(all.low > 0.88 && all.high == 1.0);
        assert_eq!(
            (wilson(0, 0, Z95), wilson(3, 2, Z95), wilson(1, 2, f64::NAN)),
            (None, None, None)
        );
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0], 0.5), Some(1.5));
        let eleven: Vec<f64> = (0..11).map(f64::from).collect();
        assert_eq!(quantile(&eleven, 0.9), Some(9.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
