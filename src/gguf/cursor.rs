//! Checked little-endian reading from the part of a header that has arrived.

use crate::error::Error;

/// Why an item could not be read.
#[derive(Debug)]
pub(super) enum Fail {
    /// The bytes at hand end too early; the item needs at least the file's bytes up to `needed`.
    Short { what: String, needed: u64 },
    /// The item is wrong.
    Bad(Error),
}

impl Fail {
    /// Names the item that was cut short.
    pub(super) fn of(self, what: impl FnOnce() -> String) -> Self {
        match self {
            Fail::Short { needed, .. } => Fail::Short { what: what(), needed },
            bad => bad,
        }
    }
}

impl From<Error> for Fail {
    fn from(e: Error) -> Self {
        Fail::Bad(e)
    }
}

/// A position in `bytes`, which begin at offset `base` of the file.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
    base: u64,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], base: u64) -> Self {
        Self { bytes, pos: 0, base }
    }

    /// Bytes read so far.
    pub(super) fn consumed(&self) -> usize {
        self.pos
    }

    /// Checks that `n` more bytes are here; nothing is allocated for a count before this has passed.
    pub(super) fn need(&self, n: u64) -> Result<(), Fail> {
        if n <= (self.bytes.len() - self.pos) as u64 {
            return Ok(());
        }
        Err(Fail::Short {
            what: "header".into(),
            needed: self.base.saturating_add(self.pos as u64).saturating_add(n),
        })
    }

    /// The next `n` bytes.
    pub(super) fn take(&mut self, n: u64) -> Result<&'a [u8], Fail> {
        self.need(n)?;
        let start = self.pos;
        self.pos += n as usize; // fits: `need` compared it with a slice length
        Ok(&self.bytes[start..self.pos])
    }

    /// The next `N` bytes as an array, for `from_le_bytes`.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fail> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64)?);
        Ok(out)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fail> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fail> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The bytes of a string: a u64 length, then the bytes.
    pub(super) fn string(&mut self) -> Result<&'a [u8], Fail> {
        let len = self.u64()?;
        self.take(len)
    }
}
