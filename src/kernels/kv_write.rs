//! Stores the keys and values of the step's rows in the cache at positions `pos ..`.
//!
//! Keys and values each lie as `[n_head_kv, n_ctx, head_dim]`: the positions of one head are contiguous, so attention
//! streams them. Half-precision values are clamped to the finite range (a GPU's packing of larger ones is undefined).
//! In a q8_0 cache each block of 32 elements of a head's vector (the last may be shorter) has a scale `d = max|x| / 127`
//! and bytes `q = round(x / d)`, half to even; an element is `q * d`. There is none on the GPU.

use half::f16;

#[cfg(feature = "gpu")]
use crate::error::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{Buffer, Recorder};

use super::dim;
use crate::ops::{CacheShape, CacheType, HeadLayout};

/// Shape of the operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Params {
    /// Query heads (they come first in a row and are skipped).
    pub n_head: u32,
    /// Key/value heads.
    pub n_head_kv: u32,
    /// Elements of a head; even.
    pub head_dim: u32,
    /// Positions of the cache.
    pub n_ctx: u32,
}

impl Params {
    /// The operation for a cache of `n_ctx` positions.
    pub fn new(heads: HeadLayout, n_ctx: usize) -> Self {
        Self {
            n_head: dim(heads.n_head),
            n_head_kv: dim(heads.n_head_kv),
            head_dim: dim(heads.head_dim),
            n_ctx: dim(n_ctx),
        }
    }
}

/// The cache of one layer in host memory.
#[derive(Debug, Clone)]
pub struct CpuCache {
    /// Its shape.
    pub shape: CacheShape,
    k: Plane,
    v: Plane,
}

/// Vectors `[n_head_kv, n_ctx]` of `head_dim` elements.
#[derive(Debug, Clone)]
enum Plane {
    F16(Vec<f16>),
    F32(Vec<f32>),
    /// Bytes, and the scale of each block.
    Q8_0(Vec<i8>, Vec<f32>),
}

impl Plane {
    fn new(shape: CacheShape) -> Self {
        let vectors = shape.n_head_kv * shape.n_ctx;
        let len = vectors * shape.head_dim;
        match shape.dtype {
            CacheType::F16 => Plane::F16(vec![f16::ZERO; len]),
            CacheType::F32 => Plane::F32(vec![0.0; len]),
            CacheType::Q8_0 => Plane::Q8_0(vec![0; len], vec![0.0; vectors * blocks(shape.head_dim)]),
        }
    }

    fn write(&mut self, vector: usize, values: &[f32]) {
        let at = vector * values.len();
        match self {
            Plane::F16(plane) => {
                let max = f16::MAX.to_f32();
                for (slot, v) in plane[at..at + values.len()].iter_mut().zip(values) {
                    *slot = f16::from_f32(v.clamp(-max, max));
                }
            }
            Plane::F32(plane) => plane[at..at + values.len()].copy_from_slice(values),
            Plane::Q8_0(bytes, scales) => {
                let bytes = bytes[at..at + values.len()].chunks_mut(CacheType::BLOCK);
                let scales = &mut scales[vector * blocks(values.len())..];
                for ((values, bytes), d) in values.chunks(CacheType::BLOCK).zip(bytes).zip(scales) {
                    *d = quantize(bytes, values);
                }
            }
        }
    }

    fn read(&self, vector: usize, out: &mut [f32]) {
        let at = vector * out.len();
        match self {
            Plane::F16(plane) => {
                for (o, v) in out.iter_mut().zip(&plane[at..]) {
                    *o = v.to_f32();
                }
            }
            Plane::F32(plane) => out.copy_from_slice(&plane[at..at + out.len()]),
            Plane::Q8_0(bytes, scales) => {
                let scales = &scales[vector * blocks(out.len())..];
                for (i, (o, q)) in out.iter_mut().zip(&bytes[at..]).enumerate() {
                    *o = f32::from(*q) * scales[i / CacheType::BLOCK];
                }
            }
        }
    }
}

/// Blocks of a head's vector in a q8_0 cache.
fn blocks(head_dim: usize) -> usize {
    head_dim.div_ceil(CacheType::BLOCK)
}

/// Writes the bytes of one block and returns its scale. An element that is not finite makes the scale not finite and the
/// bytes zero: all elements of the block read as NaN, so that the fault shows.
fn quantize(bytes: &mut [i8], values: &[f32]) -> f32 {
    // As integers, the absolute values are ordered as the numbers are, with infinity and NaN above.
    let max = values.iter().map(|v| v.abs().to_bits()).max().unwrap_or(0);
    let d = f32::from_bits(max) / 127.0;
    let usable = d > 0.0 && d.is_finite();
    for (q, v) in bytes.iter_mut().zip(values) {
        // Beyond 127 only where the scale is subnormal.
        *q = if usable {
            (v / d).round_ties_even().clamp(-127.0, 127.0) as i8
        } else {
            0
        };
    }
    d
}

impl CpuCache {
    /// A zeroed cache.
    pub fn new(shape: CacheShape) -> Self {
        Self {
            shape,
            k: Plane::new(shape),
            v: Plane::new(shape),
        }
    }

    /// The key of `head` at `pos`, decoded into `out [head_dim]`.
    pub fn key(&self, head: usize, pos: usize, out: &mut [f32]) {
        self.k.read(self.vector(head, pos), out);
    }

    /// The value of `head` at `pos`, decoded into `out [head_dim]`.
    pub fn value(&self, head: usize, pos: usize, out: &mut [f32]) {
        self.v.read(self.vector(head, pos), out);
    }

    fn vector(&self, head: usize, pos: usize) -> usize {
        head * self.shape.n_ctx + pos
    }
}

/// The cache of one layer in GPU memory: vectors `[n_head_kv, n_ctx]`, whose elements count by fours.
#[cfg(feature = "gpu")]
#[derive(Debug)]
pub struct GpuCache {
    /// Its shape.
    pub shape: CacheShape,
    /// Elements of the keys.
    pub keys: Buffer,
    /// Elements of the values.
    pub values: Buffer,
    /// Of a q8_0 cache: one f32 for each block of each vector, of the keys first, then of the values.
    pub scales: Option<Buffer>,
}

#[cfg(feature = "gpu")]
impl GpuCache {
    /// A zeroed cache.
    pub fn new(rec: &mut Recorder, shape: CacheShape) -> Result<Self> {
        let scales = shape.scale_bytes();
        let bytes = shape.plane_bytes() - scales;
        Ok(Self {
            shape,
            keys: rec.buffer("keys", bytes)?,
            values: rec.buffer("values", bytes)?,
            scales: match scales {
                0 => None,
                _ => Some(rec.buffer("scales of keys and values", 2 * scales)?),
            },
        })
    }
}

/// Reference: `qkv [T, (n_head + 2*n_head_kv) * head_dim]`, row t goes to position `pos + t`.
pub fn cpu(p: &Params, pos: usize, cache: &mut CpuCache, qkv: &[f32]) {
    let (n_head, n_head_kv, dim) = (p.n_head as usize, p.n_head_kv as usize, p.head_dim as usize);
    for (t, row) in qkv.chunks_exact((n_head + 2 * n_head_kv) * dim).enumerate() {
        let (keys, values) = row[n_head * dim..].split_at(n_head_kv * dim);
        for h in 0..n_head_kv {
            let vector = cache.vector(h, pos + t);
            cache.k.write(vector, &keys[h * dim..][..dim]);
            cache.v.write(vector, &values[h * dim..][..dim]);
        }
    }
}
