//! The exact mode: every operation is its kernel's plain twin, activations stay f32 and sums are f64. Goldens and twins
//! are computed with it.
//!
//! A weight is held exactly once, as its bytes lie in the file; rows are decoded when they are multiplied.

use crate::error::{Error, Result};
use crate::kernels::{
    add, add_bias, attention, copy_rows, dim, embed, head_norm, kv_write, matmul, rms_norm, rope, silu_mul, top_k,
};
use crate::ops::{
    AttentionShape, BackendInfo, CacheShape, HeadLayout, MemoryLimits, Ops, PartShape, RopeShape, Split, TopK,
};

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Reference {
    pos: usize,
    tokens: Vec<u32>,
}

/// Activations, dense: row t begins at `t * cols`.
#[derive(Debug, Clone)]
pub struct Tensor {
    rows: usize,
    cols: usize,
    data: Vec<f32>,
}

impl Tensor {
    fn used(&self) -> &[f32] {
        &self.data[..self.rows * self.cols]
    }

    fn used_mut(&mut self) -> &mut [f32] {
        &mut self.data[..self.rows * self.cols]
    }
}

/// Row parts, each as in the file.
#[derive(Debug, Clone)]
pub struct Weight {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    shape: PartShape,
    row_bytes: usize,
    bytes: Vec<u8>,
}

impl Weight {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|p| p.bytes.capacity()).sum()
    }
}

impl Reference {
    /// A backend without work.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A 32-bit address space (Wasm) minus what the program itself, its stack and one load's pieces take.
const ADDRESSABLE_32: u64 = (4 << 30) - (128 << 20);

/// Room for exactly `len` elements, or [`Error::TooLarge`] instead of an abort when memory is short.
fn reserve<T>(what: &str, len: usize) -> Result<Vec<T>> {
    let mut data = Vec::new();
    data.try_reserve_exact(len).map_err(|_| Error::TooLarge {
        what: what.into(),
        needed: len as u64 * size_of::<T>() as u64,
        available: 0,
        hint: "the allocator refused: choose a smaller model or context".into(),
    })?;
    Ok(data)
}

/// `len` elements in exactly their own memory.
fn allocate<T: Clone>(what: &str, len: usize, zero: T) -> Result<Vec<T>> {
    let mut data = reserve(what, len)?;
    data.resize(len, zero);
    Ok(data)
}

fn product(rows: usize, cols: usize) -> Result<usize> {
    rows.checked_mul(cols)
        .ok_or_else(|| Error::internal(format!("[{rows}, {cols}] overflows")))
}

impl Ops for Reference {
    type Tensor = Tensor;
    type Weight = Weight;
    type Cache = kv_write::CpuCache;

    fn info(&self) -> BackendInfo {
        BackendInfo {
            backend: "cpu",
            adapter: format!("{}, exact", std::env::consts::ARCH),
            software: false,
        }
    }

    fn limits(&self) -> MemoryLimits {
        MemoryLimits {
            max_buffer: isize::MAX as u64,
            total: (usize::BITS == 32).then_some(ADDRESSABLE_32),
            shards: 1,
        }
    }

    fn tensor(&mut self, rows: usize, cols: usize) -> Result<Tensor> {
        let data = allocate("an activation", product(rows, cols)?, 0.0)?;
        Ok(Tensor { rows, cols, data })
    }

    fn upload(&mut self, t: &mut Tensor, first_row: usize, data: &[f32]) -> Result<()> {
        let at = product(first_row, t.cols)?;
        let end = at.saturating_add(data.len());
        let target = t.data.get_mut(at..end);
        target
            .ok_or_else(|| Error::internal(format!("upload of rows beyond {}", t.rows)))?
            .copy_from_slice(data);
        Ok(())
    }

    fn weight(&mut self, parts: &[PartShape], _: &Split) -> Result<Weight> {
        let part = |shape: &PartShape| {
            let row_bytes = shape.dtype.row_bytes(shape.cols);
            let row_bytes = row_bytes.ok_or_else(|| Error::internal(format!("{}: not whole blocks", shape.name)))?;
            let bytes = allocate(&shape.name, product(shape.rows, row_bytes)?, 0u8)?;
            Ok(Part {
                shape: shape.clone(),
                row_bytes,
                bytes,
            })
        };
        Ok(Weight {
            parts: parts.iter().map(part).collect::<Result<_>>()?,
        })
    }

    fn fill(&mut self, w: &mut Weight, part: usize, first_row: usize, bytes: &[u8]) -> Result<()> {
        let bad = || Error::internal(format!("fill of part {part}, row {first_row}: {} bytes", bytes.len()));
        let part = w.parts.get_mut(part).ok_or_else(bad)?;
        let at = product(first_row, part.row_bytes)?;
        let target = part.bytes.get_mut(at..at.saturating_add(bytes.len())).ok_or_else(bad)?;
        target.copy_from_slice(bytes);
        Ok(())
    }

    fn cache(&mut self, shape: CacheShape) -> Result<kv_write::CpuCache> {
        let bytes = usize::try_from(shape.plane_bytes().saturating_mul(2)).unwrap_or(usize::MAX);
        drop(reserve::<u8>("keys and values", bytes)?); // an error now, instead of an abort below
        Ok(kv_write::CpuCache::new(shape))
    }

    async fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    fn begin(&mut self, pos: usize, tokens: &[u32]) -> Result<()> {
        self.pos = pos;
        self.tokens.clear();
        self.tokens.extend_from_slice(tokens);
        Ok(())
    }

    fn submit(&mut self) -> Result<()> {
        Ok(())
    }

    fn rows(&self, t: &Tensor) -> usize {
        t.rows
    }

    fn set_rows(&mut self, t: &mut Tensor, rows: usize) {
        debug_assert!(rows * t.cols <= t.data.len());
        t.rows = rows;
    }

    fn embed(&mut self, out: &mut Tensor, w: &Weight) -> Result<()> {
        let mut first_row = 0;
        for part in &w.parts {
            let p = embed::Params::new(part.shape.dtype, part.shape.rows, part.shape.cols, first_row);
            embed::cpu(&p, part.shape.dtype, out.used_mut(), &part.bytes, &self.tokens)?;
            first_row += part.shape.rows;
        }
        Ok(())
    }

    fn rms_norm(&mut self, out: &mut Tensor, x: &Tensor, gain: &Tensor, eps: f32) -> Result<()> {
        let p = rms_norm::Params { cols: dim(x.cols), eps };
        rms_norm::cpu(&p, out.used_mut(), x.used(), gain.used());
        Ok(())
    }

    fn matmul(&mut self, out: &mut Tensor, w: &Weight, x: &Tensor) -> Result<()> {
        let mut out_first = 0;
        for part in &w.parts {
            let p = matmul::Params {
                rows: part.shape.rows,
                cols: part.shape.cols,
                out_cols: out.cols,
                out_first,
            };
            matmul::cpu(&p, part.shape.dtype, out.used_mut(), &part.bytes, x.used())?;
            out_first += part.shape.rows;
        }
        Ok(())
    }

    fn add(&mut self, out: &mut Tensor, x: &Tensor) -> Result<()> {
        add::cpu(&add::Params { cols: dim(x.cols) }, out.used_mut(), x.used());
        Ok(())
    }

    fn add_bias(&mut self, out: &mut Tensor, bias: &Tensor) -> Result<()> {
        add_bias::cpu(&add_bias::Params { cols: dim(out.cols) }, out.used_mut(), bias.used());
        Ok(())
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
        head_norm::cpu(&p, qkv.used_mut(), q_gain.used(), k_gain.used());
        Ok(())
    }

    fn rope(&mut self, qkv: &mut Tensor, table: &Tensor, shape: RopeShape) -> Result<()> {
        rope::cpu(&rope::Params::from(&shape), self.pos, qkv.used_mut(), table.used());
        Ok(())
    }

    fn kv_write(&mut self, cache: &mut kv_write::CpuCache, qkv: &Tensor, heads: HeadLayout) -> Result<()> {
        let p = kv_write::Params::new(heads, cache.shape.n_ctx);
        kv_write::cpu(&p, self.pos, cache, qkv.used());
        Ok(())
    }

    fn attention(
        &mut self,
        out: &mut Tensor,
        qkv: &Tensor,
        cache: &kv_write::CpuCache,
        shape: AttentionShape,
    ) -> Result<()> {
        let p = attention::Params::new(&shape, cache.shape.n_ctx);
        attention::cpu(&p, self.pos, out.used_mut(), qkv.used(), cache);
        Ok(())
    }

    fn silu_mul(&mut self, out: &mut Tensor, gate_up: &Tensor) -> Result<()> {
        silu_mul::cpu(
            &silu_mul::Params { n_ff: dim(out.cols) },
            out.used_mut(),
            gate_up.used(),
        );
        Ok(())
    }

    fn copy_rows(&mut self, out: &mut Tensor, x: &Tensor, first: usize) -> Result<()> {
        copy_rows::cpu(
            &copy_rows::Params { cols: dim(x.cols) },
            first,
            out.used_mut(),
            x.used(),
        );
        Ok(())
    }

    async fn download(&mut self, t: &Tensor) -> Result<Vec<f32>> {
        Ok(t.used().to_vec())
    }

    async fn top_k(&mut self, logits: &Tensor, k: usize) -> Result<TopK> {
        let p = top_k::Params {
            n_vocab: dim(logits.cols),
        };
        Ok(top_k::cpu(&p, k, &logits.used()[..logits.cols]))
    }
}
