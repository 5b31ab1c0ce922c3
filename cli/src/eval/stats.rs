//! The few statistics of a report.

use kinglet_route::measure::interval::{self, Z95};

/// The Wilson score interval, 95 %, of a share: `right` of `n`. `None` of nothing.
pub fn wilson(right: usize, n: usize) -> Option<[f64; 2]> {
    interval::wilson(right, n, Z95).map(|e| [e.low, e.high])
}

/// The `q`-quantile, between neighbours by their distance. `None` of nothing.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    interval::quantile(&sorted, q)
}

/// The mean. `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

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
