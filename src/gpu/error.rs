//! Asynchronous GPU errors become typed errors of the next call.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// The first error that the device reported outside any call; shared with the device's callbacks.
#[derive(Debug, Clone, Default)]
pub struct Fault(Arc<Mutex<Option<Error>>>);

impl Fault {
    /// Remembers `error` unless something happened before it (the first cause is the useful one).
    pub fn set(&self, error: Error) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_none_or(|held| explains(&error) > explains(held)) {
            *slot = Some(error);
        }
    }

    /// The remembered error. It stays: a device that failed once is not trusted again.
    pub fn check(&self) -> Result<()> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.clone().map_or(Ok(()), Err)
    }
}

/// A lost device explains everything else, and refused memory every command on the buffer that was not had.
fn explains(error: &Error) -> u8 {
    match error {
        Error::GpuLost { .. } => 2,
        Error::TooLarge { .. } => 1,
        _ => 0,
    }
}

/// The typed error for what wgpu reported in `what`.
pub fn typed(what: &str, error: &wgpu::Error) -> Error {
    Error::Gpu {
        what: what.into(),
        message: error.to_string(),
    }
}
