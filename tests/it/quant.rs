//! Reference decoding against vectors from the `gguf` package (tools/quant_cases.py).

use kinglet::quant::planes::{plane_words, repack_rows, unpack_rows};
use kinglet::quant::{DType, dequantize_row};

use crate::support::{Rng, count};

struct Case {
    dtype: DType,
    name: String,
    bytes: Vec<u8>,
    weights: Vec<u32>,
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    digits
        .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect()
}

fn cases() -> Vec<Case> {
    let json: serde_json::Value = serde_json::from_str(include_str!("../cases/quant.json")).unwrap();
    let case = |c: &serde_json::Value| Case {
        dtype: DType::ALL.into_iter().find(|t| t.name() == c["type"]).unwrap(),
        name: format!("{} {}", c["type"], c["name"]),
        bytes: unhex(c["bytes"].as_str().unwrap()),
        weights: unhex(c["bits"].as_str().unwrap())
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
            .collect(),
    };
    json.as_array().unwrap().iter().map(case).collect()
}

/// The first weight whose bits differ.
fn first_difference(case: &Case) -> Option<String> {
    let mut got = vec![0f32; case.weights.len()];
    dequantize_row(case.dtype, &case.bytes, &mut got).unwrap();
    let at = (0..got.len()).find(|&i| got[i].to_bits() != case.weights[i])?;
    let want = f32::from_bits(case.weights[at]);
    Some(format!(
        "{}: weight {at}: expected {want:e}, got {:e}",
        case.name, got[at]
    ))
}

#[test]
fn decodes_every_format_bit_for_bit() {
    let cases = cases();
    for t in DType::ALL {
        assert!(cases.iter().any(|c| c.dtype == t), "no case for {t}");
    }
    let wrong: Vec<_> = cases.iter().filter_map(first_difference).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Proof that the comparison can fail: flip one bit of the input, or one bit of the expected weights.
#[test]
fn comparison_notices_one_flipped_bit() {
    for mut case in cases().into_iter().filter(|c| c.name.contains("random")) {
        let last = case.weights.len() - 1;
        case.weights[last] ^= 1;
        assert!(first_difference(&case).is_some(), "{}", case.name);
        case.weights[last] ^= 1;
        assert!(first_difference(&case).is_none(), "{}", case.name);
        // Every bit of a block takes part in some weight (the sub-block scale may be zero for a few of them).
        let bits = case.bytes.len() * 8;
        let silent = (0..bits).filter(|bit| {
            case.bytes[bit / 8] ^= 1 << (bit % 8);
            let unnoticed = first_difference(&case).is_none();
            case.bytes[bit / 8] ^= 1 << (bit % 8);
            unnoticed
        });
        let silent = silent.count();
        assert!(
            silent * 8 <= bits,
            "{}: {silent} of {bits} bits change nothing",
            case.name
        );
    }
}

#[test]
fn rejects_wrong_lengths() {
    for t in DType::ALL {
        let mut out = vec![0f32; t.block_len()];
        assert!(
            dequantize_row(t, &vec![0; t.block_bytes() - 1], &mut out).is_err(),
            "{t}"
        );
        assert!(
            dequantize_row(t, &vec![0; 2 * t.block_bytes()], &mut out).is_err(),
            "{t}"
        );
    }
}

/// Every bit of every format survives the way to the GPU planes and back; rows stay apart.
#[test]
fn planes_lose_nothing() {
    let mut rng = Rng(4);
    let rounds = count(3, 100);
    for t in DType::ALL {
        let lengths: &[usize] = if t.block_len() == 1 {
            &[1, 31, 32, 33, 257]
        } else {
            &[1, 2, 3, 7]
        };
        for _ in 0..rounds {
            for blocks in lengths {
                let (rows, cols) = (1 + rng.below(4), blocks * t.block_len());
                let size = rows * t.row_bytes(cols).unwrap();
                let bytes: Vec<u8> = (0..size).map(|_| rng.next_u64() as u8).collect();
                let (mut wq, mut wd) = (Vec::new(), Vec::new());
                repack_rows(t, cols, &bytes, &mut wq, &mut wd).unwrap();
                let (row_wq, row_wd) = plane_words(t, cols);
                assert_eq!((wq.len(), wd.len()), (rows * row_wq * 4, rows * row_wd), "{t} {cols}");
                assert_eq!(unpack_rows(t, cols, &wq, &wd).unwrap(), bytes, "{t} {cols}");
            }
        }
    }
    println!("seed 4, {rounds} rounds");
}

/// Planes are as large as the file's blocks when rows are whole groups, as in every real model.
#[test]
fn planes_are_byte_neutral() {
    for t in DType::ALL {
        let (wq, wd) = plane_words(t, 3072);
        assert_eq!(Some(wq * 16 + wd * 4), t.row_bytes(3072), "{t}");
    }
}

#[test]
fn planes_reject_parts_of_rows() {
    for t in DType::ALL {
        let (mut wq, mut wd) = (Vec::new(), Vec::new());
        let bytes = vec![0; t.row_bytes(256).unwrap() - 1];
        assert!(repack_rows(t, 256, &bytes, &mut wq, &mut wd).is_err(), "{t}");
        assert!(repack_rows(t, 0, &[], &mut wq, &mut wd).is_err(), "{t}");
        assert!(unpack_rows(t, 256, &[0; 3], &[]).is_err(), "{t}");
    }
}
