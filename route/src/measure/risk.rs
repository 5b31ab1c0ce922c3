//! Selective prediction: how wrong are the answers that are kept.

use super::{Ranking, Sample};

/// AURC: the mean over `k` = 1 … n of the share of wrong answers among the `k` surest (Geifman, Uziel and El-Yaniv, ICLR
/// 2019). `None` of nothing.
pub fn aurc(ranking: &Ranking, wrong: &[bool], sample: &Sample) -> Option<f64> {
    let (mut sum, mut kept, mut errors) = (0.0, 0u64, 0u64);
    for group in ranking.groups().rev() {
        let (mut size, mut bad) = (0u64, 0u64);
        for &i in group {
            let count = u64::from(sample.count(i));
            size += count;
            bad += count * u64::from(wrong[i as usize]);
        }
        let share = if size > 0 { bad as f64 / size as f64 } else { 0.0 };
        for j in 1..=size {
            // Of j items of the group in any order, this many are wrong on average.
            sum += (errors as f64 + share * j as f64) / (kept + j) as f64;
        }
        kept += size;
        errors += bad;
    }
    (kept > 0).then(|| sum / kept as f64)
}

/// The AURC of the best possible order: all right answers are surer than any wrong one.
pub fn aurc_oracle(wrong: &[bool], sample: &Sample) -> Option<f64> {
    let (mut n, mut errors) = (0u64, 0u64);
    for (i, count) in sample.items() {
        n += u64::from(count);
        errors += u64::from(count) * u64::from(wrong[i]);
    }
    let sum: f64 = (1..=errors).map(|j| j as f64 / (n - errors + j) as f64).sum();
    (n > 0).then(|| sum / n as f64)
}

/// E-AURC: what is left to gain by a better order, AURC less that of the best one.
pub fn e_aurc(ranking: &Ranking, wrong: &[bool], sample: &Sample) -> Option<f64> {
    Some(aurc(ranking, wrong, sample)? - aurc_oracle(wrong, sample)?)
}

/// Share of wrong answers among those kept, where `escalated` says how much of each item is escalated (0 to 1). `None` if
/// nothing is kept.
pub fn kept_risk(escalated: &[f64], wrong: &[bool], sample: &Sample) -> Option<f64> {
    let (mut kept, mut bad) = (0.0, 0.0);
    for (i, count) in sample.items() {
        let stays = f64::from(count) * (1.0 - escalated[i]);
        kept += stays;
        bad += if wrong[i] { stays } else { 0.0 };
    }
    (kept > 0.0).then(|| bad / kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(scores: &[f64], wrong: &[bool]) -> Option<f64> {
        aurc(&Ranking::new(scores).unwrap(), wrong, &Sample::all(scores.len()))
    }

    /// The surest first: right, wrong, right, wrong. Risks 0, 1/2, 1/3, 1/2.
    #[test]
    fn aurc_by_hand() {
        let wrong = [true, false, true, false];
        let expect = (0.0 + 1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 2.0) / 4.0;
        assert!((area(&[4.0, 3.0, 2.0, 1.0], &wrong).unwrap() - expect).abs() < 1e-15);
        let oracle = (1.0 / 3.0 + 1.0 / 2.0) / 4.0;
        let all = Sample::all(4);
        assert!((aurc_oracle(&wrong, &all).unwrap() - oracle).abs() < 1e-15);
        let best = Ranking::new(&[1.0, 0.0, 1.0, 0.0]).unwrap();
        // Equal scores within right and within wrong change nothing.
        assert!(e_aurc(&best, &wrong, &all).unwrap().abs() < 1e-15);
    }

    #[test]
    fn without_an_order_the_risk_is_the_rate() {
        assert_eq!(area(&[1.0; 5], &[true, false, false, false, false]), Some(0.2));
        assert_eq!(area(&[1.0], &[false]), Some(0.0));
    }

    #[test]
    fn risk_of_what_is_kept() {
        let wrong = [true, false, true, false];
        let all = Sample::all(4);
        assert_eq!(kept_risk(&[1.0, 0.0, 0.0, 0.0], &wrong, &all), Some(1.0 / 3.0));
        assert_eq!(kept_risk(&[0.5, 1.0, 1.0, 0.5], &wrong, &all), Some(0.5));
        assert_eq!(kept_risk(&[1.0; 4], &wrong, &all), None);
    }
}
