//! Root-mean-square norms.

use std::ops::Range;

use super::{load_16, sum_16};
use crate::cpu::simd::{Simd, kernel};
use crate::ops::HeadLayout;

kernel! {
    /// `out [T, cols] = x / sqrt(mean(x^2) + eps) * gain`, each row for itself; `gain [cols]`.
    pub fn rms_norm<'a, S>(out: &'a mut [f32], x: &'a [f32], gain: &'a [f32], eps: f32) {
        for (out, x) in out.chunks_exact_mut(gain.len()).zip(x.chunks_exact(gain.len())) {
            let scale = inverse_rms::<S>(x, eps);
            for ((o, x), g) in out.iter_mut().zip(x).zip(gain) {
                *o = x * scale * g;
            }
        }
    }
}

kernel! {
    /// Norm of each query and key head in `qkv [T, heads.cols()]`, in place; gains `[head_dim]`.
    pub fn head_norm<'a, S>(
        qkv: &'a mut [f32],
        heads: HeadLayout,
        q_gain: &'a [f32],
        k_gain: &'a [f32],
        eps: f32,
    ) {
        let dim = heads.head_dim;
        for row in qkv.chunks_exact_mut(heads.cols()) {
            let (q, k) = row.split_at_mut(heads.n_head * dim);
            let keys = heads.n_head_kv * dim;
            for (part, gain) in [(q, q_gain), (&mut k[..keys], k_gain)] {
                for head in part.chunks_exact_mut(dim) {
                    let scale = inverse_rms::<S>(head, eps);
                    for (v, g) in head.iter_mut().zip(gain) {
                        *v *= scale * g;
                    }
                }
            }
        }
    }
}

/// `1 / sqrt(mean(x^2) + eps)`.
#[inline(always)]
fn inverse_rms<S: Simd>(x: &[f32], eps: f32) -> f32 {
    /// Sums that `f32` holds well: no square was lost to underflow that matters, none overflowed.
    const SAFE: Range<f32> = 1e-20..1e38;
    let mut sum = f64::from(sum_squares::<S>(x));
    if !SAFE.contains(&(sum as f32)) {
        sum = x.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    }
    (1.0 / (sum / x.len() as f64 + f64::from(eps)).sqrt()) as f32
}

#[inline(always)]
fn sum_squares<S: Simd>(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut last = [0.0; 16];
    last[..rest.len()].copy_from_slice(rest);
    let mut acc = [S::splat_f32(0.0); 4];
    for chunk in chunks.iter().chain([&last]) {
        let v = load_16::<S>(chunk);
        for i in 0..4 {
            acc[i] = S::add(acc[i], S::mul(v[i], v[i]));
        }
    }
    sum_16::<S>(acc)
}
