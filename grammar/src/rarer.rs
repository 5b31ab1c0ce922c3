//! The keywords of a JSON schema that are enforced in some of their uses, by others that mean the same.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::error::{GrammarError, Result};
use crate::keyword::Keyword;
use crate::schema::{ANNOTATIONS, MAX_DEPTH, MAX_SCHEMAS, Out, Preparer};
use crate::values::{count, expression, names, negation};

impl<'a> Preparer<'a> {
    /// Adds to `out` what a keyword asks for, or refuses it.
    pub(crate) fn rarer(&mut self, keyword: &Keyword<'a>, out: &mut Out) -> Result<()> {
        let (name, value, at) = (keyword.name, keyword.value, keyword.at.as_str());
        match name {
            "uniqueItems" => match value {
                Value::Bool(false) => {}
                Value::Bool(true)
                    if keyword
                        .beside("maxItems")
                        .and_then(Value::as_f64)
                        .is_some_and(|n| n <= 1.0) => {}
                Value::Bool(true) => return keyword.unsupported("that items differ"),
                _ => return Err(GrammarError::invalid(at, "true or false is expected")),
            },
            "minContains" | "maxContains" if !keyword.has("contains") => {}
            "contains" | "minContains" | "maxContains" => return keyword.unsupported("counting items that match"),
            "then" | "else" if !keyword.has("if") => {}
            "if" if !keyword.has("then") && !keyword.has("else") => {}
            "if" | "then" | "else" => {
                return keyword.unsupported("conditions; write the cases as \"anyOf\" or \"oneOf\"");
            }
            "propertyNames" => out.all_of.extend(property_names(value, at)?),
            "dependentRequired" | "dependentSchemas" | "dependencies" => {
                for (property, then) in keyword.object()? {
                    let at = format!("{at}.{property}");
                    let then = match then {
                        Value::Array(_) if name != "dependentSchemas" => json!({"required": names(then, &at)?}),
                        _ if name == "dependentRequired" => {
                            return Err(GrammarError::invalid(at, "a list of names is expected"));
                        }
                        _ => self.schema(then, &at, keyword.depth + 1)?,
                    };
                    out.all_of
                        .push(json!({"anyOf": [{"properties": {property: false}}, then]}));
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
                if IN_PLACE.iter().any(|name| keyword.has(name)) {
                    let message = "beside keywords that apply other schemas to the same value, but for \"allOf\" and \"$ref\" \
                                   with plain \"properties\"";
                    let mut known = Map::new();
                    let mut seen = HashSet::new();
                    if name == "unevaluatedItems"
                        || !self.evaluated(keyword.given, keyword.depth, &mut known, &mut seen)
                    {
                        return keyword.unsupported(message);
                    }
                    // What was looked at, and what is written out, counts as if it had stood here.
                    self.count += seen.len() + known.len();
                    if self.count > MAX_SCHEMAS {
                        return keyword.unsupported(&format!("more than {MAX_SCHEMAS} subschemas"));
                    }
                    let rest = self.only(keyword)?;
                    out.all_of
                        .push(json!({"properties": known, "additionalProperties": rest}));
                    return Ok(());
                }
                let simple = if name == "unevaluatedItems" {
                    "items"
                } else {
                    "additionalProperties"
                };
                // A list of the old drafts leaves what is behind it open, unless "additionalItems" says more.
                let open = name == "unevaluatedItems"
                    && keyword.beside("items").is_some_and(Value::is_array)
                    && !keyword.has("additionalItems");
                if open || !keyword.has(simple) {
                    out.set(simple, self.only(keyword)?);
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
                return keyword.unsupported("references that depend on the way");
            }
            "$id" | "id" => return keyword.unsupported("a schema with an address of its own inside of another"),
            _ => return keyword.unsupported("a keyword that kinglet does not know"),
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
}

/// `propertyNames` as what it means for properties.
fn property_names(value: &Value, at: &str) -> Result<Vec<Value>> {
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
                let text = value.as_str();
                let text = text.ok_or_else(|| GrammarError::invalid(&at, "a string is expected"))?;
                matching(expression(text, &at)?)
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
