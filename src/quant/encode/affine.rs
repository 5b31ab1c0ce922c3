//! Q2_K, Q4_K, Q5_K: sub-blocks with a scale and a minimum each, both small integers times a half-precision number.
//!
//! ```text
//! x = (d * sc[s]) * q - (dmin * m[s])         q in 0 ..= n;  sc, m in 0 ..= top
//! ```
//! Every sub-block is fitted alone first; then rounds of two steps, as long as they help: the integers next to the fit
//! are tried for each sub-block, and `d` and `dmin` are solved for all quants of the block.

use super::{F16_MAX, put_f16, put_quants, search};
use crate::quant::DType;

/// Weights in a block.
const LEN: usize = 256;
/// Rounds at most; later ones change next to nothing.
const ROUNDS: usize = 4;
/// How much a weight's own square counts beside the mean square of its sub-block.
const SHARE: f32 = 1.0;

/// A fitted block; `n` sub-blocks are used.
#[derive(Clone, Copy, Default)]
struct Fit {
    d: f32,
    dmin: f32,
    sc: [u8; 16],
    m: [u8; 16],
}

impl Fit {
    fn scale(&self, s: usize) -> f32 {
        self.d * f32::from(self.sc[s])
    }

    fn low(&self, s: usize) -> f32 {
        -(self.dmin * f32::from(self.m[s]))
    }
}

pub(super) fn q2_k(x: &[f32], block: &mut [u8]) {
    let (fit, q) = fit::<16>(x, 3.0, 15);
    for (byte, (sc, m)) in block.iter_mut().zip(fit.sc.iter().zip(fit.m)) {
        *byte = sc | m << 4;
    }
    put_f16(block, 80, fit.d);
    put_f16(block, 82, fit.dmin);
    put_quants(DType::Q2K, block, &q);
}

pub(super) fn q4_k(x: &[f32], block: &mut [u8]) {
    with_six_bits(DType::Q4K, x, 15.0, block);
}

pub(super) fn q5_k(x: &[f32], block: &mut [u8]) {
    with_six_bits(DType::Q5K, x, 31.0, block);
}

/// Scales and minima of 6 bits: drawn in `quant/q4_k.rs`.
fn with_six_bits(t: DType, x: &[f32], n: f32, block: &mut [u8]) {
    let (fit, q) = fit::<32>(x, n, 63);
    put_f16(block, 0, fit.d);
    put_f16(block, 2, fit.dmin);
    for j in 0..4 {
        let (sc, m) = (fit.sc[j + 4], fit.m[j + 4]);
        block[4 + j] = fit.sc[j] | (sc >> 4) << 6;
        block[8 + j] = fit.m[j] | (m >> 4) << 6;
        block[12 + j] = (sc & 15) | (m & 15) << 4;
    }
    put_quants(t, block, &q);
}

/// The best found fit of a block in sub-blocks of `SUB` weights, and its quants.
fn fit<const SUB: usize>(x: &[f32], n: f32, top: u8) -> (Fit, [u8; LEN]) {
    let (subs, _) = x.as_chunks::<SUB>();
    let mut weights = [[0.0; SUB]; 16];
    let (mut scales, mut mins) = ([0f32; 16], [0f32; 16]);
    for (s, sub) in subs.iter().enumerate() {
        weights[s] = search::importance(sub, SHARE);
        let (scale, low) = search::affine(sub, &weights[s], n);
        (scales[s], mins[s]) = (scale, -low);
    }
    let max = |v: &[f32; 16]| v.iter().fold(0f32, |a, &x| a.max(x));
    let mut next = Fit {
        d: half(max(&scales) / f32::from(top)),
        dmin: half(max(&mins) / f32::from(top)),
        ..Fit::default()
    };
    for s in 0..subs.len() {
        next.sc[s] = integer(scales[s], next.d, top);
        next.m[s] = integer(mins[s], next.dmin, top);
    }
    let (mut best, mut least) = (next, f32::INFINITY);
    for _ in 0..ROUNDS {
        let mut sum = 0.0;
        for (s, sub) in subs.iter().enumerate() {
            sum += choose(&mut next, s, sub, &weights[s], n, top);
        }
        if sum >= least {
            break;
        }
        (best, least) = (next, sum);
        (next.d, next.dmin) = solve(&next, subs, &weights, n);
    }
    let mut q = [0; LEN];
    for (s, (sub, q)) in subs.iter().zip(q.chunks_exact_mut(SUB)).enumerate() {
        let nearest = search::quants(sub, best.scale(s), best.low(s), 0.0, n);
        for (q, nearest) in q.iter_mut().zip(nearest) {
            *q = nearest as u8;
        }
    }
    (best, q)
}

/// Puts the best scale and minimum next to those of sub-block `s` into `fit`; returns its error.
fn choose<const SUB: usize>(fit: &mut Fit, s: usize, x: &[f32; SUB], w: &[f32; SUB], n: f32, top: u8) -> f32 {
    let (sc, m) = (fit.sc[s], fit.m[s]);
    let mut least = f32::INFINITY;
    let mut trial = *fit;
    for sc in sc.saturating_sub(1)..=(sc + 1).min(top) {
        for m in m.saturating_sub(1)..=(m + 1).min(top) {
            (trial.sc[s], trial.m[s]) = (sc, m);
            let e = search::error(x, w, trial.scale(s), trial.low(s), 0.0, n);
            if e < least {
                (least, fit.sc[s], fit.m[s]) = (e, sc, m);
            }
        }
    }
    least
}

/// `d` and `dmin` by least squares, given everything else.
fn solve<const SUB: usize>(fit: &Fit, subs: &[[f32; SUB]], weights: &[[f32; SUB]; 16], n: f32) -> (f32, f32) {
    // x = d * a - dmin * b, with a = sc q and b = m
    let (mut aa, mut ab, mut bb, mut ax, mut bx) = (0f64, 0f64, 0f64, 0f64, 0f64);
    for (s, (x, w)) in subs.iter().zip(weights).enumerate() {
        let q = search::quants(x, fit.scale(s), fit.low(s), 0.0, n);
        let (mut sw, mut wq, mut wqq, mut wx, mut wqx) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for i in 0..SUB {
            sw += w[i];
            wq += w[i] * q[i];
            wqq += w[i] * q[i] * q[i];
            wx += w[i] * x[i];
            wqx += w[i] * q[i] * x[i];
        }
        let (sc, m) = (f64::from(fit.sc[s]), f64::from(fit.m[s]));
        aa += sc * sc * f64::from(wqq);
        ab += sc * m * f64::from(wq);
        bb += m * m * f64::from(sw);
        ax += sc * f64::from(wqx);
        bx += m * f64::from(wx);
    }
    let determinant = aa * bb - ab * ab;
    let (d, dmin) = if determinant > 1e-9 * aa * bb {
        ((ax * bb - ab * bx) / determinant, (ab * ax - aa * bx) / determinant)
    } else if aa > 0.0 && bb == 0.0 {
        (ax / aa, 0.0)
    } else {
        return (fit.d, fit.dmin);
    };
    let keep = |new: f64, old: f32| if new > 0.0 { half(new as f32) } else { old };
    (keep(d, fit.d), keep(dmin, fit.dmin))
}

/// `x` in units of `unit`.
fn integer(x: f32, unit: f32, top: u8) -> u8 {
    if unit == 0.0 {
        0
    } else {
        search::nearest((x / unit).min(f32::from(top))) as u8
    }
}

/// A positive number in half precision: not infinite, and not zero, because small multiples of the smallest are better
/// than nothing.
fn half(x: f32) -> f32 {
    if x == 0.0 {
        return 0.0;
    }
    half::f16::from_f32(x.min(F16_MAX))
        .max(half::f16::MIN_POSITIVE_SUBNORMAL)
        .to_f32()
}
