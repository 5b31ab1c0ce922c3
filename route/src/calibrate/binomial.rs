//! The binomial distribution, exactly: its point and tail probabilities, and the bounds that follow.

use crate::math::{exp, ln, ln_1p, ln_gamma};

/// `ln(2π)`.
const LN_2PI: f64 = 1.837_877_066_409_345_3;

/// Below this relative size a term no longer changes a sum of doubles.
const NEGLIGIBLE: f64 = 1e-18;

/// Halvings of an interval of length 1 until neighbouring doubles are left.
const HALVINGS: usize = 64;

/// Error of Stirling's formula: `ln n! - ((n + ½) ln n - n + ½ ln 2π)`.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        return ln_gamma(n + 1.0) - ((n + 0.5) * ln(n) - n + 0.5 * LN_2PI);
    }
    let r = 1.0 / (n * n);
    // The series 1/12n - 1/360n³ + 1/1260n⁵ - 1/1680n⁷ + 1/1188n⁹; at n = 16 the next term is below 1e-16.
    let series = 1.0 / 1680.0 - r * (1.0 / 1188.0 - r * (691.0 / 360_360.0));
    (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * series))) / n
}

/// `x ln(x / m) + m - x`, also where `x` is close to `m`.
fn deviance(x: f64, m: f64) -> f64 {
    let d = x - m;
    if d.abs() < 0.1 * (x + m) {
        // With v = d / (x + m): d v + 2 x (v³/3 + v⁵/5 + …).
        let v = d / (x + m);
        let mut sum = d * v;
        let mut power = 2.0 * x * v;
        for k in 1..1000 {
            power *= v * v;
            let next = sum + power / f64::from(2 * k + 1);
            if next == sum {
                break;
            }
            sum = next;
        }
        return sum;
    }
    x * ln(x / m) - d
}

/// P(X = k) for X ~ Bin(n, p).
///
/// Loader's saddle point (C. Loader, "Fast and accurate computation of binomial probabilities", 2000): all large numbers
/// cancel before they are computed, so that about 14 digits are right for any n.
pub fn pmf(k: u64, n: u64, p: f64) -> f64 {
    if k > n || !(0.0..=1.0).contains(&p) {
        return 0.0;
    }
    let (x, m, rest) = (k as f64, n as f64, (n - k) as f64);
    if p == 0.0 || p == 1.0 {
        return f64::from(u8::from(if p == 0.0 { k == 0 } else { k == n }));
    }
    if k == 0 {
        return exp(m * ln_1p(-p));
    }
    if k == n {
        return exp(m * ln(p));
    }
    let errors = stirling_error(m) - stirling_error(x) - stirling_error(rest);
    let q = 1.0 - p;
    let log = errors - deviance(x, m * p) - deviance(rest, m * q);
    exp(log) * (m / (exp(LN_2PI) * x * rest)).sqrt()
}

/// P(X ≤ k) for X ~ Bin(n, p). Sums the shorter side, from its largest term on; exact but for rounding, about 12 digits
/// for n up to 100,000 and beyond.
pub fn cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    let odds = p / (1.0 - p);
    if (k as f64) < n as f64 * p {
        return sum(
            pmf(k, n, p),
            (1..=k).rev().map(|i| i as f64 / ((n - i + 1) as f64 * odds)),
        )
        .min(1.0);
    }
    let above = sum(
        pmf(k + 1, n, p),
        (k + 1..n).map(|i| (n - i) as f64 * odds / (i + 1) as f64),
    );
    (1.0 - above).max(0.0)
}

/// P(X ≥ k) for X ~ Bin(n, p).
pub fn upper_tail(k: u64, n: u64, p: f64) -> f64 {
    match k.checked_sub(1) {
        None => 1.0,
        // The other side of the same question: n - X ~ Bin(n, 1 - p). Keeps the digits of small tails.
        Some(_) if k > n => 0.0,
        Some(_) => cdf(n - k, n, 1.0 - p),
    }
}

/// A term, and those that follow from it by the ratios, while they matter.
fn sum(first: f64, ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut term) = (first, first);
    for ratio in ratios {
        term *= ratio;
        total += term;
        if term <= total * NEGLIGIBLE {
            break;
        }
    }
    total
}

/// The Clopper-Pearson upper bound of a share, at confidence `1 - delta`, one-sided: the largest `p` under which `k` or
/// fewer of `n` still have the probability `delta`. 1 of nothing.
pub fn upper_bound(k: u64, n: u64, delta: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    bisect(|p| cdf(k, n, p) > delta)
}

/// The lower bound: the smallest `p` under which `k` or more of `n` have the probability `delta`.
pub fn lower_bound(k: u64, n: u64, delta: f64) -> f64 {
    if k == 0 {
        return 0.0;
    }
    bisect(|p| upper_tail(k, n, p) <= delta)
}

/// Where `holds` ends, between 0 and 1.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
