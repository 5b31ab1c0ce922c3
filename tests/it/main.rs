//! Integration tests: one binary, one module per area.

mod arch;
mod gguf;
mod quant;
mod sampler;
mod support;
