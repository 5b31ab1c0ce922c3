//! Twins of the kernels that read weights: matmul and embed, every format on the GPU against its CPU reference.

use kinglet::gpu::{Recorder, Style};
use kinglet::kernels::quantize::Scratch;
use kinglet::kernels::tuning::Tuning;
use kinglet::kernels::weight::Weight;
use kinglet::kernels::{embed, matmul};
use kinglet::ops::PartShape;
use kinglet::quant::{DType, dequantize_row};

use crate::gpu_support::{Bound, F32_EXACT, agree_by, assert_agree, download, recorder, upload, values};
use crate::support::{Rng, count};

/// A decoded weight differs from the reference by an ulp at most (a fused multiply-add), so what remains is the order
/// of f32 sums against f64 ones: some ulps (6e-8), squared. Same for every format, because all decode to exact f32.
/// Errors are held against `sqrt(sum (w x)^2)`, the size of the sum without luck: an output may cancel to nothing.
const MATMUL: Bound = Bound { nmse: 1e-12, max: 1e-5 };

/// Both twins of one product.
struct Products {
    got: Vec<f32>,
    want: Vec<f32>,
    /// `sqrt(sum (w x)^2)` of each element.
    size: Vec<f32>,
}

impl Products {
    fn check(&self) -> Result<(), String> {
        agree_by(&self.got, &self.want, &self.size, MATMUL)
    }

    /// Asserts agreement, and that one element that is off by a thousandth of its size would have been rejected.
    #[track_caller]
    fn assert_agree(mut self, what: &str) {
        assert_eq!(self.got.len(), self.want.len(), "{what}");
        if let Err(e) = self.check() {
            panic!("{what}: {e}");
        }
        let middle = self.got.len() / 2;
        self.got[middle] += 1e-3 * self.size[middle] + f32::MIN_POSITIVE;
        assert!(
            self.check().is_err(),
            "{what}: the comparator accepts a perturbed element"
        );
    }
}

/// The block scales of a test matrix. Files hold all of these; a decoder that flushes subnormals fails on the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scales {
    Normal,
    Subnormal,
    Zero,
    Negative,
    Largest,
}

const SCALES: [Scales; 5] = [
    Scales::Normal,
    Scales::Subnormal,
    Scales::Zero,
    Scales::Negative,
    Scales::Largest,
];

impl Scales {
    /// Half-precision bits of one scale.
    fn half(self, rng: &mut Rng) -> u16 {
        match self {
            Scales::Normal => 0x1c00 + rng.below(0x2000) as u16,
            Scales::Subnormal => 1 + rng.below(0x3ff) as u16,
            Scales::Zero => 0x8000 * rng.below(2) as u16,
            Scales::Negative => 0x9c00 + rng.below(0x2000) as u16,
            Scales::Largest => 0x7bff,
        }
    }
}

/// Rows of random quants with the given kind of scale; for floats the weights themselves are of that kind.
fn random_rows(rng: &mut Rng, t: DType, rows: usize, cols: usize, scales: Scales) -> Vec<u8> {
    let size = rows * t.row_bytes(cols).expect("whole blocks");
    let mut bytes: Vec<u8> = (0..size).map(|_| rng.next_u64() as u8).collect();
    for block in bytes.chunks_exact_mut(t.block_bytes()) {
        let sign = 0x8000 * rng.below(2) as u16;
        let half = scales.half(rng);
        match t {
            DType::F16 => block.copy_from_slice(&(half ^ sign).to_le_bytes()),
            // Subnormal f32 may be flushed; these formats hold the same numbers as F16 does.
            DType::F32 => block.copy_from_slice(&half::f16::from_bits(half ^ sign).to_f32().to_le_bytes()),
            DType::BF16 => {
                let bits = half::f16::from_bits(half ^ sign).to_f32().to_bits() >> 16;
                block.copy_from_slice(&(bits as u16).to_le_bytes());
            }
            _ => {}
        }
        for &at in t.scale_offsets() {
            block[at..at + 2].copy_from_slice(&scales.half(rng).to_le_bytes());
        }
    }
    bytes
}

/// Rows of random quants with ordinary scales.
pub fn random_weights(rng: &mut Rng, t: DType, rows: usize, cols: usize) -> Vec<u8> {
    random_rows(rng, t, rows, cols, Scales::Normal)
}

/// Whole rows of a weight in one part.
pub struct Part {
    pub dtype: DType,
    pub rows: usize,
    pub bytes: Vec<u8>,
}

pub fn part(rng: &mut Rng, dtype: DType, rows: usize, cols: usize, scales: Scales) -> Part {
    let bytes = random_rows(rng, dtype, rows, cols, scales);
    Part { dtype, rows, bytes }
}

pub fn weight(rec: &mut Recorder, cols: usize, parts: &[Part]) -> Weight {
    let shape = |p: &Part| PartShape {
        name: format!("{} {}x{cols}", p.dtype, p.rows),
        dtype: p.dtype,
        rows: p.rows,
        cols,
    };
    let shapes: Vec<PartShape> = parts.iter().map(shape).collect();
    let mut w = Weight::new(rec, &shapes).expect("weight");
    for (i, p) in parts.iter().enumerate() {
        w.fill(rec, i, 0, &p.bytes).expect("fill");
    }
    w
}

fn products(rec: &mut Recorder, rng: &mut Rng, cols: usize, parts: &[Part], tokens: usize) -> Products {
    let rows = parts.iter().map(|p| p.rows).sum();
    let x = values(rng, tokens * cols);
    let w = weight(rec, cols, parts);
    let on_gpu = upload(rec, tokens, cols, &x);
    let mut out = upload(rec, tokens, rows, &vec![7.0; tokens * rows]);
    let tuning = Tuning::of(rec.device());
    matmul::gpu(rec, &tuning, &mut Scratch::default(), &mut out, &w, &on_gpu).expect("records");
    let mut want = vec![0.0; tokens * rows];
    let mut first = 0;
    for p in parts {
        let shape = matmul::Params {
            rows: p.rows,
            cols,
            out_cols: rows,
            out_first: first,
        };
        matmul::cpu(&shape, p.dtype, &mut want, &p.bytes, &x).expect("fits");
        first += p.rows;
    }
    let size = sizes(parts, cols, &x);
    let got = download(rec, &out);
    Products { got, want, size }
}

/// `sqrt(sum (w x)^2)` of each element: the size of a sum without luck.
pub fn sizes(parts: &[Part], cols: usize, x: &[f32]) -> Vec<f32> {
    let rows = parts.iter().map(|p| p.rows).sum();
    let mut sizes = vec![0.0; x.len() / cols * rows];
    let squared: Vec<f32> = x.iter().map(|v| v * v).collect();
    let mut first = 0;
    for p in parts {
        let mut decoded = vec![0.0; p.rows * cols];
        dequantize_row(p.dtype, &p.bytes, &mut decoded).expect("whole rows");
        let bytes: Vec<u8> = decoded.iter().flat_map(|w| (w * w).to_le_bytes()).collect();
        let shape = matmul::Params {
            rows: p.rows,
            cols,
            out_cols: rows,
            out_first: first,
        };
        matmul::cpu(&shape, DType::F32, &mut sizes, &bytes, &squared).expect("fits");
        first += p.rows;
    }
    sizes.iter_mut().for_each(|size| *size = size.sqrt());
    sizes
}

/// Row lengths that end within a lane's stride, a tile, a group of the planes.
fn columns(t: DType) -> &'static [usize] {
    match t.block_len() {
        1 => &[1, 31, 257, 1757, 2080],
        32 => &[32, 96, 1760, 2080],
        _ => &[256, 768, 1792, 2304],
    }
}

/// (rows, tokens): decode, a few tokens, prefill; on and off the borders of tiles.
const SIZES: [(usize, usize); 8] = [(1, 1), (31, 1), (257, 1), (66, 3), (31, 8), (65, 9), (130, 33), (1, 31)];

fn check_matmul(style: Style) {
    let mut rng = Rng(21);
    let mut rec = recorder(style);
    for t in DType::ALL {
        for &cols in columns(t) {
            for (rows, tokens) in SIZES {
                let parts = [part(&mut rng, t, rows, cols, Scales::Normal)];
                let both = products(&mut rec, &mut rng, cols, &parts, tokens);
                both.assert_agree(&format!("{t} {style:?} N={rows} K={cols} T={tokens}"));
            }
        }
    }
}

#[test]
fn matmul_serial_agrees() {
    check_matmul(Style::Serial);
}

#[test]
fn matmul_tree_agrees() {
    check_matmul(Style::Tree);
}

#[test]
fn matmul_agrees_for_all_scales() {
    let mut rng = Rng(22);
    for style in Style::ALL {
        let mut rec = recorder(style);
        for t in DType::ALL {
            for scales in SCALES {
                for tokens in [1, 9] {
                    let parts = [part(&mut rng, t, 33, 512, scales)];
                    let both = products(&mut rec, &mut rng, 512, &parts, tokens);
                    let silent = both.want.iter().all(|&v| v == 0.0);
                    assert_eq!(scales == Scales::Zero, silent, "{t} {scales:?}");
                    both.assert_agree(&format!("{t} {style:?} {scales:?} T={tokens}"));
                }
            }
        }
    }
}

/// Parts of different formats act as one matrix, each in its columns.
#[test]
fn matmul_agrees_for_mixed_parts() {
    let mut rng = Rng(23);
    for style in Style::ALL {
        let mut rec = recorder(style);
        for tokens in [1, 2, 40] {
            let formats = [DType::Q4K, DType::Q6K, DType::F16, DType::Q8_0];
            let parts = formats.map(|t| {
                let rows = 1 + rng.below(70);
                part(&mut rng, t, rows, 512, Scales::Normal)
            });
            let both = products(&mut rec, &mut rng, 512, &parts, tokens);
            both.assert_agree(&format!("mixed {style:?} T={tokens}"));
        }
    }
}

/// Proof that the comparison can fail: one flipped bit of the weight, on the device only.
#[test]
fn matmul_comparison_notices_one_flipped_bit() {
    let mut rng = Rng(24);
    let mut rec = recorder(Style::Serial);
    for t in DType::ALL {
        let mut parts = [part(&mut rng, t, 33, 512, Scales::Normal)];
        let seed = rng.0;
        let right = products(&mut rec, &mut rng, 512, &parts, 1);
        // In row 20: the sign bit of the last block's scale, or of the last weight.
        let row = t.row_bytes(512).expect("whole blocks");
        let block = 21 * row - t.block_bytes();
        let top = t.scale_offsets().first().map_or(t.block_bytes() - 1, |at| at + 1);
        parts[0].bytes[block + top] ^= 0x80;
        let wrong = products(&mut rec, &mut Rng(seed), 512, &parts, 1);
        let differing: Vec<usize> = (0..33).filter(|&n| right.got[n] != wrong.got[n]).collect();
        assert_eq!(differing, [20], "{t}");
        let mixed = Products {
            got: wrong.got,
            ..right
        };
        assert!(mixed.check().is_err(), "{t}");
    }
}

#[test]
fn embed_agrees() {
    let mut rng = Rng(25);
    let mut rec = recorder(Style::Serial);
    for t in DType::ALL {
        for &cols in columns(t) {
            for scales in SCALES {
                // Two parts: a vocabulary that was split because of a binding limit.
                let parts = [part(&mut rng, t, 5, cols, scales), part(&mut rng, t, 3, cols, scales)];
                let w = weight(&mut rec, cols, &parts);
                let tokens = [7, 0, 4, 5, 5, 2, 1];
                rec.begin(0, &tokens).expect("begins");
                let mut out = upload(&mut rec, tokens.len(), cols, &vec![7.0; tokens.len() * cols]);
                rec.begin(0, &tokens).expect("begins");
                embed::gpu(&mut rec, &mut out, &w).expect("records");
                let mut want = vec![0.0; tokens.len() * cols];
                let mut first = 0;
                for p in &parts {
                    let shape = embed::Params::new(t, p.rows, cols, first);
                    embed::cpu(&shape, t, &mut want, &p.bytes, &tokens).expect("fits");
                    first += p.rows;
                }
                let got = download(&mut rec, &out);
                assert_agree(&format!("{t} K={cols} {scales:?}"), &got, &want, F32_EXACT);
            }
        }
    }
}

/// Shapes as wide as Phi-3-mini's, in a soak run all of them.
#[test]
fn matmul_agrees_for_wide_shapes() {
    let mut rng = Rng(26);
    let mut rec = recorder(Style::Serial);
    let shapes = [(96, 8192), (9216, 3072), (3072, 8192), (32064, 3072)];
    for &(rows, cols) in shapes.iter().take(count(1, shapes.len())) {
        for t in [DType::Q4K, DType::Q5K, DType::Q6K] {
            for tokens in [1, 7] {
                let parts = [part(&mut rng, t, rows, cols, Scales::Normal)];
                let both = products(&mut rec, &mut rng, cols, &parts, tokens);
                both.assert_agree(&format!("{t} N={rows} K={cols} T={tokens}"));
            }
        }
    }
}
