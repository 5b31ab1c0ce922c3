//! By how much money counts more than it says, while it is spent ahead of an even pace.

/// Where nothing is left money is so dear that nothing is worth it.
const MOST: f64 = 1e6;

/// The pacing price of a bound of which `used` is used, in a stretch of time of which (passed, all) milliseconds are over:
/// `1 + strength * max(0, u - t) / (1 - u)` with the shares used `u` and passed `t`. With a strength of 1 that is
/// `(1 - t) / (1 - u)`: by how much too little money is left for the time that is left.
pub(super) fn price(strength: f64, used: u64, bound: u64, (passed, all): (u64, u64)) -> f64 {
    if bound == 0 {
        return if strength > 0.0 { MOST } else { 1.0 };
    }
    let u = used as f64 / bound as f64;
    let t = passed as f64 / all.max(1) as f64;
    if u <= t || strength <= 0.0 {
        return 1.0;
    }
    let left = (1.0 - u).max(0.0);
    (1.0 + strength * (u - t) / left).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_dearer_the_less_of_it_is_left() {
        // Half the money is gone after a quarter of the time: for the rest there is 2/3 of what an even pace needs.
        assert_eq!(price(1.0, 500, 1_000, (250, 1_000)), 1.5);
        assert_eq!(price(2.0, 500, 1_000, (250, 1_000)), 2.0);
        assert_eq!(price(0.0, 900, 1_000, (0, 1_000)), 1.0);
        for (used, passed) in [(0, 0), (250, 250), (249, 250), (1_000, 1_000)] {
            assert_eq!(price(1.0, used, 1_000, (passed, 1_000)), 1.0, "on plan, or behind it");
        }
        assert_eq!(price(1.0, 1_000, 1_000, (999, 1_000)), MOST);
        assert_eq!(price(1.0, u64::MAX, 1, (0, 0)), MOST);
        assert_eq!(price(1.0, 0, 0, (0, 1)), MOST);
        let path: Vec<f64> = (0..=100).map(|used| price(1.0, used, 100, (30, 100))).collect();
        assert!(path.is_sorted() && path.iter().all(|p| p.is_finite() && *p >= 1.0));
    }
}
