//! Signals on the GPU: those of the CPU, and the same again where a device is lost half-way.

use std::ops::ControlFlow;

use kinglet::Error;
use kinglet::backend::gpu::Drill;
use kinglet::backend::recruit;
use kinglet::session::{ChoiceRequest, Request, Session, SessionOptions, Signals};
use pollster::block_on;
use serde_json::json;

use crate::gpu_restore::{load, options};
use crate::loaded::{cpu, golden_bytes, load as load_on};
use crate::session_signals::{assert_same, request};
use crate::support;
use crate::with_template::with_template;

/// Logits of this model on the GPU are within this of those of exact arithmetic, and so is every logarithm of a
/// probability; margins are of two.
const LOGITS: f64 = 0.02;

fn answer(session: &mut Session, request: &Request, mut interrupt: impl FnMut(&Session, usize)) -> (String, Signals) {
    session.start(request).expect("starts");
    let (mut text, mut signals) = (String::new(), None);
    for step in 0.. {
        interrupt(session, step);
        match block_on(session.next()) {
            Ok(Some(chunk)) => {
                text += &chunk.text;
                signals = chunk.signals.or(signals);
            }
            Ok(None) => break,
            Err(Error::GpuLost { .. }) => {
                let restored = async { session.restore(&mut recruit, &mut |_| ControlFlow::Continue(())).await };
                block_on(restored).expect("restores");
            }
            Err(error) => panic!("{error}"),
        }
    }
    (text, signals.expect("asked for"))
}

#[test]
fn they_are_those_of_the_cpu() {
    let mut gpu = load(&options(Drill::default())).expect("loads");
    let exact = SessionOptions { exact: true, ..cpu() };
    let mut cpu = load_on(golden_bytes("qwen2"), &exact);
    for more in [json!({}), json!({"logit_bias": {"2": -100, "5": 1e-4}})] {
        let request = Request::completion(&request(more)).expect("a request");
        let (said, got) = answer(&mut gpu, &request, |_, _| {});
        let (same, want) = answer(&mut cpu, &request, |_, _| {});
        assert_eq!(said, same);
        assert_same("GPU", &got, &want, 2.0 * LOGITS);
    }
}

/// A choice among labels, whose prompt is read in pieces and whose search goes over several steps.
#[test]
fn a_choice_goes_on_wherever_the_device_is_lost() {
    let file = with_template(
        &golden_bytes("qwen2"),
        "{% for m in messages %}<s>{{ m.role }}: {{ m.content | trim }}</s>{% endfor %}<s>assistant:",
    );
    let body = json!({"messages": [{"role": "user", "content": "car, car rental, boat: once upon a time there was a bird"}],
        "labels": ["car", "car rental", "boat", "none of these"], "always": [0, 1, 2], "none": 3});
    let request = ChoiceRequest::new(&body).expect("a request");
    let choose = |drill: Drill| {
        let mut session = load_on(file.clone(), &options(drill));
        let loaded = session.engine().gpu_stats().expect("on the GPU").submits;
        session.start_choice(&request).expect("starts");
        loop {
            let next = match block_on(session.choice_chunk()) {
                Ok(true) => continue,
                Ok(false) => block_on(session.next_choice()),
                Err(error) => Err(error),
            };
            match next {
                Ok(choice) => {
                    let submits = session.engine().gpu_stats().map_or(0, |s| s.submits);
                    return (choice.expect("a choice"), loaded, submits, session.take_notices().len());
                }
                Err(Error::GpuLost { .. }) => {
                    let again = async { session.restore(&mut recruit, &mut |_| ControlFlow::Continue(())).await };
                    block_on(again).expect("restores");
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    let (want, loaded, all, notices) = choose(Drill::default());
    assert_eq!(notices, 0);
    assert!(
        all >= loaded + 6,
        "chunks of the prompt and steps of the search: {loaded} of {all}"
    );
    // Chunk, step, and the last one; all of them in the soak, for each is a whole load on a software driver.
    let points: Vec<_> = if support::soak() {
        (loaded..all).collect()
    } else {
        vec![loaded, loaded + (all - loaded) / 2, all - 1]
    };
    for at in points {
        let (got, _, _, notices) = choose(Drill::lose_at([at, loaded + 1]));
        assert!(notices >= 1, "lost at submit {at}");
        assert_eq!((got.best, got.scores.len()), (want.best, 4));
        for (got, want) in got.scores.iter().zip(&want.scores) {
            assert_eq!(got.bound, want.bound);
            assert!(
                (got.logprob - want.logprob).abs() <= LOGITS,
                "lost at {at}: {got:?} {want:?}"
            );
        }
        assert_same("lost", &got.signals, &want.signals, 2.0 * LOGITS);
    }
}

#[test]
fn they_survive_a_lost_device() {
    let mut session = load(&options(Drill::default())).expect("loads");
    let request =
        Request::completion(&request(json!({"n": 2, "temperature": 1, "top_p": 0.9, "seed": 4}))).expect("a request");
    let want = answer(&mut session, &request, |_, _| {});
    let got = answer(&mut session, &request, |session, step| {
        if step == 5 || step == 60 {
            session.engine().device().expect("on the GPU").destroy();
        }
    });
    assert_eq!(session.take_notices().len(), 2, "two devices were lost");
    assert_eq!(got.0, want.0);
    assert_same("lost", &got.1, &want.1, 2.0 * LOGITS);
    assert_eq!(got.1.tokens, want.1.tokens, "no token counts twice");
    assert_eq!(
        (got.1.repetition, got.1.agreement),
        (want.1.repetition, want.1.agreement)
    );
}
