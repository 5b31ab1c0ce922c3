//! GGUF files: real ones parse fully.

use std::rc::Rc;

use kinglet::Result;
use kinglet::gguf::GgufFile;
use kinglet::platform::FileSource;
use pollster::block_on;

use crate::support::shared;

fn open(path: &std::path::Path) -> Result<GgufFile> {
    block_on(GgufFile::open(Rc::new(FileSource::open(path)?)))
}

/// Every shared model: architecture, directory, and that the last tensor's last byte can be read.
#[test]
fn real_models_open() {
    let Some(dir) = shared("models") else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "gguf") {
            continue;
        }
        let file = open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let arch = file.metadata().str("general.architecture").unwrap();
        assert!(matches!(arch, Some("llama" | "phi3")), "{}: {arch:?}", path.display());
        for t in file.tensors() {
            assert!(t.dtype.is_some(), "{}: {t:?}", path.display());
            assert_eq!(file.tensor(&t.name), Some(t));
            let last = block_on(file.read_tensor(t, t.bytes - 1, 1)).unwrap();
            assert_eq!(last.len(), 1);
            assert!(block_on(file.read_tensor(t, t.bytes, 1)).is_err());
            assert!(block_on(file.read_tensor(t, u64::MAX, 2)).is_err());
        }
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} models");
}

/// A vocabulary-only file with large string arrays: exact contents, quickly.
#[test]
fn large_vocabulary_opens() {
    let Some(path) = shared("vocab/rebuilt-vocab-qwen2.gguf") else {
        return;
    };
    let start = std::time::Instant::now();
    let file = open(&path).unwrap();
    let elapsed = start.elapsed();
    let tokens = file.metadata().strs("tokenizer.ggml.tokens").unwrap().unwrap();
    assert!(tokens.len() > 150_000);
    assert_eq!(tokens.get(0), Some("!"));
    assert_eq!(tokens.iter().count(), tokens.len());
    assert!(file.tensors().is_empty());
    assert!(elapsed.as_secs_f64() < 1.0, "took {elapsed:?}");
}
