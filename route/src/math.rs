//! The transcendental functions of this crate: one implementation natively and in Wasm, so that replays have equal bits.

/// `e^x`.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// The natural logarithm.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// `1 / (1 + e^-x)`.
pub fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + exp(-x))
    } else {
        let e = exp(x);
        e / (1.0 + e)
    }
}

/// `ln(1 + x)`, exact for small `x`.
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// `e^x - 1`, exact for small `x`.
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// `ln Γ(x)` for `x > 0`.
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// `ln(p / (1 - p))`, within ± `bound`.
pub fn logit(p: f64, bound: f64) -> f64 {
    if p <= 0.0 {
        return -bound;
    }
    if p >= 1.0 {
        return bound;
    }
    (ln(p) - ln_1p(-p)).clamp(-bound, bound)
}

/// `x` with [`DIGITS`] significant decimal digits, and zero where it is smaller than [`SMALLEST`].
///
/// A decimal of at most 15 digits with a power of ten of at most 22 is one exact product or quotient, so every reader of
/// JSON, however simple, gives the same bits. Numbers of artefacts that are hashed, compared or replayed are rounded so.
pub fn decimal(x: f64) -> f64 {
    if x.abs() < SMALLEST || !x.is_finite() {
        return if x.is_finite() { 0.0 } else { x };
    }
    format!("{:.*e}", DIGITS - 1, x).parse().unwrap_or(x)
}

/// The largest such decimal that is not above `x` (and at least one step of the last digit below it, where [`decimal`] is
/// above): for bounds that are themselves values, "from here on" must not leave out the value that they were made from.
pub fn decimal_down(x: f64) -> f64 {
    let near = decimal(x);
    if near <= x || !x.is_finite() {
        return near;
    }
    let text = format!("{:.*e}", DIGITS - 1, near);
    let power = text.split_once('e').and_then(|(_, power)| power.parse::<i32>().ok());
    match power.filter(|_| near != 0.0) {
        Some(power) => decimal(near - format!("1e{}", power + 1 - DIGITS as i32).parse().unwrap_or(0.0)),
        None => -SMALLEST,
    }
}

/// Significant digits of [`decimal`].
pub const DIGITS: usize = 12;

/// What [`decimal`] takes for zero.
pub const SMALLEST: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::SplitMix64;

    #[test]
    fn a_decimal_below_is_below_and_close() {
        let mut random = SplitMix64::new(1);
        let edges = [
            0.999_999_999_999_9,
            1.0,
            0.1,
            -0.1,
            2.0 / 3.0,
            -2.0 / 3.0,
            0.0,
            5e-10,
            -5e-10,
            1e-9,
            -1e-9,
        ];
        let drawn = (0..20_000).map(|i| (random.unit() - 0.5) * 10f64.powi(i % 12 - 6));
        let (mut lower, mut same) = (0, 0);
        for x in edges.into_iter().chain(drawn) {
            let down = decimal_down(x);
            assert!(
                down <= x && x - down <= (x.abs() * 2e-11).max(SMALLEST),
                "{x:e} {down:e}"
            );
            assert_eq!(decimal(down).to_bits(), down.to_bits(), "{x:e}: a decimal");
            assert_eq!(decimal_down(down).to_bits(), down.to_bits(), "{x:e}: it stays");
            lower += u32::from(decimal(x) > x);
            same += u32::from(decimal(x) <= x);
        }
        assert!(lower > 5000 && same > 5000, "{lower} {same}");
    }
}
