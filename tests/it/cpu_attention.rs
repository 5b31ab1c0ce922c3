//! The fast cache and attention against the references, every level against plain Rust, and what must not change a bit:
//! the rows beside a row, the size of a chunk, the shard.

use half::f16;
use kinglet::cpu::attention::attention;
use kinglet::cpu::cache::{Cache, kv_write};
use kinglet::cpu::simd::Level;
use kinglet::kernels;
use kinglet::kernels::kv_write::CpuCache;
use kinglet::ops::{AttentionShape, CacheShape, CacheType, HeadLayout};

use crate::cpu_vector::{assert_within, every_level};
use crate::support::{Rng, count};

/// Both sides store the same numbers; what differs is f32 against f64 sums, `exp`, and for q8_0 a query in 16 bits.
/// Relative to the largest element of the head's result.
fn tolerance(dtype: CacheType) -> f32 {
    match dtype {
        CacheType::F16 | CacheType::F32 => 2e-5,
        CacheType::Q8_0 => 1e-3,
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    heads: HeadLayout,
    n_ctx: usize,
    window: Option<usize>,
    dtype: CacheType,
}

impl Case {
    fn cache(&self) -> CacheShape {
        CacheShape {
            n_ctx: self.n_ctx,
            n_head_kv: self.heads.n_head_kv,
            head_dim: self.heads.head_dim,
            dtype: self.dtype,
        }
    }

    fn shape(&self) -> AttentionShape {
        let scale = 1.0 / (self.heads.head_dim as f32).sqrt();
        AttentionShape {
            heads: self.heads,
            scale,
            window: self.window,
        }
    }

    /// All positions in chunks of `chunk` rows: the results of all rows.
    fn fast(&self, level: Level, qkv: &[f32], chunk: usize) -> Vec<f32> {
        let mut cache = Cache::new(self.cache()).unwrap();
        let mut out = vec![f32::NAN; qkv.len() / self.heads.cols() * self.heads.n_head * self.heads.head_dim];
        let outs = out.chunks_mut(chunk * self.heads.n_head * self.heads.head_dim);
        for (i, (out, qkv)) in outs.zip(qkv.chunks(chunk * self.heads.cols())).enumerate() {
            kv_write(level, &mut cache, qkv, i * chunk, self.heads).unwrap();
            attention(level, out, qkv, &cache, i * chunk, &self.shape()).unwrap();
        }
        out
    }

    fn reference(&self, qkv: &[f32], first: usize) -> Vec<f32> {
        let mut cache = CpuCache::new(self.cache());
        kernels::kv_write::cpu(
            &kernels::kv_write::Params::new(self.heads, self.n_ctx),
            0,
            &mut cache,
            qkv,
        );
        let qkv = &qkv[first * self.heads.cols()..];
        let mut out = vec![0.0; qkv.len() / self.heads.cols() * self.heads.n_head * self.heads.head_dim];
        let p = kernels::attention::Params::new(&self.shape(), self.n_ctx);
        kernels::attention::cpu(&p, first, &mut out, qkv, &cache);
        out
    }

    fn check(&self, qkv: &[f32], chunk: usize, slack: f32) {
        let got = every_level("attention", |level| self.fast(level, qkv, chunk));
        let want = self.reference(qkv, 0);
        let heads = got.chunks(self.heads.head_dim).zip(want.chunks(self.heads.head_dim));
        for (i, (got, want)) in heads.enumerate() {
            assert_within(
                &format!("{self:?} chunk {chunk} head {i}"),
                got,
                want,
                tolerance(self.dtype) * slack,
            );
        }
    }
}

fn heads(n_head: usize, n_head_kv: usize, head_dim: usize) -> HeadLayout {
    HeadLayout {
        n_head,
        n_head_kv,
        head_dim,
    }
}

/// Scores of realistic size: with raw outliers softmax would always pick a single key.
fn rows(rng: &mut Rng, n: usize, heads: HeadLayout) -> Vec<f32> {
    (0..n * heads.cols())
        .map(|_| rng.activation().clamp(-4.0, 4.0) * 0.7)
        .collect()
}

#[test]
fn attention_agrees_over_shapes_windows_and_cache_types() {
    let mut rng = Rng(401);
    let shapes = [
        (3, 1, 6),
        (8, 4, 8),
        (2, 2, 32),
        (6, 3, 64),
        (4, 4, 80),
        (4, 2, 96),
        (12, 2, 128),
        (2, 1, 256),
    ];
    for dtype in CacheType::ALL {
        for (n_head, n_head_kv, dim) in shapes {
            let heads = heads(n_head, n_head_kv, dim);
            for (n_ctx, window) in [
                (1, None),
                (64, None),
                (65, Some(64)),
                (131, None),
                (150, Some(31)),
                (70, Some(1)),
            ] {
                let case = Case {
                    heads,
                    n_ctx,
                    window,
                    dtype,
                };
                let qkv = rows(&mut rng, n_ctx, heads);
                case.check(&qkv, [1, 5, 17][rng.below(3)], 1.0);
            }
        }
    }
}

/// What prefix reuse and chunks of any size rest on.
#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    let mut rng = Rng(402);
    for dtype in CacheType::ALL {
        for (heads, window) in [
            (heads(4, 4, 96), None),
            (heads(6, 2, 64), Some(50)),
            (heads(7, 1, 80), None),
        ] {
            let case = Case {
                heads,
                n_ctx: 200,
                window,
                dtype,
            };
            let qkv = rows(&mut rng, 200, heads);
            let one_by_one = case.fast(Level::best(), &qkv, 1);
            for chunk in [2, 3, 8, 33, 128, 200] {
                assert_eq!(case.fast(Level::best(), &qkv, chunk), one_by_one, "{case:?} {chunk}");
            }
        }
    }
}

/// A shard has its heads, and nothing else changes.
#[test]
fn heads_do_not_depend_on_each_other() {
    let (mut rng, n) = (Rng(403), 100);
    let whole = heads(6, 3, 96);
    let qkv = rows(&mut rng, n, whole);
    let shard = heads(2, 1, 96);
    for dtype in CacheType::ALL {
        let of = |heads| Case {
            heads,
            n_ctx: n,
            window: None,
            dtype,
        };
        let all = of(whole).fast(Level::best(), &qkv, 9);
        for s in 0..3 {
            let part = |row: &[f32]| {
                [
                    &row[s * 192..][..192],
                    &row[(6 + s) * 96..][..96],
                    &row[(9 + s) * 96..][..96],
                ]
                .concat()
            };
            let own: Vec<f32> = qkv.chunks(whole.cols()).flat_map(part).collect();
            let got = of(shard).fast(Level::best(), &own, 9);
            let want: Vec<f32> = all
                .chunks(6 * 96)
                .flat_map(|row| &row[s * 192..][..192])
                .copied()
                .collect();
            assert_eq!(got, want);
        }
    }
}

#[test]
fn attention_agrees_at_a_long_context() {
    let mut rng = Rng(404);
    let heads = heads(2, 1, 96);
    let n_ctx = count(3000, 131_072);
    let qkv = rows(&mut rng, n_ctx, heads);
    for dtype in CacheType::ALL {
        for window in [None, Some(2047)] {
            let case = Case {
                heads,
                n_ctx,
                window,
                dtype,
            };
            let mut cache = Cache::new(case.cache()).unwrap();
            let (level, first) = (Level::best(), n_ctx - 3);
            kv_write(level, &mut cache, &qkv, 0, heads).unwrap();
            let mut got = vec![0.0; 3 * 192];
            attention(
                level,
                &mut got,
                &qkv[first * heads.cols()..],
                &cache,
                first,
                &case.shape(),
            )
            .unwrap();
            let want = case.reference(&qkv, first);
            for (got, want) in got.chunks(96).zip(want.chunks(96)) {
                assert_within(&format!("{case:?}"), got, want, tolerance(dtype) * 2.0);
            }
        }
    }
}

#[test]
fn extreme_rows_agree() {
    let mut rng = Rng(405);
    let heads = heads(2, 1, 64);
    let n = 70;
    let zero = vec![0.0; n * heads.cols()];
    let mut with = |f: fn(usize, usize, f32) -> f32| -> Vec<f32> {
        let qkv = rows(&mut rng, n, heads);
        let at = |i: usize| (i / heads.cols(), i % heads.cols());
        qkv.iter().enumerate().map(|(i, v)| f(at(i).0, at(i).1, *v)).collect()
    };
    // Scores of thousands: exp() of a raw score would overflow.
    let loud = with(|_, c, v| if c < 192 { v * 40.0 } else { v });
    let tiny = with(|_, c, v| if c < 192 { v * 1e-20 } else { v * 1e-3 });
    let subnormal = with(|_, _, v| v * 1e-41);
    let growing = with(|t, c, v| if (128..192).contains(&c) { t as f32 * 0.3 } else { v });
    // The query alone is huge: one key gets it all.
    let query = with(|_, c, v| if c < 128 { v * 1e30 } else { v });
    for dtype in CacheType::ALL {
        let case = Case {
            heads,
            n_ctx: n,
            window: None,
            dtype,
        };
        for (name, qkv) in [
            ("loud", &loud),
            ("tiny", &tiny),
            ("subnormal", &subnormal),
            ("growing", &growing),
            ("zero", &zero),
        ] {
            println!("{name}");
            if name == "loud" && dtype == CacheType::Q8_0 {
                continue; // a query in 16 bits moves scores of thousands by tenths
            }
            // f32 scores of thousands are off by thousandths.
            case.check(qkv, 7, if name == "loud" { 100.0 } else { 1.0 });
        }
        if dtype != CacheType::Q8_0 {
            case.check(&query, 7, 1.0);
        }
        let huge = with_scale(&query, 1e30);
        let got = every_level("huge", |level| case.fast(level, &huge, 7));
        assert_eq!(got.len(), n * 128, "it returns");
    }
}

fn with_scale(x: &[f32], by: f32) -> Vec<f32> {
    x.iter().map(|v| v * by).collect()
}

/// What is not finite shows in the rows that see it, in these alone, and is gone when it is written over.
#[test]
fn nan_shows_and_goes() {
    let heads = heads(2, 1, 64);
    let mut rng = Rng(406);
    for dtype in CacheType::ALL {
        for (column, value) in [
            (5, f32::NAN),
            (128, f32::NAN),
            (190, f32::NAN),
            (255, f32::NAN),
            (60, f32::INFINITY),
        ] {
            let case = Case {
                heads,
                n_ctx: 90,
                window: None,
                dtype,
            };
            let good = rows(&mut rng, 90, heads);
            let mut bad = good.clone();
            bad[70 * heads.cols() + column] = value;
            let got = every_level("nan", |level| case.fast(level, &bad, 30));
            let row = |t: usize| &got[t * 128..][..128];
            assert!(
                (0..70).all(|t| row(t).iter().all(|v| v.is_finite())),
                "{dtype:?} {column}"
            );
            assert!(row(70).iter().any(|v| v.is_nan()), "{dtype:?} {column} {value}");

            let mut cache = Cache::new(case.cache()).unwrap();
            let (level, mut out) = (Level::best(), vec![0.0; 128]);
            for qkv in [&bad, &good] {
                kv_write(level, &mut cache, qkv, 0, heads).unwrap();
            }
            attention(level, &mut out, &good[89 * heads.cols()..], &cache, 89, &case.shape()).unwrap();
            assert_eq!(out, case.fast(level, &good, 30)[89 * 128..]);
        }
    }
}

/// One key: the result is its value as stored. So every number goes through the cache here.
#[test]
fn stored_numbers_are_those_of_the_reference() {
    let heads = heads(1, 1, 256);
    let mut rng = Rng(407);
    let bits = |i: usize| f32::from_bits(i as u32);
    // Around every half-way case of half precision, its subnormals, its largest, and anything.
    let halves = (0..0x7c00u16).step_by(7).flat_map(|h| {
        let (a, b) = (f16::from_bits(h).to_f32(), f16::from_bits(h + 1).to_f32());
        let middle = (a + if b.is_finite() { b } else { 65_536.0 }) / 2.0;
        [
            a,
            middle,
            bits(middle.to_bits() as usize + 1),
            -bits(middle.to_bits() as usize - 1),
        ]
    });
    let edges = [
        0.0,
        -0.0,
        65_504.0,
        65_519.9,
        65_520.0,
        -1e6,
        1e30,
        f32::MAX,
        5.96e-8,
        2.98e-8,
        2.99e-8,
        1e-45,
        -1e-40,
    ];
    let random = (0..count(20_000, 2_000_000))
        .map(|_| f32::from_bits(rng.next_u64() as u32))
        .filter(|v| !v.is_nan());
    let mut numbers: Vec<f32> = halves.chain(edges).chain(random).collect();
    numbers.resize(numbers.len().next_multiple_of(256), 1.0);
    for dtype in CacheType::ALL {
        let case = Case {
            heads,
            n_ctx: 1,
            window: None,
            dtype,
        };
        for values in numbers.chunks(256) {
            let finite: Vec<f32> = values.iter().map(|v| v.clamp(f32::MIN, f32::MAX)).collect();
            let values = if dtype == CacheType::F16 { values } else { &finite };
            let qkv = [&[0.0; 512], values].concat();
            let got = every_level("stored", |level| case.fast(level, &qkv, 1));
            let want = case.reference(&qkv, 0);
            // 2^112 * 65504 is the most that a value may be read too large before its weight brings it back.
            assert_eq!(got, want, "{dtype:?}");
        }
    }
}

#[test]
fn what_the_cache_has_not_is_refused() {
    let case = Case {
        heads: heads(2, 1, 64),
        n_ctx: 4,
        window: None,
        dtype: CacheType::F16,
    };
    let mut cache = Cache::new(case.cache()).unwrap();
    let (level, qkv) = (Level::best(), vec![0.0; 2 * 256]);
    assert!(kv_write(level, &mut cache, &qkv, 2, case.heads).is_ok());
    assert_eq!(
        kv_write(level, &mut cache, &qkv, 3, case.heads).unwrap_err().code(),
        "internal"
    );
    assert!(kv_write(level, &mut cache, &[0.0; 2 * 192], 0, heads(1, 1, 64)).is_ok());
    assert!(kv_write(level, &mut cache, &[0.0; 512], 0, heads(4, 2, 64)).is_err());
    let mut out = vec![0.0; 256];
    assert!(attention(level, &mut out, &qkv, &cache, 2, &case.shape()).is_ok());
    assert!(attention(level, &mut out, &qkv, &cache, 3, &case.shape()).is_err());
    let endless = CacheShape {
        n_ctx: usize::MAX / 1024,
        ..case.cache()
    };
    assert_eq!(Cache::new(endless).unwrap_err().code(), "too_large");
}
