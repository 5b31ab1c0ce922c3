//! The truncating stages: how many of the best candidates survive top-k, top-p and min-p.

use std::cmp::Ordering;

use super::SamplerConfig;

/// A token with its logit after bias and penalties.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub id: u32,
    pub logit: f32,
}

/// Higher logit first; ties: lower id first. Logits are never NaN here.
pub(super) fn best_first(a: &Candidate, b: &Candidate) -> Ordering {
    let by_logit = b.logit.partial_cmp(&a.logit).unwrap_or(Ordering::Equal);
    by_logit.then(a.id.cmp(&b.id))
}

/// The number of leading `candidates` (best first) that survive stages 3 to 5; at least one.
///
/// `total` bounds `sum(exp(logit - best))` over the whole vocabulary from below and above. `floor`: unless `None`,
/// tokens with logits up to this one may exist beyond the candidates. Returns `None` when the answer would depend on
/// what is beyond them, or on where in its bounds the total lies.
pub(super) fn keep(
    candidates: &[Candidate],
    config: &SamplerConfig,
    total: (f64, f64),
    floor: Option<f32>,
) -> Option<usize> {
    let best = candidates.first()?.logit;
    if config.temperature == 0.0 {
        return Some(1);
    }
    let mass = |c: &Candidate| f64::from(c.logit - best).exp();

    let mut kept = candidates.len();
    let mut complete = floor.is_none();
    let mut total = total;
    if config.top_k > 0 && config.top_k <= kept {
        kept = config.top_k;
        complete = true;
        let sum = candidates[..kept].iter().map(mass).sum();
        total = (sum, sum);
    } else if config.top_k > 0 && !complete {
        return None;
    }
    if config.top_p < 1.0 {
        let (low, high) = (
            nucleus(&candidates[..kept], config.top_p, total.0),
            nucleus(&candidates[..kept], config.top_p, total.1),
        );
        match (low, high) {
            (Some(a), Some(b)) if a == b => {
                kept = a;
                complete = true;
            }
            // Rounding kept the sum just under top_p: all of them.
            (None, None) if complete => {}
            _ => return None,
        }
    }
    if config.min_p > 0.0 {
        let threshold = best + config.min_p.ln();
        let survivors = candidates[..kept].partition_point(|c| c.logit >= threshold).max(1);
        if survivors < kept || floor.is_some_and(|f| f < threshold) {
            complete = true;
        }
        kept = survivors;
    }
    complete.then_some(kept)
}

/// The length of the shortest prefix that holds `top_p` of `total`, if there is one.
fn nucleus(candidates: &[Candidate], top_p: f32, total: f64) -> Option<usize> {
    let best = candidates.first()?.logit;
    let goal = f64::from(top_p) * total;
    let mut sum = 0.0;
    for (i, c) in candidates.iter().enumerate() {
        sum += f64::from(c.logit - best).exp();
        if sum >= goal {
            return Some(i + 1);
        }
    }
    None
}
