//! Does this GPU compute what it should? A few operations on small inputs, on the device and by their CPU twins.
//!
//! Drivers and browsers have had wrong answers and no error (gibberish on one, zeros on another). What is tried is what the
//! model will use: its storage formats, with scales that are subnormal halves too, as a single row and as a batch; its
//! attention; the norms; the stages that a decoder fuses. Everything is read back in two waits, so that the whole takes tens of
//! milliseconds.

mod attention;
mod product;

use self::attention::heads;
use self::product::weight;
use super::autotune::Part;
use super::{Gpu, Reference};
use crate::error::{Error, Result};
pub use crate::kernels::matmul::LONG_ROW;
use crate::kernels::tuning::{Math, Tuning};
use crate::ops::{CacheType, Ops, RopeOrder, RopeShape};
use crate::quant::DType;

/// Largest error of an element, relative to the larger of its magnitude and the root mean square of all. Honest GPUs
/// differ in the order of sums and in `exp`: by less than 1e-5 of this measure. A wrong bit in a weight is above 1e-2.
const BOUND: f32 = 1e-3;
/// Of products whose activations have 11 bits: they are off by up to 2^-12 of themselves, their products as much.
const BOUND_F16: f32 = 1e-2;
/// Of products whose activations have 8 bits: steps of 1/127 of the largest of 32, which of uniform numbers is an error of
/// 0.4 % on average, and several times that in the worst of hundreds of sums.
const BOUND_INT8: f32 = 5e-2;

/// Rows of a test matrix; no multiple of a workgroup.
const ROWS: usize = 40;
/// Columns: two blocks of the longest format, so that strides count.
const COLS: usize = 512;
/// Rows of activations in a batch: the first number that takes the path of a prompt, on every device.
const BATCH: usize = 9;
/// Entries of the test of the search.
const VOCABULARY: usize = 1000;

/// What a model will ask of the GPU.
#[derive(Debug, Clone, PartialEq)]
pub struct Demands {
    /// Storage formats of its matrices.
    pub formats: Vec<DType>,
    /// Those of them with rows of [`LONG_ROW`] columns or more.
    pub long: Vec<DType>,
    /// Format of its embedding, of each part where it has several.
    pub embedding: Vec<DType>,
    /// Elements of a head.
    pub head_dim: usize,
    /// Storage of keys and values.
    pub cache: CacheType,
    /// Pairing of the rotation.
    pub order: RopeOrder,
    /// Queries and keys go through a norm of their own.
    pub head_norms: bool,
}

/// One comparison, by a name that says all that matters: what passed once need not be tried again on the same driver.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trial {
    Matmul(DType),
    LongRow(DType),
    Embed(DType),
    Rope(usize, RopeOrder),
    HeadNorm(usize),
    Attention(usize, CacheType, RopeOrder, bool),
    Rows,
}

impl Trial {
    fn name(self) -> String {
        match self {
            Trial::Matmul(t) => format!("matmul {t}"),
            Trial::LongRow(t) => format!("matmul {t}, long rows"),
            Trial::Embed(t) => format!("embed {t}"),
            Trial::Rope(head_dim, order) => format!("rope {order:?} {head_dim}"),
            Trial::HeadNorm(head_dim) => format!("norm of heads {head_dim}"),
            Trial::Attention(head_dim, cache, order, norms) => {
                let normed = if norms { ", normed" } else { "" };
                format!("attention {head_dim} {} {order:?}{normed}", cache.name())
            }
            Trial::Rows => "norm, activation and sums".into(),
        }
    }

    /// The bound of its output `what`: only products are lossy, where they may be. A gated one is two of them multiplied,
    /// and the relative errors of factors add up.
    fn bound(self, what: &str, tuning: &Tuning) -> f32 {
        let maths = [tuning.gemv.math, tuning.gemm.math];
        let lossy = match self {
            Trial::Matmul(_) | Trial::LongRow(_) if maths.contains(&Math::Int8) => BOUND_INT8,
            Trial::Matmul(_) | Trial::LongRow(_) if maths.contains(&Math::F16) => BOUND_F16,
            _ => return BOUND,
        };
        if product::is_gated(what) { 2.0 * lossy } else { lossy }
    }
}

/// The name of the search's trial, which has a wait of its own.
const SEARCH: &str = "top_k";

/// Compares, and returns the names of what was tried; what is in `passed` is not.
///
/// # Errors
/// [`Error::GpuWrong`] with the operation and the first wrong number, and what any command may fail with.
pub async fn require_correct(gpu: &mut Gpu, demands: &Demands, passed: &[String]) -> Result<Vec<String>> {
    let mut trials = vec![Trial::Rows];
    trials.extend(demands.embedding.iter().map(|t| Trial::Embed(*t)));
    trials.extend(products(demands));
    trials.push(Trial::Rope(demands.head_dim, demands.order));
    trials.extend(demands.head_norms.then_some(Trial::HeadNorm(demands.head_dim)));
    trials.push(attended(demands));
    // What passed with other variants says nothing of these.
    let variants = match *gpu.tuning() == Tuning::of(gpu.device()) {
        true => String::new(),
        false => Part::ALL
            .map(|part| format!(" [{}]", part.label(gpu.tuning())))
            .concat(),
    };
    let name = |trial: &Trial| trial.name() + &variants;
    trials.retain(|trial| !passed.contains(&name(trial)));
    compare(gpu, &trials).await?;
    let mut tried: Vec<String> = trials.iter().map(name).collect();
    if !passed.iter().any(|name| name == SEARCH) {
        search(gpu).await?;
        tried.push(SEARCH.into());
    }
    Ok(tried)
}

/// Whether what one part of the tuning is for agrees with the twins.
///
/// # Errors
/// What any command may fail with; a wrong number is none.
pub async fn agrees(gpu: &mut Gpu, demands: &Demands, part: Part) -> Result<bool> {
    let trials = match part {
        Part::Gemv | Part::Gemm => products(demands).collect(),
        Part::Attention => vec![attended(demands)],
    };
    match compare(gpu, &trials).await {
        Ok(()) => Ok(true),
        Err(Error::GpuWrong { .. }) => Ok(false),
        // A shader that this device cannot compile is no better than a wrong one.
        Err(Error::Gpu { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn products(demands: &Demands) -> impl Iterator<Item = Trial> {
    let short = demands.formats.iter().map(|t| Trial::Matmul(*t));
    short.chain(demands.long.iter().map(|t| Trial::LongRow(*t)))
}

/// Runs all of them on the device and on its twin, with one wait.
async fn compare(gpu: &mut Gpu, trials: &[Trial]) -> Result<()> {
    let mut outputs = Vec::new();
    for trial in trials {
        outputs.push(run(gpu, *trial)?);
    }
    let all: Vec<_> = outputs.iter().flatten().map(|(_, tensor)| tensor).collect();
    let mut got = gpu.download_all(&all).await?.into_iter();
    let mut twin = Reference::new();
    for trial in trials {
        for (what, tensor) in run(&mut twin, *trial)? {
            let want = twin.download(&tensor).await?;
            let op = format!("{}{what}", trial.name());
            agree(
                gpu,
                trial.bound(what, gpu.tuning()),
                &op,
                &got.next().unwrap_or_default(),
                &want,
            )?;
        }
    }
    Ok(())
}

fn attended(demands: &Demands) -> Trial {
    Trial::Attention(demands.head_dim, demands.cache, demands.order, demands.head_norms)
}

/// What is to be compared: how to call it, and where it is.
type Outputs<O> = Vec<(&'static str, <O as Ops>::Tensor)>;

/// Records one trial; the same on every backend.
fn run<O: Ops>(ops: &mut O, trial: Trial) -> Result<Outputs<O>> {
    let mut rng = Numbers(7);
    match trial {
        Trial::Matmul(t) => product::every_way(ops, t, &mut rng),
        Trial::LongRow(t) => product::long_row(ops, t, &mut rng),
        Trial::Embed(t) => {
            let w = weight(ops, t, COLS, false, &mut rng)?;
            let mut out = ops.tensor(3, COLS)?;
            ops.begin(0, &[0, ROWS as u32 - 1, 5])?;
            ops.embed(&mut out, &w)?;
            Ok(vec![("", out)])
        }
        Trial::Rope(head_dim, order) => {
            let heads = heads(head_dim);
            let table = tensor(ops, BATCH, head_dim, &mut rng)?;
            let mut qkv = tensor(ops, BATCH, heads.cols(), &mut rng)?;
            let n_rot = head_dim;
            ops.begin(0, &[0; BATCH])?;
            ops.rope(&mut qkv, &table, RopeShape { heads, n_rot, order })?;
            Ok(vec![("", qkv)])
        }
        Trial::HeadNorm(head_dim) => {
            let heads = heads(head_dim);
            let (q_gain, k_gain) = (tensor(ops, 1, head_dim, &mut rng)?, tensor(ops, 1, head_dim, &mut rng)?);
            let mut qkv = tensor(ops, BATCH, heads.cols(), &mut rng)?;
            ops.begin(0, &[0; BATCH])?;
            ops.head_norm(&mut qkv, heads, &q_gain, &k_gain, 1e-5)?;
            Ok(vec![("", qkv)])
        }
        Trial::Attention(head_dim, dtype, order, norms) => {
            attention::everywhere(ops, head_dim, (dtype, order, norms), &mut rng)
        }
        Trial::Rows => {
            let x = tensor(ops, BATCH, COLS, &mut rng)?;
            let gain = tensor(ops, 1, COLS, &mut rng)?;
            let (mut normed, mut act) = (ops.tensor(BATCH, COLS)?, ops.tensor(BATCH, COLS / 2)?);
            let mut last = ops.tensor(1, COLS)?;
            ops.begin(0, &[])?;
            ops.rms_norm(&mut normed, &x, &gain, 1e-5)?;
            ops.add(&mut normed, &x)?;
            ops.add_bias(&mut normed, &gain)?;
            ops.silu_mul(&mut act, &x)?;
            ops.copy_rows(&mut last, &x, BATCH - 1)?;
            Ok(vec![(": norm", normed), (": silu", act), (": copy", last)])
        }
    }
}

/// The search among logits, with two equal ones.
async fn search(gpu: &mut Gpu) -> Result<()> {
    let mut rng = Numbers(11);
    let mut logits: Vec<f32> = (0..VOCABULARY).map(|_| rng.unit() * 8.0).collect();
    logits[VOCABULARY - 3] = 9.0;
    logits[17] = 9.0;
    let mut twin = Reference::new();
    let mut there = twin.tensor(1, VOCABULARY)?;
    twin.upload(&mut there, 0, &logits)?;
    let mut here = gpu.tensor(1, VOCABULARY)?;
    gpu.upload(&mut here, 0, &logits)?;
    let want = twin.top_k(&there, 8).await?;
    gpu.begin(0, &[])?;
    let got = gpu.top_k(&here, 8).await?;
    if got.ids != want.ids {
        return Err(wrong(gpu, SEARCH, format!("{:?}", want.ids), format!("{:?}", got.ids)));
    }
    agree(gpu, BOUND, SEARCH, &got.logits, &want.logits)?;
    agree(
        gpu,
        BOUND,
        SEARCH,
        &[got.log_sum_exp, got.entropy],
        &[want.log_sum_exp, want.entropy],
    )
}

fn agree(gpu: &Gpu, bound: f32, op: &str, got: &[f32], want: &[f32]) -> Result<()> {
    if got.len() != want.len() {
        let numbers = |n| format!("{n} numbers");
        return Err(wrong(gpu, op, numbers(want.len()), numbers(got.len())));
    }
    let power: f64 = want.iter().map(|w| f64::from(*w) * f64::from(*w)).sum();
    let rms = (power / want.len().max(1) as f64).sqrt() as f32;
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        // A NaN is not within anything.
        let within = (got - want).abs() <= bound * want.abs().max(rms);
        if !within {
            return Err(wrong(gpu, op, format!("{want:e} (number {at})"), format!("{got:e}")));
        }
    }
    Ok(())
}

fn wrong(gpu: &Gpu, op: &str, expected: String, got: String) -> Error {
    Error::GpuWrong {
        adapter: gpu.device().name().into(),
        op: op.into(),
        expected,
        got,
    }
}

fn tensor<O: Ops>(ops: &mut O, rows: usize, cols: usize, rng: &mut Numbers) -> Result<O::Tensor> {
    let data: Vec<f32> = (0..rows * cols).map(|_| rng.unit()).collect();
    let mut tensor = ops.tensor(rows, cols)?;
    ops.upload(&mut tensor, 0, &data)?;
    Ok(tensor)
}

/// Fixed numbers (SplitMix64): the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `-1.0 .. 1.0`.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Uniform in `-1.0 .. 1.0`, and a normal half or zero.
    fn half(&mut self) -> f32 {
        (self.next() >> 53) as f32 / 1024.0 - 1.0
    }
}
