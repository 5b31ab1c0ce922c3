//! The task label as a signal: which kinds of requests gain by the remote model, learnt on one half and judged on the other.

use std::collections::BTreeMap;

use super::SplitMix64;

/// Scores learnt from items that are not among those scored.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// The items that are scored, in order.
    pub judged: Vec<usize>,
    /// Their scores: the mean gain of their label among the items learnt from.
    pub scores: Vec<f64>,
    /// How many items were learnt from.
    pub learnt: usize,
}

/// Splits the items in halves by a coin for each (the highest bit of its draw: 1 is judged), and scores the second half by
/// the mean gain of their label in the first; a label that is not there has the mean of all.
pub fn label_gain<L: AsRef<str>>(labels: &[L], gain: &[f64], seed: u64) -> HeldOut {
    let mut random = SplitMix64::new(seed);
    let (learnt, judged): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|_| random.next_u64() >> 63 == 0);
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut all = (0.0, 0.0);
    for &i in &learnt {
        let sum = sums.entry(labels[i].as_ref()).or_default();
        for s in [sum, &mut all] {
            s.0 += gain[i];
            s.1 += 1.0;
        }
    }
    let mean = |(sum, n): (f64, f64)| if n > 0.0 { sum / n } else { 0.0 };
    let score = |&i: &usize| mean(sums.get(labels[i].as_ref()).copied().unwrap_or(all));
    HeldOut {
        scores: judged.iter().map(score).collect(),
        judged,
        learnt: learnt.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_learnt_from_other_items() {
        let labels: Vec<&str> = (0..400).map(|i| if i % 2 == 0 { "hard" } else { "easy" }).collect();
        let gain: Vec<f64> = (0..400).map(|i| f64::from(i % 2 == 0)).collect();
        let held = label_gain(&labels, &gain, 5);
        assert_eq!(held.judged.len() + held.learnt, 400);
        assert!((150..250).contains(&held.learnt));
        assert!(held.judged.iter().zip(&held.scores).all(|(&i, &s)| s == gain[i]));
        // The gains of judged items do not change their scores.
        let mut other = gain.clone();
        held.judged.iter().for_each(|&i| other[i] = -1.0);
        assert_eq!(label_gain(&labels, &other, 5), held);
    }

    #[test]
    fn a_label_never_seen_has_the_mean() {
        let labels: Vec<String> = (0..50).map(|i| format!("{i}")).collect();
        let gain: Vec<f64> = (0..50).map(f64::from).collect();
        let held = label_gain(&labels, &gain, 1);
        let learnt: f64 = (0..50).filter(|i| !held.judged.contains(i)).map(|i| i as f64).sum();
        assert!(
            held.scores
                .iter()
                .all(|&s| (s - learnt / held.learnt as f64).abs() < 1e-12)
        );
        assert_eq!(label_gain::<&str>(&[], &[], 1).judged.len(), 0);
    }
}
