//! How the CPU computes fast: SIMD, packed weights, 8-bit activations, and shards that share the work.

pub mod attention;
pub mod cache;
pub mod command;
mod dot;
pub mod input;
mod interpret;
pub mod machine;
pub mod matmul;
pub mod packed;
pub mod shares;
pub mod simd;
pub mod speed;
pub mod table;
pub mod team;
#[cfg(not(target_arch = "wasm32"))]
pub mod threads;
pub mod vector;
