//! One file per kernel: what it computes, its parameters, the GPU dispatch and the CPU reference ("twin").
//!
//! A kernel has one name in four places: the operation in [`crate::ops`], this room's file, the shader file and the GPU
//! label. On the CPU activations are dense, `[rows, cols]`; on the GPU rows are padded.
//! Parameters hold shapes only; what changes from step to step (position, rows, token ids) is passed separately.

pub mod add;
pub mod add_bias;
pub mod attention;
pub mod copy_rows;
pub mod embed;
pub mod head_norm;
pub mod kv_write;
pub mod matmul;
pub mod rms_norm;
pub mod rope;
pub mod silu_mul;
pub mod top_k;

/// Shapes fit `u32` everywhere on a GPU (limits are checked when a model is planned); saturates beyond.
pub(crate) fn dim(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
