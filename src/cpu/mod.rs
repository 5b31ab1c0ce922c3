//! How the CPU computes fast: SIMD, packed weights, 8-bit activations.

pub mod simd;
