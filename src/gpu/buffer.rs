//! Storage buffers and activations.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Device, ROW_ALIGN};
use crate::error::{Error, Result};

/// Numbers buffers, so that cached bind groups can name them; never reused.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Dropped buffers: commands that were recorded may still use them, cached bind groups do.
#[derive(Debug, Clone, Default)]
pub(super) struct Graveyard(Arc<Mutex<Vec<(u64, wgpu::Buffer)>>>);

impl Graveyard {
    pub fn take(&self) -> Vec<(u64, wgpu::Buffer)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A storage buffer, zeroed when created.
#[derive(Debug)]
pub struct Buffer {
    pub(super) raw: wgpu::Buffer,
    pub(super) id: u64,
    graveyard: Graveyard,
}

impl Buffer {
    /// `bytes` (at least 16, rounded up to 4) of storage. [`Error::TooLarge`] beyond what a kernel can bind.
    pub(super) fn new(device: &Device, graveyard: &Graveyard, label: &str, bytes: u64) -> Result<Self> {
        if bytes > device.max_binding() {
            return Err(Error::TooLarge {
                what: label.into(),
                needed: bytes,
                available: device.max_binding(),
                hint: "this GPU binds no larger buffer; use a smaller context or model".into(),
            });
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let raw = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes.max(16).next_multiple_of(4),
            usage,
            mapped_at_creation: false,
        });
        device.check()?;
        Ok(Self {
            raw,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            graveyard: graveyard.clone(),
        })
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.raw.size()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut graveyard = self.graveyard.0.lock().unwrap_or_else(PoisonError::into_inner);
        graveyard.push((self.id, self.raw.clone()));
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
