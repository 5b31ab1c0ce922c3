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
    match error {
        wgpu::Error::OutOfMemory { .. } => refused(what, 0, 0),
        _ => Error::Gpu {
            what: what.into(),
            message: error.to_string(),
        },
    }
}

/// The device has no memory for `size` bytes more than the `held`; both are 0 where they are not known.
pub fn refused(what: &str, held: u64, size: u64) -> Error {
    Error::TooLarge {
        what: format!("{what:?} in the GPU's memory"),
        needed: held.saturating_add(size),
        available: held,
        hint:
            "the GPU has no more memory; load with a smaller context, choose a smaller model, or close what else uses \
            the GPU"
                .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_a_command_did_not_get_is_a_matter_of_size() {
        let source = || Box::new(std::io::Error::other("no memory"));
        let memory = wgpu::Error::OutOfMemory { source: source() };
        let internal = wgpu::Error::Internal {
            source: source(),
            description: "the compiler crashed".into(),
        };
        assert_eq!(typed("a command", &memory).code(), "too_large");
        assert_eq!(typed("a command", &internal).code(), "gpu");
        let fault = Fault::default();
        fault.set(typed("a command", &internal));
        fault.set(typed("a command", &memory));
        assert_eq!(fault.check().map_err(|error| error.code()), Err("too_large"));
    }
}
