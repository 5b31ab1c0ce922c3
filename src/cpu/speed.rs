//! Is the byte dot what it should be, and how fast is this machine: the start-up self-test, and measurements of the
//! kernels against a plain read of memory.

use super::input::Input;
use super::matmul::matmul;
use super::packed::Packed;
use super::simd::{Level, kernel};
use crate::error::Result;
use crate::quant::DType;

/// Bytes that the four lanes of a dot are tried with: the extremes, and numbers between.
const SIGNED: [i8; 8] = [-128, -127, -64, -1, 0, 1, 64, 127];
/// The same for the operand of seven bits.
const SEVEN_BITS: [u8; 6] = [0, 1, 2, 63, 64, 127];

/// True where [`Simd::dot_i8`] gives the exact sum on extreme operands, in all lanes and places.
///
/// The relaxed instruction of Wasm leaves to the processor what it makes of operands beyond seven bits, and whether
/// sums of two products saturate; on operands that the kernels use all known ones agree. One that does not is found here.
pub fn byte_dot_is_exact(level: Level) -> bool {
    run_self_test(level)
}

kernel! {
    fn run_self_test<'a, S>() -> bool {
        let mut exact = true;
        for (i, &a0) in SIGNED.iter().enumerate() {
            for (j, &b0) in SEVEN_BITS.iter().enumerate() {
                for acc in [0i32, -1, i32::MAX - 70_000, i32::MIN + 70_000] {
                    // All places alike, then different numbers in each place.
                    for step in [0, 1, 3] {
                        let a: [u8; 16] = std::array::from_fn(|k| match step {
                            0 => a0 as u8,
                            _ => SIGNED[(i + step * k) % SIGNED.len()] as u8,
                        });
                        let b: [u8; 16] = std::array::from_fn(|k| match step {
                            0 => b0,
                            _ => SEVEN_BITS[(j + step * k) % SEVEN_BITS.len()],
                        });
                        // The compiler must not compute the answer itself.
                        let (a, b) = (std::hint::black_box(a), std::hint::black_box(b));
                        let got = S::to_i32(S::dot_i8(S::splat_i32(acc), S::load(&a, 0), S::load(&b, 0)));
                        for (lane, got) in got.into_iter().enumerate() {
                            let terms = (4 * lane..4 * lane + 4).map(|k| i32::from(a[k] as i8) * i32::from(b[k]));
                            exact &= got == terms.fold(acc, i32::wrapping_add);
                        }
                    }
                }
            }
        }
        exact
    }
}

kernel! {
    /// Reads `bytes` once, as fast as loads go, and returns a sum of all of it.
    fn read_all<'a, S>(bytes: &'a [u8]) -> i32 {
        let mut sums = [S::splat_i32(0); 4];
        for chunk in bytes.as_chunks::<64>().0 {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = S::add_i32(*sum, S::load(chunk, 16 * i));
            }
        }
        let total = S::add_i32(S::add_i32(sums[0], sums[1]), S::add_i32(sums[2], sums[3]));
        S::to_i32(total).into_iter().fold(0, i32::wrapping_add)
    }
}

/// Milliseconds before a measurement: a browser runs new code slowly until its second compiler has finished.
const WARM_UP: f64 = 400.0;
/// Most runs of the warm-up, should the clock stand still.
const WARM_UP_RUNS: usize = 10_000;

/// The middle one of `rounds` measurements of `work`, in units of `amount` per nanosecond (bytes: GB/s).
fn median(rounds: usize, amount: usize, clock: fn() -> f64, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let begun = clock();
    for _ in 0..WARM_UP_RUNS {
        work()?;
        if clock() - begun > WARM_UP {
            break;
        }
    }
    let mut speeds = Vec::new();
    for _ in 0..rounds.max(1) {
        let begun = clock();
        work()?;
        speeds.push(amount as f64 / ((clock() - begun).max(1e-6) * 1e6));
    }
    speeds.sort_by(f64::total_cmp);
    Ok(speeds[speeds.len() / 2])
}

/// GB/s of a plain read of `bytes` bytes, median of `rounds`: the roof for every product. `clock` in milliseconds.
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) when memory is short.
pub fn streaming_read(level: Level, bytes: usize, rounds: usize, clock: fn() -> f64) -> Result<f64> {
    let buffer = Packed::new(DType::Q8_0, 4, bytes / 136 * 32)?;
    let bytes = buffer.raw();
    median(rounds, bytes.len(), clock, || {
        std::hint::black_box(read_all(level, bytes));
        Ok(())
    })
}

/// GB/s of weights that a product `[rows, cols]` with `tokens` activations reads, median of `rounds`.
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) when memory is short, [`Error::Internal`](crate::Error::Internal) when
/// `cols` is not a whole number of blocks.
pub fn product_speed(
    level: Level,
    dtype: DType,
    [rows, cols, tokens]: [usize; 3],
    rounds: usize,
    clock: fn() -> f64,
) -> Result<f64> {
    let w = Packed::new(dtype, rows, cols)?;
    let x: Vec<f32> = (0..tokens * cols).map(|i| (i % 17) as f32 - 8.0).collect();
    let mut out = vec![0.0; tokens * rows];
    let mut input = Input::default();
    let work = || {
        input.set(&x, tokens, cols);
        matmul(level, &w, &mut input, &mut out, rows, 0)
    };
    median(rounds, w.bytes(), clock, work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_passes_the_self_test() {
        for level in Level::all() {
            assert!(byte_dot_is_exact(level), "{}", level.name());
        }
    }

    #[test]
    fn speeds_are_numbers() {
        fn clock() -> f64 {
            use std::sync::atomic::{AtomicU32, Ordering};
            static CALLS: AtomicU32 = AtomicU32::new(0);
            500.0 * f64::from(CALLS.fetch_add(1, Ordering::Relaxed))
        }
        assert!(streaming_read(Level::best(), 1 << 20, 3, clock).unwrap() > 0.0);
        assert!(product_speed(Level::best(), DType::Q4K, [8, 512, 1], 3, clock).unwrap() > 0.0);
        assert!(product_speed(Level::best(), DType::Q4K, [8, 500, 1], 3, clock).is_err());
    }
}
