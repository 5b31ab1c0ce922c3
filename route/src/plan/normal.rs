//! The normal distribution.

use crate::math::{exp, ln};

/// Beyond this many standard deviations a double has no probabilities left.
const FAR: f64 = 38.5;
/// Steps until the quantile is found: Newton's need about six; each halves the bracket at worst.
const STEPS: usize = 80;

/// Probability of at most `x`: `erfc(-x / sqrt 2) / 2`, which keeps its digits in the lower tail.
pub fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Density at `x`.
pub fn density(x: f64) -> f64 {
    const ROOT_TWO_PI: f64 = 2.506_628_274_631_000_5;
    exp(-0.5 * x * x) / ROOT_TWO_PI
}

/// Where the probability of at most `x` is `p`: Newton's method on the logarithm, within a bracket. `None` unless `0 < p < 1`.
pub fn quantile(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    if p > 0.5 {
        // The upper tail by the lower one, where digits are.
        return quantile(1.0 - p).map(|x| -x);
    }
    let (mut low, mut high, mut x) = (-FAR, 0.0, 0.0);
    for _ in 0..STEPS {
        let here = cdf(x);
        *if here > p { &mut high } else { &mut low } = x;
        // Of the logarithm, which is concave: so it converges from the far tail, too.
        let next = x - (ln(here) - ln(p)) * here / density(x);
        let inside = next > low && next < high;
        let next = if inside { next } else { 0.5 * (low + high) };
        if next == x {
            break;
        }
        x = next;
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the tables of the NIST Handbook of Mathematical Functions, and scipy.stats.norm.
    #[test]
    fn known_values() {
        for (x, p) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.959_963_984_540_054, 0.025),
            (-3.0, 0.001_349_898_031_630_094_6),
            (-8.0, 6.220_960_574_271_785e-16),
        ] {
            assert!((cdf(x) / p - 1.0).abs() < 1e-14, "{x}: {}", cdf(x));
            assert!((quantile(p).unwrap() - x).abs() < 1e-9, "{p}: {:?}", quantile(p));
        }
        assert!((quantile(0.975).unwrap() - 1.959_963_984_540_054).abs() < 1e-12);
    }

    #[test]
    fn there_and_back() {
        for i in 1..1000 {
            let p = f64::from(i) / 1000.0;
            assert!((cdf(quantile(p).unwrap()) - p).abs() < 1e-14, "{p}");
        }
        assert!((cdf(quantile(1e-300).unwrap()) / 1e-300 - 1.0).abs() < 1e-9);
        for bad in [0.0, 1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(quantile(bad), None);
        }
    }
}
