//! One model over one or several files.

use std::rc::Rc;

use super::header::Header;
use super::metadata::Metadata;
use super::quoted;
use super::split;
use super::tensor::TensorInfo;
use crate::error::{Error, Result};
use crate::platform::ByteSource;

/// A GGUF model whose header has been read and checked: metadata, tensor directory, and range reads of tensor data.
///
/// ```
/// # use std::rc::Rc;
/// use kinglet::gguf::GgufFile;
/// use kinglet::platform::MemorySource;
/// let not_gguf = Rc::new(MemorySource::new(b"<!DOCTYPE html>......".as_slice()));
/// let error = pollster::block_on(GgufFile::open(not_gguf)).unwrap_err();
/// assert_eq!(error.code(), "bad_file");
/// ```
pub struct GgufFile {
    version: u32,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
    /// Indices of `tensors`, ordered by name.
    by_name: Vec<u32>,
    sources: Vec<Rc<dyn ByteSource>>,
    header_hashes: Vec<[u8; 32]>,
    tokenizer_hash: [u8; 32],
}

impl std::fmt::Debug for GgufFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.sources.iter().map(|s| s.name()).collect();
        f.debug_struct("GgufFile")
            .field("sources", &names)
            .field("tensors", &self.tensors.len())
            .finish()
    }
}

impl GgufFile {
    /// Reads the header of a single file. One part of a split model is refused: see [`GgufFile::open_split`].
    pub async fn open(source: Rc<dyn ByteSource>) -> Result<Self> {
        Self::open_split(vec![source]).await
    }

    /// Reads the headers of all parts of a model, in order (`-00001-of-0000N` first). The first part's metadata
    /// is the model's.
    pub async fn open_split(sources: Vec<Rc<dyn ByteSource>>) -> Result<Self> {
        let mut headers = Vec::with_capacity(sources.len());
        for source in &sources {
            headers.push(Header::read(source.as_ref()).await?);
        }
        split::check(&headers)?;
        let header_hashes = headers.iter().map(|header| header.hash).collect();
        let mut parts = headers.into_iter();
        let Some(first) = parts.next() else {
            return Err(Error::invalid("sources", "at least one file", 0));
        };
        let mut tensors = first.tensors;
        for (file, part) in (1..).zip(parts) {
            tensors.extend(part.tensors.into_iter().map(|t| TensorInfo { file, ..t }));
        }
        tensors.sort_by_key(|t| (t.file, t.offset)); // so that reading in this order only moves forward
        Ok(Self {
            version: first.version,
            metadata: first.metadata,
            by_name: index(&tensors)?,
            tensors,
            sources,
            header_hashes,
            tokenizer_hash: first.tokenizer_hash,
        })
    }

    /// GGUF version, 2 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Metadata of the (first) file.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The directory in the order in which the data lies in the file, part after part: reading in this order only
    /// moves forward, which is all that an HTTP server without ranges can do.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// SHA-256 of each file up to the end of its tensor directory.
    pub fn header_hashes(&self) -> &[[u8; 32]] {
        &self.header_hashes
    }

    /// SHA-256 of the metadata entries `tokenizer.*` as they stand in the (first) file, chat templates left out.
    pub fn tokenizer_hash(&self) -> &[u8; 32] {
        &self.tokenizer_hash
    }

    /// The tensor called `name`.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        let found = self
            .by_name
            .binary_search_by(|&i| self.tensors[i as usize].name.as_str().cmp(name));
        found.ok().map(|at| &self.tensors[self.by_name[at] as usize])
    }

    /// `len` bytes at `offset` within the data of tensor `t` of this file.
    pub async fn read_tensor(&self, t: &TensorInfo, offset: u64, len: usize) -> Result<Vec<u8>> {
        let end = offset.checked_add(len as u64).filter(|&end| end <= t.bytes);
        match (self.sources.get(t.file), end) {
            (Some(source), Some(_)) => source.read(t.offset + offset, len).await,
            _ => Err(Error::internal(format!(
                "read of {len} bytes at {offset} of tensor {}, which has {}",
                quoted(&t.name),
                t.bytes
            ))),
        }
    }
}

fn index(tensors: &[TensorInfo]) -> Result<Vec<u32>> {
    let mut by_name: Vec<u32> = (0..tensors.len() as u32).collect();
    let name = |i: u32| tensors[i as usize].name.as_str();
    by_name.sort_by_key(|&i| name(i));
    match by_name.windows(2).find(|p| name(p[0]) == name(p[1])) {
        Some(pair) => Err(Error::bad_file(
            format!("tensor {}", quoted(name(pair[0]))),
            "it once",
            "a duplicate",
        )),
        None => Ok(by_name),
    }
}
