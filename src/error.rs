//! One error type for the whole crate: what was wrong, where, what was expected, what to do.
//!
//! Every variant has a stable [`code`](Error::code) that crosses the JavaScript boundary and appears in the
//! native tool's JSON. Codes are API: they are added, never renamed.

use std::fmt;

/// Everything that can go wrong in kinglet.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not what its header, metadata or tensor directory claims.
    #[error("bad model file: {what}: expected {expected}, got {got}")]
    BadFile {
        what: String,
        expected: String,
        got: String,
    },

    /// The file (or stream) ends before something that its header promises.
    #[error("truncated model file: {what} needs bytes up to {needed}, the file has {available}")]
    Truncated { what: String, needed: u64, available: u64 },

    /// `general.architecture` names a family that kinglet does not run.
    #[error("architecture \"{got}\" is not supported; supported: {supported}")]
    UnsupportedArchitecture { got: String, supported: String },

    /// A tensor is stored in a format that kinglet does not decode.
    #[error("tensor \"{tensor}\" has type {got}, which is not supported; supported: {supported}")]
    UnsupportedType {
        tensor: String,
        got: String,
        supported: String,
    },

    /// A known thing in a variant that would give wrong answers if it were ignored.
    #[error("{what}: \"{got}\" is not supported; supported: {supported}")]
    UnsupportedFeature {
        what: String,
        got: String,
        supported: String,
    },

    /// The tokenizer's model or pre-tokenizer is unknown: a guess would give wrong ids.
    #[error("tokenizer {what} \"{got}\" is not supported; supported: {supported}")]
    UnsupportedTokenizer {
        what: String,
        got: String,
        supported: String,
    },

    /// The model, its cache or one tensor does not fit; nothing was uploaded.
    #[error("{what} does not fit: needs {needed} bytes, available {available} bytes; {hint}")]
    TooLarge {
        what: String,
        needed: u64,
        available: u64,
        hint: String,
    },

    /// Prompt and requested output exceed the allocated context; nothing was computed.
    #[error(
        "the prompt has {prompt} tokens and {max_tokens} were asked for, but the context holds {n_ctx}; shorten the prompt, ask for fewer tokens, or load with a larger context"
    )]
    ContextOverflow {
        prompt: usize,
        max_tokens: usize,
        n_ctx: usize,
    },

    /// The chat template could not be parsed or rendered.
    #[error("chat template: {message}")]
    Template { message: String },

    /// The chat template itself refused the conversation (`raise_exception`).
    #[error("the chat template refused the conversation: {message}")]
    TemplateRefused { message: String },

    /// A parameter of a request is unknown, out of range or of the wrong type.
    #[error("invalid request: {param}: expected {expected}, got {got}")]
    InvalidRequest {
        param: String,
        expected: String,
        got: String,
    },

    /// A grammar (a schema, a regular expression) makes no sense, or nothing satisfies it.
    #[error("invalid grammar: {param}: {message}")]
    InvalidGrammar { param: String, message: String },

    /// A grammar asks for something that cannot be enforced exactly while decoding.
    #[error("{param} is not supported while decoding: {message}")]
    UnsupportedGrammar { param: String, message: String },

    /// The model's numbers left the range in which they mean something.
    #[error("the model produced {what}; the file may be damaged, or its values exceed the range of this backend")]
    NotFinite { what: String },

    /// Reading the model's bytes failed.
    #[error("reading {source_name} failed: {message}")]
    Io { source_name: String, message: String },

    /// An HTTP server answered something that is not the file.
    #[error("fetching {url} failed: HTTP status {status}: {message}")]
    Http { url: String, status: u16, message: String },

    /// No usable GPU adapter or device.
    #[error("no usable GPU: {message}")]
    GpuUnavailable { message: String },

    /// The GPU device was lost; the engine must be loaded again.
    #[error("the GPU device was lost: {message}; load the model again")]
    GpuLost { message: String },

    /// The GPU rejected a shader, a pipeline or a command.
    #[error("GPU error in {what}: {message}")]
    Gpu { what: String, message: String },

    /// The GPU computes other numbers than it should.
    #[error(
        "the GPU {adapter} computes wrongly: {op}: expected {expected}, got {got}; update its driver or the browser, or use the processor (backend \"cpu\")"
    )]
    GpuWrong {
        adapter: String,
        op: String,
        expected: String,
        got: String,
    },

    /// A thread or worker that shares the computation is gone; the model must be loaded again.
    #[error("a worker failed: {message}; load the model again")]
    WorkerFailed { message: String },

    /// The caller aborted the operation.
    #[error("aborted by the caller")]
    Aborted,

    /// A call that needs a loaded model came before `load` or after `dispose`.
    #[error("no model is loaded; call load first")]
    NotLoaded,

    /// An engine invariant broke: a bug in kinglet, please report it.
    #[error("internal error (a bug in kinglet): {message}")]
    Internal { message: String },
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a JSON value is, in words: for `got`.
pub fn json_kind(v: &serde_json::Value) -> &'static str {
    match v {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "a list",
        serde_json::Value::Object(_) => "an object",
    }
}

impl Error {
    /// The stable, machine-readable name of this error, for example `"context_overflow"`.
    ///
    /// ```
    /// assert_eq!(kinglet::Error::NotLoaded.code(), "not_loaded");
    /// ```
    pub fn code(&self) -> &'static str {
        match self {
            Error::BadFile { .. } => "bad_file",
            Error::Truncated { .. } => "truncated",
            Error::UnsupportedArchitecture { .. } => "unsupported_architecture",
            Error::UnsupportedType { .. } => "unsupported_type",
            Error::UnsupportedFeature { .. } => "unsupported_feature",
            Error::UnsupportedTokenizer { .. } => "unsupported_tokenizer",
            Error::TooLarge { .. } => "too_large",
            Error::ContextOverflow { .. } => "context_overflow",
            Error::Template { .. } => "template",
            Error::TemplateRefused { .. } => "template_refused",
            Error::InvalidRequest { .. } => "invalid_request",
            Error::InvalidGrammar { .. } => "invalid_grammar",
            Error::UnsupportedGrammar { .. } => "unsupported_grammar",
            Error::NotFinite { .. } => "not_finite",
            Error::Io { .. } => "io",
            Error::Http { .. } => "http",
            Error::GpuUnavailable { .. } => "gpu_unavailable",
            Error::GpuLost { .. } => "gpu_lost",
            Error::Gpu { .. } => "gpu",
            Error::GpuWrong { .. } => "gpu_wrong",
            Error::WorkerFailed { .. } => "worker_failed",
            Error::Aborted => "aborted",
            Error::NotLoaded => "not_loaded",
            Error::Internal { .. } => "internal",
        }
    }

    /// The fields of the error as JSON, for machines (`detail` across the JavaScript boundary).
    pub fn detail(&self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Error::BadFile { what, expected, got } => json!({"what": what, "expected": expected, "got": got}),
            Error::Truncated {
                what,
                needed,
                available,
            } => json!({"what": what, "needed": needed, "available": available}),
            Error::UnsupportedArchitecture { got, supported } => json!({"got": got, "supported": supported}),
            Error::UnsupportedType { tensor, got, supported } => {
                json!({"tensor": tensor, "got": got, "supported": supported})
            }
            Error::UnsupportedFeature { what, got, supported }
            | Error::UnsupportedTokenizer { what, got, supported } => {
                json!({"what": what, "got": got, "supported": supported})
            }
            Error::TooLarge {
                what,
                needed,
                available,
                hint,
            } => {
                json!({"what": what, "needed": needed, "available": available, "hint": hint})
            }
            Error::ContextOverflow {
                prompt,
                max_tokens,
                n_ctx,
            } => {
                json!({"prompt": prompt, "max_tokens": max_tokens, "n_ctx": n_ctx})
            }
            Error::InvalidRequest { param, expected, got } => json!({"param": param, "expected": expected, "got": got}),
            Error::InvalidGrammar { param, .. } | Error::UnsupportedGrammar { param, .. } => json!({"param": param}),
            Error::NotFinite { what } => json!({"what": what}),
            Error::Io { source_name, .. } => json!({"source": source_name}),
            Error::Http { url, status, .. } => json!({"url": url, "status": status}),
            Error::Gpu { what, .. } => json!({"what": what}),
            Error::GpuWrong {
                adapter,
                op,
                expected,
                got,
            } => json!({"adapter": adapter, "op": op, "expected": expected, "got": got}),
            _ => json!({}),
        }
    }

    /// `{code, message, detail}`: how an error crosses every border.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"code": self.code(), "message": self.to_string(), "detail": self.detail()})
    }

    /// Shorthand for [`Error::BadFile`].
    pub fn bad_file(what: impl fmt::Display, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Error::BadFile {
            what: what.to_string(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    /// Shorthand for [`Error::InvalidRequest`].
    pub fn invalid(param: impl fmt::Display, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Error::InvalidRequest {
            param: param.to_string(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    /// Shorthand for [`Error::Internal`].
    pub fn internal(message: impl fmt::Display) -> Self {
        Error::Internal {
            message: message.to_string(),
        }
    }
}
