//! Counts what a device holds: the browser does not tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Buffers and bytes that are allocated now; clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Account(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    buffers: AtomicU64,
    bytes: AtomicU64,
}

impl Account {
    pub fn buffers(&self) -> u64 {
        self.0.buffers.load(Ordering::Relaxed)
    }

    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    pub fn created(&self, buffer: &wgpu::Buffer) {
        self.0.buffers.fetch_add(1, Ordering::Relaxed);
        self.0.bytes.fetch_add(buffer.size(), Ordering::Relaxed);
    }

    /// Returns a buffer's memory now; to drop it would leave that to a browser's garbage collector, which is in no hurry.
    pub fn destroy(&self, buffer: &wgpu::Buffer) {
        buffer.destroy();
        self.0.buffers.fetch_sub(1, Ordering::Relaxed);
        self.0.bytes.fetch_sub(buffer.size(), Ordering::Relaxed);
    }
}

/// A buffer beside the model's, for parameters or results: counted by itself, and its memory is returned when it goes.
#[derive(Debug)]
pub(super) struct Aid {
    pub raw: wgpu::Buffer,
    account: Account,
}

impl Aid {
    pub fn new(raw: wgpu::Buffer, account: &Account) -> Self {
        account.created(&raw);
        Self {
            raw,
            account: account.clone(),
        }
    }
}

impl Drop for Aid {
    fn drop(&mut self) {
        self.account.destroy(&self.raw);
    }
}
