//! Loading and running a decoder. Knows no GPU.
pub mod arch;
pub mod config;
