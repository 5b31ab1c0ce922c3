//! The measurement of kernels (src/bench): it has every figure, and none of what computes something wrong.

use std::future::Future;

use kinglet::bench::{self, Plan, Stage};
use kinglet::platform::now_ms;
use pollster::block_on;
use serde_json::Value;

use crate::gpu_support::device;

/// Every stage, in shapes of milliseconds.
fn small() -> Plan {
    Plan {
        formats: vec!["Q4_0".into(), "Q6_K".into()],
        matrices: vec![
            (Stage::Matmul, 256, 96),
            (Stage::MatmulAdd, 256, 33),
            (Stage::GateUp, 256, 128),
            (Stage::Head, 256, 257),
        ],
        prefill: 5,
        contexts: vec![1, 150],
        heads: 2,
        rounds: 3,
        batch_ms: 1.0,
        budget_ms: 1.0,
        rotate: 1 << 20,
        ..Plan::default()
    }
}

fn measured(plan: &Plan) -> Value {
    wait(bench::run(device(), plan, now_ms, &mut |_| {}))
}

fn wait(run: impl Future<Output = kinglet::Result<Value>>) -> Value {
    block_on(run).expect("the device computes")
}

#[test]
fn every_figure_is_there() {
    let found = measured(&small());
    let peaks = found["peaks"].as_object().unwrap();
    for kind in ["read", "fma", "dot4", "dispatch", "answer"] {
        let of: Vec<_> = peaks
            .iter()
            .filter(|(name, _)| name.split(' ').next() == Some(kind))
            .collect();
        assert!(!of.is_empty(), "{kind}");
        for (name, peak) in of {
            assert!(
                peak["median"].as_f64() > Some(0.0) && peak["unit"].is_string(),
                "{name}: {peak}"
            );
        }
    }
    let kernels = found["kernels"].as_array().unwrap();
    // Per format four plain products, three stages, three of a prompt's; then attention.
    assert_eq!(kernels.len(), 2 * (4 + 3 + 3) + 2);
    for kernel in kernels {
        for field in ["gb_per_s", "gflop_per_s"] {
            assert!(kernel[field].as_f64() > Some(0.0), "{field}: {kernel}");
        }
        assert!(
            kernel["ms"]["n"].as_u64() >= Some(3) && kernel["valid"]["compared"].as_u64() > Some(0),
            "{kernel}"
        );
        assert!(
            kernel["dispatches"].as_u64() > Some(0) && kernel["tuning"].is_object(),
            "{kernel}"
        );
        assert_eq!(kernel["tokens"] == 1, kernel["of_read"].is_number(), "{kernel}");
        assert_eq!(kernel["tokens"] == 1, kernel["of_fma"].is_null(), "{kernel}");
    }
}

#[test]
fn what_computes_something_else_has_no_figure() {
    let found = measured(&Plan {
        broken: true,
        ..small()
    });
    let wrong = |found: &Value| found["wrong"].is_string() && found["median"].is_null() && found["ms"].is_null();
    let kernels = found["kernels"].as_array().unwrap();
    // A single key is attended to whatever the query is.
    let can_tell = |kernel: &&Value| kernel["context"] != 1;
    assert!(kernels.iter().filter(can_tell).all(wrong), "{kernels:#?}");
    assert!(
        found["peaks"].as_object().unwrap().values().all(wrong),
        "{}",
        found["peaks"]
    );
}

#[test]
fn every_way_that_the_device_has_agrees() {
    let plan = Plan {
        formats: vec!["Q4_K".into()],
        matrices: vec![(Stage::Matmul, 512, 70)],
        all_tunings: true,
        contexts: vec![40],
        ..small()
    };
    let found = measured(&plan);
    let kernels = found["kernels"].as_array().unwrap();
    assert!(kernels.len() > 6);
    for kernel in kernels {
        assert!(kernel["wrong"].is_null(), "{kernel}");
    }
}

#[test]
fn a_plan_that_cannot_be_is_refused() {
    let refused = |plan: Plan| block_on(bench::run(device(), &plan, now_ms, &mut |_| {})).is_err();
    let formats = |name: &str| Plan {
        formats: vec![name.into()],
        ..small()
    };
    assert!(refused(formats("Q9_9")) && refused(formats("F32")));
    let cols = Plan {
        matrices: vec![(Stage::Matmul, 33, 8)],
        ..small()
    };
    assert!(refused(cols));
    assert!(refused(Plan { rotate: 0, ..small() }));
    assert!(serde_json::from_str::<Plan>(r#"{"round": 3}"#).is_err());
}
