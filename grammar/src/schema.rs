//! A JSON schema before it goes to the matcher: every keyword is known and enforced exactly, or the schema is refused.
//!
//! `llguidance` ignores keywords that it does not know, reads options from a keyword of its own, resolves references
//! without their escapes, and matches dates that do not exist. So it never sees a schema as it came: what it gets is built
//! here, from keywords that are known to be enforced, with references resolved, expressions and formats translated.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::error::{GrammarError, Result};
use crate::values::{anchored, count, exact, names, negation, percent_decoded, types};
use crate::{formats, pattern};

/// Deepest nesting of subschemas.
pub(crate) const MAX_DEPTH: usize = 40;
/// Most subschemas, those behind references included.
const MAX_SCHEMAS: usize = 10_000;
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

struct Preparer<'a> {
    root: &'a Value,
    old: bool,
    /// Targets of references, by their pointers.
    refs: Vec<(String, &'a Value)>,
    count: usize,
}

impl<'a> Preparer<'a> {
    fn schema(&mut self, schema: &'a Value, path: &str, depth: usize) -> Result<Value> {
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
        for (keyword, value) in given {
            let at = format!("{path}.{keyword}");
            self.keyword(keyword, value, given, &at, depth, &mut out)?;
        }
        Ok(out.finish())
    }

    fn keyword(
        &mut self,
        keyword: &str,
        value: &'a Value,
        given: &'a Map<String, Value>,
        at: &str,
        depth: usize,
        out: &mut Out,
    ) -> Result<()> {
        let describes = ANNOTATIONS.contains(&keyword) || matches!(keyword, "title" | "$schema" | "$id");
        if self.old && given.contains_key("$ref") && keyword != "$ref" && !describes {
            // Up to draft 7 a reference stands alone, from 2019-09 on its siblings count.
            let message = "a keyword beside \"$ref\" means different things in different drafts";
            return Err(GrammarError::unsupported(at, message));
        }
        let unsupported = |message: &str| Err(GrammarError::unsupported(at, message));
        match keyword {
            "title" | "$dynamicAnchor" => {}
            "$schema" | "$id" | "$vocabulary" if self.is_root(given) => {}
            name if ANNOTATIONS.contains(&name) || name.starts_with("x-") => {}
            "type" => out.set(keyword, types(value, at)?),
            "enum" => {
                let list = value.as_array().filter(|list| !list.is_empty());
                let list =
                    list.ok_or_else(|| GrammarError::invalid(at, "a list with at least one value is expected"))?;
                list.iter().try_for_each(|v| exact(v, at))?;
                out.set(keyword, value.clone());
            }
            "const" => {
                exact(value, at)?;
                out.set(keyword, value.clone());
            }
            "allOf" | "anyOf" | "oneOf" => {
                let list = value.as_array().filter(|list| !list.is_empty());
                let list =
                    list.ok_or_else(|| GrammarError::invalid(at, "a list with at least one schema is expected"))?;
                let list = self.list(list, at, depth)?;
                match keyword {
                    "allOf" => out.all_of.extend(list),
                    _ => out.set(keyword, Value::Array(list)),
                }
            }
            "$ref" => out.set(keyword, Value::String(self.reference(value, at)?)),
            "properties" => {
                let properties = self.map(value, at, depth, |_, name| Ok(name.to_owned()))?;
                out.set(keyword, Value::Object(properties));
            }
            "patternProperties" => {
                let translated = |at: &str, name: &str| {
                    pattern::translate(name).map_err(|message| GrammarError::unsupported(at, message))
                };
                let properties = self.map(value, at, depth, translated)?;
                out.set(keyword, Value::Object(properties));
            }
            "additionalProperties" => out.set(keyword, self.schema(value, at, depth + 1)?),
            "required" => out.set(keyword, names(value, at)?),
            "minProperties" | "maxProperties" | "minItems" | "maxItems" | "minLength" | "maxLength" => {
                let n = count(value, at)?;
                if keyword == "minProperties" {
                    let required = given.get("required").and_then(Value::as_array).map_or(0, Vec::len);
                    if n as usize > required + 1 {
                        return unsupported("names that are free could repeat; list the properties as \"required\"");
                    }
                }
                out.set(keyword, n.into());
            }
            "items" => match value {
                Value::Array(list) if self.old => out.set("prefixItems", Value::Array(self.list(list, at, depth)?)),
                Value::Array(_) => {
                    return Err(GrammarError::invalid(
                        at,
                        "a schema is expected; a list is \"prefixItems\"",
                    ));
                }
                _ => out.set(keyword, self.schema(value, at, depth + 1)?),
            },
            "additionalItems" if self.old => {
                // It says something only beside a list.
                if given.get("items").is_some_and(Value::is_array) {
                    out.set("items", self.schema(value, at, depth + 1)?);
                }
            }
            "prefixItems" => {
                let list = value
                    .as_array()
                    .ok_or_else(|| GrammarError::invalid(at, "a list of schemas is expected"))?;
                out.set(keyword, Value::Array(self.list(list, at, depth)?));
            }
            "pattern" => {
                let text = value
                    .as_str()
                    .ok_or_else(|| GrammarError::invalid(at, "a string is expected"))?;
                let translated = pattern::translate(text).map_err(|message| GrammarError::unsupported(at, message))?;
                out.all_of.push(json!({"pattern": translated}));
            }
            "format" => {
                let name = value
                    .as_str()
                    .ok_or_else(|| GrammarError::invalid(at, "a string is expected"))?;
                let known = formats::format(name).ok_or_else(|| {
                    GrammarError::unsupported(at, format!("the format {name:?}; these are: {}", formats::KNOWN))
                })?;
                let mut enforced = json!({"pattern": format!("^(?:{})$", known.0)});
                if let Some(most) = known.1 {
                    enforced["maxLength"] = most.into();
                }
                out.all_of.push(enforced);
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                let n = value
                    .as_f64()
                    .ok_or_else(|| GrammarError::invalid(at, "a number is expected"))?;
                exact(value, at)?;
                if keyword == "multipleOf" && n <= 0.0 {
                    return Err(GrammarError::invalid(at, "a number above 0 is expected"));
                }
                if n.abs() > EXACT || (n != 0.0 && n.abs() < 1e-6) {
                    return unsupported("a number of this size");
                }
                out.set(keyword, value.clone());
            }
            _ => return self.rarer(keyword, value, given, at, depth, out),
        }
        Ok(())
    }

    /// Keywords that are enforced in some of their uses, by others that mean the same.
    fn rarer(
        &mut self,
        keyword: &str,
        value: &'a Value,
        given: &'a Map<String, Value>,
        at: &str,
        depth: usize,
        out: &mut Out,
    ) -> Result<()> {
        let unsupported = |message: &str| Err(GrammarError::unsupported(at, message));
        let has = |name: &str| given.contains_key(name);
        match keyword {
            "uniqueItems" => match value {
                Value::Bool(false) => {}
                Value::Bool(true) if given.get("maxItems").and_then(Value::as_f64).is_some_and(|n| n <= 1.0) => {}
                Value::Bool(true) => return unsupported("that items differ"),
                _ => return Err(GrammarError::invalid(at, "true or false is expected")),
            },
            "minContains" | "maxContains" if !has("contains") => {}
            "contains" | "minContains" | "maxContains" => return unsupported("counting items that match"),
            "then" | "else" if !has("if") => {}
            "if" if !has("then") && !has("else") => {}
            "if" | "then" | "else" => return unsupported("conditions; write the cases as \"anyOf\" or \"oneOf\""),
            "propertyNames" => out.all_of.extend(self.names(value, at)?),
            "dependentRequired" | "dependentSchemas" | "dependencies" => {
                let map = value
                    .as_object()
                    .ok_or_else(|| GrammarError::invalid(at, "an object is expected"))?;
                for (name, then) in map {
                    let at = format!("{at}.{name}");
                    let then = match then {
                        Value::Array(_) if keyword != "dependentSchemas" => json!({"required": names(then, &at)?}),
                        _ if keyword == "dependentRequired" => {
                            return Err(GrammarError::invalid(at, "a list of names is expected"));
                        }
                        _ => self.schema(then, &at, depth + 1)?,
                    };
                    out.all_of.push(json!({"anyOf": [{"properties": {name: false}}, then]}));
                }
            }
            "unevaluatedProperties" | "unevaluatedItems" => {
                const IN_PLACE: [&str; 12] = [
                    "$ref",
                    "$dynamicRef",
                    "allOf",
                    "anyOf",
                    "oneOf",
                    "not",
                    "if",
                    "then",
                    "else",
                    "contains",
                    "dependentSchemas",
                    "dependencies",
                ];
                if IN_PLACE.iter().any(|name| has(name)) {
                    let message = "beside keywords that apply other schemas to the same value, but for \"allOf\" and \"$ref\" \
                                   with plain \"properties\"";
                    let mut known = Map::new();
                    let mut seen = HashSet::new();
                    if keyword == "unevaluatedItems" || !self.evaluated(given, depth, &mut known, &mut seen) {
                        return unsupported(message);
                    }
                    // What was looked at, and what is written out, counts as if it had stood here.
                    self.count += seen.len() + known.len();
                    if self.count > MAX_SCHEMAS {
                        return unsupported(&format!("more than {MAX_SCHEMAS} subschemas"));
                    }
                    let rest = self.schema(value, at, depth + 1)?;
                    out.all_of
                        .push(json!({"properties": known, "additionalProperties": rest}));
                    return Ok(());
                }
                let simple = if keyword == "unevaluatedItems" {
                    "items"
                } else {
                    "additionalProperties"
                };
                if !has(simple) {
                    out.set(simple, self.schema(value, at, depth + 1)?);
                }
            }
            "not" => {
                let negated = negation(value).ok_or_else(|| {
                    GrammarError::unsupported(
                        at,
                        "it is of a \"type\" or of \"required\" alone; say what is allowed instead",
                    )
                })?;
                out.all_of.push(negated);
            }
            "$dynamicRef" | "$recursiveRef" | "$recursiveAnchor" => {
                return unsupported("references that depend on the way");
            }
            "$id" | "id" => return unsupported("a schema with an address of its own inside of another"),
            _ => return unsupported("a keyword that kinglet does not know"),
        }
        Ok(())
    }

    /// Collects the names of properties that a schema describes in any case; false: which ones depends on the value.
    /// Each schema is `seen` once, however many references lead to it.
    fn evaluated(
        &self,
        schema: &'a Map<String, Value>,
        depth: usize,
        known: &mut Map<String, Value>,
        seen: &mut HashSet<*const Map<String, Value>>,
    ) -> bool {
        const CONDITIONAL: [&str; 12] = [
            "$dynamicRef",
            "$recursiveRef",
            "anyOf",
            "oneOf",
            "if",
            "dependentSchemas",
            "dependencies",
            "patternProperties",
            "additionalProperties",
            "not",
            "$id",
            "$dynamicAnchor",
        ];
        if depth > MAX_DEPTH
            || CONDITIONAL
                .iter()
                .any(|name| schema.contains_key(*name) && !(depth == 0 && *name == "$id"))
        {
            return false;
        }
        if !seen.insert(std::ptr::from_ref(schema)) {
            return true;
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            known.extend(properties.keys().map(|name| (name.clone(), Value::Bool(true))));
        }
        let mut all: Vec<&'a Value> = schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        if let Some(reference) = schema.get("$ref") {
            let Some(target) = reference.as_str().and_then(|text| self.target(text)) else {
                return false;
            };
            all.push(target);
        }
        all.into_iter().all(|s| match s {
            Value::Object(map) => {
                !map.contains_key("unevaluatedProperties") && self.evaluated(map, depth + 1, known, seen)
            }
            _ => true,
        })
    }

    /// `propertyNames` as what it means for properties.
    fn names(&self, value: &Value, at: &str) -> Result<Vec<Value>> {
        let closed = |name: &str, value: Value| json!({name: value, "additionalProperties": false});
        let map = match value {
            Value::Bool(true) => return Ok(Vec::new()),
            Value::Bool(false) => return Ok(vec![json!({"maxProperties": 0})]),
            Value::Object(map) => map,
            _ => return Err(GrammarError::invalid(at, "a schema is expected")),
        };
        let mut all = Vec::new();
        for (keyword, value) in map {
            let at = format!("{at}.{keyword}");
            let matching = |expression: String| closed("patternProperties", json!({expression: true}));
            all.push(match keyword.as_str() {
                "type" if value == "string" => continue,
                name if ANNOTATIONS.contains(&name) || name == "title" => continue,
                "minLength" => matching(format!("^(?s:.{{{},}})$", count(value, &at)?)),
                "maxLength" => matching(format!("^(?s:.{{0,{}}})$", count(value, &at)?)),
                "pattern" => {
                    let text = value
                        .as_str()
                        .ok_or_else(|| GrammarError::invalid(&at, "a string is expected"))?;
                    matching(pattern::translate(text).map_err(|message| GrammarError::unsupported(&at, message))?)
                }
                "const" | "enum" => {
                    let one = [value.clone()];
                    let values = if keyword == "enum" {
                        value.as_array().map_or(&one[..], Vec::as_slice)
                    } else {
                        &one
                    };
                    let names = values
                        .iter()
                        .filter_map(|v| Some((v.as_str()?.to_string(), Value::Bool(true))));
                    closed("properties", Value::Object(names.collect()))
                }
                _ => return Err(GrammarError::unsupported(at, "a keyword for names of properties")),
            });
        }
        Ok(all)
    }

    fn is_root(&self, given: &Map<String, Value>) -> bool {
        self.root.as_object().is_some_and(|root| std::ptr::eq(root, given))
    }

    fn list(&mut self, list: &'a [Value], at: &str, depth: usize) -> Result<Vec<Value>> {
        let schemas = list.iter().enumerate();
        schemas
            .map(|(i, s)| self.schema(s, &format!("{at}[{i}]"), depth + 1))
            .collect()
    }

    fn map(
        &mut self,
        value: &'a Value,
        at: &str,
        depth: usize,
        name: impl Fn(&str, &str) -> Result<String>,
    ) -> Result<Map<String, Value>> {
        let map = value
            .as_object()
            .ok_or_else(|| GrammarError::invalid(at, "an object is expected"))?;
        let mut out = Map::new();
        for (key, schema) in map {
            let at = format!("{at}.{key}");
            if out
                .insert(name(&at, key)?, self.schema(schema, &at, depth + 1)?)
                .is_some()
            {
                return Err(GrammarError::unsupported(at, "two expressions that mean the same"));
            }
        }
        Ok(out)
    }

    /// What a reference into the same schema leads to.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        match percent_decoded(reference.strip_prefix('#')?)?.as_str() {
            "" => Some(self.root),
            pointer if pointer.starts_with('/') => self.root.pointer(pointer),
            anchor => anchored(self.root, anchor, 0),
        }
    }

    /// The reference in the prepared schema.
    fn reference(&mut self, value: &Value, at: &str) -> Result<String> {
        let text = value
            .as_str()
            .ok_or_else(|| GrammarError::invalid(at, "a string is expected"))?;
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
struct Out {
    keywords: Map<String, Value>,
    /// What must hold as well, each on its own.
    all_of: Vec<Value>,
}

impl Out {
    fn set(&mut self, keyword: &str, value: Value) {
        self.keywords.insert(keyword.into(), value);
    }

    fn finish(mut self) -> Value {
        if !self.all_of.is_empty() {
            self.keywords.insert("allOf".into(), Value::Array(self.all_of));
        }
        Value::Object(self.keywords)
    }
}
