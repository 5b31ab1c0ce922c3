//! Whole files: formats and errors beside those of llama.cpp, metadata, and what is refused.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::rc::Rc;

use kinglet::gguf::{GgufFile, Metadata, Value};
use kinglet::model::plan::DecoderOptions;
use kinglet::platform::{ByteSource, FileSource, MemorySource};
use kinglet::quant::{DType, dequantize_row};
use kinglet::quantize::{Done, FileType, Options, Total, parse_format, plan, quantize};
use kinglet::{Error, Result};
use pollster::block_on;

use crate::golden::{engine, open};
use crate::support::{root, shared};
use crate::writer::Writer;

fn options(file_type: FileType) -> Options {
    Options {
        file_type,
        pure: false,
        output: None,
        embedding: None,
        allow_requantize: false,
        threads: NonZeroUsize::MIN,
    }
}

struct Quantized {
    bytes: Vec<u8>,
    tensors: Vec<Done>,
    total: Total,
}

fn run(gguf: &GgufFile, options: &Options) -> Result<Quantized> {
    let (mut bytes, mut tensors) = (Vec::new(), Vec::new());
    let total = block_on(quantize(gguf, options, &mut bytes, &mut |done| {
        tensors.push(done.clone());
        Ok(())
    }))?;
    Ok(Quantized { bytes, tensors, total })
}

fn read(bytes: Vec<u8>) -> Result<GgufFile> {
    block_on(GgufFile::open(Rc::new(MemorySource::new(bytes))))
}

fn golden_file(name: &str) -> GgufFile {
    open(&root().join("tests/goldens").join(name))
}

fn weights(gguf: &GgufFile, name: &str) -> Vec<f32> {
    let t = gguf.tensor(name).unwrap();
    let bytes = block_on(gguf.read_tensor(t, 0, t.bytes as usize)).unwrap();
    let mut weights = vec![0.0; t.elements() as usize];
    dequantize_row(t.dtype.unwrap(), &bytes, &mut weights).unwrap();
    weights
}

// ---- beside llama.cpp -----------------------------------------------------------------------------------------------

/// Files that llama.cpp quantized, and their type.
const THEIRS: [(&str, FileType); 14] = [
    ("p256-q2_k", FileType::Q2K),
    ("p256-q3_k_m", FileType::Q3KM),
    ("p256-q4_0", FileType::Q4_0),
    ("p256-q4_1", FileType::Q4_1),
    ("p256-q4_k_m", FileType::Q4KM),
    ("p256-q5_0", FileType::Q5_0),
    ("p256-q5_1", FileType::Q5_1),
    ("p256-q5_k_m", FileType::Q5KM),
    ("p256-q6_k", FileType::Q6K),
    ("p256-q8_0", FileType::Q8_0),
    ("p256-phi3-q4_0", FileType::Q4_0),
    ("p256-phi3-q4_k_m", FileType::Q4KM),
    ("p256-phi3-q6_k", FileType::Q6K),
    ("p256-phi3-q8_0", FileType::Q8_0),
];

fn parent_of(name: &str) -> &'static str {
    if name.contains("phi3") {
        "p256-phi3-f16"
    } else {
        "p256-f16"
    }
}

fn story(name: &str) -> Option<GgufFile> {
    shared(&format!("models/stories260K-{name}.gguf")).map(|path| open(&path))
}

/// Tensors whose planned format is not that of the same tensor in `theirs`.
fn other_formats(theirs: &GgufFile, planned: &GgufFile, options: &Options) -> Vec<String> {
    let differs = |t: &kinglet::gguf::TensorInfo| {
        let got = theirs.tensor(&t.name).unwrap().type_name();
        (got != t.type_name()).then(|| format!("{}: llama.cpp {got}, here {}", t.name, t.type_name()))
    };
    plan(planned, options).unwrap().iter().filter_map(differs).collect()
}

#[test]
fn every_tensor_gets_the_format_that_llama_cpp_gives_it() {
    for (name, file_type) in THEIRS {
        let (Some(theirs), Some(parent)) = (story(name), story(parent_of(name))) else {
            return;
        };
        assert_eq!(other_formats(&theirs, &parent, &options(file_type)), [""; 0], "{name}");
        assert_eq!(
            theirs.metadata().u32("general.file_type"),
            Ok(Some(file_type.id())),
            "{name}"
        );
    }
    // The wide one has no F16 file beside it; its own names and shapes are enough.
    let Some(wide) = story("p768-phi3-q4_k_m") else { return };
    let again = Options {
        allow_requantize: true,
        ..options(FileType::Q4KM)
    };
    assert_eq!(other_formats(&wide, &wide, &again), [""; 0]);
    // Another mix is noticed.
    let small = Options {
        file_type: FileType::Q4KS,
        ..again
    };
    assert!(!other_formats(&wide, &wide, &small).is_empty());
}

/// Ours may be this much worse than llama.cpp's. (They are better, by 1 to 8 %, or the same.)
const WORSE: f64 = 1.002;

#[test]
fn errors_are_not_larger_than_llama_cpps() {
    for (name, file_type) in THEIRS {
        let (Some(theirs), Some(parent)) = (story(name), story(parent_of(name))) else {
            return;
        };
        let ours = read(run(&parent, &options(file_type)).unwrap().bytes).unwrap();
        let mut sums = BTreeMap::<String, [f64; 3]>::new();
        for t in ours.tensors() {
            let [x, llama, here] = [&parent, &theirs, &ours].map(|file| weights(file, &t.name));
            let sum = sums.entry(t.type_name()).or_default();
            let square = |a: f32, b: f32| (f64::from(a) - f64::from(b)).powi(2);
            for ((x, llama), here) in x.into_iter().zip(llama).zip(here) {
                sum[0] += square(x, 0.0);
                sum[1] += square(x, llama);
                sum[2] += square(x, here);
            }
        }
        for (t, [x, llama, here]) in sums {
            let [llama, here] = [llama, here].map(|e| (e / x).sqrt());
            println!("{name} {t}: llama.cpp {llama:.5}, here {here:.5}");
            assert!(here <= llama * WORSE, "{name} {t}: llama.cpp {llama}, here {here}");
        }
    }
}

/// Perplexity of the text in the goldens, exact activations.
fn perplexity(gguf: &GgufFile, golden: &Path) -> f64 {
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    let ids: Vec<u32> = serde_json::from_value(golden["llama_cpp"]["perplexity"]["tokens"].clone()).unwrap();
    let mut engine = engine(kinglet::backend::Reference::new(), gguf, &DecoderOptions::default());
    let scored = block_on(engine.score(&ids)).unwrap();
    (scored.iter().map(|s| f64::from(s.nll)).sum::<f64>() / scored.len() as f64).exp()
}

/// Perplexity relative to the F16 file's, on 170 tokens. Measured here: 0.987, 0.998, 0.999; llama.cpp's files: 1.003,
/// 0.997, 0.999. (Rounding errors are as likely to help as to hurt a text this short.)
#[test]
fn perplexity_stays() {
    let Some(golden) = shared("models/stories260K-p256-phi3-f16.golden.json") else {
        return;
    };
    let Some(parent) = story("p256-phi3-f16") else { return };
    let before = perplexity(&parent, &golden);
    for (file_type, tolerance) in [(FileType::Q4KM, 0.03), (FileType::Q6K, 0.01), (FileType::Q8_0, 0.005)] {
        let ours = read(run(&parent, &options(file_type)).unwrap().bytes).unwrap();
        let ratio = perplexity(&ours, &golden) / before;
        println!("{}: {ratio:.4}", file_type.name());
        assert!((ratio - 1.0).abs() <= tolerance, "{}: {ratio}", file_type.name());
    }
    // The measure notices a file that is worse.
    let pure = Options {
        pure: true,
        ..options(FileType::Q2K)
    };
    let worse = read(run(&parent, &pure).unwrap().bytes).unwrap();
    assert!(perplexity(&worse, &golden) > 1.1 * before);
}

// ---- files ----------------------------------------------------------------------------------------------------------

#[test]
fn metadata_stays_but_for_the_type() {
    let before = golden_file("longrope.gguf");
    let after = read(run(&before, &options(FileType::Q8_0)).unwrap().bytes).unwrap();
    let others = |m: &Metadata| -> Vec<(String, Value)> {
        let is_new = |k: &str| k == "general.file_type" || k == "general.quantization_version";
        let kept = m.iter().filter(|(k, _)| !is_new(k));
        kept.map(|(k, v)| (k.to_string(), v.clone())).collect()
    };
    assert_eq!(others(before.metadata()), others(after.metadata()));
    assert_eq!(after.metadata().u32("general.file_type"), Ok(Some(7)));
    assert_eq!(after.metadata().u32("general.quantization_version"), Ok(Some(2)));
    let names = |g: &GgufFile| {
        g.tensors()
            .iter()
            .map(|t| (t.name.clone(), t.shape.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&before), names(&after));
    assert_eq!(after.tensor("blk.0.attn_norm.weight").unwrap().dtype, Some(DType::F32));
    assert_eq!(
        after.tensor("rope_factors_long.weight").unwrap().dtype,
        Some(DType::F32)
    );
    assert_eq!(after.tensor("blk.0.attn_qkv.weight").unwrap().dtype, Some(DType::Q8_0));
    // Rows of 48 are no whole blocks.
    assert_eq!(after.tensor("blk.0.ffn_down.weight").unwrap().dtype, Some(DType::F16));
}

/// Every kind of value, and an alignment of its own, survive; vectors are the same bytes.
#[test]
fn odd_metadata_and_alignment_are_kept() {
    let before = golden_file("qwen2.gguf");
    let mut w = Writer {
        alignment: 256,
        ..Writer::default()
    };
    for (key, value) in before.metadata().iter() {
        w = w.kv(key, value);
    }
    let odd: Vec<(&str, Value)> = vec![
        ("x.u8", Value::U8(255)),
        ("x.i8", Value::I8(-1)),
        ("x.u16", Value::U16(65535)),
        ("x.i16", Value::I16(-2)),
        ("x.i32", Value::I32(-3)),
        ("x.u64", Value::U64(u64::MAX)),
        ("x.i64", Value::I64(i64::MIN)),
        ("x.f32", Value::F32(f32::MIN_POSITIVE)),
        ("x.f64", Value::F64(-0.1)),
        ("x.bool", Value::Bool(true)),
        ("x.text", Value::String("naïve \u{1f642}".into())),
        ("x.u8s", Value::Array(kinglet::gguf::Array::U8(vec![0, 255]))),
        ("x.i8s", Value::Array(kinglet::gguf::Array::I8(vec![-1]))),
        ("x.u16s", Value::Array(kinglet::gguf::Array::U16(vec![1, 2]))),
        ("x.i16s", Value::Array(kinglet::gguf::Array::I16(vec![]))),
        ("x.u32s", Value::Array(kinglet::gguf::Array::U32(vec![7; 9]))),
        ("x.u64s", Value::Array(kinglet::gguf::Array::U64(vec![u64::MAX]))),
        ("x.i64s", Value::Array(kinglet::gguf::Array::I64(vec![-1]))),
        ("x.f64s", Value::Array(kinglet::gguf::Array::F64(vec![0.5]))),
        ("x.bools", Value::Array(kinglet::gguf::Array::Bool(vec![true, false]))),
        ("general.alignment", Value::U32(256)),
    ];
    for (key, value) in &odd {
        w = w.kv(key, value);
    }
    for t in before.tensors() {
        let data = block_on(before.read_tensor(t, 0, t.bytes as usize)).unwrap();
        w = w.tensor(&t.name, &t.shape, t.ggml_type, data);
    }
    let out = run(&read(w.bytes()).unwrap(), &options(FileType::Q4_0)).unwrap();
    assert!(out.bytes.len().is_multiple_of(256));
    let after = read(out.bytes).unwrap();
    for (key, value) in &odd {
        assert_eq!(after.metadata().get(key), Some(value), "{key}");
    }
    for t in before.tensors().iter().filter(|t| t.shape.len() == 1) {
        assert_eq!(weights(&before, &t.name), weights(&after, &t.name), "{}", t.name);
    }
}

#[test]
fn parts_are_joined() {
    let dir = root().join("tests/goldens");
    let part = |no| dir.join(format!("split-0000{no}-of-00003.gguf"));
    let sources = (1..=3).map(|no| Rc::new(FileSource::open(part(no)).unwrap()) as Rc<dyn ByteSource>);
    let split = block_on(GgufFile::open_split(sources.collect())).unwrap();
    let joined = read(run(&split, &options(FileType::Q8_0)).unwrap().bytes).unwrap();
    let whole = read(run(&golden_file("qwen2.gguf"), &options(FileType::Q8_0)).unwrap().bytes).unwrap();
    assert!(joined.metadata().iter().all(|(key, _)| !key.starts_with("split.")));
    assert_eq!(joined.tensors().len(), whole.tensors().len());
    for t in whole.tensors() {
        assert_eq!(weights(&joined, &t.name), weights(&whole, &t.name), "{}", t.name);
    }
}

#[test]
fn every_type_gives_a_file_that_runs_and_reports_itself() {
    let before = golden_file("phi4mini.gguf");
    for file_type in FileType::all() {
        let out = run(&before, &options(file_type)).unwrap();
        let size = out.bytes.len() as u64;
        let after = read(out.bytes).unwrap();
        assert_eq!(out.total.file_bytes, size);
        assert_eq!(out.total.tensors, after.tensors().len());
        assert_eq!(out.total.bytes, after.tensors().iter().map(|t| t.bytes).sum::<u64>());
        let mut engine = engine(kinglet::backend::Reference::new(), &after, &DecoderOptions::default());
        assert_eq!(block_on(engine.score(&[1, 2, 3])).unwrap().len(), 2, "{file_type:?}");
        for (done, t) in out.tensors.iter().zip(after.tensors()) {
            assert_eq!((&done.name, &done.to, done.bytes), (&t.name, &t.type_name(), t.bytes));
            assert_eq!(done.rmse == 0.0, done.from == done.to, "{file_type:?} {done:?}");
            assert!(done.rmse < 0.4, "{file_type:?} {done:?}");
        }
    }
}

#[test]
fn threads_change_nothing() {
    let before = golden_file("phi4mini.gguf");
    let with = |n| Options {
        threads: NonZeroUsize::new(n).unwrap(),
        ..options(FileType::Q5_1)
    };
    let one = run(&before, &with(1)).unwrap();
    for n in [2, 3, 1000] {
        let many = run(&before, &with(n)).unwrap();
        assert_eq!(one.bytes, many.bytes, "{n} threads");
        assert_eq!(one.total.rmse.to_bits(), many.total.rmse.to_bits(), "{n} threads");
    }
}

#[test]
fn formats_of_single_tensors_can_be_chosen() {
    let formats = |file: &str, o: Options| -> BTreeMap<String, DType> {
        let planned = plan(&golden_file(file), &o).unwrap();
        planned.into_iter().map(|t| (t.name, t.dtype.unwrap())).collect()
    };
    let base = options(FileType::Q4_0);
    let tied = formats("qwen2.gguf", base.clone());
    assert_eq!(tied["token_embd.weight"], DType::Q8_0, "Q6_K does not fit rows of 32");
    assert_eq!(tied["blk.0.attn_q.weight"], DType::Q4_0);
    let pure = formats(
        "qwen2.gguf",
        Options {
            pure: true,
            ..base.clone()
        },
    );
    assert_eq!(pure["token_embd.weight"], DType::Q4_0);
    let output = Some(parse_format("q5_1").unwrap());
    let chosen = formats("qwen2.gguf", Options { output, ..base.clone() });
    assert_eq!(chosen["token_embd.weight"], DType::Q5_1, "it is the output, too");
    let embedding = Some(DType::F16);
    let both = Options {
        output,
        embedding,
        pure: true,
        ..base
    };
    assert_eq!(formats("qwen2.gguf", both)["token_embd.weight"], DType::F16);
    assert!(parse_format("q4_k_m").is_err(), "a type of files, not of tensors");
}

// ---- refused --------------------------------------------------------------------------------------------------------

/// The tiny model with one weight of one tensor replaced.
fn with_weight(tensor: &str, weight: f32) -> GgufFile {
    let before = golden_file("qwen2.gguf");
    let mut w = Writer::default();
    for (key, value) in before.metadata().iter() {
        w = w.kv(key, value);
    }
    for t in before.tensors() {
        let mut data = block_on(before.read_tensor(t, 0, t.bytes as usize)).unwrap();
        if t.name == tensor {
            data[20..24].copy_from_slice(&weight.to_le_bytes());
        }
        w = w.tensor(&t.name, &t.shape, t.ggml_type, data);
    }
    read(w.bytes()).unwrap()
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_name() {
    for (tensor, weight) in [
        ("blk.1.attn_k.weight", f32::NAN),
        ("token_embd.weight", f32::INFINITY),
        ("blk.0.attn_norm.weight", f32::NEG_INFINITY), // copied
        ("blk.0.ffn_up.weight", 1e6),                  // too large for scales in half precision
    ] {
        let error = run(&with_weight(tensor, weight), &options(FileType::Q8_0))
            .err()
            .unwrap();
        assert_eq!(error.code(), "bad_file");
        assert!(error.to_string().contains(tensor), "{error}");
    }
    assert!(run(&with_weight("blk.0.ffn_up.weight", 1e6), &options(FileType::BF16)).is_ok());
    assert!(run(&with_weight("blk.0.ffn_up.weight", 0.1), &options(FileType::Q8_0)).is_ok());
}

#[test]
fn quantized_input_needs_a_word() {
    let once = run(&golden_file("qwen2.gguf"), &options(FileType::Q8_0)).unwrap();
    let once = read(once.bytes).unwrap();
    let error = run(&once, &options(FileType::Q4_0)).err().unwrap();
    assert_eq!(error.code(), "invalid_request");
    assert!(error.to_string().contains("F16"), "{error}");
    let allowed = Options {
        allow_requantize: true,
        ..options(FileType::Q4_0)
    };
    assert!(run(&once, &allowed).is_ok());
}

#[test]
fn models_that_do_not_run_are_refused() {
    let mamba = Writer::default()
        .kv("general.architecture", &Value::String("mamba".into()))
        .f32("token_embd.weight", &[32, 8]);
    let error = run(&read(mamba.bytes()).unwrap(), &options(FileType::Q8_0))
        .err()
        .unwrap();
    assert_eq!(error.code(), "unsupported_architecture");
}

/// A full disk: the writer's error comes back.
#[test]
fn failing_output_is_an_error() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let gguf = golden_file("qwen2.gguf");
    for room in [0, 100, 20_000] {
        let result = block_on(quantize(&gguf, &options(FileType::Q8_0), Full(room), &mut |_| Ok(())));
        assert_eq!(result.err().map(|e| e.code()), Some("io"), "{room}");
    }
    let stop = |_: &Done| Err(Error::Aborted);
    let result = block_on(quantize(&gguf, &options(FileType::Q8_0), Full(1 << 20), &mut { stop }));
    assert_eq!(result.err(), Some(Error::Aborted));
}
