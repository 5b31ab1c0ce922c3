//! What lossy caches and lossy products cost a trained model: nll and most likely token of each position of a text against
//! the same engine with neither.

use std::path::Path;

use kinglet::backend::Reference;
use kinglet::engine::Scored;
use kinglet::kernels::tuning::Math;
use kinglet::model::plan::DecoderOptions;
use kinglet::ops::{CacheType, Ops};
use kinglet::text::{Bos, Special, Tokenizer};
use pollster::block_on;

use crate::golden::{Agreement, engine, open};
use crate::gpu_support::backend;

const TEXT: &str = "The garden is open from nine to five. You can bring a dog if it is on a lead, and there is a small \
    place to eat next to the gate. Tickets cost four pounds; children under six go in free. On rainy days the glass \
    house is the best part of the visit: it has plants from every continent, some of them more than a hundred years \
    old. Please do not pick the flowers. If you lose something, ask at the desk by the entrance, where the people are \
    friendly and keep a box of gloves, hats and keys that others have found.";

/// Largest difference of an nll, least share of the same most likely tokens, largest relative difference of the perplexity.
/// Measured: see docs/benchmarks.md. All are within what the goldens allow 8-bit activations (golden.rs).
type Bounds = (f32, f64, f64);

/// f16: eleven bits of each key and value.
const CACHE_F16: Bounds = (0.02, 0.99, 0.001);
/// q8_0: eight bits, relative to the largest of 32.
const CACHE_Q8_0: Bounds = (0.15, 0.96, 0.01);
/// [`Math::F16`]: eleven bits of each activation.
const MATH_F16: Bounds = (0.02, 0.99, 0.001);
/// [`Math::Int8`]: eight bits of each activation, relative to the largest of 32.
const MATH_INT8: Bounds = (0.2, 0.97, 0.005);

fn scored<O: Ops>(ops: O, cache_type: CacheType, n_batch: usize) -> Vec<Scored> {
    let gguf = open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/desk/desk-nano.gguf"));
    let tokenizer = Tokenizer::from_gguf(gguf.metadata()).expect("a tokenizer");
    let tokens = tokenizer.encode(TEXT, Special::AsText, Bos::Auto).expect("tokens");
    let options = DecoderOptions {
        n_ctx: Some(256),
        n_batch,
        cache_type,
        ..DecoderOptions::default()
    };
    block_on(engine(ops, &gguf, &options).score(&tokens)).expect("scores")
}

fn bounded(name: &str, exact: &[Scored], lossy: &[Scored], (most, same, perplexity): Bounds) {
    let nll: Vec<_> = exact.iter().map(|s| s.nll).collect();
    let argmax: Vec<_> = exact.iter().map(|s| s.argmax).collect();
    let found = Agreement::of(lossy, &nll, &argmax);
    println!("{name}, {} tokens: {found:?}", exact.len());
    assert!(exact.len() > 80, "{} tokens", exact.len());
    assert!(
        found.nll <= most && found.argmax >= same && found.perplexity <= perplexity,
        "{name}: {found:?}"
    );
    assert!(found.nll > 0.0, "{name}: not what was asked for");
}

fn caches<O: Ops>(name: &str, ops: impl Fn() -> O, n_batch: usize) {
    let exact = scored(ops(), CacheType::F32, n_batch);
    for (cache_type, bounds) in [(CacheType::F16, CACHE_F16), (CacheType::Q8_0, CACHE_Q8_0)] {
        let lossy = scored(ops(), cache_type, n_batch);
        bounded(&format!("{name}, {} cache", cache_type.name()), &exact, &lossy, bounds);
    }
}

fn products(n_batch: usize) {
    let exact = scored(backend(), CacheType::F32, n_batch);
    let mut tried = 0;
    for (math, bounds) in [(Math::F16, MATH_F16), (Math::Int8, MATH_INT8)] {
        let mut gpu = backend();
        let mut tuning = *gpu.tuning();
        (tuning.gemv.math, tuning.gemm.math) = (math, math);
        if tuning.fits(gpu.device().abilities()) {
            gpu.set_tuning(tuning);
            let lossy = scored(gpu, CacheType::F32, n_batch);
            bounded(&format!("{math:?} products, {n_batch} at once"), &exact, &lossy, bounds);
            tried += 1;
        }
    }
    assert!(tried > 0, "every adapter has one of them");
}

#[test]
fn lossy_caches_keep_their_bounds_in_a_prompt() {
    caches("GPU, a prompt", backend, 64);
    caches("CPU", Reference::new, 64);
}

#[test]
fn lossy_caches_keep_their_bounds_token_by_token() {
    caches("GPU, token by token", backend, 1);
}

#[test]
fn lossy_products_keep_their_bounds_in_a_prompt() {
    products(64);
}

#[test]
fn lossy_products_keep_their_bounds_token_by_token() {
    products(1);
}
