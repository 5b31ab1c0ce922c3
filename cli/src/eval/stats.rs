//! The few statistics of a report.

/// The 97.5th percentile of the normal distribution: 95 % lie between it and its negative.
const Z: f64 = 1.959_963_984_540_054;

/// The Wilson score interval, 95 %, of a share: `right` of `n`. `None` of nothing.
///
/// `(p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)` with `p = right / n`.
pub fn wilson(right: usize, n: usize) -> Option<[f64; 2]> {
    if n == 0 {
        return None;
    }
    let (p, n, z2) = (right as f64 / n as f64, n as f64, Z * Z);
    let centre = p + z2 / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let (low, high) = ((centre - half) / (1.0 + z2 / n), (centre + half) / (1.0 + z2 / n));
    // None and all are their own bounds, but for rounding.
    Some([if p == 0.0 { 0.0 } else { low }, if p == 1.0 { 1.0 } else { high }])
}

/// The `q`-quantile, between neighbours by their distance. `None` of nothing.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}

/// The mean. `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
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
            let [a, b] = wilson(right, n).expect("an interval");
            assert!(
                (a - low).abs() < 6e-5 && (b - high).abs() < 6e-5,
                "{right}/{n}: {a} {b}"
            );
        }
        let [low, high] = wilson(29, 29).expect("an interval");
        assert!(low > 0.88 && high == 1.0);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0], 0.5), Some(1.5));
        let ten: Vec<f64> = (0..11).map(f64::from).collect();
        assert_eq!(quantile(&ten, 0.9), Some(9.0));
        assert_eq!(
            (quantile(&[], 0.5), mean(&[]), mean(&[1.0, 2.0])),
            (None, None, Some(1.5))
        );
    }
}
