//! Encoders: bytes where the format's definition leaves no choice, errors where it does.

use kinglet::quant::encode::{quantize_row, unfit};
use kinglet::quant::{DType, dequantize_row};
use serde::Deserialize;

use crate::support::{Rng, count};

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "type")]
    dtype: String,
    name: String,
    bits: String,
    bytes: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn floats(bits: &str) -> Vec<f32> {
    let byte = |i: usize| u8::from_str_radix(&bits[2 * i..2 * i + 2], 16).unwrap();
    let word = |i: usize| f32::from_le_bytes([byte(i), byte(i + 1), byte(i + 2), byte(i + 3)]);
    (0..bits.len() / 2).step_by(4).map(word).collect()
}

fn encode(t: DType, x: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0xff; t.row_bytes(x.len()).unwrap()]; // what was there must not show through
    quantize_row(t, x, &mut bytes).unwrap();
    bytes
}

fn decode(t: DType, bytes: &[u8], n: usize) -> Vec<f32> {
    let mut x = vec![0.0; n];
    dequantize_row(t, bytes, &mut x).unwrap();
    x
}

/// Vectors of the `gguf` package (tools/encode_cases.py).
#[test]
fn plain_and_old_formats_are_equal_byte_for_byte() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/encode.json")).unwrap();
    assert!(cases.len() >= 100);
    let encoded = |c: &Case| {
        let t = DType::ALL.into_iter().find(|t| t.name() == c.dtype).unwrap();
        hex(&encode(t, &floats(&c.bits)))
    };
    let wrong: Vec<String> = cases
        .iter()
        .filter(|c| encoded(c) != c.bytes)
        .map(|c| format!("{} {}: expected {}, got {}", c.dtype, c.name, c.bytes, encoded(c)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Largest error of a weight, as a share of the largest weight of its block, that a format may make on anything: half a
/// step, or a whole one where the range has a shorter side; and what rounding scale and minimum to half precision adds,
/// which is exact for the formats whose bytes leave no choice. The K formats share scales, so theirs are larger.
fn bound(t: DType) -> f32 {
    /// The relative error of a number in half precision.
    const HALF: f32 = 1.0 / 2048.0;
    match t {
        DType::F32 => 0.0,
        DType::F16 => HALF,
        DType::BF16 => 1.0 / 256.0,
        DType::Q8_0 => 1.0 / 254.0 + HALF,
        DType::Q4_0 => 1.0 / 8.0 + HALF,
        DType::Q5_0 => 1.0 / 16.0 + HALF,
        // The span is at most twice the largest weight.
        DType::Q4_1 => 1.0 / 15.0 + 3.0 * HALF,
        DType::Q5_1 => 1.0 / 31.0 + 3.0 * HALF,
        DType::Q2K => 0.45,
        DType::Q3K => 0.25,
        DType::Q4K => 0.12,
        DType::Q5K => 0.06,
        DType::Q6K => 0.04,
    }
}

/// What scales in half precision cannot tell from zero: half of the smallest number, times the largest quant.
const NOTHING: f32 = 127.0 / (1u32 << 25) as f32;

/// The largest share of the bound that any weight of `x` takes, when `bytes` are its encoding.
fn share_of_bound(t: DType, x: &[f32], bytes: &[u8]) -> f32 {
    let back = decode(t, bytes, x.len());
    let len = t.block_len();
    let blocks = x.chunks(len).zip(back.chunks(len));
    let share = |(x, back): (&[f32], &[f32])| {
        let largest = x.iter().fold(0f32, |a, x| a.max(x.abs()));
        let off = x.iter().zip(back).map(|(x, b)| (x - b).abs());
        let off = off.fold(0f32, |a, b| if b <= a { a } else { b }); // a NaN stays
        if off == 0.0 {
            0.0
        } else {
            off / (bound(t) * largest + if t == DType::F32 { 0.0 } else { NOTHING })
        }
    };
    blocks.map(share).fold(0.0, |a, b| if b <= a { a } else { b })
}

/// Rows of 512 weights that encoders stumble over.
fn nasty(rng: &mut Rng) -> Vec<(&'static str, Vec<f32>)> {
    const N: usize = 512;
    let mut row = |f: &mut dyn FnMut(&mut Rng, usize) -> f32| -> Vec<f32> { (0..N).map(|i| f(rng, i)).collect() };
    vec![
        ("zeros", row(&mut |_, _| 0.0)),
        ("negative zeros", row(&mut |_, _| -0.0)),
        ("constant", row(&mut |_, _| 0.731)),
        ("negative constant", row(&mut |_, _| -0.731)),
        ("uniform", row(&mut |r, _| r.unit())),
        ("normal", row(&mut |r, _| r.unit() + r.unit() + r.unit())),
        ("activations", row(&mut |r, _| r.activation())),
        ("positive", row(&mut |r, _| r.unit().abs() + 1.0)),
        ("negative", row(&mut |r, _| -r.unit().abs() - 1.0)),
        (
            "one outlier",
            row(&mut |r, i| if i == 300 { -40.0 } else { r.unit() * 0.01 }),
        ),
        ("one weight", row(&mut |_, i| if i == 77 { 2.0 } else { 0.0 })),
        ("sparse", row(&mut |r, _| if r.below(9) == 0 { r.unit() } else { 0.0 })),
        ("two values", row(&mut |r, _| if r.below(2) == 0 { 1.5 } else { -0.5 })),
        (
            "a zero sub-block",
            row(&mut |r, i| if i % 64 < 32 { 0.0 } else { r.unit() }),
        ),
        (
            "scales far apart",
            row(&mut |r, i| r.unit() * 10f32.powi(-((i / 32 % 8) as i32))),
        ),
        ("huge", row(&mut |r, _| r.unit() * 65504.0)),
        ("largest", row(&mut |_, i| if i % 2 == 0 { 65504.0 } else { -65504.0 })),
        ("small", row(&mut |r, _| r.unit() * 1e-6)),
        ("f32 subnormal", row(&mut |r, _| r.unit() * 1e-40)),
        ("smallest", row(&mut |_, i| f32::from_bits((i % 2) as u32))),
        ("ramp", row(&mut |_, i| i as f32 / N as f32 - 0.5)),
    ]
}

#[test]
fn errors_are_bounded_on_anything_and_bytes_are_repeatable() {
    let mut rng = Rng(11);
    for _ in 0..count(3, 100) {
        for (name, x) in nasty(&mut rng) {
            for t in DType::ALL {
                let bytes = encode(t, &x);
                assert_eq!(bytes, encode(t, &x), "{t} {name}: not repeatable");
                let share = share_of_bound(t, &x, &bytes);
                assert!(share <= 1.0, "{t} {name}: {share} of the bound");
            }
        }
    }
}

/// A block depends on its own weights only, so rows may be split between threads in any way.
#[test]
fn blocks_are_independent() {
    let mut rng = Rng(12);
    let x: Vec<f32> = (0..1024).map(|_| rng.activation()).collect();
    for t in DType::ALL {
        let parts: Vec<u8> = x.chunks(256).flat_map(|part| encode(t, part)).collect();
        assert_eq!(encode(t, &x), parts, "{t}");
    }
}

/// The bound notices what a wrong encoder would write: weights in another order, a sign, a scale, a quant.
#[test]
fn bound_notices_wrong_bytes() {
    let mut rng = Rng(13);
    let x: Vec<f32> = (0..512).map(|_| rng.unit() + rng.unit()).collect();
    let negative: Vec<f32> = x.iter().map(|x| -x).collect();
    let half: Vec<f32> = x.iter().map(|x| x * 0.5).collect();
    let mut swapped = x.clone();
    swapped.chunks_mut(32).for_each(|c| c.rotate_left(16));
    for t in DType::ALL {
        assert!(share_of_bound(t, &x, &encode(t, &x)) <= 1.0, "{t}");
        for (what, wrong) in [("sign", &negative), ("scale", &half), ("order", &swapped)] {
            let share = share_of_bound(t, &x, &encode(t, wrong));
            assert!(share > 1.0, "{t} {what}: {share} of the bound");
        }
        let bytes = encode(t, &x);
        let noticed = |bit: usize| {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            share_of_bound(t, &x, &wrong).partial_cmp(&1.0) != Some(std::cmp::Ordering::Less)
        };
        assert!((0..t.block_bytes() * 8).any(noticed), "{t}: no flipped bit is noticed");
    }
}

/// Root mean square error relative to that of the weights.
fn relative(t: DType, x: &[f32]) -> f64 {
    let back = decode(t, &encode(t, x), x.len());
    let square = |x: f32| f64::from(x) * f64::from(x);
    let off: f64 = x.iter().zip(&back).map(|(x, b)| square(x - b)).sum();
    (off / x.iter().map(|&x| square(x)).sum::<f64>()).sqrt()
}

/// Seeded normal weights: what the searches reach, with 2 % on top. (llama.cpp's own files: `quantize.rs`.)
#[test]
fn quality_on_normal_weights() {
    let mut rng = Rng(14);
    // Twelve uniforms make a normal.
    let x: Vec<f32> = (0..64 * 256)
        .map(|_| (0..12).map(|_| rng.unit()).sum::<f32>())
        .collect();
    for (t, most) in [
        (DType::F16, 0.000_22),
        (DType::BF16, 0.001_8),
        (DType::Q8_0, 0.006_2),
        (DType::Q6K, 0.02),
        (DType::Q5K, 0.04),
        (DType::Q5_1, 0.045),
        (DType::Q5_0, 0.05),
        (DType::Q4K, 0.08),
        (DType::Q4_1, 0.09),
        (DType::Q4_0, 0.1),
        (DType::Q3K, 0.16),
        (DType::Q2K, 0.3),
    ] {
        let error = relative(t, &x);
        println!("{t}: {error:.5}");
        assert!(error <= most, "{t}: {error} > {most}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for t in DType::ALL {
        let n = t.block_len();
        let mut bytes = vec![0; t.block_bytes()];
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = vec![1.0; n];
            x[n - 1] = bad;
            assert!(unfit(t, &x).is_some(), "{t} {bad}");
            assert_eq!(
                quantize_row(t, &x, &mut bytes).unwrap_err().code(),
                "internal",
                "{t} {bad}"
            );
        }
        let large = vec![-1e6; n];
        assert_eq!(unfit(t, &large).is_none(), matches!(t, DType::F32 | DType::BF16), "{t}");
        assert_eq!(unfit(t, &vec![-65504.0; n]), None, "{t}");
        assert!(quantize_row(t, &vec![0.0; n], &mut bytes[1..]).is_err(), "{t}");
        assert!(quantize_row(t, &vec![0.0; 2 * n], &mut bytes).is_err(), "{t}");
    }
    // The largest number that does not become infinite.
    let edge = f32::from_bits(0x7f7f_7fff);
    assert_eq!(unfit(DType::BF16, &[edge]), None);
    assert!(decode(DType::BF16, &encode(DType::BF16, &[edge]), 1)[0].is_finite());
    assert!(unfit(DType::BF16, &[f32::MAX]).is_some());
}
