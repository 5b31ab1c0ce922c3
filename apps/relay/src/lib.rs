//! A relay between apps and a large model: it holds the key, knows the app's user, and spends no more than it may.
//!
//! What comes from clients and from upstream is hostile until read: every size is bounded, and what is not understood is
//! refused, or counted as the most that it can have cost.

#![forbid(unsafe_code)]

pub mod ask;
pub mod config;
pub mod cors;
pub mod events;
pub mod journal;
pub mod ledger;
pub mod log;
pub mod pump;
pub mod rate;
pub mod refusal;
pub mod relay;
pub mod secret;
pub mod server;
pub mod time;
pub mod token;
pub mod upstream;
pub mod usage;

pub use config::Config;
pub use relay::Relay;
