//! kinglet: language models on the device, in the browser and natively.
//!
//! The rooms and the doors between them are drawn in `ARCHITECTURE.md`.

#![deny(unsafe_code)]

pub mod backend;
#[cfg(all(feature = "gpu", feature = "bench"))]
pub mod bench;
pub mod cpu;
pub mod engine;
pub mod error;
pub mod gguf;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod kernels;
pub mod model;
pub mod ops;
pub mod platform;
pub mod quant;
#[cfg(not(target_arch = "wasm32"))]
pub mod quantize;
pub mod sampler;
pub mod session;
pub mod text;
#[cfg(target_arch = "wasm32")]
mod wasm;

pub use error::{Error, Result};
