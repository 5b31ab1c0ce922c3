//! Reading one file's header piece by piece, never more than the items need (rounded up to a chunk).

use sha2::{Digest, Sha256};

use super::cursor::{Cursor, Fail};
use super::metadata::{Metadata, read_entry};
use super::quoted;
use super::tensor::{TensorInfo, read_tensor_info};
use crate::error::{Error, Result};
use crate::platform::ByteSource;

/// First read; later reads double what is at hand.
const CHUNK_BYTES: u64 = 1 << 20;
/// Bound on a header. The largest real ones (vocabularies of 260 000 tokens with merges) have some 20 MB.
const MAX_HEADER_BYTES: u64 = 128 << 20;
/// Bound on metadata entries; real files have fewer than 100.
const MAX_ENTRIES: u64 = 1 << 16;
/// Bound on tensors; real files have fewer than 5 000.
const MAX_TENSORS: u64 = 1 << 16;
/// Alignment of the data where the metadata does not say.
const DEFAULT_ALIGNMENT: u32 = 32;

/// The checked header of one file. Offsets of tensors are absolute.
#[derive(Debug)]
pub(super) struct Header {
    pub version: u32,
    pub metadata: Metadata,
    pub tensors: Vec<TensorInfo>,
    /// SHA-256 of the file up to the end of the tensor directory.
    pub hash: [u8; 32],
    /// SHA-256 of the metadata entries that make the tokenizer, as they stand in the file.
    pub tokenizer_hash: [u8; 32],
}

/// Metadata of the tokenizer, chat templates aside: those do not change how a text is cut.
fn of_tokenizer(key: &str) -> bool {
    key.starts_with("tokenizer.") && !key.starts_with("tokenizer.chat_template")
}

impl Header {
    pub(super) async fn read(source: &dyn ByteSource) -> Result<Self> {
        let mut w = Window::new(source);
        let (version, n_tensors, n_entries) = w.item(read_preamble).await?;
        let mut entries = Vec::new(); // grows with what was read, not with what the count promises
        let mut tokenizer = Sha256::new();
        for _ in 0..n_entries {
            let begun = w.position();
            let entry = w.item(read_entry).await?;
            if of_tokenizer(&entry.0) {
                tokenizer.update(w.since(begun));
            }
            entries.push(entry);
        }
        let metadata = Metadata::from_entries(entries)?;
        let mut tensors = Vec::new();
        for _ in 0..n_tensors {
            tensors.push(w.item(read_tensor_info).await?);
        }
        place(&mut tensors, alignment(&metadata)?, w.position(), w.len)?;
        Ok(Self {
            version,
            metadata,
            tensors,
            hash: w.hash.finalize().into(),
            tokenizer_hash: tokenizer.finalize().into(),
        })
    }
}

/// Magic, version, number of tensors, number of entries.
fn read_preamble(c: &mut Cursor<'_>) -> Result<(u32, u64, u64), Fail> {
    let magic: [u8; 4] = c.array()?;
    if &magic != b"GGUF" {
        let got = quoted(&String::from_utf8_lossy(&magic));
        return Err(Error::bad_file("the first four bytes", "\"GGUF\"", got).into());
    }
    let unsupported = |what: &str, got: &dyn ToString, supported: &str| {
        Fail::Bad(Error::UnsupportedFeature {
            what: what.into(),
            got: got.to_string(),
            supported: supported.into(),
        })
    };
    match c.u32()? {
        version @ (2 | 3) => {
            let n_tensors = bounded("the number of tensors", c.u64()?, MAX_TENSORS)?;
            let n_entries = bounded("the number of metadata entries", c.u64()?, MAX_ENTRIES)?;
            Ok((version, n_tensors, n_entries))
        }
        v if v != 0 && v.swap_bytes() <= 0xffff => Err(unsupported("byte order", &"big-endian", "little-endian")),
        v => Err(unsupported("GGUF version", &v, "2, 3")),
    }
}

fn bounded(what: &str, got: u64, max: u64) -> Result<u64> {
    if got <= max {
        Ok(got)
    } else {
        Err(Error::bad_file(what, format!("at most {max}"), got))
    }
}

/// Alignment of the data, checked.
pub(super) fn alignment(metadata: &Metadata) -> Result<u64> {
    let key = "general.alignment";
    let got = metadata.u32(key)?.unwrap_or(DEFAULT_ALIGNMENT);
    if !got.is_power_of_two() {
        return Err(Error::bad_file(format!("metadata key {key:?}"), "a power of two", got));
    }
    Ok(got.into())
}

/// Turns relative offsets into absolute ones; checks alignment, overlap and the end of the file.
fn place(tensors: &mut [TensorInfo], alignment: u64, header_end: u64, len: Option<u64>) -> Result<()> {
    let data = header_end.next_multiple_of(alignment); // both are far below 2^63
    for t in tensors.iter_mut() {
        let what = || format!("tensor {}", quoted(&t.name));
        if !t.offset.is_multiple_of(alignment) {
            return Err(Error::bad_file(
                what(),
                format!("an offset that is a multiple of {alignment}"),
                t.offset,
            ));
        }
        let start = data.checked_add(t.offset);
        let Some((start, end)) = start.and_then(|s| Some((s, s.checked_add(t.bytes)?))) else {
            return Err(Error::bad_file(
                what(),
                "an end below 2^64",
                format!("offset {}", t.offset),
            ));
        };
        if let Some(available) = len.filter(|&len| end > len) {
            return Err(Error::Truncated {
                what: what(),
                needed: end,
                available,
            });
        }
        t.offset = start;
    }
    let mut by_offset: Vec<&TensorInfo> = tensors.iter().collect();
    by_offset.sort_by_key(|t| (t.offset, t.bytes));
    for pair in by_offset.windows(2) {
        let end = pair[0].offset + pair[0].bytes; // checked above
        if end > pair[1].offset {
            let expected = format!("data after that of tensor {}, from {end}", quoted(&pair[0].name));
            return Err(Error::bad_file(
                format!("tensor {}", quoted(&pair[1].name)),
                expected,
                pair[1].offset,
            ));
        }
    }
    Ok(())
}

/// The bytes of a header that have arrived and are not yet parsed.
struct Window<'s> {
    source: &'s dyn ByteSource,
    bytes: Vec<u8>,
    /// Parsed bytes at the start of `bytes`.
    done: usize,
    /// Offset of `bytes[0]` in the file.
    base: u64,
    /// Length of the file, where known.
    len: Option<u64>,
    /// Of all items so far.
    hash: Sha256,
}

impl<'s> Window<'s> {
    fn new(source: &'s dyn ByteSource) -> Self {
        Self {
            source,
            bytes: Vec::new(),
            done: 0,
            base: 0,
            len: source.len(),
            hash: Sha256::new(),
        }
    }

    fn position(&self) -> u64 {
        self.base + self.done as u64
    }

    /// What was parsed since the last item began, which was at `begun`: earlier bytes may be gone.
    fn since(&self, begun: u64) -> &[u8] {
        &self.bytes[(begun - self.base) as usize..self.done]
    }

    /// Parses one item, fetching more of the file as long as the item is cut short.
    async fn item<T>(&mut self, parse: fn(&mut Cursor<'_>) -> Result<T, Fail>) -> Result<T> {
        loop {
            let mut c = Cursor::new(&self.bytes[self.done..], self.position());
            match parse(&mut c) {
                Ok(item) => {
                    let consumed = c.consumed();
                    self.hash.update(&self.bytes[self.done..self.done + consumed]);
                    self.done += consumed;
                    return Ok(item);
                }
                Err(Fail::Bad(e)) => return Err(e),
                Err(Fail::Short { what, needed }) => self.fill(what, needed).await?,
            }
        }
    }

    /// Fetches at least up to `needed`; as much again as is at hand, so that re-parsing stays linear.
    async fn fill(&mut self, what: String, needed: u64) -> Result<()> {
        self.bytes.drain(..self.done);
        self.base += self.done as u64;
        self.done = 0;
        let start = self.base + self.bytes.len() as u64;
        loop {
            if let Some(available) = self.len.filter(|&len| needed > len) {
                return Err(Error::Truncated {
                    what,
                    needed,
                    available,
                });
            }
            if needed > MAX_HEADER_BYTES {
                let expected = format!("a header of at most {MAX_HEADER_BYTES} bytes");
                return Err(Error::bad_file(what, expected, format!("one of at least {needed}")));
            }
            let ahead = start + CHUNK_BYTES.max(self.bytes.len() as u64);
            let end = needed.max(ahead).min(self.len.unwrap_or(u64::MAX));
            match self.source.read(start, (end - start) as usize).await {
                Ok(more) => {
                    self.bytes.extend_from_slice(&more);
                    return Ok(());
                }
                // A server that did not tell the length before; now the end is known.
                Err(Error::Truncated { available, .. }) if self.len.is_none() => self.len = Some(available),
                Err(e) => return Err(e),
            }
        }
    }
}
