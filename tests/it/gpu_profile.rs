//! A step taken apart on a GPU, by its own clock and without one; the self-test beside a model.

use std::collections::BTreeMap;

use kinglet::backend::gpu::{Drill, Gpu};
use kinglet::engine::{Engine, Profile};
use kinglet::ops::Method;
use kinglet::platform::now_ms;
use pollster::block_on;

use crate::engine::{decoder, model, options};
use crate::gpu_restore::{load, options as session_options};
use crate::gpu_support::{choose_driver, open, open_with_clock};
use crate::profile::{calls, layers, sum};

const ROUNDS: usize = 20;

/// The round whose rows come closest to its step, and by what factor they are off.
fn closest(clocked: bool, tokens: usize) -> (Profile, f64) {
    let device = if clocked { open_with_clock() } else { open() };
    let gpu = Gpu::on(device).expect("a backend");
    let mut engine = Engine::new(decoder(gpu, &model("qwen2"), &options(64, 16)).expect("loads"), now_ms);
    let rounds = (0..ROUNDS).map(|_| {
        let profile = block_on(engine.profile(tokens, 0)).expect("a step");
        let off = (sum(&profile) / profile.step_ms).ln().abs().exp();
        (profile, off)
    });
    rounds.min_by(|a, b| a.1.total_cmp(&b.1)).expect("rounds")
}

/// `stage op` -> calls, as a software adapter runs qwen2, whose parts of a matrix have one format.
fn fused(tokens: usize) -> BTreeMap<String, usize> {
    let mut all = vec![("embed embed", 1)];
    let each = [
        "qkv matmul",
        "qkv finish_qkv",
        "attention attention_row",
        "attn_output matmul",
        "gate_up matmul",
        "ffn_down matmul",
    ];
    // A single token's norms are inside of its products.
    let norms: &[&str] = if tokens == 1 {
        &[]
    } else {
        &["qkv rms_norm", "gate_up rms_norm"]
    };
    let layers = layers("qwen2");
    all.extend(each.iter().chain(norms).map(|op| (*op, layers)));
    all.extend((tokens == 1).then_some(("head matmul", 1)));
    all.into_iter().map(|(name, calls)| (name.to_string(), calls)).collect()
}

#[test]
fn a_gpu_with_a_clock_and_one_without() {
    for tokens in [1, 16] {
        for clocked in [true, false] {
            let (profile, off) = closest(clocked, tokens);
            assert_eq!(calls(&profile), fused(tokens), "{tokens} tokens, a clock: {clocked}");
            let method = if clocked { Method::Timestamps } else { Method::Settled };
            assert_eq!(profile.method, method, "{tokens} tokens");
            assert!(off < 4.0, "{tokens} tokens, {method:?}: off by a factor of {off:.2}");
            assert!(profile.rows.iter().any(|row| row.span.kernel.starts_with("gem")));
        }
    }
}

#[test]
fn the_self_test_is_repeated_beside_a_model() {
    choose_driver();
    let mut session = load(&session_options(Drill::default())).expect("loads");
    let before = session.engine().gpu_stats();
    let bytes = before.map(|stats| (stats.buffers, stats.bytes));
    let verdict = block_on(session.test_again()).expect("a verdict");
    assert_eq!(verdict.wrong, None);
    assert!(
        verdict.tried.iter().any(|name| name.starts_with("attention")),
        "{:?}",
        verdict.tried
    );
    let after = session.engine().gpu_stats().map(|stats| (stats.buffers, stats.bytes));
    assert_eq!(after, bytes, "what it took is given back");
}
