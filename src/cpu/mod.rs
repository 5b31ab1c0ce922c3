//! How the CPU computes fast: SIMD, packed weights, 8-bit activations.

mod dot;
pub mod input;
pub mod matmul;
pub mod packed;
pub mod simd;
