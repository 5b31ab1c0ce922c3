//! One chat or completion request in, a stream of chunks out; or one of given labels.

mod answer;
mod calls;
mod choose;
mod choosing;
mod chunk;
mod doubt;
mod embedding;
mod estimate;
mod format;
mod live;
mod message;
mod options;
mod profiling;
mod prompt;
mod reader;
mod reading;
mod request;
mod restore;
mod tools;

pub use crate::engine::{BackendChoice, ChooseOptions, Notice, SelfTest};
pub use crate::sampler::Constraint;
pub use kinglet_route::Signals;
pub use kinglet_route::gauge::AbortRule;

pub use calls::{FunctionDelta, ToolCallDelta};
pub use choose::{Choice, LabelScore, Labels};
pub use choosing::ChoiceRequest;
pub use chunk::{Aborted, Chunk, FinishReason, Logprobs, PromptDetails, Timings, TokenLogprob, Usage};
pub use embedding::{Embedding, EmbeddingRequest, Pooling};
pub use estimate::{Estimate, Place, Size};
pub use format::{Format, ToolChoice};
pub use live::Session;
pub use options::{SessionInfo, SessionOptions, Speculation};
pub use profiling::ProfileRequest;
pub use request::{Input, Request};
