//! Whether a small model's answer is enough: signals of doubt, calibrated odds, and a decision that says why.
//!
//! Pure: no clock, no randomness, no input or output, and only arithmetic that gives the same bits everywhere. Natural
//! logarithms throughout.

#![deny(unsafe_code)]

pub mod agree;
pub mod border;
pub mod budget;
pub mod calibrate;
pub mod calibration;
pub mod day0;
pub mod decide;
pub mod document;
pub mod drift;
pub mod economics;
pub mod error;
pub mod evaluate;
pub mod explain;
pub mod facts;
pub mod gauge;
pub mod hash;
pub mod head;
pub mod lint;
pub mod math;
pub mod measure;
pub mod plan;
pub mod policy;
pub mod price;
pub mod privacy;
pub mod profile;
pub mod quantiles;
pub mod reason;
pub mod repeats;
pub mod reported;
pub mod router;
pub mod score;
pub mod signals;
pub mod state;
pub mod trace;
pub mod values;
#[cfg(all(target_arch = "wasm32", feature = "module"))]
mod wasm;
#[cfg(all(target_arch = "wasm32", feature = "module"))]
mod wasm_budget;
#[cfg(all(target_arch = "wasm32", feature = "module"))]
mod wasm_head;

pub use error::{Result, RouteError};
pub use explain::explain;
pub use facts::Facts;
pub use policy::Policy;
pub use profile::{Binding, Profile, Threshold};
pub use reason::Reason;
pub use score::Scorer;
pub use signals::Signals;
