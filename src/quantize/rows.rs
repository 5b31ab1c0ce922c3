//! Rows from one format to another, shared by threads, with the error that this makes.

use std::num::NonZeroUsize;

use crate::error::{Error, Result};
use crate::quant::{DType, dequantize_row, encode};

/// What to do with rows.
#[derive(Clone, Copy)]
pub(super) struct Job {
    pub from: DType,
    pub to: DType,
    /// Weights of a row.
    pub cols: usize,
}

/// Sums of squares.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Squares {
    error: f64,
    weight: f64,
}

impl Squares {
    pub(super) fn add(&mut self, other: &Squares) {
        self.error += other.error;
        self.weight += other.weight;
    }

    /// Root mean square of the error relative to that of the weights.
    pub(super) fn relative(&self) -> f64 {
        if self.weight > 0.0 {
            (self.error / self.weight).sqrt()
        } else {
            0.0
        }
    }
}

/// Converts whole rows, or copies them where nothing changes. Each thread has rows of its own, and sums are taken row by row, so that neither bytes nor sums
/// depend on the number of threads.
pub(super) fn convert(job: &Job, old: &[u8], new: &mut [u8], threads: NonZeroUsize) -> Result<Squares, Failed> {
    let bytes = |t: DType| t.row_bytes(job.cols).unwrap_or(1).max(1);
    let (row, new_row) = (bytes(job.from), bytes(job.to));
    let mut sums = vec![Squares::default(); old.len() / row];
    let share = sums.len().div_ceil(threads.get()).max(1);
    let results: Vec<Result<(), Failed>> = std::thread::scope(|scope| {
        let parts = old.chunks(share * row).zip(new.chunks_mut(share * new_row));
        let workers: Vec<_> = parts
            .zip(sums.chunks_mut(share))
            .map(|((old, new), sums)| {
                scope.spawn(move || rows(job, old.chunks(row).zip(new.chunks_mut(new_row)), sums))
            })
            .collect();
        let join = |w: std::thread::ScopedJoinHandle<'_, _>| w.join().unwrap_or(Err(Failed::Panicked));
        workers.into_iter().map(join).collect()
    });
    results.into_iter().collect::<Result<(), Failed>>()?;
    let mut sum = Squares::default();
    sums.iter().for_each(|s| sum.add(s));
    Ok(sum)
}

/// Why rows could not be converted.
pub(super) enum Failed {
    /// A weight does not fit the new format.
    Unfit(f32),
    /// A bug.
    Internal(Error),
    /// A bug, too.
    Panicked,
}

impl Failed {
    /// The error of tensor `name`.
    pub(super) fn of(self, name: &str, to: DType) -> Error {
        match self {
            Failed::Unfit(w) if w.is_finite() => {
                Error::bad_file(format!("tensor {name:?}"), format!("weights that {to} can hold"), w)
            }
            Failed::Unfit(w) => Error::bad_file(format!("tensor {name:?}"), "finite weights", w),
            Failed::Internal(e) => e,
            Failed::Panicked => Error::internal(format!("a thread stopped in tensor {name:?}")),
        }
    }
}

fn rows<'a>(
    job: &Job,
    rows: impl Iterator<Item = (&'a [u8], &'a mut [u8])>,
    sums: &mut [Squares],
) -> Result<(), Failed> {
    let (mut weights, mut back) = (vec![0.0; job.cols], vec![0.0; job.cols]);
    for ((old, new), sum) in rows.zip(sums) {
        dequantize_row(job.from, old, &mut weights).map_err(Failed::Internal)?;
        let copied = job.from == job.to;
        // What is copied needs only be finite.
        if let Some(w) = encode::unfit(if copied { DType::F32 } else { job.to }, &weights) {
            return Err(Failed::Unfit(w));
        }
        if copied {
            new.copy_from_slice(old);
            continue;
        }
        encode::quantize_row(job.to, &weights, new).map_err(Failed::Internal)?;
        dequantize_row(job.to, new, &mut back).map_err(Failed::Internal)?;
        for (w, b) in weights.iter().zip(&back) {
            let (w, off) = (f64::from(*w), f64::from(*w) - f64::from(*b));
            sum.error += off * off;
            sum.weight += w * w;
        }
    }
    Ok(())
}
