//! The committed models as sessions on the CPU, also with metadata that they do not have.

use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::engine::BackendChoice;
use kinglet::gguf::{GgufFile, GgufWriter, Metadata, Value};
use kinglet::platform::{ByteSource, MemorySource};
use kinglet::session::{Session, SessionOptions};
use pollster::block_on;

use crate::support;

/// The models' end-of-text token: banned in tests that want answers as long as asked for.
pub const EOS: &str = "2";

/// The bytes of a committed model.
pub fn golden_bytes(name: &str) -> Vec<u8> {
    std::fs::read(support::root().join(format!("tests/goldens/{name}.gguf"))).expect("readable")
}

/// A model from bytes.
pub fn load(file: Vec<u8>, options: &SessionOptions) -> Session {
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(file))];
    block_on(Session::load(sources, options, &mut |_| ControlFlow::Continue(()))).expect("loads")
}

/// On the CPU, all else by default.
pub fn cpu() -> SessionOptions {
    SessionOptions {
        backend: BackendChoice::Cpu,
        ..SessionOptions::default()
    }
}

/// A committed model.
pub fn load_golden(name: &str) -> Session {
    load(golden_bytes(name), &cpu())
}

/// A committed model whose metadata says a few numbers more.
pub fn load_golden_with(name: &str, more: &[(&str, u32)]) -> Session {
    load(with_metadata(&golden_bytes(name), more), &cpu())
}

/// The same file with more metadata.
pub fn with_metadata(file: &[u8], more: &[(&str, u32)]) -> Vec<u8> {
    let gguf = block_on(GgufFile::open(Rc::new(MemorySource::new(file.to_vec())))).expect("a model");
    let mut entries: Vec<(String, Value)> = (gguf.metadata().iter())
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    entries.extend(more.iter().map(|&(key, number)| (key.to_owned(), Value::U32(number))));
    let metadata = Metadata::from_entries(entries).expect("no key twice");
    let mut out = Vec::new();
    let mut writer = GgufWriter::new(&mut out, &metadata, gguf.tensors().to_vec()).expect("a header");
    for tensor in gguf.tensors() {
        let bytes = block_on(gguf.read_tensor(tensor, 0, tensor.bytes as usize)).expect("its data");
        writer.data(&bytes).expect("room");
    }
    writer.finish().expect("all tensors");
    out
}
