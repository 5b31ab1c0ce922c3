//! Storage buffers and activations.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::account::Account;
use super::error::{refused, typed};
use super::pipeline::Verdict;
use super::{Device, ROW_ALIGN};
use crate::error::{Error, Result};

/// Numbers buffers, so that cached bind groups can name them; never reused.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Dropped buffers: commands that were recorded may still use them, cached bind groups do.
#[derive(Debug, Clone)]
pub(super) struct Graveyard(Rc<Graves>);

#[derive(Debug)]
struct Graves {
    dead: RefCell<Vec<(u64, wgpu::Buffer)>>,
    account: Account,
}

impl Graveyard {
    pub fn new(device: &Device) -> Self {
        Self(Rc::new(Graves {
            dead: RefCell::default(),
            account: device.account.clone(),
        }))
    }

    pub fn take(&self) -> Vec<(u64, wgpu::Buffer)> {
        self.0.dead.take()
    }
}

/// The recorder and the last buffer are gone: nothing uses any of them.
impl Drop for Graves {
    fn drop(&mut self) {
        self.dead
            .get_mut()
            .iter()
            .for_each(|(_, buffer)| self.account.destroy(buffer));
    }
}

/// A storage buffer, zeroed when created.
#[derive(Debug)]
pub struct Buffer {
    pub(super) raw: wgpu::Buffer,
    pub(super) id: u64,
    /// It holds weights.
    pub(super) weight: bool,
    graveyard: Graveyard,
}

impl Buffer {
    /// `bytes` (at least 16, rounded up to 4) of storage. [`Error::TooLarge`] beyond what a kernel can bind, and as the
    /// verdict where the device has no more memory.
    pub(super) fn new(device: &Device, graveyard: &Graveyard, label: &str, bytes: u64) -> Result<(Self, Verdict)> {
        if bytes > device.max_binding() {
            return Err(Error::TooLarge {
                what: label.into(),
                needed: bytes,
                available: device.max_binding(),
                hint: "this GPU binds no larger buffer; use a smaller context or model".into(),
            });
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let size = bytes.max(16).next_multiple_of(4);
        let held = device.account.bytes();
        let refused = refused(label, held, size);
        let descriptor = wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        };
        let (raw, verdict) = judged(device, &descriptor, refused);
        device.check()?;
        device.account.created(&raw);
        let buffer = Self {
            raw,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            weight: false,
            graveyard: graveyard.clone(),
        };
        Ok((buffer, verdict))
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.raw.size()
    }
}

/// A buffer, and what the device says of it; `refused` where it has no memory.
pub(super) fn judged(
    device: &Device,
    descriptor: &wgpu::BufferDescriptor<'_>,
    refused: Error,
) -> (wgpu::Buffer, Verdict) {
    let drilled = device
        .memory
        .is_some_and(|most| device.account.bytes().saturating_add(descriptor.size) > most);
    let memory = device.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let validation = device.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let raw = device.device.create_buffer(descriptor);
    let (validation, memory) = (validation.pop(), memory.pop());
    let label = descriptor.label.unwrap_or_default().to_owned();
    let verdict = Box::pin(async move {
        let invalid = validation.await.map(|error| typed(&label, &error));
        let short = memory.await.is_some() || drilled;
        short.then_some(refused).or(invalid)
    });
    (raw, verdict)
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.graveyard.0.dead.borrow_mut().push((self.id, self.raw.clone()));
    }
}

/// Activations `[rows, cols]` of f32, row stride [`stride`](Self::stride).
#[derive(Debug)]
pub struct Tensor {
    pub(super) buffer: Buffer,
    rows: usize,
    max_rows: usize,
    cols: usize,
}

impl Tensor {
    pub(super) fn new(buffer: Buffer, rows: usize, cols: usize) -> Self {
        Self {
            buffer,
            rows,
            max_rows: rows,
            cols,
        }
    }

    /// Rows in use.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Uses the first `rows` rows.
    pub fn set_rows(&mut self, rows: usize) {
        debug_assert!(rows <= self.max_rows);
        self.rows = rows;
    }

    /// Rows allocated.
    pub fn max_rows(&self) -> usize {
        self.max_rows
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Elements from one row to the next.
    pub fn stride(&self) -> usize {
        stride(self.cols)
    }

    /// The storage.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }
}

/// Elements from one row to the next for rows of `cols`.
pub fn stride(cols: usize) -> usize {
    cols.next_multiple_of(ROW_ALIGN)
}
