//! Planning before anything is built: what the numbers of two models allow, and which local model is enough.

pub mod feasibility;
pub mod normal;
pub mod rightsize;

pub use feasibility::{Inputs, Plan, Range, plan};
pub use rightsize::{Candidate, Chosen, right_size};
