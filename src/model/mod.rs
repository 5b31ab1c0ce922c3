//! Loading and running a decoder. Knows no GPU.
pub mod arch;
pub mod config;
pub mod decoder;
pub mod identity;
pub mod loader;
pub mod plan;
pub mod rope;
