//! The device that is measured: products of the model's shapes and formats with weights of zeros, and its attention.
//!
//! Weights are scratch, so that the choice is made before the model is loaded. What a product costs does not depend on the
//! numbers.

use super::{Bench, Part, Tuned, choose, rivals};
use crate::backend::{Gpu, truth};
use crate::error::Result;
use crate::gpu::Tensor;
use crate::kernels::kv_write::GpuCache;
use crate::kernels::tuning::Tuning;
use crate::kernels::weight::Weight;
use crate::ops::{AttendStage, AttentionShape, CacheShape, Ops, PartShape, QkvStage, RopeShape, Split};
use crate::quant::DType;

/// Milliseconds that a batch should take: far above what a browser's clock rounds to, and many times within the budget.
const BATCH_MS: f64 = 8.0;
/// Most dispatches of a batch.
const MOST: usize = 256;
/// A device that says so late that it is done (Firefox: 100 ms) cannot be measured within the budget.
const COARSE_MS: f64 = 30.0;
/// Tokens of a product with several.
const TOKENS: usize = 32;
/// Bytes of one scratch weight; a larger one is cut by rows.
const WEIGHT_BYTES: usize = 16 << 20;
/// Inputs of the projection before attention, which is not what is timed there.
const INPUTS: usize = 32;
/// Distinct matrices that are timed.
const MATRICES: usize = 6;
/// Positions that attention looks back at.
const POSITIONS: usize = 1024;

/// What the model computes most.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Its matrices, each as often as a token needs it.
    pub matrices: Vec<PartShape>,
    /// Its attention.
    pub attention: AttentionShape,
    /// Its cache.
    pub cache: CacheShape,
}

impl Work {
    /// The distinct matrices with the most bytes, the smallest first, cut to what scratch memory takes.
    fn shapes(&self) -> Vec<PartShape> {
        let mut found: Vec<(usize, PartShape)> = Vec::new();
        for matrix in &self.matrices {
            let row = matrix.dtype.row_bytes(matrix.cols).unwrap_or(usize::MAX);
            let shape = PartShape {
                name: "scratch".into(),
                rows: matrix.rows.min((WEIGHT_BYTES / row.max(1)).max(1)),
                ..matrix.clone()
            };
            let bytes = row.saturating_mul(shape.rows);
            match found.iter_mut().find(|(_, known)| *known == shape) {
                Some((all, _)) => *all += bytes,
                None => found.push((bytes, shape)),
            }
        }
        found.sort_by_key(|(all, _)| std::cmp::Reverse(*all));
        found.truncate(MATRICES);
        let mut shapes: Vec<PartShape> = found.into_iter().map(|(_, shape)| shape).collect();
        shapes.sort_by_key(|shape| shape.rows * shape.cols);
        shapes
    }
}

/// Measures, and leaves the choice set.
///
/// # Errors
/// Those of the device.
pub async fn measure(
    gpu: &mut Gpu,
    work: &Work,
    demands: &truth::Demands,
    lossy: bool,
    clock: fn() -> f64,
) -> Result<Tuned> {
    let table = *gpu.tuning();
    let has = gpu.device().abilities();
    let mut bench = OnDevice::new(gpu, work, demands, clock).await?;
    let tuned = choose(&mut bench, table, |part, tuning| rivals(part, tuning, has, lossy)).await;
    gpu.set_tuning(tuned.as_ref().map_or(table, |tuned| tuned.tuning));
    tuned
}

/// One matrix, with what goes in and comes out.
struct Product {
    weight: Weight,
    one: Tensor,
    several: Tensor,
    out: Tensor,
}

/// The first half of a block, as a token has it: its attention is not an operation of its own.
struct Attending {
    x: Tensor,
    xb: Tensor,
    norm: Tensor,
    w: Weight,
    qkv: Tensor,
    gains: Option<[Tensor; 2]>,
    table: Tensor,
    rope: RopeShape,
    cache: GpuCache,
    out: Tensor,
    shape: AttentionShape,
    pos: usize,
}

impl Attending {
    fn new(gpu: &mut Gpu, work: &Work, demands: &truth::Demands) -> Result<Self> {
        let heads = work.attention.heads;
        let (rows, n_rot) = (heads.cols(), heads.head_dim);
        let n_ctx = work.cache.n_ctx.min(POSITIONS);
        let projection = PartShape {
            name: "scratch".into(),
            dtype: DType::F32,
            rows,
            cols: INPUTS,
        };
        Ok(Self {
            x: gpu.tensor(1, INPUTS)?,
            xb: gpu.tensor(1, INPUTS)?,
            norm: gpu.tensor(1, INPUTS)?,
            w: gpu.weight(&[projection], &Split::rows(rows))?,
            qkv: gpu.tensor(1, rows)?,
            gains: match demands.head_norms {
                true => Some([gpu.tensor(1, n_rot)?, gpu.tensor(1, n_rot)?]),
                false => None,
            },
            table: gpu.tensor(n_ctx, n_rot)?,
            rope: RopeShape {
                heads,
                n_rot,
                order: demands.order,
            },
            cache: gpu.cache(CacheShape { n_ctx, ..work.cache })?,
            out: gpu.tensor(1, heads.n_head * heads.head_dim)?,
            shape: work.attention,
            pos: n_ctx.saturating_sub(1),
        })
    }

    fn record(&mut self, gpu: &mut Gpu) -> Result<()> {
        gpu.attend(AttendStage {
            out: &mut self.out,
            qkv: QkvStage {
                qkv: &mut self.qkv,
                xb: &mut self.xb,
                cache: &mut self.cache,
                x: &self.x,
                norm: &self.norm,
                eps: 1e-5,
                w: &self.w,
                bias: None,
                head_norms: self.gains.as_ref().map(|[q, k]| (q, k)),
                table: &self.table,
                rope: self.rope,
            },
            attention: self.shape,
        })
    }
}

struct OnDevice<'a> {
    gpu: &'a mut Gpu,
    demands: &'a truth::Demands,
    clock: fn() -> f64,
    products: Vec<Product>,
    attending: Attending,
    /// Milliseconds of a wait for nothing.
    empty: f64,
    /// Dispatches of a batch, by part; 0: not known yet.
    batch: [usize; Part::ALL.len()],
}

impl<'a> OnDevice<'a> {
    async fn new(gpu: &'a mut Gpu, work: &Work, demands: &'a truth::Demands, clock: fn() -> f64) -> Result<Self> {
        let mut products = Vec::new();
        for shape in work.shapes() {
            let (rows, cols) = (shape.rows, shape.cols);
            products.push(Product {
                weight: gpu.weight(&[shape], &Split::rows(rows))?,
                one: gpu.tensor(1, cols)?,
                several: gpu.tensor(TOKENS, cols)?,
                out: gpu.tensor(TOKENS, rows)?,
            });
        }
        let mut bench = Self {
            attending: Attending::new(gpu, work, demands)?,
            gpu,
            demands,
            clock,
            products,
            empty: f64::INFINITY,
            batch: [0; Part::ALL.len()],
        };
        for _ in 0..REHEARSALS {
            bench.empty = bench.empty.min(bench.run(Part::Gemv, 0).await?);
        }
        Ok(bench)
    }

    /// Milliseconds until so many dispatches of one submit are complete.
    async fn run(&mut self, part: Part, dispatches: usize) -> Result<f64> {
        let begun = (self.clock)();
        match part {
            Part::Attention => self.gpu.begin(self.attending.pos, &[0])?,
            Part::Gemv | Part::Gemm => self.gpu.begin(0, &[])?,
        }
        for nth in 0..dispatches {
            let at = nth % self.products.len().max(1);
            match (part, self.products.get_mut(at)) {
                (Part::Attention, _) => self.attending.record(self.gpu)?,
                (_, None) => {}
                (Part::Gemv, Some(product)) => {
                    self.gpu.set_rows(&mut product.out, 1);
                    self.gpu.matmul(&mut product.out, &product.weight, &product.one)?;
                }
                (Part::Gemm, Some(product)) => {
                    self.gpu.set_rows(&mut product.out, TOKENS);
                    self.gpu.matmul(&mut product.out, &product.weight, &product.several)?;
                }
            }
        }
        self.gpu.settle().await?;
        Ok((self.clock)() - begun)
    }
}

/// Waits for nothing, of which the shortest counts.
const REHEARSALS: usize = 3;

impl Bench for OnDevice<'_> {
    fn now(&self) -> f64 {
        (self.clock)()
    }

    async fn agrees(&mut self, part: Part, tuning: &Tuning) -> Result<bool> {
        self.gpu.set_tuning(*tuning);
        truth::agrees(self.gpu, self.demands, part).await
    }

    async fn time(&mut self, part: Part, tuning: &Tuning) -> Result<Option<f64>> {
        if self.empty > COARSE_MS || self.products.is_empty() {
            return Ok(None);
        }
        self.gpu.set_tuning(*tuning);
        let at = Part::ALL.iter().position(|other| *other == part).unwrap_or(0);
        if self.batch[at] == 0 {
            self.batch[at] = 1;
            self.run(part, 1).await?; // compiles
            while self.batch[at] < MOST && self.run(part, self.batch[at]).await? - self.empty < BATCH_MS {
                self.batch[at] *= 2;
            }
        }
        let ms = self.run(part, self.batch[at]).await? - self.empty;
        Ok((ms > 0.0).then_some(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{CacheType, HeadLayout};
    use crate::quant::DType;

    #[test]
    fn the_matrices_of_most_bytes_are_taken_once_each_and_cut() {
        let part = |dtype, rows, cols| PartShape {
            name: "blk".into(),
            dtype,
            rows,
            cols,
        };
        let heads = HeadLayout {
            n_head: 1,
            n_head_kv: 1,
            head_dim: 32,
        };
        let mut work = Work {
            matrices: vec![part(DType::F32, 32_064, 3072), part(DType::Q4_0, 64, 64)],
            attention: AttentionShape {
                heads,
                scale: 1.0,
                window: None,
            },
            cache: CacheShape {
                n_ctx: 8,
                n_head_kv: 1,
                head_dim: 32,
                dtype: CacheType::F16,
            },
        };
        work.matrices.extend((0..32).map(|_| part(DType::Q4_0, 9216, 3072)));
        let shapes: Vec<_> = work.shapes().iter().map(|s| (s.rows, s.cols)).collect();
        assert_eq!(shapes, [(64, 64), (1365, 3072), (9216, 3072)]);
        work.matrices.extend((1..20).map(|n| part(DType::F16, 100 * n, 64)));
        assert_eq!(work.shapes().len(), MATRICES);
        assert!(
            !work.shapes().iter().any(|s| s.rows == 64),
            "what costs least is left out"
        );
    }
}
