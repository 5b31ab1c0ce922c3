//! One tiny seeded model for each feature that no shared file covers, against llama.cpp or transformers; and the proof
//! that each golden notices when its feature is removed. `tools/goldens` makes the files.

use std::ops::ControlFlow;

use kinglet::engine::Engine;
use kinglet::model::arch;
use kinglet::model::config::{DecoderConfig, RopeScaling};
use kinglet::model::decoder::Decoder;
use kinglet::model::plan::DecoderOptions;
use kinglet::ops::{CacheType, Ops};
use pollster::block_on;
use serde::Deserialize;

use crate::golden::{Agreement, greedy, open};
use crate::support;

/// F32 weights, F32 activations and cache on both sides: only the order of sums differs.
const NLL_TOLERANCE: f32 = 0.001;

#[derive(Deserialize)]
struct Golden {
    runs: Vec<Run>,
    ignoring_window: Option<Run>,
}

#[derive(Deserialize)]
struct Run {
    n_ctx: usize,
    tokens: Vec<u32>,
    nll: Vec<f32>,
    argmax: Vec<u32>,
    greedy: Vec<u32>,
}

fn golden(name: &str) -> Golden {
    let path = support::root().join(format!("tests/goldens/{name}.golden.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn engine<O: Ops>(ops: O, name: &str, run: &Run, ignore_window: bool, edit: fn(&mut DecoderConfig)) -> Engine<O> {
    let gguf = open(&support::root().join(format!("tests/goldens/{name}.gguf")));
    let mut config = arch::config(gguf.metadata(), gguf.tensors()).unwrap();
    edit(&mut config);
    let options = DecoderOptions {
        n_ctx: Some(run.n_ctx),
        n_batch: 24, // several chunks, none of which is a round number
        cache_type: CacheType::F32,
        ignore_window,
    };
    let mut go_on = |_| ControlFlow::Continue(());
    Engine::new(
        block_on(Decoder::load(ops, &gguf, config, &options, &mut go_on)).unwrap(),
        || 0.0,
    )
}

fn agreement<O: Ops>(engine: &mut Engine<O>, run: &Run) -> Agreement {
    Agreement::of(&block_on(engine.score(&run.tokens)).unwrap(), &run.nll, &run.argmax)
}

fn check_run<O: Ops>(mut engine: Engine<O>, name: &str, run: &Run) {
    let agreement = agreement(&mut engine, run);
    println!("{name}, context {}: {agreement:?}", run.n_ctx);
    assert!(
        agreement.within(NLL_TOLERANCE),
        "{name}, context {}: {agreement:?}",
        run.n_ctx
    );
    assert_eq!(
        greedy(&mut engine, &run.tokens, run.greedy.len()),
        run.greedy,
        "{name}, context {}",
        run.n_ctx
    );
}

/// The model agrees with its reference, and does not when `remove` takes the feature out of its configuration.
fn check<O: Ops>(ops: fn() -> O, name: &str, remove: fn(&mut DecoderConfig)) {
    let golden = golden(name);
    for run in &golden.runs {
        check_run(engine(ops(), name, run, false, |_| ()), name, run);
    }
    if let Some(run) = &golden.ignoring_window {
        check_run(engine(ops(), name, run, true, |_| ()), name, run);
    }
    let run = &golden.runs[0];
    let without = agreement(&mut engine(ops(), name, run, false, remove), run);
    assert!(
        !without.within(NLL_TOLERANCE),
        "{name} without its feature still agrees: {without:?}"
    );
}

fn plain_rope(c: &mut DecoderConfig) {
    c.rope.scaling = RopeScaling::None;
}

macro_rules! features {
    ($($name:ident: $remove:expr),* $(,)?) => {
        mod cpu {
            use super::*;
            $(#[test] fn $name() { check(kinglet::backend::Reference::new, stringify!($name), $remove) })*
        }

        #[cfg(feature = "gpu")]
        mod gpu {
            use super::*;
            $(#[test] fn $name() { check(crate::gpu_support::backend, stringify!($name), $remove) })*
        }
    };
}

features! {
    linear: plain_rope,
    llama3: plain_rope,
    yarn: plain_rope,
    longrope: |c| if let RopeScaling::LongRope { original_ctx, .. } = &mut c.rope.scaling {
        *original_ctx = usize::MAX; // the short factors everywhere
    },
    phi4mini: |c| c.rope.n_rot = c.head_dim, // rotary not partial
    qwen2: |c| c.tensors.qkv_bias = false,
    qwen3: |c| c.tensors.head_norms = false,
    window: |c| c.sliding_window = None,
}
