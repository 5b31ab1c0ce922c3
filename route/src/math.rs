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

/// Significant digits of [`decimal`].
pub const DIGITS: usize = 12;

/// What [`decimal`] takes for zero.
pub const SMALLEST: f64 = 1e-9;
