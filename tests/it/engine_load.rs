//! Loading: which backend, what fits, how far, and how much memory it takes.

use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::backend::Reference;
#[cfg(feature = "gpu")]
use kinglet::engine::GenerateOptions;
use kinglet::engine::{BackendChoice, Engine, LoadOptions, load};
use kinglet::error::Error;
use kinglet::gguf::{GgufFile, split_names};
use kinglet::model::arch;
use kinglet::model::loader::Phase;
use kinglet::model::plan::{MAX_N_CTX, Plan};
use kinglet::ops::{CacheShape, MemoryLimits, Ops};
use kinglet::platform::{ByteSource, FileSource};
use pollster::block_on;

use crate::alloc::peak_of;
use crate::engine::{decoder, model, options, text};
use crate::golden::open;
use crate::support;

#[test]
fn split_files_are_one_model() {
    let first = support::root().join("tests/goldens/split-00001-of-00003.gguf");
    let sources = split_names(first.to_str().unwrap()).unwrap();
    let sources = sources
        .iter()
        .map(|p| Rc::new(FileSource::open(p).unwrap()) as Rc<dyn ByteSource>)
        .collect();
    let split = block_on(GgufFile::open_split(sources)).unwrap();
    let score = |gguf: &GgufFile| {
        let mut engine = Engine::new(decoder(Reference::new(), gguf, &options(64, 16)).unwrap(), || 0.0);
        block_on(engine.score(&text(40))).unwrap()
    };
    assert_eq!(score(&split), score(&model("qwen2")));
}

#[test]
fn loading_reports_progress_in_bytes() {
    let gguf = model("qwen2");
    let mut seen = Vec::new();
    let cpu = LoadOptions {
        backend: BackendChoice::Cpu,
        ..Default::default()
    };
    let engine = block_on(load(&gguf, &cpu, || 0.0, &mut |p| {
        seen.push(p);
        ControlFlow::Continue(())
    }))
    .unwrap();
    assert_eq!(engine.info().backend, "cpu");
    let total: u64 = gguf.tensors().iter().map(|t| t.bytes).sum();
    assert_eq!(engine.plan().memory.weights, total);
    assert!(
        seen.windows(2)
            .all(|w| w[0].loaded <= w[1].loaded && w[1].total == total)
    );
    let last = seen.pop().unwrap();
    assert_eq!((last.phase, last.loaded), (Phase::Ready, total));
    assert_eq!((seen[0].phase, seen[0].loaded), (Phase::Upload, 0));
}

/// The machines of tests have software adapters only: `auto` says so and takes the CPU, `gpu` takes what there is.
#[cfg(feature = "gpu")]
#[test]
fn auto_prefers_the_cpu_to_a_software_adapter() {
    if !crate::gpu_support::device().software() {
        return support::skip("the adapter under test is real hardware");
    }
    let gguf = model("qwen2");
    let load = |backend| {
        let options = LoadOptions {
            backend,
            ..Default::default()
        };
        block_on(load(&gguf, &options, || 0.0, &mut |_| ControlFlow::Continue(()))).unwrap()
    };
    let auto = load(BackendChoice::Auto);
    assert_eq!((auto.info().backend, auto.gpu_stats()), ("cpu", None));
    assert!(auto.fallback().unwrap().contains("software"), "{:?}", auto.fallback());
    let mut forced = load(BackendChoice::Gpu);
    assert_eq!(
        (forced.info().backend, forced.info().software, forced.fallback()),
        ("gpu", true, None)
    );
    let before = forced.gpu_stats().unwrap().dispatches;
    forced
        .start(
            &[1, 5, 9],
            GenerateOptions {
                max_tokens: 2,
                ..Default::default()
            },
        )
        .unwrap();
    assert!(block_on(forced.next()).unwrap().is_some());
    assert!(forced.gpu_stats().unwrap().dispatches > before);
}

/// Once the first tokens are out, a token creates no buffer, pipeline or bind group, and costs one submit.
#[cfg(feature = "gpu")]
#[test]
fn decoding_allocates_nothing_on_the_gpu() {
    let options = LoadOptions {
        backend: BackendChoice::Gpu,
        decoder: options(128, 16),
        ..Default::default()
    };
    crate::gpu_support::device(); // chooses the adapter under test
    let mut engine = block_on(load(&model("qwen3"), &options, || 0.0, &mut |_| {
        ControlFlow::Continue(())
    }))
    .unwrap();
    engine
        .start(
            &text(20),
            GenerateOptions {
                max_tokens: 60,
                ..Default::default()
            },
        )
        .unwrap();
    for _ in 0..3 {
        block_on(engine.next()).unwrap();
    }
    let before = engine.gpu_stats().unwrap();
    for _ in 0..50 {
        block_on(engine.next()).unwrap().unwrap();
    }
    let after = engine.gpu_stats().unwrap();
    println!("{before:?} {after:?}");
    assert_eq!(after.created, before.created);
    assert_eq!(
        (after.dispatches - before.dispatches) % 50,
        0,
        "every token costs the same"
    );
    assert!(after.submits - before.submits <= 2 * 50, "the step, and its readback");
}

/// Whatever the prompt's length, cut into batches of 32: the kernels of all steps are compiled while the model loads.
#[test]
fn the_first_token_compiles_nothing() {
    crate::gpu_support::device(); // chooses the adapter under test
    for name in ["qwen2", "qwen3", "phi4mini", "llama3"] {
        let mut options = LoadOptions {
            backend: BackendChoice::Gpu,
            ..Default::default()
        };
        options.decoder.n_batch = 32;
        let loaded = block_on(load(&model(name), &options, || 0.0, &mut |_| ControlFlow::Continue(())));
        let mut engine = loaded.expect("loads");
        let compiled = engine.gpu_stats().expect("on the GPU").compiled;
        assert!(compiled > 5, "{name}: {compiled}");
        for length in [1, 2, 8, 9, 20, 32, 33, 36] {
            for temperature in [0.0, 1.0] {
                let mut options = GenerateOptions {
                    max_tokens: 3,
                    ..Default::default()
                };
                options.sampling.temperature = temperature;
                engine.reset();
                engine.start(&text(length), options).expect("starts");
                for token in 0..3 {
                    block_on(engine.next()).expect("a token");
                    let now = engine.gpu_stats().expect("on the GPU").compiled;
                    assert_eq!(now, compiled, "{name}, {length} tokens at {temperature}, token {token}");
                }
            }
        }
    }
}

#[test]
fn loading_can_be_aborted_anywhere() {
    let gguf = model("qwen2");
    let cpu = LoadOptions {
        backend: BackendChoice::Cpu,
        ..Default::default()
    };
    for stop_at in [0, 1, 7] {
        let mut calls = 0;
        let result = block_on(load(&gguf, &cpu, || 0.0, &mut |_| {
            calls += 1;
            if calls > stop_at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }));
        assert_eq!(result.err(), Some(Error::Aborted));
        assert_eq!(calls, stop_at + 1, "nothing is read after the abort");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_numbers() {
    let gguf = model("qwen2");
    let config = arch::config(gguf.metadata(), gguf.tensors()).unwrap();
    let plan = Plan::new(&gguf, config.clone(), &options(256, 16)).unwrap();
    let needed = plan.memory.total();
    let limits = |total, max_buffer| MemoryLimits {
        total: Some(total),
        max_buffer,
        shards: 1,
    };
    assert_eq!(plan.check(limits(needed, u64::MAX)), Ok(()));
    match plan.check(limits(needed - 1, u64::MAX)).unwrap_err() {
        Error::TooLarge {
            needed: n, available, ..
        } => assert_eq!((n, available), (needed, needed - 1)),
        other => panic!("{other:?}"),
    }
    let half_cache = plan.memory.cache / 2 / config.n_layer as u64;
    assert_eq!(
        plan.check(limits(needed, half_cache - 1)).unwrap_err().code(),
        "too_large"
    );
    // Keys and values: 2 * layers * positions * kv heads * head size * 4 bytes.
    let cache = 2 * config.n_layer * 256 * config.n_head_kv * config.head_dim * 4;
    assert_eq!(plan.memory.cache, cache as u64);
    let endless = CacheShape {
        n_ctx: usize::MAX / 1024,
        ..plan.cache
    };
    assert_eq!(
        Reference::new().cache(endless).unwrap_err().code(),
        "too_large",
        "an error, not an abort"
    );
    for n_ctx in [0, MAX_N_CTX + 1, usize::MAX] {
        let error = Plan::new(&gguf, config.clone(), &options(n_ctx, 16)).unwrap_err();
        assert_eq!(error.code(), "invalid_request");
    }
}

/// Whoever asks for more context than the model was trained with gets it; what lies within stays the same.
#[test]
fn a_context_beyond_the_trained_one_runs() {
    let score = |n_ctx, len| {
        let decoder = decoder(Reference::new(), &model("qwen2"), &options(n_ctx, 64)).unwrap();
        block_on(Engine::new(decoder, || 0.0).score(&text(len)))
    };
    let config = arch::config(model("qwen2").metadata(), model("qwen2").tensors()).unwrap();
    let trained = config.n_ctx_train;
    assert_eq!(score(trained, trained + 2).unwrap_err().code(), "context_overflow");
    let within = score(trained, trained).unwrap();
    let beyond = score(trained + 40, trained + 40).unwrap();
    assert_eq!(beyond[..within.len()], within);
    assert!(beyond.iter().all(|s| s.nll.is_finite()));
}

/// The CPU backend holds each weight once: at most 1.1 times the tensors' bytes.
#[test]
fn cpu_holds_each_weight_once() {
    let gguf = model("phi4mini");
    let config = arch::config(gguf.metadata(), gguf.tensors()).unwrap();
    let plan = Plan::new(&gguf, config, &options(64, 16)).unwrap();
    let mut cpu = Reference::new();
    let held: usize = plan
        .matrices()
        .map(|m| cpu.weight(&m.parts, &m.split).unwrap().bytes())
        .sum();
    let in_file: u64 = gguf.tensors().iter().map(|t| t.bytes).sum();
    assert!(
        held as u64 * 10 <= in_file * 11,
        "{held} bytes held for {in_file} in the file"
    );
}

/// And never twice, not even while loading: the peak is the weights, the cache, the activations and one piece in flight.
#[test]
fn cpu_load_makes_no_second_copy() {
    const PIECE: usize = 4 << 20;
    let Some(path) = support::shared("models/stories260K-p768-phi3-q4_k_m.gguf") else {
        return;
    };
    let gguf = open(&path);
    let (decoder, peak) = peak_of(|| decoder(Reference::new(), &gguf, &options(128, 16)).unwrap());
    let m = decoder.plan().memory;
    let allowed = m.weights as usize * 11 / 10 + (m.cache + m.activations) as usize + PIECE;
    println!("peak {peak} bytes for {m:?}");
    assert!(peak <= allowed, "{peak} bytes, allowed {allowed}: {m:?}");
    assert!(peak as u64 >= m.total(), "the count misses something: {peak}, {m:?}");
}
