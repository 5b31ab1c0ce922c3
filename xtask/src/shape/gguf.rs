//! A GGUF header: metadata and the directory of tensors.

use super::tensors::Tensor;

/// Alignment of tensor data, GGUF's default.
pub const ALIGN: u64 = 32;

/// GGUF's header, metadata and directory, padded to the data.
pub fn header(metadata: &[(&'static str, Value)], tensors: &[Tensor]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        string(&mut out, key);
        out.extend(value.id().to_le_bytes());
        value.write(&mut out);
    }
    let mut offset = 0u64;
    for t in tensors {
        string(&mut out, &t.name);
        let dims = &t.shape[..if t.shape[1] == 0 { 1 } else { 2 }];
        out.extend((dims.len() as u32).to_le_bytes());
        for d in dims {
            out.extend(d.to_le_bytes());
        }
        out.extend(t.format.id().to_le_bytes());
        out.extend(offset.to_le_bytes());
        offset += t.bytes().next_multiple_of(ALIGN);
    }
    out.resize(out.len().next_multiple_of(ALIGN as usize), 0);
    out
}

/// A value of the metadata.
pub enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Str(&'static str),
    Strs(Vec<String>),
    F32s(Vec<f32>),
    I32s(Vec<i32>),
}

impl Value {
    fn id(&self) -> u32 {
        match self {
            Value::U32(_) => 4,
            Value::F32(_) => 6,
            Value::Bool(_) => 7,
            Value::Str(_) => 8,
            Value::Strs(_) | Value::F32s(_) | Value::I32s(_) => 9,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let array = |out: &mut Vec<u8>, id: u32, len: usize| {
            out.extend(id.to_le_bytes());
            out.extend((len as u64).to_le_bytes());
        };
        match self {
            Value::U32(v) => out.extend(v.to_le_bytes()),
            Value::F32(v) => out.extend(v.to_le_bytes()),
            Value::Bool(v) => out.push(u8::from(*v)),
            Value::Str(v) => string(out, v),
            Value::Strs(all) => {
                array(out, 8, all.len());
                all.iter().for_each(|v| string(out, v));
            }
            Value::F32s(all) => {
                array(out, 6, all.len());
                all.iter().for_each(|v| out.extend(v.to_le_bytes()));
            }
            Value::I32s(all) => {
                array(out, 5, all.len());
                all.iter().for_each(|v| out.extend(v.to_le_bytes()));
            }
        }
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}
