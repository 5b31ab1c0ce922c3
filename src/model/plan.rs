//! What a decoder needs from its file, checked before a byte of weights is read: names, shapes, formats, memory.

use crate::error::{Error, Result};
use crate::gguf::GgufFile;
use crate::model::config::DecoderConfig;
use crate::model::rope;
use crate::ops::{CacheShape, CacheType, HeadLayout, MemoryLimits, PartShape, Split};
use crate::quant::DType;

/// Most bytes of logits that are computed at once: bounds the rows of the head for large vocabularies.
const MAX_LOGITS_BYTES: usize = 16 << 20;

/// How a model is allocated.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderOptions {
    /// Positions of the cache; `None`: the trained context, at most [`DEFAULT_N_CTX`]. More than the trained context is
    /// the caller's risk, as in llama.cpp: angles go on as configured, but the model has never seen them.
    pub n_ctx: Option<usize>,
    /// Most tokens in one step (a prefill chunk).
    pub n_batch: usize,
    /// Storage of keys and values.
    pub cache_type: CacheType,
    /// Attend to the whole context although the model declares a sliding window (llama.cpp does so for phi3).
    pub ignore_window: bool,
}

/// Context allocated when the caller does not choose: memory for more is rarely wanted without being asked for.
pub const DEFAULT_N_CTX: usize = 4096;

/// Most positions that can be asked for; far above any model.
pub const MAX_N_CTX: usize = 1 << 24;

impl Default for DecoderOptions {
    fn default() -> Self {
        Self {
            n_ctx: None,
            n_batch: 128,
            cache_type: CacheType::default(),
            ignore_window: false,
        }
    }
}

/// A vector of f32 (norm gain, bias, factors) that is one or more of the file's tensors in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorPlan {
    /// Name and length of each piece.
    pub parts: Vec<(String, usize)>,
}

/// A matrix made of one or more of the file's tensors, stacked by rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixPlan {
    /// The pieces.
    pub parts: Vec<PartShape>,
    /// How its rows may be shared out.
    pub split: Split,
}

impl MatrixPlan {
    /// Bytes that `shard` of `shards` holds of it.
    fn share(&self, shard: usize, shards: usize) -> u64 {
        let mut first = 0;
        let part_bytes = |part: &PartShape| {
            let rows = first..first + part.rows;
            first = rows.end;
            let row = part.dtype.row_bytes(part.cols).unwrap_or(0); // whole blocks: `Finder::part` has checked it
            (self.split.owned(rows, shard, shards) as u64).saturating_mul(row as u64)
        };
        self.parts.iter().map(part_bytes).fold(0, u64::saturating_add)
    }
}

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerPlan {
    /// `[n_embd]`
    pub attn_norm: VectorPlan,
    /// `[(n_head + 2 n_head_kv) * head_dim, n_embd]`
    pub qkv: MatrixPlan,
    /// `[(n_head + 2 n_head_kv) * head_dim]`
    pub qkv_bias: Option<VectorPlan>,
    /// `[head_dim]` each, q then k.
    pub head_norms: Option<(VectorPlan, VectorPlan)>,
    /// `[n_embd, n_head * head_dim]`
    pub attn_output: MatrixPlan,
    /// `[n_embd]`
    pub ffn_norm: VectorPlan,
    /// `[2 * n_ff, n_embd]`: gate rows, then up rows.
    pub gate_up: MatrixPlan,
    /// `[n_embd, n_ff]`
    pub ffn_down: MatrixPlan,
}

/// Bytes that a loaded model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    /// Weights, as they lie in the file (the GPU's planes are byte-neutral).
    pub weights: u64,
    /// Keys and values of all layers at the allocated context.
    pub cache: u64,
    /// Activations, logits and the angle table.
    pub activations: u64,
}

impl Memory {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights.saturating_add(self.cache).saturating_add(self.activations)
    }
}

/// A model that can be loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Hyper-parameters.
    pub config: DecoderConfig,
    /// Positions of the cache.
    pub n_ctx: usize,
    /// Most tokens in one step.
    pub n_batch: usize,
    /// Most rows that go through the head at once, `<= n_batch`.
    pub n_head_rows: usize,
    /// The cache of one layer.
    pub cache: CacheShape,
    /// Keys a query sees, itself included; `None`: all.
    pub window: Option<usize>,
    /// `[n_vocab, n_embd]`
    pub token_embd: MatrixPlan,
    /// The blocks.
    pub layers: Vec<LayerPlan>,
    /// `[n_embd]`
    pub output_norm: VectorPlan,
    /// `[n_vocab, n_embd]`; `None`: tied to the embedding.
    pub output: Option<MatrixPlan>,
    /// `[n_rot / 2]`
    pub rope_factors: Option<VectorPlan>,
    /// What all that takes.
    pub memory: Memory,
}

impl Plan {
    /// Lays out `config`, which [`arch::config`](crate::model::arch::config) has read from `gguf` and checked against it.
    ///
    /// Fails with [`Error::InvalidRequest`] for a context of 0 or beyond [`MAX_N_CTX`], [`Error::UnsupportedType`] and
    /// [`Error::BadFile`] for a tensor that cannot be used.
    pub fn new(gguf: &GgufFile, config: DecoderConfig, options: &DecoderOptions) -> Result<Self> {
        let n_ctx = options.n_ctx.unwrap_or(config.n_ctx_train.min(DEFAULT_N_CTX));
        if n_ctx == 0 || n_ctx > MAX_N_CTX {
            return Err(Error::invalid("context", format!("1 to {MAX_N_CTX}"), n_ctx));
        }
        if options.n_batch == 0 {
            return Err(Error::invalid("n_batch", "at least 1", 0));
        }
        let n_batch = options.n_batch.min(n_ctx);
        let logits_bytes = config.n_vocab.saturating_mul(size_of::<f32>()).max(1);
        let finder = Finder { gguf };
        let factors = rope::factor_tensor(&config.rope, n_ctx);
        let mut plan = Plan {
            n_ctx,
            n_batch,
            n_head_rows: (MAX_LOGITS_BYTES / logits_bytes).clamp(1, n_batch),
            cache: CacheShape {
                n_ctx,
                n_head_kv: config.n_head_kv,
                head_dim: config.head_dim,
                dtype: options.cache_type,
            },
            window: config
                .sliding_window
                .filter(|&window| window < n_ctx && !options.ignore_window),
            token_embd: finder.matrix(&[("token_embd.weight".into(), config.n_vocab)], config.n_embd)?,
            layers: (0..config.n_layer)
                .map(|i| finder.layer(&config, i))
                .collect::<Result<_>>()?,
            output_norm: finder.vector(&[("output_norm.weight".into(), config.n_embd)])?,
            output: match config.tensors.tied_output {
                true => None,
                false => Some(finder.matrix(&[("output.weight".into(), config.n_vocab)], config.n_embd)?),
            },
            rope_factors: factors
                .map(|name| finder.vector(&[(name.into(), config.rope.n_rot / 2)]))
                .transpose()?,
            memory: Memory {
                weights: 0,
                cache: 0,
                activations: 0,
            },
            config,
        };
        plan.memory = plan.share(0, 1);
        Ok(plan)
    }

    /// Refuses with [`Error::TooLarge`] what the backend cannot hold.
    pub fn check(&self, limits: MemoryLimits) -> Result<()> {
        let hint = "load with a smaller context, or choose a smaller or more strongly quantized model";
        if let Some(total) = limits.total {
            let shares = (0..limits.shards).map(|shard| self.share(shard, limits.shards).total());
            let what = match limits.shards {
                1 => "the model with its cache".into(),
                n => format!("the largest of {n} shares of the model with its cache"),
            };
            fits(&what, shares.max().unwrap_or(0), total, hint)?;
        }
        // Weights are split by rows where a buffer is limited; a cache and an activation are one buffer each.
        let half_cache = self.memory.cache / (2 * self.config.n_layer.max(1) as u64);
        fits(
            "the key cache of one layer",
            half_cache,
            limits.max_buffer,
            "load with a smaller context",
        )?;
        let widest = bytes_of(self.n_head_rows, self.config.n_vocab)
            .max(bytes_of(self.n_batch, 2 * self.config.n_ff))
            .max(bytes_of(self.n_batch, self.heads().cols()));
        fits("one activation", widest, limits.max_buffer, "load with a smaller batch")?;
        let angles = bytes_of(self.n_ctx, self.config.rope.n_rot);
        fits(
            "the table of rotary angles",
            angles,
            limits.max_buffer,
            "load with a smaller context",
        )
    }

    /// Where the heads lie in the fused activation.
    pub fn heads(&self) -> HeadLayout {
        heads(&self.config)
    }

    /// Every matrix, in the order of the weights that are made of them.
    pub fn matrices(&self) -> impl Iterator<Item = &MatrixPlan> {
        let blocks = self
            .layers
            .iter()
            .flat_map(|l| [&l.qkv, &l.attn_output, &l.gate_up, &l.ffn_down]);
        std::iter::once(&self.token_embd).chain(&self.output).chain(blocks)
    }

    /// Every vector, in no particular order.
    pub fn vectors(&self) -> impl Iterator<Item = &VectorPlan> {
        let blocks = self.layers.iter().flat_map(|l| {
            let norms = l.head_norms.iter().flat_map(|(q, k)| [q, k]);
            [&l.attn_norm, &l.ffn_norm].into_iter().chain(&l.qkv_bias).chain(norms)
        });
        std::iter::once(&self.output_norm)
            .chain(&self.rope_factors)
            .chain(blocks)
    }

    /// What `shard` of `shards` takes: its rows and heads; vectors and activations are everywhere.
    pub fn share(&self, shard: usize, shards: usize) -> Memory {
        let c = &self.config;
        let matrices = self.matrices().map(|m| m.share(shard, shards));
        let matrices = matrices.fold(0, u64::saturating_add);
        let n_head_kv = Split::heads(self.heads()).units(shard, shards).len();
        let cache = CacheShape {
            n_head_kv,
            ..self.cache
        };
        let vectors: u64 = self
            .vectors()
            .flat_map(|v| &v.parts)
            .map(|(_, len)| bytes_of(1, *len))
            .sum();
        let per_step = 3 * c.n_embd + self.heads().cols() + c.n_head * c.head_dim + 3 * c.n_ff;
        Memory {
            weights: matrices.saturating_add(vectors),
            cache: cache.plane_bytes().saturating_mul(2 * c.n_layer as u64),
            activations: bytes_of(self.n_batch, per_step)
                .saturating_add(bytes_of(self.n_head_rows, c.n_vocab + 2 * c.n_embd))
                .saturating_add(bytes_of(self.n_ctx, c.rope.n_rot)),
        }
    }
}

fn heads(c: &DecoderConfig) -> HeadLayout {
    HeadLayout {
        n_head: c.n_head,
        n_head_kv: c.n_head_kv,
        head_dim: c.head_dim,
    }
}

/// Bytes of `[rows, cols]` of f32.
fn bytes_of(rows: usize, cols: usize) -> u64 {
    (rows as u64)
        .saturating_mul(cols as u64)
        .saturating_mul(size_of::<f32>() as u64)
}

fn fits(what: &str, needed: u64, available: u64, hint: &str) -> Result<()> {
    if needed <= available {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: what.into(),
        needed,
        available,
        hint: hint.into(),
    })
}

/// Looks up how tensors are stored; names, shapes and formats have been checked by `arch::config`.
struct Finder<'a> {
    gguf: &'a GgufFile,
}

impl Finder<'_> {
    fn layer(&self, c: &DecoderConfig, index: usize) -> Result<LayerPlan> {
        let name = |tensor: &str| format!("blk.{index}.{tensor}");
        let (q, kv) = (c.n_head * c.head_dim, c.n_head_kv * c.head_dim);
        let qkv = |suffix: &str| match c.tensors.fused_qkv {
            true => vec![(name(&format!("attn_qkv.{suffix}")), q + 2 * kv)],
            false => [("q", q), ("k", kv), ("v", kv)]
                .map(|(part, rows)| (name(&format!("attn_{part}.{suffix}")), rows))
                .to_vec(),
        };
        let gate_up = match c.tensors.fused_gate_up {
            true => vec![(name("ffn_up.weight"), 2 * c.n_ff)],
            false => vec![(name("ffn_gate.weight"), c.n_ff), (name("ffn_up.weight"), c.n_ff)],
        };
        let norm = |tensor: &str, len: usize| self.vector(&[(name(tensor), len)]);
        Ok(LayerPlan {
            attn_norm: norm("attn_norm.weight", c.n_embd)?,
            qkv: self.split(&qkv("weight"), c.n_embd, Split::heads(heads(c)))?,
            qkv_bias: c.tensors.qkv_bias.then(|| self.vector(&qkv("bias"))).transpose()?,
            head_norms: match c.tensors.head_norms {
                true => Some((
                    norm("attn_q_norm.weight", c.head_dim)?,
                    norm("attn_k_norm.weight", c.head_dim)?,
                )),
                false => None,
            },
            attn_output: self.matrix(&[(name("attn_output.weight"), c.n_embd)], q)?,
            ffn_norm: norm("ffn_norm.weight", c.n_embd)?,
            gate_up: self.split(&gate_up, c.n_embd, Split::stacked(2, c.n_ff))?,
            ffn_down: self.matrix(&[(name("ffn_down.weight"), c.n_embd)], c.n_ff)?,
        })
    }

    /// A matrix whose rows may be anywhere.
    fn matrix(&self, parts: &[(String, usize)], cols: usize) -> Result<MatrixPlan> {
        let rows = parts.iter().map(|(_, rows)| rows).sum();
        self.split(parts, cols, Split::rows(rows))
    }

    fn split(&self, parts: &[(String, usize)], cols: usize, split: Split) -> Result<MatrixPlan> {
        let parts = parts
            .iter()
            .map(|(name, rows)| self.part(name, *rows, cols))
            .collect::<Result<_>>()?;
        Ok(MatrixPlan { parts, split })
    }

    fn part(&self, name: &str, rows: usize, cols: usize) -> Result<PartShape> {
        let dtype = self.dtype(name)?;
        if dtype.row_bytes(cols).is_none() {
            let expected = format!("rows of whole {dtype} blocks of {}", dtype.block_len());
            return Err(Error::bad_file(format!("tensor {name:?}"), expected, cols));
        }
        Ok(PartShape {
            name: name.into(),
            dtype,
            rows,
            cols,
        })
    }

    fn vector(&self, parts: &[(String, usize)]) -> Result<VectorPlan> {
        for (name, _) in parts {
            self.dtype(name)?;
        }
        Ok(VectorPlan { parts: parts.to_vec() })
    }

    fn dtype(&self, name: &str) -> Result<DType> {
        let info = self.gguf.tensor(name);
        let info = info.ok_or_else(|| Error::bad_file(format!("tensor {name:?}"), "a tensor of this name", "none"))?;
        info.dtype.ok_or_else(|| Error::UnsupportedType {
            tensor: name.into(),
            got: info.type_name(),
            supported: DType::ALL.map(DType::name).join(", "),
        })
    }
}
