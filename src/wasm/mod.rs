//! What JavaScript sees: one function that loads a model, one class that answers. Hand-written types are in
//! `pkg/src/protocol.ts` and `pkg/src/worker.ts`.
//!
//! Pull-based: every call goes from JavaScript into Rust, but for the progress and the reads of `load` and the shards'
//! exchanges (`shard`).
//! An error is thrown as the plain object
//! `{code, message, detail}`. Calls must not overlap, except `abort`, which may come while `next` waits for the GPU.

mod constraint;
mod inspect;
#[cfg(all(feature = "gpu", feature = "bench"))]
mod meter;
mod shard;
mod speed;

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;

use js_sys::Function;
use serde::Serialize;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use self::constraint::JsConstraint;
use crate::cpu::team::Recruiting;
use crate::error::{Error, Result};
use crate::kernels;
use crate::model::loader::Progress;
use crate::platform::{ByteSource, JsSource, Reader};
use crate::session::{ChoiceRequest, EmbeddingRequest, ProfileRequest, Request, Session, SessionOptions};
use crate::text::{Bos, Special};

/// Called once when the module is instantiated: a panic says where it was.
#[wasm_bindgen(start)]
pub fn begin() {
    console_error_panic_hook::set_once();
}

/// Loads a model from its files, one reader for each (pkg/src/sources/reader.ts). `progress(phase, loaded, total)` hears how far it is; `recruit(threads, bytes)` finds
/// followers for a model of so many bytes (recruit.ts).
#[wasm_bindgen]
pub async fn load(
    readers: Vec<Reader>,
    options: JsValue,
    progress: Function,
    recruit: Function,
) -> std::result::Result<Kinglet, JsValue> {
    load_session(readers, options, progress, recruit).await.map_err(thrown)
}

async fn load_session(
    readers: Vec<Reader>,
    options: JsValue,
    progress: Function,
    recruit: Function,
) -> Result<Kinglet> {
    let options = SessionOptions::from_json(&from_js("options", options)?)?;
    let sources: Vec<Rc<dyn ByteSource>> = readers.into_iter().map(source).collect();
    let page = Page {
        progress,
        recruit,
        // A server that does not say how long its file is gets threads as for a large one.
        bytes: sources
            .iter()
            .map(|source| source.len().map_or(f64::INFINITY, |n| n as f64))
            .sum(),
    };
    let session = Session::load_with(sources, &options, &mut page.recruiter(), &mut page.reporter()).await?;
    Ok(Kinglet {
        session: RefCell::new(Some(session)),
        aborted: Cell::new(false),
        page,
    })
}

/// What a load needs of JavaScript; kept for the next one.
struct Page {
    progress: Function,
    recruit: Function,
    bytes: f64,
}

impl Page {
    fn recruiter(&self) -> impl FnMut(Option<usize>) -> Recruiting {
        shard::recruiter(self.recruit.clone(), self.bytes)
    }

    fn reporter(&self) -> impl FnMut(Progress) -> ControlFlow<()> {
        |p| {
            let (loaded, total) = ((p.loaded as f64).into(), (p.total as f64).into());
            // A callback that throws is the page's own affair.
            let _ = self.progress.call3(&JsValue::NULL, &to_js(&p.phase), &loaded, &total);
            ControlFlow::Continue(())
        }
    }
}

/// Of this build.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}

fn source(reader: Reader) -> Rc<dyn ByteSource> {
    Rc::new(JsSource::new(reader))
}

/// A loaded model.
#[wasm_bindgen]
pub struct Kinglet {
    /// Taken while an asynchronous call is under way.
    session: RefCell<Option<Session>>,
    /// `abort` was called meanwhile.
    aborted: Cell<bool>,
    page: Page,
}

#[wasm_bindgen]
impl Kinglet {
    /// Begins a request of `kind` "chat", "completion", "embedding", "choice" or "profile", under the constraint that was made of its `grammar`.
    pub fn start(
        &self,
        kind: &str,
        request: JsValue,
        constraint: Option<JsConstraint>,
    ) -> std::result::Result<(), JsValue> {
        // Reading calls into JavaScript, and recurses: not while the session is borrowed.
        let body = from_js("request", request).map_err(thrown)?;
        let constraint = constraint.map(constraint::boxed);
        self.with(|session| match kind {
            "embedding" => session.start_embedding(&EmbeddingRequest::new(&body)?),
            "choice" => session.start_choice(&ChoiceRequest::new(&body)?),
            "profile" => session.start_profile(&ProfileRequest::new(&body)?),
            _ => session.start_under(&read_request(kind, &body)?, constraint),
        })
    }

    /// The grammar of a request's answer as JSON text for the grammar module; undefined: it has none.
    pub fn grammar(&self, kind: &str, request: JsValue) -> std::result::Result<Option<String>, JsValue> {
        if matches!(kind, "embedding" | "choice" | "profile") {
            return Ok(None);
        }
        let body = from_js("request", request).map_err(thrown)?;
        self.with(|session| {
            let grammar = session.grammar(&read_request(kind, &body)?)?;
            Ok(grammar.map(|grammar| grammar.to_string()))
        })
    }

    /// The vocabulary, for the grammar module: `{tokens, packed, ends}`.
    pub fn vocabulary(&self) -> std::result::Result<JsValue, JsValue> {
        self.with(|session| {
            let tokenizer = session.tokenizer();
            let object = js_sys::Object::new();
            let packed = js_sys::Uint8Array::from(&tokenizer.packed()[..]);
            let ends = js_sys::Uint32Array::from(tokenizer.eog());
            let fields: [(&str, JsValue); 3] = [
                ("tokens", tokenizer.n_vocab().into()),
                ("packed", packed.into()),
                ("ends", ends.into()),
            ];
            for (name, value) in fields {
                js_sys::Reflect::set(&object, &name.into(), &value)
                    .map_err(|_| Error::internal("an object that is closed"))?;
            }
            Ok(object.into())
        })
    }

    /// Reads one chunk of the prompt; true: call again, false: call `next`.
    pub async fn prefill(&self) -> std::result::Result<bool, JsValue> {
        let mut session = self.take()?;
        let more = match () {
            () if session.embeds() => session.embed_chunk().await,
            () if session.chooses() => session.choice_chunk().await,
            () => session.prefill().await,
        };
        Ok(self.give_back(session, more)?.unwrap_or(false))
    }

    /// The next chunk, embedding, choice or profile, or undefined after the last.
    pub async fn next(&self) -> std::result::Result<JsValue, JsValue> {
        let mut session = self.take()?;
        let next = match () {
            () if session.embeds() => session.next_embedding().await.map(|found| found.map(|e| to_js(&e))),
            () if session.chooses() => session.next_choice().await.map(|found| found.map(|c| to_js(&c))),
            () if session.profiles() => session.next_profile().await.map(|found| found.map(|p| to_js(&p))),
            () => session.next().await.map(|found| found.map(|chunk| to_js(&chunk))),
        };
        Ok(self.give_back(session, next)?.flatten().unwrap_or(JsValue::UNDEFINED))
    }

    /// After a call that failed with `gpu_lost`: a new device, and the model again from its readers. The request goes on.
    /// `tested` and `tuning` are what is known of the GPU that there is now. An abort ends the load; the next request begins
    /// another.
    pub async fn restore(&self, tested: Vec<String>, tuning: JsValue) -> std::result::Result<(), JsValue> {
        let tuning = from_js("tuning", tuning).map_err(thrown)?;
        let mut session = self.take()?;
        session.set_tested(tested, &tuning);
        let mut report = self.page.reporter();
        let mut unless_aborted = |progress| match self.aborted.get() {
            true => ControlFlow::Break(()),
            false => report(progress),
        };
        let restored = session.restore(&mut self.page.recruiter(), &mut unless_aborted).await;
        self.give_back(session, restored)?;
        Ok(())
    }

    /// What happened since the last call: `[{code, message, detail}]`.
    pub fn notices(&self) -> std::result::Result<JsValue, JsValue> {
        self.with(|session| Ok(to_js(&session.take_notices())))
    }

    /// What was tried of this GPU, and found correct: `{tried, ms}`.
    pub fn tried(&self) -> std::result::Result<JsValue, JsValue> {
        self.with(|session| Ok(to_js(session.engine().self_test())))
    }

    /// Tries it again, whatever is known of it: `{tried, wrong?, ms}`.
    #[cfg(feature = "gpu")]
    pub async fn test(&self) -> std::result::Result<JsValue, JsValue> {
        let mut session = self.take()?;
        let verdict = session.test_again().await.map(|verdict| to_js(&verdict));
        Ok(self.give_back(session, verdict)?.unwrap_or(JsValue::UNDEFINED))
    }

    /// Ends the current request, if there is one.
    pub fn abort(&self) {
        match self.session.borrow_mut().as_mut() {
            Some(session) => session.abort(),
            None => self.aborted.set(true),
        }
    }

    /// What was loaded, and where it runs.
    pub fn info(&self) -> std::result::Result<JsValue, JsValue> {
        self.with(|session| Ok(to_js(session.info())))
    }

    /// Counters of the GPU: `{dispatches, submits, gpu_buffers, gpu_bytes}`.
    pub fn stats(&self) -> std::result::Result<JsValue, JsValue> {
        self.with(|session| {
            #[cfg(feature = "gpu")]
            let counts = session.engine().gpu_stats().map_or([0; 4], |s| {
                [s.dispatches, s.submits, s.buffers + s.aids, s.bytes + s.aid_bytes]
            });
            #[cfg(not(feature = "gpu"))]
            let counts = [0u64; 4];
            let [dispatches, submits, buffers, bytes] = counts;
            Ok(to_js(
                &json!({"dispatches": dispatches, "submits": submits, "gpu_buffers": buffers, "gpu_bytes": bytes}),
            ))
        })
    }

    /// Token ids of a text; `special` "parse" recognises control tokens.
    pub fn tokenize(&self, text: &str, special: &str) -> std::result::Result<Vec<u32>, JsValue> {
        let special = match special {
            "parse" => Special::Parse,
            _ => Special::AsText,
        };
        self.with(|session| session.tokenizer().encode(text, special, Bos::No))
    }

    /// Text of token ids.
    pub fn detokenize(&self, ids: &[u32]) -> std::result::Result<String, JsValue> {
        self.with(|session| session.tokenizer().decode(ids, Special::Parse))
    }

    /// How full the context is: `{used, total}` in tokens.
    pub fn context(&self) -> std::result::Result<JsValue, JsValue> {
        self.with(|session| {
            Ok(to_js(
                &json!({"used": session.context_used(), "total": session.info().context}),
            ))
        })
    }

    /// Tokens of a chat request's prompt.
    pub fn count(&self, request: JsValue) -> std::result::Result<usize, JsValue> {
        let body = from_js("request", request).map_err(thrown)?;
        self.with(|session| Ok(session.prompt(&read_request("chat", &body)?.input)?.len()))
    }
}

impl Kinglet {
    fn with<T>(&self, work: impl FnOnce(&mut Session) -> Result<T>) -> std::result::Result<T, JsValue> {
        match self.session.borrow_mut().as_mut() {
            Some(session) => work(session).map_err(thrown),
            None => Err(thrown(busy())),
        }
    }

    fn take(&self) -> std::result::Result<Session, JsValue> {
        self.aborted.set(false);
        self.session.borrow_mut().take().ok_or_else(|| thrown(busy()))
    }

    /// Ends an asynchronous call; `None` when the request was aborted meanwhile.
    fn give_back<T>(&self, mut session: Session, result: Result<T>) -> std::result::Result<Option<T>, JsValue> {
        let aborted = self.aborted.take();
        if aborted {
            session.abort();
        }
        self.session.replace(Some(session));
        match result {
            _ if aborted => Ok(None),
            result => result.map(Some).map_err(thrown),
        }
    }
}

/// Every shader text that can be run, `[{name, entry, code, needs}]`, for the test that compiles them in a real browser.
#[cfg(feature = "gpu")]
#[wasm_bindgen]
pub fn shader_variants() -> std::result::Result<JsValue, JsValue> {
    let text = |variant: &kernels::wgsl::Variant| {
        let code = variant.wgsl()?;
        let needs: Vec<_> = variant.extras.iter().map(|extra| extra.name()).collect();
        Ok(json!({"name": variant.label(), "entry": variant.entry, "code": code, "needs": needs}))
    };
    let all: Result<Vec<Value>> = kernels::all_variants().iter().map(text).collect();
    all.map(|all| to_js(&all)).map_err(thrown)
}

fn read_request(kind: &str, body: &Value) -> Result<Request> {
    match kind {
        "chat" => Request::chat(body),
        "completion" => Request::completion(body),
        other => Err(Error::invalid("kind", "\"chat\" or \"completion\"", other)),
    }
}

fn busy() -> Error {
    Error::internal("calls into one model overlap")
}

fn from_js(param: &str, value: JsValue) -> Result<Value> {
    serde_wasm_bindgen::from_value(value).map_err(|e| Error::invalid(param, "plain data", e))
}

/// Plain objects and arrays; `null` for what cannot be expressed, which our own types always can.
fn to_js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).unwrap_or(JsValue::NULL)
}

fn thrown(error: Error) -> JsValue {
    to_js(&error.to_json())
}
