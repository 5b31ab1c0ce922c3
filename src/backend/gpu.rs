//! The WebGPU backend: every operation records its kernel; only reading back waits.

use super::searches::Searches;
use crate::error::{Error, Result};
pub use crate::gpu::{Abilities, Device, Drill, GpuOptions, Stats};
use crate::gpu::{Recorder, Tensor, Timed};
use crate::kernels::attend::{Projection, Way};
use crate::kernels::gemm::{self, Finish};
use crate::kernels::gemv::{self, Norm, Output};
use crate::kernels::kv_write::GpuCache;
pub use crate::kernels::tuning::Tuning;
use crate::kernels::weight::Weight;
use crate::kernels::{
    add, add_bias, attend, copy_rows, dim, embed, head_norm, matmul, quantize, rms_norm, rope, silu_mul,
};
use crate::ops::{
    AttendStage, AttentionShape, BackendInfo, CacheShape, Draw, Find, Found, GateUpStage, HeadLayout, HeadStage,
    Measured, MemoryLimits, Method, Ops, PartShape, RopeShape, Spans, Split, Ticket, TopK,
};

/// See the module's documentation.
pub struct Gpu {
    rec: Recorder,
    tuning: Tuning,
    pos: usize,
    searches: Searches,
    bytes: quantize::Scratch,
    splits: attend::Scratch,
}

impl Gpu {
    /// Opens a device of its own.
    ///
    /// # Errors
    /// [`Error::GpuUnavailable`] without a usable adapter.
    pub async fn open(options: &GpuOptions) -> Result<Self> {
        let device = Device::open(options).await?;
        Self::on(device.clone()).inspect_err(|_| device.destroy())
    }

    /// Computes on an open device.
    pub fn on(device: Device) -> Result<Self> {
        Ok(Self {
            tuning: Tuning::of(&device),
            rec: Recorder::new(device)?,
            pos: 0,
            searches: Searches::default(),
            bytes: quantize::Scratch::default(),
            splits: attend::Scratch::default(),
        })
    }

    /// What was done so far.
    pub fn stats(&self) -> Stats {
        self.rec.stats()
    }

    /// The device.
    pub fn device(&self) -> &Device {
        self.rec.device()
    }

    /// Computes with these variants from now on; the device must have what they use.
    pub fn set_tuning(&mut self, tuning: Tuning) {
        self.tuning = tuning;
    }

    /// Sets the work, bytes of weights times rows, behind which a prompt's step is handed over in part.
    pub fn set_most_work(&mut self, most: u64) {
        self.rec.set_most_work(most);
    }

    /// The variants that it computes with.
    pub fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// A product with the one row of `x`, behind the norm of this gain and epsilon if there is one.
    fn product(
        &mut self,
        out: &mut Tensor,
        w: &Weight,
        x: &Tensor,
        norm: Option<(&Tensor, f32)>,
        output: Output,
    ) -> Result<()> {
        let norm = norm.map(|(gain, eps)| Norm { gain, eps });
        gemv::gpu(&mut self.rec, self.tuning.gemv, out, w, x, norm, output)
    }

    /// What several activations hold, in one wait.
    pub(super) async fn download_all(&mut self, tensors: &[&Tensor]) -> Result<Vec<Vec<f32>>> {
        self.rec.download_all(tensors).await
    }

    /// The step's rows have positions in this cache.
    fn check_room(&self, cache: &GpuCache, rows: usize) -> Result<()> {
        let (end, n_ctx) = (self.pos + rows, cache.shape.n_ctx);
        match end <= n_ctx {
            true => Ok(()),
            false => Err(Error::internal(format!("position {end} in a cache of {n_ctx}"))),
        }
    }
}

impl Ops for Gpu {
    type Tensor = Tensor;
    type Weight = Weight;
    type Cache = GpuCache;

    fn info(&self) -> BackendInfo {
        BackendInfo {
            backend: "gpu",
            adapter: self.device().name().into(),
            software: self.device().software(),
        }
    }

    fn limits(&self) -> MemoryLimits {
        MemoryLimits {
            max_buffer: self.device().max_binding(),
            // WebGPU does not tell how much memory there is.
            total: None,
            shards: 1,
        }
    }

    fn tensor(&mut self, rows: usize, cols: usize) -> Result<Tensor> {
        self.rec.tensor("activation", rows, cols)
    }

    fn upload(&mut self, t: &mut Tensor, first_row: usize, data: &[f32]) -> Result<()> {
        self.rec.upload(t, first_row, data)
    }

    fn weight(&mut self, parts: &[PartShape], _: &Split) -> Result<Weight> {
        Weight::new(&mut self.rec, parts)
    }

    fn fill(&mut self, w: &mut Weight, part: usize, first_row: usize, bytes: &[u8]) -> Result<()> {
        w.fill(&mut self.rec, part, first_row, bytes)
    }

    fn cache(&mut self, shape: CacheShape) -> Result<GpuCache> {
        GpuCache::new(&mut self.rec, shape)
    }

    fn outcome(&self, error: Error) -> Error {
        match (self.device().check(), &error) {
            (Ok(()), _) | (_, Error::GpuLost { .. }) => error,
            (Err(_), _) => Error::GpuLost {
                message: format!("it failed: {error}"),
            },
        }
    }

    async fn settle(&mut self) -> Result<()> {
        self.rec.settle().await
    }

    fn loaded(&mut self) -> Result<()> {
        self.rec.all_arrived()
    }

    const COMPILES: bool = true;
    /// The rungs of the ladder of products; up to eight rows attend each for themselves.
    const RUNGS: &'static [usize] = &[4, 8, 32];

    fn hold(&mut self) {
        self.rec.hold();
    }

    fn discard(&mut self) -> Result<()> {
        self.searches.ask(&mut self.rec)?; // its buffer is created now
        self.searches.give_up();
        self.rec.discard();
        Ok(())
    }

    fn begin(&mut self, pos: usize, tokens: &[u32]) -> Result<()> {
        self.pos = pos;
        self.searches.give_up();
        self.rec.begin(pos, tokens)
    }

    const CHAINS: bool = true;

    fn begin_chained(&mut self, pos: usize) -> Result<()> {
        self.pos = pos;
        self.rec.begin_chained(pos);
        Ok(())
    }

    fn submit(&mut self) -> Result<()> {
        self.searches.ask(&mut self.rec)?;
        self.rec.submit()
    }

    fn rows(&self, t: &Tensor) -> usize {
        t.rows()
    }

    fn set_rows(&mut self, t: &mut Tensor, rows: usize) {
        t.set_rows(rows);
    }

    fn embed(&mut self, out: &mut Tensor, w: &Weight) -> Result<()> {
        embed::gpu(&mut self.rec, out, w)
    }

    fn rms_norm(&mut self, out: &mut Tensor, x: &Tensor, gain: &Tensor, eps: f32) -> Result<()> {
        let p = rms_norm::Params {
            cols: dim(x.cols()),
            eps,
        };
        rms_norm::gpu(&mut self.rec, &p, out, x, gain)
    }

    fn matmul(&mut self, out: &mut Tensor, w: &Weight, x: &Tensor) -> Result<()> {
        matmul::gpu(&mut self.rec, &self.tuning, &mut self.bytes, out, w, x)
    }

    fn add(&mut self, out: &mut Tensor, x: &Tensor) -> Result<()> {
        let p = add::Params { cols: dim(x.cols()) };
        add::gpu(&mut self.rec, &p, out, x)
    }

    fn add_bias(&mut self, out: &mut Tensor, bias: &Tensor) -> Result<()> {
        let p = add_bias::Params { cols: dim(out.cols()) };
        add_bias::gpu(&mut self.rec, &p, out, bias)
    }

    fn head_norm(
        &mut self,
        qkv: &mut Tensor,
        heads: HeadLayout,
        q_gain: &Tensor,
        k_gain: &Tensor,
        eps: f32,
    ) -> Result<()> {
        let p = head_norm::Params {
            n_head: dim(heads.n_head),
            n_head_kv: dim(heads.n_head_kv),
            head_dim: dim(heads.head_dim),
            eps,
        };
        head_norm::gpu(&mut self.rec, &p, qkv, q_gain, k_gain)
    }

    fn rope(&mut self, qkv: &mut Tensor, table: &Tensor, shape: RopeShape) -> Result<()> {
        rope::gpu(&mut self.rec, &rope::Params::from(&shape), qkv, table)
    }

    fn kv_write(&mut self, cache: &mut GpuCache, qkv: &Tensor, heads: HeadLayout) -> Result<()> {
        self.check_room(cache, qkv.rows())?;
        let p = attend::Params::heads(heads, cache.shape.n_ctx);
        let projection = Projection::plain(qkv);
        attend::finish_qkv(&mut self.rec, self.tuning.attention.reduce, &p, &projection, cache)
    }

    fn attention(&mut self, out: &mut Tensor, qkv: &Tensor, cache: &GpuCache, shape: AttentionShape) -> Result<()> {
        let p = attend::Params::new(&shape, cache.shape.n_ctx);
        let way = Way::new(&self.tuning.attention, &p, cache, self.pos);
        attend::attention(&mut self.rec, &mut self.splits, &way, out, qkv, cache)
    }

    fn attend(&mut self, s: AttendStage<'_, Self>) -> Result<()> {
        let (attention, out, s) = (s.attention, s.out, s.qkv);
        self.stage("qkv");
        if s.x.rows() == 1 {
            self.product(s.qkv, s.w, s.x, Some((s.norm, s.eps)), Output::Store)?;
        } else {
            self.rms_norm(s.xb, s.x, s.norm, s.eps)?;
            self.matmul(s.qkv, s.w, s.xb)?;
        }
        // No model has both: the kernels have room for one.
        let bias = match s.bias.zip(s.head_norms) {
            Some((bias, _)) => {
                self.add_bias(s.qkv, bias)?;
                None
            }
            None => s.bias,
        };
        self.check_room(s.cache, s.qkv.rows())?;
        let p = attend::Params::new(&attention, s.cache.shape.n_ctx).turned(&s.rope, s.eps);
        let way = Way::new(&self.tuning.attention, &p, s.cache, self.pos);
        let (rec, splits) = (&mut self.rec, &mut self.splits);
        let projection = Projection {
            qkv: s.qkv,
            table: Some(s.table),
            bias,
            gains: s.head_norms,
        };
        if attend::in_one(&self.tuning.attention, s.qkv.rows()) {
            rec.mark("attention");
            return attend::attend(rec, splits, &way, out, &projection, s.cache);
        }
        attend::finish_qkv(rec, self.tuning.attention.reduce, &p, &projection, s.cache)?;
        rec.mark("attention");
        attend::attention(rec, splits, &way, out, s.qkv, s.cache)
    }

    fn silu_mul(&mut self, out: &mut Tensor, gate_up: &Tensor) -> Result<()> {
        let p = silu_mul::Params { n_ff: dim(out.cols()) };
        silu_mul::gpu(&mut self.rec, &p, out, gate_up)
    }

    fn copy_rows(&mut self, out: &mut Tensor, x: &Tensor, first: usize) -> Result<()> {
        let p = copy_rows::Params { cols: dim(x.cols()) };
        copy_rows::gpu(&mut self.rec, &p, first, out, x)
    }

    fn matmul_add(&mut self, x: &mut Tensor, _: &mut Tensor, w: &Weight, y: &Tensor) -> Result<()> {
        if y.rows() == 1 {
            return self.product(x, w, y, None, Output::Add);
        }
        gemm::gpu(&mut self.rec, &self.tuning.gemm, &mut self.bytes, x, w, y, Finish::Add)
    }

    fn gate_up(&mut self, s: GateUpStage<'_, Self>) -> Result<()> {
        if s.x.rows() == 1 && gemv::gates(s.w) {
            return self.product(s.act, s.w, s.x, Some((s.norm, s.eps)), Output::Gate);
        }
        self.rms_norm(s.xb, s.x, s.norm, s.eps)?;
        if s.x.rows() > 1 && gemm::gated(s.w) {
            let (bytes, tuning) = (&mut self.bytes, &self.tuning.gemm);
            return gemm::gpu(&mut self.rec, tuning, bytes, s.act, s.w, s.xb, Finish::Silu);
        }
        self.matmul(s.gate_up, s.w, s.xb)?;
        self.silu_mul(s.act, s.gate_up)
    }

    fn head(&mut self, s: HeadStage<'_, Self>) -> Result<()> {
        if s.x.rows() == 1 {
            return self.product(s.logits, s.w, s.x, Some((s.norm, s.eps)), Output::Store);
        }
        self.rms_norm(s.xb, s.x, s.norm, s.eps)?;
        self.matmul(s.logits, s.w, s.xb)
    }

    fn measure(&mut self) -> Result<()> {
        self.rec.measure()
    }

    fn stage(&mut self, name: &'static str) {
        self.rec.mark(name);
    }

    async fn measured(&mut self, now_ms: fn() -> f64) -> Result<Measured> {
        let (stamped, kinds) = self.rec.measured(now_ms).await?;
        let mut spans = Spans::default();
        for Timed {
            stage,
            variants,
            calls,
            ms,
        } in kinds
        {
            let op = match variants[0].kernel {
                "gemv" | "gemm" | "gemm_columns" | "gemm_int8" | "gemm_serial" => "matmul", // ways to compute it
                kernel => kernel,
            };
            let labels: Vec<String> = variants.iter().map(|variant| variant.label()).collect();
            spans.add(stage, op, &labels.join(", "), calls, ms);
        }
        Ok(Measured {
            method: if stamped { Method::Timestamps } else { Method::Settled },
            spans: spans.all(),
        })
    }

    async fn download(&mut self, t: &Tensor) -> Result<Vec<f32>> {
        self.rec.download(t).await
    }

    fn kick(&mut self, every_ms: Option<u32>) {
        self.rec.kick(every_ms);
    }

    fn search(&mut self, logits: &Tensor, find: &Find) -> Result<Ticket> {
        self.searches.record(&mut self.rec, logits, find)
    }

    async fn found(&mut self, logits: &Tensor, ticket: Ticket) -> Result<Found> {
        self.searches.found(&mut self.rec, logits, ticket).await
    }

    fn ask(&mut self, t: &Tensor) -> Result<Ticket> {
        let number = self.rec.ask_rows(t)?;
        Ok(Ticket { k: 0, number })
    }

    async fn asked(&mut self, t: &Tensor, ticket: Ticket) -> Result<Vec<f32>> {
        self.rec.asked_rows(t, ticket.number).await
    }

    async fn top_k(&mut self, logits: &Tensor, k: usize) -> Result<TopK> {
        let draw = Draw::GREEDY;
        let ticket = self.search(logits, &Find { k, draw })?;
        self.submit()?;
        Ok(self.found(logits, ticket).await?.top)
    }
}
