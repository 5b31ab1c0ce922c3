//! The variants that a device is measured to run fastest, on the adapter under test; the choice itself is tested without one
//! (src/backend/autotune.rs).

use kinglet::backend::autotune::{Part, Source};
use kinglet::backend::gpu::{Drill, Tuning};
use kinglet::engine::Tune;
use kinglet::kernels::tuning::{Math, Reduce};
use kinglet::session::SessionOptions;

use crate::gpu_restore::{load, options};
use crate::gpu_support::device;

fn tuned_by(tuning: Tune) -> SessionOptions {
    SessionOptions {
        tuning,
        ..options(Drill::default())
    }
}

#[test]
fn a_device_is_measured_when_it_is_asked_for_and_what_was_chosen_runs() {
    let session = load(&tuned_by(Tune::Always)).expect("loads");
    let facts = session.info().gpu.clone().expect("a GPU");
    let tuned = &facts.tuned;
    for trial in &tuned.trials {
        println!("{:?} {}: {:?}", trial.part, trial.variant, trial.ms);
    }
    println!("in {:.0} ms: {:?}", tuned.ms, tuned.tuning);
    assert_eq!(tuned.source, Source::Measured);
    assert_eq!(facts.abilities, device().abilities());
    let table = Tuning::of(&device());
    let first = tuned.trials.first().expect("the table's choice is timed");
    assert_eq!((first.part, &*first.variant), (Part::Gemv, &*Part::Gemv.label(&table)));
    assert!(first.ms.is_some());
    assert!(tuned.trials.iter().all(|trial| !trial.wrong), "{:?}", tuned.trials);
    assert!(tuned.tuning.fits(facts.abilities));
    assert_eq!(
        (tuned.tuning.gemv.math, tuned.tuning.gemm.math),
        (Math::F32, Math::F32),
        "exact"
    );
    // What was compared before loading is what runs, by name.
    let tried = &session.engine().self_test().tried;
    let named = tried.iter().any(|name| name.contains(&Part::Gemv.label(&tuned.tuning)));
    assert_eq!(named, tuned.tuning != table, "{tried:?}");
}

#[test]
fn a_software_adapter_is_not_measured_by_itself() {
    for tuning in [Tune::Off, Tune::Auto] {
        let session = load(&tuned_by(tuning)).expect("loads");
        let tuned = session.info().gpu.clone().expect("a GPU").tuned;
        assert_eq!((tuned.source, tuned.trials.len()), (Source::Table, 0));
        assert_eq!(tuned.tuning, Tuning::of(&device()));
    }
}

#[test]
fn what_is_given_runs_where_the_device_has_it() {
    let mut tuning = Tuning::of(&device());
    tuning.gemv.reduce = Reduce::Tree;
    let session = load(&tuned_by(Tune::Given(tuning))).expect("loads");
    let tuned = session.info().gpu.clone().expect("a GPU").tuned;
    assert_eq!((tuned.tuning, tuned.source), (tuning, Source::Given));
    for lanes in [0, 7, 512] {
        tuning.gemv.lanes = lanes;
        let session = load(&tuned_by(Tune::Given(tuning))).expect("loads");
        let tuned = session.info().gpu.clone().expect("a GPU").tuned;
        assert_eq!(
            (tuned.tuning, tuned.source),
            (Tuning::of(&device()), Source::Table),
            "{lanes} lanes"
        );
    }
}
