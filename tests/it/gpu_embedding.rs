//! Embeddings on the GPU: those of llama.cpp, and those of the exact mode.

use kinglet::engine::BackendChoice;
use kinglet::ops::CacheType;
use kinglet::session::SessionOptions;
use serde_json::json;

use crate::embedding::{against_llama_cpp, cosine, embed};
use crate::loaded::{cpu, golden_bytes, load};

fn gpu() -> SessionOptions {
    SessionOptions {
        backend: BackendChoice::Gpu,
        cache_type: CacheType::F32,
        ..SessionOptions::default()
    }
}

#[test]
fn they_are_those_of_llama_cpp() {
    if let Some(worst) = against_llama_cpp(&gpu()) {
        assert!(worst > 1.0 - 1e-5, "{worst}");
    }
}

#[test]
fn they_are_those_of_the_exact_mode() {
    let exact = SessionOptions {
        exact: true,
        cache_type: CacheType::F32,
        ..cpu()
    };
    for model in ["qwen2", "qwen3", "phi4mini"] {
        let [gpu, exact] = [gpu(), exact.clone()].map(|options| {
            let mut session = load(golden_bytes(model), &options);
            embed(&mut session, &json!({"input": ["Once upon a time", "abc"]}))
        });
        for (gpu, exact) in gpu.iter().zip(&exact) {
            assert!(cosine(gpu, exact) > 1.0 - 1e-5, "{model}: {}", cosine(gpu, exact));
        }
    }
}
