//! What runs the operations. Chosen by the engine's loader, the session or a test; the model never knows.

pub mod cpu;

pub use cpu::Cpu;
