//! Dispatches that are timed: they are kept instead of recorded, and run kind by kind when all are there.

use super::Recorder;
use super::launch::Launch;
use super::readback::Signal;
use crate::error::{Error, Result};
use crate::kernels::dim;
use crate::kernels::wgsl::Variant;

/// Empty waits of which the shortest is what a wait costs.
const EMPTY_WAITS: usize = 5;

/// Dispatches of a kind: one stage, one kernel.
pub struct Timed {
    /// What [`Recorder::mark`] said before them.
    pub stage: &'static str,
    /// The shader, in all variants that were dispatched.
    pub variants: Vec<Variant>,
    /// How many.
    pub calls: usize,
    /// Milliseconds, all together.
    pub ms: f64,
}

/// One of them.
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    offset: u32,
    grid: [u32; 3],
}

/// What was kept so far.
#[derive(Default)]
pub(super) struct Kept {
    stage: &'static str,
    kinds: Vec<(Timed, Vec<Dispatch>)>,
}

impl Kept {
    pub fn add(&mut self, launch: &Launch<'_>, pipeline: &wgpu::ComputePipeline, group: &wgpu::BindGroup, offset: u32) {
        let variant = &launch.variant;
        let same = |timed: &Timed| timed.stage == self.stage && timed.variants[0].kernel == variant.kernel;
        let at = self
            .kinds
            .iter()
            .position(|(timed, _)| same(timed))
            .unwrap_or(self.kinds.len());
        if at == self.kinds.len() {
            let timed = Timed {
                stage: self.stage,
                variants: vec![variant.clone()],
                calls: 0,
                ms: 0.0,
            };
            self.kinds.push((timed, Vec::new()));
        }
        let (timed, dispatches) = &mut self.kinds[at];
        timed.calls += 1;
        if !timed.variants.contains(variant) {
            timed.variants.push(variant.clone());
        }
        dispatches.push(Dispatch {
            pipeline: pipeline.clone(),
            group: group.clone(),
            offset,
            grid: launch.grid.0,
        });
    }
}

impl Recorder {
    /// From now to [`Recorder::measured`] dispatches are kept, not run.
    pub fn measure(&mut self) -> Result<()> {
        self.submit()?;
        self.kept = Some(Kept::default());
        Ok(())
    }

    /// What follows belongs to this stage; of use only while dispatches are kept.
    pub fn mark(&mut self, stage: &'static str) {
        if let Some(kept) = &mut self.kept {
            kept.stage = stage;
        }
    }

    /// Runs what was kept, and says whether the GPU's own clock timed it. Where it has none, or one that cannot be right,
    /// each kind is submitted by itself and waited for.
    pub async fn measured(&mut self, now_ms: fn() -> f64) -> Result<(bool, Vec<Timed>)> {
        let Kept { mut kinds, .. } = self.kept.take().unwrap_or_default();
        self.write_steps();
        self.settle().await?;
        let stamped = match self.device().timestamps {
            true => self.stamped(&kinds, now_ms).await?,
            false => None,
        };
        let times = match &stamped {
            Some(times) => times.clone(),
            None => self.settled(&kinds, now_ms).await?,
        };
        for ((timed, _), ms) in kinds.iter_mut().zip(times) {
            timed.ms = ms;
        }
        Ok((stamped.is_some(), kinds.into_iter().map(|(timed, _)| timed).collect()))
    }

    /// Milliseconds of each kind by the GPU's clock; none where it says more than has passed, or nothing at all.
    async fn stamped(&mut self, kinds: &[(Timed, Vec<Dispatch>)], now_ms: fn() -> f64) -> Result<Option<Vec<f64>>> {
        let device = &self.device().device;
        let count = dim(2 * kinds.len());
        let bytes = u64::from(count) * 8;
        let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("timestamps"),
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: bytes,
                usage,
                mapped_at_creation: false,
            })
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let read = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let mut encoder = device.create_command_encoder(&Default::default());
        for (begin, (_, dispatches)) in (0..).step_by(2).zip(kinds) {
            let writes = wgpu::ComputePassTimestampWrites {
                query_set: &queries,
                beginning_of_pass_write_index: Some(begin),
                end_of_pass_write_index: Some(begin + 1),
            };
            pass(&mut encoder, dispatches, Some(writes));
        }
        encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &read, 0, bytes);
        let begun = now_ms();
        self.queue_up(encoder);
        let signal = Signal::default();
        let done = signal.clone();
        read.map_async(wgpu::MapMode::Read, .., move |result| {
            done.set(result.map_err(|e| e.to_string()));
        });
        self.device().poll(None)?;
        let failed = |message: String| Error::GpuLost {
            message: format!("reading back failed: {message}"),
        };
        let mapped = signal.await;
        self.verdicts().await?;
        mapped.map_err(failed)?;
        let passed = now_ms() - begun;
        let period = f64::from(self.device().queue.get_timestamp_period()) / 1e6;
        let times: Vec<f64> = {
            let view = read.get_mapped_range(..).map_err(|e| failed(e.to_string()))?;
            let (words, _) = view.as_chunks::<8>();
            let pairs = words.as_chunks::<2>().0.iter();
            let ticks =
                pairs.map(|[begin, end]| u64::from_le_bytes(*end).wrapping_sub(u64::from_le_bytes(*begin)) as i64);
            ticks.map(|ticks| ticks as f64 * period).collect()
        };
        for buffer in [resolved, read] {
            buffer.destroy();
        }
        let sum: f64 = times.iter().sum();
        let credible = times.iter().all(|ms| *ms >= 0.0) && sum > 0.0 && sum <= 1.5 * passed + 1.0;
        Ok(credible.then_some(times))
    }

    /// Milliseconds of each kind by a clock on this side of the queue, less an empty wait.
    async fn settled(&mut self, kinds: &[(Timed, Vec<Dispatch>)], now_ms: fn() -> f64) -> Result<Vec<f64>> {
        let mut empty = f64::INFINITY;
        for _ in 0..EMPTY_WAITS {
            empty = empty.min(self.wait_for(&[], now_ms).await?);
        }
        let mut times = Vec::with_capacity(kinds.len());
        for (_, dispatches) in kinds {
            times.push((self.wait_for(dispatches, now_ms).await? - empty).max(0.0));
        }
        Ok(times)
    }

    async fn wait_for(&mut self, dispatches: &[Dispatch], now_ms: fn() -> f64) -> Result<f64> {
        let mut encoder = self.device().device.create_command_encoder(&Default::default());
        pass(&mut encoder, dispatches, None);
        let begun = now_ms();
        self.queue_up(encoder);
        self.settle().await?;
        Ok(now_ms() - begun)
    }
}

fn pass(
    encoder: &mut wgpu::CommandEncoder,
    dispatches: &[Dispatch],
    timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
        label: Some("measured"),
        timestamp_writes,
    });
    for Dispatch {
        pipeline,
        group,
        offset,
        grid: [x, y, z],
    } in dispatches
    {
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, group, &[*offset]);
        pass.dispatch_workgroups(*x, *y, *z);
    }
}
