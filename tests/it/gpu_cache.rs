//! What the lossy caches cost a trained model, on the GPU and on the CPU: nll and most likely token of each position of a
//! text against the same engine with an f32 cache.

use std::path::Path;

use kinglet::backend::Reference;
use kinglet::engine::Scored;
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

/// f16: eleven bits of each key and value. Measured: see docs/benchmarks.md.
const F16: (f32, f64, f64) = (0.02, 0.99, 0.001);
/// q8_0: eight bits, relative to the largest of 32.
const Q8_0: (f32, f64, f64) = (0.15, 0.96, 0.01);

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

fn bounded<O: Ops>(name: &str, ops: impl Fn() -> O, n_batch: usize) {
    let exact = scored(ops(), CacheType::F32, n_batch);
    assert!(exact.len() > 80, "{} tokens", exact.len());
    let nll: Vec<_> = exact.iter().map(|s| s.nll).collect();
    let argmax: Vec<_> = exact.iter().map(|s| s.argmax).collect();
    for (cache_type, (most, same, perplexity)) in [(CacheType::F16, F16), (CacheType::Q8_0, Q8_0)] {
        let found = Agreement::of(&scored(ops(), cache_type, n_batch), &nll, &argmax);
        println!("{name}, {} cache, {} tokens: {found:?}", cache_type.name(), exact.len());
        assert!(
            found.nll <= most && found.argmax >= same && found.perplexity <= perplexity,
            "{name}: {found:?}"
        );
        assert!(found.nll > 0.0, "{name}: not the type that was asked for");
    }
}

#[test]
fn lossy_caches_keep_their_bounds_in_a_prompt() {
    bounded("GPU, a prompt", backend, 64);
    bounded("CPU", Reference::new, 64);
}

#[test]
fn lossy_caches_keep_their_bounds_token_by_token() {
    bounded("GPU, token by token", backend, 1);
}
