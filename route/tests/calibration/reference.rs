//! The arithmetic against SciPy and scikit-learn (tools/route_calibration_cases.py), and against plain sums.

use kinglet_route::calibrate::binomial::{cdf, lower_bound, pmf, upper_bound, upper_tail};
use kinglet_route::score::{isotonic, logistic};
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    /// k, n, p, P(X ≤ k), P(X ≥ k), P(X = k).
    cdf: Vec<(u64, u64, f64, f64, f64, f64)>,
    /// k, n, δ, upper bound, lower bound.
    bounds: Vec<(u64, u64, f64, f64, f64)>,
    logistic: Vec<Fit>,
    isotonic: Vec<Curve>,
}

#[derive(Deserialize)]
struct Fit {
    ridge: f64,
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    weights: Vec<f64>,
    bias: f64,
}

#[derive(Deserialize)]
struct Curve {
    x: Vec<f64>,
    y: Vec<f64>,
    at: Vec<f64>,
}

fn cases() -> Cases {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/route_calibration.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Relative; SciPy's own tails of 100,000 trials are good to about 1e-11.
fn near(got: f64, expected: f64) -> bool {
    (got - expected).abs() <= 1e-10 * expected.abs()
}

#[test]
fn binomial_tails_are_scipys() {
    for (k, n, p, below, above, point) in cases().cdf {
        assert!(
            near(cdf(k, n, p), below),
            "P(X ≤ {k}), n {n}, p {p}: {} {below}",
            cdf(k, n, p)
        );
        assert!(
            near(upper_tail(k, n, p), above),
            "P(X ≥ {k}), n {n}, p {p}: {} {above}",
            upper_tail(k, n, p)
        );
        assert!(
            near(pmf(k, n, p), point),
            "P(X = {k}), n {n}, p {p}: {} {point}",
            pmf(k, n, p)
        );
    }
}

#[test]
fn clopper_pearson_bounds_are_scipys() {
    for (k, n, delta, upper, lower) in cases().bounds {
        assert!(near(upper_bound(k, n, delta), upper), "{k} of {n}, {delta}: {upper}");
        assert!(near(lower_bound(k, n, delta), lower), "{k} of {n}, {delta}: {lower}");
        let wrong = upper_bound(k + 1, n, delta);
        assert!(k + 1 == n || !near(wrong, upper), "the comparison cannot fail");
    }
}

/// Exactly, by integers: p = a / 16, so that P(X ≤ k) · 16ⁿ is a whole number, for n up to 30.
#[test]
fn small_binomials_are_exact() {
    for n in 0..=30u32 {
        for a in 0..=16u128 {
            let (mut sum, mut choose) = (0u128, 1u128);
            for k in 0..=n {
                sum += choose * a.pow(k) * (16 - a).pow(n - k);
                choose = choose * u128::from(n - k) / u128::from(k + 1);
                let exact = sum as f64 / 16f64.powi(n as i32);
                let got = cdf(k.into(), n.into(), a as f64 / 16.0);
                assert!(
                    (got - exact).abs() <= 1e-13 * exact,
                    "k {k}, n {n}, p {a}/16: {got} {exact}"
                );
            }
        }
    }
}

/// The errors that routing.md C.4 allows at δ = .1.
#[test]
fn the_errors_allowed_are_those_of_the_design() {
    for (alpha, n, errors) in [
        (0.05, 100, 1),
        (0.05, 200, 5),
        (0.05, 500, 18),
        (0.05, 1000, 40),
        (0.02, 200, 1),
        (0.02, 500, 5),
        (0.02, 1000, 13),
        (0.1, 50, 1),
        (0.1, 200, 14),
        (0.1, 500, 40),
    ] {
        let most = (0..n).take_while(|k| cdf(*k, n, alpha) <= 0.1).last();
        assert_eq!(most, Some(errors), "α {alpha}, n {n}");
    }
}

#[test]
fn logistic_fits_are_scikit_learns() {
    for (i, case) in cases().logistic.iter().enumerate() {
        let rows: Vec<(Vec<f64>, f64)> = case.x.iter().cloned().zip(case.y.iter().copied()).collect();
        let fit = logistic(&rows, case.weights.len(), case.ridge);
        let all = fit
            .weights
            .iter()
            .chain([&fit.bias])
            .zip(case.weights.iter().chain([&case.bias]));
        for (got, expected) in all {
            assert!(
                (got - expected).abs() <= 1e-6,
                "case {i}: {fit:?} {:?} {}",
                case.weights,
                case.bias
            );
        }
        let other = logistic(&rows, case.weights.len(), case.ridge * 1.01);
        assert!(
            (other.weights[0] - case.weights[0]).abs() > 1e-6,
            "the comparison cannot fail"
        );
    }
}

#[test]
fn isotonic_blocks_are_scikit_learns() {
    for case in cases().isotonic {
        let points: Vec<(f64, f64)> = case.x.iter().copied().zip(case.y.iter().copied()).collect();
        let knots = isotonic(&points);
        let mut levels = case.at.clone();
        levels.sort_by(f64::total_cmp);
        levels.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
        assert_eq!(knots.len(), levels.len());
        for (knot, level) in knots.iter().zip(&levels) {
            assert!((knot.1 - level).abs() < 1e-12, "{knots:?} {levels:?}");
            // The knot lies at the mean of the points that have this level.
            let of = case
                .x
                .iter()
                .zip(&case.at)
                .filter(|(_, at)| (*at - level).abs() < 1e-12);
            let (n, sum) = of.fold((0.0, 0.0), |(n, sum), (x, _)| (n + 1.0, sum + x));
            assert!((knot.0 - sum / n).abs() < 1e-12);
        }
    }
}
