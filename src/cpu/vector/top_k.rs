//! The best logits of a row, its normaliser, and its entropy.

use super::{exp_terms, load_16, sum_16};
use crate::cpu::simd::{Simd, kernel};
use crate::ops::TopK;
use crate::ops::row::entropy;

/// Logits whose maximum is kept: a block whose maximum is not among the best k maxima has nothing to offer.
const BLOCK: usize = 64;

kernel! {
    /// The `min(k, logits.len())` largest entries, best first; ties: lowest id first; a NaN counts as minus infinity.
    pub fn top_k<'a, S>(logits: &'a [f32], k: usize) -> TopK {
        let maxima: Vec<f32> = logits.chunks(BLOCK).map(max::<S>).collect();
        let highest = maxima.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut best: Vec<(u32, f32)> = Vec::with_capacity(k.min(logits.len()) + 1);
        let least = least_of_best(&maxima, k);
        for (block, _) in maxima.iter().enumerate().filter(|(_, max)| **max >= least) {
            let first = block * BLOCK;
            for (i, logit) in logits[first..].iter().take(BLOCK).enumerate() {
                let logit = if logit.is_nan() { f32::NEG_INFINITY } else { *logit };
                let full = best.len() >= k;
                if logit < least || full && best.last().is_none_or(|(_, worst)| logit <= *worst) {
                    continue;
                }
                // Ids rise, so an equal logit goes behind the ones already held.
                let at = best.partition_point(|(_, held)| *held >= logit);
                if full {
                    best.pop();
                }
                best.insert(at, ((first + i) as u32, logit));
            }
        }
        let (sum, weighted) = sums::<S>(logits, highest);
        TopK {
            ids: best.iter().map(|b| b.0).collect(),
            logits: best.iter().map(|b| b.1).collect(),
            // Nothing above minus infinity: a sum of 0.
            log_sum_exp: (f64::from(highest) + sum.ln()) as f32,
            entropy: entropy(sum, weighted),
        }
    }
}

/// A number that at least k logits reach: the k-th largest maximum.
fn least_of_best(maxima: &[f32], k: usize) -> f32 {
    if k == 0 || k > maxima.len() {
        return f32::NEG_INFINITY;
    }
    let mut sorted = maxima.to_vec();
    let (_, kth, _) = sorted.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    *kth
}

/// The largest element that is not NaN.
#[inline(always)]
fn max<S: Simd>(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut last = [f32::NEG_INFINITY; 16];
    last[..rest.len()].copy_from_slice(rest);
    let mut acc = [S::splat_f32(f32::NEG_INFINITY); 4];
    for chunk in chunks.iter().chain((!rest.is_empty()).then_some(&last)) {
        let v = load_16::<S>(chunk);
        for i in 0..4 {
            acc[i] = S::max(acc[i], v[i]);
        }
    }
    let all = S::max(S::max(acc[0], acc[1]), S::max(acc[2], acc[3]));
    S::to_f32(all).into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// A distance from the highest whose exponential is 0; it stands for all that are larger, so that products are numbers.
const FAR: f32 = 200.0;

/// The sums of `exp(d)` and `-d exp(d)` over all that is not NaN, `d` the distance from the largest, `highest`.
#[inline(always)]
fn sums<S: Simd>(x: &[f32], highest: f32) -> (f64, f64) {
    if highest == f32::NEG_INFINITY {
        return (0.0, 0.0);
    }
    let (shift, far) = (S::splat_f32(highest), S::splat_f32(-FAR));
    let mut total = (0.0, 0.0);
    // Lanes of f32 for a block, f64 from block to block: no long sum that small terms are lost in.
    for block in x.chunks(BLOCK) {
        let (chunks, rest) = block.as_chunks::<16>();
        let mut last = [f32::NEG_INFINITY; 16];
        last[..rest.len()].copy_from_slice(rest);
        let mut acc = [S::splat_f32(0.0); 4];
        let mut weighted = [S::splat_f32(0.0); 4];
        for chunk in chunks.iter().chain((!rest.is_empty()).then_some(&last)) {
            let v = load_16::<S>(chunk);
            for i in 0..4 {
                // `max` turns NaN into minus infinity, which adds as good as nothing.
                let v = S::max(S::splat_f32(f32::NEG_INFINITY), v[i]);
                let d = S::max(far, S::sub(v, shift));
                let e = exp_terms::<S>(d);
                acc[i] = S::add(acc[i], e);
                weighted[i] = S::add(weighted[i], S::mul(d, e));
            }
        }
        total.0 += f64::from(sum_16::<S>(acc));
        total.1 -= f64::from(sum_16::<S>(weighted));
    }
    total
}
