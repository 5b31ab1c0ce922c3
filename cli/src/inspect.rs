//! `kinglet inspect`: what a file holds, what it needs, and whether it runs.

use std::path::Path;

use kinglet::Result;
use kinglet::gguf::GgufFile;
use kinglet::model::arch;
use kinglet::model::plan::{DecoderOptions, Plan};
use kinglet::ops::CacheType;
use serde_json::{Map, Value, json};

use crate::{open, output};

/// Items of an array (150,000 token texts, say) that are shown.
const SHOWN_ITEMS: usize = 8;

/// Address space of Wasm: what the CPU backend has in a browser.
const WASM32_BYTES: u64 = 4 << 30;

pub fn inspect(file: &Path, ctx: Option<usize>) -> Result<()> {
    let gguf = open::gguf(file)?;
    let metadata: Map<String, Value> = gguf
        .metadata()
        .iter()
        .map(|(k, v)| (k.to_string(), v.to_json(SHOWN_ITEMS)))
        .collect();
    let tensors: Vec<Value> = gguf
        .tensors()
        .iter()
        .map(|t| json!({"name": t.name, "shape": t.shape, "type": t.type_name(), "bytes": t.bytes}))
        .collect();
    let plan = plan(&gguf, ctx);
    let verdict = match &plan {
        Ok(p) if p.n_ctx > p.config.n_ctx_train => {
            let trained = p.config.n_ctx_train;
            json!({"runs": true, "text": format!("runs, but was trained for {trained} positions: expect worse answers beyond")})
        }
        Ok(_) => json!({"runs": true, "text": "runs"}),
        Err(e) => json!({"runs": false, "text": format!("does not run, because {e}"), "error": e.to_json()}),
    };
    output::line(&json!({
        "file": file.display().to_string(),
        "gguf_version": gguf.version(),
        "metadata": metadata,
        "tensors": tensors,
        "parameters": gguf.tensors().iter().map(|t| t.elements()).fold(0, u64::saturating_add),
        "tensor_bytes": gguf.tensors().iter().map(|t| t.bytes).sum::<u64>(),
        "types": types(&gguf),
        "config": plan.as_ref().ok().map(config),
        "bytes_per_token": plan.as_ref().ok().map(|p| bytes_per_token(&gguf, p)),
        "memory": plan.as_ref().ok().map(memory),
        "verdict": verdict,
    }))
}

fn plan(gguf: &GgufFile, ctx: Option<usize>) -> Result<Plan> {
    let config = arch::config(gguf.metadata(), gguf.tensors())?;
    Plan::new(
        gguf,
        config,
        &DecoderOptions {
            n_ctx: ctx,
            cache_type: CacheType::F16,
            ..DecoderOptions::default()
        },
    )
}

/// How many tensors of each type.
fn types(gguf: &GgufFile) -> Map<String, Value> {
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for t in gguf.tensors() {
        *counts.entry(t.type_name()).or_default() += 1;
    }
    counts.into_iter().map(|(name, n)| (name, n.into())).collect()
}

fn config(plan: &Plan) -> Value {
    let c = &plan.config;
    json!({
        "arch": c.arch, "n_ctx_train": c.n_ctx_train, "n_embd": c.n_embd, "n_layer": c.n_layer, "n_head": c.n_head,
        "n_head_kv": c.n_head_kv, "head_dim": c.head_dim, "n_ff": c.n_ff, "n_vocab": c.n_vocab,
        "n_rot": c.rope.n_rot, "rope_order": format!("{:?}", c.rope.order), "rope_base": c.rope.base,
        "rope_scaling": format!("{:?}", c.rope.scaling), "sliding_window": c.sliding_window,
        "tied_output": c.tensors.tied_output, "fused_qkv": c.tensors.fused_qkv, "qkv_bias": c.tensors.qkv_bias,
        "head_norms": c.tensors.head_norms,
    })
}

/// Bytes read to decode one token: every matrix once, one row of the embedding, and the cache at half the context.
fn bytes_per_token(gguf: &GgufFile, plan: &Plan) -> Value {
    let embedding = gguf.tensor("token_embd.weight").map_or(0, |t| t.bytes);
    let all: u64 = gguf.tensors().iter().map(|t| t.bytes).sum();
    let row = embedding / plan.config.n_vocab.max(1) as u64;
    let weights = if plan.config.tensors.tied_output {
        all
    } else {
        all - embedding + row
    };
    json!({"weights": weights, "cache_full_context": plan.memory.cache, "cache_per_position": plan.memory.cache / plan.n_ctx.max(1) as u64})
}

fn memory(plan: &Plan) -> Value {
    let m = &plan.memory;
    json!({
        "n_ctx": plan.n_ctx, "weights": m.weights, "cache": m.cache, "activations": m.activations, "total": m.total(),
        "fits_wasm32_cpu": m.total() < WASM32_BYTES,
    })
}
