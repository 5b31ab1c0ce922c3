//! Calls of tools in an answer's text: found as they come, and given out in pieces.

use serde::Serialize;
use serde_json::Value;

use super::tools::{CallStyle, Opening};

/// A piece of a call, in OpenAI's shape: the first piece of each names it, the others continue its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolCallDelta {
    /// Which of the answer's calls.
    pub index: usize,
    /// On the first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// On the first piece: `"function"`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Name and arguments.
    pub function: FunctionDelta,
}

/// Part of [`ToolCallDelta`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct FunctionDelta {
    /// On the first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// More of the arguments' JSON text.
    pub arguments: String,
}

/// Reads calls out of the text of an answer.
#[derive(Debug, Clone)]
pub(super) struct CallReader {
    place: Place,
    opening: Opening,
    /// Text that may be the beginning of the marker, or the head of a call.
    held: String,
    count: usize,
    /// Makes identifiers.
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Text for the reader.
    Free,
    /// Between calls.
    Between,
    /// In a call's object, before its arguments.
    Head { quoted: bool, escaped: bool },
    /// In the arguments, so many braces deep.
    Arguments { depth: usize, quoted: bool, escaped: bool },
    /// Behind the arguments, in the call's object.
    Foot,
}

impl CallReader {
    /// A reader for one answer; `required`: it begins with a call.
    pub(super) fn new(style: &CallStyle, required: bool, seed: u64) -> Self {
        CallReader {
            place: if required { Place::Between } else { Place::Free },
            opening: style.opening.clone(),
            held: String::new(),
            count: 0,
            seed,
        }
    }

    /// Whether a call has begun.
    pub(super) fn called(&self) -> bool {
        self.count > 0
    }

    /// Whether free text is over.
    pub(super) fn begun(&self) -> bool {
        self.place != Place::Free
    }

    /// Whether this token, which has no text, ends free text.
    pub(super) fn opens(&self, id: u32) -> bool {
        !self.begun() && self.opening == Opening::Token(id)
    }

    /// Hears of a token that has no text.
    pub(super) fn token(&mut self, id: u32) {
        if self.opens(id) {
            self.place = Place::Between;
        }
    }

    /// Takes more of the answer; gives what of it is text for the reader, and the pieces of calls.
    pub(super) fn push(&mut self, text: &str) -> (String, Vec<ToolCallDelta>) {
        let mut shown = String::new();
        let mut deltas = Vec::new();
        for c in text.chars() {
            if self.place == Place::Free {
                self.free(c, &mut shown);
            } else {
                self.call(c, &mut deltas);
            }
        }
        (shown, deltas)
    }

    /// What was held back and has become nothing.
    pub(super) fn flush(&mut self) -> String {
        match self.place {
            Place::Free => std::mem::take(&mut self.held),
            _ => String::new(),
        }
    }

    fn free(&mut self, c: char, shown: &mut String) {
        self.held.push(c);
        match &self.opening {
            Opening::Token(_) => shown.push_str(&std::mem::take(&mut self.held)),
            Opening::Text(marker) => {
                if self.held.ends_with(marker.as_str()) {
                    let before = self.held.len() - marker.len();
                    shown.push_str(&self.held[..before]);
                    self.held.clear();
                    self.place = Place::Between;
                    return;
                }
                let starts = |at: &usize| marker.starts_with(&self.held[*at..]);
                let keep = self
                    .held
                    .char_indices()
                    .map(|(at, _)| at)
                    .find(starts)
                    .unwrap_or(self.held.len());
                shown.push_str(&self.held[..keep]);
                self.held.drain(..keep);
            }
            Opening::Brace => {
                if c.is_whitespace() {
                    return;
                }
                if c == '{' {
                    self.held.clear();
                    self.place = Place::Between;
                    self.call(c, &mut Vec::new());
                } else {
                    shown.push_str(&std::mem::take(&mut self.held));
                    // Free to its end: no marker will come.
                    self.opening = Opening::Token(u32::MAX);
                }
            }
        }
    }

    fn call(&mut self, c: char, deltas: &mut Vec<ToolCallDelta>) {
        match &mut self.place {
            Place::Free => {}
            Place::Between => {
                if c == '{' {
                    self.held = "{".into();
                    self.place = Place::Head {
                        quoted: false,
                        escaped: false,
                    };
                }
            }
            Place::Head { quoted, escaped } => {
                let was_quoted = *quoted;
                step(c, quoted, escaped);
                if c == '{' && !was_quoted {
                    let head = format!("{}null}}", std::mem::take(&mut self.held));
                    let head: Value = serde_json::from_str(&head).unwrap_or_default();
                    let name = head.as_object().and_then(|map| map.values().find_map(Value::as_str));
                    deltas.push(ToolCallDelta {
                        index: self.count,
                        id: Some(self.id()),
                        kind: Some("function"),
                        function: FunctionDelta {
                            name: Some(name.unwrap_or_default().to_owned()),
                            arguments: "{".into(),
                        },
                    });
                    self.count += 1;
                    self.place = Place::Arguments {
                        depth: 1,
                        quoted: false,
                        escaped: false,
                    };
                } else {
                    self.held.push(c);
                }
            }
            Place::Arguments { depth, quoted, escaped } => {
                let was_quoted = *quoted;
                step(c, quoted, escaped);
                if !was_quoted {
                    *depth += usize::from(c == '{');
                    *depth -= usize::from(c == '}');
                }
                if *depth == 0 {
                    self.place = Place::Foot;
                }
                let index = self.count - 1;
                match deltas.last_mut() {
                    Some(last) if last.index == index => last.function.arguments.push(c),
                    _ => deltas.push(ToolCallDelta {
                        index,
                        id: None,
                        kind: None,
                        function: FunctionDelta {
                            name: None,
                            arguments: c.into(),
                        },
                    }),
                }
            }
            Place::Foot => {
                if c == '}' {
                    self.place = Place::Between;
                }
            }
        }
    }

    /// Nine letters and digits: all that some templates take.
    fn id(&mut self) -> String {
        let mut rng = crate::sampler::Rng::new(self.seed.wrapping_add(self.count as u64));
        const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let letter = |_| LETTERS[(rng.next_u64() % LETTERS.len() as u64) as usize] as char;
        (0..9).map(letter).collect()
    }
}

/// Follows the strings of a JSON text.
fn step(c: char, quoted: &mut bool, escaped: &mut bool) {
    match (*quoted, *escaped, c) {
        (true, true, _) => *escaped = false,
        (true, false, '\\') => *escaped = true,
        (_, false, '"') => *quoted = !*quoted,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(opening: Opening) -> CallStyle {
        CallStyle {
            opening,
            ..CallStyle::default()
        }
    }

    /// Text, and name with arguments of each call, however the text is cut.
    fn read(mut reader: CallReader, text: &str, cut: usize) -> (String, Vec<(String, String)>) {
        let (mut shown, mut calls) = (String::new(), Vec::<(String, String)>::new());
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(cut) {
            let (more, deltas) = reader.push(&piece.iter().collect::<String>());
            shown.push_str(&more);
            for delta in deltas {
                if let Some(name) = delta.function.name {
                    assert_eq!((delta.index, delta.id.map(|id| id.len())), (calls.len(), Some(9)));
                    calls.push((name, String::new()));
                }
                calls[delta.index].1.push_str(&delta.function.arguments);
            }
        }
        shown.push_str(&reader.flush());
        (shown, calls)
    }

    #[test]
    fn calls_are_found_however_they_come() {
        let text = "I <tool look.<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\": \"}{\\\"\", \"y\": {}}}\n</tool_call>\n\
                    <tool_call>\n{\"name\":\"b\",\"arguments\":{}}\n</tool_call>";
        let expect = vec![
            ("a".to_string(), "{\"x\": \"}{\\\"\", \"y\": {}}".to_string()),
            ("b".to_string(), "{}".to_string()),
        ];
        for cut in 1..40 {
            let reader = CallReader::new(&style(Opening::Text("<tool_call>".into())), false, 1);
            assert_eq!(
                read(reader, text, cut),
                ("I <tool look.".to_string(), expect.clone()),
                "{cut}"
            );
        }
    }

    #[test]
    fn a_brace_opens_at_the_beginning_alone() {
        let reader = || CallReader::new(&style(Opening::Brace), false, 1);
        let call = "{\"name\": \"a\", \"parameters\": {\"x\": 1}}";
        assert_eq!(read(reader(), call, 3).1, [("a".to_string(), "{\"x\": 1}".to_string())]);
        assert_eq!(
            read(reader(), "\n so {\"a\": {}}", 2),
            ("\n so {\"a\": {}}".to_string(), vec![])
        );
    }

    #[test]
    fn a_token_opens() {
        let mut reader = CallReader::new(&style(Opening::Token(7)), false, 1);
        assert_eq!(reader.push("{} ").0, "{} ");
        reader.token(7);
        let (shown, deltas) = reader.push("[{\"name\": \"a\", \"arguments\": {}}]");
        assert_eq!((shown.as_str(), deltas.len(), reader.called()), ("", 1, true));
        assert_eq!(deltas[0].function.arguments, "{}");
    }
}
