//! An answer's tokens as text and calls: what has been said, and whether a stop string ends it.

use super::calls::CallReader;
use super::{Chunk, FinishReason};
use crate::text::{StopFilter, TokenStream, Tokenizer};

/// What is not given out yet of one answer.
pub(super) struct Reading {
    pub(super) stream: TokenStream,
    pub(super) stop: StopFilter,
    /// Where tools may be called.
    pub(super) calls: Option<CallReader>,
}

impl Reading {
    /// Adds a token to a chunk; true: a stop string ends the answer before it. They are looked for in free text alone: one
    /// that cut a call would leave a call that nobody can read.
    pub(super) fn push(&mut self, tokenizer: &Tokenizer, id: u32, chunk: &mut Chunk) -> bool {
        if let Some(calls) = &mut self.calls
            && calls.opens(id)
        {
            let rest = self.stream.flush(); // an unfinished character is text before the call
            if self.text(&rest, chunk) {
                return true;
            }
            chunk.text.push_str(&self.stop.flush());
            if let Some(calls) = &mut self.calls {
                calls.token(id);
            }
        }
        let piece = self.stream.push(tokenizer, id);
        self.text(&piece, chunk)
    }

    fn text(&mut self, piece: &str, chunk: &mut Chunk) -> bool {
        let Some(calls) = &mut self.calls else {
            return self.free(piece, chunk);
        };
        let (shown, deltas) = calls.push(piece);
        let begun = calls.begun();
        if self.free(&shown, chunk) {
            return true;
        }
        if begun {
            chunk.text.push_str(&self.stop.flush());
        }
        chunk.tool_calls.extend(deltas);
        false
    }

    fn free(&mut self, text: &str, chunk: &mut Chunk) -> bool {
        let (text, stopped) = self.stop.push(text);
        chunk.text.push_str(&text);
        stopped
    }

    /// Adds what was held back, where the engine has ended the answer; why it has ended.
    pub(super) fn flush(&mut self, reason: FinishReason, chunk: &mut Chunk) -> FinishReason {
        let rest = self.stream.flush();
        if self.text(&rest, chunk) {
            return FinishReason::Stop;
        }
        if let Some(held) = self.calls.as_mut().map(CallReader::flush)
            && self.free(&held, chunk)
        {
            return FinishReason::Stop;
        }
        chunk.text.push_str(&self.stop.flush());
        match &self.calls {
            Some(calls) if reason == FinishReason::Stop && calls.called() => FinishReason::ToolCalls,
            _ => reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::super::tools::{CallStyle, Opening};
    use super::*;
    use crate::gguf::GgufFile;
    use crate::platform::MemorySource;
    use crate::text::{Bos, Special};

    fn tokenizer() -> Tokenizer {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/qwen2.gguf");
        let source = Rc::new(MemorySource::new(std::fs::read(path).unwrap()));
        let gguf = pollster::block_on(GgufFile::open(source)).unwrap();
        Tokenizer::from_gguf(gguf.metadata()).unwrap()
    }

    /// What is said before a call, what of the call, and why it ended.
    fn read(stop: &str, before: &str, call: &str) -> (String, String, FinishReason) {
        let tokenizer = tokenizer();
        let opening = (0..tokenizer.n_vocab() as u32)
            .find(|&id| tokenizer.is_markup(id))
            .unwrap();
        let style = CallStyle {
            opening: Opening::Token(opening),
            ..CallStyle::default()
        };
        let mut reading = Reading {
            stream: TokenStream::new(Special::AsText),
            stop: StopFilter::new(vec![stop.into()]),
            calls: Some(CallReader::new(&style, false, 1)),
        };
        let mut chunk = Chunk::default();
        let ids = |text: &str| tokenizer.encode(text, Special::AsText, Bos::No).unwrap();
        let all = [ids(before), vec![opening], ids(call)].concat();
        let stopped = all.into_iter().any(|id| reading.push(&tokenizer, id, &mut chunk));
        let reason = match stopped {
            true => FinishReason::Stop,
            false => reading.flush(FinishReason::Stop, &mut chunk),
        };
        let arguments = chunk.tool_calls.iter().map(|d| d.function.arguments.as_str()).collect();
        (chunk.text, arguments, reason)
    }

    const CALL: &str = "{\"name\": \"a\", \"arguments\": {\"x\": \"one\"}}";

    #[test]
    fn text_that_might_have_become_a_stop_string_is_said_before_the_call() {
        let expect = ("Well on".into(), "{\"x\": \"one\"}".into(), FinishReason::ToolCalls);
        assert_eq!(read("once", "Well on", CALL), expect);
    }

    #[test]
    fn a_stop_string_ends_text_and_no_call() {
        let expect = ("Well ".into(), "{\"x\": \"one\"}".into(), FinishReason::ToolCalls);
        assert_eq!(read("one", "Well ", CALL), expect);
        let expect = ("Well ".into(), String::new(), FinishReason::Stop);
        assert_eq!(read("one", "Well one", CALL), expect);
    }
}
