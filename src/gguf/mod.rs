//! GGUF model files: header, metadata, tensor directory, split files. Every number in a file is hostile until checked.
//!
//! ```text
//! "GGUF" | version u32 | tensors u64 | entries u64        24 bytes, little-endian
//! entries x  { key: string, type: u32, value }            metadata.rs
//! tensors x  { name: string, n_dims: u32, ne: u64 x n_dims, type: u32, offset: u64 }
//! zeros up to a multiple of general.alignment (32)
//! data       each tensor at `offset`, itself a multiple of the alignment
//! ```
//! A string is a u64 length and that many UTF-8 bytes.

mod cursor;
mod file;
mod header;
mod metadata;
mod split;
mod tensor;
mod value;
// Native only: a page never writes a model.
#[cfg(not(target_arch = "wasm32"))]
mod write;

pub use file::GgufFile;
pub use metadata::Metadata;
pub use split::split_names;
pub use tensor::TensorInfo;
pub use value::{Array, Strings, Value};
#[cfg(not(target_arch = "wasm32"))]
pub use write::GgufWriter;

/// A text from the file as it appears in messages: quoted, escaped, and cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
