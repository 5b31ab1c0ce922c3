//! The key/value part of a header.

use super::cursor::{Cursor, Fail};
use super::quoted;
use super::value::{Array, Strings, Value};
use crate::error::{Error, Result};

/// The specification's bound on the length of a key, in bytes.
const MAX_KEY_BYTES: usize = 65_535;

/// All metadata of a file, in file order, found by key in logarithmic time.
///
/// The typed getters return `Ok(None)` for an absent key and an error naming the key for one of another type.
///
/// ```
/// use kinglet::gguf::{Metadata, Value};
/// let m = Metadata::from_entries(vec![("llama.block_count".into(), Value::U32(5))])?;
/// assert_eq!(m.u32("llama.block_count")?, Some(5));
/// assert_eq!(m.u32("llama.context_length")?, None);
/// assert!(m.str("llama.block_count").is_err());
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    entries: Vec<(String, Value)>,
    /// Indices of `entries`, ordered by key.
    by_key: Vec<u32>,
}

impl Metadata {
    /// Metadata from pairs; a key that occurs twice is an error.
    pub fn from_entries(entries: Vec<(String, Value)>) -> Result<Self> {
        let mut by_key: Vec<u32> = (0..entries.len() as u32).collect();
        let key = |i: u32| entries[i as usize].0.as_str();
        by_key.sort_by_key(|&i| key(i));
        if let Some(pair) = by_key.windows(2).find(|p| key(p[0]) == key(p[1])) {
            return Err(Error::bad_file(
                format!("metadata key {}", quoted(key(pair[0]))),
                "it once",
                "a duplicate",
            ));
        }
        Ok(Self { entries, by_key })
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries in file order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let found = self
            .by_key
            .binary_search_by(|&i| self.entries[i as usize].0.as_str().cmp(key));
        found.ok().map(|at| &self.entries[self.by_key[at] as usize].1)
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match convert(value) {
            Some(x) => Ok(Some(x)),
            None => Err(Error::bad_file(
                format!("metadata key {}", quoted(key)),
                expected,
                value,
            )),
        }
    }

    /// An integer of any width that fits u32.
    pub fn u32(&self, key: &str) -> Result<Option<u32>> {
        self.typed(key, "an integer in 0..2^32", |v| v.integer()?.try_into().ok())
    }

    /// An integer of any width that fits u64.
    pub fn u64(&self, key: &str) -> Result<Option<u64>> {
        self.typed(key, "an integer in 0..2^64", |v| v.integer()?.try_into().ok())
    }

    /// A float, rounded to single precision when the file has a double.
    pub fn f32(&self, key: &str) -> Result<Option<f32>> {
        self.typed(key, "a float", |v| match v {
            Value::F32(x) => Some(*x),
            Value::F64(x) => Some(*x as f32),
            _ => None,
        })
    }

    /// A bool.
    pub fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "a bool", |v| match v {
            Value::Bool(x) => Some(*x),
            _ => None,
        })
    }

    /// A string.
    pub fn str(&self, key: &str) -> Result<Option<&str>> {
        self.typed(key, "a string", |v| match v {
            Value::String(x) => Some(x.as_str()),
            _ => None,
        })
    }

    /// An array of anything.
    pub fn array(&self, key: &str) -> Result<Option<&Array>> {
        self.typed(key, "an array", |v| match v {
            Value::Array(a) => Some(a),
            _ => None,
        })
    }

    /// An array of strings.
    pub fn strs(&self, key: &str) -> Result<Option<&Strings>> {
        self.typed(key, "an array of strings", |v| match v {
            Value::Array(Array::String(s)) => Some(s),
            _ => None,
        })
    }

    /// An array of single-precision floats.
    pub fn f32s(&self, key: &str) -> Result<Option<&[f32]>> {
        self.typed(key, "an array of f32", |v| match v {
            Value::Array(Array::F32(x)) => Some(x.as_slice()),
            _ => None,
        })
    }

    /// An array of integers of any width, each in i32.
    pub fn i32s(&self, key: &str) -> Result<Option<Vec<i32>>> {
        self.typed(key, "an array of integers in i32", |v| match v {
            Value::Array(a) => a.integers()?.into_iter().map(|x| x.try_into().ok()).collect(),
            _ => None,
        })
    }

    /// An array of integers of any width, each in u32.
    pub fn u32s(&self, key: &str) -> Result<Option<Vec<u32>>> {
        self.typed(key, "an array of integers in u32", |v| match v {
            Value::Array(a) => a.integers()?.into_iter().map(|x| x.try_into().ok()).collect(),
            _ => None,
        })
    }
}

/// Reads one entry: key, type, value.
pub(super) fn read_entry(c: &mut Cursor<'_>) -> Result<(String, Value), Fail> {
    let raw = c.string().map_err(|f| f.of(|| "a metadata key".into()))?;
    let key = std::str::from_utf8(raw).map_err(|_| Error::bad_file("a metadata key", "UTF-8", shown(raw)))?;
    let what = || format!("metadata key {}", quoted(key));
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Error::bad_file(what(), format!("a key of 1..{MAX_KEY_BYTES} bytes"), key.len()).into());
    }
    let value = read_value(c, &what).map_err(|f| f.of(what))?;
    Ok((key.to_owned(), value))
}

/// GGUF's type numbers.
pub(super) mod id {
    pub const U8: u32 = 0;
    pub const I8: u32 = 1;
    pub const U16: u32 = 2;
    pub const I16: u32 = 3;
    pub const U32: u32 = 4;
    pub const I32: u32 = 5;
    pub const F32: u32 = 6;
    pub const BOOL: u32 = 7;
    pub const STRING: u32 = 8;
    pub const ARRAY: u32 = 9;
    pub const U64: u32 = 10;
    pub const I64: u32 = 11;
    pub const F64: u32 = 12;
}

fn read_value(c: &mut Cursor<'_>, what: &dyn Fn() -> String) -> Result<Value, Fail> {
    Ok(match c.u32()? {
        id::U8 => Value::U8(u8::from_le_bytes(c.array()?)),
        id::I8 => Value::I8(i8::from_le_bytes(c.array()?)),
        id::U16 => Value::U16(u16::from_le_bytes(c.array()?)),
        id::I16 => Value::I16(i16::from_le_bytes(c.array()?)),
        id::U32 => Value::U32(u32::from_le_bytes(c.array()?)),
        id::I32 => Value::I32(i32::from_le_bytes(c.array()?)),
        id::U64 => Value::U64(u64::from_le_bytes(c.array()?)),
        id::I64 => Value::I64(i64::from_le_bytes(c.array()?)),
        id::F32 => Value::F32(f32::from_le_bytes(c.array()?)),
        id::F64 => Value::F64(f64::from_le_bytes(c.array()?)),
        id::BOOL => Value::Bool(boolean(u8::from_le_bytes(c.array()?), what)?),
        id::STRING => Value::String(text(c.string()?, what)?.to_owned()),
        id::ARRAY => Value::Array(read_array(c, what)?),
        other => return Err(Error::bad_file(what(), "a value type 0..12", other).into()),
    })
}

fn read_array(c: &mut Cursor<'_>, what: &dyn Fn() -> String) -> Result<Array, Fail> {
    let kind = c.u32()?;
    let len = c.u64()?;
    Ok(match kind {
        id::U8 => Array::U8(fixed(c, len, u8::from_le_bytes)?),
        id::I8 => Array::I8(fixed(c, len, i8::from_le_bytes)?),
        id::U16 => Array::U16(fixed(c, len, u16::from_le_bytes)?),
        id::I16 => Array::I16(fixed(c, len, i16::from_le_bytes)?),
        id::U32 => Array::U32(fixed(c, len, u32::from_le_bytes)?),
        id::I32 => Array::I32(fixed(c, len, i32::from_le_bytes)?),
        id::U64 => Array::U64(fixed(c, len, u64::from_le_bytes)?),
        id::I64 => Array::I64(fixed(c, len, i64::from_le_bytes)?),
        id::F32 => Array::F32(fixed(c, len, f32::from_le_bytes)?),
        id::F64 => Array::F64(fixed(c, len, f64::from_le_bytes)?),
        id::BOOL => {
            let raw = c.take(len)?;
            Array::Bool(raw.iter().map(|&b| boolean(b, what)).collect::<Result<_>>()?)
        }
        id::STRING => Array::String(strings(c, len, what)?),
        id::ARRAY => {
            return Err(Error::UnsupportedFeature {
                what: what(),
                got: "array of arrays".into(),
                supported: "arrays of numbers, bools and strings".into(),
            }
            .into());
        }
        other => return Err(Error::bad_file(what(), "an element type 0..12", other).into()),
    })
}

/// `len` elements of `N` bytes. Allocates only after the bytes were seen.
fn fixed<const N: usize, T>(c: &mut Cursor<'_>, len: u64, from: fn([u8; N]) -> T) -> Result<Vec<T>, Fail> {
    let raw = c.take(len.saturating_mul(N as u64))?;
    let (elements, _) = raw.as_chunks::<N>();
    Ok(elements.iter().map(|&b| from(b)).collect())
}

/// `len` strings. The first pass only measures, so that each string is copied once, into its final place.
fn strings(c: &mut Cursor<'_>, len: u64, what: &dyn Fn() -> String) -> Result<Strings, Fail> {
    const LENGTH_BYTES: u64 = 8;
    c.need(len.saturating_mul(LENGTH_BYTES))?;
    let mut ahead = c.clone();
    let mut bytes = 0;
    for _ in 0..len {
        bytes += ahead.string()?.len();
    }
    let mut out = Strings::with_capacity(len as usize, bytes);
    for i in 0..len {
        out.push(text(c.string()?, &|| format!("{}, element {i}", what()))?);
    }
    Ok(out)
}

fn text<'a>(raw: &'a [u8], what: &dyn Fn() -> String) -> Result<&'a str> {
    std::str::from_utf8(raw).map_err(|_| Error::bad_file(what(), "UTF-8", shown(raw)))
}

fn boolean(raw: u8, what: &dyn Fn() -> String) -> Result<bool> {
    match raw {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::bad_file(what(), "a bool, 0 or 1", other)),
    }
}

/// Bytes that should have been text, for a message.
fn shown(raw: &[u8]) -> String {
    const SHOWN: usize = 80;
    quoted(&String::from_utf8_lossy(&raw[..raw.len().min(SHOWN)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn getters_convert_without_loss_or_name_the_key() {
        let strings = Array::String(["a"].into_iter().collect());
        let entries = [
            ("small", Value::U8(7)),
            ("negative", Value::I64(-1)),
            ("large", Value::U64(u64::MAX)),
            ("float", Value::F64(0.5)),
            ("flag", Value::Bool(true)),
            ("text", Value::String("t".into())),
            ("strings", Value::Array(strings)),
            ("floats", Value::Array(Array::F32(vec![1.0]))),
            ("bytes", Value::Array(Array::U8(vec![1, 255]))),
            ("wide", Value::Array(Array::U64(vec![1, 1 << 40]))),
        ];
        let m = Metadata::from_entries(entries.map(|(k, v)| (k.to_string(), v)).into()).unwrap();
        assert_eq!(m.u32("small"), Ok(Some(7)));
        assert_eq!(m.u64("large"), Ok(Some(u64::MAX)));
        assert_eq!(m.f32("float"), Ok(Some(0.5)));
        assert_eq!(m.bool("flag"), Ok(Some(true)));
        assert_eq!(m.str("text"), Ok(Some("t")));
        assert_eq!(m.strs("strings").unwrap().unwrap().get(0), Some("a"));
        assert_eq!(m.f32s("floats"), Ok(Some(&[1.0][..])));
        assert_eq!(m.i32s("bytes"), Ok(Some(vec![1, 255])));
        assert_eq!(m.u32s("bytes"), Ok(Some(vec![1, 255])));
        assert_eq!(m.array("wide").unwrap().unwrap().len(), 2);
        assert_eq!(m.u32("absent"), Ok(None));
        assert_eq!(m.iter().next().map(|e| e.0), Some("small"));
        let wrong = [
            m.u32("negative").err(),
            m.u32("large").err(),
            m.u64("negative").err(),
            m.u32("float").err(),
            m.f32("small").err(),
            m.bool("small").err(),
            m.str("flag").err(),
            m.strs("floats").err(),
            m.f32s("strings").err(),
            m.i32s("wide").err(),
            m.u32s("floats").err(),
            m.array("text").err(),
        ];
        for (i, e) in wrong.into_iter().enumerate() {
            let e = e.unwrap_or_else(|| panic!("case {i} converted"));
            assert!(e.to_string().contains("metadata key \""), "{e}");
        }
    }

    #[test]
    fn long_and_odd_texts_are_cut_and_escaped_in_messages() {
        let m = Metadata::from_entries(vec![("k".into(), Value::String("\u{1b}é".repeat(1000)))]).unwrap();
        let message = m.u32("k").unwrap_err().to_string();
        assert!(
            message.len() < 700 && message.contains("\\u{1b}") && message.contains('…'),
            "{message}"
        );
    }
}
