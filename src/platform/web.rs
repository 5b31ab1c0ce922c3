//! Bytes in a browser: whatever JavaScript reads from (pkg/src/sources/reader.ts), as a source.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{ByteSource, LocalFuture};
use crate::error::{Error, Result};

#[wasm_bindgen]
extern "C" {
    /// `Reader` of pkg/src/sources/reader.ts.
    pub type Reader;

    #[wasm_bindgen(method, getter)]
    fn name(this: &Reader) -> String;

    #[wasm_bindgen(method, getter)]
    fn length(this: &Reader) -> Option<f64>;

    /// Resolves to exactly `length` bytes, which stay what they are until the next read of this reader.
    #[wasm_bindgen(method, catch)]
    fn read(this: &Reader, offset: f64, length: f64) -> Result<js_sys::Promise, JsValue>;
}

/// A file that JavaScript reads: from the network, from a store, from a Blob.
pub struct JsSource {
    reader: Reader,
}

impl JsSource {
    /// Reads from `reader` on demand.
    pub fn new(reader: Reader) -> Self {
        Self { reader }
    }

    async fn read_now(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let failed = |e: JsValue| from_js(&self.reader.name(), &e);
        let promise = self.reader.read(offset as f64, len as f64).map_err(failed)?;
        let bytes: Uint8Array = JsFuture::from(promise).await.map_err(failed)?.unchecked_into();
        if bytes.length() as usize != len {
            let got = bytes.length();
            return Err(Error::internal(format!("a reader gave {got} bytes instead of {len}")));
        }
        Ok(bytes.to_vec())
    }
}

impl ByteSource for JsSource {
    fn name(&self) -> String {
        self.reader.name()
    }

    fn len(&self) -> Option<u64> {
        self.reader.length().map(|n| n as u64)
    }

    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>> {
        Box::pin(self.read_now(offset, len))
    }
}

/// What a reader threw. The end of a file means something here; the rest is told to the caller by JavaScript itself,
/// which remembers its own error (`Readers` in pkg/src/sources/reader.ts).
fn from_js(source_name: &str, e: &JsValue) -> Error {
    let field = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let message = field(e, "message").as_string().unwrap_or_else(|| format!("{e:?}"));
    let number = |name: &str| field(&field(e, "detail"), name).as_f64().unwrap_or(0.0);
    match field(e, "code").as_string().as_deref() {
        Some("truncated") => Error::Truncated {
            what: source_name.to_owned(),
            needed: number("needed") as u64,
            available: number("available") as u64,
        },
        Some("http") => Error::Http {
            url: source_name.to_owned(),
            status: number("status") as u16,
            message,
        },
        Some("aborted") => Error::Aborted,
        _ => Error::Io {
            source_name: source_name.to_owned(),
            message,
        },
    }
}
