//! What raw logits say of the doubt at one place of an answer: margin, entropy, and what the mask kept.

use kinglet_route::gauge::{Freedom, Measured};

use super::{LOG_SUM_EXP_ERROR, allows};
use crate::ops::TopK;
use crate::ops::row::entropy;

/// How far the logarithm of the kept mass may be off where the best logits alone are known, in nats. Where they leave more
/// than that open the row is read. The middle of what is possible is taken, so the error is half of this at most.
pub const KEPT_TOLERANCE: f64 = 0.01;

/// From the best logits; `None`: what the mask keeps depends on those beyond them.
pub(super) fn of_top(top: &TopK, mask: Option<&[u32]>) -> Option<Measured> {
    let measured = Measured {
        margin: match &top.logits[..] {
            [one, two, ..] => Some(f64::from(*one) - f64::from(*two)),
            _ => None,
        },
        entropy: Some(f64::from(top.entropy)),
        ..Measured::default()
    };
    let Some(mask) = mask else {
        return Some(measured);
    };
    let share = |&logit: &f32| f64::from(logit - top.log_sum_exp).exp();
    let allowed: u32 = mask.iter().map(|word| word.count_ones()).sum();
    let (mut kept, mut seen) = (0.0, 0);
    for (&id, logit) in top.ids.iter().zip(&top.logits) {
        if allows(Some(mask), id) {
            kept += share(logit);
            seen += 1;
        }
    }
    // Allowed tokens that are not among the best are none of them likelier than the last of those, and all together no
    // likelier than what those leave.
    let left = (1.0 + LOG_SUM_EXP_ERROR - top.logits.iter().map(share).sum::<f64>()).max(0.0);
    let each = top.logits.last().map_or(0.0, share);
    let open = left.min(f64::from(allowed.saturating_sub(seen)) * each);
    // No allowed token among the best: a ratio that is infinite, or none.
    let settled = ((kept + open) / kept).ln() <= KEPT_TOLERANCE;
    settled.then(|| Measured {
        kept: Some((kept + open / 2.0).ln().min(0.0)),
        freedom: freedom(allowed),
        ..measured
    })
}

/// From the whole row, whose [`sums`](crate::ops::row::sums) are `(max, sum, weighted)`.
pub(super) fn of_row(row: &[f32], (max, sum, weighted): (f32, f64, f64), mask: Option<&[u32]>) -> Measured {
    let (mut one, mut two) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
    for &logit in row {
        two = two.max(logit.min(one));
        one = one.max(logit);
    }
    let measured = Measured {
        margin: (row.len() > 1).then(|| f64::from(one) - f64::from(two)),
        entropy: Some(f64::from(entropy(sum, weighted))),
        ..Measured::default()
    };
    let Some(mask) = mask else {
        return measured;
    };
    let (mut kept, mut allowed) = (0.0, 0);
    for (id, &logit) in (0u32..).zip(row) {
        if allows(Some(mask), id) {
            kept += f64::from(logit - max).exp();
            allowed += 1;
        }
    }
    Measured {
        kept: Some((kept / sum).ln().min(0.0)),
        freedom: freedom(allowed),
        ..measured
    }
}

fn freedom(allowed: u32) -> Freedom {
    match allowed {
        1 => Freedom::Forced,
        _ => Freedom::Free,
    }
}
