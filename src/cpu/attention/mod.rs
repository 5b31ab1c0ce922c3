//! Attention with an online softmax: blocks of keys are read once, whatever the length of the context, and nothing is kept
//! but the running maximum, sum and result of each query (Milakov and Gimelshein, arXiv 1805.02867).
//!
//! A query's result depends on its own row and the cache alone: not on the rows beside it, the level or the shards. So a
//! prompt gives the same bits in chunks of any size. The queries that share keys go through a block together, in pairs.

mod query;
mod sums;

use std::ops::Range;

use self::query::Query;
use self::sums::{add_values, scores};
use super::cache::Cache;
use super::simd::{Level, Simd, kernel};
use crate::error::{Error, Result};
use crate::ops::AttentionShape;

/// Elements of the largest head.
pub const MAX_HEAD_DIM: usize = 256;

/// Keys of a block: their scores fit into registers and their vectors into the nearest cache.
const BLOCK: usize = 64;

/// Queries that go through the cache together.
const TILE: usize = 8;

/// `out [T, n_head * head_dim]` from the queries of `qkv [T, heads.cols()]`, row t at position `pos + t`. Their keys
/// and values must have been written before.
///
/// # Errors
/// [`Error::Internal`] for positions or heads that the cache does not have, or heads beyond [`MAX_HEAD_DIM`].
pub fn attention(
    level: Level,
    out: &mut [f32],
    qkv: &[f32],
    cache: &Cache,
    pos: usize,
    shape: &AttentionShape,
) -> Result<()> {
    let held = cache.shape();
    let end = pos + qkv.len() / shape.heads.cols();
    let dim = shape.heads.head_dim;
    if end > held.n_ctx || shape.heads.n_head_kv != held.n_head_kv || dim != held.head_dim || dim > MAX_HEAD_DIM {
        return Err(Error::internal(format!(
            "position {end} of {shape:?} in a cache of {held:?}"
        )));
    }
    run(level, out, qkv, cache, pos, shape);
    Ok(())
}

kernel! {
    fn run<'a, S>(
        out: &'a mut [f32],
        qkv: &'a [f32],
        cache: &'a Cache,
        pos: usize,
        shape: &'a AttentionShape,
    ) {
        let heads = shape.heads;
        let (dim, rows) = (heads.head_dim, qkv.len() / heads.cols());
        let mut tile: [Query; TILE] = std::array::from_fn(|_| Query::EMPTY);
        let group = heads.n_head / heads.n_head_kv;
        for kv in 0..heads.n_head_kv {
            // The queries of one row see the same keys: they come first.
            let mut first = 0;
            while first < rows * group {
                let count = TILE.min(rows * group - first);
                let place = |i: usize| ((first + i) / group, kv * group + (first + i) % group);
                for (i, query) in tile.iter_mut().take(count).enumerate() {
                    let (t, h) = place(i);
                    let last = pos + t;
                    let from = (last + 1).saturating_sub(shape.window.unwrap_or(usize::MAX));
                    let q = &qkv[t * heads.cols() + h * dim..][..dim];
                    query.prepare::<S>(q, shape.scale, cache.shape().dtype, from..last + 1);
                }
                attend::<S>(&mut tile[..count], cache, kv);
                for (i, query) in tile.iter().take(count).enumerate() {
                    let (t, h) = place(i);
                    let out = &mut out[(t * heads.n_head + h) * dim..][..dim];
                    query.finish(out, cache.shape().dtype);
                    if cache.hides_nan(pos + t) {
                        out.fill(f32::NAN);
                    }
                }
                first += count;
            }
        }
    }
}

/// Takes the queries of a tile through the keys that they see.
#[inline(always)]
fn attend<S: Simd>(tile: &mut [Query], cache: &Cache, head: usize) {
    // Rows ascend, so the first query begins first and the last one ends last.
    let (Some(first), Some(last)) = (tile.first(), tile.last()) else {
        return;
    };
    let (start, end) = (first.keys.start / BLOCK, last.keys.end.div_ceil(BLOCK));
    for block in start..end {
        let block = block * BLOCK..(block + 1) * BLOCK;
        for pair in tile.chunks_mut(2) {
            match pair {
                [a, b] if a.within(&block) == b.within(&block) => step::<S, 2>([a, b], cache, head, &block),
                _ => {
                    for query in pair {
                        step::<S, 1>([query], cache, head, &block);
                    }
                }
            }
        }
    }
}

/// One block of keys and values for queries that see the same part of it.
#[inline(always)]
fn step<S: Simd, const N: usize>(mut queries: [&mut Query; N], cache: &Cache, head: usize, block: &Range<usize>) {
    let seen = queries[0].within(block);
    if seen.is_empty() {
        return;
    }
    let vectors = cache.vector(head, seen.start)..cache.vector(head, seen.end);
    let mut weights = [[0.0; BLOCK]; N];
    scores::<S, N>(&cache.keys, &vectors, cache.units(), &queries, &mut weights);
    for (query, weights) in queries.iter_mut().zip(&mut weights) {
        query.soften::<S>(weights, seen.len(), cache.shape().dtype);
    }
    add_values::<S, N>(&cache.values, &vectors, cache.units(), &mut queries, &weights);
}
