//! One chat or completion request in, a stream of chunks out.

mod chunk;
mod live;
mod options;
mod prompt;
mod request;

pub use crate::engine::BackendChoice;
pub use chunk::{Chunk, FinishReason, Logprobs, PromptDetails, Timings, TokenLogprob, Usage};
pub use live::Session;
pub use options::{SessionInfo, SessionOptions};
pub use request::{Input, Request};
