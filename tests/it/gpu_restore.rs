//! The runtime on a GPU that misbehaves: lost devices, little memory, a compiler that is wrong.

use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Instant;

use kinglet::Error;
use kinglet::backend::gpu::{Drill, Gpu, GpuOptions};
use kinglet::backend::recruit;
use kinglet::backend::truth::{Demands, require_correct};
use kinglet::engine::BackendChoice;
use kinglet::model::loader::Phase;
use kinglet::ops::{CacheType, RopeOrder};
use kinglet::platform::{ByteSource, FileSource, MemorySource};
use kinglet::quant::DType;
use kinglet::session::{Request, Session, SessionOptions};
use pollster::block_on;
use serde_json::{Value, json};

use crate::gpu_support::choose_driver;
use crate::support::{Rng, count, root};

fn options(drill: Drill) -> SessionOptions {
    choose_driver();
    SessionOptions {
        backend: BackendChoice::Gpu,
        n_ctx: Some(128),
        n_batch: Some(8),
        drill,
        ..SessionOptions::default()
    }
}

fn load_model(model: &str, options: &SessionOptions) -> Result<Session, Error> {
    let file = FileSource::open(root().join("tests/goldens").join(model).to_str().expect("a path"))?;
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(file)];
    block_on(Session::load(sources, options, &mut |_| ControlFlow::Continue(())))
}

fn load(options: &SessionOptions) -> Result<Session, Error> {
    load_model("qwen2.gguf", options)
}

/// Greedy or seeded, with everything that has a memory: penalties, a stop string, log-probabilities.
fn request(extra: Value) -> Request {
    let mut body = json!({"prompt": "Once upon a time, there was a bird who lived in a tree", "max_tokens": 24,
        "temperature": 0, "logit_bias": {"2": -100}, "stop": ["@@"], "logprobs": 1});
    for (key, value) in extra.as_object().expect("an object") {
        body[key] = value.clone();
    }
    Request::completion(&body).expect("a request")
}

/// The answer, and how many devices were lost on the way; `interrupt` runs before each step.
fn answer(session: &mut Session, request: &Request, mut interrupt: impl FnMut(&Session, usize)) -> (String, usize) {
    session.start(request).expect("starts");
    let (mut text, mut losses, mut step) = (String::new(), 0, 0);
    loop {
        interrupt(session, step);
        step += 1;
        let next = match block_on(session.prefill()) {
            Ok(true) => continue,
            Ok(false) => block_on(session.next()),
            Err(error) => Err(error),
        };
        match next {
            Ok(Some(chunk)) => text.push_str(&chunk.text),
            Ok(None) => return (text, losses),
            Err(Error::GpuLost { .. }) => {
                losses += 1;
                block_on(session.restore(&mut recruit, &mut |_| ControlFlow::Continue(()))).expect("restores");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn codes(session: &mut Session) -> Vec<&'static str> {
    session.take_notices().iter().map(|notice| notice.code).collect()
}

#[test]
fn an_answer_goes_on_wherever_the_device_is_lost() {
    let mut undisturbed = load(&options(Drill::default())).expect("loads");
    let loaded = undisturbed.engine().gpu_stats().expect("on the GPU").submits;
    let greedy = request(json!({}));
    let drawn = request(json!({"temperature": 1.0, "seed": 7, "frequency_penalty": 0.5}));
    let want = [&greedy, &drawn].map(|request| answer(&mut undisturbed, request, |_, _| {}).0);
    assert_ne!(want[0], want[1]);
    let all = undisturbed.engine().gpu_stats().expect("on the GPU").submits;
    assert!(all > loaded + 24, "{loaded} of {all} submits while loading");

    let mut rng = Rng(41);
    let mut lost = 0;
    for round in 0..count(6, 50) {
        // The first device while loading in every third round, the others anywhere; two in a row.
        let first = match round % 3 {
            0 => rng.below(loaded as usize) as u64,
            _ => loaded + rng.below((all - loaded) as usize) as u64,
        };
        let second = rng.below(all as usize) as u64;
        let mut session = load(&options(Drill::lose_at([first, second]))).expect("loads again");
        for (request, want) in [&greedy, &drawn].into_iter().zip(&want) {
            let (got, losses) = answer(&mut session, request, |_, _| {});
            assert_eq!(&got, want, "round {round}: lost at submits {first} and {second}");
            lost += losses;
        }
        let codes = codes(&mut session);
        assert!(
            codes.contains(&"gpu_lost") || codes.contains(&"gpu_restored"),
            "{codes:?}"
        );
    }
    assert!(lost > 0, "no loss fell into an answer");
}

#[test]
fn a_device_that_is_destroyed_between_steps_or_idle_is_replaced() {
    let mut session = load(&options(Drill::default())).expect("loads");
    let request = request(json!({}));
    let (want, none) = answer(&mut session, &request, |_, _| {});
    assert_eq!(none, 0);
    let destroy = |session: &Session| session.engine().device().expect("on the GPU").destroy();
    destroy(&session); // idle
    let (got, losses) = answer(&mut session, &request, |session, step| {
        if step == 1 || step == 9 {
            destroy(session); // in the prompt, in the answer
        }
    });
    assert_eq!((got, losses), (want, 3));
    assert_eq!(codes(&mut session), ["gpu_restored"; 3]);
}

#[test]
fn a_device_that_is_lost_too_often_is_given_up() {
    let text = |backend| {
        let options = SessionOptions {
            backend,
            ..options(Drill::default())
        };
        let mut session = load(&options).expect("loads");
        let request = request(json!({}));
        session.start(&request).expect("starts");
        block_on(session.next()).expect("a first token");
        let mut outcome = Ok(());
        for _ in 0..4 {
            outcome = block_on(session.restore(&mut recruit, &mut |_| ControlFlow::Continue(())));
        }
        (session, outcome)
    };
    // Demanded: a typed error, and the request waits.
    let (_, outcome) = text(BackendChoice::Gpu);
    let error = outcome.expect_err("too often");
    assert_eq!(error.code(), "gpu_lost");
    assert!(error.to_string().contains("4 times within 120 s"), "{error}");

    // Left to kinglet: the CPU goes on with the same answer. (Both of these drivers are software, so `auto` takes the CPU
    // from the start; what counts is that the request moves from engine to engine.)
    let (mut session, outcome) = text(BackendChoice::Auto);
    outcome.expect("the CPU takes over");
    assert_eq!(session.info().backend, "cpu");
    assert!(
        session
            .info()
            .fallback
            .as_deref()
            .is_some_and(|why| why.contains("4 times")),
        "{:?}",
        session.info()
    );
    let mut pieces = 1;
    while block_on(session.next()).expect("a step").is_some() {
        pieces += 1;
    }
    assert_eq!((pieces, session.generated().len()), (24, 24));
    let notices = session.take_notices();
    assert!(
        notices.iter().any(|n| n.code == "degraded" && n.detail["now"] == "cpu"),
        "{notices:?}"
    );
}

#[test]
fn little_memory_takes_a_smaller_context_then_a_smaller_batch_then_refuses() {
    let held = |n_ctx, n_batch, memory: Option<u64>| {
        let options = SessionOptions {
            n_ctx,
            n_batch: Some(n_batch),
            ..options(memory.map_or_else(Drill::default, Drill::memory))
        };
        let mut file = std::fs::read(root().join("tests/goldens/qwen2.gguf")).expect("readable");
        let key = b"qwen2.context_length";
        let at = file.windows(key.len()).position(|w| w == key).expect("the key") + key.len() + 4; // behind its type
        file[at..at + 4].copy_from_slice(&2048u32.to_le_bytes());
        let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(file))];
        block_on(Session::load(sources, &options, &mut |_| ControlFlow::Continue(())))
    };
    let bytes = |n_ctx, n_batch| {
        let session = held(Some(n_ctx), n_batch, None).expect("loads");
        session.engine().gpu_stats().expect("on the GPU").bytes
    };
    let (full, half, least) = (bytes(1024, 128), bytes(512, 128), bytes(1024, 16));
    assert!(least < full && half < full, "{least} {half} {full}");

    // A quarter of the model's own context: two steps down, each said.
    let mut session = held(None, 128, Some(full - 1)).expect("fits with less");
    assert_eq!((session.info().trained_context, session.info().context), (2048, 512));
    let notices = session.take_notices();
    assert_eq!(notices.len(), 2);
    assert!(
        notices
            .iter()
            .all(|n| n.code == "degraded" && n.detail["what"] == "context"),
        "{notices:?}"
    );
    let last = notices.last().expect("a step down");
    assert_eq!(last.detail["now"], session.info().context);
    assert_eq!(last.detail["cause"]["code"], "too_large");
    let request = Request::completion(&json!({"prompt": "a", "max_tokens": 4, "temperature": 0})).expect("a request");
    assert!(answer(&mut session, &request, |_, _| {}).1 == 0);

    // Then the batch.
    let mut session = held(None, 128, Some(half - 1)).expect("fits with less");
    let what: Vec<Value> = session
        .take_notices()
        .iter()
        .map(|n| n.detail["what"].clone())
        .collect();
    assert_eq!(session.info().context, 512);
    assert_eq!(what.last(), Some(&json!("batch")), "{what:?}");
    assert!(session.engine().plan().n_batch < 128);

    // A context that was asked for stays: the batch shrinks, and then it is refused with the numbers.
    let mut session = held(Some(1024), 128, Some(full - 1)).expect("fits with less");
    assert_eq!(session.info().context, 1024);
    assert!(session.take_notices().iter().all(|n| n.detail["what"] == "batch"));
    let least = least - 1;
    match held(Some(1024), 128, Some(least)).map(|_| ()) {
        Err(Error::TooLarge {
            needed,
            available,
            what,
            ..
        }) => {
            assert!(needed > least && available <= least, "{needed} {available}");
            assert!(what.contains("GPU"), "{what}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn memory_that_is_refused_is_found_before_a_byte_is_read() {
    let (mut uploads, mut compiles) = (0, 0);
    let file = FileSource::open(root().join("tests/goldens/qwen2.gguf").to_str().expect("a path")).expect("readable");
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(file)];
    let all = load(&options(Drill::default())).expect("loads");
    let all = all.engine().gpu_stats().expect("on the GPU").bytes;
    let short = options(Drill::memory(all / 2));
    let outcome = block_on(Session::load(sources, &short, &mut |p| {
        uploads += u32::from(p.phase == Phase::Upload);
        compiles += u32::from(p.phase == Phase::Compile);
        ControlFlow::Continue(())
    }));
    assert_eq!(outcome.map(|_| ()).map_err(|e| e.code()), Err("too_large"));
    assert_eq!((uploads, compiles), (0, 0));
}

fn open(drill: Drill) -> Gpu {
    choose_driver();
    let allow_software = true;
    block_on(Gpu::open(&GpuOptions { allow_software, drill })).expect("an adapter")
}

#[test]
fn a_compiler_that_is_wrong_is_found() {
    // A driver that flushes subnormal halves; one that drops the rescaling of the softmax; one that loses a sign; one
    // that rounds the norm's epsilon away. Each in one kernel only.
    let faults = [
        ("gemv", "fraction, exponent", "vec4<u32>(), exponent", "subnormal"),
        (
            "gemm",
            "fraction, exponent",
            "vec4<u32>(), exponent",
            "a batch, subnormal",
        ),
        ("attention", "params.scale", "(params.scale * 1.02)", "attention"),
        ("rms_norm", "params.eps", "(params.eps + 0.01)", "norm"),
        ("silu_mul", "min(-gate", "min(gate", "silu"),
        ("rope", "params.n_rot", "(params.n_rot / 2u)", "rope"),
    ];
    let demands = Demands {
        formats: vec![DType::Q4K, DType::Q4_0],
        embedding: vec![DType::Q4K],
        head_dim: 32,
        cache: CacheType::F16,
        order: RopeOrder::HalfSplit,
    };
    let mut right = open(Drill::default());
    assert_eq!(
        block_on(require_correct(&mut right, &demands, &[])).map(|tried| tried.len()),
        Ok(6)
    );
    for (kernel, text, for_text, op) in faults {
        let drill = Drill::miscompile(kernel, text, for_text);
        let mut wrong = open(drill);
        let error = block_on(require_correct(&mut wrong, &demands, &[])).expect_err(kernel);
        let Error::GpuWrong { op: found, .. } = &error else {
            panic!("{kernel}: {error}");
        };
        assert!(found.contains(op), "{kernel}: {error}");
    }
}

#[test]
fn a_gpu_that_is_wrong_is_an_error_where_it_was_demanded() {
    let wrong = options(Drill::miscompile("rms_norm", "params.eps", "(params.eps + 0.01)"));
    let error = load(&wrong).map(|_| ()).expect_err("wrong");
    assert_eq!(error.code(), "gpu_wrong");
    assert!(
        error.to_string().contains("norm, activation and sums: norm: expected"),
        "{error}"
    );
}

#[test]
fn a_correct_gpu_passes_quickly_and_once() {
    choose_driver();
    for model in ["qwen2", "qwen3", "phi4mini", "llama3"] {
        let begun = Instant::now();
        let session = load_model(&format!("{model}.gguf"), &options(Drill::default())).expect("a correct driver");
        let test = session.engine().self_test().clone();
        println!(
            "self-test {model}: {} comparisons in {:.0} ms of a load of {:.0} ms",
            test.tried.len(),
            test.ms,
            begun.elapsed().as_secs_f64() * 1e3
        );
        assert!(test.tried.len() >= 5, "{test:?}");
        let again = SessionOptions {
            tested: test.tried,
            ..options(Drill::default())
        };
        let session = load_model(&format!("{model}.gguf"), &again).expect("loads");
        assert!(session.engine().self_test().tried.is_empty());
    }
}
