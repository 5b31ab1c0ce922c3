//! Products with several tokens: every rung of the ladders, every format, what follows the sums, against the references.

use kinglet::gpu::Recorder;
use kinglet::kernels::gemm::{self, Finish};
use kinglet::kernels::quantize::{Scratch, rounded};
use kinglet::kernels::tuning::{Gemm, Math, Reduce};
use kinglet::kernels::{matmul, silu_mul};
use kinglet::quant::DType;

use crate::gpu_matmul::{Part, Scales, part, sizes, weight};
use crate::gpu_support::{Bound, agree_by, device, download, upload, values};
use crate::support::Rng;

/// The order of f32 sums against f64 ones; the measure is the size of a sum without luck, see gpu_matmul.
const F32: Bound = Bound { nmse: 1e-12, max: 1e-5 };

/// `silu` and a product behind the sums: an `exp` of some ulps, errors of both factors.
const SILU: Bound = Bound { nmse: 1e-11, max: 4e-5 };

/// Operands of 11 bits, rounded to nearest or cut off (WGSL allows both), and sums of four products of 11 bits.
const F16: Bound = Bound { nmse: 4e-6, max: 8e-3 };

/// Activations of 8 bits, by the largest of 32 that holds outliers of 50 times the rest: half a step of each.
const INT8: Bound = Bound { nmse: 2e-3, max: 0.3 };

/// Below, at and above the borders of every rung and tile.
const TOKENS: [usize; 12] = [2, 3, 5, 8, 9, 16, 17, 31, 32, 33, 64, 65];

const REDUCES: [Reduce; 2] = [Reduce::Serial, Reduce::Tree];

fn recorder() -> Recorder {
    Recorder::new(device()).expect("recorder")
}

/// One product, on the device in every way and by the reference.
struct Case<'a> {
    finish: Finish,
    parts: &'a [Part],
    cols: usize,
    tokens: usize,
}

/// What should come out, and the size of each element without luck.
struct Wanted {
    values: Vec<f32>,
    sizes: Vec<f32>,
}

impl Case<'_> {
    fn rows(&self) -> usize {
        self.parts.iter().map(|p| p.rows).sum()
    }

    /// Columns of the result.
    fn out_cols(&self) -> usize {
        if self.finish == Finish::Silu {
            self.rows() / 2
        } else {
            self.rows()
        }
    }

    fn inputs(&self, rng: &mut Rng) -> (Vec<f32>, Vec<f32>) {
        (
            values(rng, self.tokens * self.cols),
            values(rng, self.tokens * self.out_cols()),
        )
    }

    /// On the device, where `before` was in `out`.
    fn on_gpu(&self, rec: &mut Recorder, tuning: Gemm, x: &[f32], before: &[f32]) -> Vec<f32> {
        let w = weight(rec, self.cols, self.parts);
        let x = upload(rec, self.tokens, self.cols, x);
        let mut out = upload(rec, self.tokens, self.out_cols(), before);
        gemm::gpu(rec, &tuning, &mut Scratch::default(), &mut out, &w, &x, self.finish).expect("records");
        download(rec, &out)
    }

    fn wanted(&self, x: &[f32], before: &[f32]) -> Wanted {
        let rows = self.rows();
        let mut sums = vec![0.0; self.tokens * rows];
        let mut first = 0;
        for p in self.parts {
            let shape = matmul::Params {
                rows: p.rows,
                cols: self.cols,
                out_cols: rows,
                out_first: first,
            };
            matmul::cpu(&shape, p.dtype, &mut sums, &p.bytes, x).expect("fits");
            first += p.rows;
        }
        let size = sizes(self.parts, self.cols, x);
        let (values, sizes) = match self.finish {
            Finish::Store => (sums, size),
            Finish::Add => {
                let values = sums.iter().zip(before).map(|(s, b)| s + b).collect();
                (values, size.iter().zip(before).map(|(s, b)| s + b.abs()).collect())
            }
            Finish::Silu => {
                let n_ff = self.out_cols();
                let mut values = vec![0.0; before.len()];
                silu_mul::cpu(&silu_mul::Params { n_ff: n_ff as u32 }, &mut values, &sums);
                // |silu(g) u| changes by at most 1.1 |u| dg + |g| du.
                let rows = sums.chunks_exact(rows).zip(size.chunks_exact(rows));
                let of = |(sums, size): (&[f32], &[f32]), i: usize| {
                    1.1 * sums[n_ff + i].abs() * size[i] + sums[i].abs() * size[n_ff + i]
                };
                (
                    values,
                    rows.flat_map(|row| (0..n_ff).map(move |i| of(row, i))).collect(),
                )
            }
        };
        Wanted { values, sizes }
    }

    /// Every way of reducing agrees with the reference, which sees `seen(x)`.
    #[track_caller]
    fn assert_agree(
        &self,
        rec: &mut Recorder,
        rng: &mut Rng,
        math: Math,
        bound: Bound,
        seen: impl Fn(&[f32]) -> Vec<f32>,
    ) {
        let (x, before) = self.inputs(rng);
        let wanted = self.wanted(&seen(&x), &before);
        for reduce in REDUCES {
            let got = self.on_gpu(rec, Gemm { reduce, math }, &x, &before);
            let (formats, rows): (Vec<_>, Vec<_>) = self.parts.iter().map(|p| (p.dtype, p.rows)).unzip();
            let (cols, tokens, finish) = (self.cols, self.tokens, self.finish);
            let what = format!("{formats:?} {reduce:?} {math:?} {finish:?} N={rows:?} K={cols} T={tokens}");
            wanted.assert_agree(got, &what, bound);
        }
    }
}

impl Wanted {
    /// Asserts agreement, and that one element that is off by a hundred times the bound would have been rejected.
    #[track_caller]
    fn assert_agree(&self, mut got: Vec<f32>, what: &str, bound: Bound) {
        if let Err(e) = agree_by(&got, &self.values, &self.sizes, bound) {
            panic!("{what}: {e}");
        }
        let middle = got.len() / 2;
        got[middle] += 100.0 * bound.max as f32 * self.sizes[middle] + 1e-30;
        let judged = agree_by(&got, &self.values, &self.sizes, bound);
        assert!(judged.is_err(), "{what}: the comparator accepts a perturbed element");
    }
}

/// Row lengths that end within a lane's stride or a group of the planes.
fn columns(t: DType) -> [usize; 2] {
    match t.block_len() {
        1 => [31, 289],
        32 => [32, 288],
        _ => [256, 512],
    }
}

/// Rows: odd and even, below and above what a workgroup has; few where there are many tokens, for the reference's sake.
fn rows(i: usize, tokens: usize) -> usize {
    if tokens > 32 {
        [1, 35][i % 2]
    } else {
        [1, 17, 34, 131][i % 4]
    }
}

/// Formats that meet every rung. The others meet one each: how a format is decoded and what is done with it are fragments
/// that know nothing of each other, and each pair costs a compilation.
const EVERYWHERE: [DType; 2] = [DType::Q4K, DType::F16];

#[test]
fn every_rung_agrees_and_every_format() {
    let mut rng = Rng(31);
    let mut rec = recorder();
    for (f, t) in DType::ALL.into_iter().enumerate() {
        for (i, tokens) in TOKENS.into_iter().enumerate() {
            if !EVERYWHERE.contains(&t) && i != f * 5 % TOKENS.len() {
                continue;
            }
            let cols = columns(t)[(i + i / 4) % 2];
            let case = Case {
                finish: Finish::Store,
                parts: &[part(&mut rng, t, rows(i, tokens), cols, Scales::Normal)],
                cols,
                tokens,
            };
            case.assert_agree(&mut rec, &mut rng, Math::F32, F32, <[f32]>::to_vec);
        }
    }
}

#[test]
fn what_follows_the_sums_agrees_on_every_rung() {
    let mut rng = Rng(32);
    let mut rec = recorder();
    for (finish, bound) in [(Finish::Add, F32), (Finish::Silu, SILU)] {
        for (i, tokens) in TOKENS.into_iter().enumerate() {
            let case = Case {
                finish,
                parts: &[part(&mut rng, DType::Q4K, [2, 34, 66][i % 3], 256, Scales::Normal)],
                cols: 256,
                tokens,
            };
            case.assert_agree(&mut rec, &mut rng, Math::F32, bound, <[f32]>::to_vec);
        }
    }
}

/// f32 sums of what the activations were rounded to: the bytes' own sums are exact. Formats of floats are multiplied as
/// they are.
#[test]
fn products_of_bytes_are_exact_for_rounded_activations() {
    let mut rng = Rng(33);
    let mut rec = recorder();
    for (f, t) in DType::ALL.into_iter().enumerate() {
        for (i, tokens) in [3, 9, 33].into_iter().enumerate() {
            if !EVERYWHERE.contains(&t) && i != f % 3 {
                continue;
            }
            let cols = columns(t)[1];
            let case = Case {
                finish: [Finish::Store, Finish::Add][i % 2],
                parts: &[part(&mut rng, t, [33, 66][i % 2], cols, Scales::Normal)],
                cols,
                tokens,
            };
            let seen = |x: &[f32]| match t.block_len() {
                1 => x.to_vec(),
                _ => rounded(cols, x),
            };
            case.assert_agree(&mut rec, &mut rng, Math::Int8, F32, seen);
        }
    }
}

/// The named bounds of what is lossy, against the exact product.
#[test]
fn lossy_products_are_within_their_bounds() {
    let mut rng = Rng(34);
    let mut rec = recorder();
    let halves = rec.device().abilities().f16;
    for t in EVERYWHERE {
        for tokens in [3, 9, 33] {
            let case = Case {
                finish: Finish::Store,
                parts: &[part(&mut rng, t, 34, 512, Scales::Normal)],
                cols: 512,
                tokens,
            };
            if t.block_len() > 1 {
                case.assert_agree(&mut rec, &mut rng, Math::Int8, INT8, <[f32]>::to_vec);
            }
            if halves {
                case.assert_agree(&mut rec, &mut rng, Math::F16, F16, <[f32]>::to_vec);
            }
        }
    }
}

/// Bytes that the activations of the test below fit, and its weights do not.
const BINDING: u64 = 34 * 1024;

/// Parts of several formats, each in its columns, some split by rows where a binding is too small for them.
#[test]
fn parts_and_pieces_act_as_one_matrix() {
    let mut rng = Rng(35);
    let mut rec = Recorder::new(device().with_max_binding(BINDING)).expect("recorder");
    let formats = [DType::Q4_0, DType::F16];
    for (finish, tokens) in [(Finish::Store, 3), (Finish::Add, 9), (Finish::Add, 33)] {
        let case = Case {
            finish,
            parts: &formats.map(|t| {
                part(
                    &mut rng,
                    t,
                    [21, 101][usize::from(t == DType::F16)],
                    256,
                    Scales::Normal,
                )
            }),
            cols: 256,
            tokens,
        };
        let w = weight(&mut rec, case.cols, case.parts);
        assert!(w.pieces().len() > formats.len(), "{} pieces", w.pieces().len());
        assert!(!gemm::gated(&w));
        case.assert_agree(&mut rec, &mut rng, Math::F32, F32, <[f32]>::to_vec);
        // The part of floats is multiplied as it is: the others' rounding is the only one.
        case.assert_agree(&mut rec, &mut rng, Math::Int8, INT8, <[f32]>::to_vec);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let mut rng = Rng(36);
    let mut rec = recorder();
    let w = weight(&mut rec, 32, &[part(&mut rng, DType::Q4_0, 6, 32, Scales::Normal)]);
    let x = upload(&mut rec, 2, 32, &values(&mut rng, 64));
    let tuning = Gemm {
        reduce: Reduce::Tree,
        math: Math::F32,
    };
    for (rows, cols, finish) in [
        (2, 5, Finish::Store),
        (1, 6, Finish::Add),
        (2, 6, Finish::Silu),
        (2, 4, Finish::Silu),
    ] {
        let mut out = upload(&mut rec, rows, cols, &vec![0.0; rows * cols]);
        let error = gemm::gpu(&mut rec, &tuning, &mut Scratch::default(), &mut out, &w, &x, finish);
        assert_eq!(
            error.expect_err("misfit").code(),
            "internal",
            "{finish:?} [{rows}, {cols}]"
        );
    }
}
