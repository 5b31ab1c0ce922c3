//! How the CPU computes fast: SIMD, packed weights, 8-bit activations, and shards that share the work.

pub mod command;
mod dot;
pub mod input;
pub mod matmul;
pub mod packed;
pub mod shares;
pub mod simd;
pub mod team;
