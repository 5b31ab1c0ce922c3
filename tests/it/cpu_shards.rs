//! The fast CPU backend: the same bits for any number of shards, close to the exact mode, and no hang when a shard fails.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use kinglet::backend::{Cpu, Reference};
use kinglet::cpu::command::{Command, Order};
use kinglet::cpu::machine::Shard;
use kinglet::cpu::threads::recruit;
use kinglet::engine::Engine;
use kinglet::error::Error;
use kinglet::gguf::GgufFile;
use kinglet::model::arch;
use kinglet::model::decoder::{Decoder, Rows};
use kinglet::model::plan::Plan;
use kinglet::ops::{MemoryLimits, Ops, PartShape, Segment, Split};
use kinglet::quant::DType;
use pollster::block_on;

use crate::engine::{decoder, model, options, text};
use crate::golden::{exact, open};
use crate::support;

/// Every architecture and feature that has a committed model. Their matrices are small: many rows are no multiple of
/// 8, and they have fewer key/value heads than there are shards below.
const MODELS: [&str; 8] = [
    "linear", "llama3", "longrope", "phi4mini", "qwen2", "qwen3", "window", "yarn",
];

fn cpu(shards: usize) -> Cpu {
    Cpu::new(block_on(recruit(Some(shards))).unwrap())
}

/// Logits of a prompt in chunks, of decoded tokens, and of a scored text.
fn logits<O: Ops>(decoder: &mut Decoder<O>) -> Vec<Vec<f32>> {
    let ids = text(60);
    let mut all = Vec::new();
    let mut step = |decoder: &mut Decoder<O>, range: std::ops::Range<usize>, rows| {
        decoder.step(&ids[range.clone()], range.start, rows).unwrap();
        if rows != Rows::None {
            all.push(block_on(decoder.logits()).unwrap());
        }
    };
    step(decoder, 0..32, Rows::None);
    step(decoder, 32..45, Rows::Last);
    for pos in 45..50 {
        step(decoder, pos..pos + 1, Rows::Last);
    }
    // Another text behind a shared beginning.
    step(decoder, 20..36, Rows::All);
    step(decoder, 36..37, Rows::Last);
    all
}

#[test]
fn any_number_of_shards_gives_the_same_bits() {
    for name in MODELS {
        let gguf = model(name);
        let run = |shards| logits(&mut decoder(cpu(shards), &gguf, &options(64, 32)).unwrap());
        let one = run(1);
        assert!(one.iter().flatten().all(|v| v.is_finite()));
        for shards in [2, 3, 5] {
            let bits = |all: &[Vec<f32>]| all.iter().flatten().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert!(bits(&run(shards)) == bits(&one), "{name} with {shards} shards");
        }
    }
}
