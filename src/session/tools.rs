//! How a model's template has tools called: found by rendering a call of a tool that nobody has, not by the model's name.

use serde_json::{Map, Value, json};

use super::prompt;
use super::{Format, ToolChoice};
use crate::error::{Error, Result};
use crate::text::{Bos, Special, Tokenizer};

/// How a call is written: something opens it, then comes `{name_key: …, arguments_key: …}`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CallStyle {
    /// What ends free text.
    pub opening: Opening,
    /// Between the opening and the first call.
    pub(super) begin: String,
    /// Between two calls; none: one call only.
    pub(super) separator: Option<String>,
    /// Behind the last call.
    pub(super) end: String,
    pub(super) name_key: String,
    pub(super) arguments_key: String,
}

/// What opens a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opening {
    /// A text.
    Text(String),
    /// A control token.
    Token(u32),
    /// The object itself, where it is the first thing that is said.
    Brace,
}

impl Default for Opening {
    fn default() -> Self {
        Opening::Text(String::new())
    }
}

const NAME: &str = "kinglet_probe";
const KEY: &str = "probe_key";

impl CallStyle {
    /// Asks the template. `extra`: its further arguments.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] where it takes no notice of tools, or writes calls in another way.
    pub(super) fn of(tokenizer: &Tokenizer, extra: &Map<String, Value>) -> Result<Self> {
        let unsupported = |got: &str| {
            let expected = "a model whose chat template shows tools to it and writes calls as JSON objects with name and \
                            arguments, or tool_choice \"none\"";
            Error::invalid("tools", expected, got)
        };
        let parameters = json!({"type": "object", "properties": {KEY: {"type": "string"}}, "required": [KEY]});
        let function = json!({"name": NAME, "description": "probe", "parameters": parameters});
        let tools = json!([{"type": "function", "function": function}]);
        let question = json!({"role": "user", "content": "?"});
        let call = |id: &str| {
            let arguments = json!({KEY: "x"});
            json!({"id": id, "type": "function", "function": {"name": NAME, "arguments": arguments}})
        };
        let render = |calls: &[Value]| {
            let mut messages = vec![question.clone()];
            if !calls.is_empty() {
                messages.push(json!({"role": "assistant", "content": "", "tool_calls": calls}));
            }
            prompt::text(tokenizer, &messages, Some(&tools), extra, calls.is_empty())
        };
        let before = render(&[])?;
        if !before.contains(NAME) {
            return Err(unsupported("a chat template that takes no notice of tools"));
        }
        let other = || unsupported("a chat template that writes calls in another way");
        let one = render(&[call("probe0001")]).map_err(|_| other())?;
        let two = render(&[call("probe0001"), call("probe0002")]).ok();
        let answer = said(&before, &one).ok_or_else(other)?;
        let found = objects(answer);
        let (first, object) = found.first().ok_or_else(other)?;
        let (name_key, arguments_key) = keys(object).ok_or_else(other)?;
        let begin = answer[..first.start]
            .rsplit("</think>")
            .next()
            .unwrap_or_default()
            .trim_start();
        let separator = two.as_deref().and_then(|two| {
            let answer = said(&before, two)?;
            let found = objects(answer);
            let [(a, _), (b, _)] = found.as_slice() else {
                return None;
            };
            Some(answer[a.end..b.start].to_string())
        });
        // A call's end is text up to the first control token; that one, or the model's own, ends the answer.
        let end = tokenizer.encode(&answer[first.end..], Special::Parse, Bos::No)?;
        let text_end = end.iter().position(|&id| tokenizer.is_markup(id)).unwrap_or(end.len());
        let controls = separator
            .as_deref()
            .map(|s| tokenizer.encode(s, Special::Parse, Bos::No))
            .transpose()?;
        let plain = controls.is_none_or(|ids| !ids.iter().any(|&id| tokenizer.is_markup(id)));
        let style = CallStyle {
            end: tokenizer
                .decode(&end[..text_end], Special::Parse)?
                .trim_end()
                .to_string(),
            separator: separator.filter(|_| plain),
            name_key,
            arguments_key,
            ..opened(tokenizer, begin)?
        };
        Ok(style)
    }

    /// The grammar module's `{grammar, path, trigger?}` for the calls that a request allows.
    pub(super) fn grammar(&self, tools: &Value, format: &Format) -> Value {
        let all = tools.as_array().map(Vec::as_slice).unwrap_or_default();
        let name = |tool: &Value| {
            tool.pointer("/function/name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let wanted = |tool: &Value| match &format.choice {
            ToolChoice::Named(only) => name(tool) == *only,
            _ => true,
        };
        let tools: Vec<Value> = (all.iter().enumerate())
            .filter(|(_, tool)| wanted(tool))
            .map(|(i, tool)| {
                let parameters = tool.pointer("/function/parameters").filter(|p| !p.is_null()).cloned();
                let path = format!("tools[{i}].function.parameters");
                json!({"name": name(tool), "parameters": parameters.unwrap_or_else(|| json!({"type": "object"})), "path": path})
            })
            .collect();
        let auto = format.choice == ToolChoice::Auto;
        let (opening, trigger) = match &self.opening {
            Opening::Text(text) => (json!({"text": text}), json!({"text": text})),
            Opening::Token(id) => (json!({"token": id}), json!({"token": id})),
            Opening::Brace => (Value::Null, json!({"first": "{"})),
        };
        let style = json!({
            "opening": if auto { Value::Null } else { opening },
            "begin": self.begin,
            "separator": self.separator.clone().unwrap_or_default(),
            "end": self.end,
            "name_key": self.name_key,
            "arguments_key": self.arguments_key,
        });
        let parallel = format.parallel && self.separator.is_some() && !matches!(format.choice, ToolChoice::Named(_));
        let calls = json!({"type": "calls", "format": style, "tools": tools, "parallel": parallel});
        match auto {
            true => json!({"grammar": calls, "path": "tools", "trigger": trigger}),
            false => json!({"grammar": calls, "path": "tools"}),
        }
    }
}

/// The opening, and what follows it up to the call.
fn opened(tokenizer: &Tokenizer, begin: &str) -> Result<CallStyle> {
    let ids = tokenizer.encode(begin, Special::Parse, Bos::No)?;
    let markup = ids.iter().rposition(|&id| tokenizer.is_markup(id));
    let (opening, begin) = match markup {
        Some(at) => (
            Opening::Token(ids[at]),
            tokenizer.decode(&ids[at + 1..], Special::Parse)?,
        ),
        None if begin.trim().is_empty() => (Opening::Brace, String::new()),
        None => {
            // White space and brackets behind the marker are the call's.
            let marker = begin.trim_end_matches(|c: char| c.is_whitespace() || c == '[');
            match marker.is_empty() {
                true => (Opening::Text(begin.trim().into()), String::new()),
                false => (Opening::Text(marker.into()), begin[marker.len()..].to_string()),
            }
        }
    };
    Ok(CallStyle {
        opening,
        begin,
        ..CallStyle::default()
    })
}

/// What the assistant says in a rendered conversation that begins like `before`.
fn said<'t>(before: &str, whole: &'t str) -> Option<&'t str> {
    if let Some(answer) = whole.strip_prefix(before) {
        return Some(answer);
    }
    // The prompt may open a thought that the answer of a message has not; all up to the last line is the same.
    let line = before.trim_end().rfind('\n').map_or(0, |at| at + 1);
    let common = before.bytes().zip(whole.bytes()).take_while(|(a, b)| a == b).count();
    (common >= line.min(before.trim_end().len()))
        .then(|| whole.get(common..))
        .flatten()
}

/// The calls' objects in a text: where they are, and what they hold.
fn objects(text: &str) -> Vec<(std::ops::Range<usize>, Map<String, Value>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(brace) = text[at..].find('{').map(|n| at + n) {
        let mut stream = serde_json::Deserializer::from_str(&text[brace..]).into_iter::<Value>();
        match stream.next() {
            Some(Ok(Value::Object(map))) if map.values().any(|v| v == NAME) => {
                let end = brace + stream.byte_offset();
                found.push((brace..end, map));
                at = end;
            }
            _ => at = brace + 1,
        }
    }
    found
}

/// The keys of name and arguments.
fn keys(object: &Map<String, Value>) -> Option<(String, String)> {
    let name = object.iter().find(|(_, v)| *v == NAME)?.0;
    let arguments = object.iter().find(|(_, v)| v.get(KEY).is_some())?.0;
    Some((name.clone(), arguments.clone()))
}
