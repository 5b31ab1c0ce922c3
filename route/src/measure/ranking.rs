//! An order by doubt, and how well it separates.

use super::Sample;
use crate::{Result, RouteError};

/// Items from the most doubtful to the surest, in groups of equal scores.
#[derive(Debug, Clone)]
pub struct Ranking {
    order: Vec<u32>,
    /// Where each group ends in `order`.
    ends: Vec<u32>,
}

impl Ranking {
    /// Sorts by score, highest (most doubt) first. `O(n log n)`.
    ///
    /// # Errors
    /// A score that is not finite, no score at all, or more than 2^32 - 1.
    pub fn new(scores: &[f64]) -> Result<Self> {
        if scores.is_empty() {
            return Err(RouteError::invalid("scores", "at least one", "none"));
        }
        let n =
            u32::try_from(scores.len()).map_err(|_| RouteError::invalid("scores", "fewer than 2^32", scores.len()))?;
        if let Some(at) = scores.iter().position(|s| !s.is_finite()) {
            return Err(RouteError::invalid(
                format!("scores[{at}]"),
                "a finite number",
                scores[at],
            ));
        }
        let mut order: Vec<u32> = (0..n).collect();
        order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
        // `==`, not the total order: 0 and -0 are one score. They are neighbours in the order.
        let last = |i: &u32| {
            let at = *i as usize;
            at + 1 == order.len() || scores[order[at] as usize] != scores[order[at + 1] as usize]
        };
        let ends = (0..n).filter(last).map(|i| i + 1).collect();
        Ok(Ranking { order, ends })
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Never: a ranking has at least one item.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Groups of items with one score each, the most doubtful first.
    pub fn groups(&self) -> impl DoubleEndedIterator<Item = &[u32]> {
        (0..self.ends.len()).map(|g| {
            let from = if g == 0 { 0 } else { self.ends[g - 1] as usize };
            &self.order[from..self.ends[g] as usize]
        })
    }
}

/// Area under the ROC curve: the probability that a positive item has more doubt than a negative one, ties counted half
/// (Hanley and McNeil, Radiology 143, 1982). `None` where there are no positives or no negatives.
///
/// # Panics
/// Never, if `positive` is as long as the ranking.
pub fn auroc(ranking: &Ranking, positive: &[bool], sample: &Sample) -> Option<f64> {
    let (mut above, mut pairs) = (0u128, 0u128);
    let mut negatives = 0u128;
    for group in ranking.groups() {
        let (mut yes, mut no) = (0u128, 0u128);
        for &i in group {
            let count = u128::from(sample.count(i));
            *if positive[i as usize] { &mut yes } else { &mut no } += count;
        }
        // In halves: negatives with more doubt win against these positives, ties are a draw.
        pairs += yes * (2 * negatives + no);
        negatives += no;
        above += yes;
    }
    let all = 2 * above * negatives;
    (all > 0).then(|| 1.0 - pairs as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(scores: &[f64], positive: &[bool]) -> Option<f64> {
        auroc(&Ranking::new(scores).unwrap(), positive, &Sample::all(scores.len()))
    }

    /// Against the definition, pair by pair.
    #[test]
    fn auroc_is_the_share_of_pairs() {
        let scores = [0.3, 0.9, 0.9, 0.1, 0.5, 0.5, 0.5, -0.0, 0.0];
        let positive = [false, true, false, false, true, true, false, true, false];
        let (mut won, mut all) = (0.0, 0.0);
        for i in (0..9).filter(|&i| positive[i]) {
            for j in (0..9).filter(|&j| !positive[j]) {
                all += 1.0;
                won += if scores[i] > scores[j] {
                    1.0
                } else if scores[i] == scores[j] {
                    0.5
                } else {
                    0.0
                };
            }
        }
        assert_eq!(area(&scores, &positive), Some(won / all));
        let upside_down: Vec<f64> = scores.iter().map(|s| -s).collect();
        assert_eq!(area(&upside_down, &positive), Some(1.0 - won / all));
    }

    #[test]
    fn auroc_of_the_extremes() {
        assert_eq!(area(&[1.0, 0.0], &[true, false]), Some(1.0));
        assert_eq!(area(&[1.0, 0.0], &[false, true]), Some(0.0));
        assert_eq!(area(&[1.0, 1.0], &[false, true]), Some(0.5));
        assert_eq!(area(&[1.0, 0.0], &[true, true]), None);
    }

    #[test]
    fn hostile_scores_are_refused() {
        for bad in [&[f64::NAN][..], &[0.0, f64::INFINITY], &[f64::NEG_INFINITY], &[]] {
            assert_eq!(Ranking::new(bad).unwrap_err().code(), "invalid_request");
        }
    }
}
