//! Times by completion: many dispatches, one wait, less what an empty wait takes.

use serde::Serialize;

use super::plan::Plan;
use crate::backend::Gpu;
use crate::error::Result;
use crate::gpu::Recorder;
use crate::ops::Ops;

/// Empty waits of which the shortest is what a wait costs.
const EMPTY_WAITS: usize = 5;
/// Most runs behind one wait.
const BATCH: usize = 2048;
/// Fewest measurements, whatever time they take.
const ROUNDS: usize = 3;

/// What can be waited for.
pub trait Device {
    /// Hands over what was recorded and waits until it is done.
    async fn finish(&mut self) -> Result<()>;
}

impl Device for Gpu {
    async fn finish(&mut self) -> Result<()> {
        self.settle().await
    }
}

impl Device for Recorder {
    async fn finish(&mut self) -> Result<()> {
        self.settle().await
    }
}

/// Measurements of one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many.
    pub n: usize,
    /// Runs behind each wait.
    pub batch: usize,
}

impl Spread {
    /// Of measurements, of which there is one at least.
    pub fn of(mut values: Vec<f64>, batch: usize) -> Spread {
        values.sort_by(f64::total_cmp);
        Spread {
            median: values[values.len() / 2],
            min: values[0],
            max: values[values.len() - 1],
            n: values.len(),
            batch,
        }
    }

    /// `amount` for each millisecond instead of milliseconds.
    pub fn rate(&self, amount: f64) -> Spread {
        Spread {
            median: amount / self.median,
            min: amount / self.max,
            max: amount / self.min,
            ..*self
        }
    }
}

/// How long things take on one device.
pub struct Timer {
    now_ms: fn() -> f64,
    rounds: usize,
    batch_ms: f64,
    budget_ms: f64,
    empty_ms: f64,
}

impl Timer {
    /// Measures what a wait costs.
    pub async fn new(gpu: &mut Gpu, plan: &Plan, now_ms: fn() -> f64) -> Result<Timer> {
        let mut empty_ms = f64::INFINITY;
        for _ in 0..EMPTY_WAITS {
            let begun = now_ms();
            gpu.finish().await?;
            empty_ms = empty_ms.min(now_ms() - begun);
        }
        Ok(Timer {
            now_ms,
            rounds: plan.rounds.max(ROUNDS),
            batch_ms: plan.batch_ms,
            budget_ms: plan.budget_ms,
            empty_ms,
        })
    }

    /// The clock.
    pub fn clock(&self) -> fn() -> f64 {
        self.now_ms
    }

    /// What a wait for nothing takes.
    pub fn empty_ms(&self) -> f64 {
        self.empty_ms
    }

    /// Milliseconds of one `run`, which records work and gets the number of its run behind the wait.
    pub async fn time<D: Device>(
        &self,
        device: &mut D,
        mut run: impl FnMut(&mut D, usize) -> Result<()>,
    ) -> Result<Spread> {
        let (mut batch, begun) = (1, (self.now_ms)());
        // What is not full is the warm-up: pipelines are compiled, pages touched.
        while self.batch(device, batch, &mut run).await? < self.batch_ms / 2.0 && batch < BATCH {
            batch *= 2;
        }
        let mut times = Vec::with_capacity(self.rounds);
        while times.len() < self.rounds {
            times.push(self.batch(device, batch, &mut run).await? / batch as f64);
            if times.len() >= ROUNDS && (self.now_ms)() - begun > self.budget_ms {
                break;
            }
        }
        Ok(Spread::of(times, batch))
    }

    async fn batch<D: Device>(
        &self,
        device: &mut D,
        batch: usize,
        run: &mut impl FnMut(&mut D, usize) -> Result<()>,
    ) -> Result<f64> {
        let begun = (self.now_ms)();
        for i in 0..batch {
            run(device, i)?;
        }
        device.finish().await?;
        // A clock of a browser is coarse: nothing takes no time at all.
        Ok(((self.now_ms)() - begun - self.empty_ms).max(1e-3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_largest_where_the_time_is_least() {
        let times = Spread::of(vec![4.0, 1.0, 2.0], 8);
        assert_eq!((times.median, times.min, times.max, times.n), (2.0, 1.0, 4.0, 3));
        let rate = times.rate(8.0);
        assert_eq!((rate.median, rate.min, rate.max, rate.batch), (4.0, 2.0, 8.0, 8));
    }
}
