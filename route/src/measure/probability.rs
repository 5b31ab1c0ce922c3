//! Whether odds are true: of answers said to be wrong with probability p, a share p should be.

use super::Sample;

/// Bins of the expected calibration error.
pub const BINS: usize = 10;

/// ECE: the mean over items of |mean probability - share of events| of their bin, for [`BINS`] bins of equal width
/// (Naeini, Cooper and Hauskrecht, AAAI 2015). Depends on the bins, and is biased upwards for few items.
pub fn ece(p: &[f64], event: &[bool], sample: &Sample) -> Option<f64> {
    let mut bins = [(0.0, 0.0); BINS];
    let mut n = 0.0;
    for (i, count) in sample.items() {
        let (at, count) = (((p[i] * BINS as f64) as usize).min(BINS - 1), f64::from(count));
        bins[at].0 += count * p[i];
        bins[at].1 += if event[i] { count } else { 0.0 };
        n += count;
    }
    (n > 0.0).then(|| bins.iter().map(|(said, was)| (said - was).abs()).sum::<f64>() / n)
}

/// The Brier score: the mean of (probability - event)² (Brier, Monthly Weather Review 78, 1950). 0.25 for always saying
/// one half.
pub fn brier(p: &[f64], event: &[bool], sample: &Sample) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0.0);
    for (i, count) in sample.items() {
        let miss = p[i] - f64::from(event[i]);
        sum += f64::from(count) * miss * miss;
        n += f64::from(count);
    }
    (n > 0.0).then(|| sum / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let (p, event) = ([0.1, 0.1, 0.9, 1.0], [false, true, true, true]);
        let all = Sample::all(4);
        // Two of ten percent, of which half are events; two of 95 percent, all events.
        let expect = (0.8 + 0.1) / 4.0;
        assert!((ece(&p, &event, &all).unwrap() - expect).abs() < 1e-15);
        let expect = (0.01 + 0.81 + 0.01) / 4.0;
        assert!((brier(&p, &event, &all).unwrap() - expect).abs() < 1e-15);
        assert_eq!(
            (ece(&[], &[], &Sample::all(0)), brier(&[], &[], &Sample::all(0))),
            (None, None)
        );
    }

    #[test]
    fn true_odds_have_no_error() {
        let event: Vec<bool> = (0..100).map(|i| i % 4 == 0).collect();
        let all = Sample::all(100);
        assert_eq!(ece(&[0.25; 100], &event, &all), Some(0.0));
        assert_eq!(brier(&[0.5; 100], &event, &all), Some(0.25));
    }
}
