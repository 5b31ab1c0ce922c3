//! A JSON schema before it goes to the matcher: every keyword is known and enforced exactly, or the schema is refused.
//!
//! `llguidance` ignores keywords that it does not know, reads options from a keyword of its own, resolves references
//! without their escapes, and matches dates that do not exist. So it never sees a schema as it came: what it gets is built
//! here, from keywords that are known to be enforced, with references resolved, expressions and formats translated.

use serde_json::{Map, Value, json};

use crate::error::{GrammarError, Result};
use crate::keyword::Keyword;
use crate::values::{anchored, percent_decoded};

/// Deepest nesting of subschemas.
pub(crate) const MAX_DEPTH: usize = 40;
/// Most subschemas, those behind references included.
pub(crate) const MAX_SCHEMAS: usize = 10_000;
/// Most characters, items or properties that a bound can ask for.
pub(crate) const MAX_COUNT: u64 = 100_000;
/// The largest whole number up to which all of them are numbers of JSON, and of the matcher.
pub(crate) const EXACT: f64 = 9_007_199_254_740_992.0;

/// Keywords that describe and do not constrain.
pub(crate) const ANNOTATIONS: [&str; 13] = [
    "$anchor",
    "$comment",
    "$defs",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "definitions",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "writeOnly",
];

pub(crate) const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

/// Between the parts of a document: one space, or one line break with indentation. Unbounded white space would let a
/// model that has lost its way write blanks for ever.
const WHITE_SPACE: &str = r"\x20|\r?\n[\x20\t]{0,20}";

/// The schema in the form that the matcher gets. `path` is where it stands in the request, for messages.
///
/// # Errors
/// [`GrammarError`] with the path of the keyword that makes no sense or cannot be enforced.
pub fn prepare(schema: &Value, path: &str) -> Result<Value> {
    let mut prepared = Preparer {
        root: schema,
        old: is_old(schema, path)?,
        refs: Vec::new(),
        count: 0,
    };
    let whole = prepared.schema(schema, path, 0)?;
    // References can lead to schemas with references of their own.
    let mut done = 0;
    let mut targets = Map::new();
    while let Some((pointer, target)) = prepared.refs.get(done).cloned() {
        let at = format!("{path}{}", pointer.trim_start_matches('#').replace('/', "."));
        let target = prepared.schema(target, &at, 0)?;
        targets.insert(done.to_string(), target);
        done += 1;
    }
    let mut whole = match whole {
        Value::Object(map) => map,
        other => Map::from_iter([("allOf".to_string(), json!([other]))]),
    };
    if !targets.is_empty() {
        whole.insert("$defs".into(), Value::Object(targets));
    }
    whole.insert(
        "x-guidance".into(),
        json!({"whitespace_pattern": WHITE_SPACE, "json_allow_general_unicode_escapes": false}),
    );
    Ok(Value::Object(whole))
}

/// Whether the schema is of a draft in which `items` may be a list and `$ref` stands alone.
fn is_old(schema: &Value, path: &str) -> Result<bool> {
    let Some(draft) = schema.get("$schema") else {
        return Ok(false);
    };
    match draft
        .as_str()
        .map(|d| d.trim_end_matches('#').replace("http:", "https:"))
        .as_deref()
    {
        Some("https://json-schema.org/draft/2020-12/schema" | "https://json-schema.org/schema") => Ok(false),
        Some("https://json-schema.org/draft/2019-09/schema") => Ok(true),
        Some("https://json-schema.org/draft-07/schema" | "https://json-schema.org/draft-06/schema") => Ok(true),
        _ => Err(GrammarError::unsupported(
            format!("{path}.$schema"),
            format!("{draft}; the drafts 2020-12, 2019-09, 7 and 6 are"),
        )),
    }
}

/// A schema in preparation.
pub(crate) struct Preparer<'a> {
    root: &'a Value,
    pub(crate) old: bool,
    /// Targets of references, by their pointers.
    refs: Vec<(String, &'a Value)>,
    pub(crate) count: usize,
}

impl<'a> Preparer<'a> {
    /// A schema, or a part of it.
    pub(crate) fn schema(&mut self, schema: &'a Value, path: &str, depth: usize) -> Result<Value> {
        self.count += 1;
        if depth > MAX_DEPTH {
            let message = format!("schemas nested deeper than {MAX_DEPTH}; use \"$ref\" into \"$defs\"");
            return Err(GrammarError::unsupported(path, message));
        }
        if self.count > MAX_SCHEMAS {
            return Err(GrammarError::unsupported(
                path,
                format!("more than {MAX_SCHEMAS} subschemas"),
            ));
        }
        let given = match schema {
            Value::Bool(_) => return Ok(schema.clone()),
            Value::Object(given) => given,
            _ => return Err(GrammarError::invalid(path, "a schema is an object, true or false")),
        };
        let mut out = Out {
            keywords: Map::new(),
            all_of: Vec::new(),
        };
        for (name, value) in given {
            let at = format!("{path}.{name}");
            let keyword = Keyword {
                name,
                value,
                given,
                at,
                depth,
            };
            self.keyword(&keyword, &mut out)?;
        }
        Ok(out.finish())
    }

    pub(crate) fn is_root(&self, given: &Map<String, Value>) -> bool {
        self.root.as_object().is_some_and(|root| std::ptr::eq(root, given))
    }

    /// The subschema that is a keyword's value.
    pub(crate) fn only(&mut self, keyword: &Keyword<'a>) -> Result<Value> {
        self.schema(keyword.value, &keyword.at, keyword.depth + 1)
    }

    /// The subschemas in a list.
    pub(crate) fn list(&mut self, list: &'a [Value], keyword: &Keyword<'a>) -> Result<Vec<Value>> {
        let schemas = list.iter().enumerate();
        schemas
            .map(|(i, s)| self.schema(s, &format!("{}[{i}]", keyword.at), keyword.depth + 1))
            .collect()
    }

    /// The subschemas in an object, under names that `name` makes of theirs.
    pub(crate) fn map(
        &mut self,
        keyword: &Keyword<'a>,
        name: impl Fn(&str, &str) -> Result<String>,
    ) -> Result<Map<String, Value>> {
        let mut out = Map::new();
        for (key, schema) in keyword.object()? {
            let at = format!("{}.{key}", keyword.at);
            let former = out.insert(name(&at, key)?, self.schema(schema, &at, keyword.depth + 1)?);
            if former.is_some() {
                return Err(GrammarError::unsupported(at, "two expressions that mean the same"));
            }
        }
        Ok(out)
    }

    /// What a reference into the same schema leads to.
    pub(crate) fn target(&self, reference: &str) -> Option<&'a Value> {
        match percent_decoded(reference.strip_prefix('#')?)?.as_str() {
            "" => Some(self.root),
            pointer if pointer.starts_with('/') => self.root.pointer(pointer),
            anchor => anchored(self.root, anchor, 0),
        }
    }

    /// The reference in the prepared schema.
    pub(crate) fn reference(&mut self, keyword: &Keyword<'a>) -> Result<String> {
        let (text, at) = (keyword.text()?, keyword.at.as_str());
        if !text.starts_with('#') {
            let message = format!("{text:?}: only references into the same schema, \"#/…\", are");
            return Err(GrammarError::unsupported(at, message));
        }
        let target = self
            .target(text)
            .ok_or_else(|| GrammarError::invalid(at, format!("{text:?} leads to nothing")))?;
        let local = text.to_string();
        let index = match self.refs.iter().position(|(pointer, _)| *pointer == local) {
            Some(index) => index,
            None => {
                self.refs.push((local, target));
                self.refs.len() - 1
            }
        };
        Ok(format!("#/$defs/{index}"))
    }
}

/// A schema under construction.
pub(crate) struct Out {
    keywords: Map<String, Value>,
    /// What must hold as well, each on its own.
    pub(crate) all_of: Vec<Value>,
}

impl Out {
    pub(crate) fn set(&mut self, keyword: &str, value: Value) {
        self.keywords.insert(keyword.into(), value);
    }

    fn finish(mut self) -> Value {
        // The matcher reads these two together only where nothing that applies to the whole value stands between them.
        for name in ["patternProperties", "additionalProperties"] {
            if let Some(value) = self.keywords.shift_remove(name) {
                self.set(name, value);
            }
        }
        if !self.all_of.is_empty() {
            self.keywords.insert("allOf".into(), Value::Array(self.all_of));
        }
        Value::Object(self.keywords)
    }
}
