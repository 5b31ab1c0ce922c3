//! Integration tests: one binary, one module per area.

mod arch;
mod gguf;
mod golden;
mod quant;
mod sampler;
mod support;
