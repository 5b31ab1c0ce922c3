//! Cost against quality: which of several policies nobody should choose.

/// Marks the policies that no other beats: none has at most their cost and at least their quality, and one of both better.
/// `O(n log n)`.
pub fn frontier(cost_quality: &[(f64, f64)]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..cost_quality.len()).collect();
    order.sort_by(|&a, &b| {
        let (x, y) = (cost_quality[a], cost_quality[b]);
        x.0.total_cmp(&y.0).then(y.1.total_cmp(&x.1))
    });
    let mut on = vec![false; cost_quality.len()];
    let mut best: Option<(f64, f64)> = None;
    for i in order {
        let here = cost_quality[i];
        on[i] = best.is_none_or(|b| here.1 > b.1 || here == b);
        if on[i] {
            best = Some(here);
        }
    }
    on
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dearer_and_worse_is_off() {
        let policies = [
            (0.0, 0.6),
            (10.0, 0.9),
            (5.0, 0.55),
            (5.0, 0.8),
            (10.0, 0.85),
            (5.0, 0.8),
            (12.0, 0.9),
        ];
        assert_eq!(frontier(&policies), [true, true, false, true, false, true, false]);
        assert!(frontier(&[]).is_empty());
    }
}
