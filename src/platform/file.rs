//! Files of the operating system.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{ByteSource, LocalFuture};
use crate::error::{Error, Result};

/// A file that is read where it lies; nothing is kept in memory.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    file: RefCell<File>,
    len: u64,
}

impl FileSource {
    /// Opens `path`; [`Error::Io`] when that fails.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((meta, file)) if meta.is_file() => Ok(Self {
                path,
                len: meta.len(),
                file: RefCell::new(file),
            }),
            Ok(_) => Err(io(&path, "not a regular file")),
            Err(e) => Err(io(&path, e)),
        }
    }

    fn read_now(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let end = offset.saturating_add(len as u64);
        if end > self.len {
            return Err(Error::Truncated {
                what: format!("read of {len} bytes at {offset}"),
                needed: end,
                available: self.len,
            });
        }
        let mut out = vec![0; len];
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut out))
            .map_err(|e| io(&self.path, e))?;
        Ok(out)
    }
}

fn io(path: &Path, message: impl ToString) -> Error {
    Error::Io {
        source_name: path.display().to_string(),
        message: message.to_string(),
    }
}

impl ByteSource for FileSource {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn len(&self) -> Option<u64> {
        Some(self.len)
    }

    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>> {
        Box::pin(std::future::ready(self.read_now(offset, len)))
    }
}
