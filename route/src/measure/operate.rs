//! One operating point of a policy: what it answers rightly, and what that costs.

use super::{Outcome, Ranking, Sample};

/// How much of each item is escalated so that the share over all items is `share`: the most doubtful wholly, and of the
/// group of equal scores at the cut each the same part. No label is looked at.
pub fn escalate_share(ranking: &Ranking, share: f64) -> Vec<f64> {
    escalate_share_of(ranking, share, &Sample::all(ranking.len()))
}

/// The same where the share is that of a sample: what the threshold that it sets does with all items.
pub fn escalate_share_of(ranking: &Ranking, share: f64, sample: &Sample) -> Vec<f64> {
    let mut escalated = vec![0.0; ranking.len()];
    let drawn: f64 = sample.counts().iter().map(|count| f64::from(*count)).sum();
    let mut room = share.clamp(0.0, 1.0) * drawn;
    for group in ranking.groups() {
        if room <= 0.0 {
            break;
        }
        let size: f64 = group.iter().map(|&i| f64::from(sample.count(i))).sum();
        let part = if size > 0.0 { (room / size).min(1.0) } else { 1.0 };
        for &i in group {
            escalated[i as usize] = part;
        }
        room -= part * size;
    }
    escalated
}

/// Share of right answers with so much of each item escalated.
pub fn gains(escalated: &[f64], outcomes: &[Outcome]) -> f64 {
    let right = |(e, o): (&f64, &Outcome)| f64::from(o.local) + e * o.gain();
    escalated.iter().zip(outcomes).map(right).sum::<f64>() / outcomes.len() as f64
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

    /// Incremental benefit per cost: what each micro-unit more than the other's buys of right answers (AutoMix, arXiv
    /// 2310.12963). `None` unless it costs more.
    pub fn benefit_per_cost(&self, other: &Totals) -> Option<f64> {
        let more = self.cost - other.cost;
        (more > 0.0).then(|| (self.right - other.right) / more)
    }

    /// `(b - c) / c` of that benefit `b` and of the benefit `c` of asking the remote model everything: 0 of a random order, where
    /// the local model costs nothing. `None` where the remote model is no better.
    pub fn benefit_lift(&self, all_local: &Totals, all_remote: &Totals) -> Option<f64> {
        let chord = all_remote.benefit_per_cost(all_local).filter(|c| *c > 0.0)?;
        Some(self.benefit_per_cost(all_local)? / chord - 1.0)
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

    /// A tenth of the money for a fifth of the gain: twice the benefit.
    #[test]
    fn benefit_per_cost() {
        let totals = |right: f64, cost: f64| Totals {
            n: 100.0,
            right,
            cost,
            escalated: 0.0,
        };
        let (local, remote) = (totals(60.0, 0.0), totals(90.0, 1000.0));
        let lift = |mix: Totals| mix.benefit_lift(&local, &remote);
        assert!((lift(totals(66.0, 100.0)).unwrap() - 1.0).abs() < 1e-12);
        assert!(lift(totals(63.0, 100.0)).unwrap().abs() < 1e-12 && lift(remote).unwrap().abs() < 1e-12);
        assert!((lift(totals(57.0, 100.0)).unwrap() + 2.0).abs() < 1e-12);
        assert_eq!((lift(local), remote.benefit_lift(&remote, &local)), (None, None));
    }

    /// A sample's share sets a threshold, and what that does with all items need not be that share.
    #[test]
    fn a_threshold_of_a_sample() {
        let ranking = Ranking::new(&[4.0, 3.0, 2.0, 1.0]).unwrap();
        let mut sample = Sample::all(4);
        let mut seed = 0;
        while sample.counts() != [0, 2, 1, 1] {
            seed += 1;
            sample.draw(seed, 0);
        }
        // Half of the sample are the two copies of the second item; the first one, not drawn, is more doubtful still.
        assert_eq!(escalate_share_of(&ranking, 0.5, &sample), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(escalate_share_of(&ranking, 0.25, &sample), [1.0, 0.5, 0.0, 0.0]);
        assert_eq!(escalate_share_of(&ranking, 0.0, &sample), [0.0; 4]);
        let outcome = |local, remote| Outcome { local, remote };
        let outcomes = [
            outcome(false, true),
            outcome(true, false),
            outcome(true, true),
            outcome(false, false),
        ];
        assert_eq!(gains(&[1.0, 0.5, 0.0, 0.0], &outcomes), 2.5 / 4.0);
    }
}
