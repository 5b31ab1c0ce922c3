//! Is an adapter that hides its name a GPU? Times how fast it streams weights.

use super::Gpu;
use crate::error::{Error, Result};
use crate::ops::{Ops, PartShape, Split};
use crate::quant::DType;

/// An adapter that streams fewer bytes per millisecond (1 GB/s) computes in software, or might as well: the slowest
/// phone GPUs reach ten times as much, SwiftShader on two cores a third of it.
const SLOWEST_GPU: f64 = 1e6;

/// Weights of the timed product: 8 MiB.
const SHAPE: (usize, usize) = (1024, 2048);
/// Products beyond the first one; only they count, so that the latency of a read-back (100 ms in Firefox) does not.
const REPEATS: usize = 8;
/// Timings taken; the fastest counts.
const TRIES: usize = 3;

/// Refuses an adapter that is as slow as software.
///
/// # Errors
/// [`Error::GpuUnavailable`] with the measured bandwidth.
pub async fn require_fast(gpu: &mut Gpu, now_ms: fn() -> f64) -> Result<()> {
    let bandwidth = bandwidth(gpu, now_ms).await?;
    if bandwidth >= SLOWEST_GPU {
        return Ok(());
    }
    let gb_per_s = bandwidth / 1e6;
    Err(Error::GpuUnavailable {
        message: format!("the adapter hides its name and streams weights at {gb_per_s:.2} GB/s, as slow as software"),
    })
}

/// Bytes of weights that the adapter streams in a millisecond; infinite where the clock is too coarse to see it.
async fn bandwidth(gpu: &mut Gpu, now_ms: fn() -> f64) -> Result<f64> {
    let (rows, cols) = SHAPE;
    let weight = gpu.weight(
        &[PartShape {
            name: "self test".into(),
            dtype: DType::F32,
            rows,
            cols,
        }],
        &Split::rows(rows),
    )?;
    let x = gpu.tensor(1, cols)?;
    let mut out = gpu.tensor(1, rows)?;
    let mut fastest = f64::INFINITY;
    // The first round compiles the shader; its time is not taken.
    for round in 0..=TRIES {
        let mut spent = [0.0; 2];
        for (spent, products) in spent.iter_mut().zip([1, 1 + REPEATS]) {
            let start = now_ms();
            gpu.begin(0, &[])?;
            for _ in 0..products {
                gpu.matmul(&mut out, &weight, &x)?;
            }
            gpu.settle().await?;
            *spent = now_ms() - start;
        }
        if round > 0 {
            fastest = fastest.min((spent[1] - spent[0]).max(0.0));
        }
    }
    Ok((REPEATS * rows * cols * size_of::<f32>()) as f64 / fastest)
}
