//! The fast CPU operations that are neither matrix nor attention, against the references, and every level against plain
//! Rust, bit for bit.

use kinglet::cpu::simd::Level;
use kinglet::cpu::vector;
use kinglet::kernels::{self, head_norm, rope, silu_mul};
use kinglet::ops::{HeadLayout, RopeOrder, RopeShape, TopK};

use crate::support::{Rng, count};

/// Whether each element is within `tolerance` of the wanted one, relative to the largest of its row; NaN matches NaN.
fn within(got: &[f32], want: &[f32], tolerance: f32) -> bool {
    let finite = want.iter().filter(|w| w.is_finite());
    let max = finite.fold(0.0f32, |max, w| max.max(w.abs()));
    got.len() == want.len()
        && got.iter().zip(want).all(|(g, w)| {
            let same = g == w || g.is_nan() && w.is_nan();
            same || f64::from((g - w).abs()) <= f64::from(max) * f64::from(tolerance)
        })
}

/// Fails where they differ, and shows that one wrong element would be noticed.
pub fn assert_within(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    let worst = got.iter().zip(want).map(|(g, w)| (g - w).abs()).fold(0.0, f32::max);
    assert!(within(got, want, tolerance), "{what}: {worst} off, {got:?}, {want:?}");
    let largest = want
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()));
    if let Some((at, w)) = largest.filter(|(_, w)| w.is_normal()) {
        let mut wrong = got.to_vec();
        wrong[at] += w * tolerance * 4.0;
        assert!(
            !within(&wrong, want, tolerance),
            "{what}: a wrong element is not noticed"
        );
    }
}

/// Fails where two levels differ in a bit (all NaN are one).
pub fn assert_same_bits(what: &str, level: Level, got: &[f32], plain: &[f32]) {
    let bits = |v: &f32| if v.is_nan() { u32::MAX } else { v.to_bits() };
    assert!(
        got.iter().map(bits).eq(plain.iter().map(bits)),
        "{what}: {} differs from plain: {got:?} {plain:?}",
        level.name()
    );
}

/// Runs `f` at every level; all give the bits of the first, plain Rust, which are returned.
pub fn every_level(what: &str, f: impl Fn(Level) -> Vec<f32>) -> Vec<f32> {
    let plain = f(Level::PLAIN);
    for level in Level::all() {
        assert_same_bits(what, level, &f(level), &plain);
    }
    plain
}

/// Rows that have broken kernels before: ordinary, huge, tiny, zero, one outlier.
fn nasty_rows(rng: &mut Rng, cols: usize) -> Vec<(&'static str, Vec<f32>)> {
    let mut row = |scale: f32| (0..cols).map(|_| rng.activation() * scale).collect::<Vec<f32>>();
    let mut outlier = row(1e-3);
    outlier[cols / 2] = 3e4;
    vec![
        ("ordinary", row(1.0)),
        ("huge", row(1e30)),
        ("small", row(1e-12)),
        ("subnormal", row(1e-41)),
        ("zero", vec![0.0; cols]),
        ("outlier", outlier),
    ]
}

/// Rows with what is not finite: nothing is promised but that it shows and that the call returns.
fn broken_rows(cols: usize) -> Vec<Vec<f32>> {
    [f32::NAN, f32::INFINITY, f32::NEG_INFINITY]
        .map(|v| {
            let mut row = vec![0.5; cols];
            row[cols - 1] = v;
            row
        })
        .to_vec()
}

/// f32 lanes against f64, over up to 8,192 squares.
const NORM: f32 = 2e-6;

#[test]
fn rms_norm_agrees_with_the_reference() {
    let mut rng = Rng(301);
    for cols in [1, 3, 6, 16, 17, 64, 100, 3072, 8192] {
        let gain: Vec<f32> = (0..cols).map(|_| rng.unit() * 2.0).collect();
        for eps in [1e-5, 0.0] {
            for (name, x) in nasty_rows(&mut rng, cols) {
                if eps == 0.0 && name == "zero" {
                    continue; // 0 / 0
                }
                let got = every_level("rms_norm", |level| {
                    let mut out = vec![0.0; cols];
                    vector::rms_norm(level, &mut out, &x, &gain, eps);
                    out
                });
                let p = kernels::rms_norm::Params { cols: cols as u32, eps };
                let mut want = vec![0.0; cols];
                kernels::rms_norm::cpu(&p, &mut want, &x, &gain);
                assert_within(&format!("rms_norm {name} {cols} {eps}"), &got, &want, NORM);
            }
        }
        for x in broken_rows(cols) {
            let got = every_level("rms_norm", |level| {
                let mut out = vec![0.0; cols];
                vector::rms_norm(level, &mut out, &x, &gain, 1e-5);
                out
            });
            assert!(got.iter().any(|v| v.is_nan()), "{got:?}");
        }
    }
}

const HEADS: [HeadLayout; 4] = [
    HeadLayout {
        n_head: 4,
        n_head_kv: 2,
        head_dim: 6,
    },
    HeadLayout {
        n_head: 3,
        n_head_kv: 3,
        head_dim: 80,
    },
    HeadLayout {
        n_head: 8,
        n_head_kv: 2,
        head_dim: 96,
    },
    HeadLayout {
        n_head: 2,
        n_head_kv: 1,
        head_dim: 256,
    },
];

#[test]
fn head_norm_agrees_with_the_reference() {
    let mut rng = Rng(302);
    for heads in HEADS {
        let dim = heads.head_dim;
        let gains: Vec<f32> = (0..2 * dim).map(|_| rng.unit() * 2.0).collect();
        let (q_gain, k_gain) = gains.split_at(dim);
        for (name, x) in nasty_rows(&mut rng, 2 * heads.cols()) {
            let got = every_level("head_norm", |level| {
                let mut x = x.clone();
                vector::head_norm(level, &mut x, heads, q_gain, k_gain, 1e-6);
                x
            });
            let p = head_norm::Params {
                n_head: heads.n_head as u32,
                n_head_kv: heads.n_head_kv as u32,
                head_dim: dim as u32,
                eps: 1e-6,
            };
            let mut want = x;
            head_norm::cpu(&p, &mut want, q_gain, k_gain);
            for (got, want) in got.chunks(dim).zip(want.chunks(dim)) {
                assert_within(&format!("head_norm {name} {heads:?}"), got, want, NORM);
            }
        }
    }
}

/// The same products and sums, so the same bits.
#[test]
fn rope_is_the_reference() {
    let mut rng = Rng(303);
    for heads in HEADS {
        for n_rot in [2, heads.head_dim / 4 * 2, heads.head_dim] {
            for (order, pos) in [
                (RopeOrder::HalfSplit, 0),
                (RopeOrder::Interleaved, 0),
                (RopeOrder::HalfSplit, 5),
            ] {
                let shape = RopeShape { heads, n_rot, order };
                let angles: Vec<f32> = (0..8 * n_rot / 2).map(|_| rng.unit() * 1e4).collect();
                let table: Vec<f32> = angles.iter().flat_map(|a| [a.cos(), a.sin()]).collect();
                for (name, x) in nasty_rows(&mut rng, 3 * heads.cols()) {
                    let got = every_level("rope", |level| {
                        let mut x = x.clone();
                        vector::rope(level, &mut x, &table, pos, shape);
                        x
                    });
                    let mut want = x;
                    rope::cpu(&rope::Params::from(&shape), pos, &mut want, &table);
                    assert_eq!(got, want, "{name} {shape:?} {pos}");
                }
            }
        }
    }
}

/// Division and `exp` are within a few units in the last place on both sides.
const SILU: f32 = 1e-6;

#[test]
fn silu_mul_and_sums_agree_with_the_references() {
    let mut rng = Rng(304);
    for n_ff in [1, 6, 16, 172, 8192] {
        for (name, mut x) in nasty_rows(&mut rng, 2 * n_ff) {
            x.iter_mut().take(n_ff.min(3)).for_each(|v| *v *= 300.0); // far beyond where exp ends
            let (gate, up) = x.split_at(n_ff);
            let got = every_level("silu_mul", |level| {
                let mut out = vec![0.0; n_ff];
                vector::silu_mul(level, &mut out, gate, up);
                out
            });
            let mut want = vec![0.0; n_ff];
            silu_mul::cpu(&silu_mul::Params { n_ff: n_ff as u32 }, &mut want, &x);
            for (got, want) in got.iter().zip(&want) {
                assert_within(&format!("silu_mul {name} {n_ff}"), &[*got], &[*want], SILU);
            }
            let sum = every_level("add", |level| {
                let mut out = gate.to_vec();
                vector::add(level, &mut out, up);
                out
            });
            let want: Vec<f32> = gate.iter().zip(up).map(|(a, b)| a + b).collect();
            assert_eq!(sum, want);
            let biased = every_level("add_bias", |level| {
                let mut out = x.clone();
                vector::add_bias(level, &mut out, up);
                out
            });
            assert_eq!(biased[..n_ff], want);
            assert_eq!(biased[n_ff..], up.iter().map(|b| b + b).collect::<Vec<f32>>());
        }
    }
    let gate = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30, 1e30];
    let mut out = [0.0; 5];
    vector::silu_mul(Level::best(), &mut out, &gate, &[1.0; 5]);
    assert!(out[0].is_nan() && out[1] == f32::INFINITY && out[2].is_nan());
    assert_eq!(out[3..], [0.0, 1e30]);
}

/// Distance in units in the last place, counted over subnormals and across zero.
fn ulps(a: f32, b: f32) -> u32 {
    let order = |v: f32| {
        if v.is_sign_negative() {
            -((v.to_bits() & 0x7fff_ffff) as i64)
        } else {
            v.to_bits() as i64
        }
    };
    (order(a) - order(b)).unsigned_abs().min(u64::from(u32::MAX)) as u32
}

#[test]
fn exp_is_within_two_units_over_all_numbers() {
    let step = count(6151, 53);
    let mut worst = (0, 0.0);
    let mut bits: u64 = 0;
    while bits <= u64::from(u32::MAX) {
        let x: Vec<f32> = (0..4096)
            .map(|i| f32::from_bits((bits + i * step as u64) as u32))
            .collect();
        bits += 4096 * step as u64;
        let mut got = x.clone();
        vector::exp(Level::best(), &mut got);
        for (x, got) in x.iter().zip(&got) {
            let want = f64::from(*x).exp() as f32;
            if x.is_nan() {
                assert!(got.is_nan());
            } else if ulps(*got, want) > worst.0 {
                worst = (ulps(*got, want), *x);
            }
        }
    }
    println!("exp: {worst:?}");
    assert!(worst.0 <= 2, "{worst:?}");
    let edges = [
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        0.0,
        -0.0,
        88.722_83,
        88.722_84,
        -87.3,
        -103.97,
        -103.98,
        1e-40,
        f32::MAX,
        f32::MIN,
    ];
    let got = every_level("exp", |level| {
        let mut x = edges.to_vec();
        vector::exp(level, &mut x);
        x
    });
    assert_eq!(
        (got[0], got[1], got[3], got[4], got[10]),
        (f32::INFINITY, 0.0, 1.0, 1.0, 1.0)
    );
    assert!(got[2].is_nan() && got[5].is_finite() && got[6].is_infinite() && got[8] > 0.0 && got[9] == 0.0);
    assert_eq!(got[11..], [f32::INFINITY, 0.0]);
    every_level("exp", |level| {
        let mut rng = Rng(305);
        let mut x: Vec<f32> = (0..1003).map(|_| f32::from_bits(rng.next_u64() as u32)).collect();
        vector::exp(level, &mut x);
        x
    });
}

/// Relative; the sums are f32 within 64 logits and f64 beyond.
const LOG_SUM_EXP: f32 = 1e-6;

/// Likewise, of a quotient.
const ENTROPY: f32 = 3e-6;

fn check_top_k(what: &str, logits: &[f32], k: usize) {
    let p = kernels::top_k::Params {
        n_vocab: logits.len() as u32,
    };
    let want = kernels::top_k::cpu(&p, k, logits);
    let same = |a: &TopK, b: &TopK| {
        a.ids == b.ids
            && a.logits
                .iter()
                .map(|v| v.to_bits())
                .eq(b.logits.iter().map(|v| v.to_bits()))
    };
    let mut plain = None;
    for level in Level::all() {
        let got = vector::top_k(level, logits, k);
        assert!(same(&got, &want), "{what} {k}: {got:?} {want:?}");
        assert_within(what, &[got.log_sum_exp], &[want.log_sum_exp], LOG_SUM_EXP);
        let off = (got.entropy - want.entropy).abs();
        assert!(
            off <= ENTROPY * want.entropy.max(1.0),
            "{what}: entropy {got:?} {want:?}"
        );
        let bits = (got.log_sum_exp.to_bits(), got.entropy.to_bits());
        assert!(
            got.log_sum_exp.is_nan() || *plain.get_or_insert(bits) == bits,
            "{}",
            level.name()
        );
        let mut wrong = want.clone();
        if wrong.ids.len() > 1 {
            wrong.ids.swap(0, 1);
            assert!(!same(&got, &wrong), "{what}: a wrong order is not noticed");
        }
    }
}

#[test]
fn top_k_is_the_reference() {
    let mut rng = Rng(306);
    for n in [1, 5, 63, 64, 65, 512, 4097, 32_064, count(40_000, 152_064)] {
        let ordinary: Vec<f32> = (0..n).map(|_| rng.activation() * 5.0).collect();
        let coarse: Vec<f32> = ordinary.iter().map(|v| v.round()).collect();
        let mut holes = coarse.clone();
        holes.iter_mut().step_by(3).for_each(|v| *v = f32::NAN);
        holes.iter_mut().skip(1).step_by(3).for_each(|v| *v = f32::NEG_INFINITY);
        let rising: Vec<f32> = (0..n).map(|i| i as f32 * 1e-3).collect();
        let falling: Vec<f32> = rising.iter().map(|v| -v).collect();
        let signs: Vec<f32> = (0..n).map(|i| if i % 2 == 0 { -0.0 } else { 0.0 }).collect();
        for (name, row) in [
            ("ordinary", ordinary),
            ("ties", coarse),
            ("holes", holes),
            ("rising", rising),
            ("falling", falling),
            ("zeros of both signs", signs),
            ("all equal", vec![1.5; n]),
            ("nothing", vec![f32::NEG_INFINITY; n]),
            ("NaN", vec![f32::NAN; n]),
            ("huge", vec![3e38; n]),
        ] {
            for k in [1, 2, 40, 64] {
                check_top_k(&format!("{name} {n}"), &row, k);
            }
        }
    }
    let infinite = [1.0, f32::INFINITY, 2.0];
    assert_eq!(vector::top_k(Level::best(), &infinite, 2).ids, [1, 2]);
    assert!(vector::top_k(Level::best(), &[], 4).ids.is_empty());
    assert!(vector::top_k(Level::best(), &[1.0], 0).ids.is_empty());
}
