//! Grammars over a real vocabulary: what satisfies them can be said in tokens, what does not cannot.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use kinglet::gguf::GgufFile;
use kinglet::platform::FileSource;
use kinglet::text::Tokenizer;
use kinglet_grammar::{Grammar, GrammarError, Matcher, Spec, Vocabulary};
use serde_json::{Value, json};

use crate::support;

/// A vocabulary with an index, so that texts can be walked.
pub struct Words {
    pub vocabulary: Rc<Vocabulary>,
    ids: HashMap<Vec<u8>, u32>,
    longest: usize,
}

impl Words {
    /// The vocabulary of a model file.
    pub fn of(path: &Path) -> Self {
        let gguf = pollster::block_on(GgufFile::open(Rc::new(FileSource::open(path).unwrap()))).unwrap();
        Self::new(&Tokenizer::from_gguf(gguf.metadata()).unwrap())
    }

    pub fn new(tokenizer: &Tokenizer) -> Self {
        let packed = tokenizer.packed();
        let n = tokenizer.n_vocab();
        let vocabulary = Vocabulary::from_packed(n, &packed, tokenizer.eog().to_vec()).unwrap();
        let ids: HashMap<Vec<u8>, u32> = (0..n as u32)
            .filter(|&id| !tokenizer.is_markup(id))
            .map(|id| (tokenizer.token_bytes(id).into_owned(), id))
            .collect();
        let longest = ids.keys().map(Vec::len).max().unwrap_or(0);
        Words {
            vocabulary: Rc::new(vocabulary),
            ids,
            longest,
        }
    }

    /// Whether the grammar allows this text, token by token, and its end behind it.
    pub fn allows(&self, spec: &Spec, text: &str) -> Result<bool, GrammarError> {
        let mut matcher = Matcher::new(&self.vocabulary, spec)?;
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let mask = matcher.mask()?.map(<[u32]>::to_vec);
            let allowed = |id: u32| {
                mask.as_ref()
                    .is_none_or(|m| m.get(id as usize / 32).is_some_and(|w| w >> (id % 32) & 1 == 1))
            };
            // What is allowed depends on bytes alone, so any way through the text will do.
            let lengths = (1..=self.longest.min(rest.len())).rev();
            let mut tokens = lengths.filter_map(|n| Some((n, *self.ids.get(&rest[..n])?)));
            let Some((n, id)) = tokens.find(|&(_, id)| allowed(id)) else {
                return Ok(false);
            };
            matcher.commit(id)?;
            rest = &rest[n..];
        }
        matcher.accepts()
    }
}

pub fn spec(grammar: Grammar) -> Spec {
    Spec {
        grammar,
        path: "schema".into(),
        trigger: None,
    }
}

pub fn schema(schema: Value) -> Spec {
    spec(Grammar::JsonSchema { schema })
}

fn own() -> Words {
    Words::of(&support::root().join("tests/goldens/qwen2.gguf"))
}

#[test]
fn a_schema_is_enforced_exactly() {
    let words = own();
    let person = schema(json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 5},
            "age": {"type": "integer", "minimum": 0, "maximum": 120},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
            "born": {"type": "string", "format": "date"},
        },
        "required": ["name", "age"],
        "additionalProperties": false,
    }));
    for text in [
        r#"{"name":"Ann","age":0}"#,
        r#"{"name":"\"\\","age":120}"#,
        "{\n  \"name\": \"Émil\",\n  \"age\": 7,\n  \"tags\": [\"b\", \"a\"]\n}",
        r#"{"name":"","age":1,"born":"2024-02-29"}"#,
    ] {
        assert_eq!(words.allows(&person, text), Ok(true), "{text}");
    }
    for text in [
        r#"{"name":"Annabel","age":1}"#,
        r#"{"name":"Ann","age":121}"#,
        r#"{"name":"Ann","age":-1}"#,
        r#"{"name":"Ann","age":01}"#,
        r#"{"name":"Ann"}"#,
        r#"{"age":1,"name":"Ann"}"#,
        r#"{"name":"Ann","age":1,"tags":["c"]}"#,
        r#"{"name":"Ann","age":1,"tags":["a","a","a"]}"#,
        r#"{"name":"Ann","age":1,"born":"2023-02-29"}"#,
        r#"{"name":"Ann","age":1,"more":1}"#,
        r#"{"name":"Ann","age":1} and more"#,
        r#"{"name":"Ann","age":1"#,
        "Sure: {}",
    ] {
        assert_eq!(words.allows(&person, text), Ok(false), "{text}");
    }
    // White space does not go on for ever.
    let blanks = format!("{{{}\"name\"", " ".repeat(10));
    assert_eq!(words.allows(&person, &blanks), Ok(false));
}

#[test]
fn every_keyword_is_enforced_or_refused_by_name() {
    let words = own();
    let cases = [
        (
            json!({"properties": {"a": {"not": {"const": 1}}}}),
            "unsupported_grammar",
            "schema.properties.a.not",
        ),
        (
            json!({"type": "string", "maxLenght": 3}),
            "unsupported_grammar",
            "schema.maxLenght",
        ),
        (
            json!({"allOf": [{"type": "array", "uniqueItems": true}]}),
            "unsupported_grammar",
            "schema.allOf[0].uniqueItems",
        ),
        (
            json!({"items": {"format": "idn-email"}}),
            "unsupported_grammar",
            "schema.items.format",
        ),
        (json!({"pattern": "a(?=b)"}), "unsupported_grammar", "schema.pattern"),
        (
            json!({"$ref": "https://example.com/s"}),
            "unsupported_grammar",
            "schema.$ref",
        ),
        (json!({"$ref": "#/$defs/none"}), "invalid_grammar", "schema.$ref"),
        (json!({"type": "strin"}), "invalid_grammar", "schema.type"),
        (json!({"enum": []}), "invalid_grammar", "schema.enum"),
        (json!({"minLength": -1}), "invalid_grammar", "schema.minLength"),
        (
            json!({"const": 9007199254740993u64}),
            "unsupported_grammar",
            "schema.const",
        ),
        (
            json!({"if": {}, "then": {"type": "null"}}),
            "unsupported_grammar",
            "schema.if",
        ),
        (
            json!({"contains": {"type": "null"}}),
            "unsupported_grammar",
            "schema.contains",
        ),
        (
            json!({"type": "object", "minProperties": 2}),
            "unsupported_grammar",
            "schema.minProperties",
        ),
        (
            json!({"oneOf": [{"minimum": 1}, {"maximum": 2}]}),
            "unsupported_grammar",
            "schema",
        ),
        (
            json!({"$defs": {"a": {"not": {"const": 1}}}, "$ref": "#/$defs/a"}),
            "unsupported_grammar",
            "schema.$defs.a.not",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-04/schema#"}),
            "unsupported_grammar",
            "schema.$schema",
        ),
        (
            json!({"$schema": "https://json-schema.org/draft/2019-09/schema", "items": {}, "prefixItems": [{"type": "null"}]}),
            "unsupported_grammar",
            "schema.prefixItems",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "prefixItems": [{}], "additionalItems": false}),
            "unsupported_grammar",
            "schema.prefixItems",
        ),
        (
            json!({"type": "object", "required": ["a", "a"], "minProperties": 3}),
            "unsupported_grammar",
            "schema.minProperties",
        ),
        (json!(false), "invalid_grammar", "schema"),
        (
            json!({"allOf": [{"type": "null"}, {"type": "string"}]}),
            "invalid_grammar",
            "schema",
        ),
        (json!([1]), "invalid_grammar", "schema"),
    ];
    for (given, code, path) in cases {
        let error = Matcher::new(&words.vocabulary, &schema(given.clone())).err();
        let error = error.unwrap_or_else(|| panic!("{given} is taken"));
        assert_eq!((error.code(), error.path()), (code, path), "{given}: {error}");
    }
    // The matcher's own options are nobody's business: this one would weaken.
    let lenient = json!({"x-guidance": {"lenient": true}, "type": "string", "format": "idn-email"});
    assert!(Matcher::new(&words.vocabulary, &schema(lenient)).is_err());
}

#[test]
fn keywords_that_are_enforced_by_others() {
    let words = own();
    let cases = [
        (
            json!({"type": "object", "dependentRequired": {"a": ["b"]}}),
            r#"{"b":2,"a":1}"#,
            r#"{"a":1}"#,
        ),
        (
            json!({"type": "object", "propertyNames": {"maxLength": 2}}),
            r#"{"ab":1}"#,
            r#"{"abc":1}"#,
        ),
        (
            json!({"properties": {"a": {}}, "allOf": [{"properties": {"b": {"type": "null"}}}], "unevaluatedProperties": false}),
            r#"{"a":1,"b":null}"#,
            r#"{"a":1,"c":1}"#,
        ),
        (json!({"not": {"type": "string"}}), "1", r#""x""#),
        (json!({"not": {"required": ["a"]}}), r#"{"b":1}"#, r#"{"a":1}"#),
        (json!({"type": "object", "propertyNames": false}), "{}", r#"{"a":1}"#),
        (
            json!({"type": "object", "properties": {"a": {}}, "unevaluatedProperties": false}),
            r#"{"a":1}"#,
            r#"{"b":1}"#,
        ),
        (
            json!({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"type": "null"}}}),
            "null",
            "1",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "array",
            "items": [{"type": "null"}], "additionalItems": false}),
            "[null]",
            "[null,1]",
        ),
        (
            json!({"type": "object", "required": ["a", "a"], "minProperties": 2}),
            r#"{"a":1,"b":2}"#,
            r#"{"a":1}"#,
        ),
        (json!({"type": "string", "pattern": "^.$"}), r#""a""#, r#""\r""#),
        (json!({"type": "string", "pattern": "b"}), r#""abc""#, r#""ac""#),
        (
            json!({"type": "string", "format": "ipv6"}),
            r#""1::2:1.2.3.4""#,
            r#""1:2:3""#,
        ),
    ];
    for (given, good, bad) in cases {
        assert_eq!(words.allows(&schema(given.clone()), good), Ok(true), "{given} {good}");
        assert_eq!(words.allows(&schema(given.clone()), bad), Ok(false), "{given} {bad}");
    }
}

/// In the drafts whose `items` may be a list, three keywords share out what is behind it.
#[test]
fn items_of_the_old_drafts() {
    let words = own();
    let list = json!([{"type": "null"}]);
    for (mut given, good, bad) in [
        (json!({"items": list, "unevaluatedItems": false}), "[null]", "[null,1]"),
        (
            json!({"unevaluatedItems": {"type": "integer"}, "items": list}),
            "[null,1]",
            r#"[null,"x"]"#,
        ),
        (
            json!({"items": list, "additionalItems": {"type": "integer"}, "unevaluatedItems": false}),
            "[null,1]",
            r#"[null,"x"]"#,
        ),
        (
            json!({"items": {"type": "integer"}, "unevaluatedItems": false}),
            "[1,2]",
            r#"["x"]"#,
        ),
        (
            json!({"additionalItems": false, "unevaluatedItems": {"type": "integer"}}),
            "[1]",
            r#"["x"]"#,
        ),
    ] {
        given["$schema"] = "https://json-schema.org/draft/2019-09/schema".into();
        given["type"] = "array".into();
        assert_eq!(words.allows(&schema(given.clone()), good), Ok(true), "{given} {good}");
        assert_eq!(words.allows(&schema(given.clone()), bad), Ok(false), "{given} {bad}");
    }
}

/// Keywords that apply to the value as a whole take nothing away from those around them, whatever their order.
#[test]
fn keywords_beside_each_other_all_hold() {
    let words = own();
    let either = json!([{"required": ["a"]}, {"required": ["b"]}]);
    for (given, good, bad) in [
        (json!({"enum": ["a", "bbb"], "maxLength": 2}), r#""a""#, r#""bbb""#),
        (json!({"type": "string", "enum": ["a", 1]}), r#""a""#, "1"),
        (json!({"enum": [1, 2], "const": 1}), "1", "2"),
        (
            json!({"maxLength": 2, "$ref": "#/$defs/s", "pattern": "b", "$defs": {"s": {"type": "string"}}}),
            r#""ab""#,
            r#""abc""#,
        ),
        (
            json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "oneOf": [{"type": "string"}, {"type": "null"}]}),
            r#""x""#,
            "1",
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "null"}, "anyOf": either,
                "properties": {"a": {"type": "integer"}}}),
            r#"{"a":1,"c":null}"#,
            r#"{"a":1,"c":1}"#,
        ),
        (
            json!({"type": "object", "patternProperties": {"^[ab]$": {"type": "integer"}}, "anyOf": either,
                "additionalProperties": false}),
            r#"{"a":1}"#,
            r#"{"a":1,"c":1}"#,
        ),
    ] {
        assert_eq!(words.allows(&schema(given.clone()), good), Ok(true), "{given} {good}");
        assert_eq!(words.allows(&schema(given.clone()), bad), Ok(false), "{given} {bad}");
    }
}

#[test]
fn other_kinds_of_grammar() {
    let words = own();
    let regex = spec(Grammar::Regex {
        pattern: r"(yes|no), \d{2}".into(),
    });
    assert_eq!(words.allows(&regex, "yes, 12"), Ok(true));
    assert_eq!(words.allows(&regex, "yes, 123"), Ok(false));
    let lark = spec(Grammar::Lark {
        text: "start: sum\nsum: NUMBER (\"+\" NUMBER)*\nNUMBER: /[0-9]+/\n".into(),
    });
    assert_eq!(words.allows(&lark, "1+22+3"), Ok(true));
    assert_eq!(words.allows(&lark, "1+"), Ok(false));
    assert_eq!(words.allows(&spec(Grammar::JsonObject), r#"{"a":[1,{}]}"#), Ok(true));
    assert_eq!(words.allows(&spec(Grammar::JsonObject), "[1]"), Ok(false));
    // The word alone is no attribute, nor is one in a string, an expression or a comment.
    for (text, said) in [
        ("start: temperature\ntemperature: \"warm\"", "warm"),
        ("start: \"a[temperature=1]\" // [temperature=1]", "a[temperature=1]"),
        ("start: /[\"]temperature=\\/[0-9]/", "\"temperature=/1"),
        (
            "start: \"\\\"\" word\nword[max_tokens=99]: \"temperature=\" # temperature=1",
            "\"temperature=",
        ),
    ] {
        let lark = spec(Grammar::Lark { text: text.into() });
        assert_eq!(words.allows(&lark, said), Ok(true), "{text:?}");
    }
    for (text, code) in [
        ("", "invalid_grammar"),
        ("start: nowhere\n", "invalid_grammar"),
        ("start: %json {\"not\": {}}\n", "unsupported_grammar"),
        ("root ::= \"a\" | \"b\"", "unsupported_grammar"),
        // Who samples would have to keep to it, and does not.
        ("start[temperature=0.5]: /[a-z]+/\n", "unsupported_grammar"),
        (
            "start: a // \"\na[max_tokens=3, temperature \t= 1]: /[\\/\"]/",
            "unsupported_grammar",
        ),
        ("start: <\"a> b\nb[temperature=1]: \"b\"", "unsupported_grammar"),
    ] {
        let error = Matcher::new(&words.vocabulary, &spec(Grammar::Lark { text: text.into() })).err();
        assert_eq!(
            error.as_ref().map(GrammarError::code),
            Some(code),
            "{text:?}: {error:?}"
        );
    }
}

#[test]
fn hostile_grammars_end_soon() {
    let words = own();
    let nested = (0..3000).fold(json!({}), |inner, _| json!({"items": inner}));
    let letters: Vec<Value> = (0..30_000).map(|i| json!(format!("word number {i}"))).collect();
    let wide: serde_json::Map<String, Value> = (0..20_000)
        .map(|i| (format!("p{i}"), json!({"type": "string"})))
        .collect();
    let doubling: serde_json::Map<String, Value> = (0..40)
        .map(|i| {
            let next = json!({"$ref": format!("#/$defs/d{}", (i + 1) % 40)});
            (
                format!("d{i}"),
                json!({"anyOf": [{"allOf": [next, next]}, {"allOf": [next, next, {"minLength": i}]}]}),
            )
        })
        .collect();
    let specs = [
        schema(nested),
        schema(json!({"enum": letters})),
        schema(json!({"properties": wide})),
        schema(json!({"$ref": "#/$defs/d0", "$defs": doubling})),
        schema(json!({"$ref": "#"})),
        schema(json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]})),
        schema(json!({"pattern": "^(a+)+$"})),
        schema(json!({"pattern": "(.*a){40}"})),
        schema(json!({"pattern": "^((a{1,300}){1,300}){1,300}$"})),
        schema(json!({"type": "string", "minLength": 99_000, "pattern": "[a-q][^u-z]{13}x"})),
        schema(json!({"type": "array", "minItems": 100_000, "items": {"type": "array", "minItems": 100_000}})),
        schema(json!({"type": "integer", "multipleOf": 1e-300})),
        schema(json!({"type": "integer", "multipleOf": 123_456_789.0, "minimum": -1e300})),
        spec(Grammar::Regex {
            pattern: "(a|aa|aaa|b)*".repeat(1000),
        }),
        spec(Grammar::Regex {
            pattern: r"(\p{L}|\p{N}){1,99999}[^\p{L}]{1,9999}".into(),
        }),
        spec(Grammar::Lark {
            text: "start: a\na: a a | \"x\" | \n".into(),
        }),
        spec(Grammar::Lark {
            text: format!("start: {}\n", "(".repeat(20_000)),
        }),
        spec(Grammar::Lark {
            text: "start: /(((a*)*)*)*b/\n".repeat(3),
        }),
    ];
    for (i, spec) in specs.iter().enumerate() {
        let begun = Instant::now();
        let outcome = Matcher::new(&words.vocabulary, spec).and_then(|mut matcher| {
            for _ in 0..20 {
                let Some(mask) = matcher.mask()? else { break };
                let Some(word) = mask.iter().position(|&w| w != 0) else {
                    break;
                };
                let id = word as u32 * 32 + mask[word].trailing_zeros();
                if words.vocabulary.ends().contains(&id) {
                    break;
                }
                matcher.commit(id)?;
            }
            Ok(())
        });
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(20), "{i} took {took:?}");
        match outcome {
            Ok(()) => println!("{i}: runs, {took:?}"),
            Err(e) => {
                println!("{i}: {e}, {took:?}");
                assert_ne!(e.code(), "internal", "{i}: {e}");
            }
        }
    }
}

/// What is nested deeper than JSON is read is refused at its place, and never a bug of ours.
#[test]
fn a_grammar_that_is_too_deep_to_be_read_says_where_it_is() {
    let spec_of = |levels: usize| {
        let value = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        format!(
            r#"{{"grammar": {{"type": "json_schema", "schema": {{"const": {value}}}}}, "path": "response_format.x"}}"#
        )
    };
    assert!(Spec::from_json(&spec_of(100)).is_ok());
    for levels in [128, 100_000] {
        let error = Spec::from_json(&spec_of(levels)).unwrap_err();
        assert_eq!(
            (error.code(), error.path()),
            ("unsupported_grammar", "response_format.x"),
            "{error}"
        );
    }
    assert_eq!(Spec::from_json("{}").unwrap_err().code(), "internal");
}

/// A text that the vocabulary cannot complete is an error, and no answer that looks complete.
#[test]
fn a_dead_end_is_no_end() {
    let words = vec![b"a".to_vec(), b"b".to_vec(), b"<end>".to_vec()];
    let vocabulary = Rc::new(Vocabulary::new(words, vec![false, false, true], vec![2]).unwrap());
    let pattern = "a[bc]c".to_string();
    let mut matcher = Matcher::new(&vocabulary, &spec(Grammar::Regex { pattern })).unwrap();
    for token in [0, 1] {
        assert!(matcher.mask().unwrap().unwrap()[0] >> token & 1 == 1);
        matcher.commit(token).unwrap();
    }
    assert!(!matcher.is_finished());
    let error = matcher.mask().map(|mask| mask.is_some()).unwrap_err();
    assert_eq!(error.code(), "unsupported_grammar", "{error}");
    assert!(error.reason().contains("no token"), "{error}");
}

/// References into each other's "allOf" are looked at once, and what is written out of them is bounded.
#[test]
fn properties_behind_references_are_collected_soon() {
    let words = own();
    let reference = |i: usize| json!({"$ref": format!("#/$defs/d{i}")});
    let mut chain: serde_json::Map<String, Value> = (0..30)
        .map(|i| (format!("d{i}"), json!({"allOf": [reference(i + 1), reference(i + 1)]})))
        .collect();
    chain.insert("d30".into(), json!({"properties": {"a": {"type": "null"}}}));
    let closed =
        schema(json!({"type": "object", "$ref": "#/$defs/d0", "unevaluatedProperties": false, "$defs": chain}));
    let begun = Instant::now();
    println!("{:?}", words.allows(&closed, r#"{"a":null}"#));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    let wide: serde_json::Map<String, Value> = (0..3000).map(|i| (format!("p{i}"), json!(true))).collect();
    let many: Vec<Value> = (0..2000)
        .map(|_| json!({"$ref": "#/$defs/wide", "unevaluatedProperties": false}))
        .collect();
    let begun = Instant::now();
    let refused = words.allows(
        &schema(json!({"anyOf": many, "$defs": {"wide": {"properties": wide}}})),
        "{}",
    );
    assert_eq!(refused.unwrap_err().code(), "unsupported_grammar");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// One call of a tool with these parameters.
fn call(parameters: Value) -> Spec {
    let tool = kinglet_grammar::Tool {
        name: "f".into(),
        parameters,
        path: "tools[0].function.parameters".into(),
    };
    spec(Grammar::Calls {
        format: kinglet_grammar::CallFormat {
            begin: "call ".into(),
            name_key: "name".into(),
            arguments_key: "arguments".into(),
            ..kinglet_grammar::CallFormat::default()
        },
        tools: vec![tool],
        parallel: false,
    })
}

/// Arguments are an object although their schema does not say so, and where it is behind a reference: in draft 7 nothing may
/// stand beside one.
#[test]
fn arguments_are_an_object() {
    let words = own();
    let draft = "http://json-schema.org/draft-07/schema#";
    let node = json!({"type": "object", "properties": {"n": {"type": "integer"}, "next": {"$ref": "#/definitions/Args"}},
        "required": ["n"], "additionalProperties": false});
    for (parameters, good, bad) in [
        (
            json!({"$ref": "#/definitions/Args", "definitions": {"Args": node}, "$schema": draft}),
            r#"{"n":1,"next":{"n":2}}"#,
            r#"{"n":1,"next":{"n":"x"}}"#,
        ),
        (
            json!({"$ref": "#/definitions/Args", "definitions": {"Args": {}}, "$schema": draft}),
            r#"{"n":[]}"#,
            "[]",
        ),
        (json!({}), "{}", "1"),
        (json!(true), "{}", "null"),
        (json!({"required": ["n"]}), r#"{"n":1}"#, r#""n""#),
    ] {
        let said = |arguments: &str| {
            let text = format!(r#"call {{"name":"f","arguments":{arguments}}}"#);
            words.allows(&call(parameters.clone()), &text)
        };
        assert_eq!(said(good), Ok(true), "{parameters} {good}");
        assert_eq!(said(bad), Ok(false), "{parameters} {bad}");
    }
    let list = json!({"$ref": "#/definitions/Args", "definitions": {"Args": {"type": "array"}}, "$schema": draft});
    let error = Matcher::new(&words.vocabulary, &call(list)).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), "invalid_grammar", "{error}");
}

/// Arguments are read as an object, so they cannot be anything else.
#[test]
fn arguments_of_another_type_are_refused() {
    let words = own();
    for kind in [json!("array"), json!(["object", "null"]), json!("string")] {
        let spec = call(json!({"type": kind}));
        let error = Matcher::new(&words.vocabulary, &spec).map(|_| ()).unwrap_err();
        assert_eq!(
            (error.code(), error.path()),
            ("invalid_grammar", "tools[0].function.parameters.type")
        );
    }
}
