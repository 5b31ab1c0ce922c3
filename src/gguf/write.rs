//! Writing a model: the header at once, then each tensor's data in the order of the directory.

use std::io::Write;

use super::header::alignment;
use super::metadata::{Metadata, id};
use super::tensor::TensorInfo;
use super::value::{Array, Value};
use crate::error::{Error, Result};

/// The version that is written; its layout is that of version 2, too.
const VERSION: u32 = 3;

/// A GGUF file in the making. Nothing is kept but the directory: tensors stream through.
///
/// ```
/// use kinglet::gguf::{GgufWriter, Metadata, TensorInfo, Value};
/// let metadata = Metadata::from_entries(vec![("general.name".into(), Value::String("two".into()))])?;
/// let mut file = Vec::new();
/// let mut writer = GgufWriter::new(&mut file, &metadata, vec![TensorInfo::new("x", vec![2], 0)?])?;
/// writer.data(&1f32.to_le_bytes())?;
/// writer.data(&2f32.to_le_bytes())?;
/// writer.finish()?;
/// assert_eq!(file.len() % 32, 0);
/// # Ok::<(), kinglet::Error>(())
/// ```
pub struct GgufWriter<W: Write> {
    out: W,
    alignment: u64,
    tensors: Vec<TensorInfo>,
    /// The tensor that is being written, and its bytes so far.
    current: (usize, u64),
    written: u64,
}

impl<W: Write> GgufWriter<W> {
    /// Writes the header. Tensors are those of `tensors`, in this order, at the metadata's own alignment.
    pub fn new(out: W, metadata: &Metadata, tensors: Vec<TensorInfo>) -> Result<Self> {
        let alignment = alignment(metadata)?;
        let mut header = b"GGUF".to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend((tensors.len() as u64).to_le_bytes());
        header.extend((metadata.len() as u64).to_le_bytes());
        for (key, value) in metadata.iter() {
            string(&mut header, key);
            put(&mut header, value);
        }
        let mut offset = 0u64;
        for t in &tensors {
            string(&mut header, &t.name);
            header.extend((t.shape.len() as u32).to_le_bytes());
            t.shape.iter().for_each(|d| header.extend(d.to_le_bytes()));
            header.extend(t.ggml_type.to_le_bytes());
            header.extend(offset.to_le_bytes());
            offset += t.bytes.next_multiple_of(alignment);
        }
        let mut writer = Self {
            out,
            alignment,
            tensors,
            current: (0, 0),
            written: 0,
        };
        writer.put(&header)?;
        writer.pad()?;
        Ok(writer)
    }

    /// More data of the current tensor; when it is complete, the next one begins.
    pub fn data(&mut self, bytes: &[u8]) -> Result<()> {
        let (index, so_far) = self.current;
        let now = so_far + bytes.len() as u64;
        let Some(t) = self.tensors.get(index).filter(|t| now <= t.bytes) else {
            return Err(Error::internal(format!(
                "{} bytes too many for tensor {index}",
                bytes.len()
            )));
        };
        let complete = now == t.bytes;
        self.put(bytes)?;
        self.current.1 = now;
        if complete {
            self.pad()?;
            self.current = (index + 1, 0);
        }
        Ok(())
    }

    /// Checks that every tensor is there, and returns the file's size in bytes.
    pub fn finish(mut self) -> Result<u64> {
        if self.current.0 != self.tensors.len() {
            return Err(Error::internal(format!("tensor {} was not written", self.current.0)));
        }
        self.out.flush().map_err(|e| failed(&e))?;
        Ok(self.written)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|e| failed(&e))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Zeros up to the next multiple of the alignment.
    fn pad(&mut self) -> Result<()> {
        let padding = self.written.next_multiple_of(self.alignment) - self.written;
        std::io::copy(&mut std::io::Read::take(std::io::repeat(0), padding), &mut self.out).map_err(|e| failed(&e))?;
        self.written += padding;
        Ok(())
    }
}

fn failed(e: &std::io::Error) -> Error {
    Error::Io {
        source_name: "the output".into(),
        message: e.to_string(),
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Type and value.
fn put(out: &mut Vec<u8>, value: &Value) {
    let mut scalar = |id: u32, bytes: &[u8]| {
        out.extend(id.to_le_bytes());
        out.extend(bytes);
    };
    match value {
        Value::U8(x) => scalar(id::U8, &x.to_le_bytes()),
        Value::I8(x) => scalar(id::I8, &x.to_le_bytes()),
        Value::U16(x) => scalar(id::U16, &x.to_le_bytes()),
        Value::I16(x) => scalar(id::I16, &x.to_le_bytes()),
        Value::U32(x) => scalar(id::U32, &x.to_le_bytes()),
        Value::I32(x) => scalar(id::I32, &x.to_le_bytes()),
        Value::U64(x) => scalar(id::U64, &x.to_le_bytes()),
        Value::I64(x) => scalar(id::I64, &x.to_le_bytes()),
        Value::F32(x) => scalar(id::F32, &x.to_le_bytes()),
        Value::F64(x) => scalar(id::F64, &x.to_le_bytes()),
        Value::Bool(x) => scalar(id::BOOL, &[u8::from(*x)]),
        Value::String(x) => {
            scalar(id::STRING, &[]);
            string(out, x);
        }
        Value::Array(a) => {
            scalar(id::ARRAY, &[]);
            put_array(out, a);
        }
    }
}

/// Element type, length and elements.
fn put_array(out: &mut Vec<u8>, array: &Array) {
    let mut head = |id: u32| {
        out.extend(id.to_le_bytes());
        out.extend((array.len() as u64).to_le_bytes());
    };
    match array {
        Array::U8(v) => (head(id::U8), v.iter().for_each(|x| out.push(*x))),
        Array::I8(v) => (head(id::I8), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::U16(v) => (head(id::U16), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::I16(v) => (head(id::I16), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::U32(v) => (head(id::U32), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::I32(v) => (head(id::I32), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::U64(v) => (head(id::U64), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::I64(v) => (head(id::I64), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::F32(v) => (head(id::F32), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::F64(v) => (head(id::F64), v.iter().for_each(|x| out.extend(x.to_le_bytes()))),
        Array::Bool(v) => (head(id::BOOL), v.iter().for_each(|x| out.push(u8::from(*x)))),
        Array::String(v) => (head(id::STRING), v.iter().for_each(|x| string(out, x))),
    };
}
