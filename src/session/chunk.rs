//! What a session gives back: pieces of an answer and, with the last one, what it took.

use kinglet_route::Signals;
use serde::Serialize;

use super::ToolCallDelta;
use crate::engine;

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// A stop token of the model, a stop string of the request, or a grammar behind which nothing can follow.
    Stop,
    /// `max_tokens`, or the end of the context.
    Length,
    /// Tools are called.
    ToolCalls,
}

/// Why an answer was ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aborted {
    /// The rule of the request says that it is in doubt; the same name as [`kinglet_route::Reason::MidAbort`].
    MidAbort,
}

/// A piece of an answer. The page's client dresses it in OpenAI's shape; all but `text` and `finish_reason` is left
/// out where it does not apply.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Chunk {
    /// Which answer it belongs to: prompts in their order, and the answers to each in theirs.
    pub index: usize,
    /// The new text; whole characters, possibly none.
    pub text: String,
    /// Pieces of calls of tools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta>,
    /// Set on the answer's last chunk, and only there.
    pub finish_reason: Option<FinishReason>,
    /// Of the tokens since the chunk before, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Logprobs>,
    /// Of the whole request: on its last chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Of this answer: on its last chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    /// Of this answer's doubt, if asked for: on its last chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signals: Option<Signals>,
    /// Why it was ended before its end, on its last chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted: Option<Aborted>,
}

/// Log-probabilities in OpenAI's chat shape.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Logprobs {
    /// One entry per token.
    pub content: Vec<TokenLogprob>,
}

/// One token, its log-probability in the raw distribution (before every sampling stage), and its best rivals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokenLogprob {
    /// The token's text; a replacement character stands for bytes that are no whole character.
    pub token: String,
    /// Natural logarithm.
    pub logprob: f32,
    /// The token's bytes.
    pub bytes: Vec<u8>,
    /// The best tokens, best first (absent on the rivals themselves).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<Vec<TokenLogprob>>,
}

/// Token counts of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens generated, without the stop token.
    pub completion_tokens: usize,
    /// Their sum.
    pub total_tokens: usize,
    /// Which of the prompt's tokens cost nothing.
    pub prompt_tokens_details: PromptDetails,
}

/// Part of [`Usage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
pub struct PromptDetails {
    /// Prompt tokens whose keys and values were still in the cache of the request before.
    pub cached_tokens: usize,
}

/// How long one request took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Timings {
    /// Milliseconds to read the prompt.
    pub prefill_ms: f64,
    /// Milliseconds to generate.
    pub decode_ms: f64,
    /// Prompt tokens taken from the cache.
    pub reused_tokens: usize,
    /// Prompt tokens read per second, those taken from the cache left out; none where that took no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill_tokens_per_s: Option<f64>,
    /// Tokens behind the first one generated per second; none where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode_tokens_per_s: Option<f64>,
    /// Tokens that speculation proposed; none where it proposed none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drafted_tokens: Option<usize>,
    /// Of these, the ones that are in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_tokens: Option<usize>,
}

impl Timings {
    /// Of what the engine spent, `decoded` tokens of it in the milliseconds of decoding.
    pub(super) fn of(spent: &engine::Timings, decoded: usize) -> Self {
        let drafted = spent.drafted_tokens > 0;
        let rate = |tokens: usize, ms: f64| (tokens > 0 && ms > 0.0).then(|| tokens as f64 / ms * 1e3);
        Timings {
            prefill_ms: spent.prefill_ms,
            decode_ms: spent.decode_ms,
            reused_tokens: spent.reused_tokens,
            prefill_tokens_per_s: rate(spent.prompt_tokens - spent.reused_tokens, spent.prefill_ms),
            decode_tokens_per_s: rate(decoded, spent.decode_ms),
            drafted_tokens: drafted.then_some(spent.drafted_tokens),
            accepted_tokens: drafted.then_some(spent.accepted_tokens),
        }
    }
}
