//! A few buffers through which raw bytes pass on their way into other buffers.
//!
//! A slot may be written again as soon as what read it was submitted: a queue keeps the order. Several slots only mean that
//! as many dispatches share a submit. They exist while something is loaded, and are storage like any other: counted,
//! judged, returned.

use std::rc::Rc;

use super::Buffer;
use super::recorder::Recorder;
use crate::error::{Error, Result};

/// Slots.
const SLOTS: usize = 2;
/// Most bytes that a slot has room for, where a kernel can see as many.
const SLOT_BYTES: usize = 4 << 20;

/// Least bytes of a slot, and turns in which something larger goes until slots are as large as they may be.
const LEAST_BYTES: usize = 16 << 10;
const TURNS: usize = 8;

/// The slots, all of one size, and the number of those that were filled since the last turn.
#[derive(Debug, Default)]
pub(super) struct Ring {
    slots: Vec<Rc<Buffer>>,
    filled: usize,
}

impl Recorder {
    /// Bytes that can be on their way at once.
    pub fn way_bytes(&mut self) -> Result<usize> {
        self.make_way(0)?;
        Ok(self.ring.slots.first().map_or(0, |slot| slot.size() as usize))
    }

    /// Makes room for what is `bytes` bytes in all: a small model is not to take steps down for its slots.
    pub fn make_way(&mut self, bytes: usize) -> Result<()> {
        let size = (bytes / TURNS).clamp(LEAST_BYTES, SLOT_BYTES).next_power_of_two();
        let size = (size as u64).min(self.device().max_binding());
        if self.ring.slots.first().is_none_or(|slot| slot.size() < size) {
            self.submit()?;
            self.ring = Ring::default();
            self.bury();
            for _ in 0..SLOTS {
                let slot = self.buffer("weights on their way", size)?;
                self.ring.slots.push(Rc::new(slot));
            }
        }
        Ok(())
    }

    /// A storage buffer that begins with `raw`, for what is recorded next; behind it lies anything.
    ///
    /// # Errors
    /// [`Error::Internal`] beyond [`Recorder::way_bytes`].
    pub fn on_the_way(&mut self, raw: &[u8]) -> Result<Rc<Buffer>> {
        let room = self.way_bytes()?;
        if raw.len() > room {
            return Err(Error::internal(format!(
                "{} bytes at once in a slot of {room}",
                raw.len()
            )));
        }
        if self.ring.filled >= SLOTS {
            self.submit()?;
            self.ring.filled = 0;
        }
        let slot = self.ring.slots[self.ring.filled].clone();
        self.ring.filled += 1;
        let (words, tail) = raw.split_at(raw.len() & !3);
        self.put(&slot, 0, words);
        if !tail.is_empty() {
            let mut word = [0; 4];
            word[..tail.len()].copy_from_slice(tail);
            self.put(&slot, words.len() as u64, &word);
        }
        Ok(slot)
    }

    /// Nothing more is on its way: submits what was recorded, and returns the slots' memory.
    pub fn all_arrived(&mut self) -> Result<()> {
        self.submit()?;
        self.ring = Ring::default();
        self.bury();
        Ok(())
    }
}
