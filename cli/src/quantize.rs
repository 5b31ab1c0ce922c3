//! `kinglet quantize`: a model file in a smaller type.

use std::fs::File;
use std::io::BufWriter;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use kinglet::quantize::{FileType, Options, parse_format};
use kinglet::{Error, Result, platform};
use pollster::block_on;
use serde_json::json;

use crate::args::Quantize;
use crate::{open, output};

/// Bytes that are gathered before they go to the file.
const BUFFER_BYTES: usize = 1 << 20;

pub fn quantize(args: &Quantize) -> Result<()> {
    let format = |name: &Option<String>| name.as_deref().map(parse_format).transpose();
    let options = Options {
        file_type: FileType::parse(&args.file_type)?,
        pure: args.pure,
        output: format(&args.output_type)?,
        embedding: format(&args.embedding_type)?,
        allow_requantize: args.allow_requantize,
        threads: args.threads.unwrap_or_else(cores),
    };
    let gguf = open::gguf(&args.input)?;
    check_output(&args.input, &args.output, args.force)?;
    let begin = platform::now_ms();
    let part = Part::new(&args.output)?;
    let file = File::create(&part.path).map_err(|e| output::io(&part.path.display().to_string(), &e))?;
    let out = BufWriter::with_capacity(BUFFER_BYTES, file);
    let total = block_on(kinglet::quantize::quantize(&gguf, &options, out, &mut |done| {
        output::line(&json!(done))
    }))?;
    part.rename(&args.output)?;
    output::line(&json!({
        "file": args.output.display().to_string(),
        "type": options.file_type.name(),
        "file_type": options.file_type.id(),
        "total": total,
        "ms": platform::now_ms() - begin,
    }))
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Refuses to write over the input, ever, and over another file without `--force`.
fn check_output(input: &Path, out: &Path, force: bool) -> Result<()> {
    let Ok(existing) = out.canonicalize() else {
        return Ok(()); // there is no such file
    };
    let same = |path: &PathBuf| path.canonicalize().is_ok_and(|p| p == existing);
    if open::paths(input)?.iter().any(same) {
        return Err(Error::invalid("output", "another file than the input", out.display()));
    }
    if force {
        return Ok(());
    }
    let got = format!("{}, which exists", out.display());
    Err(Error::invalid("output", "a new file, or --force", got))
}

/// The file under its temporary name, beside its place: nobody finds half a model under the final name. Removed when
/// dropped before it is renamed.
struct Part {
    path: PathBuf,
}

impl Part {
    fn new(out: &Path) -> Result<Part> {
        let Some(name) = out.file_name() else {
            return Err(Error::invalid("output", "the path of a file", out.display()));
        };
        let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
        Ok(Part {
            path: out.with_file_name(name),
        })
    }

    fn rename(&self, to: &Path) -> Result<()> {
        std::fs::rename(&self.path, to).map_err(|e| output::io(&to.display().to_string(), &e))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After a rename there is nothing to remove; after a failure, that failure is what is reported.
        std::fs::remove_file(&self.path).ok();
    }
}
