//! Where bytes come from, what time it is, how a GPU device is asked for: the only room that knows which platform this is.

mod clock;
#[cfg(not(target_arch = "wasm32"))]
mod file;
#[cfg(target_arch = "wasm32")]
mod web;
#[cfg(feature = "gpu")]
mod webgpu;

pub use clock::{now_ms, sleep, unix_seconds};
#[cfg(not(target_arch = "wasm32"))]
pub use file::FileSource;
#[cfg(target_arch = "wasm32")]
pub use web::{JsSource, Reader};
#[cfg(feature = "gpu")]
pub use webgpu::{has_packed_products, has_subgroups, request_device};

use std::future::Future;
use std::pin::Pin;

use crate::error::{Error, Result};

/// A future that stays on its thread (browsers' objects are not `Send`).
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Random access to a model file: memory, a file, whatever JavaScript reads from.
pub trait ByteSource {
    /// A name for messages (a path, a URL, `"memory"`).
    fn name(&self) -> String;

    /// Length in bytes; `None` where a server does not say.
    fn len(&self) -> Option<u64>;

    /// True when the length is known and zero.
    fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Exactly `len` bytes at `offset`, or [`Error::Truncated`] / [`Error::Io`] / [`Error::Http`].
    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>>;
}

/// A file that is already in memory.
pub struct MemorySource<'a> {
    bytes: std::borrow::Cow<'a, [u8]>,
}

impl<'a> MemorySource<'a> {
    /// Wraps bytes, borrowed or owned.
    pub fn new(bytes: impl Into<std::borrow::Cow<'a, [u8]>>) -> Self {
        Self { bytes: bytes.into() }
    }
}

impl ByteSource for MemorySource<'_> {
    fn name(&self) -> String {
        "memory".into()
    }

    fn len(&self) -> Option<u64> {
        Some(self.bytes.len() as u64)
    }

    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>> {
        let end = offset.saturating_add(len as u64);
        let available = self.bytes.len() as u64;
        Box::pin(std::future::ready(if end <= available {
            Ok(self.bytes[offset as usize..end as usize].to_vec())
        } else {
            Err(Error::Truncated {
                what: format!("read of {len} bytes at {offset}"),
                needed: end,
                available,
            })
        }))
    }
}
