//! Any bytes as a model file: header, configuration, tensor reads and tokenizer end in a value or a typed error.
#![no_main]

use std::rc::Rc;

use kinglet::gguf::GgufFile;
use kinglet::model::arch;
use kinglet::platform::MemorySource;
use kinglet::text::Tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = Rc::new(MemorySource::new(bytes.to_vec()));
    let Ok(file) = pollster::block_on(GgufFile::open(source)) else {
        return;
    };
    let _ = arch::config(file.metadata(), file.tensors());
    let _ = Tokenizer::from_gguf(file.metadata());
    for t in file.tensors() {
        // Directory entries were checked against the file's end, so every byte of every tensor can be read.
        let read = pollster::block_on(file.read_tensor(t, 0, t.bytes as usize));
        assert_eq!(read.map(|data| data.len() as u64), Ok(t.bytes));
    }
});
