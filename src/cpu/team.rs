//! How shards of one model work together, whatever carries their messages: threads, or Web Workers.
//!
//! Every shard runs the same commands over its own rows. The *leader* (rank 0) records them, sends [`Order`]s to its
//! *followers*, and carries them out itself; where a command needs what the others computed, all of them meet in
//! [`Exchange::gather`]. Orders arrive complete and in order; nothing else is assumed of the transport.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::Value;

use super::command::Order;
use crate::error::{Error, Result};

/// A result that is there at once (threads, shared memory) or that comes later (messages between workers).
pub enum Wait<'a> {
    /// It is there.
    Ready(Result<()>),
    /// It comes.
    Later(Pin<Box<dyn Future<Output = Result<()>> + 'a>>),
}

impl Future for Wait<'_> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut *self {
            Wait::Ready(result) => Poll::Ready(std::mem::replace(result, Ok(()))),
            Wait::Later(future) => future.as_mut().poll(context),
        }
    }
}

/// The leader's own error of what a follower said, [`Error::to_json`] as text: that there is no room, so that less may be asked
/// for; or that the follower failed, and with what. `None`: it is no such text.
pub fn reported(said: &str) -> Option<Error> {
    let said: Value = serde_json::from_str(said).ok()?;
    let text = |of: &Value, key: &str| of[key].as_str().map(str::to_owned);
    let detail = &said["detail"];
    match said["code"].as_str()? {
        "too_large" => Some(Error::TooLarge {
            what: text(detail, "what")?,
            needed: detail["needed"].as_u64()?,
            available: detail["available"].as_u64()?,
            hint: text(detail, "hint")?,
        }),
        _ => text(&said, "message").map(|message| Error::WorkerFailed { message }),
    }
}

/// Who reads what is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Every shard.
    All,
    /// The leader; what the others find in their buffer afterwards is unspecified.
    Leader,
}

/// Where shards meet.
pub trait Exchange {
    /// Shard r brings `all[bounds[r]..bounds[r + 1]]`, and the readers find all parts in `all` afterwards.
    ///
    /// All shards call it in the same order with the same `bounds` (one more than there are shards; a part may be empty)
    /// and `readers`. It fails, within seconds and for every shard, when one of them has failed or is gone.
    fn gather<'a>(&'a mut self, all: &'a mut [f32], bounds: &'a [usize], readers: Readers) -> Wait<'a>;
}

/// The leader's way to its followers. Dropping it ends them.
pub trait Team {
    /// Number of shards, the leader included.
    fn ranks(&self) -> usize;

    /// Sends an order to `rank` (`1..ranks`), and the bytes that go with it. Never waits: [`Team::settle`] does, often
    /// enough that no more than a few MiB are under way.
    ///
    /// # Errors
    /// That of a follower which has failed.
    fn send(&mut self, rank: usize, order: &Order, payload: &[u8]) -> Result<()>;

    /// Waits until every follower has carried out everything sent so far.
    ///
    /// # Errors
    /// The first error of a follower; [`Error::WorkerFailed`](crate::Error::WorkerFailed) where one is gone.
    fn settle(&mut self) -> Wait<'_>;

    /// The leader's place in the exchange.
    fn exchange(&mut self) -> &mut dyn Exchange;
}

/// A team's future.
pub type Recruiting = Pin<Box<dyn Future<Output = Result<Box<dyn Team>>>>>;

/// Finds followers. Called once, when the model turns out to run on the CPU, with the number of shards asked for, the
/// leader included; `None`: as many as are good for this machine.
pub type Recruit<'a> = dyn FnMut(Option<usize>) -> Recruiting + 'a;

/// A leader without followers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alone;

impl Exchange for Alone {
    fn gather<'a>(&'a mut self, _: &'a mut [f32], _: &'a [usize], _: Readers) -> Wait<'a> {
        Wait::Ready(Ok(()))
    }
}

impl Team for Alone {
    fn ranks(&self) -> usize {
        1
    }

    fn send(&mut self, _: usize, _: &Order, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn settle(&mut self) -> Wait<'_> {
        Wait::Ready(Ok(()))
    }

    fn exchange(&mut self) -> &mut dyn Exchange {
        self
    }
}
