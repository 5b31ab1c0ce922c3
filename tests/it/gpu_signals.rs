//! Signals on the GPU: those of the CPU, and the same again where a device is lost half-way.

use kinglet::Error;
use kinglet::backend::gpu::Drill;
use kinglet::backend::recruit;
use kinglet::session::{Request, Session, SessionOptions, Signals};
use pollster::block_on;
use serde_json::json;

use crate::gpu_restore::{load, options};
use crate::loaded::{cpu, golden_bytes, load as load_on};
use crate::session_signals::{assert_same, request};

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
                let restored = async {
                    session
                        .restore(&mut recruit, &mut |_| std::ops::ControlFlow::Continue(()))
                        .await
                };
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
