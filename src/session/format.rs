//! What an answer must look like, as a request says it: `response_format`, `tools` with `tool_choice`, and the grammars of
//! the field `kinglet`.

use serde_json::{Map, Value, json};

use super::reader::Reader;
use crate::error::{Error, Result, json_kind};

/// The form of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Format {
    /// The grammar of the whole text, as the grammar module takes it: `{grammar, path}`.
    pub grammar: Option<Value>,
    /// Which tools the answer may call.
    pub choice: ToolChoice,
    /// Whether it may call several.
    pub parallel: bool,
}

/// OpenAI's `tool_choice`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ToolChoice {
    /// None.
    #[default]
    None,
    /// Those that the model wants to call.
    Auto,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// OpenAI's bound on the length of a tool's name.
const MAX_NAME: usize = 64;

impl Format {
    /// The whole answer is a JSON text.
    pub(super) fn is_json(&self) -> bool {
        let kind = self.grammar.as_ref().and_then(|g| g.pointer("/grammar/type"));
        kind.is_some_and(|kind| kind == "json_schema" || kind == "json_object")
    }

    /// Reads the form of a chat's answer; `tools` as [`tools`] gave them.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub(super) fn chat(reader: &mut Reader<'_>, ours: &mut Reader<'_>, tools: Option<&Value>) -> Result<Self> {
        let choice = choice(reader.take("tool_choice"), tools)?;
        let parallel = reader.boolean("parallel_tool_calls")?.unwrap_or(true);
        let grammar = grammar(reader, ours)?;
        if grammar.is_some() && choice != ToolChoice::None {
            let expected = "\"none\" beside a grammar of the whole answer";
            return Err(Error::invalid(
                "tool_choice",
                expected,
                "another one, or tools without one",
            ));
        }
        Ok(Format {
            grammar,
            choice,
            parallel,
        })
    }

    /// Reads the form of a raw completion: grammars alone.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] naming the parameter.
    pub(super) fn completion(reader: &mut Reader<'_>, ours: &mut Reader<'_>) -> Result<Self> {
        Ok(Format {
            grammar: grammar(reader, ours)?,
            ..Format::default()
        })
    }
}

/// Refuses what nobody would heed: a key of `given` at `path` that is not among `known`. Null counts as absent.
pub(super) fn only(path: &str, given: &Map<String, Value>, known: &[&str]) -> Result<()> {
    let unknown = |(key, value): &(&String, &Value)| !value.is_null() && !known.contains(&key.as_str());
    match given.iter().find(unknown) {
        None => Ok(()),
        Some((key, _)) => {
            let expected = format!("only {}", known.join(", "));
            Err(Error::invalid(
                format!("{path}.{key}"),
                expected,
                "a parameter that kinglet does not know",
            ))
        }
    }
}

/// [`only`] for a value that may be something else, about which another check complains.
fn only_in(path: &str, given: Option<&Value>, known: &[&str]) -> Result<()> {
    given
        .and_then(Value::as_object)
        .map_or(Ok(()), |map| only(path, map, known))
}

/// Checks the list of tools; an empty one is none.
pub(super) fn tools(given: Option<&Value>) -> Result<Option<Value>> {
    let list = match given {
        None => return Ok(None),
        Some(Value::Array(list)) if list.is_empty() => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(Error::invalid("tools", "a list", json_kind(other))),
    };
    for (i, tool) in list.iter().enumerate() {
        let at = |field: &str| format!("tools[{i}]{field}");
        match tool.get("type").and_then(Value::as_str) {
            Some("function") => {}
            other => return Err(Error::invalid(at(".type"), "\"function\"", other.unwrap_or("nothing"))),
        }
        let name = tool.pointer("/function/name").and_then(Value::as_str).unwrap_or("");
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(word) {
            let expected = format!("1 to {MAX_NAME} letters, digits, \"_\" and \"-\"");
            return Err(Error::invalid(at(".function.name"), expected, format!("{name:?}")));
        }
        match tool.pointer("/function/parameters") {
            None | Some(Value::Null | Value::Object(_)) => {}
            Some(other) => return Err(Error::invalid(at(".function.parameters"), "a schema", json_kind(other))),
        }
        only_in(&at(""), Some(tool), &["type", "function"])?;
        let known = ["name", "description", "parameters", "strict"];
        only_in(&at(".function"), tool.get("function"), &known)?;
        if list[..i]
            .iter()
            .any(|t| t.pointer("/function/name").and_then(Value::as_str) == Some(name))
        {
            return Err(Error::invalid(
                at(".function.name"),
                "a name that no other tool has",
                name,
            ));
        }
    }
    Ok(Some(Value::Array(list.clone())))
}

fn choice(given: Option<&Value>, tools: Option<&Value>) -> Result<ToolChoice> {
    let expected = "\"none\", \"auto\", \"required\" or {\"type\": \"function\", \"function\": {\"name\": …}}";
    let choice = match given {
        None if tools.is_some() => ToolChoice::Auto,
        None => ToolChoice::None,
        Some(Value::String(word)) => match word.as_str() {
            "none" => ToolChoice::None,
            "auto" => ToolChoice::Auto,
            "required" => ToolChoice::Required,
            other => return Err(Error::invalid("tool_choice", expected, format!("{other:?}"))),
        },
        Some(named) => match named.pointer("/function/name").and_then(Value::as_str) {
            Some(name) if named.get("type").and_then(Value::as_str) == Some("function") => {
                only_in("tool_choice", Some(named), &["type", "function"])?;
                only_in("tool_choice.function", named.get("function"), &["name"])?;
                ToolChoice::Named(name.into())
            }
            _ => return Err(Error::invalid("tool_choice", expected, named)),
        },
    };
    let known = |name: &str| {
        let list = tools.and_then(Value::as_array);
        list.is_some_and(|l| {
            l.iter()
                .any(|t| t.pointer("/function/name").and_then(Value::as_str) == Some(name))
        })
    };
    match &choice {
        ToolChoice::Required | ToolChoice::Named(_) if tools.is_none() => {
            Err(Error::invalid("tool_choice", "tools beside it", "none"))
        }
        ToolChoice::Named(name) if !known(name) => Err(Error::invalid(
            "tool_choice",
            "the name of one of the tools",
            format!("{name:?}"),
        )),
        // Without tools there is nothing to choose.
        ToolChoice::Auto if tools.is_none() => Ok(ToolChoice::None),
        _ => Ok(choice),
    }
}

fn grammar(reader: &mut Reader<'_>, ours: &mut Reader<'_>) -> Result<Option<Value>> {
    let mut found = reader
        .take("response_format")
        .map(response_format)
        .transpose()?
        .flatten();
    let (regex, lark) = (ours.text("regex")?, ours.text("lark")?);
    let own = [
        regex.map(|pattern| ("regex", json!({"type": "regex", "pattern": pattern}))),
        lark.map(|text| ("lark", json!({"type": "lark", "text": text}))),
    ];
    for (name, grammar) in own.into_iter().flatten() {
        let path = ours.name(name);
        if found.is_some() {
            return Err(Error::invalid(path, "one grammar", "another one beside it"));
        }
        found = Some(json!({"grammar": grammar, "path": path}));
    }
    Ok(found)
}

fn response_format(format: &Value) -> Result<Option<Value>> {
    let at = "response_format";
    let kind = format.get("type").and_then(Value::as_str);
    match kind {
        Some("text" | "json_object") => only_in(at, Some(format), &["type"])?,
        Some("json_schema") => only_in(at, Some(format), &["type", "json_schema"])?,
        _ => {}
    }
    match kind {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(json!({"grammar": {"type": "json_object"}, "path": at}))),
        Some("json_schema") => {
            let given = format.get("json_schema").and_then(Value::as_object);
            let given = given.ok_or_else(|| Error::invalid("response_format.json_schema", "an object", "none"))?;
            only(
                "response_format.json_schema",
                given,
                &["name", "schema", "strict", "description"],
            )?;
            let path = "response_format.json_schema.schema";
            // OpenAI's own: without a schema any object will do.
            let any = json!({"type": "object"});
            let schema = given.get("schema").filter(|s| !s.is_null()).unwrap_or(&any);
            if !schema.is_object() && !schema.is_boolean() {
                return Err(Error::invalid(path, "a schema", json_kind(schema)));
            }
            Ok(Some(
                json!({"grammar": {"type": "json_schema", "schema": schema}, "path": path}),
            ))
        }
        other => {
            let expected = "\"text\", \"json_object\" or \"json_schema\"";
            Err(Error::invalid(
                "response_format.type",
                expected,
                other.unwrap_or("nothing"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Format> {
        let mut reader = Reader::new(&body, &[])?;
        let mut ours = reader.ours()?;
        let tools = tools(reader.take("tools"))?;
        let format = Format::chat(&mut reader, &mut ours, tools.as_ref())?;
        reader.done(&[])?;
        ours.done(&[])?;
        Ok(format)
    }

    #[test]
    fn grammars_are_read() {
        let schema =
            json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": {"type": "null"}}});
        let found = read(json!({"response_format": schema})).unwrap().grammar.unwrap();
        assert_eq!(
            found["grammar"],
            json!({"type": "json_schema", "schema": {"type": "null"}})
        );
        assert_eq!(found["path"], "response_format.json_schema.schema");
        assert_eq!(
            read(json!({"response_format": {"type": "text"}})).unwrap(),
            Format {
                parallel: true,
                ..Format::default()
            }
        );
        assert_eq!(
            read(json!({"kinglet": {"regex": "a"}})).unwrap().grammar.unwrap()["path"],
            "kinglet.regex"
        );
    }

    #[test]
    fn wrong_forms_are_named() {
        let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
        for (body, param) in [
            (json!({"response_format": {"type": "xml"}}), "response_format.type"),
            (
                json!({"response_format": {"type": "json_schema"}}),
                "response_format.json_schema",
            ),
            (
                json!({"response_format": {"type": "json_schema", "json_schema": {"schema": 1}}}),
                "response_format.json_schema.schema",
            ),
            (json!({"kinglet": {"regexp": "a"}}), "kinglet.regexp"),
            (json!({"kinglet": {"regex": 1}}), "kinglet.regex"),
            (json!({"kinglet": {"regex": "a", "lark": "b"}}), "kinglet.lark"),
            (
                json!({"response_format": {"type": "json_object"}, "kinglet": {"lark": "b"}}),
                "kinglet.lark",
            ),
            (json!({"tools": 1}), "tools"),
            (json!({"tools": [{"type": "retrieval"}]}), "tools[0].type"),
            (json!({"tools": [tool("a b")]}), "tools[0].function.name"),
            (json!({"tools": [tool("a"), tool("a")]}), "tools[1].function.name"),
            (json!({"tools": [tool("a")], "tool_choice": "any"}), "tool_choice"),
            (
                json!({"tools": [tool("a")], "tool_choice": {"type": "function", "function": {"name": "b"}}}),
                "tool_choice",
            ),
            (json!({"tool_choice": "required"}), "tool_choice"),
            (
                json!({"tools": [tool("a")], "response_format": {"type": "json_object"}}),
                "tool_choice",
            ),
            (json!({"parallel_tool_calls": 1}), "parallel_tool_calls"),
            // What would be dropped silently, the schema above all.
            (
                json!({"response_format": {"type": "json_object", "schema": {}}}),
                "response_format.schema",
            ),
            (
                json!({"response_format": {"type": "text", "a": 1}}),
                "response_format.a",
            ),
            (
                json!({"response_format": {"type": "json_schema", "json_schema": {}, "strict": true}}),
                "response_format.strict",
            ),
            (
                json!({"response_format": {"type": "json_schema", "json_schema": {"schem": {}}}}),
                "response_format.json_schema.schem",
            ),
            (
                json!({"tools": [{"type": "function", "function": {"name": "a"}, "strict": true}]}),
                "tools[0].strict",
            ),
            (
                json!({"tools": [{"type": "function", "function": {"name": "a", "schema": {}}}]}),
                "tools[0].function.schema",
            ),
            (
                json!({"tools": [tool("a")], "tool_choice": {"type": "function", "function": {"name": "a"}, "b": 1}}),
                "tool_choice.b",
            ),
            (
                json!({"tools": [tool("a")], "tool_choice": {"type": "function", "function": {"name": "a", "b": 1}}}),
                "tool_choice.function.b",
            ),
        ] {
            let error = read(body.clone()).unwrap_err();
            assert_eq!(error.detail()["param"], param, "{body}: {error}");
        }
    }

    #[test]
    fn choices() {
        let tools = json!([{"type": "function", "function": {"name": "a"}}]);
        assert_eq!(read(json!({"tools": tools})).unwrap().choice, ToolChoice::Auto);
        assert_eq!(
            read(json!({"tools": tools, "tool_choice": "none"})).unwrap().choice,
            ToolChoice::None
        );
        assert_eq!(read(json!({"tool_choice": "auto"})).unwrap().choice, ToolChoice::None);
        let named = json!({"type": "function", "function": {"name": "a"}});
        assert_eq!(
            read(json!({"tools": tools, "tool_choice": named})).unwrap().choice,
            ToolChoice::Named("a".into())
        );
    }
}
