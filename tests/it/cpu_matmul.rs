//! Products of packed weights: every SIMD level gives the same bits, and all are as near to the exact product as
//! activations of 8 bits allow.

use kinglet::cpu::input::Input;
use kinglet::cpu::matmul::matmul;
use kinglet::cpu::packed::Packed;
use kinglet::cpu::simd::Level;
use kinglet::quant::{DType, dequantize_row};

use crate::support::{Rng, count};

/// Where a block has half-precision numbers.
fn halves(t: DType) -> &'static [usize] {
    match t {
        DType::Q4_0 | DType::Q5_0 | DType::Q8_0 => &[0],
        DType::Q4_1 | DType::Q5_1 | DType::Q4K | DType::Q5K => &[0, 2],
        DType::Q2K => &[80, 82],
        DType::Q3K => &[108],
        DType::Q6K => &[208],
        DType::F32 | DType::F16 | DType::BF16 => &[],
    }
}

/// Rows with random quants and moderate scales, some of them zero, negative or subnormal.
fn random_rows(t: DType, rows: usize, cols: usize, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = vec![0u8; rows * t.row_bytes(cols).unwrap()];
    for block in bytes.chunks_exact_mut(t.block_bytes()) {
        match t {
            DType::F32 => block.copy_from_slice(&rng.unit().to_le_bytes()),
            DType::F16 => block.copy_from_slice(&half::f16::from_f32(rng.unit()).to_le_bytes()),
            DType::BF16 => block.copy_from_slice(&half::bf16::from_f32(rng.unit()).to_le_bytes()),
            _ => block.iter_mut().for_each(|b| *b = rng.next_u64() as u8),
        }
        for &at in halves(t) {
            let d = match rng.below(16) {
                0 => 0.0,
                1 => 3e-7, // subnormal
                _ => rng.unit() * 0.1,
            };
            block[at..at + 2].copy_from_slice(&half::f16::from_f32(d).to_le_bytes());
        }
    }
    bytes
}

/// Rows with every quant bit set, or none.
fn extreme_rows(t: DType, rows: usize, cols: usize, byte: u8) -> Vec<u8> {
    let mut bytes = vec![byte; rows * t.row_bytes(cols).unwrap()];
    for block in bytes.chunks_exact_mut(t.block_bytes()) {
        for &at in halves(t) {
            block[at..at + 2].copy_from_slice(&half::f16::from_f32(0.5).to_le_bytes());
        }
        if halves(t).is_empty() {
            block.fill(0);
        }
    }
    bytes
}

struct Case {
    t: DType,
    rows: usize,
    cols: usize,
    bytes: Vec<u8>,
    x: Vec<f32>,
}

impl Case {
    fn tokens(&self) -> usize {
        self.x.len() / self.cols
    }

    fn run(&self, level: Level) -> Vec<f32> {
        let mut w = Packed::new(self.t, self.rows, self.cols).unwrap();
        w.fill(0, &self.bytes).unwrap();
        let mut input = Input::default();
        input.set(&self.x, self.tokens(), self.cols);
        // Two columns before and one behind, which nobody may touch.
        let out_cols = self.rows + 3;
        let mut out = vec![7.0; self.tokens() * out_cols];
        matmul(level, &w, &mut input, &mut out, out_cols, 2).unwrap();
        let mut result = Vec::new();
        for row in out.chunks_exact(out_cols) {
            assert_eq!(
                [row[0], row[1], row[out_cols - 1]],
                [7.0; 3],
                "{}: columns outside",
                self.t
            );
            result.extend_from_slice(&row[2..out_cols - 1]);
        }
        result
    }

    /// For each result, the exact product and the most that rounding can change: half a quantum of each activation,
    /// and some units in the last place of the sum of magnitudes.
    fn bounds(&self) -> Vec<(f64, f64)> {
        let block = if halves(self.t).is_empty() {
            0
        } else {
            self.t.block_len()
        };
        let mut w = vec![0f32; self.cols];
        let mut result = vec![(0.0, 0.0); self.tokens() * self.rows];
        for (n, bytes) in self.bytes.chunks_exact(self.bytes.len() / self.rows).enumerate() {
            dequantize_row(self.t, bytes, &mut w).unwrap();
            // A K-quant's minima are subtracted from the sum of products: the parts are larger than the whole.
            let scale = w.iter().fold(0f64, |max, w| max.max(f64::from(w.abs())));
            for (t, x) in self.x.chunks_exact(self.cols).enumerate() {
                let (mut sum, mut bound) = (0.0, 0.0);
                for (k, (w, &x_k)) in w.iter().zip(x).enumerate() {
                    sum += f64::from(*w) * f64::from(x_k);
                    bound += 2e-5 * f64::from(x_k.abs()) * scale + 1e-30;
                    if block > 0 {
                        let stretch = &x[k - k % block..][..block];
                        let max = stretch.iter().fold(0f64, |max, x| max.max(f64::from(x.abs())));
                        bound += f64::from(w.abs()) * max / 127.0 * 0.501;
                    }
                }
                result[t * self.rows + n] = (sum, bound);
            }
        }
        result
    }

    /// Whether `result` lies within the bounds.
    fn agrees(&self, result: &[f32]) -> bool {
        let near = |(got, (want, bound)): (&f32, (f64, f64))| (f64::from(*got) - want).abs() <= bound;
        result.iter().zip(self.bounds()).all(near)
    }
}

fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|x| x.to_bits()).collect()
}

fn check(case: &Case) {
    let plain = case.run(Level::PLAIN);
    let what = format!("{} [{}, {}] x {}", case.t, case.rows, case.cols, case.tokens());
    assert!(case.agrees(&plain), "{what}: not within the bounds");
    for level in Level::all() {
        assert_eq!(bits(&case.run(level)), bits(&plain), "{what}: {} differs", level.name());
    }
    // A token's result does not depend on its company.
    let last = Case {
        x: case.x[case.x.len() - case.cols..].to_vec(),
        bytes: case.bytes.clone(),
        ..*case
    };
    let alone = last.run(Level::best());
    assert_eq!(bits(&alone), bits(&plain[plain.len() - case.rows..]), "{what}: alone");
}

#[test]
fn every_format_and_level_agrees() {
    let mut rng = Rng(3);
    let rounds = count(2, 40);
    for t in DType::ALL {
        for round in 0..rounds {
            let blocks = [1, 3, 12][round % 3];
            // Unquantized rows may have any length.
            let cols = if t.block_len() == 1 {
                8 * blocks + round % 5
            } else {
                t.block_len() * blocks
            };
            let (rows, tokens) = ([1, 7, 12][rng.below(3)], [1, 2, 5][round % 3]);
            check(&Case {
                t,
                rows,
                cols,
                bytes: random_rows(t, rows, cols, &mut rng),
                x: (0..tokens * cols).map(|_| rng.activation()).collect(),
            });
        }
    }
    println!("{rounds} rounds of {} formats, seed 3", DType::ALL.len());
}

#[test]
fn extreme_quants_and_activations_agree() {
    for t in DType::ALL {
        for byte in [0x00, 0xff, 0x7f, 0x80, 0x55] {
            let cols = t.block_len().max(32) * 2;
            for sign in [1.0f32, -1.0] {
                let mut x = vec![sign * 3.0; cols];
                x.extend((0..cols).map(|k| if k % 2 == 0 { sign } else { -sign }));
                x.extend((0..cols).map(|k| if k % 32 == 5 { 1e30 * sign } else { 0.0 }));
                check(&Case {
                    t,
                    rows: 5,
                    cols,
                    bytes: extreme_rows(t, 5, cols, byte),
                    x,
                });
            }
        }
    }
}

#[test]
fn a_wrong_result_is_noticed() {
    let mut rng = Rng(9);
    for t in [DType::Q4_0, DType::Q8_0, DType::Q4K, DType::F16] {
        let cols = 512;
        let case = Case {
            t,
            rows: 8,
            cols,
            bytes: random_rows(t, 8, cols, &mut rng),
            x: (0..cols).map(|_| rng.unit()).collect(),
        };
        let mut result = case.run(Level::best());
        assert!(case.agrees(&result));
        let (_, bound) = case.bounds()[3];
        result[3] += 2.5 * bound as f32 + 1e-3;
        assert!(!case.agrees(&result), "{t}");
        // One wrong bit in a block breaks the equality of bits (in every block: some have a scale of zero).
        let mut other = Case {
            bytes: case.bytes.clone(),
            x: case.x.clone(),
            ..case
        };
        other
            .bytes
            .iter_mut()
            .skip(t.block_bytes() / 2)
            .step_by(t.block_bytes())
            .for_each(|b| *b ^= 1);
        assert_ne!(bits(&case.run(Level::best())), bits(&other.run(Level::best())), "{t}");
    }
}

#[test]
fn infinities_are_not_hidden() {
    let mut rng = Rng(4);
    for t in DType::ALL {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = vec![0.5; 512];
            x[100] = bad;
            let case = Case {
                t,
                rows: 4,
                cols: 512,
                bytes: random_rows(t, 4, 512, &mut rng),
                x,
            };
            let plain = case.run(Level::PLAIN);
            assert!(plain.iter().all(|y| !y.is_finite()), "{t} {bad}");
            for level in Level::all() {
                assert!(
                    case.run(level).iter().all(|y| !y.is_finite()),
                    "{t} {bad} {}",
                    level.name()
                );
            }
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let w = Packed::new(DType::Q8_0, 4, 64).unwrap();
    let mut input = Input::default();
    input.set(&[1.0; 64], 1, 64);
    let mut out = [0.0; 8];
    let mut run = |w: &Packed, out_cols: usize, first: usize| {
        let out = &mut out[..out_cols];
        matmul(Level::best(), w, &mut input, out, out_cols, first)
    };
    assert!(run(&w, 8, 4).is_ok());
    assert!(run(&w, 8, 5).is_err());
    assert!(run(&w, 3, 0).is_err());
    assert!(run(&Packed::new(DType::Q8_0, 4, 32).unwrap(), 8, 0).is_err());
    assert!(Packed::new(DType::Q8_0, 4, 33).is_err());
    assert!(Packed::new(DType::Q8_0, usize::MAX / 8, 1 << 20).is_err());
}
