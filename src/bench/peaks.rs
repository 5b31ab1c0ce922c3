//! What the device does when it does nothing else: read memory, multiply and add, take dispatches, answer.

use std::collections::BTreeMap;

use bytemuck::{Pod, Zeroable};
use serde_json::{Value, json};

use super::plan::Plan;
use super::timing::{Spread, Timer};
use crate::backend::Gpu;
use crate::error::{Error, Result};
use crate::gpu::{Binding, Buffer, Grid, Launch, Recorder};
use crate::kernels::dim;
use crate::kernels::wgsl::{Extra, Variant};

/// Threads of a workgroup.
const WIDTH: usize = 64;
/// As the shader has them.
const ROUNDS: usize = 256;
/// Chains of a thread.
const CHAINS: usize = 8;
/// Vectors that a thread reads.
const STEPS: [u32; 2] = [16, 64];
/// Most bytes of one buffer that is read.
const BUFFER: usize = 64 << 20;
/// Bytes as four signed numbers of 8 bits.
const BYTES: u32 = 0x03ff_0502;

/// By name; the name's first word says what it is: `read`, `fma`, `dot4`, `dispatch`, `answer`.
pub struct Peaks(pub BTreeMap<String, Value>);

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Arithmetic {
    a: f32,
    b: f32,
    w: u32,
    threads: u32,
}

/// The largest median of what begins with `kind`.
pub fn best(peaks: &BTreeMap<String, Value>, kind: &str) -> Option<f64> {
    let medians = peaks
        .iter()
        .filter(|(name, _)| name.split(' ').next() == Some(kind))
        .filter_map(|(_, peak)| peak["median"].as_f64());
    medians.max_by(f64::total_cmp)
}

/// Every shader of this room, for the test that compiles them.
pub fn variants() -> Vec<Variant> {
    let reads = STEPS
        .iter()
        .flat_map(|steps| ["strided", "stretch"].map(|entry| read(entry, *steps)));
    let others = ["fused", "separate", "dot4", "count"].map(arithmetic);
    reads.chain(others).collect()
}

fn read(entry: &'static str, steps: u32) -> Variant {
    Variant::new("bench/read").entry(entry).int("STEPS", steps)
}

fn arithmetic(entry: &'static str) -> Variant {
    let variant = Variant::new("bench/arithmetic").entry(entry);
    // The file has all entry points: it needs what one of them needs.
    variant.with(Extra::Int8)
}

impl Peaks {
    /// Measures all; what computes something wrong is named so and has no figure.
    pub async fn measure(gpu: &mut Gpu, plan: &Plan, timer: &Timer) -> Result<Peaks> {
        let mut rec = Recorder::new(gpu.device().clone())?;
        let mut found = BTreeMap::new();
        streaming(&mut rec, plan, timer, &mut found).await?;
        computing(&mut rec, plan, timer, &mut found).await?;
        waiting(&mut rec, plan, timer, &mut found).await?;
        Ok(Peaks(found))
    }
}

/// Keeps a figure, unless what was computed is wrong.
fn keep(found: &mut BTreeMap<String, Value>, name: String, unit: &str, right: bool, figure: Spread) {
    let mut value = if right {
        json!(figure)
    } else {
        json!({"wrong": "its sum is not the one of its numbers"})
    };
    value["unit"] = unit.into();
    found.insert(name, value);
}

async fn streaming(rec: &mut Recorder, plan: &Plan, timer: &Timer, found: &mut BTreeMap<String, Value>) -> Result<()> {
    let whole = STEPS[1] as usize * WIDTH * 16;
    let limit = usize::try_from(rec.device().max_binding()).unwrap_or(usize::MAX);
    let bytes = BUFFER.min(plan.rotate).min(limit) / whole * whole;
    if bytes == 0 {
        return Err(Error::invalid("rotate", format!("{whole} bytes at least"), plan.rotate));
    }
    let words: Vec<u32> = (0..bytes as u32 / 4).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
    let sum = words.iter().fold(0u32, |sum, word| sum.wrapping_add(*word));
    let mut buffers = Vec::new();
    for _ in 0..plan.rotate.div_ceil(bytes) {
        let buffer = rec.buffer("read", bytes as u64)?;
        for (i, chunk) in words.chunks(1 << 20).enumerate() {
            rec.write(&buffer, (i << 22) as u64, bytemuck::cast_slice(chunk))?;
        }
        if plan.broken {
            rec.write(&buffer, 0, &[1; 4])?;
        }
        rec.settle().await?;
        buffers.push(buffer);
    }
    for steps in STEPS {
        let threads = bytes / 16 / steps as usize;
        let sums = rec.buffer("sums", threads as u64 * 4)?;
        let params = dim(bytes / 16).to_le_bytes();
        for entry in ["strided", "stretch"] {
            let record = |rec: &mut Recorder, data: &Buffer| {
                rec.record(&Launch {
                    variant: read(entry, steps),
                    params: &params,
                    bindings: &[Binding::write(&sums), Binding::read(data)],
                    rows: 1,
                    first: 0,
                    more: [0; 8],
                    grid: Grid::threads(threads, WIDTH, 1),
                })
            };
            record(rec, &buffers[0])?;
            let right = total(&words_of(rec, &sums, threads).await?) == sum;
            let time = timer
                .time(rec, |rec, i| record(rec, &buffers[i % buffers.len()]))
                .await?;
            let rate = time.rate(bytes as f64 / 1e6);
            keep(found, format!("read {entry} {steps}"), "GB/s", right, rate);
        }
    }
    Ok(())
}

async fn computing(rec: &mut Recorder, plan: &Plan, timer: &Timer, found: &mut BTreeMap<String, Value>) -> Result<()> {
    let threads: usize = if rec.device().software() { 1 << 14 } else { 1 << 20 };
    let out = rec.buffer("out", threads as u64 * 4)?;
    let params = Arithmetic {
        a: 1.0,
        b: if plan.broken { 2.0 } else { 1.0 },
        w: if plan.broken { 1 } else { BYTES },
        threads: dim(threads),
    };
    // Each chain gains one in each round and each of four numbers.
    let floats = |thread: u32| {
        (0..CHAINS as u32)
            .map(|c| 4 * ((thread & 15) + 4 * c + ROUNDS as u32) + 6)
            .sum()
    };
    let bytes = |thread: u32| {
        (0..CHAINS as u32)
            .map(|c| chain((thread & 15) + c))
            .fold(0, u32::wrapping_add)
    };
    type Want<'a> = &'a dyn Fn(u32) -> u32;
    let entries: [(&str, &str, f64, &str, Want<'_>); 3] = [
        ("fma fused", "fused", 8.0, "GFLOP/s", &floats),
        ("fma separate", "separate", 8.0, "GFLOP/s", &floats),
        ("dot4", "dot4", 8.0, "GOP/s", &bytes),
    ];
    for (name, entry, each, unit, want) in entries {
        let record = |rec: &mut Recorder| {
            rec.record(&Launch {
                variant: arithmetic(entry),
                params: bytemuck::bytes_of(&params),
                bindings: &[Binding::write(&out)],
                rows: 1,
                first: 0,
                more: [0; 8],
                grid: Grid::threads(threads, WIDTH, 1),
            })
        };
        record(rec)?;
        let got = words_of(rec, &out, threads).await?;
        let right = (0u32..).zip(&got).all(|(thread, value)| want(thread) == *value);
        let time = timer.time(rec, |rec, _| record(rec)).await?;
        let work = (threads * ROUNDS * CHAINS) as f64 * each / 1e6;
        keep(found, name.into(), unit, right, time.rate(work));
    }
    Ok(())
}

/// What a chain of `dot4` ends with.
fn chain(first: u32) -> u32 {
    let dot = |x: u32| {
        let pairs = x.to_le_bytes().into_iter().zip(BYTES.to_le_bytes());
        pairs.map(|(a, b)| i32::from(a as i8) * i32::from(b as i8)).sum::<i32>() as u32
    };
    (0..ROUNDS).fold(first, |x, _| x.wrapping_add(dot(x)))
}

async fn waiting(rec: &mut Recorder, plan: &Plan, timer: &Timer, found: &mut BTreeMap<String, Value>) -> Result<()> {
    let counter = rec.buffer("counter", 16)?;
    let params = Arithmetic {
        a: 0.0,
        b: 0.0,
        w: if plan.broken { 2 } else { 1 },
        threads: 1,
    };
    let mut recorded = 0u32;
    let mut record = |rec: &mut Recorder| {
        recorded += 1;
        rec.record(&Launch {
            variant: arithmetic("count"),
            params: bytemuck::bytes_of(&params),
            bindings: &[Binding::write(&counter)],
            rows: 1,
            first: 0,
            more: [0; 8],
            grid: Grid::new(1, 1),
        })
    };
    let time = timer.time(rec, |rec, _| record(rec)).await?;
    let mut answers = Vec::new();
    for _ in 0..plan.rounds.max(3) {
        record(rec)?;
        let begun = timer.clock()();
        words_of(rec, &counter, 1).await?;
        answers.push(timer.clock()() - begun);
    }
    let right = words_of(rec, &counter, 1).await? == [recorded];
    keep(found, "dispatch".into(), "ms", right, time);
    keep(found, "answer".into(), "ms", right, Spread::of(answers, 1));
    Ok(())
}

fn total(sums: &[u32]) -> u32 {
    sums.iter().fold(0, |sum, word| sum.wrapping_add(*word))
}

/// The first `count` words of a buffer.
async fn words_of(rec: &mut Recorder, buffer: &Buffer, count: usize) -> Result<Vec<u32>> {
    let bytes = rec.read(buffer, count as u64 * 4).await?;
    Ok(bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect())
}
