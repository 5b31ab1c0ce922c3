//! Twins: the key/value cache and attention over it, on the GPU against the CPU reference.

use kinglet::gpu::Recorder;
use kinglet::kernels::kv_write::{CpuCache, GpuCache};
use kinglet::kernels::{Style, attention, kv_write};
use kinglet::ops::{AttentionShape, CacheShape, CacheType, HeadLayout};

use crate::gpu_support::{Bound, F32_SUM, assert_agree, download, recorder, upload, values};
use crate::support::{Rng, count};

/// Keys and values are rounded to f16 (2^-11) on both sides, but a GPU may round the other way: half an ulp of f16 per
/// value, averaged over keys, and the effect of such a difference in a score.
const F16_CACHE: Bound = Bound { nmse: 1e-6, max: 1e-2 };

/// f32 sums over thousands of keys whose values cancel: the error of the sum is relative to its terms, not to itself.
const F32_CACHE: Bound = Bound { nmse: 1e-10, max: 1e-4 };

struct Case {
    heads: HeadLayout,
    n_ctx: usize,
    window: Option<usize>,
    dtype: CacheType,
}

/// Fills the cache with `n_ctx - rows` positions in chunks, then attends from the last `rows`: the full context.
fn check(rec: &mut Recorder, rng: &mut Rng, case: &Case, rows: usize) {
    let Case {
        heads,
        n_ctx,
        window,
        dtype,
    } = *case;
    let shape = CacheShape {
        n_ctx,
        n_head_kv: heads.n_head_kv,
        head_dim: heads.head_dim,
        dtype,
    };
    let mut on_gpu = GpuCache::new(rec, shape).expect("cache");
    let mut on_cpu = CpuCache::new(shape);
    let write = kv_write::Params::new(heads, n_ctx);
    let mut pos = 0;
    let mut qkv = Vec::new();
    while pos < n_ctx {
        let chunk = if pos + rows >= n_ctx {
            n_ctx - pos
        } else {
            17.min(n_ctx - rows - pos)
        };
        qkv = values(rng, chunk * heads.cols());
        // Scores of realistic size: with raw outliers softmax would always pick a single key.
        qkv.iter_mut().for_each(|v| *v = v.clamp(-4.0, 4.0) * 0.7);
        let x = upload(rec, chunk, heads.cols(), &qkv);
        rec.begin(pos, &[]).expect("begins");
        kv_write::gpu(rec, &write, &mut on_gpu, &x).expect("records");
        kv_write::cpu(&write, pos, &mut on_cpu, &qkv);
        pos += chunk;
    }
    let rows = qkv.len() / heads.cols();
    let x = upload(rec, rows, heads.cols(), &qkv);
    let mut out = rec.tensor("out", rows, heads.n_head * heads.head_dim).expect("tensor");
    let scale = 1.0 / (heads.head_dim as f32).sqrt();
    let p = attention::Params::new(&AttentionShape { heads, scale, window }, n_ctx);
    rec.begin(n_ctx - rows, &[]).expect("begins");
    attention::gpu(rec, &p, &mut out, &x, &on_gpu).expect("records");
    let mut want = vec![0.0; rows * heads.n_head * heads.head_dim];
    attention::cpu(&p, n_ctx - rows, &mut want, &qkv, &on_cpu);
    let bound = match dtype {
        CacheType::F16 => F16_CACHE,
        CacheType::F32 => F32_CACHE,
        CacheType::Q8_0 => unreachable!("not on the GPU"),
    };
    let style = rec.device().style();
    let what = format!("attention {style:?} {dtype:?} {heads:?} n_ctx {n_ctx} window {window:?} rows {rows}");
    assert_agree(&what, &download(rec, &out), &want, bound);
}

#[test]
fn attention_agrees_over_shapes_windows_and_cache_types() {
    let mut rng = Rng(11);
    for style in Style::ALL {
        let mut rec = recorder(style);
        for dtype in [CacheType::F16, CacheType::F32] {
            for (n_head, n_head_kv, head_dim) in [(4, 4, 96), (6, 2, 128), (8, 4, 8), (3, 1, 6), (2, 2, 256)] {
                let heads = HeadLayout {
                    n_head,
                    n_head_kv,
                    head_dim,
                };
                for (n_ctx, window) in [
                    (1, None),
                    (64, None),
                    (65, Some(64)),
                    (131, None),
                    (131, Some(31)),
                    (131, Some(1)),
                ] {
                    for rows in [1, 5] {
                        if rows <= n_ctx {
                            check(
                                &mut rec,
                                &mut rng,
                                &Case {
                                    heads,
                                    n_ctx,
                                    window,
                                    dtype,
                                },
                                rows,
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn attention_agrees_at_a_full_long_context() {
    let n_ctx = count(4096, 131_072);
    let heads = HeadLayout {
        n_head: 2,
        n_head_kv: 1,
        head_dim: 96,
    };
    let mut rng = Rng(12);
    for style in Style::ALL {
        let mut rec = recorder(style);
        for dtype in [CacheType::F16, CacheType::F32] {
            check(
                &mut rec,
                &mut rng,
                &Case {
                    heads,
                    n_ctx,
                    window: None,
                    dtype,
                },
                1,
            );
            check(
                &mut rec,
                &mut rng,
                &Case {
                    heads,
                    n_ctx,
                    window: Some(2047),
                    dtype,
                },
                3,
            );
        }
    }
}

#[test]
fn attention_survives_extreme_scores() {
    // Scores of +-2000: exp() of a raw score would overflow; the running maximum must carry it.
    let heads = HeadLayout {
        n_head: 1,
        n_head_kv: 1,
        head_dim: 8,
    };
    let n_ctx = 70;
    for style in Style::ALL {
        let mut rec = recorder(style);
        let shape = CacheShape {
            n_ctx,
            n_head_kv: 1,
            head_dim: 8,
            dtype: CacheType::F32,
        };
        let (mut on_gpu, mut on_cpu) = (GpuCache::new(&mut rec, shape).expect("cache"), CpuCache::new(shape));
        let rows: Vec<f32> = (0..n_ctx)
            .flat_map(|t| {
                let k = (t as f32 - 35.0) * 7.0;
                [[1.0; 8], [k; 8], [t as f32; 8]].concat()
            })
            .collect();
        let x = upload(&mut rec, n_ctx, heads.cols(), &rows);
        let mut out = rec.tensor("out", n_ctx, 8).expect("tensor");
        let write = kv_write::Params::new(heads, n_ctx);
        let p = attention::Params::new(
            &AttentionShape {
                heads,
                scale: 1.0,
                window: None,
            },
            n_ctx,
        );
        rec.begin(0, &[]).expect("begins");
        kv_write::gpu(&mut rec, &write, &mut on_gpu, &x).expect("records");
        attention::gpu(&mut rec, &p, &mut out, &x, &on_gpu).expect("records");
        kv_write::cpu(&write, 0, &mut on_cpu, &rows);
        let mut want = vec![0.0; n_ctx * 8];
        attention::cpu(&p, 0, &mut want, &rows, &on_cpu);
        assert_agree(&format!("{style:?}"), &download(&mut rec, &out), &want, F32_SUM);
    }
}

#[test]
fn half_precision_cache_clamps_instead_of_overflowing() {
    let heads = HeadLayout {
        n_head: 1,
        n_head_kv: 1,
        head_dim: 2,
    };
    let shape = CacheShape {
        n_ctx: 1,
        n_head_kv: 1,
        head_dim: 2,
        dtype: CacheType::F16,
    };
    let row = [0.0, 0.0, 0.0, 0.0, 1e6, -1e6];
    let mut rec = recorder(Style::Tree);
    let mut cache = GpuCache::new(&mut rec, shape).expect("cache");
    let x = upload(&mut rec, 1, 6, &row);
    let mut out = rec.tensor("out", 1, 2).expect("tensor");
    rec.begin(0, &[]).expect("begins");
    kv_write::gpu(&mut rec, &kv_write::Params::new(heads, 1), &mut cache, &x).expect("records");
    let p = attention::Params::new(
        &AttentionShape {
            heads,
            scale: 1.0,
            window: None,
        },
        1,
    );
    attention::gpu(&mut rec, &p, &mut out, &x, &cache).expect("records");
    assert_eq!(download(&mut rec, &out), [65504.0, -65504.0]);
}
