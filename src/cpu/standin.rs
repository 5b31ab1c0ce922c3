//! Stands in for the rooms `vector`, `cache` and `attention` until they are here: the kernels' plain twins. To be deleted.

pub mod vector {
    use std::ops::Range;

    use crate::cpu::simd::Level;
    use crate::kernels::{dim, head_norm as h, rms_norm as r, rope as o, silu_mul as s, top_k as k};
    use crate::ops::{HeadLayout, RopeShape, TopK};

    pub fn rms_norm(_: Level, out: &mut [f32], x: &[f32], gain: &[f32], eps: f32) {
        let cols = dim(gain.len());
        r::cpu(&r::Params { cols, eps }, out, x, gain);
    }

    pub fn head_norm(
        _: Level,
        qkv: &mut [f32],
        heads: HeadLayout,
        _: Range<usize>,
        q_gain: &[f32],
        k_gain: &[f32],
        eps: f32,
    ) {
        let p = h::Params {
            n_head: dim(heads.n_head),
            n_head_kv: dim(heads.n_head_kv),
            head_dim: dim(heads.head_dim),
            eps,
        };
        h::cpu(&p, qkv, q_gain, k_gain);
    }

    pub fn rope(_: Level, qkv: &mut [f32], table: &[f32], pos: usize, shape: RopeShape, _: Range<usize>) {
        o::cpu(&o::Params::from(&shape), pos, qkv, table);
    }

    pub fn silu_mul(_: Level, out: &mut [f32], gate: &[f32], up: &[f32]) {
        let n_ff = dim(out.len());
        s::cpu(&s::Params { n_ff }, out, &[gate, up].concat());
    }

    pub fn add(_: Level, out: &mut [f32], x: &[f32]) {
        out.iter_mut().zip(x).for_each(|(o, x)| *o += x);
    }

    pub fn add_bias(_: Level, out: &mut [f32], bias: &[f32]) {
        for row in out.chunks_exact_mut(bias.len()) {
            row.iter_mut().zip(bias).for_each(|(o, b)| *o += b);
        }
    }

    pub fn top_k(_: Level, logits: &[f32], k: usize) -> TopK {
        let n_vocab = dim(logits.len());
        k::cpu(&k::Params { n_vocab, k: dim(k) }, logits)
    }
}

pub mod cache {
    use std::ops::Range;

    use crate::cpu::simd::Level;
    use crate::error::{Error, Result};
    use crate::kernels::kv_write::{self, CpuCache};
    use crate::ops::{CacheShape, HeadLayout};

    pub struct Cache(pub CpuCache);

    impl Cache {
        pub fn new(shape: CacheShape) -> Result<Self> {
            Ok(Self(CpuCache::new(shape)))
        }
    }

    pub fn kv_write(
        _: Level,
        cache: &mut Cache,
        qkv: &[f32],
        pos: usize,
        heads: HeadLayout,
        _: Range<usize>,
    ) -> Result<()> {
        let (end, n_ctx) = (pos + qkv.len() / heads.cols(), cache.0.shape.n_ctx);
        if end > n_ctx {
            return Err(Error::internal(format!("position {end} in a cache of {n_ctx}")));
        }
        kv_write::cpu(&kv_write::Params::new(heads, n_ctx), pos, &mut cache.0, qkv);
        Ok(())
    }
}

pub mod attention {
    use std::ops::Range;

    use super::cache::Cache;
    use crate::cpu::simd::Level;
    use crate::error::Result;
    use crate::kernels::attention as a;
    use crate::ops::AttentionShape;

    pub fn attention(
        _: Level,
        out: &mut [f32],
        qkv: &[f32],
        cache: &Cache,
        pos: usize,
        shape: &AttentionShape,
        _: Range<usize>,
    ) -> Result<()> {
        let p = a::Params::new(shape, cache.0.shape.n_ctx);
        a::cpu(&p, pos, out, qkv, &cache.0);
        Ok(())
    }
}
