//! The vocabulary of operations that a decoder needs. Both backends implement all of it.
//!
//! Shapes are `[rows, cols]`, row-major, the last axis contiguous. `rows` is the number of tokens in the current step
//! (or the number of rows selected for the head). A call takes `out: &mut` and reads `&`: the rule of WebGPU that a
//! buffer may not be read-only and writable in one dispatch is checked by the borrow checker.
//!
//! The *primitive* operations are required. The *stages* at the end are default methods: their bodies are their
//! specification, and a backend may override one with something faster (a test compares the two).
//!
//! Everything records work; what waits for it is `async`. Reading back has two halves, so that what is read goes with the
//! submit of the step: [`Ops::search`], [`Ops::submit`], [`Ops::found`] for the best logits, [`Ops::ask`], [`Ops::submit`],
//! [`Ops::asked`] for all of them.

mod measure;
pub mod row;
mod split;

pub use measure::{Measured, Method, Span, Spans};
pub use split::{Segment, Split};

use crate::error::{Error, Result};
use crate::quant::DType;

/// Description of one matrix `[rows, cols]` as it lies in the file: `rows` outputs, `cols` inputs (GGUF: ne1, ne0).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PartShape {
    /// Tensor name as in the file, for errors.
    pub name: String,
    /// Storage format.
    pub dtype: DType,
    /// Number of output rows (N).
    pub rows: usize,
    /// Number of inputs (K), the contiguous axis.
    pub cols: usize,
}

/// How a cache stores keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum CacheType {
    /// Half precision: half the memory, the default.
    #[default]
    F16,
    /// Single precision: the exact option, used by golden tests.
    F32,
    /// Blocks of [`CacheType::BLOCK`] signed bytes with one f32 scale each: a little over a byte an element.
    Q8_0,
}

impl CacheType {
    /// All of them.
    pub const ALL: [CacheType; 3] = [CacheType::F16, CacheType::F32, CacheType::Q8_0];

    /// Elements of a head's vector that share a scale in a [`CacheType::Q8_0`] cache; the last block may be shorter.
    pub const BLOCK: usize = 32;

    /// The name in options: `"f16"`, `"f32"`, `"q8_0"`.
    pub fn name(self) -> &'static str {
        match self {
            CacheType::F16 => "f16",
            CacheType::F32 => "f32",
            CacheType::Q8_0 => "q8_0",
        }
    }

    /// Inverse of [`CacheType::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Bytes of one head's key, or value, of `head_dim` elements, which count by fours.
    pub fn vector_bytes(self, head_dim: usize) -> u64 {
        let n = (head_dim as u64).next_multiple_of(4);
        match self {
            CacheType::F16 => n.saturating_mul(2),
            CacheType::F32 => n.saturating_mul(4),
            CacheType::Q8_0 => n.saturating_add(self.scale_bytes(head_dim)),
        }
    }

    /// Of these, bytes of the scales.
    pub fn scale_bytes(self, head_dim: usize) -> u64 {
        match self {
            CacheType::F16 | CacheType::F32 => 0,
            CacheType::Q8_0 => head_dim.div_ceil(Self::BLOCK) as u64 * 4,
        }
    }
}

/// Shape of the key/value cache of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CacheShape {
    /// Positions allocated.
    pub n_ctx: usize,
    /// Key/value heads.
    pub n_head_kv: usize,
    /// Elements of a head.
    pub head_dim: usize,
    /// Storage type.
    pub dtype: CacheType,
}

impl CacheShape {
    /// Bytes of the keys; the values take as many.
    pub fn plane_bytes(&self) -> u64 {
        self.vectors().saturating_mul(self.dtype.vector_bytes(self.head_dim))
    }

    /// Of these, bytes of the scales.
    pub fn scale_bytes(&self) -> u64 {
        self.vectors().saturating_mul(self.dtype.scale_bytes(self.head_dim))
    }

    fn vectors(&self) -> u64 {
        (self.n_ctx as u64).saturating_mul(self.n_head_kv as u64)
    }
}

/// Where the heads lie in the columns of a fused qkv activation:
/// `[q: n_head*head_dim | k: n_head_kv*head_dim | v: n_head_kv*head_dim]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HeadLayout {
    /// Query heads.
    pub n_head: usize,
    /// Key/value heads; divides `n_head`.
    pub n_head_kv: usize,
    /// Elements of a head.
    pub head_dim: usize,
}

impl HeadLayout {
    /// Columns of the fused activation.
    pub fn cols(&self) -> usize {
        (self.n_head + 2 * self.n_head_kv) * self.head_dim
    }
}

/// Which two elements of a head rotate together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RopeOrder {
    /// Elements `2i` and `2i+1` (llama; "NORM" in llama.cpp).
    Interleaved,
    /// Elements `i` and `i + n_rot/2` (phi3, qwen2; "NEOX" in llama.cpp).
    HalfSplit,
}

/// Rotary embedding of the q and k columns of a fused activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RopeShape {
    /// Where the heads are.
    pub heads: HeadLayout,
    /// Rotated elements of each head, even, `<= head_dim`; the rest pass through.
    pub n_rot: usize,
    /// Pairing.
    pub order: RopeOrder,
}

/// Causal attention over a cache.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AttentionShape {
    /// Where the query heads are.
    pub heads: HeadLayout,
    /// Multiplier of q·k, usually `1/sqrt(head_dim)`.
    pub scale: f32,
    /// A query at position p sees keys `p-window+1 ..= p`; `None` sees all.
    pub window: Option<usize>,
}

/// The best logits of one row and the row's normaliser.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopK {
    /// Token ids, best first; ties: lowest id first.
    pub ids: Vec<u32>,
    /// Their logits.
    pub logits: Vec<f32>,
    /// `ln(sum(exp(logit)))` over the *whole* row, so that `logit - log_sum_exp` is an exact log-probability.
    pub log_sum_exp: f32,
    /// `-sum(p ln p)` over the whole row, in nats; 0 where nothing is above minus infinity.
    pub entropy: f32,
}

/// What a sampler is going to ask of the best logits: how a device guesses the token that it will choose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// 0: the best one.
    pub temperature: f32,
    /// 0: all.
    pub top_k: u32,
    /// 1: all.
    pub top_p: f32,
    /// 0: all.
    pub min_p: f32,
    /// The number in `[0, 1)` that decides.
    pub random: f32,
}

impl Draw {
    /// The best one.
    pub const GREEDY: Draw = Draw {
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        random: 0.0,
    };
}

/// A search: see [`Ops::search`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Find {
    /// Entries wanted, at most [`TOP_K_MAX`].
    pub k: usize,
    /// For the guess.
    pub draw: Draw,
}

/// What was recorded to be read back; the backend knows what it is by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticket {
    /// Entries wanted, of a search.
    pub k: usize,
    /// Of meaning to the backend.
    pub number: u64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The best logits.
    pub top: TopK,
    /// The token that a chained step was given to go on with.
    pub guess: Option<u32>,
}

/// Most candidates that [`Ops::top_k`] can return: the sampler asks for the whole row beyond it.
pub const TOP_K_MAX: usize = 64;

/// What a backend says of itself.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct BackendInfo {
    /// `"cpu"` or `"gpu"`.
    pub backend: &'static str,
    /// Adapter name, or the processor's instruction set.
    pub adapter: String,
    /// The adapter is software (isFallbackAdapter, or known by name or self-test).
    pub software: bool,
}

/// What a backend can hold; the loader checks a model against it before it uploads anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Most bytes in one buffer (a larger tensor is split by rows).
    pub max_buffer: u64,
    /// Most bytes overall, where the backend knows it: of each shard.
    pub total: Option<u64>,
    /// Shards that hold the model together, see [`Split`]; 1 where nothing is shared out.
    pub shards: usize,
}

/// The operations. See the module's documentation.
#[allow(async_fn_in_trait)] // single-threaded by design: a browser worker, or one engine thread
pub trait Ops {
    /// Activations `[rows, cols]` of f32. Allocated once with the most rows; [`Ops::set_rows`] shortens it for a step.
    type Tensor;
    /// A matrix `[N, K]` in the file's format: one or more row parts, possibly of different formats, that act as one
    /// (separate q/k/v, or a tensor split because of a binding limit).
    type Weight;
    /// Keys and values of one layer.
    type Cache;

    /// What this backend is.
    fn info(&self) -> BackendInfo;
    /// What it can hold.
    fn limits(&self) -> MemoryLimits;

    // ---- storage: load time only --------------------------------------------------------------------------------

    /// A zeroed activation `[rows, cols]`.
    fn tensor(&mut self, rows: usize, cols: usize) -> Result<Self::Tensor>;
    /// Writes `data.len() / cols` whole rows, beginning at `first_row`.
    fn upload(&mut self, t: &mut Self::Tensor, first_row: usize, data: &[f32]) -> Result<()>;
    /// Storage for a matrix made of `parts` stacked by rows (all with the same `cols`); `split` says how its rows may be
    /// shared out.
    fn weight(&mut self, parts: &[PartShape], split: &Split) -> Result<Self::Weight>;
    /// Stores whole rows of one part, as they lie in the file (`bytes.len()` is a multiple of the row's bytes).
    fn fill(&mut self, w: &mut Self::Weight, part: usize, first_row: usize, bytes: &[u8]) -> Result<()>;
    /// The cache of one layer.
    fn cache(&mut self, shape: CacheShape) -> Result<Self::Cache>;
    /// Waits until uploads so far have left their staging memory (bounds memory in flight while loading).
    async fn settle(&mut self) -> Result<()>;
    /// Everything was filled: returns the memory that only filling needs.
    fn loaded(&mut self) -> Result<()> {
        Ok(())
    }
    /// What `error` of an operation means for a loaded model: a device that failed once fails from then on, and is lost.
    fn outcome(&self, error: Error) -> Error {
        error
    }

    /// Operations are compiled when they are first recorded: recording a step ahead of time is worth it.
    const COMPILES: bool = false;
    /// Numbers of rows below a full batch at which other operations are compiled than for one row or a full batch.
    const RUNGS: &'static [usize] = &[];
    /// From now to [`Ops::discard`] nothing is handed to the device, however much it is.
    fn hold(&mut self) {}
    /// Forgets what was recorded.
    fn discard(&mut self) -> Result<()> {
        Ok(())
    }

    // ---- a step -------------------------------------------------------------------------------------------------

    /// Begins a step: `tokens` at positions `pos ..`. Submits what was recorded before.
    fn begin(&mut self, pos: usize, tokens: &[u32]) -> Result<()>;
    /// Hands the recorded work to the device without waiting.
    fn submit(&mut self) -> Result<()>;
    /// Number of rows in use (`<=` the allocated rows).
    fn rows(&self, t: &Self::Tensor) -> usize;
    /// Sets the number of rows in use.
    fn set_rows(&mut self, t: &mut Self::Tensor, rows: usize);

    // ---- primitives ---------------------------------------------------------------------------------------------

    /// `out[t] = w[tokens[t]]`, decoded. out `[T, n_embd]`, w `[n_vocab, n_embd]`.
    fn embed(&mut self, out: &mut Self::Tensor, w: &Self::Weight) -> Result<()>;
    /// `out[t] = x[t] / sqrt(mean(x[t]^2) + eps) * gain`. gain `[1, cols]`.
    fn rms_norm(&mut self, out: &mut Self::Tensor, x: &Self::Tensor, gain: &Self::Tensor, eps: f32) -> Result<()>;
    /// `out[t, n] = sum_k w[n, k] * x[t, k]`. x `[T, K]`, w `[N, K]`, out `[T, N]`.
    fn matmul(&mut self, out: &mut Self::Tensor, w: &Self::Weight, x: &Self::Tensor) -> Result<()>;
    /// `out += x`, same shape.
    fn add(&mut self, out: &mut Self::Tensor, x: &Self::Tensor) -> Result<()>;
    /// `out[t] += bias`. bias `[1, cols]`.
    fn add_bias(&mut self, out: &mut Self::Tensor, bias: &Self::Tensor) -> Result<()>;
    /// RMS norm of each q head with `q_gain [1, head_dim]` and each k head with `k_gain [1, head_dim]`, in place.
    fn head_norm(
        &mut self,
        qkv: &mut Self::Tensor,
        heads: HeadLayout,
        q_gain: &Self::Tensor,
        k_gain: &Self::Tensor,
        eps: f32,
    ) -> Result<()>;
    /// Rotates q and k of row t by the angles of position `pos + t`, in place.
    /// `table [n_ctx, n_rot]` holds, for pair i, cos at column `2i` and sin at `2i+1` (attention factor included).
    fn rope(&mut self, qkv: &mut Self::Tensor, table: &Self::Tensor, shape: RopeShape) -> Result<()>;
    /// Stores k and v of row t at position `pos + t`.
    fn kv_write(&mut self, cache: &mut Self::Cache, qkv: &Self::Tensor, heads: HeadLayout) -> Result<()>;
    /// Softmax attention of row t over positions `.. = pos + t`. out `[T, n_head*head_dim]`.
    fn attention(
        &mut self,
        out: &mut Self::Tensor,
        qkv: &Self::Tensor,
        cache: &Self::Cache,
        shape: AttentionShape,
    ) -> Result<()>;
    /// `out[t, i] = silu(gate_up[t, i]) * gate_up[t, n_ff + i]`. gate_up `[T, 2*n_ff]`, out `[T, n_ff]`.
    fn silu_mul(&mut self, out: &mut Self::Tensor, gate_up: &Self::Tensor) -> Result<()>;
    /// `out[0 .. rows(out)] = x[first ..]`: picks the rows that go through the head.
    fn copy_rows(&mut self, out: &mut Self::Tensor, x: &Self::Tensor, first: usize) -> Result<()>;

    // ---- reading back -------------------------------------------------------------------------------------------

    /// A step can follow another on the device, before anybody has seen what that one chose.
    const CHAINS: bool = false;
    /// Begins a step whose one token, at position `pos`, is what the search before it guessed. It may be submitted together
    /// with that.
    fn begin_chained(&mut self, _pos: usize) -> Result<()> {
        Err(Error::internal("this backend chains no steps"))
    }
    /// While something is awaited, the device is reminded every so many milliseconds that somebody waits: of use in browsers
    /// that look seldom.
    fn kick(&mut self, _every_ms: Option<u32>) {}
    /// Records a search for the best entries of row 0, and that they are read back. [`Ops::begin`] gives up what nobody has
    /// waited for.
    fn search(&mut self, _logits: &Self::Tensor, find: &Find) -> Result<Ticket> {
        Ok(Ticket { k: find.k, number: 0 })
    }
    /// Waits for what a search, submitted since, has found; gives up the searches before it. Where no other step was recorded
    /// since, it may be asked again.
    async fn found(&mut self, logits: &Self::Tensor, ticket: Ticket) -> Result<Found> {
        let top = self.top_k(logits, ticket.k).await?;
        Ok(Found { top, guess: None })
    }
    /// Records that the rows in use are read back.
    fn ask(&mut self, _t: &Self::Tensor) -> Result<Ticket> {
        Ok(Ticket::default())
    }
    /// Waits for the rows that were asked for, `rows * cols` values.
    async fn asked(&mut self, t: &Self::Tensor, _ticket: Ticket) -> Result<Vec<f32>> {
        self.download(t).await
    }

    /// The rows in use, `rows * cols` values.
    async fn download(&mut self, t: &Self::Tensor) -> Result<Vec<f32>>;
    /// The `k <= TOP_K_MAX` best entries of row 0.
    async fn top_k(&mut self, logits: &Self::Tensor, k: usize) -> Result<TopK>;

    // ---- measuring: a way of its own, which a step that nobody measures does not take -----------------------------

    /// From now to [`Ops::measured`] work is only recorded.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] where single operations cannot be timed.
    fn measure(&mut self) -> Result<()> {
        Err(Error::invalid(
            "backend",
            "one whose operations can be timed",
            self.info().adapter,
        ))
    }
    /// Names the part of the model that what follows belongs to; of use only while work is measured.
    fn stage(&mut self, _: &'static str) {}
    /// Runs what was recorded since [`Ops::measure`], operation by operation, and ends the measuring. What it computes may be
    /// wrong: operations of one kind may run together.
    async fn measured(&mut self, _now_ms: fn() -> f64) -> Result<Measured> {
        Err(Error::internal("nothing was measured"))
    }

    // ---- stages: defaults are the specification, a backend may fuse ----------------------------------------------

    /// Norm, fused projection, bias, head norms, rotation, cache write.
    fn qkv(&mut self, s: QkvStage<'_, Self>) -> Result<()>
    where
        Self: Sized,
    {
        self.rms_norm(s.xb, s.x, s.norm, s.eps)?;
        self.matmul(s.qkv, s.w, s.xb)?;
        if let Some(bias) = s.bias {
            self.add_bias(s.qkv, bias)?;
        }
        if let Some((q_gain, k_gain)) = s.head_norms {
            self.head_norm(s.qkv, s.rope.heads, q_gain, k_gain, s.eps)?;
        }
        self.rope(s.qkv, s.table, s.rope)?;
        self.kv_write(s.cache, s.qkv, s.rope.heads)
    }

    /// The first half of a block: [`Ops::qkv`], then [`Ops::attention`] of its result.
    fn attend(&mut self, mut s: AttendStage<'_, Self>) -> Result<()>
    where
        Self: Sized,
    {
        self.stage("qkv");
        self.qkv(s.qkv.reborrow())?;
        self.stage("attention");
        self.attention(s.out, s.qkv.qkv, s.qkv.cache, s.attention)
    }

    /// `x += w·y`, the residual projection; `tmp` has x's shape.
    fn matmul_add(
        &mut self,
        x: &mut Self::Tensor,
        tmp: &mut Self::Tensor,
        w: &Self::Weight,
        y: &Self::Tensor,
    ) -> Result<()> {
        self.matmul(tmp, w, y)?;
        self.add(x, tmp)
    }

    /// Norm, gate and up projection, activation.
    fn gate_up(&mut self, s: GateUpStage<'_, Self>) -> Result<()>
    where
        Self: Sized,
    {
        self.rms_norm(s.xb, s.x, s.norm, s.eps)?;
        self.matmul(s.gate_up, s.w, s.xb)?;
        self.silu_mul(s.act, s.gate_up)
    }

    /// Final norm and output projection: `logits [rows, n_vocab]`.
    fn head(&mut self, s: HeadStage<'_, Self>) -> Result<()>
    where
        Self: Sized,
    {
        self.rms_norm(s.xb, s.x, s.norm, s.eps)?;
        self.matmul(s.logits, s.w, s.xb)
    }
}

/// Arguments of [`Ops::qkv`].
pub struct QkvStage<'a, O: Ops> {
    /// Result `[T, heads.cols()]`.
    pub qkv: &'a mut O::Tensor,
    /// Scratch `[T, n_embd]` for the normalised input.
    pub xb: &'a mut O::Tensor,
    /// Where keys and values go.
    pub cache: &'a mut O::Cache,
    /// Input `[T, n_embd]`.
    pub x: &'a O::Tensor,
    /// Norm gain `[1, n_embd]`.
    pub norm: &'a O::Tensor,
    /// Norm epsilon.
    pub eps: f32,
    /// Fused projection `[heads.cols(), n_embd]`.
    pub w: &'a O::Weight,
    /// Fused bias `[1, heads.cols()]` (qwen2).
    pub bias: Option<&'a O::Tensor>,
    /// Gains of the per-head norms (qwen3).
    pub head_norms: Option<(&'a O::Tensor, &'a O::Tensor)>,
    /// Angle table, see [`Ops::rope`].
    pub table: &'a O::Tensor,
    /// Rotation.
    pub rope: RopeShape,
}

impl<O: Ops> QkvStage<'_, O> {
    /// The same arguments for a shorter time.
    pub fn reborrow(&mut self) -> QkvStage<'_, O> {
        QkvStage {
            qkv: self.qkv,
            xb: self.xb,
            cache: self.cache,
            ..*self
        }
    }
}

/// Arguments of [`Ops::attend`].
pub struct AttendStage<'a, O: Ops> {
    /// Result `[T, n_head*head_dim]`.
    pub out: &'a mut O::Tensor,
    /// What is attended to. Behind the stage nobody reads `qkv.qkv` and `qkv.xb`: they may hold anything.
    pub qkv: QkvStage<'a, O>,
    /// How.
    pub attention: AttentionShape,
}

/// Arguments of [`Ops::gate_up`].
pub struct GateUpStage<'a, O: Ops> {
    /// Result `[T, n_ff]`.
    pub act: &'a mut O::Tensor,
    /// Scratch `[T, 2*n_ff]`.
    pub gate_up: &'a mut O::Tensor,
    /// Scratch `[T, n_embd]`.
    pub xb: &'a mut O::Tensor,
    /// Input `[T, n_embd]`.
    pub x: &'a O::Tensor,
    /// Norm gain `[1, n_embd]`.
    pub norm: &'a O::Tensor,
    /// Norm epsilon.
    pub eps: f32,
    /// Gate rows, then up rows: `[2*n_ff, n_embd]`.
    pub w: &'a O::Weight,
}

/// Arguments of [`Ops::head`].
pub struct HeadStage<'a, O: Ops> {
    /// Result `[rows, n_vocab]`.
    pub logits: &'a mut O::Tensor,
    /// Scratch `[rows, n_embd]`.
    pub xb: &'a mut O::Tensor,
    /// Input `[rows, n_embd]`.
    pub x: &'a O::Tensor,
    /// Norm gain `[1, n_embd]`.
    pub norm: &'a O::Tensor,
    /// Norm epsilon.
    pub eps: f32,
    /// Output projection `[n_vocab, n_embd]`.
    pub w: &'a O::Weight,
}
