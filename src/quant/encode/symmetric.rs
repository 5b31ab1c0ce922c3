//! Q3_K and Q6_K: sub-blocks of 16 with a signed scale each, a small integer times a half-precision number.
//!
//! ```text
//! x = (d * sc[s]) * q         q in -n ..= n - 1;  sc in -top ..= top - 1
//! ```
//! As in `affine.rs`: every sub-block alone, then rounds over the block as long as they help.

use super::{F16_MAX, put_f16, put_quants, search};
use crate::quant::DType;

/// Weights in a block, in a sub-block, and sub-blocks.
const LEN: usize = 256;
const SUB: usize = 16;
const SUBS: usize = LEN / SUB;
/// Rounds at most; later ones change next to nothing.
const ROUNDS: usize = 4;
/// How much a weight's own square counts beside the mean square of its sub-block.
const SHARE: f32 = 1.0;

/// A fitted block.
#[derive(Clone, Copy)]
struct Fit {
    d: f32,
    sc: [i32; SUBS],
}

impl Fit {
    fn scale(&self, s: usize) -> f32 {
        self.d * self.sc[s] as f32
    }
}

/// What the format allows.
struct Range {
    n: f32,
    top: i32,
}

pub(super) fn q3_k(x: &[f32], block: &mut [u8]) {
    let (fit, q) = fit(x, &Range { n: 4.0, top: 32 });
    for s in 0..SUBS {
        let sc = (fit.sc[s] + 32) as u8;
        block[96 + s % 8] |= (sc & 15) << (s / 8 * 4);
        block[104 + s % 4] |= (sc >> 4) << (s / 4 * 2);
    }
    put_f16(block, 108, fit.d);
    put_quants(DType::Q3K, block, &q);
}

pub(super) fn q6_k(x: &[f32], block: &mut [u8]) {
    let (fit, q) = fit(x, &Range { n: 32.0, top: 128 });
    for s in 0..SUBS {
        block[192 + s] = fit.sc[s] as i8 as u8;
    }
    put_f16(block, 208, fit.d);
    put_quants(DType::Q6K, block, &q);
}

/// The best found fit and its quants, which are stored plus `n`.
fn fit(x: &[f32], range: &Range) -> (Fit, [u8; LEN]) {
    let (subs, _) = x.as_chunks::<SUB>();
    let mut weights = [[0.0; SUB]; SUBS];
    let mut scales = [0f32; SUBS];
    for (s, sub) in subs.iter().enumerate() {
        weights[s] = search::importance(sub, SHARE);
        scales[s] = search::symmetric(sub, &weights[s], range.n);
    }
    let extreme = scales.iter().fold(0f32, |a, &x| if x.abs() > a.abs() { x } else { a });
    let mut best = Fit { d: 0.0, sc: [0; SUBS] };
    let mut least = f32::INFINITY;
    // The extreme scale becomes the last integer on one side or on the other, which has one less.
    for place in [-range.top, range.top - 1] {
        let d = half(extreme / place as f32);
        let sc = scales.map(|scale| integer(scale, d, range.top));
        let mut next = Fit { d, sc };
        let mut before = f32::INFINITY;
        for _ in 0..ROUNDS {
            let mut sum = 0.0;
            for (s, sub) in subs.iter().enumerate() {
                sum += choose(&mut next, s, sub, &weights[s], range);
            }
            if sum >= before {
                break;
            }
            before = sum;
            if sum < least {
                (best, least) = (next, sum);
            }
            next.d = solve(&next, subs, &weights, range.n);
        }
    }
    let mut q = [0; LEN];
    for (s, (sub, q)) in subs.iter().zip(q.chunks_exact_mut(SUB)).enumerate() {
        let nearest = search::quants(sub, best.scale(s), 0.0, -range.n, range.n - 1.0);
        for (q, nearest) in q.iter_mut().zip(nearest) {
            *q = (nearest + range.n) as u8;
        }
    }
    (best, q)
}

/// Puts the best scale next to that of sub-block `s` into `fit`; returns its error.
fn choose(fit: &mut Fit, s: usize, x: &[f32; SUB], w: &[f32; SUB], range: &Range) -> f32 {
    let middle = fit.sc[s];
    let mut least = f32::INFINITY;
    for sc in (middle - 1).max(-range.top)..=(middle + 1).min(range.top - 1) {
        let e = search::error(x, w, fit.d * sc as f32, 0.0, -range.n, range.n - 1.0);
        if e < least {
            (least, fit.sc[s]) = (e, sc);
        }
    }
    least
}

/// `d` by least squares, given everything else.
fn solve(fit: &Fit, subs: &[[f32; SUB]], weights: &[[f32; SUB]; SUBS], n: f32) -> f32 {
    let (mut xq, mut qq) = (0f64, 0f64);
    for (s, (x, w)) in subs.iter().zip(weights).enumerate() {
        let q = search::quants(x, fit.scale(s), 0.0, -n, n - 1.0);
        let (mut sub_xq, mut sub_qq) = (0.0, 0.0);
        for i in 0..SUB {
            sub_xq += w[i] * x[i] * q[i];
            sub_qq += w[i] * q[i] * q[i];
        }
        let sc = f64::from(fit.sc[s]);
        xq += sc * f64::from(sub_xq);
        qq += sc * sc * f64::from(sub_qq);
    }
    if qq > 0.0 && xq != 0.0 {
        half((xq / qq) as f32)
    } else {
        fit.d
    }
}

/// `x` in units of `unit`.
fn integer(x: f32, unit: f32, top: i32) -> i32 {
    if unit == 0.0 {
        return 0;
    }
    search::nearest((x / unit).clamp(-top as f32, (top - 1) as f32)) as i32
}

/// `x` in half precision: not infinite, and not zero, because small multiples of the smallest are better than nothing.
fn half(x: f32) -> f32 {
    if x == 0.0 {
        return 0.0;
    }
    let size = half::f16::from_f32(x.abs().min(F16_MAX)).max(half::f16::MIN_POSITIVE_SUBNORMAL);
    size.to_f32().copysign(x)
}
