//! Opens model files: a single GGUF, or all files of a split one, found beside the first; or a model of the project, by
//! its name.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use kinglet::gguf::{GgufFile, split_names};
use kinglet::platform::{ByteSource, FileSource};
use kinglet::{Error, Result};

/// Models of the project's own, which a name opens wherever a file is asked for.
const NAMES: [&str; 2] = ["desk", "desk-nano"];

/// A folder to look for them in, first of all.
const FOLDER_VARIABLE: &str = "KINGLET_MODELS";

/// Where they lie below the root of the sources, and of an installation.
const FOLDERS: [&str; 2] = ["models/desk", "models"];

/// How far above the executable a root may be: it lies in bin/, in target/release/, or one below for another target.
const LEVELS: usize = 4;

/// All files of the model whose (first) file is `path`, or whose name it is.
pub fn paths(path: &Path) -> Result<Vec<PathBuf>> {
    let path = by_name(path)?.unwrap_or_else(|| path.to_path_buf());
    let name = path.file_name().and_then(|n| n.to_str());
    Ok(match name.and_then(split_names) {
        Some(names) => names.iter().map(|n| path.with_file_name(n)).collect(),
        None => vec![path],
    })
}

/// The byte sources of a model.
pub fn sources(path: &Path) -> Result<Vec<Rc<dyn ByteSource>>> {
    paths(path)?
        .iter()
        .map(|p| Ok(Rc::new(FileSource::open(p)?) as Rc<dyn ByteSource>))
        .collect()
}

/// The parsed directory of a model.
pub fn gguf(path: &Path) -> Result<GgufFile> {
    pollster::block_on(GgufFile::open_split(sources(path)?))
}

/// The file of a model of the project; `None` for anything that is not such a name, or is a file after all.
fn by_name(path: &Path) -> Result<Option<PathBuf>> {
    let Some(name) = path.to_str().filter(|p| NAMES.contains(p) && !path.is_file()) else {
        return Ok(None);
    };
    let candidates: Vec<PathBuf> = folders().iter().map(|f| f.join(format!("{name}.gguf"))).collect();
    match candidates.iter().find(|file| file.is_file()) {
        Some(file) => Ok(Some(file.clone())),
        None => {
            let looked: Vec<String> = candidates.iter().map(|file| file.display().to_string()).collect();
            Err(Error::Io {
                source_name: format!("model {name}"),
                message: format!(
                    "not found; looked for {}. Give the path of a GGUF file, or set {FOLDER_VARIABLE} to the folder that \
                    holds {name}.gguf (models/desk in kinglet's repository)",
                    looked.join(", ")
                ),
            })
        }
    }
}

/// Where the project's models may be, the likeliest first.
fn folders() -> Vec<PathBuf> {
    let named = std::env::var_os(FOLDER_VARIABLE).filter(|v| !v.is_empty());
    let here = std::env::current_dir().ok();
    let tool = std::env::current_exe().and_then(std::fs::canonicalize).ok();
    let above = tool.iter().flat_map(|tool| tool.ancestors().skip(1).take(LEVELS));
    let roots = above.map(Path::to_path_buf).chain(here);
    let below = roots.flat_map(|root| FOLDERS.map(|folder| root.join(folder)));
    let mut all: Vec<PathBuf> = Vec::new();
    for folder in named.map(PathBuf::from).into_iter().chain(below) {
        if !all.contains(&folder) {
            all.push(folder);
        }
    }
    all
}
