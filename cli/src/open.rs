//! Opens model files: a single GGUF, or all files of a split one, found beside the first.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use kinglet::Result;
use kinglet::gguf::{GgufFile, split_names};
use kinglet::platform::{ByteSource, FileSource};

/// All files of the model whose (first) file is `path`.
pub fn paths(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().and_then(|n| n.to_str());
    match name.and_then(split_names) {
        Some(names) => names.iter().map(|n| path.with_file_name(n)).collect(),
        None => vec![path.to_path_buf()],
    }
}

/// The byte sources of a model.
pub fn sources(path: &Path) -> Result<Vec<Rc<dyn ByteSource>>> {
    paths(path)
        .iter()
        .map(|p| Ok(Rc::new(FileSource::open(p)?) as Rc<dyn ByteSource>))
        .collect()
}

/// The parsed directory of a model.
pub fn gguf(path: &Path) -> Result<GgufFile> {
    pollster::block_on(GgufFile::open_split(sources(path)?))
}
