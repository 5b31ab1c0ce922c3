//! The table of rotary angles: `[n_ctx, n_rot]`, cos at column `2i` and sin at `2i + 1` of pair i.
//!
//! The angle of pair i at position p is `p * frequency[i]`; every long-context scheme is a change of those frequencies
//! (and of the amplitude of cos and sin), so that kernels know nothing of it. Computed in f64: at position 100,000 an
//! f32 angle is wrong in its third digit.

use std::f64::consts::PI;

use crate::error::{Error, Result};
use crate::model::config::{RopeConfig, RopeScaling};

/// Which tensor holds per-pair divisors for a cache of `n_ctx` positions, if any.
///
/// As in llama.cpp, longrope chooses once, by the *allocated* context: the long factors when it exceeds the original
/// one. The keys in a cache are rotated with one set of factors, so the choice cannot change while a text grows.
pub fn factor_tensor(rope: &RopeConfig, n_ctx: usize) -> Option<&'static str> {
    match rope.scaling {
        RopeScaling::Tensor => Some("rope_freqs.weight"),
        RopeScaling::LongRope { original_ctx, .. } if n_ctx > original_ctx => Some("rope_factors_long.weight"),
        RopeScaling::LongRope { .. } => Some("rope_factors_short.weight"),
        RopeScaling::None | RopeScaling::Linear { .. } | RopeScaling::Yarn { .. } => None,
    }
}

/// Frequencies and amplitude of a rotary embedding; makes rows of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeTable {
    /// Radians per position of pair i, `n_rot / 2` of them.
    frequencies: Vec<f64>,
    /// Multiplier of cos and sin.
    amplitude: f64,
}

impl RopeTable {
    /// `factors`: the values of [`factor_tensor`]'s tensor, one divisor per pair.
    ///
    /// Fails when their number is not `n_rot / 2` or one of them is not a positive number.
    pub fn new(rope: &RopeConfig, factors: Option<&[f32]>) -> Result<Self> {
        let pairs = rope.n_rot / 2;
        let base = f64::from(rope.base);
        let mut frequencies: Vec<f64> = (0..pairs)
            .map(|i| base.powf(-2.0 * i as f64 / rope.n_rot as f64))
            .collect();
        if let Some(factors) = factors {
            if factors.len() != pairs {
                return Err(Error::bad_file(
                    "rope factors",
                    format!("{pairs} values"),
                    factors.len(),
                ));
            }
            for (frequency, &factor) in frequencies.iter_mut().zip(factors) {
                if !(factor.is_finite() && factor > 0.0) {
                    return Err(Error::bad_file("rope factors", "positive numbers", factor));
                }
                *frequency /= f64::from(factor);
            }
        }
        // The amplitude of longrope comes from the metadata and applies below the original context too, because the
        // model was trained so (llama.cpp: hparams.rope_attn_factor).
        let amplitude = match rope.scaling {
            RopeScaling::None | RopeScaling::Tensor => 1.0,
            RopeScaling::Linear { factor } => {
                frequencies.iter_mut().for_each(|f| *f /= f64::from(factor));
                1.0
            }
            RopeScaling::LongRope { attn_factor, .. } => f64::from(attn_factor),
            RopeScaling::Yarn {
                factor,
                original_ctx,
                attn_factor,
                beta_fast,
                beta_slow,
            } => {
                let factor = f64::from(factor);
                let ramp = YarnRamp::new(rope.n_rot, base, original_ctx, beta_fast.into(), beta_slow.into());
                for (i, frequency) in frequencies.iter_mut().enumerate() {
                    let keep = ramp.keep(i);
                    *frequency *= keep + (1.0 - keep) / factor;
                }
                f64::from(attn_factor)
            }
        };
        Ok(Self { frequencies, amplitude })
    }

    /// Rows `first .. first + count` of the table, `count * n_rot` values.
    pub fn rows(&self, first: usize, count: usize) -> Vec<f32> {
        let mut out = Vec::with_capacity(count * self.frequencies.len() * 2);
        for position in first..first + count {
            for frequency in &self.frequencies {
                let (sin, cos) = (position as f64 * frequency).sin_cos();
                out.push((cos * self.amplitude) as f32);
                out.push((sin * self.amplitude) as f32);
            }
        }
        out
    }
}

/// YaRN's "NTK-by-parts" ramp (arXiv 2309.00071): pairs that turn often within the original context keep
/// their frequency, pairs that never complete a turn are interpolated, between the two it is linear in the pair index.
struct YarnRamp {
    low: f64,
    high: f64,
}

impl YarnRamp {
    fn new(n_rot: usize, base: f64, original_ctx: usize, beta_fast: f64, beta_slow: f64) -> Self {
        // The pair that makes `turns` turns in the original context; llama.cpp and transformers round outwards.
        let pair = |turns: f64| n_rot as f64 * (original_ctx as f64 / (turns * 2.0 * PI)).ln() / (2.0 * base.ln());
        Self {
            low: pair(beta_fast).floor().max(0.0),
            high: pair(beta_slow).ceil().min(n_rot as f64 - 1.0),
        }
    }

    /// Share of the original frequency in pair i, 0 ..= 1.
    fn keep(&self, i: usize) -> f64 {
        const NARROWEST: f64 = 0.001; // keeps the division defined, as in llama.cpp
        1.0 - ((i as f64 - self.low) / (self.high - self.low).max(NARROWEST)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::RopeOrder;

    fn config(n_rot: usize, scaling: RopeScaling) -> RopeConfig {
        RopeConfig {
            n_rot,
            order: RopeOrder::HalfSplit,
            base: 10000.0,
            scaling,
        }
    }

    #[test]
    fn plain_angles() {
        let table = RopeTable::new(&config(4, RopeScaling::None), None).unwrap();
        assert_eq!(table.frequencies, [1.0, 0.01]);
        let row = table.rows(3, 1);
        for (got, want) in row.iter().zip([3f64.cos(), 3f64.sin(), 0.03f64.cos(), 0.03f64.sin()]) {
            assert_eq!(*got, want as f32);
        }
        assert_eq!(table.rows(0, 2).len(), 8);
    }

    #[test]
    fn linear_stretches_positions() {
        let plain = RopeTable::new(&config(8, RopeScaling::None), None).unwrap();
        let linear = RopeTable::new(&config(8, RopeScaling::Linear { factor: 4.0 }), None).unwrap();
        assert_eq!(linear.rows(8, 1), plain.rows(2, 1));
    }

    #[test]
    fn longrope_chooses_by_allocated_context() {
        let rope = config(
            4,
            RopeScaling::LongRope {
                original_ctx: 4096,
                attn_factor: 1.19,
            },
        );
        assert_eq!(factor_tensor(&rope, 4096), Some("rope_factors_short.weight"));
        assert_eq!(factor_tensor(&rope, 4097), Some("rope_factors_long.weight"));
        let table = RopeTable::new(&rope, Some(&[1.0, 2.0])).unwrap();
        assert_eq!(table.frequencies, [1.0, 0.005]);
        assert_eq!(table.rows(0, 1), [1.19, 0.0, 1.19, 0.0]);
    }

    /// Worked by hand from the paper's formulas; the golden model `yarn` checks the same against llama.cpp.
    #[test]
    fn yarn_keeps_fast_pairs_and_interpolates_slow_ones() {
        let scaling = RopeScaling::Yarn {
            factor: 4.0,
            original_ctx: 128,
            attn_factor: 1.25,
            beta_fast: 32.0,
            beta_slow: 1.0,
        };
        let table = RopeTable::new(&config(16, scaling), None).unwrap();
        let plain = RopeTable::new(&config(16, RopeScaling::None), None).unwrap();
        // corrections: floor(16 ln(128/64pi)/(2 ln 1e4)) = -1 -> 0; ceil(16 ln(128/2pi)/(2 ln 1e4)) = 3
        for (i, keep) in [1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0, 0.0, 0.0, 0.0]
            .into_iter()
            .enumerate()
        {
            let want = plain.frequencies[i] * (keep + (1.0 - keep) / 4.0);
            assert!((table.frequencies[i] - want).abs() < 1e-12 * want, "pair {i}");
        }
        assert_eq!(table.amplitude, 1.25);
    }

    #[test]
    fn wrong_factors_are_refused() {
        let rope = config(4, RopeScaling::Tensor);
        for factors in [&[1.0][..], &[1.0, 0.0], &[1.0, f32::NAN]] {
            assert!(RopeTable::new(&rope, Some(factors)).is_err(), "{factors:?}");
        }
    }
}
