//! The relay between a client and a service that does what services do at their worst.

mod asks;
mod border;
mod commands;
mod events;
mod ledger;
mod money;
mod streams;
mod support;
mod tokens;
