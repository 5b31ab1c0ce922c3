//! What runs the operations. Chosen by the engine's loader, the session or a test; the model never knows.

#[cfg(feature = "gpu")]
pub mod gpu;
pub mod reference;
#[cfg(feature = "gpu")]
pub mod self_test;

#[cfg(feature = "gpu")]
pub use gpu::Gpu;
pub use reference::Reference;
