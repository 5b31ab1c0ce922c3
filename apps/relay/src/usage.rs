//! What an answer has cost, from what the service itself reports; nothing is guessed.

use serde_json::Value;

use crate::config::{Api, Model};

/// Tokens beyond this are no count.
const MOST: u64 = 1 << 53;

/// Tokens that were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Of the prompt, those from a cache included.
    pub input: u64,
    pub cached: u64,
    pub output: u64,
}

impl Usage {
    /// Micro-units.
    pub fn cost(&self, model: &Model) -> u64 {
        model.price.total(1, self.input, self.cached, self.output)
    }

    pub fn tokens(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// A count, 0 where nothing is said, and none where what is said is no count.
fn count(usage: &Value, name: &str) -> Option<u64> {
    match usage.get(name) {
        None | Some(Value::Null) => Some(0),
        Some(value) => value.as_u64().filter(|&tokens| tokens <= MOST),
    }
}

fn required(usage: &Value, name: &str) -> Option<u64> {
    usage.get(name)?.as_u64().filter(|&tokens| tokens <= MOST)
}

/// `usage` of a whole answer or a chunk of OpenAI's protocol.
fn openai(usage: &Value) -> Option<Usage> {
    Some(Usage {
        input: required(usage, "prompt_tokens")?,
        output: required(usage, "completion_tokens")?,
        cached: usage
            .get("prompt_tokens_details")
            .map_or(Some(0), |details| count(details, "cached_tokens"))?,
    })
}

/// `usage` of Anthropic's protocol, in which what was written to a cache or read from it is not part of `input_tokens`.
fn anthropic_input(usage: &Value) -> Option<(u64, u64)> {
    let cached = count(usage, "cache_read_input_tokens")?;
    let input = required(usage, "input_tokens")? + count(usage, "cache_creation_input_tokens")? + cached;
    Some((input, cached))
}

/// Reads usage as an answer comes. A count holds only if nothing was said after it, and if it can be one: every prompt has a
/// token, and so has what was said.
#[derive(Debug)]
pub struct Meter {
    api: Api,
    input: Option<(u64, u64)>,
    latest: Option<Usage>,
    /// Something was said: a text, a call, a thought.
    spoke: bool,
    /// The answer itself is over: what is counted by now is all of it.
    ended: bool,
    /// Nothing follows, by what the service says.
    over: bool,
}

impl Meter {
    pub fn new(api: Api) -> Meter {
        Meter {
            api,
            input: None,
            latest: None,
            spoke: false,
            ended: false,
            over: false,
        }
    }

    /// A whole answer.
    pub fn answer(&mut self, answer: &Value) {
        self.ended = true;
        let message = answer.pointer("/choices/0/message").unwrap_or(answer);
        self.spoke = ["content", "tool_calls"].iter().any(|name| says(message.get(name)));
        let Some(usage) = answer.get("usage") else { return };
        self.latest = match self.api {
            Api::Openai => openai(usage),
            Api::Anthropic => anthropic_input(usage).and_then(|(input, cached)| {
                let output = required(usage, "output_tokens")?;
                Some(Usage { input, cached, output })
            }),
        };
    }

    /// The data of an event. True: it says nothing but usage.
    pub fn event(&mut self, data: &Value) -> bool {
        match self.api {
            Api::Openai => self.openai_chunk(data),
            Api::Anthropic => {
                self.anthropic_event(data);
                false
            }
        }
    }

    /// `[DONE]`.
    pub fn done(&mut self) {
        (self.ended, self.over) = (true, true);
    }

    fn openai_chunk(&mut self, chunk: &Value) -> bool {
        let none = Vec::new();
        let choices = chunk.get("choices").and_then(Value::as_array).unwrap_or(&none);
        let finished = |choice: &Value| choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
        self.ended |= choices.iter().any(finished);
        let delta = |choice: &Value| {
            let delta = choice.get("delta").and_then(Value::as_object);
            delta.is_some_and(|delta| delta.iter().any(|(name, value)| name != "role" && says(Some(value))))
        };
        if choices.iter().any(delta) {
            self.spoke = true;
            self.latest = None;
        }
        let Some(usage) = chunk.get("usage").filter(|usage| !usage.is_null()) else {
            return false;
        };
        self.latest = openai(usage);
        self.ended |= choices.is_empty();
        choices.is_empty()
    }

    /// The prompt is counted in `message_start`; the answer in `message_delta`, each time from its beginning.
    fn anthropic_event(&mut self, event: &Value) {
        match event.get("type").and_then(Value::as_str) {
            Some("message_start") => {
                self.input = event.pointer("/message/usage").and_then(anthropic_input);
            }
            Some("content_block_start" | "content_block_delta") => {
                self.spoke = true;
                self.latest = None;
            }
            Some("message_delta") => {
                let reason = event.pointer("/delta/stop_reason");
                self.ended |= reason.is_some_and(|reason| !reason.is_null());
                let Some(usage) = event.get("usage") else { return };
                if usage.get("input_tokens").is_some_and(|tokens| !tokens.is_null()) {
                    self.input = anthropic_input(usage);
                }
                let counted = self.input.zip(required(usage, "output_tokens"));
                self.latest = counted.map(|((input, cached), output)| Usage { input, cached, output });
            }
            Some("message_stop") => self.done(),
            _ => {}
        }
    }

    /// Nothing follows, by what the service says.
    pub fn over(&self) -> bool {
        self.over
    }

    /// What was counted, if that is all of it.
    pub fn total(&self) -> Option<Usage> {
        let possible = |usage: &Usage| usage.input > 0 && (usage.output > 0 || !self.spoke);
        self.latest.filter(|usage| self.ended && possible(usage))
    }
}

/// Whether a value says something.
fn says(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}
