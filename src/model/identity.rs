//! Which model this is: what a calibration made with it is bound to.
//!
//! The weights of a large model are gigabytes, of which SHA-256 in Wasm hashes some 150 MB a second. So of every tensor only
//! the first [`SAMPLE`] bytes of each [`STRIDE`] are hashed, as they stream by. A model that was trained further, merged or
//! quantized anew has other bytes everywhere, and another hash; a single weight changed by hand between the samples is not
//! seen. It is no protection against whoever forges a file: that is `sha256` of a source, over all of it.

use sha2::{Digest, Sha256};

use crate::gguf::GgufFile;
use crate::quant::FileType;

/// Of so many bytes of a tensor, in order …
pub const STRIDE: usize = 4096;
/// … the first so many are part of the model's hash.
pub const SAMPLE: usize = 64;

/// What tells one model from another. Hashes are SHA-256 in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Identity {
    /// Of the SHA-256 of each file up to the end of its tensor directory, and of samples of each tensor that the model uses, in
    /// file order.
    pub model_hash: String,
    /// `Q4_K_M`, …: the name of `general.file_type`, or of the format that holds most bytes where the file does not say.
    pub quantization: String,
    /// Of the metadata `tokenizer.*` as it stands in the file, chat templates left out.
    pub tokenizer_hash: String,
    /// Of the text of `tokenizer.chat_template`; `none` where there is none.
    pub template_hash: String,
    /// [`SIGNAL_VERSION`](kinglet_route::signals::SIGNAL_VERSION).
    pub signal_version: u32,
}

/// The model's hash while its weights stream by.
pub(super) struct Samples(Sha256);

impl Samples {
    pub(super) fn of(gguf: &GgufFile) -> Self {
        let mut hash = Sha256::new();
        for header in gguf.header_hashes() {
            hash.update(header);
        }
        Samples(hash)
    }

    /// A piece of a tensor, from byte `offset` of it on. Pieces come in order, and how large they are makes no difference.
    pub(super) fn add(&mut self, offset: usize, piece: &[u8]) {
        let mut at = 0;
        while at < piece.len() {
            let inside = (offset + at) % STRIDE;
            let end = piece.len().min(at + SAMPLE.saturating_sub(inside));
            self.0.update(&piece[at..end]);
            at += STRIDE - inside;
        }
    }

    /// All tensors have been added.
    pub(super) fn identity(self, gguf: &GgufFile) -> Identity {
        let template = gguf.metadata().str("tokenizer.chat_template").ok().flatten();
        Identity {
            model_hash: hex(&self.0.finalize()),
            quantization: quantization(gguf),
            tokenizer_hash: hex(gguf.tokenizer_hash()),
            template_hash: template.map_or("none".into(), |text| hex(&Sha256::digest(text))),
            signal_version: kinglet_route::signals::SIGNAL_VERSION,
        }
    }
}

fn quantization(gguf: &GgufFile) -> String {
    let declared = gguf.metadata().u32("general.file_type").ok().flatten();
    if let Some(file_type) = declared.and_then(FileType::of) {
        return file_type.name().to_ascii_uppercase();
    }
    let mut bytes: Vec<(u32, u64)> = Vec::new();
    for t in gguf.tensors() {
        match bytes.iter_mut().find(|(format, _)| *format == t.ggml_type) {
            Some((_, sum)) => *sum = sum.saturating_add(t.bytes),
            None => bytes.push((t.ggml_type, t.bytes)),
        }
    }
    let most = bytes.iter().max_by_key(|(_, sum)| *sum).map(|(format, _)| *format);
    let of_it = gguf.tensors().iter().find(|t| Some(t.ggml_type) == most);
    of_it.map_or("none".into(), |t| t.type_name())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(bytes: &[u8], pieces: usize) -> String {
        let mut samples = Samples(Sha256::new());
        for (i, piece) in bytes.chunks(pieces).enumerate() {
            samples.add(i * pieces, piece);
        }
        hex(&samples.0.finalize())
    }

    #[test]
    fn pieces_make_no_difference_and_samples_do() {
        let mut bytes: Vec<u8> = (0..3 * STRIDE + 40).map(|i| (i * i / 7) as u8).collect();
        let sampled: Vec<u8> = bytes
            .chunks(STRIDE)
            .flat_map(|s| &s[..SAMPLE.min(s.len())])
            .copied()
            .collect();
        let want = hex(&Sha256::digest(&sampled));
        for pieces in [1, 34, 63, 64, 102, 4095, 4096, 4097, 9000, bytes.len()] {
            assert_eq!(hash(&bytes, pieces), want, "in pieces of {pieces}");
        }
        bytes[STRIDE + SAMPLE] ^= 1;
        assert_eq!(hash(&bytes, 34), want, "between the samples");
        bytes[STRIDE + SAMPLE - 1] ^= 1;
        assert_ne!(hash(&bytes, 34), want, "the last byte of one");
        assert_eq!(hex(&[0, 0x1f, 0xa0]), "001fa0");
    }
}
