//! What escalating the most doubtful gains: the deferral curve and the figures read from it.

use super::{Ranking, Sample};

/// One item, answered by both models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The local answer is right.
    pub local: bool,
    /// The remote one is.
    pub remote: bool,
}

impl Outcome {
    /// What escalating it gains: 1, 0, or -1 where the remote model spoils a right answer.
    pub fn gain(self) -> f64 {
        f64::from(self.remote) - f64::from(self.local)
    }
}

/// One place on the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Share of items that are escalated, 0 to 1.
    pub escalated: f64,
    /// Share of items that are answered rightly.
    pub quality: f64,
}

/// Quality against the share escalated, in order of doubt, from none to all. Straight within a group of equal scores:
/// the expectation over the orders of the group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deferral {
    points: Vec<Point>,
}

impl Deferral {
    /// The curve of a sample. `O(n)`.
    pub fn of(ranking: &Ranking, outcomes: &[Outcome], sample: &Sample) -> Self {
        let (mut total, mut right) = (0i64, 0i64);
        for (i, count) in sample.items() {
            total += i64::from(count);
            right += i64::from(count) * i64::from(outcomes[i].local);
        }
        if total == 0 {
            return Deferral::default();
        }
        let all = total as f64;
        let mut points = vec![Point {
            escalated: 0.0,
            quality: right as f64 / all,
        }];
        let mut escalated = 0i64;
        for group in ranking.groups() {
            let before = escalated;
            for &i in group {
                let (count, outcome) = (i64::from(sample.count(i)), outcomes[i as usize]);
                escalated += count;
                right += count * (i64::from(outcome.remote) - i64::from(outcome.local));
            }
            if escalated > before {
                points.push(Point {
                    escalated: escalated as f64 / all,
                    quality: right as f64 / all,
                });
            }
        }
        Deferral { points }
    }

    /// Its corners; the curve is straight between them.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Quality with everything kept.
    pub fn weak(&self) -> Option<f64> {
        self.points.first().map(|p| p.quality)
    }

    /// Quality with everything escalated.
    pub fn strong(&self) -> Option<f64> {
        self.points.last().map(|p| p.quality)
    }

    /// What there is to gain; `None` unless the remote model is better.
    fn gap(&self) -> Option<f64> {
        Some(self.strong()? - self.weak()?).filter(|gap| *gap > 0.0)
    }

    /// AUC-DF: the area under the curve, by the trapezoid rule.
    pub fn area(&self) -> Option<f64> {
        let slice =
            |pair: &[Point]| (pair[1].escalated - pair[0].escalated) * (pair[0].quality + pair[1].quality) / 2.0;
        (!self.points.is_empty()).then(|| self.points.windows(2).map(slice).sum())
    }

    /// Quality with this share escalated.
    pub fn quality_at(&self, share: f64) -> Option<f64> {
        let last = self.points.last()?;
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        let at = self.points.partition_point(|p| p.escalated < share);
        let Some(to) = self.points.get(at) else {
            return Some(last.quality);
        };
        let Some(from) = at.checked_sub(1).map(|i| self.points[i]) else {
            return Some(to.quality);
        };
        let part = (share - from.escalated) / (to.escalated - from.escalated);
        Some(from.quality + part * (to.quality - from.quality))
    }

    /// PGR: the share of the gap between the models that is recovered, `(Q(c) - W) / (S - W)`.
    pub fn pgr(&self, share: f64) -> Option<f64> {
        Some((self.quality_at(share)? - self.weak()?) / self.gap()?)
    }

    /// APGR: the mean of PGR over all shares, `(area - W) / (S - W)`; 0.5 for a random order. As RouteLLM's evaluation
    /// computes it (Ong et al., arXiv 2406.18665), with every corner of the curve instead of ten.
    pub fn apgr(&self) -> Option<f64> {
        Some((self.area()? - self.weak()?) / self.gap()?)
    }

    /// CPT(x): the smallest share whose PGR is at least `x`.
    pub fn cpt(&self, x: f64) -> Option<f64> {
        self.gap()?;
        // This way round, x = 1 is the strong quality to the last bit.
        self.share_for((1.0 - x) * self.weak()? + x * self.strong()?)
    }

    /// The smallest share with at least this quality; `None` where the curve does not reach it.
    pub fn share_for(&self, quality: f64) -> Option<f64> {
        let first = self.points.first()?;
        if first.quality >= quality {
            return Some(0.0);
        }
        let pair = self.points.windows(2).find(|pair| pair[1].quality >= quality)?;
        let part = (quality - pair[0].quality) / (pair[1].quality - pair[0].quality);
        Some(pair[0].escalated + part * (pair[1].escalated - pair[0].escalated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(pairs: &[(u8, u8)]) -> Vec<Outcome> {
        let outcome = |&(l, r): &(u8, u8)| Outcome {
            local: l == 1,
            remote: r == 1,
        };
        pairs.iter().map(outcome).collect()
    }

    fn curve(scores: &[f64], pairs: &[(u8, u8)]) -> Deferral {
        let ranking = Ranking::new(scores).unwrap();
        Deferral::of(&ranking, &outcomes(pairs), &Sample::all(scores.len()))
    }

    /// Four items by hand: W = 1/2, S = 3/4; the curve is 2/4, 3/4, 4/4, 3/4, 3/4.
    #[test]
    fn a_curve_by_hand() {
        let pairs = [(0, 1), (0, 1), (1, 0), (1, 1)];
        let c = curve(&[4.0, 3.0, 2.0, 1.0], &pairs);
        let qualities: Vec<f64> = c.points().iter().map(|p| p.quality).collect();
        assert_eq!(qualities, [0.5, 0.75, 1.0, 0.75, 0.75]);
        assert_eq!(c.area(), Some((0.625 + 0.875 + 0.875 + 0.75) / 4.0));
        assert_eq!(c.apgr(), Some((0.78125 - 0.5) / 0.25));
        assert_eq!(
            (c.cpt(0.5), c.cpt(1.0), c.cpt(2.0), c.cpt(2.1)),
            (Some(0.125), Some(0.25), Some(0.5), None)
        );
        assert_eq!((c.pgr(0.125), c.quality_at(0.625)), (Some(0.5), Some(0.875)));
        assert_eq!((c.quality_at(1.5), c.quality_at(f64::NAN)), (None, None));
    }

    /// One group of equal scores is the expectation over all orders: a straight line.
    #[test]
    fn random_is_half() {
        let c = curve(&[1.0; 4], &[(0, 1), (0, 1), (1, 0), (1, 1)]);
        assert_eq!((c.points().len(), c.apgr()), (2, Some(0.5)));
        assert!((c.cpt(0.8).unwrap() - 0.8).abs() < 1e-15);
        assert_eq!(c.cpt(1.0), Some(1.0));
    }

    /// Half of a tie escalated: the mean of both orders.
    #[test]
    fn ties_are_expectations() {
        let pairs = [(0, 1), (1, 1), (0, 0)];
        let tied = curve(&[2.0, 2.0, 1.0], &pairs).area().unwrap();
        let one = curve(&[3.0, 2.0, 1.0], &pairs).area().unwrap();
        let other = curve(&[2.0, 3.0, 1.0], &pairs).area().unwrap();
        assert!((tied - (one + other) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn no_gap_no_gain() {
        let c = curve(&[1.0, 2.0], &[(1, 0), (1, 1)]);
        assert_eq!((c.apgr(), c.cpt(0.5), c.pgr(0.5)), (None, None, None));
        assert_eq!(c.share_for(1.0), Some(0.0));
        let nothing = Deferral::default();
        assert_eq!(
            (nothing.area(), nothing.weak(), nothing.share_for(0.1)),
            (None, None, None)
        );
    }

    /// A sample in which an item counts twice equals a set in which it stands twice.
    #[test]
    fn counts_are_copies() {
        let ranking = Ranking::new(&[4.0, 3.0, 2.0]).unwrap();
        let mut sample = Sample::all(3);
        let mut seed = 0;
        while sample.counts() != [2, 0, 1] {
            seed += 1;
            sample.draw(seed, 0);
        }
        let drawn = Deferral::of(&ranking, &outcomes(&[(0, 1), (1, 1), (1, 0)]), &sample);
        let copied = curve(&[4.0, 4.0, 2.0], &[(0, 1), (0, 1), (1, 0)]);
        assert_eq!(drawn, copied);
    }

    /// A million items: what is not `O(n log n)` would not end.
    #[test]
    fn a_million_items() {
        let mut random = crate::measure::SplitMix64::new(1);
        let scores: Vec<f64> = (0..1_000_000).map(|_| random.unit()).collect();
        let outcomes: Vec<Outcome> = scores
            .iter()
            .map(|s| Outcome {
                local: random.unit() > *s,
                remote: random.unit() < 0.9,
            })
            .collect();
        let wrong: Vec<bool> = outcomes.iter().map(|o| !o.local).collect();
        let (ranking, all) = (Ranking::new(&scores).unwrap(), Sample::all(scores.len()));
        let curve = Deferral::of(&ranking, &outcomes, &all);
        // Q(c) = 0.9 c + (1 - c)(1 + c)/2 where the surest have risk 0: its area is 0.45 + 1/3.
        assert!((curve.area().unwrap() - (0.45 + 1.0 / 3.0)).abs() < 0.002);
        // Risk of the surest share k is k/2 on average: 1/4.
        assert!((crate::measure::risk::aurc(&ranking, &wrong, &all).unwrap() - 0.25).abs() < 0.002);
        // P(score of a wrong one > that of a right one), densities 2s and 2(1 - s): 5/6.
        assert!((crate::measure::auroc(&ranking, &wrong, &all).unwrap() - 5.0 / 6.0).abs() < 0.002);
    }
}
