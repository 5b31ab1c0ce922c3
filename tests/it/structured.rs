//! Answers under a grammar, end to end on the CPU: what a schema, an expression or a tool asks for is what comes out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::Result;
use kinglet::engine::BackendChoice;
use kinglet::ops::TopK;
use kinglet::platform::{ByteSource, MemorySource};
use kinglet::sampler::{Sampler, SamplerConfig};
use kinglet::session::{Chunk, FinishReason, Request, Session, SessionOptions};
use kinglet_grammar::{Matcher, Spec, Vocabulary};
use pollster::block_on;
use serde_json::{Value, json};

use crate::constraint;
use crate::support;
use crate::with_template::with_template;

const PLAIN: &str = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}{% endfor %}<s>bot:";

/// As Qwen and Hermes have it.
const TOOLS: &str = "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<s>{{ m.role }}: {{ m.content }}\
    {% for c in m.tool_calls or [] %}\n<tool_call>\n{\"name\": \"{{ c.function.name }}\", \"arguments\": \
    {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}</s>{% endfor %}\
    {% if add_generation_prompt %}<s>assistant: {% endif %}";

struct Bench {
    session: Session,
    vocabulary: Rc<Vocabulary>,
}

impl Bench {
    fn new(template: &str) -> Self {
        let file = std::fs::read(support::root().join("tests/goldens/qwen2.gguf")).expect("readable");
        let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(with_template(&file, template)))];
        let options = SessionOptions {
            backend: BackendChoice::Cpu,
            n_ctx: Some(1024),
            ..SessionOptions::default()
        };
        let session = block_on(Session::load(sources, &options, &mut |_| ControlFlow::Continue(()))).expect("loads");
        let tokenizer = session.tokenizer();
        let ends = tokenizer.eog().to_vec();
        let vocabulary = Vocabulary::from_packed(tokenizer.n_vocab(), &tokenizer.packed(), ends).unwrap();
        Bench {
            vocabulary: Rc::new(vocabulary),
            session,
        }
    }

    fn start(&mut self, body: &Value) -> Result<()> {
        let request = Request::chat(body)?;
        let constraint = constraint::of(&self.session, &request)?;
        self.session.start_under(&request, constraint)
    }

    fn run(&mut self, body: Value) -> Result<Vec<Chunk>> {
        self.start(&body)?;
        let mut chunks = Vec::new();
        while let Some(chunk) = block_on(self.session.next())? {
            chunks.push(chunk);
        }
        Ok(chunks)
    }
}

fn ask(more: Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "Once upon a time"}], "max_tokens": 400, "seed": 7});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn text(chunks: &[Chunk]) -> String {
    chunks.iter().map(|c| c.text.as_str()).collect()
}

fn finish(chunks: &[Chunk]) -> Option<FinishReason> {
    chunks.last().and_then(|c| c.finish_reason)
}

fn format(schema: Value) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
}

#[test]
fn every_way_of_sampling_keeps_to_the_schema() {
    let mut bench = Bench::new(PLAIN);
    let schema = json!({"type": "object", "properties": {
        "label": {"enum": ["cat", "dog", "a longer one"]}, "n": {"type": "integer", "minimum": 10, "maximum": 99},
        "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2}},
        "required": ["label", "n", "tags"], "additionalProperties": false});
    let ways = [
        json!({"temperature": 0}),
        json!({"temperature": 1.5}),
        json!({"temperature": 0.7, "top_p": 0.3}),
        json!({"temperature": 1, "kinglet": {"top_k": 3}}),
        json!({"temperature": 1, "kinglet": {"min_p": 0.2, "repeat_penalty": 1.3}}),
        json!({"temperature": 1, "frequency_penalty": 1.5, "presence_penalty": -1, "logprobs": true, "top_logprobs": 3}),
        json!({"temperature": 0, "n": 3}),
    ];
    for way in ways {
        for seed in 0..support::count(3, 100) {
            let mut body = ask(way.clone());
            body["response_format"] = format(schema.clone());
            body["seed"] = seed.into();
            let chunks = bench.run(body).unwrap();
            for index in 0..=chunks.last().unwrap().index {
                let mine: Vec<Chunk> = chunks.iter().filter(|c| c.index == index).cloned().collect();
                let said: Value =
                    serde_json::from_str(&text(&mine)).unwrap_or_else(|e| panic!("{way}: {:?} {e}", text(&mine)));
                assert!(
                    ["cat", "dog", "a longer one"].contains(&said["label"].as_str().unwrap()),
                    "{said}"
                );
                assert!((10..=99).contains(&said["n"].as_i64().unwrap()), "{said}");
                assert!((1..=2).contains(&said["tags"].as_array().unwrap().len()), "{said}");
                assert_eq!(finish(&mine), Some(FinishReason::Stop), "{said}");
                for entry in mine.iter().filter_map(|c| c.logprobs.as_ref()).flat_map(|l| &l.content) {
                    assert!(entry.logprob <= 0.0 && entry.top_logprobs.as_ref().unwrap().len() == 3);
                }
            }
        }
    }
}

#[test]
fn expressions_and_lengths() {
    let mut bench = Bench::new(PLAIN);
    let chunks = bench
        .run(ask(json!({"kinglet": {"regex": "[A-C]{3}-\\d{2}"}})))
        .unwrap();
    let said = text(&chunks);
    assert_eq!((said.len(), said.as_bytes()[3]), (6, b'-'), "{said}");
    assert_eq!(finish(&chunks), Some(FinishReason::Stop));
    let chunks = bench
        .run(ask(json!({"kinglet": {"regex": "a{50,60}"}, "max_tokens": 3})))
        .unwrap();
    assert_eq!(finish(&chunks), Some(FinishReason::Length));
    let chunks = bench
        .run(ask(
            json!({"kinglet": {"lark": "start: \"x\" | \"y\" start"}, "temperature": 2}),
        ))
        .unwrap();
    assert!(text(&chunks).trim_start_matches('y') == "x", "{}", text(&chunks));
    // Where the text may end, the model's own end is allowed, and the answer ends with it.
    let eos = bench.vocabulary.ends()[0].to_string();
    let chunks = bench
        .run(ask(
            json!({"kinglet": {"regex": "a*"}, "logit_bias": {eos.as_str(): 100}}),
        ))
        .unwrap();
    assert_eq!(
        (text(&chunks).as_str(), finish(&chunks)),
        ("", Some(FinishReason::Stop))
    );
    // A bias that bans all that the grammar allows.
    let request = ask(json!({"kinglet": {"regex": "a"}, "logit_bias": bans(&bench, b"a")}));
    assert_eq!(bench.run(request).unwrap_err().detail()["param"], "logit_bias");
    // The next request is free again.
    assert_eq!(
        finish(&bench.run(ask(json!({"max_tokens": 2}))).unwrap()),
        Some(FinishReason::Length)
    );
}

fn bans(bench: &Bench, bytes: &[u8]) -> Value {
    let tokenizer = bench.session.tokenizer();
    let same = (0..tokenizer.n_vocab() as u32).filter(|&id| *tokenizer.token_bytes(id) == *bytes);
    same.map(|id| (id.to_string(), json!(-100)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn what_cannot_be_enforced_is_refused_before_anything_is_computed() {
    let mut bench = Bench::new(PLAIN);
    let schema = json!({"type": "object", "properties": {"a": {"not": {"const": 1}}}});
    let refused = bench.run(ask(json!({"response_format": format(schema)}))).unwrap_err();
    assert_eq!(refused.code(), "unsupported_grammar");
    assert_eq!(
        refused.detail()["param"],
        "response_format.json_schema.schema.properties.a.not"
    );
    let refused = bench.run(ask(json!({"kinglet": {"regex": "("}}))).unwrap_err();
    assert_eq!(
        (refused.code(), refused.detail()["param"].as_str()),
        ("unsupported_grammar", Some("kinglet.regex"))
    );
    // A request with a grammar is not answered without it.
    let request = Request::chat(&ask(json!({"kinglet": {"regex": "a"}}))).unwrap();
    assert!(bench.session.start(&request).is_err());
}

fn tool(name: &str) -> Value {
    let parameters = json!({"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, "required": ["city"],
        "additionalProperties": false});
    json!({"type": "function", "function": {"name": name, "description": "d", "parameters": parameters}})
}

/// Name and arguments of each call.
fn calls(chunks: &[Chunk]) -> Vec<(String, String)> {
    let mut found: BTreeMap<usize, (String, String)> = BTreeMap::new();
    for delta in chunks.iter().flat_map(|c| &c.tool_calls) {
        let call = found.entry(delta.index).or_default();
        call.0.push_str(delta.function.name.as_deref().unwrap_or(""));
        call.1.push_str(&delta.function.arguments);
    }
    found.into_values().collect()
}

#[test]
fn tools_are_called_as_their_schemas_say() {
    let mut bench = Bench::new(TOOLS);
    let tools = json!([tool("weather"), tool("time")]);
    for (choice, names) in [
        (json!("required"), &["weather", "time"][..]),
        (json!({"type": "function", "function": {"name": "time"}}), &["time"][..]),
    ] {
        for seed in 0..5 {
            let request = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": false, "seed": seed});
            let chunks = bench.run(ask(request)).unwrap();
            let found = calls(&chunks);
            assert_eq!(
                (found.len(), finish(&chunks)),
                (1, Some(FinishReason::ToolCalls)),
                "{found:?}"
            );
            assert!(names.contains(&found[0].0.as_str()), "{found:?}");
            let arguments: Value = serde_json::from_str(&found[0].1).unwrap();
            assert!(
                ["Rome", "Oslo"].contains(&arguments["city"].as_str().unwrap()),
                "{arguments}"
            );
            assert_eq!(text(&chunks), "");
        }
    }
    // `auto`: free text, unless the model opens a call. It cannot be made to here, but the text must be free.
    let chunks = bench.run(ask(json!({"tools": tools, "max_tokens": 8}))).unwrap();
    let free = bench
        .run(ask(json!({"tools": tools, "tool_choice": "none", "max_tokens": 8})))
        .unwrap();
    assert_eq!((calls(&chunks).len(), chunks.len()), (0, free.len()));
}

/// A stop string is for free text: it cuts neither a call nor an answer in JSON, and ends free text beside tools.
#[test]
fn a_stop_string_cuts_no_form() {
    let mut bench = Bench::new(TOOLS);
    let tools = json!([tool("weather")]);
    let stop = json!(["Rome", "Oslo", "}"]);
    let request = json!({"tools": tools, "tool_choice": "required", "parallel_tool_calls": false, "stop": stop});
    let chunks = bench.run(ask(request)).unwrap();
    assert_eq!(finish(&chunks), Some(FinishReason::ToolCalls));
    assert!(
        serde_json::from_str::<Value>(&calls(&chunks)[0].1).is_ok(),
        "{:?}",
        calls(&chunks)
    );

    let schema = json!({"type": "object", "properties": {"a": {"enum": ["Rome", "Oslo"]}}, "required": ["a"],
        "additionalProperties": false});
    let chunks = bench
        .run(ask(json!({"response_format": format(schema), "stop": stop})))
        .unwrap();
    assert_eq!(finish(&chunks), Some(FinishReason::Stop));
    assert!(
        serde_json::from_str::<Value>(&text(&chunks)).is_ok(),
        "{}",
        text(&chunks)
    );

    let free = text(&bench.run(ask(json!({"tools": tools, "max_tokens": 12}))).unwrap());
    let stop: String = free.chars().skip(3).take(2).collect();
    let cut = bench
        .run(ask(json!({"tools": tools, "max_tokens": 12, "stop": stop})))
        .unwrap();
    assert_eq!(text(&cut), free[..free.find(&stop).unwrap()]);
    assert_eq!(finish(&cut), Some(FinishReason::Stop));
    // The caller's own grammar may hold any text, and a part of it may be all that is wanted.
    let own = json!({"kinglet": {"regex": "ab=cd"}, "stop": "="});
    assert_eq!(text(&bench.run(ask(own)).unwrap()), "ab");
}

#[test]
fn a_template_without_tools_is_said_so() {
    let mut bench = Bench::new(PLAIN);
    let refused = bench.run(ask(json!({"tools": [tool("weather")]}))).unwrap_err();
    assert_eq!(refused.code(), "invalid_request");
    assert_eq!(refused.detail()["param"], "tools");
    assert!(
        bench
            .run(ask(
                json!({"tools": [tool("weather")], "tool_choice": "none", "max_tokens": 2})
            ))
            .is_ok()
    );
    let shown = "{{ tools | tojson }}{% for m in messages %}{{ m.content }}{% endfor %}";
    assert_eq!(
        Bench::new(shown)
            .run(ask(json!({"tools": [tool("weather")]})))
            .unwrap_err()
            .code(),
        "invalid_request"
    );
}

/// A mask of the tokens of one residue class.
fn every(n: usize, of: usize) -> Vec<u32> {
    let mut mask = vec![0u32; n.div_ceil(32)];
    (0..n).step_by(of).for_each(|id| mask[id / 32] |= 1 << (id % 32));
    mask
}

/// The distribution over allowed tokens is the whole one, renormalised: the same draw as from a row in which the others
/// are minus infinity, and the best few settle it only where they must give the same.
#[test]
fn masked_sampling_is_the_renormalised_distribution() {
    let n = 300;
    let mut rng = support::Rng(11);
    let configs = [
        SamplerConfig::default(),
        SamplerConfig {
            temperature: 0.8,
            ..SamplerConfig::default()
        },
        SamplerConfig {
            temperature: 1.0,
            top_k: 5,
            ..SamplerConfig::default()
        },
        SamplerConfig {
            temperature: 1.3,
            top_p: 0.6,
            min_p: 0.01,
            ..SamplerConfig::default()
        },
        SamplerConfig {
            temperature: 1.0,
            top_p: 0.9,
            repeat_penalty: 1.4,
            frequency_penalty: 0.5,
            ..SamplerConfig::default()
        },
        SamplerConfig {
            temperature: 1.0,
            logit_bias: vec![(3, 2.0), (6, -100.0)],
            ..SamplerConfig::default()
        },
    ];
    let (mut settled, mut tried) = (0, 0);
    for round in 0..60u64 {
        let row: Vec<f32> = (0..n).map(|_| (rng.next_u64() % 1000) as f32 / 100.0).collect();
        for (which, config) in configs.iter().enumerate() {
            for of in [1, 3, 37] {
                let mask = every(n, of);
                let config = SamplerConfig {
                    seed: round,
                    ..config.clone()
                };
                let fresh = || {
                    let mut sampler = Sampler::new(config.clone()).unwrap();
                    (0..20).for_each(|id| sampler.accept(id * 3));
                    sampler
                };
                let alone: Vec<f32> = (0..n)
                    .map(|id| if id % of == 0 { row[id] } else { f32::NEG_INFINITY })
                    .collect();
                let expect = fresh().sample_row(&alone).unwrap().id;
                let got = fresh().sample_row_of(&row, Some(&mask)).unwrap();
                assert_eq!(got.id, expect, "config {which}, every {of}");
                // Reported is the model's own probability, not the renormalised one.
                let total: f64 = row.iter().map(|&l| f64::from(l).exp()).sum();
                assert!((f64::from(got.logprob) - (f64::from(row[got.id as usize]) - total.ln())).abs() < 1e-3);
                let mut order: Vec<u32> = (0..n as u32).collect();
                order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]).then(a.cmp(&b)));
                let ids = order[..64].to_vec();
                let logits = ids.iter().map(|&id| row[id as usize]).collect();
                let top = TopK {
                    ids,
                    logits,
                    log_sum_exp: total.ln() as f32,
                    entropy: 0.0,
                };
                tried += 1;
                if let Some(quick) = fresh().sample_top_of(&top, Some(&mask)).unwrap() {
                    assert_eq!(quick.id, expect, "config {which}, every {of}, from the best");
                    settled += 1;
                }
            }
        }
    }
    assert!(
        settled > tried / 5 && settled < tried,
        "{settled} of {tried} were settled by the best few"
    );
}

/// How the templates of known models have tools called: found out by rendering, and written down here.
#[test]
fn the_templates_of_known_models() {
    let Some(folder) = support::shared("templates") else {
        return;
    };
    let known = [
        (
            "Qwen-Qwen2.5-7B-Instruct",
            json!({"text": "<tool_call>"}),
            "arguments",
            true,
        ),
        ("Qwen-Qwen3-0.6B", json!({"text": "<tool_call>"}), "arguments", true),
        (
            "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
            json!({"text": "<tool_call>"}),
            "arguments",
            true,
        ),
        (
            "meta-llama-Llama-3.1-8B-Instruct",
            json!({"first": "{"}),
            "parameters",
            false,
        ),
        (
            "meta-llama-Llama-3.2-3B-Instruct",
            json!({"first": "{"}),
            "parameters",
            false,
        ),
        (
            "mistralai-Mistral-Nemo-Instruct-2407",
            json!({"text": "[TOOL_CALLS]"}),
            "arguments",
            true,
        ),
    ];
    let mut taken = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()) {
        if file.extension().is_none_or(|e| e != "jinja") {
            continue;
        }
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let bench = Bench::new(&std::fs::read_to_string(&file).unwrap());
        let request = Request::chat(&ask(json!({"tools": [tool("weather")]}))).unwrap();
        let expect = known.iter().find(|k| k.0 == name);
        match (bench.session.grammar(&request), expect) {
            (Ok(Some(spec)), Some((_, trigger, key, parallel))) => {
                assert_eq!(
                    (&spec["trigger"], &spec["grammar"]["parallel"]),
                    (trigger, &json!(parallel)),
                    "{name}: {spec}"
                );
                assert_eq!(spec["grammar"]["format"]["arguments_key"], *key, "{name}");
                let spec: Spec = serde_json::from_value(spec).unwrap();
                Matcher::new(&bench.vocabulary, &spec).unwrap_or_else(|e| panic!("{name}: {e}"));
                taken.push(name);
            }
            (Ok(Some(spec)), None) => println!("{name} calls like this: {}", spec["grammar"]["format"]),
            (Err(error), None) => {
                println!("{name}: {error}");
                assert!(
                    ["invalid_request", "template", "template_refused"].contains(&error.code()),
                    "{name}: {error}"
                );
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(taken.len(), known.len(), "{taken:?}");
}

/// A call that is written as the template has it goes through the grammar, one of another tool or with wrong arguments
/// does not, and text before it is free.
#[test]
fn auto_is_free_until_a_call_opens() {
    let bench = Bench::new(TOOLS);
    let words = crate::grammar::Words::new(bench.session.tokenizer());
    let spec = |more: Value| {
        let mut body = ask(json!({"tools": [tool("weather"), tool("time")]}));
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let request = Request::chat(&body).unwrap();
        serde_json::from_value::<Spec>(bench.session.grammar(&request).unwrap().unwrap()).unwrap()
    };
    let call = |name: &str, city: &str| {
        format!("<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {{\"city\": \"{city}\"}}}}\n</tool_call>")
    };
    // As the template has them: Jinja takes away the line's end behind its own tags.
    let both = format!("{}{}", call("weather", "Rome"), call("time", "Oslo"));
    let auto = spec(json!({}));
    for (text, allowed) in [
        (format!("Let me see. {}", call("weather", "Rome")), true),
        (both.clone(), true),
        (format!("<tool call> {}", call("time", "Oslo")), true),
        (call("weather", "Paris"), false),
        (call("launch", "Rome"), false),
        (format!("{} and more", call("time", "Oslo")), false),
    ] {
        assert_eq!(words.allows(&auto, &text), Ok(allowed), "{text}");
    }
    let one = spec(json!({"parallel_tool_calls": false, "tool_choice": "required"}));
    assert_eq!(words.allows(&one, &call("time", "Oslo")), Ok(true));
    assert_eq!(words.allows(&one, &both), Ok(false));
    assert_eq!(
        words.allows(&one, &format!("Well, {}", call("time", "Oslo"))),
        Ok(false)
    );
    let named = spec(json!({"tool_choice": {"type": "function", "function": {"name": "time"}}}));
    assert_eq!(words.allows(&named, &call("weather", "Oslo")), Ok(false));
}
