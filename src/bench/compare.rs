//! Whether the GPU computed what the exact mode says.

use serde::Serialize;

use super::case::{Case, Stage};
use crate::kernels::tuning::{Math, Tuning};

/// How far a result may be from the reference.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// `sum((got - want)^2) / sum(want^2)`.
    nmse: f64,
    /// Largest error of an element, by the larger of its size and the root mean square of all.
    max: f64,
}

impl Bound {
    /// What the tuning promises for the case.
    pub fn of(tuning: &Tuning, case: &Case) -> Bound {
        let math = match (case.stage, case.tokens) {
            (Stage::Attention, _) => Math::F32,
            (_, 1) => tuning.gemv.math,
            _ => tuning.gemm.math,
        };
        match math {
            // Sums of up to 8,192 products in another order.
            Math::F32 => Bound { nmse: 1e-10, max: 1e-4 },
            // Operands of 11 bits: each product is off by up to 2^-11, at random.
            Math::F16 => Bound { nmse: 1e-5, max: 2e-2 },
            // Activations of 8 bits by the largest of 32: off by about 1 % of the root mean square, at random.
            Math::Int8 => Bound { nmse: 1e-3, max: 0.2 },
        }
    }
}

/// How near a result is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// Elements.
    compared: usize,
    /// See [`Bound`].
    nmse: f64,
    /// See [`Bound`].
    max: f64,
}

/// How near `got` is to `want`, or what is wrong.
pub fn compare(got: &[f32], want: &[f32], bound: Bound) -> Result<Agreement, String> {
    if got.len() != want.len() || want.is_empty() {
        return Err(format!("{} values instead of {}", got.len(), want.len()));
    }
    let power: f64 = want.iter().map(|w| f64::from(*w).powi(2)).sum();
    let rms = (power / want.len() as f64).sqrt();
    let (mut error, mut max) = (0.0f64, 0.0f64);
    for (g, w) in got.iter().zip(want) {
        let off = (f64::from(*g) - f64::from(*w)).abs();
        if !off.is_finite() {
            return Err(format!("{g} instead of {w}"));
        }
        error += off * off;
        max = max.max(off / f64::from(w.abs()).max(rms));
    }
    // An all-zero reference proves nothing.
    let nmse = if power > 0.0 { error / power } else { f64::INFINITY };
    if nmse > bound.nmse || max > bound.max {
        return Err(format!(
            "differs from the reference: nmse {nmse:.1e} of {:.0e} allowed, {max:.1e} of {:.0e} at most",
            bound.nmse, bound.max
        ));
    }
    Ok(Agreement {
        compared: want.len(),
        nmse,
        max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: Bound = Bound { nmse: 1e-10, max: 1e-4 };

    #[test]
    fn only_what_agrees_passes() {
        let want: Vec<f32> = (1..100).map(|i| i as f32 / 50.0 - 1.0).collect();
        let found = compare(&want, &want, NEAR).unwrap();
        assert_eq!((found.compared, found.max), (99, 0.0));
        for (i, wrong) in [(0, 0.5f32), (98, f32::NAN), (50, f32::INFINITY), (40, -0.2)] {
            let mut got = want.clone();
            got[i] = wrong;
            assert!(compare(&got, &want, NEAR).is_err(), "{wrong} at {i}");
        }
        assert!(compare(&want[1..], &want, NEAR).is_err());
        assert!(compare(&[0.0; 9], &[0.0; 9], NEAR).is_err());
        assert!(compare(&[], &[], NEAR).is_err());
    }
}
