//! The searches of a GPU's steps: recorded side by side, read back with the step, handed out one by one.

use std::collections::VecDeque;

use crate::error::{Error, Result};
use crate::gpu::{Recorder, Tensor};
use crate::kernels::{dim, top_k};
use crate::ops::{Find, Found, Ticket};

/// Searches recorded, submitted, read.
#[derive(Default)]
pub(super) struct Searches {
    scratch: Option<top_k::Scratch>,
    /// Recorded since the last submit.
    recorded: usize,
    /// Of one submit each, the oldest first.
    groups: VecDeque<Group>,
    /// Tickets given so far.
    next: u64,
}

/// Searches that were submitted together.
struct Group {
    first: u64,
    count: usize,
    /// The recorder's number for their results.
    asked: u64,
    /// The results, once they are here.
    read: Option<Vec<u8>>,
}

impl Searches {
    /// Records one.
    pub fn record(&mut self, rec: &mut Recorder, logits: &Tensor, find: &Find) -> Result<Ticket> {
        if self.recorded == top_k::SLOTS {
            let most = top_k::SLOTS;
            return Err(Error::internal(format!("more than {most} searches in one submit")));
        }
        let n_vocab = dim(logits.cols());
        let scratch = match self.scratch.take().filter(|s| s.fits(n_vocab)) {
            Some(scratch) => scratch,
            None => top_k::Scratch::new(rec, n_vocab)?,
        };
        let scratch = self.scratch.insert(scratch);
        top_k::gpu(rec, find, self.recorded, scratch, logits)?;
        self.recorded += 1;
        self.next += 1;
        Ok(Ticket {
            k: find.k,
            number: self.next - 1,
        })
    }

    /// Before a submit: asks for the results of what was recorded.
    pub fn ask(&mut self, rec: &mut Recorder) -> Result<()> {
        let count = std::mem::take(&mut self.recorded);
        let (Some(scratch), 1..) = (&self.scratch, count) else {
            return Ok(());
        };
        let asked = rec.ask(&[(&scratch.results, (count * top_k::SLOT_BYTES) as u64)])?;
        self.groups.push_back(Group {
            first: self.next - count as u64,
            count,
            asked,
            read: None,
        });
        Ok(())
    }

    /// Nobody waits for any of them.
    pub fn give_up(&mut self) {
        self.recorded = 0;
        self.groups.clear();
    }

    /// Waits for one, and gives up those before it.
    pub async fn found(&mut self, rec: &mut Recorder, logits: &Tensor, ticket: Ticket) -> Result<Found> {
        let gone = |group: &Group| group.first + group.count as u64 <= ticket.number;
        while self.groups.front().is_some_and(gone) {
            self.groups.pop_front();
        }
        let group = self.groups.front_mut().filter(|group| group.first <= ticket.number);
        let Some(group) = group else {
            return Err(Error::internal(format!("search {} is not under way", ticket.number)));
        };
        if group.read.is_none() {
            group.read = Some(rec.fetch(group.asked).await?);
        }
        let at = (ticket.number - group.first) as usize * top_k::SLOT_BYTES;
        let slot = group
            .read
            .iter()
            .find_map(|bytes| bytes.get(at..at + top_k::SLOT_BYTES));
        let p = top_k::Params {
            n_vocab: dim(logits.cols()),
        };
        slot.map(|bytes| top_k::found(&p, ticket.k, bytes))
            .ok_or_else(|| Error::internal("a search without a result"))
    }
}
