//! What runs the operations. Chosen by the engine's loader, the session or a test; the model never knows.

pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
#[cfg(feature = "gpu")]
pub mod self_test;

pub use cpu::Cpu;
#[cfg(feature = "gpu")]
pub use gpu::Gpu;
