//! What is asked for, as it comes from a request.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{GrammarError, Result};
use crate::{lark, pattern, schema};
use llguidance::api::{GrammarWithLexer, TopLevelGrammar};

/// Largest grammar that is read, in bytes of its text.
const MAX_BYTES: usize = 512 << 10;

/// A grammar, and from where on it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// What the text must be.
    pub grammar: Grammar,
    /// Where the grammar stands in the request, for messages: `response_format.json_schema.schema`.
    pub path: String,
    /// Text is free up to one of these, and the grammar holds behind it. None: it holds from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
}

/// The kinds of grammar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Grammar {
    /// Any JSON object.
    JsonObject,
    /// A JSON text that satisfies a schema.
    JsonSchema {
        /// The schema.
        schema: Value,
    },
    /// The whole text matches a regular expression of JavaScript.
    Regex {
        /// The expression.
        pattern: String,
    },
    /// A grammar in `llguidance`'s variant of Lark.
    Lark {
        /// Its text.
        text: String,
    },
    /// Calls of tools, one after the other.
    Calls {
        /// How a call is written.
        format: CallFormat,
        /// The tools that may be called.
        tools: Vec<Tool>,
        /// Whether several calls may follow each other.
        parallel: bool,
    },
}

/// How a model writes calls: `opening`, `begin`, a JSON object `{name_key: …, arguments_key: …}`, more of them with
/// `separator` before each, `end`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallFormat {
    /// What opens them, where no trigger has taken it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Trigger>,
    /// Text before the first call.
    pub begin: String,
    /// Between two calls.
    pub separator: String,
    /// Text after the last call.
    pub end: String,
    /// The key of the tool's name.
    pub name_key: String,
    /// The key of the arguments.
    pub arguments_key: String,
}

/// A tool that may be called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The schema of its arguments.
    pub parameters: Value,
    /// Where the schema stands in the request.
    pub path: String,
}

/// What ends free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// This text.
    Text(String),
    /// This token.
    Token(u32),
    /// The answer's first character that is no white space, if it is this one. The grammar holds from there on, with it.
    First(char),
}

impl Spec {
    /// Reads the form in which a grammar crosses from the engine to this module.
    ///
    /// # Errors
    /// [`GrammarError::Unsupported`] for what nests deeper than is read, [`GrammarError::Misused`] for what the engine did
    /// not make.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| {
            // What is not asked for is skipped without recursion.
            #[derive(Deserialize)]
            struct Place {
                path: String,
            }
            let message = e.to_string();
            match serde_json::from_str(text) {
                Ok(Place { path }) if message.starts_with("recursion limit exceeded") => {
                    GrammarError::unsupported(path, "values inside of each other more than 100 levels deep")
                }
                _ => GrammarError::Misused {
                    message: format!("a grammar that was not made by kinglet: {message}"),
                },
            }
        })
    }

    /// The grammar as the matcher reads it.
    pub(crate) fn compiled(&self) -> Result<TopLevelGrammar> {
        let size = serde_json::to_string(&self.grammar).map_or(usize::MAX, |text| text.len());
        if size > MAX_BYTES {
            let message = format!("{size} bytes, at most {MAX_BYTES} are read");
            return Err(GrammarError::unsupported(&self.path, message));
        }
        Ok(match &self.grammar {
            Grammar::JsonObject => {
                let any = serde_json::json!({"type": "object"});
                TopLevelGrammar::from_json_schema(schema::prepare(&any, &self.path)?)
            }
            Grammar::JsonSchema { schema } => TopLevelGrammar::from_json_schema(schema::prepare(schema, &self.path)?),
            Grammar::Regex { pattern } => {
                let translated =
                    pattern::translate(pattern).map_err(|message| GrammarError::unsupported(&self.path, message))?;
                from_lark(format!("start: /{translated}/"))
            }
            Grammar::Lark { text } => {
                lark::check(text, &self.path)?;
                from_lark(text.clone())
            }
            Grammar::Calls {
                format,
                tools,
                parallel,
            } => from_lark(calls(format, tools, *parallel)?),
        })
    }
}

fn from_lark(text: String) -> TopLevelGrammar {
    TopLevelGrammar::from_grammar(GrammarWithLexer::from_lark(text))
}

/// A rule for each tool, and the calls around them.
fn calls(format: &CallFormat, tools: &[Tool], parallel: bool) -> Result<String> {
    let more = match parallel {
        true => format!("({} call)* ", quoted(&format.separator)),
        false => String::new(),
    };
    let names: Vec<String> = (0..tools.len()).map(|i| format!("tool_{i}")).collect();
    let opening = match &format.opening {
        None => String::new(),
        Some(Trigger::Text(text)) => quoted(text),
        Some(Trigger::Token(id)) => format!("<[{id}]>"),
        Some(Trigger::First(c)) => quoted(&c.to_string()),
    };
    let mut text = format!(
        "start: {opening} {} call {more}{}\ncall: {}\n",
        quoted(&format.begin),
        quoted(&format.end),
        names.join(" | ")
    );
    let (name_key, arguments_key) = (literal(&format.name_key), literal(&format.arguments_key));
    for (i, tool) in tools.iter().enumerate() {
        let name = literal(&tool.name);
        text.push_str(&format!(
            "tool_{i}: \"{{\" WS? {name_key} WS? \":\" WS? {name} WS? \",\" WS? {arguments_key} WS? \":\" WS? \
             arguments_{i} WS? \"}}\"\n"
        ));
        if let Some(kind) = tool.parameters.get("type").filter(|kind| *kind != "object") {
            let path = format!("{}.type", tool.path);
            let message = format!("a tool's arguments are an \"object\", and not {kind}");
            return Err(GrammarError::invalid(path, message));
        }
        let mut parameters = schema::prepare(&tool.parameters, &tool.path)?;
        // Arguments are an object, whether their schema says so or not.
        parameters["type"] = "object".into();
        text.push_str(&format!("arguments_{i}: %json {parameters}\n"));
    }
    text.push_str("WS: /[\\x20\\n]{1,8}/\n");
    Ok(text)
}

/// A JSON string, as a string of Lark.
fn literal(text: &str) -> String {
    quoted(&quoted(text))
}

/// A string of Lark: the syntax is JSON's.
fn quoted(text: &str) -> String {
    Value::String(text.into()).to_string()
}
