//! Keys and values of one layer: f32, f16 or q8_0, written with SIMD, read by [`attention`](super::attention).
//!
//! A plane holds the vectors `[heads, n_ctx]`, each in units of 16 elements, the last one filled up with zeros. The numbers
//! are those of the reference (`kernels::kv_write`): half precision is rounded to nearest even and clamped to the finite
//! range; a q8_0 block of 32 has the scale `max|x| / 127`.

use super::simd::{Level, Simd, kernel};
use super::vector::load_16;
use crate::error::{Error, Result};
use crate::ops::{CacheShape, CacheType, HeadLayout};

/// Elements of a unit.
pub(super) const UNIT: usize = 16;

/// Units that share a scale in a q8_0 plane.
pub(super) const UNITS_PER_BLOCK: usize = CacheType::BLOCK / UNIT;

/// See the module's documentation.
#[derive(Debug, Clone)]
pub struct Cache {
    shape: CacheShape,
    pub(super) keys: Plane,
    pub(super) values: Plane,
    /// The first position whose key or value has a NaN that the plane cannot hold, if there is one.
    nan_from: Option<usize>,
}

/// One of the two halves of a cache.
#[derive(Debug, Clone)]
pub(super) enum Plane {
    F32(Vec<[f32; UNIT]>),
    /// IEEE half precision.
    F16(Vec<[u16; UNIT]>),
    /// Bytes, and the scale of each block.
    Q8_0(Vec<[i8; UNIT]>, Vec<f32>),
}

impl Cache {
    /// A zeroed cache.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when memory is short.
    pub fn new(shape: CacheShape) -> Result<Self> {
        let bytes = usize::try_from(shape.plane_bytes().saturating_mul(2)).unwrap_or(usize::MAX);
        let mut probe: Vec<u8> = Vec::new();
        probe.try_reserve_exact(bytes).map_err(|_| Error::TooLarge {
            what: "keys and values".into(),
            needed: bytes as u64,
            available: 0,
            hint: "the allocator refused: choose a smaller model or context".into(),
        })?; // an error now, instead of an abort below
        drop(probe);
        Ok(Self {
            shape,
            keys: Plane::new(shape),
            values: Plane::new(shape),
            nan_from: None,
        })
    }

    /// Its shape.
    pub fn shape(&self) -> CacheShape {
        self.shape
    }

    /// Units of a vector.
    pub(super) fn units(&self) -> usize {
        self.shape.head_dim.div_ceil(UNIT)
    }

    /// Number of the vector of `head` at `pos`.
    pub(super) fn vector(&self, head: usize, pos: usize) -> usize {
        head * self.shape.n_ctx + pos
    }

    /// Whether what a query at `last` reads holds a NaN that the planes do not show.
    pub(super) fn hides_nan(&self, last: usize) -> bool {
        self.nan_from.is_some_and(|from| from <= last)
    }
}

impl Plane {
    fn new(shape: CacheShape) -> Self {
        let vectors = shape.n_head_kv * shape.n_ctx;
        let units = vectors * shape.head_dim.div_ceil(UNIT);
        match shape.dtype {
            CacheType::F32 => Plane::F32(vec![[0.0; UNIT]; units]),
            CacheType::F16 => Plane::F16(vec![[0; UNIT]; units]),
            CacheType::Q8_0 => Plane::Q8_0(
                vec![[0; UNIT]; units],
                vec![0.0; vectors * shape.head_dim.div_ceil(CacheType::BLOCK)],
            ),
        }
    }

    /// Stores one vector; true where it has a NaN that the plane cannot hold.
    #[inline(always)]
    fn write<S: Simd>(&mut self, vector: usize, x: &[f32]) -> bool {
        let units = x.len().div_ceil(UNIT);
        let (whole, rest) = x.as_chunks::<UNIT>();
        let padded = |u: usize| {
            whole.get(u).copied().unwrap_or_else(|| {
                let mut unit = [0.0; UNIT];
                unit[..rest.len()].copy_from_slice(rest);
                unit
            })
        };
        match self {
            Plane::F32(plane) => {
                for (u, out) in plane[vector * units..][..units].iter_mut().enumerate() {
                    *out = padded(u);
                }
                false
            }
            Plane::F16(plane) => {
                let mut nan = false;
                for (u, out) in plane[vector * units..][..units].iter_mut().enumerate() {
                    let unit = padded(u);
                    nan |= unit.iter().any(|v| v.is_nan());
                    halves::<S>(out, &unit);
                }
                nan
            }
            Plane::Q8_0(bytes, scales) => {
                let blocks = units.div_ceil(UNITS_PER_BLOCK);
                let bytes = bytes[vector * units..][..units].chunks_mut(UNITS_PER_BLOCK);
                for (b, (out, d)) in bytes.zip(&mut scales[vector * blocks..][..blocks]).enumerate() {
                    let mut block = [[0.0; UNIT]; UNITS_PER_BLOCK];
                    for (i, unit) in block.iter_mut().take(out.len()).enumerate() {
                        *unit = padded(b * UNITS_PER_BLOCK + i);
                    }
                    *d = quantize::<S>(out, &block);
                }
                false
            }
        }
    }
}

/// Half precision, to nearest even, clamped to the finite range; NaN becomes one.
#[inline(always)]
fn halves<S: Simd>(out: &mut [u16; UNIT], x: &[f32; UNIT]) {
    let v = load_16::<S>(x).map(half::<S>);
    let bytes = bytemuck::bytes_of_mut(out);
    S::store(bytes, 0, S::narrow_i32(v[0], v[1]));
    S::store(bytes, 16, S::narrow_i32(v[2], v[3]));
}

/// The bits of half precision, sign-extended (for the narrowing to 16 bits, which clamps).
#[inline(always)]
fn half<S: Simd>(x: S::V) -> S::V {
    let bits = S::abs(x);
    let sign = S::xor(x, bits);
    let max = S::splat_i32(0x477f_e000); // 65504
    let finite = S::select(S::gt_i32(bits, max), max, bits);
    // Normal in half precision: the exponent's bias is 112 less, 13 bits go, rounded to even by what is added.
    let odd = S::and(S::shr_u32::<13>(finite), S::splat_i32(1));
    let bias = S::splat_i32(0xfff - (112 << 23));
    let normal = S::shr_u32::<13>(S::add_i32(S::add_i32(finite, bias), odd));
    // Subnormal: the adder rounds, if 0.5 is added, whose last bit is worth 2^-24.
    let subnormal = S::sub_i32(S::add(finite, S::splat_f32(0.5)), S::splat_f32(0.5));
    let is_normal = S::gt_i32(finite, S::splat_i32((113 << 23) - 1));
    let magnitude = S::select(is_normal, normal, subnormal);
    let is_nan = S::gt_i32(bits, S::splat_i32(0x7f80_0000));
    let magnitude = S::select(is_nan, S::splat_i32(0x7e00), magnitude);
    S::or(magnitude, S::shr_i32::<16>(sign))
}

/// One block of q8_0; returns its scale. What is not finite makes the scale so, and the bytes zero.
#[inline(always)]
fn quantize<S: Simd>(out: &mut [[i8; UNIT]], block: &[[f32; UNIT]; UNITS_PER_BLOCK]) -> f32 {
    let d = f32::from_bits(max_bits::<S>(block) as u32) / 127.0;
    let usable = d > 0.0 && d.is_finite();
    let (by, limit) = (S::splat_f32(d), S::splat_f32(127.0));
    for (out, x) in out.iter_mut().zip(block) {
        *out = [0; UNIT];
        if usable {
            let q = load_16::<S>(x).map(|x| {
                let q = S::round(S::div(x, by));
                // Beyond 127 only where the scale is subnormal.
                S::to_int(S::max(S::min(q, limit), S::sub(S::splat_f32(0.0), limit)))
            });
            let v = S::narrow_i16(S::narrow_i32(q[0], q[1]), S::narrow_i32(q[2], q[3]));
            S::store(bytemuck::bytes_of_mut(out), 0, v);
        }
    }
    d
}

/// The bits of the largest absolute value: ordered as the numbers are, with infinity and NaN above.
#[inline(always)]
pub(super) fn max_bits<S: Simd>(units: &[[f32; UNIT]]) -> i32 {
    let mut max = S::splat_i32(0);
    for unit in units {
        for v in load_16::<S>(unit) {
            let bits = S::abs(v);
            max = S::select(S::gt_i32(bits, max), bits, max);
        }
    }
    S::to_i32(max).into_iter().fold(0, i32::max)
}

/// Stores keys and values of `qkv [T, heads.cols()]`, row t at position `pos + t`.
///
/// # Errors
/// [`Error::Internal`] for positions or heads that the cache does not have.
pub fn kv_write(level: Level, cache: &mut Cache, qkv: &[f32], pos: usize, heads: HeadLayout) -> Result<()> {
    let (end, shape) = (pos + qkv.len() / heads.cols(), cache.shape);
    if end > shape.n_ctx || heads.n_head_kv != shape.n_head_kv || heads.head_dim != shape.head_dim {
        return Err(Error::internal(format!(
            "position {end} of {heads:?} in a cache of {shape:?}"
        )));
    }
    // Positions from `pos` on are written again before they are read.
    cache.nan_from = cache.nan_from.filter(|from| *from < pos);
    write(level, cache, qkv, pos, heads);
    Ok(())
}

kernel! {
    fn write<'a, S>(cache: &'a mut Cache, qkv: &'a [f32], pos: usize, heads: HeadLayout) {
        let dim = heads.head_dim;
        for (t, row) in qkv.chunks_exact(heads.cols()).enumerate() {
            let (keys, values) = row[heads.n_head * dim..].split_at(heads.n_head_kv * dim);
            for h in 0..heads.n_head_kv {
                let vector = cache.vector(h, pos + t);
                let nan = cache.keys.write::<S>(vector, &keys[h * dim..][..dim])
                    | cache.values.write::<S>(vector, &values[h * dim..][..dim]);
                if nan && cache.nan_from.is_none() {
                    cache.nan_from = Some(pos + t);
                }
            }
        }
    }
}
