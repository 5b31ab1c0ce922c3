//! WebGPU, natively and in the browser: device, buffers, caches of pipelines and bind groups, recording, reading back.
//!
//! Knows no operation and no model. The rules of this room:
//!
//! - Activations are f32 rows whose stride is `cols` rounded up to [`ROW_ALIGN`]; the padding is always zero.
//! - Everything that changes from step to step (position, rows, token ids) lies in two small buffers that are written
//!   once per submit. Bind groups and uniforms never change, so a steady step creates no GPU object.
//! - One step is one encoder with one compute pass.
//! - A wrong shader or command in a browser yields zeros and no error: pipelines and buffers are created in error scopes,
//!   and everything else is caught by the handlers in [`device`]. Errors surface at the next call that can fail; memory
//!   that was refused surfaces as [`Error::TooLarge`](crate::Error::TooLarge) at the next wait.

mod account;
mod bind;
pub mod buffer;
pub mod device;
#[cfg_attr(not(feature = "drill"), path = "no_drill.rs")]
pub mod drill;
pub mod error;
pub mod launch;
pub mod measure;
mod memo;
pub mod pipeline;
pub mod readback;
pub mod recorder;
pub mod ring;
#[cfg(feature = "drill")]
mod waste;

pub use crate::kernels::wgsl::Style;
pub use buffer::{Buffer, Tensor};
pub use device::{Abilities, Device, GpuOptions};
pub use drill::Drill;
pub use launch::{Binding, Grid, Launch};
pub use measure::Timed;
pub use recorder::{Recorder, Stats};

/// Columns of an activation are padded to a multiple of this, so that rows begin on a 128-byte border.
pub const ROW_ALIGN: usize = 32;
