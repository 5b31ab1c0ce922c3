//! The fast CPU backend: the same bits for any number of shards, close to the exact mode, and no hang when a shard fails.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use kinglet::backend::{Cpu, Reference, recruit};
use kinglet::cpu::command::{Command, Order};
use kinglet::cpu::machine::Shard;
use kinglet::cpu::team::{Exchange, Readers, Wait, reported};
use kinglet::engine::{BackendChoice, Engine, GenerateOptions, LoadOptions, load};
use kinglet::error::Error;
use kinglet::model::arch;
use kinglet::model::decoder::{Decoder, Rows};
use kinglet::model::plan::Plan;
use kinglet::ops::{
    AttentionShape, CacheShape, CacheType, HeadLayout, MemoryLimits, Ops, PartShape, RopeOrder, RopeShape, Segment,
    Split,
};
use kinglet::quant::DType;
use pollster::block_on;

use crate::engine::{decoder, model, options, text};
use crate::golden::Agreement;
use crate::support::Rng;

/// Every architecture and feature that has a committed model. They have as few as one or two key/value heads, fewer than
/// there are shards below.
const MODELS: [&str; 8] = [
    "linear", "llama3", "longrope", "phi4mini", "qwen2", "qwen3", "window", "yarn",
];

fn cpu(shards: usize) -> Cpu {
    Cpu::new(block_on(recruit(Some(shards))).unwrap())
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Logits of a prompt in chunks, of decoded tokens, and of a scored text.
fn logits<O: Ops>(decoder: &mut Decoder<O>) -> Vec<f32> {
    let ids = text(60);
    let mut all = Vec::new();
    let mut step = |range: Range<usize>, rows| {
        decoder.step(&ids[range.clone()], range.start, rows).unwrap();
        if rows != Rows::None {
            all.extend(block_on(decoder.logits()).unwrap());
        }
    };
    step(0..32, Rows::None);
    step(32..45, Rows::Last);
    for pos in 45..50 {
        step(pos..pos + 1, Rows::Last);
    }
    // Another text behind a shared beginning.
    step(20..36, Rows::All);
    step(36..37, Rows::Last);
    all
}

#[test]
fn any_number_of_shards_gives_the_same_bits() {
    for name in MODELS {
        let gguf = model(name);
        for cache_type in [CacheType::F16, CacheType::F32, CacheType::Q8_0] {
            let mut options = options(64, 32);
            options.cache_type = cache_type;
            let run = |shards| logits(&mut decoder(cpu(shards), &gguf, &options).unwrap());
            let one = run(1);
            assert!(one.iter().all(|v| v.is_finite()));
            for shards in [2, 3, 5] {
                assert!(
                    bits(&run(shards)) == bits(&one),
                    "{name} with {shards} shards, {cache_type:?}"
                );
            }
        }
    }
}

/// A mixed matrix: formats with blocks of 32 and 256, and parts whose heights fit no unit.
#[test]
fn mixed_parts_and_odd_rows_give_the_same_bits() {
    const COLS: usize = 256;
    let parts: Vec<PartShape> = [(DType::Q4_0, 13), (DType::F32, 6), (DType::Q6K, 70), (DType::Q8_0, 1)]
        .into_iter()
        .map(|(dtype, rows)| PartShape {
            name: format!("{dtype}"),
            dtype,
            rows,
            cols: COLS,
        })
        .collect();
    let product = |shards| {
        let mut rng = Rng(11);
        let mut cpu = cpu(shards);
        let mut w = cpu.weight(&parts, &Split::rows(90)).unwrap();
        for (part, shape) in parts.iter().enumerate() {
            let row_bytes = shape.dtype.row_bytes(COLS).unwrap();
            for first in (0..shape.rows).step_by(9) {
                let len = 9.min(shape.rows - first) * row_bytes;
                // Small exponents everywhere, whatever the bytes mean.
                let bytes: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8 & 0x2f).collect();
                cpu.fill(&mut w, part, first, &bytes).unwrap();
            }
        }
        let mut all = Vec::new();
        for rows in [3, 1] {
            let (mut x, mut out) = (cpu.tensor(rows, COLS).unwrap(), cpu.tensor(rows, 90).unwrap());
            let values: Vec<f32> = (0..rows * COLS).map(|_| rng.activation()).collect();
            cpu.upload(&mut x, 0, &values).unwrap();
            cpu.matmul(&mut out, &w, &x).unwrap();
            // Shared out as it is, it is read twice.
            all.extend(block_on(cpu.download(&out)).unwrap());
            assert_eq!(
                bits(&block_on(cpu.download(&out)).unwrap()),
                bits(&all[all.len() - rows * 90..])
            );
            let mut embedded = cpu.tensor(4, COLS).unwrap();
            cpu.begin(0, &[89, 3, 40, 3]).unwrap();
            cpu.embed(&mut embedded, &w).unwrap();
            all.extend(block_on(cpu.download(&embedded)).unwrap());
        }
        all
    };
    let one = product(1);
    assert!(one.iter().any(|v| *v != 0.0));
    for shards in [2, 3, 7] {
        assert!(bits(&product(shards)) == bits(&one), "{shards} shards");
    }
}

/// The committed models are F32: only the order and precision of sums differ. (Quantized ones: `golden::fast`.)
const NLL_TOLERANCE: f32 = 0.0005;

#[test]
fn the_fast_path_stays_close_to_the_exact_one() {
    for name in MODELS {
        let gguf = model(name);
        let ids = text(64);
        let exact = decoder(Reference::new(), &gguf, &options(64, 32)).unwrap();
        let exact = block_on(Engine::new(exact, || 0.0).score(&ids)).unwrap();
        let fast = decoder(cpu(2), &gguf, &options(64, 32)).unwrap();
        let fast = block_on(Engine::new(fast, || 0.0).score(&ids)).unwrap();
        let (nll, argmax): (Vec<f32>, Vec<u32>) = exact.iter().map(|s| (s.nll, s.argmax)).unzip();
        let agreement = Agreement::of(&fast, &nll, &argmax);
        println!("{name}: {agreement:?}");
        assert!(agreement.within(NLL_TOLERANCE), "{name}: {agreement:?}");
    }
}

/// What a shard holds of a model, all shards together: each weight once.
#[test]
fn shards_together_hold_each_weight_once() {
    for name in MODELS {
        let gguf = model(name);
        let config = arch::config(gguf.metadata(), gguf.tensors()).unwrap();
        let plan = Plan::new(&gguf, config, &options(64, 16)).unwrap();
        let in_file: u64 = gguf.tensors().iter().map(|t| t.bytes).sum();
        for shards in [1, 2, 3, 5] {
            let mut held = 0;
            for rank in 0..shards {
                let mut shard = Shard::new(rank, shards);
                for m in plan.matrices() {
                    let order = Order::Weight {
                        parts: m.parts.clone(),
                        split: m.split.clone(),
                    };
                    shard.store(&order, &[]).unwrap();
                }
                let planned = plan.share(rank, shards).weights - plan.share(rank, shards).weights.min(vectors(&plan));
                assert!(
                    shard.weight_bytes() as u64 >= planned,
                    "{name}: shard {rank} of {shards}"
                );
                held += shard.weight_bytes();
            }
            assert!(
                held as u64 * 100 <= in_file * 102,
                "{name}: {held} bytes in {shards} shards, {in_file} in the file"
            );
        }
    }
}

fn vectors(plan: &Plan) -> u64 {
    let parts = plan.vectors().flat_map(|v| &v.parts);
    parts.map(|(_, len)| *len as u64 * 4).sum()
}

/// Shards have an address space each: the largest share has to fit, not the whole.
#[test]
fn the_plan_counts_the_largest_share() {
    let gguf = model("qwen2");
    let config = arch::config(gguf.metadata(), gguf.tensors()).unwrap();
    let plan = Plan::new(&gguf, config, &options(256, 16)).unwrap();
    assert_eq!(plan.share(0, 1), plan.memory);
    for shards in [2, 3] {
        let largest = (0..shards).map(|s| plan.share(s, shards).total()).max().unwrap();
        assert!(largest < plan.memory.total());
        let sum: u64 = (0..shards).map(|s| plan.share(s, shards).cache).sum();
        assert_eq!(sum, plan.memory.cache);
        let limits = |total| MemoryLimits {
            max_buffer: u64::MAX,
            total: Some(total),
            shards,
        };
        assert_eq!(plan.check(limits(largest)), Ok(()));
        let error = plan.check(limits(largest - 1)).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&format!("largest of {shards} shares")), "{message}");
        assert_eq!(error.detail()["needed"], largest);
    }
}

/// A matrix of which the follower gets everything, more than there is memory, and the leader nothing.
fn too_large_for_the_follower(cpu: &mut Cpu) -> Result<<Cpu as Ops>::Weight, Error> {
    let rows = 1 << 46;
    let part = PartShape {
        name: "endless.weight".into(),
        dtype: DType::F32,
        rows,
        cols: 1024,
    };
    let segments = vec![Segment { rows, unit: rows }];
    cpu.weight(&[part], &Split { segments, units: 1 })
}

#[test]
fn a_follower_that_fails_is_an_error_and_no_hang() {
    let begin = Instant::now();
    let mut cpu = cpu(3);
    // Sent, not yet known to have failed.
    let _ = too_large_for_the_follower(&mut cpu);
    let error = block_on(cpu.settle()).unwrap_err();
    assert_eq!(error.code(), "too_large", "{error}");
    assert!(error.to_string().contains("endless.weight"), "{error}");
    assert_eq!(cpu.tensor(1, 1).unwrap_err(), error, "an error is final");
    drop(cpu);

    // While the leader waits for a part.
    let mut cpu = self::cpu(2);
    let (mut x, w) = (cpu.tensor(1, 32).unwrap(), weight(&mut cpu, 16, 32));
    let mut out = cpu.tensor(1, 16).unwrap();
    cpu.upload(&mut x, 0, &[1.0; 32]).unwrap();
    cpu.matmul(&mut out, &w, &x).unwrap();
    cpu.submit().unwrap();
    let _ = too_large_for_the_follower(&mut cpu);
    let error = block_on(cpu.download(&out)).unwrap_err();
    assert_eq!(error.code(), "too_large", "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5));
}

fn weight(cpu: &mut Cpu, rows: usize, cols: usize) -> <Cpu as Ops>::Weight {
    let part = PartShape {
        name: "w".into(),
        dtype: DType::F32,
        rows,
        cols,
    };
    let mut w = cpu.weight(&[part], &Split::rows(rows)).unwrap();
    cpu.fill(&mut w, 0, 0, &vec![0; rows * cols * 4]).unwrap();
    w
}

/// A leader that fails leaves nobody waiting: dropping it ends the threads.
#[test]
fn a_dropped_leader_ends_its_followers() {
    let gguf = model("qwen2");
    let options = LoadOptions {
        backend: BackendChoice::Cpu,
        threads: Some(3),
        ..Default::default()
    };
    for stop_after in [0, 1, 5] {
        let mut pieces = 0;
        let loaded = block_on(load(&gguf, &options, || 0.0, &mut |_| {
            pieces += 1;
            if pieces > stop_after {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }));
        assert_eq!(loaded.err(), Some(Error::Aborted));
    }
    let mut engine = block_on(load(&gguf, &options, || 0.0, &mut |_| ControlFlow::Continue(()))).unwrap();
    assert!(
        engine.info().adapter.ends_with("3 threads"),
        "{}",
        engine.info().adapter
    );
    engine.start(&text(20), GenerateOptions::default()).unwrap();
    assert!(block_on(engine.next()).unwrap().is_some());
    drop(engine); // in the middle of an answer

    // Followers in the middle of a program that the leader never runs.
    let mut cpu = cpu(3);
    let (x, w) = (cpu.tensor(1, 32).unwrap(), weight(&mut cpu, 32, 32));
    let (mut a, mut b) = (cpu.tensor(1, 32).unwrap(), cpu.tensor(1, 32).unwrap());
    cpu.matmul(&mut a, &w, &x).unwrap();
    cpu.matmul(&mut b, &w, &a).unwrap();
    cpu.submit().unwrap();
    drop(cpu);
}

/// A gather that never ends.
struct Nobody;

impl Exchange for Nobody {
    fn gather<'a>(&'a mut self, _: &'a mut [f32], _: &'a [usize], _: Readers) -> Wait<'a> {
        Wait::Later(Box::pin(std::future::pending()))
    }
}

/// Orders that no leader sends are refused, not obeyed: a follower's worker can be sent anything.
#[test]
fn senseless_orders_are_errors() {
    let mut shard = Shard::new(1, 2);
    let mut fails = |order: Order, payload: &[u8]| {
        let error = block_on(shard.handle(&order, payload, &mut Nobody)).unwrap_err();
        assert_eq!(error.code(), "internal", "{order:?}: {error}");
    };
    let run = |slot| Order::Run {
        slot,
        pos: 0,
        tokens: vec![],
    };
    fails(run(99), &[]);
    fails(Order::Read { t: 0 }, &[]);
    fails(Order::Upload { t: 0, first_row: 0 }, &[0; 4]);
    let fill = Order::Fill {
        w: 0,
        part: 0,
        first_row: 0,
    };
    fails(fill, &[]);
    let (rows, cols) = (usize::MAX, 2);
    fails(Order::Tensor { rows, cols }, &[]);
    let split = Split::rows(8);
    fails(Order::Weight { parts: vec![], split }, &[]);
    let commands = vec![Command::CopyRows { out: 0, x: 1, first: 7 }];
    block_on(shard.handle(&Order::Program { slot: 0, commands }, &[], &mut Nobody)).unwrap();
    assert_eq!(
        block_on(shard.handle(&run(0), &[], &mut Nobody)).unwrap_err().code(),
        "internal"
    );
}

/// What a worker is sent comes out as it went in, to the last bit of a number.
#[test]
fn orders_survive_their_encoding() {
    let heads = HeadLayout {
        n_head: 6,
        n_head_kv: 2,
        head_dim: 32,
    };
    let mut rng = Rng(5);
    for _ in 0..200 {
        let commands = vec![
            Command::RmsNorm {
                out: 1,
                x: 2,
                gain: 3,
                eps: rng.unit() * 1e-5,
            },
            Command::Rope {
                qkv: 4,
                table: 5,
                shape: RopeShape {
                    heads,
                    n_rot: 16,
                    order: RopeOrder::HalfSplit,
                },
            },
            Command::Attention {
                out: 1,
                qkv: 4,
                cache: 0,
                shape: AttentionShape {
                    heads,
                    scale: rng.unit(),
                    window: Some(7),
                },
            },
        ];
        let order = Order::Program { slot: 3, commands };
        assert_eq!(Order::decode(&order.encode().unwrap()), Ok(order));
    }
    let shape = CacheShape {
        n_ctx: 64,
        n_head_kv: 2,
        head_dim: 32,
        dtype: CacheType::Q8_0,
    };
    let order = Order::Cache { shape };
    assert_eq!(Order::decode(&order.encode().unwrap()), Ok(order));
    assert!(Order::decode(b"{}").is_err());
    let error = Error::TooLarge {
        what: "w".into(),
        needed: 1,
        available: 0,
        hint: "h".into(),
    };
    assert_eq!(reported(&error.to_json().to_string()), Some(error));
    let message = Error::internal("x").to_string();
    assert_eq!(
        reported(&Error::internal("x").to_json().to_string()),
        Some(Error::WorkerFailed { message })
    );
    for said in ["", "[]", "RuntimeError: unreachable", r#"{"code": "too_large"}"#] {
        assert_eq!(reported(said), None, "{said}");
    }
}
