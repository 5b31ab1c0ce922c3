//! What a model will take, counted before anything is read: Phi-3-mini (3.8 billion weights) in one 32-bit address space.

use std::rc::Rc;

use kinglet::error::Error;
use kinglet::gguf::{GgufFile, Value};
use kinglet::model::arch;
use kinglet::model::plan::{DecoderOptions, Plan};
use kinglet::ops::{CacheShape, CacheType, MemoryLimits};
use kinglet::platform::{ByteSource, LocalFuture, MemorySource};
use kinglet::quant::DType;
use pollster::block_on;

use crate::writer::{Tensor, Writer};

/// A 32-bit address space less what the program itself takes.
const WASM32: MemoryLimits = MemoryLimits {
    max_buffer: i32::MAX as u64,
    total: Some((4 << 30) - (128 << 20)),
    shards: 1,
};

/// A file of which only the header exists.
struct HeaderOnly(MemorySource<'static>);

impl ByteSource for HeaderOnly {
    fn name(&self) -> String {
        "header".into()
    }

    fn len(&self) -> Option<u64> {
        Some(1 << 40)
    }

    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, kinglet::Result<Vec<u8>>> {
        let there = self.0.len().unwrap().saturating_sub(offset) as usize;
        let read = self.0.read(offset, len.min(there));
        Box::pin(async move {
            let mut bytes = read.await?;
            bytes.resize(len, 0);
            Ok(bytes)
        })
    }
}

/// Phi-3-mini-4k as llama.cpp's quantizer writes it.
fn phi3_mini(q4_k_m: bool) -> GgufFile {
    let mut file = Writer::default()
        .kv("general.architecture", &Value::String("phi3".into()))
        .kv("phi3.context_length", &Value::U32(4096))
        .kv("phi3.embedding_length", &Value::U32(3072))
        .kv("phi3.feed_forward_length", &Value::U32(8192))
        .kv("phi3.block_count", &Value::U32(32))
        .kv("phi3.attention.head_count", &Value::U32(32))
        .kv("phi3.attention.head_count_kv", &Value::U32(32))
        .kv("phi3.rope.dimension_count", &Value::U32(96))
        .kv("phi3.attention.layer_norm_rms_epsilon", &Value::F32(1e-5));
    let base = if q4_k_m { DType::Q4K } else { DType::Q4_0 };
    let mut offset = 0;
    let mut tensor = |name: String, dtype: DType, cols: u64, rows: u64| {
        let shape = if rows == 1 { vec![cols] } else { vec![cols, rows] };
        let bytes = dtype.row_bytes(cols as usize).unwrap() as u64 * rows;
        file.tensors.push(Tensor {
            name: name.into(),
            shape,
            ggml_type: dtype.ggml_id(),
            data: vec![],
            offset: Some(offset),
        });
        offset += bytes.next_multiple_of(32);
    };
    tensor("token_embd.weight".into(), base, 3072, 32_064);
    for i in 0..32 {
        let name = |tensor: &str| format!("blk.{i}.{tensor}.weight");
        // Q4_K_M: more bits for v (fused: for all of qkv) and for ffn_down in half of the blocks.
        let (qkv, down) = match (q4_k_m, !(4..28).contains(&i) || i % 3 == 2) {
            (true, true) => (DType::Q5K, DType::Q6K),
            (true, false) => (DType::Q5K, DType::Q4K),
            _ => (base, base),
        };
        tensor(name("attn_norm"), DType::F32, 3072, 1);
        tensor(name("attn_qkv"), qkv, 3072, 3 * 3072);
        tensor(name("attn_output"), base, 3072, 3072);
        tensor(name("ffn_norm"), DType::F32, 3072, 1);
        tensor(name("ffn_up"), base, 3072, 2 * 8192);
        tensor(name("ffn_down"), down, 8192, 3072);
    }
    tensor("output_norm.weight".into(), DType::F32, 3072, 1);
    tensor("output.weight".into(), DType::Q6K, 3072, 32_064);
    let header = HeaderOnly(MemorySource::new(file.header()));
    block_on(GgufFile::open(Rc::new(header))).unwrap()
}

fn plan(gguf: &GgufFile, cache_type: CacheType, n_ctx: usize) -> Plan {
    let config = arch::config(gguf.metadata(), gguf.tensors()).unwrap();
    let options = DecoderOptions {
        n_ctx: Some(n_ctx),
        cache_type,
        ..DecoderOptions::default()
    };
    Plan::new(gguf, config, &options).unwrap()
}

#[test]
fn phi3_mini_fits_wasm32_with_an_8_bit_cache() {
    for (q4_k_m, weights) in [(false, 2_175_438_336), (true, 2_392_493_568)] {
        let gguf = phi3_mini(q4_k_m);
        let needed = |cache_type, n_ctx| {
            let plan = plan(&gguf, cache_type, n_ctx);
            assert_eq!(plan.memory.weights, weights);
            (plan.memory.cache, plan.memory.total(), plan.check(WASM32))
        };
        // 32 layers, keys and values, positions, 32 heads, 96 bytes and three scales of 4 bytes.
        let (cache, total, verdict) = needed(CacheType::Q8_0, 2048);
        assert_eq!((cache, verdict), (32 * 2 * 2048 * 32 * (96 + 3 * 4), Ok(())));
        assert!(total < 3 << 30, "{total}: a gigabyte to spare");
        // The same in f16 fits as well; at twice the context the spare room is 3 % of the address space.
        let (cache, total, verdict) = needed(CacheType::F16, 4096);
        assert_eq!((cache, verdict), (32 * 2 * 4096 * 32 * 96 * 2, Ok(())));
        assert!(total > 3_800_000_000, "{total}");
        // What does not fit is refused, with both numbers.
        for (cache_type, n_ctx) in [
            (CacheType::F32, 4096),
            (CacheType::F16, 8192),
            (CacheType::Q8_0, 16_384),
        ] {
            let (_, total, verdict) = needed(cache_type, n_ctx);
            match verdict {
                Err(Error::TooLarge { needed, available, .. }) => {
                    assert_eq!((needed, Some(available)), (total, WASM32.total));
                }
                other => panic!("{cache_type:?} {n_ctx}: {total} bytes, {other:?}"),
            }
        }
    }
}

#[test]
fn short_blocks_of_a_cache_are_counted() {
    let shape = |head_dim| CacheShape {
        n_ctx: 10,
        n_head_kv: 3,
        head_dim,
        dtype: CacheType::Q8_0,
    };
    for (head_dim, bytes) in [(6, 12), (32, 36), (80, 92), (96, 108), (256, 288)] {
        assert_eq!(shape(head_dim).plane_bytes(), 30 * bytes, "{head_dim}");
    }
    let endless = CacheShape {
        n_ctx: usize::MAX,
        ..shape(96)
    };
    assert_eq!(endless.plane_bytes(), u64::MAX);
}
