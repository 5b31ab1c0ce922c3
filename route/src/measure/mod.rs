//! Measuring: how well a signal of doubt ranks, what escalating by it gains and costs, and how sure that is.
//!
//! Everything works on a [`Sample`] (how often each item counts), so that a bootstrap sorts once and costs `O(n)` for
//! each replicate. Ties are never broken: within a group of equal scores a figure is its expectation over all orders.

pub mod bootstrap;
pub mod deferral;
pub mod frontier;
pub mod heldout;
pub mod interval;
pub mod operate;
pub mod probability;
pub mod random;
pub mod ranking;
pub mod risk;

pub use bootstrap::{Bootstrap, Sample};
pub use deferral::{Deferral, Outcome};
pub use interval::{Estimate, wilson};
pub use random::SplitMix64;
pub use ranking::{Ranking, auroc};
