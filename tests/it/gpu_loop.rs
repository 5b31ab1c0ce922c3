//! What a token costs beside its arithmetic: dispatches, submits, passes, waits, objects, bytes of weights. Each count is
//! shown to notice one too many.

use std::rc::Rc;

use kinglet::backend::Gpu;
use kinglet::backend::gpu::{Drill, Stats};
use kinglet::engine::{Depth, Engine, GenerateOptions};
use kinglet::gguf::{GgufFile, Value};
use kinglet::gpu::drill::Waste;
use kinglet::gpu::{Device, GpuOptions};
use kinglet::kernels::Style;
use kinglet::model::decoder::Rows;
use kinglet::platform::MemorySource;
use kinglet::quant::DType;
use kinglet::sampler::SamplerConfig;
use pollster::block_on;

use crate::engine::{decoder, model, options, text};
use crate::gpu_support::{choose_driver, device};
use crate::writer::Writer;

/// Dispatches of a block and beside the blocks, where the kernels of a real GPU run.
const PER_BLOCK: u64 = 5;
const BESIDE: u64 = 4;

/// Blocks of Phi-3-mini.
const PHI3_BLOCKS: u64 = 32;

/// Bytes that may be bound for each byte of the file: scales are padded to words.
const BYTES: f64 = 1.03;

/// Two blocks of a K-quant: what the planes hold by pairs of blocks is whole, as in Phi-3.
const EMBD: u64 = 512;
const FF: u64 = 512;
const VOCAB: u64 = 300;

/// A model of Phi-3's tensors, small and all zeros, and the bytes of the matrices that a token needs.
fn phi3(dtype: DType, blocks: u32) -> (GgufFile, u64) {
    let mut file = Writer::default()
        .kv("general.architecture", &Value::String("phi3".into()))
        .kv("phi3.context_length", &Value::U32(128))
        .kv("phi3.embedding_length", &Value::U32(EMBD as u32))
        .kv("phi3.feed_forward_length", &Value::U32(FF as u32))
        .kv("phi3.block_count", &Value::U32(blocks))
        .kv("phi3.attention.head_count", &Value::U32(8))
        .kv("phi3.attention.head_count_kv", &Value::U32(8))
        .kv("phi3.rope.dimension_count", &Value::U32(64))
        .kv("phi3.attention.layer_norm_rms_epsilon", &Value::F32(1e-5));
    let mut bytes = 0;
    let mut matrix = |file: Writer, name: &str, cols: u64, rows: u64| {
        let size = dtype.row_bytes(cols as usize).expect("whole blocks") * rows as usize;
        bytes += size as u64;
        file.tensor(name, &[cols, rows], dtype.ggml_id(), vec![0; size])
    };
    file = matrix(file, "token_embd.weight", EMBD, VOCAB);
    for i in 0..blocks {
        let name = |tensor: &str| format!("blk.{i}.{tensor}.weight");
        file = file.f32(&name("attn_norm"), &[EMBD]).f32(&name("ffn_norm"), &[EMBD]);
        file = matrix(file, &name("attn_qkv"), EMBD, 3 * EMBD);
        file = matrix(file, &name("attn_output"), EMBD, EMBD);
        file = matrix(file, &name("ffn_up"), EMBD, 2 * FF);
        file = matrix(file, &name("ffn_down"), FF, EMBD);
    }
    file = file.f32("output_norm.weight", &[EMBD]);
    file = matrix(file, "output.weight", EMBD, VOCAB);
    let source = MemorySource::new(file.bytes());
    (block_on(GgufFile::open(Rc::new(source))).expect("a model"), bytes)
}

fn engine_on(device: Device, gguf: &GgufFile) -> Engine<Gpu> {
    let gpu = Gpu::on(device).expect("backend");
    Engine::new(decoder(gpu, gguf, &options(64, 16)).expect("loads"), || 0.0)
}

/// What `count` tokens cost, of an answer that is under way.
fn cost(engine: &mut Engine<Gpu>, depth: Depth, sampling: &SamplerConfig, count: usize) -> Stats {
    engine.reset();
    engine.set_depth(depth);
    let options = GenerateOptions {
        sampling: sampling.clone(),
        max_tokens: 50,
        ..GenerateOptions::default()
    };
    engine.start(&text(9), options).expect("starts");
    let token = |engine: &mut Engine<Gpu>| assert!(block_on(engine.next()).expect("a step").is_some());
    (0..9).for_each(|_| token(engine));
    let before = engine.decoder().ops().stats();
    (0..count).for_each(|_| token(engine));
    let after = engine.decoder().ops().stats();
    Stats {
        dispatches: after.dispatches - before.dispatches,
        submits: after.submits - before.submits,
        passes: after.passes - before.passes,
        readbacks: after.readbacks - before.readbacks,
        created: after.created - before.created,
        weight_bytes: after.weight_bytes - before.weight_bytes,
        ..Stats::default()
    }
}

/// `submits` submits are one encoder, one pass and one wait each, and make nothing; each token has `dispatches`.
fn judge(cost: &Stats, tokens: u64, submits: u64, dispatches: u64) -> Result<(), String> {
    let each = [cost.submits, cost.passes, cost.readbacks];
    if each != [submits; 3] {
        return Err(format!(
            "{each:?} submits, passes, waits for {tokens} tokens: {submits} expected"
        ));
    }
    if cost.created != 0 {
        return Err(format!("{} objects created", cost.created));
    }
    if cost.dispatches != tokens * dispatches {
        return Err(format!("{} dispatches for {tokens} tokens", cost.dispatches));
    }
    Ok(())
}

fn judge_bytes(bound: u64, file: u64) -> Result<(), String> {
    match bound as f64 / file as f64 {
        ratio if (1.0..=BYTES).contains(&ratio) => Ok(()),
        ratio => Err(format!("{ratio} bytes bound for each byte of the file")),
    }
}

#[test]
fn a_token_is_one_submit_one_pass_and_one_wait() {
    let gguf = model("qwen3");
    let drawn = SamplerConfig {
        temperature: 0.8,
        top_k: 20,
        top_logprobs: 3,
        ..SamplerConfig::default()
    };
    // Reads whole rows.
    let hot = SamplerConfig {
        temperature: 1.5,
        ..SamplerConfig::default()
    };
    for style in Style::ALL {
        let mut engine = engine_on(device().with_style(style), &gguf);
        let dispatches = cost(&mut engine, Depth::Tokens(0), &SamplerConfig::default(), 1).dispatches;
        for (sampling, depth, submits) in [
            (SamplerConfig::default(), Depth::Tokens(0), 24),
            (SamplerConfig::default(), Depth::Tokens(1), 24),
            (SamplerConfig::default(), Depth::Tokens(4), 6),
            (drawn.clone(), Depth::Tokens(1), 24),
        ] {
            let cost = cost(&mut engine, depth, &sampling, 24);
            if let Err(wrong) = judge(&cost, 24, submits, dispatches) {
                panic!("{style:?}, {depth:?}: {wrong}");
            }
        }
        let rows = cost(&mut engine, Depth::Tokens(1), &hot, 24);
        assert_eq!(
            (rows.submits, rows.passes, rows.readbacks, rows.created),
            (24, 24, 24, 0)
        );
    }
}

#[test]
fn each_count_notices_one_too_many() {
    choose_driver();
    let drill = Drill::wasteful();
    let options = GpuOptions {
        allow_software: true,
        drill: drill.clone(),
        ..GpuOptions::default()
    };
    let device = block_on(Device::open(&options)).expect("an adapter");
    let mut engine = engine_on(device, &model("qwen2"));
    let (depth, sampling) = (Depth::Tokens(1), SamplerConfig::default());
    let good = cost(&mut engine, depth, &sampling, 10);
    let judged = |cost: &Stats| judge(cost, 10, 10, good.dispatches / 10);
    judged(&good).expect("as it should be");
    for waste in [Waste::Dispatch, Waste::Submit, Waste::Read, Waste::Object] {
        drill.wastes(Some(waste));
        let wasted = cost(&mut engine, depth, &sampling, 10);
        println!("{waste:?}: {}", judged(&wasted).expect_err("noticed"));
        drill.wastes(None);
        judged(&cost(&mut engine, depth, &sampling, 10)).expect("as it should be again");
    }
    let (_, file) = phi3(DType::Q8_0, 1);
    assert!(
        judge_bytes(file + file / 20, file).is_err(),
        "a matrix that is read twice"
    );
    assert!(judge_bytes(file - 1, file).is_err(), "weights that are not counted");
}

#[test]
fn a_token_of_phi_3_has_few_dispatches_and_reads_each_weight_once() {
    let device = device().with_style(Style::Tree);
    for dtype in [DType::Q4_0, DType::Q8_0, DType::Q4K, DType::Q5K, DType::Q6K, DType::F16] {
        let [two, three] = [2, 3].map(|blocks| {
            let (gguf, file) = phi3(dtype, blocks);
            let mut engine = engine_on(device.clone(), &gguf);
            let cost = cost(&mut engine, Depth::Tokens(1), &SamplerConfig::default(), 5);
            if let Err(wrong) = judge_bytes(cost.weight_bytes / 5, file) {
                panic!("{dtype}: {wrong}");
            }
            cost.dispatches / 5
        });
        let per_block = three - two;
        let beside = two - 2 * per_block;
        let all = PHI3_BLOCKS * per_block + beside;
        println!("{dtype}: {per_block} dispatches in each block, {beside} beside: {all} for Phi-3-mini");
        assert!(
            per_block <= PER_BLOCK && beside <= BESIDE,
            "{dtype}: {per_block}, {beside}"
        );
    }
}

/// Submits of a step of these tokens, and the logits behind it.
fn step(most_work: Option<u64>, tokens: &[u32]) -> (u64, Vec<f32>) {
    let mut gpu = Gpu::on(device()).expect("backend");
    most_work.into_iter().for_each(|most| gpu.set_most_work(most));
    let mut decoder = decoder(gpu, &model("qwen2"), &options(64, 16)).expect("loads");
    let before = decoder.ops().stats().submits;
    decoder.step(tokens, 0, Rows::Last).expect("a step");
    let submits = decoder.ops().stats().submits - before;
    (submits, block_on(decoder.logits()).expect("logits"))
}

/// A prompt's step is handed over in pieces that a slow GPU computes in time; a token's is one submit whatever it costs.
#[test]
fn a_prompt_is_submitted_in_pieces_of_bounded_work() {
    choose_driver();
    let (prompt, token) = (text(16), text(1));
    let (whole, pieces) = (step(None, &prompt), step(Some(1), &prompt));
    assert_eq!(whole.0, 1, "a small prompt");
    assert!(
        pieces.0 >= 8,
        "{} submits where each of eight products is too much",
        pieces.0
    );
    assert_eq!(whole.1, pieces.1, "the same commands in the same order");
    assert_eq!(step(Some(1), &token).0, 1, "a token");
}
