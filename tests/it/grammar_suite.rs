//! The cases of the JSON Schema test suite: what a schema accepts can be said under its grammar, what it rejects cannot.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::grammar::{Words, schema};
use crate::support;

/// Cases whose outcome differs, each with its reason. The list may only shrink.
const EXCEPTIONS: &str = include_str!("../cases/json_schema_exceptions.json");
const MOST_EXCEPTIONS: usize = 1;
/// Of all cases, so many of a hundred are enforced as the standard says.
const HONOURED: usize = 60;

/// Ways to write a value: numbers in one form, the keys of objects in every order (a schema's order is not the data's).
fn writings(value: &Value) -> Vec<String> {
    const MOST: usize = 200;
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if n.is_f64() && f.fract() == 0.0 && f.abs() < 1e15 => vec![format!("{}", f as i64)],
            _ => vec![n.to_string()],
        },
        Value::Array(items) => {
            let mut all = vec![String::new()];
            for (i, item) in items.iter().enumerate() {
                let comma = if i == 0 { "" } else { "," };
                let ways = writings(item);
                all = all
                    .iter()
                    .flat_map(|a| ways.iter().map(move |w| format!("{a}{comma}{w}")))
                    .take(MOST)
                    .collect();
            }
            all.into_iter().map(|inner| format!("[{inner}]")).collect()
        }
        Value::Object(map) => {
            let mut all = Vec::new();
            orders(&map.iter().collect::<Vec<_>>(), &mut Vec::new(), &mut |order| {
                let mut some = vec![String::new()];
                for (i, (key, item)) in order.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    let key = Value::String((*key).clone()).to_string();
                    let ways = writings(item);
                    some = some
                        .iter()
                        .flat_map(|a| ways.iter().map(move |w| (a, w)))
                        .map(|(a, w)| format!("{a}{comma}{key}:{w}"))
                        .take(MOST)
                        .collect();
                }
                all.extend(some.into_iter().map(|inner| format!("{{{inner}}}")));
                all.len() < MOST
            });
            all
        }
        other => vec![other.to_string()],
    }
}

/// A member of an object.
type Member<'a> = (&'a String, &'a Value);

/// Every order of the entries, while `found` wants more.
fn orders<'a>(left: &[Member<'a>], chosen: &mut Vec<Member<'a>>, found: &mut dyn FnMut(&[Member<'a>]) -> bool) -> bool {
    if left.is_empty() {
        return found(chosen);
    }
    (0..left.len()).all(|i| {
        let mut rest = left.to_vec();
        chosen.push(rest.remove(i));
        let more = orders(&rest, chosen, found);
        chosen.pop();
        more
    })
}

#[derive(Default)]
struct Tally {
    honoured: usize,
    refused: usize,
    exempt: usize,
    wrong: Vec<String>,
    reasons: BTreeMap<String, usize>,
}

fn run(file: &Path, name: &str, words: &Words, exceptions: &Map<String, Value>, tally: &mut Tally) {
    let groups: Vec<Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    for group in &groups {
        let spec = schema(group["schema"].clone());
        for test in group["tests"].as_array().unwrap() {
            let id = format!(
                "{name}: {}: {}",
                group["description"].as_str().unwrap(),
                test["description"].as_str().unwrap()
            );
            let valid = test["valid"].as_bool().unwrap();
            let reached = writings(&test["data"])
                .iter()
                .map(|text| words.allows(&spec, text))
                .find(|r| *r != Ok(false));
            let right = match reached {
                Some(Err(error)) if error.code() == "unsupported_grammar" => {
                    tally.refused += 1;
                    let keyword = error.path().rsplit('.').next().unwrap_or("").to_string();
                    *tally.reasons.entry(keyword).or_default() += 1;
                    if exceptions.contains_key(&id) {
                        tally.wrong.push(format!("{id}: refused, so it is no exception"));
                    }
                    continue;
                }
                // Nothing satisfies the schema: nothing is reachable.
                Some(Err(error)) if error.code() == "invalid_grammar" => !valid,
                Some(Err(error)) => panic!("{id}: {error}"),
                Some(Ok(_)) => valid,
                None => !valid,
            };
            match (right, exceptions.contains_key(&id)) {
                (true, false) => tally.honoured += 1,
                (true, true) => tally.wrong.push(format!("{id}: is no exception any more")),
                (false, true) => tally.exempt += 1,
                (false, false) => tally
                    .wrong
                    .push(format!("{id}: valid is {valid}, the grammar says the opposite")),
            }
        }
    }
}

#[test]
fn the_suite_is_honoured_or_refused() {
    let Some(folder) = support::shared("json-schema/draft2020-12") else {
        return;
    };
    let Some(model) = support::shared("vocab/ggml-vocab-phi-3.gguf") else {
        return;
    };
    let words = Words::of(&model);
    let exceptions: Map<String, Value> = serde_json::from_str(EXCEPTIONS).unwrap();
    assert!(
        exceptions.len() <= MOST_EXCEPTIONS,
        "{} exceptions, at most {MOST_EXCEPTIONS}",
        exceptions.len()
    );
    let mut tally = Tally::default();
    for part in ["", "optional", "optional/format"] {
        let mut files: Vec<_> = fs::read_dir(folder.join(part))
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        files.sort();
        for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "json")) {
            let name = format!("{part}/{}", file.file_stem().unwrap().to_string_lossy());
            run(file, name.trim_start_matches('/'), &words, &exceptions, &mut tally);
        }
    }
    let all = tally.honoured + tally.refused + tally.exempt;
    println!(
        "{} honoured, {} refused, {} exempt, of {all}",
        tally.honoured, tally.refused, tally.exempt
    );
    println!("refused by keyword: {:?}", tally.reasons);
    assert!(tally.wrong.is_empty(), "\n{}", tally.wrong.join("\n"));
    assert!(
        all > 400 && tally.honoured * 100 >= all * HONOURED,
        "{} of {all} honoured",
        tally.honoured
    );
}
