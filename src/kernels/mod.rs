//! One file per kernel: what it computes, its parameters, the GPU dispatch and the CPU reference ("twin").
//!
//! A kernel has one name in four places: the operation in [`crate::ops`], this room's file, the shader file and the GPU
//! label. On the CPU activations are dense, `[rows, cols]`; on the GPU rows are padded.
//! Parameters hold shapes only; what changes from step to step (position, rows, token ids) is passed separately: on the
//! GPU as `step.pos`, `step.rows` (shaders/lib/step.wgsl) and `Recorder::tokens`, so that uniforms and bind groups are
//! the same in every step.
//!
//! To add a kernel: `shaders/<name>.wgsl` (bindings: 0 step, 1 params, from 2 on storage), its name in `wgsl::KERNELS`,
//! this room's file with `Params: Kernel`, `gpu()` (one [`Recorder::launch`](crate::gpu::Recorder::launch)) and `cpu()`,
//! a line in [`all_variants`], a twin test.

pub mod add;
pub mod add_bias;
#[cfg(feature = "gpu")]
pub mod attend;
pub mod attention;
pub mod copy_rows;
pub mod embed;
pub mod gemm;
#[cfg(feature = "gpu")]
pub mod gemv;
pub mod head_norm;
pub mod kv_write;
pub mod matmul;
pub mod quantize;
pub mod repack;
pub mod rms_norm;
pub mod rope;
pub mod silu_mul;
pub mod top_k;
#[cfg(feature = "gpu")]
pub mod tuning;
#[cfg(feature = "gpu")]
pub mod weight;
pub mod wgsl;

pub use wgsl::Style;
use wgsl::Variant;

/// What a kernel's parameters say of the kernel itself. `Params` is the shader's uniform, byte for byte.
pub trait Kernel: bytemuck::Pod {
    /// Shader file, operation and label.
    const NAME: &'static str;

    /// Every variant that can be dispatched (shapes baked into the text: a representative set).
    fn variants() -> Vec<Variant>;
}

/// Every variant of every kernel, for tests that compile them all.
pub fn all_variants() -> Vec<Variant> {
    let all = [
        add::Params::variants(),
        embed::Params::variants(),
        gemm::Params::variants(),
        #[cfg(feature = "gpu")]
        gemv::Params::variants(),
        add_bias::Params::variants(),
        #[cfg(feature = "gpu")]
        attend::Params::variants(),
        copy_rows::Params::variants(),
        head_norm::Params::variants(),
        quantize::Params::variants(),
        repack::Params::variants(),
        rms_norm::Params::variants(),
        rope::Params::variants(),
        silu_mul::Params::variants(),
        top_k::Params::variants(),
    ];
    all.into_iter().flatten().collect()
}

/// Shapes fit `u32` everywhere on a GPU (limits are checked when a model is planned); saturates beyond.
pub(crate) fn dim(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
