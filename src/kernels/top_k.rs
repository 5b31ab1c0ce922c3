//! The k largest logits of one row, best first (ties: lowest id first), and the row's log-sum-exp.

use bytemuck::{Pod, Zeroable};

use crate::ops::TopK;

/// Shape of the operation; the uniform of `top_k.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// Logits in the row.
    pub n_vocab: u32,
    /// Entries wanted.
    pub k: u32,
}

/// Reference: `logits [n_vocab]`. Returns `min(k, n_vocab)` entries; a NaN counts as minus infinity.
pub fn cpu(p: &Params, logits: &[f32]) -> TopK {
    let k = p.k as usize;
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(k + 1);
    for (id, logit) in (0..p.n_vocab).zip(logits) {
        let logit = if logit.is_nan() { f32::NEG_INFINITY } else { *logit };
        // Ids rise, so an equal logit goes behind the ones already held.
        let at = best.partition_point(|(_, held)| *held >= logit);
        if at < k {
            best.truncate(k - 1);
            best.insert(at, (id, logit));
        }
    }
    TopK {
        ids: best.iter().map(|b| b.0).collect(),
        logits: best.iter().map(|b| b.1).collect(),
        log_sum_exp: log_sum_exp(logits),
    }
}

/// `ln(sum(exp(x)))`, shifted by the maximum and summed in f64.
pub fn log_sum_exp(x: &[f32]) -> f32 {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if max == f32::NEG_INFINITY {
        return max;
    }
    let sum: f64 = x.iter().filter(|v| !v.is_nan()).map(|v| f64::from(v - max).exp()).sum();
    (f64::from(max) + sum.ln()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lowest_id_and_nan_to_the_end() {
        let logits = [1.0, 3.0, f32::NAN, 3.0, -2.0];
        let top = cpu(&Params { n_vocab: 5, k: 3 }, &logits);
        assert_eq!(top.ids, [1, 3, 0]);
        assert_eq!(top.logits, [3.0, 3.0, 1.0]);
        let expected = (2.0 * 3f64.exp() + 1f64.exp() + (-2f64).exp()).ln() as f32;
        assert!((top.log_sum_exp - expected).abs() < 1e-6);
    }

    #[test]
    fn asking_for_more_than_there_are_returns_all() {
        let top = cpu(&Params { n_vocab: 2, k: 9 }, &[0.5, 0.75]);
        assert_eq!(top.ids, [1, 0]);
    }
}
