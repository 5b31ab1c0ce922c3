//! Integration tests: one binary, one module per area.

mod quant;
mod sampler;
mod gguf;
mod support;
