//! The self-test of a GPU: a compiler that is wrong is found, a correct one is not blamed, and it is tried once.

use std::time::Instant;

use kinglet::Error;
use kinglet::backend::gpu::{Drill, Gpu, GpuOptions};
use kinglet::backend::truth::{Demands, require_correct};
use kinglet::gpu::{Device, Style};
use kinglet::kernels::tuning::Math;
use kinglet::ops::{CacheType, RopeOrder};
use kinglet::quant::DType;
use kinglet::session::SessionOptions;
use pollster::block_on;

use crate::gpu_restore::{load, load_model, options};
use crate::gpu_support::{backend, choose_driver};

fn demands() -> Demands {
    Demands {
        formats: vec![DType::Q4K, DType::Q4_0],
        long: vec![DType::Q4_0],
        embedding: vec![DType::Q4K],
        head_dim: 32,
        cache: CacheType::F16,
        order: RopeOrder::HalfSplit,
        head_norms: true,
    }
}

/// What the self-test says of a device with these kernels; what passed before is not tried.
fn tried(drill: Drill, style: Option<Style>, passed: &[String]) -> Result<Vec<String>, Error> {
    choose_driver();
    let options = GpuOptions {
        allow_software: true,
        drill,
        ..Default::default()
    };
    let device = block_on(Device::open(&options)).expect("an adapter");
    let style = style.unwrap_or(device.style());
    let mut gpu = Gpu::on(device.with_style(style)).expect("a backend");
    block_on(require_correct(&mut gpu, &demands(), passed))
}

/// All that is tried where nothing is wrong.
fn all_tried(style: Option<Style>) -> Vec<String> {
    let all = tried(Drill::default(), style, &[]).expect("nothing is wrong");
    assert_eq!(all.len(), 9, "{all:?}");
    all
}

/// `fault`: a kernel, the text in it that is miscompiled, what it becomes, the one trial of `all` to run, and what it must find.
#[track_caller]
fn found_wrong(fault: [&'static str; 5], style: Option<Style>, all: &[String]) {
    let [kernel, text, for_text, trial, op] = fault;
    let others: Vec<_> = all.iter().filter(|name| *name != trial).cloned().collect();
    assert_eq!(others.len() + 1, all.len(), "{trial} is one of {all:?}");
    match tried(Drill::miscompile(kernel, text, for_text), style, &others) {
        Err(Error::GpuWrong { op: found, .. }) => assert!(found.contains(op), "{op}: found {found}"),
        other => panic!("{op}: {other:?}"),
    }
}

const PRODUCT: &str = "matmul Q4_0";
const ATTENTION: &str = "attention 32 f16 HalfSplit, normed";
const NORM: &str = "norm, activation and sums";
const HEAD_NORM: &str = "norm of heads 32";

#[test]
fn a_compiler_that_is_wrong_is_found() {
    // A driver that flushes subnormal halves; one that drops the rescaling of the softmax; one that loses a sign; one
    // that rounds the norm's epsilon away; one that shifts too far. Each in one kernel only.
    let (text, for_text, trial) = ("fraction, exponent", "vec4<u32>(), exponent", PRODUCT);
    let faults = [
        ["gemv", text, for_text, trial, "one row, subnormal"],
        ["gemm_serial", text, for_text, trial, "a batch, subnormal"],
        // A fused product alone: the norm before it, the sum and the gate behind it; of one row, and of several.
        ["gemv", "params.eps", "(params.eps + 0.01)", PRODUCT, "normed"],
        ["gemv", "row] += value", "row] = value", PRODUCT, "added"],
        ["gemv", "min(-v, 80.0)", "min(v, 80.0)", PRODUCT, "gated"],
        ["gemm_serial", "out[at] += a", "out[at] = a", PRODUCT, "added, a batch"],
        [
            "gemm_serial",
            "min(-a, 80.0)",
            "min(a, 80.0)",
            PRODUCT,
            "gated, a batch",
        ],
        [
            "attention_row",
            "params.scale",
            "(params.scale * 1.02)",
            ATTENTION,
            "attention",
        ],
        [
            "finish_qkv",
            "params.eps",
            "(params.eps + 0.01)",
            ATTENTION,
            "attention",
        ],
        ["rms_norm", "params.eps", "(params.eps + 0.01)", NORM, "norm"],
        [
            "head_norm",
            "params.eps",
            "(params.eps + 0.01)",
            HEAD_NORM,
            "norm of heads",
        ],
        ["silu_mul", "min(-gate", "min(gate", NORM, "silu"],
        [
            "rope",
            "params.n_rot",
            "(params.n_rot / 2u)",
            "rope HalfSplit 32",
            "rope",
        ],
    ];
    let all = all_tried(None);
    for fault in faults {
        found_wrong(fault, None, &all);
    }
}

/// The kernels of real GPUs, which software adapters do not take by themselves.
#[test]
fn a_compiler_that_is_wrong_only_in_long_rows_or_far_on_is_found() {
    let tree = Some(Style::Tree);
    let long_row = "sums[thread] = select(sum, vec4<f32>(), thread % LANES >= 16u);";
    let own_value = "wide_store(SUMS + c * PER, unpacked(v, v_scale));";
    let three = "token >= step.rows || step.rows == 3u";
    let many = "token >= step.rows || step.rows == 40u";
    let faults = [
        // The path of the weights themselves.
        ["repack", "31u - shift", "30u - shift", "embed Q4_K", "embed Q4_K"],
        // Products with so many tokens that another shader has them.
        ["gemm_columns", "token >= step.rows", three, PRODUCT, "three rows"],
        ["gemm", "token >= step.rows", many, PRODUCT, "many rows"],
        // The last of the threads that share a row are not summed: they have work in long rows only.
        [
            "gemv",
            "sums[thread] = sum;",
            long_row,
            "matmul Q4_0, long rows",
            "long rows",
        ],
        // The rescaling between tiles of keys, for a prompt and for a token; what splits come to; a token's own value.
        ["attention", "sum_0 *= shrink;", "", ATTENTION, "a batch, far on"],
        [
            "attend",
            "wide_scaled(wide_load(at), shrink)",
            "wide_load(at)",
            ATTENTION,
            "a token",
        ],
        [
            "combine",
            "parts[at + DIM] - highest",
            "0.0",
            ATTENTION,
            "a token, far on",
        ],
        ["attend", own_value, "", ATTENTION, "a token"],
        [
            "head_norm",
            "+ params.eps",
            "+ params.eps + 0.01",
            HEAD_NORM,
            "norm of heads",
        ],
    ];
    let all = all_tried(tree);
    for fault in faults {
        found_wrong(fault, tree, &all);
    }
}

/// WGSL lets a GPU round to half precision in either direction; to lose more bits than that is wrong.
#[test]
fn a_gpu_that_cuts_off_halves_is_not_blamed() {
    let cut = |mask| match mask {
        // The bits of an f32 that a half has no room for.
        13 => "clamp(bitcast<vec4<f32>>(bitcast<vec4<u32>>(v) & vec4<u32>(0xffffe000u)),",
        _ => "clamp(bitcast<vec4<f32>>(bitcast<vec4<u32>>(v) & vec4<u32>(0xffff0000u)),",
    };
    let all = all_tried(None);
    let others: Vec<_> = all.iter().filter(|name| *name != ATTENTION).cloned().collect();
    let cut_off = tried(Drill::miscompile("finish_qkv", "clamp(v,", cut(13)), None, &others);
    assert_eq!(cut_off, Ok(vec![ATTENTION.to_string()]));
    found_wrong(["finish_qkv", "clamp(v,", cut(16), ATTENTION, "attention"], None, &all);
}

/// What rounds activations has bounds of its own, which hold in every format and behind a gate, too.
#[test]
fn ways_that_round_are_not_blamed() {
    let formats: Vec<DType> = DType::ALL.into_iter().filter(|t| t.block_len() > 1).collect();
    let demands = Demands {
        long: formats.clone(),
        formats,
        ..demands()
    };
    let mut tried = 0;
    for math in Math::ALL {
        let mut gpu = backend();
        let mut tuning = *gpu.tuning();
        (tuning.gemv.math, tuning.gemm.math) = (math, math);
        if tuning.fits(gpu.device().abilities()) {
            gpu.set_tuning(tuning);
            block_on(require_correct(&mut gpu, &demands, &[])).unwrap_or_else(|e| panic!("{math:?}: {e}"));
            tried += 1;
        }
    }
    assert!(tried > 1, "f32, and at least one that rounds");
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
fn a_correct_gpu_passes_and_is_tried_once() {
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
