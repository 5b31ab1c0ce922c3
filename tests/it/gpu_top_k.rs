//! Twins: the search for the best logits.

use kinglet::gpu::Recorder;
use kinglet::kernels::{Style, top_k};
use kinglet::ops::{Draw, Find, TOP_K_MAX, TopK};

use crate::gpu_support::{recorder, upload, values};
use crate::support::{Rng, count};

/// The sum of exponentials in f32, its logarithm: a few ulps of a number near 10.
const LOG_SUM_EXP: f32 = 1e-4;

/// Two sums in f32, their quotient.
const ENTROPY: f32 = 1e-4;

/// Any one of the results.
const SLOT: usize = 3;

fn search(rec: &mut Recorder, logits: &[f32], k: usize) -> (TopK, TopK) {
    let n_vocab = logits.len() as u32;
    let p = top_k::Params { n_vocab };
    let row = upload(rec, 1, logits.len(), logits);
    let scratch = top_k::Scratch::new(rec, n_vocab).expect("scratch");
    let draw = Draw::GREEDY;
    top_k::gpu(rec, &Find { k, draw }, SLOT, &scratch, &row).expect("searches");
    let bytes = (top_k::SLOTS * top_k::SLOT_BYTES) as u64;
    let read = pollster::block_on(rec.read(&scratch.results, bytes)).expect("reads");
    let got = top_k::found(&p, k, &read[SLOT * top_k::SLOT_BYTES..]);
    (got.top, top_k::cpu(&p, k, logits))
}

fn check(rec: &mut Recorder, what: &str, logits: &[f32], k: usize) {
    let (got, want) = search(rec, logits, k);
    let what = format!("{what}: {k} of {} {:?}", logits.len(), rec.device().style());
    assert_eq!(got.ids, want.ids, "{what}");
    assert_eq!(got.logits, want.logits, "{what}");
    let off = (got.log_sum_exp - want.log_sum_exp).abs();
    assert!(
        off <= LOG_SUM_EXP,
        "{what}: log-sum-exp {} for {}",
        got.log_sum_exp,
        want.log_sum_exp
    );
    let off = (got.entropy - want.entropy).abs();
    let bound = ENTROPY + want.entropy * 1e-5;
    assert!(off <= bound, "{what}: entropy {} for {}", got.entropy, want.entropy);
}

#[test]
fn top_k_agrees() {
    let mut rng = Rng(21);
    for style in Style::ALL {
        let mut rec = recorder(style);
        for n in [1, 31, 257, 1757, 2048, 2049, 32_064] {
            let logits = values(&mut rng, n);
            for k in [1, 40, TOP_K_MAX] {
                check(&mut rec, "activations", &logits, k);
            }
        }
        let large = count(151_936, 262_144);
        check(&mut rec, "large vocabulary", &values(&mut rng, large), TOP_K_MAX);
    }
}

#[test]
fn top_k_orders_ties_zeros_infinities_and_nan() {
    let mut rng = Rng(22);
    for style in Style::ALL {
        let mut rec = recorder(style);
        // Few different values: ties within and across chunks.
        let ties: Vec<f32> = (0..5000).map(|_| rng.below(5) as f32 - 2.0).collect();
        check(&mut rec, "ties", &ties, TOP_K_MAX);
        check(&mut rec, "all equal", &[0.25; 3000], 9);
        let signs: Vec<f32> = (0..600).map(|i| if i % 2 == 0 { -0.0 } else { 0.0 }).collect();
        let (got, _) = search(&mut rec, &signs, 5);
        assert_eq!(got.ids, [0, 1, 2, 3, 4], "both zeros are equal");
        let mut masked = vec![f32::NEG_INFINITY; 4000];
        masked[3777] = -5.0;
        masked[12] = f32::from_bits(1); // subnormal
        masked[13] = f32::NAN;
        check(&mut rec, "masked", &masked, 4);
        check(&mut rec, "tiny and huge", &[1e-38, -3e38, 3e38, 88.0, -88.0], 5);
    }
}
