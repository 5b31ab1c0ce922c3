//! The bootstrap: how much a figure would vary with other items of the same kind.

use super::interval::{Estimate, quantile};
use super::random::SplitMix64;
use crate::{Result, RouteError};

/// How often each item counts.
#[derive(Debug, Clone)]
pub struct Sample {
    counts: Vec<u32>,
}

impl Sample {
    /// Every item once.
    pub fn all(n: usize) -> Self {
        Sample { counts: vec![1; n] }
    }

    /// How often item `i` counts.
    pub fn count(&self, i: u32) -> u32 {
        self.counts[i as usize]
    }

    /// All of them.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Items with their counts, those that do not count left out.
    pub fn items(&self) -> impl Iterator<Item = (usize, u32)> {
        self.counts.iter().copied().enumerate().filter(|&(_, count)| count > 0)
    }

    /// As many draws with replacement as there are items: numbers `replicate * n` and on of `seed`'s sequence.
    pub fn draw(&mut self, seed: u64, replicate: u32) {
        let n = self.counts.len() as u32;
        let mut random = SplitMix64::skipping(seed, u64::from(replicate) * u64::from(n));
        self.counts.fill(0);
        for _ in 0..n {
            self.counts[random.below(n) as usize] += 1;
        }
    }
}

/// How to resample. Intervals are percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
/// chapter 13): the middle [`level`](Bootstrap::level) of the replicates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Of the generator.
    pub seed: u64,
    /// How many samples are drawn.
    pub replicates: u32,
    /// The share of replicates within the interval: 0.95.
    pub level: f64,
}

/// The most replicates: beyond, a typing error is likelier than a wish.
pub const MOST_REPLICATES: u32 = 100_000;

/// Values of several statistics: of all items, and of each replicate.
#[derive(Debug, Clone)]
pub struct Draws {
    n: usize,
    level: f64,
    point: Vec<Option<f64>>,
    replicates: Vec<Vec<Option<f64>>>,
}

impl Bootstrap {
    /// # Errors
    /// A level outside of (0, 1), no replicate, or more than [`MOST_REPLICATES`].
    pub fn check(&self) -> Result<()> {
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(RouteError::invalid("level", "a number between 0 and 1", self.level));
        }
        if !(1..=MOST_REPLICATES).contains(&self.replicates) {
            return Err(RouteError::invalid(
                "replicates",
                format!("1 to {MOST_REPLICATES}"),
                self.replicates,
            ));
        }
        Ok(())
    }

    /// `statistics` of all `n` items, then of each replicate. All of one call are of one sample: a difference of two
    /// figures is paired by computing it inside. `None`: not defined for this sample.
    pub fn draws(&self, n: usize, mut statistics: impl FnMut(&Sample) -> Vec<Option<f64>>) -> Draws {
        let mut sample = Sample::all(n);
        let finite = |values: Vec<Option<f64>>| values.into_iter().map(|v| v.filter(|x| x.is_finite())).collect();
        let point = finite(statistics(&sample));
        let replicates = (0..self.replicates)
            .map(|replicate| {
                sample.draw(self.seed, replicate);
                finite(statistics(&sample))
            })
            .collect();
        Draws {
            n,
            level: self.level,
            point,
            replicates,
        }
    }
}

impl Draws {
    /// Statistic `at` with its interval; `None` where it is not defined for the items themselves.
    pub fn estimate(&self, at: usize) -> Option<Estimate> {
        let value = self.point.get(at).copied().flatten()?;
        let mut values: Vec<f64> = self.replicates.iter().filter_map(|r| *r.get(at)?).collect();
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Some(Estimate {
            value,
            low: quantile(&values, tail)?,
            high: quantile(&values, 1.0 - tail)?,
            n: self.n,
            undefined: (self.replicates.len() - values.len()) as u32,
        })
    }

    /// Every statistic.
    pub fn estimates(&self) -> Vec<Option<Estimate>> {
        (0..self.point.len()).map(|at| self.estimate(at)).collect()
    }

    /// Share of replicates (where it is defined) in which statistic `at` is larger than `bound`: of a risk, how often the
    /// bound would have been broken.
    pub fn share_above(&self, at: usize, bound: f64) -> Option<f64> {
        let values: Vec<f64> = self.replicates.iter().filter_map(|r| *r.get(at)?).collect();
        let above = values.iter().filter(|&&v| v > bound).count();
        (!values.is_empty()).then(|| above as f64 / values.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64], sample: &Sample) -> Option<f64> {
        let sum: f64 = sample.items().map(|(i, count)| values[i] * f64::from(count)).sum();
        Some(sum / values.len() as f64)
    }

    /// The interval of a mean must be close to that of the normal approximation.
    #[test]
    fn the_interval_of_a_mean() {
        let mut random = SplitMix64::new(3);
        let values: Vec<f64> = (0..2000).map(|_| random.unit()).collect();
        let bootstrap = Bootstrap {
            seed: 7,
            replicates: 2000,
            level: 0.95,
        };
        let e = bootstrap.draws(2000, |s| vec![mean(&values, s)]).estimate(0).unwrap();
        let half = 1.96 * (1.0f64 / 12.0 / 2000.0).sqrt();
        assert!((e.low - (e.value - half)).abs() < 0.1 * half, "{e:?} {half}");
        assert!((e.high - (e.value + half)).abs() < 0.1 * half, "{e:?} {half}");
    }

    /// A paired difference of two figures that rise and fall together is surer than either.
    #[test]
    fn pairs_are_surer() {
        let mut random = SplitMix64::new(4);
        let a: Vec<f64> = (0..500).map(|_| random.unit()).collect();
        let b: Vec<f64> = a.iter().map(|x| x + 0.01 * random.unit()).collect();
        let bootstrap = Bootstrap {
            seed: 1,
            replicates: 500,
            level: 0.9,
        };
        let draws = bootstrap.draws(500, |s| {
            let (x, y) = (mean(&a, s), mean(&b, s));
            vec![x, y.zip(x).map(|(y, x)| y - x)]
        });
        let (alone, difference) = (draws.estimate(0).unwrap(), draws.estimate(1).unwrap());
        assert!(difference.high - difference.low < 0.1 * (alone.high - alone.low));
        assert!(difference.low > 0.0);
    }

    #[test]
    fn what_is_not_defined_is_counted() {
        let bootstrap = Bootstrap {
            seed: 1,
            replicates: 400,
            level: 0.95,
        };
        // Defined where the first of three items was drawn: 19 of 27 samples.
        let draws = bootstrap.draws(3, |s| vec![(s.count(0) > 0).then_some(1.0), None, Some(f64::NAN)]);
        let e = draws.estimate(0).unwrap();
        assert!((80..160).contains(&e.undefined), "{e:?}");
        assert_eq!(
            (draws.estimate(1), draws.estimate(2), draws.estimate(3)),
            (None, None, None)
        );
        assert_eq!(
            (draws.share_above(0, 0.5), draws.share_above(0, 1.0)),
            (Some(1.0), Some(0.0))
        );
        assert_eq!(draws.share_above(1, 0.5), None);
    }

    #[test]
    fn senseless_settings_are_refused() {
        let good = Bootstrap {
            seed: 0,
            replicates: 10,
            level: 0.9,
        };
        assert!(good.check().is_ok());
        assert!(
            Bootstrap {
                level: f64::NAN,
                ..good
            }
            .check()
            .is_err()
        );
        assert!(Bootstrap { level: 1.0, ..good }.check().is_err());
        assert!(Bootstrap { replicates: 0, ..good }.check().is_err());
    }
}
