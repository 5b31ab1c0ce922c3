//! The keywords of a JSON schema that are enforced as they are, or nearly so; the others are in `rarer`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::error::{GrammarError, Result};
use crate::formats;
use crate::schema::{ANNOTATIONS, EXACT, Out, Preparer};
use crate::values::{count, exact, expression, names, types};

/// One keyword of a schema.
pub(crate) struct Keyword<'a> {
    pub name: &'a str,
    pub value: &'a Value,
    /// The schema that it stands in.
    pub given: &'a Map<String, Value>,
    /// Where it stands in the request.
    pub at: String,
    /// How deep in the schema.
    pub depth: usize,
}

impl<'a> Keyword<'a> {
    /// The value of another keyword of this schema.
    pub fn beside(&self, name: &str) -> Option<&'a Value> {
        self.given.get(name)
    }

    /// Whether the schema has another keyword.
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The value, which is a string.
    pub fn text(&self) -> Result<&'a str> {
        self.value
            .as_str()
            .ok_or_else(|| GrammarError::invalid(&self.at, "a string is expected"))
    }

    /// The value, which is an object.
    pub fn object(&self) -> Result<&'a Map<String, Value>> {
        self.value
            .as_object()
            .ok_or_else(|| GrammarError::invalid(&self.at, "an object is expected"))
    }

    /// The value, which is a list and not empty; `of` says of what.
    fn list(&self, of: &str) -> Result<&'a [Value]> {
        let list = self.value.as_array().filter(|list| !list.is_empty());
        list.map(Vec::as_slice)
            .ok_or_else(|| GrammarError::invalid(&self.at, format!("a list with at least one {of} is expected")))
    }

    /// It cannot be enforced like this.
    pub fn unsupported<T>(&self, message: &str) -> Result<T> {
        Err(GrammarError::unsupported(&self.at, message))
    }
}

impl<'a> Preparer<'a> {
    /// Adds to `out` what a keyword asks for.
    pub(crate) fn keyword(&mut self, keyword: &Keyword<'a>, out: &mut Out) -> Result<()> {
        let (name, value, at) = (keyword.name, keyword.value, keyword.at.as_str());
        let describes = ANNOTATIONS.contains(&name) || matches!(name, "title" | "$schema" | "$id");
        if self.old && keyword.has("$ref") && name != "$ref" && !describes {
            // Up to draft 7 a reference stands alone, from 2019-09 on its siblings count.
            let message = "a keyword beside \"$ref\" means different things in different drafts";
            return keyword.unsupported(message);
        }
        match name {
            "title" | "$dynamicAnchor" => {}
            "$schema" | "$id" | "$vocabulary" if self.is_root(keyword.given) => {}
            _ if ANNOTATIONS.contains(&name) || name.starts_with("x-") => {}
            "type" => out.set(name, types(value, at)?),
            "enum" => {
                keyword.list("value")?.iter().try_for_each(|v| exact(v, at))?;
                out.set(name, value.clone());
            }
            "const" => {
                exact(value, at)?;
                out.set(name, value.clone());
            }
            "allOf" | "anyOf" | "oneOf" => {
                let list = self.list(keyword.list("schema")?, keyword)?;
                match name {
                    "allOf" => out.all_of.extend(list),
                    _ => out.set(name, Value::Array(list)),
                }
            }
            "$ref" => out.set(name, Value::String(self.reference(keyword)?)),
            "properties" => {
                let properties = self.map(keyword, |_, name| Ok(name.to_owned()))?;
                out.set(name, Value::Object(properties));
            }
            "patternProperties" => {
                let properties = self.map(keyword, |at, name| expression(name, at))?;
                out.set(name, Value::Object(properties));
            }
            "additionalProperties" => out.set(name, self.only(keyword)?),
            "required" => out.set(name, names(value, at)?),
            "minProperties" | "maxProperties" | "minItems" | "maxItems" | "minLength" | "maxLength" => {
                let n = count(value, at)?;
                if name == "minProperties" {
                    let required = keyword.beside("required").and_then(Value::as_array);
                    let names: HashSet<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
                    if n as usize > names.len() + 1 {
                        return keyword
                            .unsupported("names that are free could repeat; list the properties as \"required\"");
                    }
                }
                out.set(name, n.into());
            }
            "items" => match value {
                Value::Array(list) if self.old => out.set("prefixItems", Value::Array(self.list(list, keyword)?)),
                Value::Array(_) => {
                    return Err(GrammarError::invalid(
                        at,
                        "a schema is expected; a list is \"prefixItems\"",
                    ));
                }
                _ => out.set(name, self.only(keyword)?),
            },
            "additionalItems" if self.old => {
                // It says something only beside a list.
                if keyword.beside("items").is_some_and(Value::is_array) {
                    out.set("items", self.only(keyword)?);
                }
            }
            "prefixItems" if self.old => return keyword.unsupported("in this draft a list of schemas is \"items\""),
            "prefixItems" => {
                let list = value
                    .as_array()
                    .ok_or_else(|| GrammarError::invalid(at, "a list of schemas is expected"))?;
                out.set(name, Value::Array(self.list(list, keyword)?));
            }
            "pattern" => {
                out.all_of.push(json!({"pattern": expression(keyword.text()?, at)?}));
            }
            "format" => {
                let format = keyword.text()?;
                let known = formats::format(format).ok_or_else(|| {
                    GrammarError::unsupported(at, format!("the format {format:?}; these are: {}", formats::KNOWN))
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
                if name == "multipleOf" && n <= 0.0 {
                    return Err(GrammarError::invalid(at, "a number above 0 is expected"));
                }
                if n.abs() > EXACT || (n != 0.0 && n.abs() < 1e-6) {
                    return keyword.unsupported("a number of this size");
                }
                out.set(name, value.clone());
            }
            _ => return self.rarer(keyword, out),
        }
        Ok(())
    }
}
