//! From a model file to a smaller one: which tensor gets which format, and the stream from reader to writer.
//!
//! Native only. Memory is constant: a few megabytes of one tensor at a time.

mod mix;
mod rows;

use std::io::Write;
use std::num::NonZeroUsize;

pub use crate::quant::{FileType, parse_format};

use crate::error::{Error, Result};
use crate::gguf::{GgufFile, GgufWriter, Metadata, TensorInfo, Value};
use crate::model::arch;
use crate::quant::DType;

/// Most bytes of a tensor that are read at once (a single longer row goes whole).
const PIECE_BYTES: usize = 4 << 20;
/// `general.quantization_version`: of the block layouts; they have not changed since.
const QUANTIZATION_VERSION: u32 = 2;

/// What to make of a file.
#[derive(Debug, Clone)]
pub struct Options {
    /// The type of the file.
    pub file_type: FileType,
    /// No mix: every matrix in the type's own format.
    pub pure: bool,
    /// Another format for the output projection (also when it is the embedding).
    pub output: Option<DType>,
    /// Another format for the token embedding.
    pub embedding: Option<DType>,
    /// Whether an input with quantized tensors is accepted. Its errors stay, and new ones come on top.
    pub allow_requantize: bool,
    /// Threads that share the work; the result does not depend on it.
    pub threads: NonZeroUsize,
}

/// What became of one tensor.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Done {
    /// Its name.
    pub name: String,
    /// Its dimensions, the contiguous one first.
    pub shape: Vec<u64>,
    /// Storage format in the input.
    pub from: String,
    /// Storage format in the output.
    pub to: String,
    /// Bytes in the output.
    pub bytes: u64,
    /// Root of the mean squared error, relative to that of the weights; 0 for what was copied.
    pub rmse: f64,
}

/// What became of a model.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Total {
    /// Tensors.
    pub tensors: usize,
    /// Weights.
    pub parameters: u64,
    /// Bytes of the tensors in the input.
    pub bytes_before: u64,
    /// Bytes of the tensors in the output.
    pub bytes: u64,
    /// Bytes of the output file.
    pub file_bytes: u64,
    /// Bits of the output's tensors for each weight.
    pub bits_per_weight: f64,
    /// As for one tensor, over all that were not copied.
    pub rmse: f64,
}

/// What will become of each tensor, in the order of the file.
///
/// # Errors
/// Those of [`arch::config`] for a model that does not run here, and [`Error::InvalidRequest`] for an input that is
/// quantized already, unless that is allowed.
pub fn plan(gguf: &GgufFile, options: &Options) -> Result<Vec<TensorInfo>> {
    let config = arch::config(gguf.metadata(), gguf.tensors())?;
    let after = |t: &TensorInfo| {
        let from = format_of(t)?;
        if from.block_len() > 1 && !options.allow_requantize {
            return Err(Error::invalid(
                "the input",
                "a file in F32, F16 or BF16 (--allow-requantize takes others, and adds new errors to old ones)",
                format!("tensor {:?} in {from}", t.name),
            ));
        }
        let to = mix::format(t, &config, options).unwrap_or(from);
        TensorInfo::new(t.name.clone(), t.shape.clone(), to.ggml_id())
    };
    gguf.tensors().iter().map(after).collect()
}

/// Writes `gguf` as `options` say to `out`; `on_tensor` is called after each tensor.
///
/// # Errors
/// Those of [`plan`]; [`Error::BadFile`] for a weight that is no finite number, or too large for its new format.
pub async fn quantize(
    gguf: &GgufFile,
    options: &Options,
    out: impl Write,
    on_tensor: &mut dyn FnMut(&Done) -> Result<()>,
) -> Result<Total> {
    let plan = plan(gguf, options)?;
    let mut writer = GgufWriter::new(out, &metadata(gguf.metadata(), options.file_type)?, plan.clone())?;
    let mut error = rows::Squares::default();
    for (before, after) in gguf.tensors().iter().zip(&plan) {
        let of_tensor = tensor(gguf, before, after, options.threads, &mut writer).await?;
        error.add(&of_tensor);
        on_tensor(&Done {
            name: after.name.clone(),
            shape: after.shape.clone(),
            from: before.type_name(),
            to: after.type_name(),
            bytes: after.bytes,
            rmse: of_tensor.relative(),
        })?;
    }
    let sum = |of: fn(&TensorInfo) -> u64, all: &[TensorInfo]| all.iter().map(of).sum::<u64>();
    let (parameters, bytes) = (sum(TensorInfo::elements, &plan), sum(|t| t.bytes, &plan));
    Ok(Total {
        tensors: plan.len(),
        parameters,
        bytes_before: sum(|t| t.bytes, gguf.tensors()),
        bytes,
        file_bytes: writer.finish()?,
        bits_per_weight: bytes as f64 * 8.0 / parameters.max(1) as f64,
        rmse: error.relative(),
    })
}

/// Reads, converts and writes one tensor in pieces of whole rows.
async fn tensor<W: Write>(
    gguf: &GgufFile,
    before: &TensorInfo,
    after: &TensorInfo,
    threads: NonZeroUsize,
    writer: &mut GgufWriter<W>,
) -> Result<rows::Squares> {
    let (from, to) = (format_of(before)?, format_of(after)?);
    let cols = usize::try_from(before.shape[0]).unwrap_or(usize::MAX);
    let lengths = from.row_bytes(cols).zip(to.row_bytes(cols));
    let (row, new_row) = lengths.ok_or_else(|| Error::internal(format!("rows of {cols} in {from} and {to}")))?;
    let rows = (PIECE_BYTES / row).max(1);
    let mut error = rows::Squares::default();
    let mut at = 0;
    while at < before.bytes {
        let len = ((rows * row) as u64).min(before.bytes - at) as usize;
        let piece = gguf.read_tensor(before, at, len).await?;
        let mut new = vec![0; len / row * new_row];
        let job = rows::Job { from, to, cols };
        error.add(&rows::convert(&job, &piece, &mut new, threads).map_err(|e| e.of(&before.name, to))?);
        writer.data(&new)?;
        at += len as u64;
    }
    Ok(error)
}

fn format_of(t: &TensorInfo) -> Result<DType> {
    t.dtype
        .ok_or_else(|| Error::internal(format!("tensor {:?} has no format", t.name)))
}

/// The input's metadata in its order, with the new type, and without what says that it is one of several files.
fn metadata(old: &Metadata, file_type: FileType) -> Result<Metadata> {
    let new = [
        ("general.file_type", file_type.id()),
        ("general.quantization_version", QUANTIZATION_VERSION),
    ];
    let mut entries: Vec<(String, Value)> = old
        .iter()
        .filter(|(key, _)| !key.starts_with("split."))
        .map(|(key, value)| (key.to_string(), value.clone()))
        .collect();
    for (key, value) in new {
        let value = Value::U32(value);
        match entries.iter_mut().find(|e| e.0 == key) {
            Some(entry) => entry.1 = value,
            None => entries.push((key.into(), value)),
        }
    }
    Metadata::from_entries(entries)
}
