//! Bytes in a browser: HTTP with ranges, and Blobs (files that the user chose).

use std::cell::{Cell, RefCell};

use js_sys::{Function, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortSignal, Blob, Headers, ReadableStreamDefaultReader, Request, RequestInit, Response};

use super::http::{Reply, extent};
use super::{ByteSource, LocalFuture};
use crate::error::{Error, Result};

/// Length of the first request; each later one in the same direction is twice as long.
const FIRST_REQUEST_BYTES: u64 = 1 << 20;
/// Longest request. Long enough that the pauses between requests do not matter.
const MAX_REQUEST_BYTES: u64 = 64 << 20;
/// A gap up to this is read and dropped; a larger one is skipped with a new request.
const MAX_DROPPED_BYTES: u64 = 1 << 20;

/// Reports bytes received so far and, where it is known, the length of the file.
pub type Progress = Box<dyn Fn(u64, Option<u64>)>;

/// A file behind a URL. Reads that move forward share one streamed answer, so memory holds one chunk at a time.
///
/// A server that ignores `Range` sends the whole file once; then only forward reads (and a second look at the bytes of
/// the last read) are possible, which is all that opening and loading a model need.
pub struct HttpSource {
    url: String,
    signal: Option<AbortSignal>,
    progress: Option<Progress>,
    len: Cell<Option<u64>>,
    ranged: Cell<bool>,
    received: Cell<u64>,
    request_bytes: Cell<u64>,
    /// Taken during a read and put back after it; a read that is dropped half-way loses only the open answer.
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    body: Option<Body>,
    /// The bytes of the last read that took anything from the body, and their offset; on the JavaScript side. They end
    /// where the body goes on. Reading a header ends somewhere in the first tensors; without ranges those bytes could
    /// not be asked for again.
    last: Option<(u64, Uint8Array)>,
}

impl HttpSource {
    /// Sends the first request: [`Error::Http`] for a status other than success, [`Error::Io`] when nothing answers.
    pub async fn open(url: &str, signal: Option<AbortSignal>, progress: Option<Progress>) -> Result<Self> {
        let source = Self {
            url: url.to_owned(),
            signal,
            progress,
            len: Cell::new(None),
            ranged: Cell::new(true),
            received: Cell::new(0),
            request_bytes: Cell::new(FIRST_REQUEST_BYTES),
            state: RefCell::default(),
        };
        let body = source.request(0, 0).await?;
        source.state.borrow_mut().body = Some(body);
        Ok(source)
    }

    fn io(&self, e: &JsValue) -> Error {
        js_error(&self.url, self.signal.as_ref(), e)
    }

    /// Asks for the file from `offset`, at least `len` bytes where it has them.
    async fn request(&self, offset: u64, len: u64) -> Result<Body> {
        let size = self.request_bytes.get();
        self.request_bytes.set((size * 2).min(MAX_REQUEST_BYTES));
        let end = offset
            .saturating_add(size.max(len))
            .min(self.len.get().unwrap_or(u64::MAX));
        let answer = fetch(&self.url, offset..end, self.signal.as_ref()).await;
        let response = answer.map_err(|e| self.io(&e))?;
        let header = |name: &str| response.headers().get(name).ok().flatten();
        let (range, status_text) = (header("content-range"), response.status_text());
        let reply = Reply {
            status: response.status(),
            status_text: &status_text,
            content_range: range.as_deref(),
            content_length: header("content-length").and_then(|n| n.trim().parse().ok()),
            encoded: header("content-encoding").is_some_and(|e| e != "identity"),
        };
        let extent = extent(&self.url, offset..end, self.len.get(), reply)?;
        self.ranged.set(extent.ranged);
        self.len.set(self.len.get().or(extent.total));
        let Some(stream) = response.body() else {
            return Err(self.io(&"the answer has no body".into()));
        };
        Ok(Body {
            reader: stream.get_reader().unchecked_into(),
            at: extent.start,
            end: extent.end.unwrap_or(if extent.ranged { end } else { u64::MAX }),
            end_is_promised: extent.end.is_some(),
            rest: None,
        })
    }

    async fn read_now(&self, state: &mut State, offset: u64, len: usize) -> Result<Vec<u8>> {
        let needed = offset.saturating_add(len as u64);
        let truncated = |available| Error::Truncated {
            what: self.url.clone(),
            needed,
            available,
        };
        if let Some(available) = self.len.get().filter(|&n| needed > n) {
            return Err(truncated(available));
        }
        let mut out = Vec::new();
        if self.len.get().is_some() {
            out.reserve_exact(len); // the file has that many; otherwise grow with what arrives
        }
        if let Some((start, bytes)) = &state.last {
            let skip = offset.checked_sub(*start).filter(|&n| n < u64::from(bytes.length()));
            if let Some(skip) = skip {
                let end = bytes.length().min((skip + len as u64).min(u64::from(u32::MAX)) as u32);
                append(&mut out, &bytes.subarray(skip as u32, end));
            }
        }
        if out.len() == len {
            return Ok(out); // and `last` stays: its remainder may be wanted next
        }
        while out.len() < len {
            let at = offset + out.len() as u64;
            let missing = (len - out.len()) as u64;
            let mut body = match state.body.take() {
                Some(body) if body.leads_to(at, self.ranged.get()) => body,
                _ if self.ranged.get() => self.request(at, missing).await?,
                _ => {
                    return Err(Error::Http {
                        url: self.url.clone(),
                        status: 200,
                        message: format!("the server ignores ranges, and the bytes from {at} have already passed"),
                    });
                }
            };
            let before = at - body.at; // a gap, to be dropped
            let Some(chunk) = body
                .next(before.saturating_add(missing))
                .await
                .map_err(|e| self.io(&e))?
            else {
                if !body.end_is_promised {
                    self.len.set(Some(body.at)); // the end of the file, learnt only now; a shorter read may follow
                    state.last = Some((offset, Uint8Array::from(out.as_slice())));
                }
                return Err(truncated(body.at));
            };
            self.received.set(self.received.get() + u64::from(chunk.length()));
            if let Some(progress) = &self.progress {
                progress(self.received.get(), self.len.get());
            }
            let unwanted = before.min(u64::from(chunk.length())) as u32;
            append(&mut out, &chunk.subarray(unwanted, chunk.length()));
            state.body = Some(body);
        }
        state.last = Some((offset, Uint8Array::from(out.as_slice())));
        Ok(out)
    }
}

impl ByteSource for HttpSource {
    fn name(&self) -> String {
        self.url.clone()
    }

    fn len(&self) -> Option<u64> {
        self.len.get()
    }

    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>> {
        Box::pin(async move {
            if self.signal.as_ref().is_some_and(AbortSignal::aborted) {
                return Err(Error::Aborted);
            }
            let mut state = self.state.take();
            let result = self.read_now(&mut state, offset, len).await;
            self.state.replace(state);
            result
        })
    }
}

/// A body that is being received.
struct Body {
    reader: ReadableStreamDefaultReader,
    /// Offset in the file of the next byte.
    at: u64,
    /// Where the body ends at the latest.
    end: u64,
    /// The answer's headers promise that end: an earlier one is a broken connection, not the end of the file.
    end_is_promised: bool,
    /// What was received but not yet handed out.
    rest: Option<Uint8Array>,
}

impl Body {
    /// True when reading on arrives at offset `at` without too many bytes to drop.
    fn leads_to(&self, at: u64, ranged: bool) -> bool {
        (self.at..self.end).contains(&at) && (at - self.at <= MAX_DROPPED_BYTES || !ranged)
    }

    /// Up to `max` bytes, none after `end`; `None` when the body ends before it.
    async fn next(&mut self, max: u64) -> Result<Option<Uint8Array>, JsValue> {
        let max = max.min(self.end - self.at);
        let chunk = match self.rest.take() {
            Some(rest) => rest,
            None => {
                let result = JsFuture::from(self.reader.read()).await?;
                if Reflect::get(&result, &"done".into())?.is_truthy() {
                    return Ok(None);
                }
                Reflect::get(&result, &"value".into())?.dyn_into()?
            }
        };
        let taken = max.min(u64::from(chunk.length())) as u32;
        if taken < chunk.length() {
            self.rest = Some(chunk.subarray(taken, chunk.length()));
        }
        self.at += u64::from(taken);
        Ok(Some(chunk.subarray(0, taken)))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let cancelled = JsFuture::from(self.reader.cancel());
        spawn_local(async {
            let _ = cancelled.await; // the answer is not wanted any more; how its end goes does not matter
        });
    }
}

/// A file that the user chose, or any other Blob.
pub struct BlobSource {
    blob: Blob,
}

impl BlobSource {
    /// Reads from `blob` on demand.
    pub fn new(blob: Blob) -> Self {
        Self { blob }
    }
}

impl ByteSource for BlobSource {
    fn name(&self) -> String {
        let name = Reflect::get(&self.blob, &"name".into())
            .ok()
            .and_then(|n| n.as_string());
        name.unwrap_or_else(|| "blob".into())
    }

    fn len(&self) -> Option<u64> {
        Some(self.blob.size() as u64)
    }

    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>> {
        Box::pin(async move {
            let needed = offset.saturating_add(len as u64);
            let available = self.blob.size() as u64;
            let truncated = |available| Error::Truncated {
                what: self.name(),
                needed,
                available,
            };
            if needed > available {
                return Err(truncated(available));
            }
            let io = |e: JsValue| js_error(&self.name(), None, &e);
            let part = self
                .blob
                .slice_with_f64_and_f64(offset as f64, needed as f64)
                .map_err(io)?;
            let buffer = JsFuture::from(part.array_buffer()).await.map_err(io)?;
            let bytes = Uint8Array::new(&buffer);
            if bytes.length() as usize != len {
                return Err(truncated(offset + u64::from(bytes.length())));
            }
            Ok(bytes.to_vec())
        })
    }
}

/// `fetch` of either a window or a worker.
async fn fetch(url: &str, range: std::ops::Range<u64>, signal: Option<&AbortSignal>) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set(
        "range",
        &format!("bytes={}-{}", range.start, range.end.saturating_sub(1)),
    )?;
    let init = RequestInit::new();
    init.set_headers(&headers);
    init.set_signal(signal);
    let request = Request::new_with_str_and_init(url, &init)?;
    let global = js_sys::global();
    let fetch: Function = Reflect::get(&global, &"fetch".into())?.dyn_into()?;
    JsFuture::from(js_sys::Promise::resolve(&fetch.call1(&global, &request)?))
        .await?
        .dyn_into()
}

fn append(out: &mut Vec<u8>, bytes: &Uint8Array) {
    let start = out.len();
    out.resize(start + bytes.length() as usize, 0);
    bytes.copy_to(&mut out[start..]);
}

fn js_error(source_name: &str, signal: Option<&AbortSignal>, e: &JsValue) -> Error {
    if signal.is_some_and(AbortSignal::aborted) {
        return Error::Aborted;
    }
    let message = match e.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => e.as_string().unwrap_or_else(|| format!("{e:?}")),
    };
    Error::Io {
        source_name: source_name.to_owned(),
        message,
    }
}
