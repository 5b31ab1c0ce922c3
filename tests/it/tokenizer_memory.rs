//! What opening a file with a large vocabulary takes: on the GPU path that is the peak of linear memory.

use std::rc::Rc;

use kinglet::gguf::GgufFile;
use kinglet::platform::FileSource;
use kinglet::text::{Bos, Special, Tokenizer};

use crate::alloc::peak_of;
use crate::support;

const MIB: usize = 1 << 20;
/// In a browser the GPU path has 64 MB for everything; 8 of them are for the allocator's gaps, stacks and the GPU's
/// book-keeping. Here pointers are twice as long, so this bound is the stricter one.
const MAX_PEAK: usize = 56 * MIB;

/// Bytes allocated at most between nothing and a tokenizer, the file still open.
fn peak(vocabulary: &str) -> Option<usize> {
    let path = support::shared(&format!("vocab/{vocabulary}"))?;
    let source = Rc::new(FileSource::open(&path).expect("a file"));
    let ((_file, tokenizer), peak) = peak_of(|| {
        let file = pollster::block_on(GgufFile::open(source)).expect("a GGUF file");
        let tokenizer = Tokenizer::from_gguf(file.metadata()).expect("a tokenizer");
        (file, tokenizer)
    });
    let ids = tokenizer.encode("Hello world", Special::AsText, Bos::No);
    assert_eq!(ids.expect("encodes").len(), 2, "{vocabulary}");
    Some(peak)
}

#[test]
fn a_large_vocabulary_stays_within_its_memory() {
    // 128 256 tokens with 280 147 merges; 151 936 tokens with 151 387 merges
    for vocabulary in ["rebuilt-vocab-llama-bpe.gguf", "rebuilt-vocab-qwen2.gguf"] {
        let Some(peak) = peak(vocabulary) else { return };
        assert!(peak < MAX_PEAK, "{vocabulary}: {peak} bytes");
    }
}
