//! What makes probabilities of a row of logits: its normaliser and its entropy.

/// `ln(sum(exp(x)))`, shifted by the maximum and summed in f64.
pub fn log_sum_exp(x: &[f32]) -> f32 {
    sums(x).map_or(f32::NEG_INFINITY, |(max, sum, _)| (f64::from(max) + sum.ln()) as f32)
}

/// The maximum of `x`, and the sums of `exp(d)` and `-d exp(d)` over its elements with `d` their distance from it. `None`:
/// nothing is above minus infinity. NaN counts as that.
pub fn sums(x: &[f32]) -> Option<(f32, f64, f64)> {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if max == f32::NEG_INFINITY {
        return None;
    }
    let (mut sum, mut weighted) = (0.0, 0.0);
    for v in x.iter().filter(|v| !v.is_nan()) {
        let behind = f64::from(max - v);
        let e = (-behind).exp();
        sum += e;
        // Minus infinity has no part in it.
        weighted += if e > 0.0 { behind * e } else { 0.0 };
    }
    Some((max, sum, weighted))
}

/// Entropy in nats of a row with these [`sums`]: `-sum(p ln p) = ln(sum(exp(d))) - sum(d exp(d)) / sum(exp(d))`.
pub fn entropy(sum: f64, weighted: f64) -> f32 {
    match sum > 0.0 {
        true => (sum.ln() + weighted / sum).max(0.0) as f32,
        false => 0.0,
    }
}
