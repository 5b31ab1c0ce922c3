//! Integration tests: one binary, one module per area.

mod alloc;
mod arch;
mod arch_refused;
mod choose;
mod clinc;
/// As the native tool has it.
#[path = "../../cli/src/constraint.rs"]
mod constraint;
mod cpu_attention;
mod cpu_matmul;
mod cpu_shards;
mod cpu_vector;
mod embedding;
mod encode;
mod engine;
mod engine_interrupted;
mod engine_load;
mod estimate;
mod features;
mod gguf;
mod gguf_hostile;
mod gguf_split;
mod golden;
#[cfg(feature = "gpu")]
mod gpu_attention;
#[cfg(feature = "gpu")]
mod gpu_autotune;
#[cfg(feature = "gpu")]
mod gpu_backend;
#[cfg(feature = "gpu")]
mod gpu_bench;
#[cfg(feature = "gpu")]
mod gpu_chain;
#[cfg(feature = "gpu")]
mod gpu_embedding;
#[cfg(feature = "gpu")]
mod gpu_gemm;
#[cfg(feature = "gpu")]
mod gpu_gemv;
#[cfg(feature = "gpu")]
mod gpu_loop;
#[cfg(feature = "gpu")]
mod gpu_lossy;
#[cfg(feature = "gpu")]
mod gpu_matmul;
#[cfg(feature = "gpu")]
mod gpu_ops;
#[cfg(feature = "gpu")]
mod gpu_profile;
#[cfg(feature = "gpu")]
mod gpu_repack;
#[cfg(feature = "gpu")]
mod gpu_restore;
mod gpu_shaders;
#[cfg(feature = "gpu")]
mod gpu_signals;
#[cfg(feature = "gpu")]
mod gpu_speculate;
#[cfg(feature = "gpu")]
mod gpu_support;
#[cfg(feature = "gpu")]
mod gpu_top_k;
mod gpu_truth;
mod grammar;
mod grammar_suite;
mod hostile_models;
mod identity;
mod loaded;
mod plan_memory;
mod profile;
mod quant;
mod quantize;
mod sampler;
mod session;
mod session_choices;
mod session_labels;
mod session_opening;
mod session_signals;
mod speculate;
mod structured;
mod support;
mod template;
mod tidy;
mod tokenizer;
mod tokenizer_content;
mod tokenizer_hostile;
mod tokenizer_memory;
mod with_template;
mod writer;
