//! Faults on order: a test asks for a device that is lost, is short of memory or compiles wrongly at a chosen moment.
//!
//! Software drivers do none of this by themselves, and what must survive it is the whole runtime above this room. Without
//! an order (the default) nothing here does anything; without the feature `drill`, which only tests have, no_drill.rs stands
//! here instead.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::kernels::wgsl::Variant;

/// What is going to go wrong; clones share their orders, so that each device that is opened takes the next one.
#[derive(Debug, Clone, Default)]
pub struct Drill(Option<Arc<Mutex<Orders>>>);

/// What can be done in vain with each submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waste {
    /// One more dispatch.
    Dispatch,
    /// One more command buffer.
    Submit,
    /// One more buffer that is mapped.
    Read,
    /// One more GPU object.
    Object,
}

#[derive(Debug, Default)]
struct Orders {
    wasted: Option<Waste>,
    /// For each device in the order of opening: the submit at which it is lost.
    losses: VecDeque<u64>,
    /// Instead of being lost, a device fails.
    fails: bool,
    /// Bytes that each device gives, in the order of opening; the last number is for all that follow.
    memory: VecDeque<u64>,
    /// A software adapter passes for hardware, but for its kernels: it would compile a GPU's for minutes.
    hardware: bool,
    /// Openings so far, and those of them that find no adapter.
    opened: u64,
    absent: Range<u64>,
    /// Kernel, text in its shader, what the compiler takes it for.
    miscompiled: Option<(&'static str, &'static str, &'static str)>,
}

/// Two drills are equal when they share their orders.
impl PartialEq for Drill {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Drill {}

impl Drill {
    fn order(change: impl FnOnce(&mut Orders)) -> Self {
        let mut orders = Orders::default();
        change(&mut orders);
        Self(Some(Arc::new(Mutex::new(orders))))
    }

    /// The first device is lost at submit `losses[0]`, the second at `losses[1]`, …; those after the last stay.
    pub fn lose_at(losses: impl IntoIterator<Item = u64>) -> Self {
        Self::order(|orders| orders.losses = losses.into_iter().collect())
    }

    /// The first device reports an error at this submit that belongs to no call, and is not lost.
    pub fn fail_at(submit: u64) -> Self {
        Self::order(|orders| (orders.losses, orders.fails) = (VecDeque::from([submit]), true))
    }

    /// A device refuses buffers beyond `bytes` in all.
    pub fn memory(bytes: u64) -> Self {
        Self::memories([bytes])
    }

    /// The first device refuses buffers beyond `bytes[0]` in all, the second beyond `bytes[1]`, …; those after the last as
    /// the last one.
    pub fn memories(bytes: impl IntoIterator<Item = u64>) -> Self {
        Self::order(|orders| orders.memory = bytes.into_iter().collect())
    }

    /// In the shaders of `kernel`, the compiler takes `text` for `for_text`.
    pub fn miscompile(kernel: &'static str, text: &'static str, for_text: &'static str) -> Self {
        Self::order(|orders| orders.miscompiled = Some((kernel, text, for_text)))
    }

    /// Something is done in vain with each submit from the moment that [`Drill::wastes`] says.
    pub fn wasteful() -> Self {
        Self::order(|_| {})
    }

    /// From now on this is done in vain.
    pub fn wastes(&self, waste: Option<Waste>) {
        self.with(|orders| {
            orders.wasted = waste;
            Some(())
        });
    }

    /// What is done in vain with this submit.
    pub(super) fn wasted(&self) -> Option<Waste> {
        self.with(|orders| orders.wasted)
    }

    /// The openings with these numbers, from 0 on, find no adapter.
    pub fn absent(openings: Range<u64>) -> Self {
        Self::order(|orders| orders.absent = openings)
    }

    /// The same orders for an adapter that passes for hardware although it computes in software.
    pub fn on_hardware(self) -> Self {
        match &self.0 {
            None => Self::order(|orders| orders.hardware = true),
            Some(orders) => {
                orders.lock().unwrap_or_else(PoisonError::into_inner).hardware = true;
                self
            }
        }
    }

    fn with<T>(&self, read: impl FnOnce(&mut Orders) -> Option<T>) -> Option<T> {
        let orders = self.0.as_ref()?;
        read(&mut orders.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The submit at which a device that is opened now is lost.
    pub(super) fn next_loss(&self) -> Option<u64> {
        self.with(|orders| orders.losses.pop_front())
    }

    /// Instead of being lost, a device fails.
    pub(super) fn fails(&self) -> bool {
        self.with(|orders| orders.fails.then_some(())).is_some()
    }

    /// Whether a software adapter passes for hardware.
    pub(super) fn hardware(&self) -> bool {
        self.with(|orders| orders.hardware.then_some(())).is_some()
    }

    /// Whether there is an adapter for a device that is opened now.
    pub(super) fn present(&self) -> bool {
        let absent = self.with(|orders| {
            orders.opened += 1;
            orders.absent.contains(&(orders.opened - 1)).then_some(())
        });
        absent.is_none()
    }

    /// Bytes that a device gives that is opened now.
    pub(super) fn next_memory(&self) -> Option<u64> {
        self.with(|orders| match orders.memory.len() {
            0 | 1 => orders.memory.front().copied(),
            _ => orders.memory.pop_front(),
        })
    }

    /// The text that the compiler sees.
    pub(super) fn compiled(&self, variant: &Variant, text: String) -> String {
        let found = self.with(|orders| orders.miscompiled.filter(|(kernel, ..)| *kernel == variant.kernel));
        match found {
            Some((_, from, to)) => text.replace(from, to),
            None => text,
        }
    }
}
