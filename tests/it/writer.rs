//! A small GGUF writer for tests; it writes nonsense as readily as sense.

use kinglet::gguf::{Array, Value};

/// A file in the making.
#[derive(Clone)]
pub struct Writer {
    pub magic: [u8; 4],
    pub version: u32,
    /// Written instead of the true count.
    pub n_tensors: Option<u64>,
    pub n_entries: Option<u64>,
    pub alignment: usize,
    pub entries: Vec<Vec<u8>>,
    pub tensors: Vec<Tensor>,
}

/// A directory entry and its data.
#[derive(Clone)]
pub struct Tensor {
    pub name: Vec<u8>,
    pub shape: Vec<u64>,
    pub ggml_type: u32,
    pub data: Vec<u8>,
    /// Written instead of the true offset.
    pub offset: Option<u64>,
}

impl Default for Writer {
    fn default() -> Self {
        Writer {
            magic: *b"GGUF",
            version: 3,
            n_tensors: None,
            n_entries: None,
            alignment: 32,
            entries: vec![],
            tensors: vec![],
        }
    }
}

impl Writer {
    /// Adds an entry.
    pub fn kv(self, key: &str, value: &Value) -> Self {
        let (id, raw) = encode(value);
        self.raw(key.as_bytes(), id, &raw)
    }

    /// Adds an entry as it is.
    pub fn raw(mut self, key: &[u8], type_id: u32, value: &[u8]) -> Self {
        let mut entry = string(key);
        entry.extend(type_id.to_le_bytes());
        entry.extend(value);
        self.entries.push(entry);
        self
    }

    /// Adds an F32 tensor with zeros as data.
    pub fn f32(self, name: &str, shape: &[u64]) -> Self {
        let bytes = shape.iter().product::<u64>() * 4;
        self.tensor(name, shape, 0, vec![0; bytes as usize])
    }

    /// Adds a tensor.
    pub fn tensor(mut self, name: &str, shape: &[u64], ggml_type: u32, data: Vec<u8>) -> Self {
        self.tensors.push(Tensor {
            name: name.into(),
            shape: shape.into(),
            ggml_type,
            data,
            offset: None,
        });
        self
    }

    /// The header alone.
    pub fn header(&self) -> Vec<u8> {
        let mut out = self.magic.to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend(self.n_tensors.unwrap_or(self.tensors.len() as u64).to_le_bytes());
        out.extend(self.n_entries.unwrap_or(self.entries.len() as u64).to_le_bytes());
        out.extend(self.entries.concat());
        let mut next = 0;
        for t in &self.tensors {
            out.extend(string(&t.name));
            out.extend((t.shape.len() as u32).to_le_bytes());
            t.shape.iter().for_each(|d| out.extend(d.to_le_bytes()));
            out.extend(t.ggml_type.to_le_bytes());
            out.extend(t.offset.unwrap_or(next).to_le_bytes());
            next += t.data.len().next_multiple_of(self.alignment) as u64;
        }
        out
    }

    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.header();
        for t in &self.tensors {
            out.resize(out.len().next_multiple_of(self.alignment), 0);
            out.extend(&t.data);
        }
        out
    }
}

/// A string as GGUF stores it.
pub fn string(s: &[u8]) -> Vec<u8> {
    [&(s.len() as u64).to_le_bytes()[..], s].concat()
}

/// Type number and bytes of a value.
fn encode(value: &Value) -> (u32, Vec<u8>) {
    match value {
        Value::U8(x) => (0, x.to_le_bytes().into()),
        Value::I8(x) => (1, x.to_le_bytes().into()),
        Value::U16(x) => (2, x.to_le_bytes().into()),
        Value::I16(x) => (3, x.to_le_bytes().into()),
        Value::U32(x) => (4, x.to_le_bytes().into()),
        Value::I32(x) => (5, x.to_le_bytes().into()),
        Value::F32(x) => (6, x.to_le_bytes().into()),
        Value::Bool(x) => (7, vec![u8::from(*x)]),
        Value::String(x) => (8, string(x.as_bytes())),
        Value::Array(a) => (9, encode_array(a)),
        Value::U64(x) => (10, x.to_le_bytes().into()),
        Value::I64(x) => (11, x.to_le_bytes().into()),
        Value::F64(x) => (12, x.to_le_bytes().into()),
    }
}

fn encode_array(a: &Array) -> Vec<u8> {
    let (id, raw): (u32, Vec<u8>) = match a {
        Array::U8(v) => (0, v.clone()),
        Array::I8(v) => (1, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::U16(v) => (2, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::I16(v) => (3, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::U32(v) => (4, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::I32(v) => (5, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::F32(v) => (6, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::Bool(v) => (7, v.iter().map(|&x| u8::from(x)).collect()),
        Array::String(v) => (8, v.iter().flat_map(|x| string(x.as_bytes())).collect()),
        Array::U64(v) => (10, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::I64(v) => (11, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Array::F64(v) => (12, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
    };
    [&id.to_le_bytes()[..], &(a.len() as u64).to_le_bytes(), &raw].concat()
}
