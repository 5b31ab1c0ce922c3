//! Integration tests: one binary, one module per area.

mod gguf;
mod quant;
mod sampler;
mod support;
