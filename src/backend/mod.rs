//! What runs the operations. Chosen by the engine's loader, the session or a test; the model never knows.

#[cfg(feature = "gpu")]
pub mod autotune;
pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod reference;
#[cfg(feature = "gpu")]
mod searches;
#[cfg(feature = "gpu")]
pub mod self_test;
#[cfg(feature = "gpu")]
pub mod truth;

pub use crate::cpu::team::Recruit;
pub use cpu::Cpu;
#[cfg(feature = "gpu")]
pub use gpu::Gpu;
pub use reference::Reference;

/// Finds followers for the [`Cpu`] backend: threads.
#[cfg(not(target_arch = "wasm32"))]
pub use crate::cpu::threads::recruit;

/// Finds no followers: in a browser only JavaScript can start workers.
#[cfg(target_arch = "wasm32")]
pub fn recruit(_: Option<usize>) -> crate::cpu::team::Recruiting {
    Box::pin(std::future::ready(Ok(Box::new(crate::cpu::team::Alone) as _)))
}
