//! One operating point of a policy: what it answers rightly, and what that costs.

use super::{Ranking, Sample};

/// How much of each item is escalated so that the share over all items is `share`: the most doubtful wholly, and of the
/// group of equal scores at the cut each the same part. No label is looked at.
pub fn escalate_share(ranking: &Ranking, share: f64) -> Vec<f64> {
    let mut escalated = vec![0.0; ranking.len()];
    let mut room = (share.clamp(0.0, 1.0)) * ranking.len() as f64;
    for group in ranking.groups() {
        let part = (room / group.len() as f64).min(1.0);
        for &i in group {
            escalated[i as usize] = part;
        }
        room -= part * group.len() as f64;
        if room <= 0.0 {
            break;
        }
    }
    escalated
}

/// All of an item whose score reaches the threshold, nothing of the others.
pub fn escalate_from(scores: &[f64], threshold: f64) -> Vec<f64> {
    scores.iter().map(|&s| f64::from(s >= threshold)).collect()
}

/// What a policy does with each item: the probability of a right answer, and what it costs, in micro-units.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Of a right answer, 0 to 1.
    pub quality: Vec<f64>,
    /// Micro-units of money.
    pub cost: Vec<f64>,
    /// Share of the item that the (strong) remote model answers.
    pub escalated: Vec<f64>,
}

/// Sums of a policy over a sample.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// Items.
    pub n: f64,
    /// Right answers.
    pub right: f64,
    /// Micro-units.
    pub cost: f64,
    /// Items escalated.
    pub escalated: f64,
}

impl Policy {
    /// Sums over a sample.
    pub fn totals(&self, sample: &Sample) -> Totals {
        let mut totals = Totals::default();
        for (i, count) in sample.items() {
            let count = f64::from(count);
            totals.n += count;
            totals.right += count * self.quality[i];
            totals.cost += count * self.cost[i];
            totals.escalated += count * self.escalated[i];
        }
        totals
    }
}

impl Totals {
    /// Share of right answers.
    pub fn quality(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.right / self.n)
    }

    /// Micro-units per item.
    pub fn cost_per_item(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.cost / self.n)
    }

    /// Micro-units per right answer: the price of what was bought.
    pub fn cost_per_right(&self) -> Option<f64> {
        (self.right > 0.0).then(|| self.cost / self.right)
    }

    /// Share of items escalated.
    pub fn share(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.escalated / self.n)
    }

    /// `1 - cost / other's cost`.
    pub fn saving(&self, other: &Totals) -> Option<f64> {
        (other.cost > 0.0).then(|| 1.0 - self.cost / other.cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_met_exactly() {
        let ranking = Ranking::new(&[1.0, 3.0, 2.0, 2.0, 0.0]).unwrap();
        assert_eq!(escalate_share(&ranking, 0.4), [0.0, 1.0, 0.5, 0.5, 0.0]);
        assert_eq!(escalate_share(&ranking, 0.0), [0.0; 5]);
        assert_eq!(escalate_share(&ranking, 1.0), [1.0; 5]);
        assert_eq!(escalate_share(&ranking, 7.0), [1.0; 5]);
        assert_eq!(escalate_from(&[1.0, 3.0, 2.0], 2.0), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn money_per_right_answer() {
        let policy = Policy {
            quality: vec![1.0, 0.0, 0.5],
            cost: vec![10.0, 20.0, 0.0],
            escalated: vec![0.0, 1.0, 0.5],
        };
        let totals = policy.totals(&Sample::all(3));
        assert_eq!(
            (totals.cost_per_right(), totals.quality(), totals.share()),
            (Some(20.0), Some(0.5), Some(0.5))
        );
        let dear = Totals { cost: 120.0, ..totals };
        assert_eq!(
            (totals.saving(&dear), totals.saving(&Totals::default())),
            (Some(0.75), None)
        );
        assert_eq!(Totals::default().cost_per_right(), None);
    }
}
