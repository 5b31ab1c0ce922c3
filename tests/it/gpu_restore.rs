//! The runtime on a GPU that misbehaves: lost devices, little memory; gpu_truth.rs has compilers that are wrong.

use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Instant;

use kinglet::Error;
use kinglet::backend::gpu::Drill;
use kinglet::backend::recruit;
use kinglet::engine::BackendChoice;
use kinglet::model::loader::Phase;
use kinglet::platform::{ByteSource, FileSource, MemorySource};
use kinglet::session::{EmbeddingRequest, Request, Session, SessionOptions};
use pollster::block_on;
use serde_json::{Value, json};

use crate::gpu_support::choose_driver;
use crate::support::{Rng, count, root};

pub fn options(drill: Drill) -> SessionOptions {
    choose_driver();
    SessionOptions {
        backend: BackendChoice::Gpu,
        n_ctx: Some(128),
        n_batch: Some(8),
        drill,
        ..SessionOptions::default()
    }
}

pub fn load_model(model: &str, options: &SessionOptions) -> Result<Session, Error> {
    let file = FileSource::open(root().join("tests/goldens").join(model).to_str().expect("a path"))?;
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(file)];
    block_on(Session::load(sources, options, &mut |_| ControlFlow::Continue(())))
}

pub fn load(options: &SessionOptions) -> Result<Session, Error> {
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
            ..options(Drill::default().on_hardware())
        };
        let mut session = load(&options).expect("loads");
        assert_eq!(session.info().backend, "gpu");
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

    // Left to kinglet: the CPU goes on with the answer.
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
    let codes: Vec<_> = notices.iter().map(|notice| notice.code).collect();
    assert_eq!(codes, ["gpu_restored", "gpu_restored", "gpu_restored", "degraded"]);
    assert_eq!(notices[3].detail["now"], "cpu", "{notices:?}");
}

fn restore(session: &mut Session) -> Result<(), Error> {
    block_on(session.restore(&mut recruit, &mut |_| ControlFlow::Continue(())))
}

/// The device is there, has reported an error outside any call, and would report it for ever.
#[test]
fn a_device_that_failed_is_replaced_like_a_lost_one() {
    let request = request(json!({}));
    let mut undisturbed = load(&options(Drill::default())).expect("loads");
    let loaded = undisturbed.engine().gpu_stats().expect("on the GPU").submits;
    let (want, _) = answer(&mut undisturbed, &request, |_, _| {});
    let mut session = load(&options(Drill::fail_at(loaded + 12))).expect("loads");
    assert_eq!(answer(&mut session, &request, |_, _| {}), (want, 1));
    assert_eq!(codes(&mut session), ["gpu_restored"]);
}

/// Its memory is what the next one needs.
#[test]
fn the_old_device_is_gone_before_the_model_is_loaded_again() {
    let mut session = load(&options(Drill::default())).expect("loads");
    let old = session.engine().device().expect("on the GPU").clone();
    assert!(old.check().is_ok());
    let mut heard = 0;
    let restored = block_on(session.restore(&mut recruit, &mut |_| {
        heard += 1;
        assert_eq!(old.check().map_err(|error| error.code()), Err("gpu_lost"));
        ControlFlow::Continue(())
    }));
    assert_eq!(restored, Ok(()));
    assert!(heard > 0);
}

#[test]
fn a_gpu_that_is_away_for_a_moment_is_waited_for() {
    let absent = |openings, backend| SessionOptions {
        backend,
        ..options(Drill::absent(openings).on_hardware())
    };
    let mut session = load(&absent(1..3, BackendChoice::Auto)).expect("loads");
    assert_eq!(restore(&mut session), Ok(()));
    assert_eq!(session.info().backend, "gpu");
    assert_eq!(codes(&mut session), ["gpu_restored"]);

    // It does not come back.
    let mut session = load(&absent(1..99, BackendChoice::Auto)).expect("loads");
    assert_eq!(restore(&mut session), Ok(()));
    assert_eq!(session.info().backend, "cpu");
    let notices = session.take_notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(
        (notices[0].code, &notices[0].detail["what"]),
        ("degraded", &json!("backend"))
    );

    let mut session = load(&absent(1..99, BackendChoice::Gpu)).expect("loads");
    assert_eq!(
        restore(&mut session).map_err(|error| error.code()),
        Err("gpu_unavailable")
    );

    // An abort ends the waiting, of 4.2 s in all.
    let mut session = load(&absent(1..99, BackendChoice::Auto)).expect("loads");
    let begun = Instant::now();
    let aborted = block_on(session.restore(&mut recruit, &mut |_| ControlFlow::Break(())));
    assert_eq!(aborted.map_err(|error| error.code()), Err("aborted"));
    assert!(begun.elapsed().as_millis() < 3000, "{:?}", begun.elapsed());

    // Nobody waits for a GPU that was never there.
    let begun = Instant::now();
    let session = load(&absent(0..99, BackendChoice::Auto)).expect("loads on the CPU");
    assert_eq!(session.info().backend, "cpu");
    assert!(begun.elapsed().as_millis() < 3000, "{:?}", begun.elapsed());
}

/// What `auto` says and does where the GPU is there, and no good.
#[test]
fn auto_leaves_a_gpu_that_is_no_good() {
    let auto = |drill: Drill| {
        let options = SessionOptions {
            backend: BackendChoice::Auto,
            n_ctx: None,
            n_batch: Some(128),
            ..options(drill.on_hardware())
        };
        let mut session = load(&options).expect("loads");
        let notices = session.take_notices();
        let notices: Vec<_> = notices
            .iter()
            .map(|n| (n.code, n.detail["what"].as_str().unwrap_or_default().to_owned()))
            .collect();
        let codes = notices.iter().map(|(code, what)| format!("{code} {what}"));
        (session, codes.collect::<Vec<_>>())
    };
    let (session, notices) = auto(Drill::default());
    assert_eq!((session.info().backend, notices.len()), ("gpu", 0));
    let weights = session.engine().plan().memory.weights;
    let (context, batch) = (session.info().context, session.engine().plan().n_batch);

    let (session, notices) = auto(Drill::miscompile("rms_norm", "params.eps", "(params.eps + 0.01)"));
    assert_eq!(
        (session.info().backend, notices),
        ("cpu", vec!["gpu_disabled ".to_owned()])
    );
    let fallback = session.info().fallback.clone().unwrap_or_default();
    assert!(fallback.contains("norm"), "{fallback}");

    // A compiler that refuses a shader.
    let (session, notices) = auto(Drill::miscompile("silu_mul", "fn main", "fn elsewhere"));
    assert_eq!(
        (session.info().backend, notices),
        ("cpu", vec!["degraded backend".to_owned()])
    );

    // Weights that do not fit: nothing else is made smaller for them, and the CPU has what was asked for.
    for memory in [weights / 2, 1] {
        let (session, notices) = auto(Drill::memory(memory));
        assert_eq!(
            (session.info().backend, notices),
            ("cpu", vec!["degraded backend".to_owned()])
        );
        let plan = session.engine().plan();
        assert_eq!((session.info().context, plan.n_batch), (context, batch));
    }
}

/// A model that was trained with 2048 positions.
fn load_wide(options: &SessionOptions) -> Result<Session, Error> {
    let mut file = std::fs::read(root().join("tests/goldens/qwen2.gguf")).expect("readable");
    let key = b"qwen2.context_length";
    let at = file.windows(key.len()).position(|w| w == key).expect("the key") + key.len() + 4; // behind its type
    file[at..at + 4].copy_from_slice(&2048u32.to_le_bytes());
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(file))];
    block_on(Session::load(sources, options, &mut |_| ControlFlow::Continue(())))
}

/// The GPU that replaces a lost one has less memory: the context is as small as it must be, and as large as the request needs.
#[test]
fn what_waits_has_room_on_a_smaller_gpu() {
    let wide = |n_ctx, drill| {
        let session = load_wide(&SessionOptions {
            n_ctx,
            n_batch: Some(128),
            ..options(drill)
        });
        session.expect("loads")
    };
    let room = wide(Some(1600), Drill::default())
        .engine()
        .gpu_stats()
        .expect("on the GPU")
        .bytes;
    let (short, long) = (vec![5; 3], vec![5; 1498]);
    // With a second answer that needs 1500 positions, with a text that does, and with neither.
    let texts = EmbeddingRequest::new(&json!({"input": [short, long]})).expect("a request");
    let answers = |prompts: Value| {
        let body = json!({"prompt": prompts, "max_tokens": 2, "temperature": 0});
        Request::completion(&body).expect("a request")
    };
    for (request, context) in [
        (Some(answers(json!([short, long]))), 1500),
        (None, 1498),
        (Some(answers(json!([short]))), 1024),
    ] {
        let mut session = wide(None, Drill::memories([u64::MAX, room]));
        assert_eq!(session.info().context, 2048);
        match &request {
            Some(request) => session.start(request).expect("starts"),
            None => session.start_embedding(&texts).expect("starts"),
        }
        assert_eq!(restore(&mut session), Ok(()));
        assert_eq!(session.info().context, context);
        let mut given = 0;
        match request {
            Some(_) => {
                while block_on(session.next()).expect("a token").is_some() {
                    given += 1;
                }
            }
            None => {
                while block_on(session.next_embedding()).expect("a vector").is_some() {
                    given += 1;
                }
            }
        }
        assert!(given >= 2, "{given}");
    }
}

#[test]
fn little_memory_takes_a_smaller_context_then_a_smaller_batch_then_refuses() {
    let held = |n_ctx, n_batch, memory: Option<u64>| {
        load_wide(&SessionOptions {
            n_ctx,
            n_batch: Some(n_batch),
            ..options(memory.map_or_else(Drill::default, Drill::memory))
        })
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
