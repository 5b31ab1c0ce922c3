//! The fused products of one token against the single operations that specify them: every format, every way.

use kinglet::backend::Gpu;
use kinglet::backend::Reference;
use kinglet::gpu::Device;
use kinglet::gpu::Recorder;
use kinglet::kernels::gemv::{self, Norm, Output};
use kinglet::kernels::tuning::{Gemv, Math, Reduce, Tuning};
use kinglet::kernels::weight::Weight;
use kinglet::ops::{Ops, PartShape};
use kinglet::quant::DType;

use crate::gpu_support::{Bound, agree, assert_agree, device, download, upload, values};
use crate::support::Rng;

/// Sums of some thousand f32 products in another order, behind a norm: some ulps (6e-8) of the largest term.
const EXACT: Bound = Bound { nmse: 1e-10, max: 1e-4 };

/// Activations have 11 bits of the largest of 32: an error of 2^-12 at most, 2^-13 in the mean (1.5e-8 squared, beside a
/// largest element that is some times the root mean square), and sums of four have as much again.
const HALVES: Bound = Bound { nmse: 2e-5, max: 0.05 };

/// Activations have 8 bits of the largest of 32: a uniform error of 1/254 of that. A gated output is a product of two such
/// sums, and there may be one output only.
const BYTES: Bound = Bound { nmse: 1e-2, max: 1.0 };

fn bound(math: Math, t: DType) -> Bound {
    match math {
        Math::F32 => EXACT,
        _ if t.block_len() == 1 => EXACT,
        Math::F16 => HALVES,
        Math::Int8 => BYTES,
    }
}

/// Every way that this device has to reduce.
fn reduces(device: &Device) -> Vec<(Reduce, u32)> {
    let mut all = vec![
        (Reduce::Serial, 1),
        (Reduce::Tree, 8),
        (Reduce::Tree, 64),
        (Reduce::Tree, 128),
    ];
    let (least, _) = device.abilities().subgroups.expect("software adapters have subgroups");
    all.extend([
        (Reduce::Subgroups, least),
        (Reduce::Subgroups, 32),
        (Reduce::Subgroups, 64),
    ]);
    all
}

fn maths(device: &Device) -> Vec<Math> {
    let has = device.abilities();
    assert!(has.int8);
    Math::ALL
        .into_iter()
        .filter(|math| *math != Math::F16 || has.f16)
        .collect()
}

struct Case {
    t: DType,
    rows: usize,
    cols: usize,
    bytes: Vec<u8>,
    x: Vec<f32>,
    gain: Vec<f32>,
    before: Vec<f32>,
}

impl Case {
    fn new(rng: &mut Rng, t: DType, rows: usize, cols: usize) -> Case {
        let bytes = crate::gpu_matmul::random_weights(rng, t, rows, cols);
        Case {
            t,
            rows,
            cols,
            bytes,
            x: values(rng, cols),
            gain: (0..cols).map(|_| rng.unit()).collect(),
            before: values(rng, rows),
        }
    }

    fn shape(&self) -> PartShape {
        PartShape {
            name: "w".into(),
            dtype: self.t,
            rows: self.rows,
            cols: self.cols,
        }
    }

    /// The single operations, in f64.
    fn want(&self, norm: bool, output: Output) -> Vec<f32> {
        let mut ops = Reference::new();
        let split = kinglet::ops::Split::rows(self.rows);
        let mut w = ops.weight(&[self.shape()], &split).expect("weight");
        ops.fill(&mut w, 0, 0, &self.bytes).expect("fills");
        let mut put = |cols: usize, data: &[f32]| {
            let mut t = ops.tensor(1, cols).expect("tensor");
            ops.upload(&mut t, 0, data).expect("uploads");
            t
        };
        let (x, gain, mut out) = (
            put(self.cols, &self.x),
            put(self.cols, &self.gain),
            put(self.rows, &self.before),
        );
        let (mut xb, mut y) = (put(self.cols, &self.x), put(self.rows, &self.before));
        let mut act = put(self.rows / 2, &vec![0.0; self.rows / 2]);
        if norm {
            ops.rms_norm(&mut xb, &x, &gain, EPS).expect("norm");
        }
        ops.matmul(&mut y, &w, &xb).expect("matmul");
        let result = match output {
            Output::Store => &y,
            Output::Add => {
                ops.add(&mut out, &y).expect("add");
                &out
            }
            Output::Gate => {
                ops.silu_mul(&mut act, &y).expect("silu");
                &act
            }
        };
        pollster::block_on(ops.download(result)).expect("downloads")
    }

    fn got(&self, rec: &mut Recorder, w: &Weight, how: Gemv, norm: bool, output: Output) -> Vec<f32> {
        let x = upload(rec, 1, self.cols, &self.x);
        let gain = upload(rec, 1, self.cols, &self.gain);
        let cols = if output == Output::Gate {
            self.rows / 2
        } else {
            self.rows
        };
        let mut out = upload(rec, 1, cols, &self.before[..cols]);
        let norm = norm.then_some(Norm { gain: &gain, eps: EPS });
        gemv::gpu(rec, how, &mut out, w, &x, norm, output).expect("records");
        download(rec, &out)
    }
}

const EPS: f32 = 1e-5;

const USES: [(bool, Output); 4] = [
    (false, Output::Store),
    (true, Output::Store),
    (false, Output::Add),
    (true, Output::Gate),
];

#[test]
fn fused_products_agree_in_every_way() {
    let device = device();
    let mut rng = Rng(71);
    let mut rec = Recorder::new(device.clone()).expect("recorder");
    let (ways, maths) = (reduces(&device), maths(&device));
    let (mut turn, mut tried) = (0, std::collections::HashSet::new());
    for t in DType::ALL {
        let cols = if t.block_len() == 256 { 768 } else { 352 };
        for (rows, cols) in [(6, cols), (70, cols), (134, 4 * cols)] {
            let case = Case::new(&mut rng, t, rows, cols);
            let mut w = Weight::new(&mut rec, &[case.shape()]).expect("weight");
            w.fill(&mut rec, 0, 0, &case.bytes).expect("fills");
            for (norm, output) in USES {
                let want = case.want(norm, output);
                // Each way, each format and each use meet, but not all at once: a thousand shaders are minutes.
                for (i, &(reduce, lanes)) in ways.iter().enumerate().filter(|(i, _)| (i + turn) % 5 == 0) {
                    // A few outputs may cancel to nothing: no measure of what is lossy.
                    let math = if rows > 6 {
                        maths[(i + turn) % maths.len()]
                    } else {
                        Math::F32
                    };
                    let how = Gemv { reduce, lanes, math };
                    let got = case.got(&mut rec, &w, how, norm, output);
                    let what = format!("{t} [{rows}, {cols}] {how:?} norm {norm} {output:?}");
                    assert_agree(&what, &got, &want, bound(math, t));
                    tried.insert((reduce, lanes, math));
                }
                turn += 1;
            }
        }
    }
    assert_eq!(tried.len(), ways.len() * maths.len(), "{tried:?}");
}

/// What is lossy differs, and by as much as it may: else it would not be what it says.
#[test]
fn lossy_products_are_lossy() {
    let device = device();
    let mut rng = Rng(72);
    let mut rec = Recorder::new(device.clone()).expect("recorder");
    let case = Case::new(&mut rng, DType::Q4K, 64, 1024);
    let mut w = Weight::new(&mut rec, &[case.shape()]).expect("weight");
    w.fill(&mut rec, 0, 0, &case.bytes).expect("fills");
    let want = case.want(true, Output::Store);
    for math in maths(&device).into_iter().filter(|math| *math != Math::F32) {
        let how = Gemv {
            reduce: Reduce::Tree,
            lanes: 32,
            math,
        };
        let got = case.got(&mut rec, &w, how, true, Output::Store);
        assert!(agree(&got, &want, EXACT).is_err(), "{math:?}");
    }
}

/// The stages of the backend, with one token, are these products; a weight of two formats falls back.
#[test]
fn stages_fall_back_where_gate_and_up_differ() {
    let mut rng = Rng(73);
    let mut gpu = Gpu::on(device()).expect("backend");
    gpu.set_tuning(Tuning {
        gemv: Gemv {
            reduce: Reduce::Tree,
            lanes: 32,
            math: Math::F32,
        },
        ..*gpu.tuning()
    });
    for (gate, up) in [(DType::Q4_0, DType::Q4_0), (DType::Q4_0, DType::Q8_0)] {
        let (n_embd, n_ff) = (96, 70);
        let parts: Vec<_> = [gate, up]
            .iter()
            .map(|&t| Case::new(&mut rng, t, n_ff, n_embd))
            .collect();
        let results = [act(&mut gpu, &parts), act(&mut Reference::new(), &parts)];
        assert_agree(&format!("{gate} {up}"), &results[0], &results[1], EXACT);
    }
}

fn act<O: Ops>(ops: &mut O, parts: &[Case]) -> Vec<f32> {
    let n_ff = parts[0].rows;
    let shapes: Vec<_> = parts.iter().map(Case::shape).collect();
    let mut w = ops
        .weight(&shapes, &kinglet::ops::Split::stacked(2, n_ff))
        .expect("weight");
    for (i, part) in parts.iter().enumerate() {
        ops.fill(&mut w, i, 0, &part.bytes).expect("fills");
    }
    let mut put = |data: &[f32]| {
        let mut t = ops.tensor(1, data.len()).expect("tensor");
        ops.upload(&mut t, 0, data).expect("uploads");
        t
    };
    let (x, norm) = (put(&parts[0].x), put(&parts[0].gain));
    let (mut xb, mut gate_up, mut act) = (put(&parts[0].x), put(&vec![0.0; 2 * n_ff]), put(&vec![0.0; n_ff]));
    let stage = kinglet::ops::GateUpStage {
        act: &mut act,
        gate_up: &mut gate_up,
        xb: &mut xb,
        x: &x,
        norm: &norm,
        eps: EPS,
        w: &w,
    };
    ops.gate_up(stage).expect("records");
    pollster::block_on(ops.download(&act)).expect("downloads")
}
