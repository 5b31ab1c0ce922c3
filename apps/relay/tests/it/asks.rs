//! What of a request is passed on, and what a configuration may say.

use kinglet_relay::Config;
use serde_json::{Value, json};

use super::support::*;

const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;

#[tokio::test]
async fn an_answer_is_bounded_whatever_is_asked() {
    let service = Service::start(|_| answer("200 OK", "", ANSWER)).await;
    let folder = Folder::new();
    let relay = Running::start(&config(&folder, service.address)).await;
    for (asked, sent) in [
        (json!({}), 100),
        (json!({ "max_tokens": 7 }), 7),
        (json!({ "max_tokens": 1_000_000 }), 100),
        (json!({ "max_completion_tokens": 8 }), 8),
        (json!({ "max_tokens": 9, "max_completion_tokens": 8 }), 8),
        (
            json!({ "max_tokens": null, "n": 1, "stream": false, "tools": null }),
            100,
        ),
    ] {
        let mut body = json!({ "model": "small", "messages": [{ "role": "user", "content": "hi" }], "user": "me" });
        for (name, value) in asked.as_object().unwrap() {
            body[name] = value.clone();
        }
        assert_eq!(relay.chat(&body).await.status, 200, "{body}");
        let seen = service.seen().pop().unwrap().body;
        assert_eq!(
            seen,
            json!({ "model": "real-small", "messages": [{ "role": "user", "content": "hi" }], "max_tokens": sent })
        );
    }
}

#[tokio::test]
async fn what_costs_in_other_ways_is_not_passed_on() {
    let service = Service::start(|_| answer("200 OK", "", ANSWER)).await;
    let folder = Folder::new();
    let relay = Running::start(&config(&folder, service.address)).await;
    let bad: &[(&str, Value)] = &[
        ("max_tokens", json!(0)),
        ("max_tokens", json!(-5)),
        ("max_tokens", json!("many")),
        ("max_tokens", json!(1.5)),
        ("n", json!(2)),
        ("best_of", json!(3)),
        ("stream", json!("yes")),
        ("stream_options", json!(1)),
        ("service_tier", json!("priority")),
        ("web_search_options", json!({})),
        ("modalities", json!(["audio"])),
        ("base_url", json!("http://evil.example")),
        ("tools", json!([{ "type": "web_search" }])),
        ("tools", json!("all")),
        ("messages", json!("hello")),
        ("messages", json!([1])),
        ("messages", json!([{ "role": "user", "content": 5 }])),
        (
            "messages",
            json!([{ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "https://x.example/y.png" } }] }]),
        ),
        (
            "messages",
            json!([{ "role": "user", "content": [{ "text": "no type" }] }]),
        ),
    ];
    for (name, value) in bad {
        let mut body = hello();
        body[*name] = value.clone();
        let got = relay.chat(&body).await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (400, "invalid_request"),
            "{name}: {got:?}"
        );
        assert!(got.body.contains(name), "{name}: {}", got.body);
    }
    for (name, value) in [
        (
            "tools",
            json!([{ "type": "web_search_20250305", "name": "web_search" }]),
        ),
        (
            "messages",
            json!([{ "role": "user", "content": [{ "type": "document", "source": { "type": "url" } }] }]),
        ),
        (
            "messages",
            json!([{ "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "1", "content": [{ "type": "image" }] }] }]),
        ),
        ("mcp_servers", json!([])),
    ] {
        let mut body = json!({ "model": "claude", "max_tokens": 5, "messages": [] });
        body[name] = value;
        let got = relay
            .ask("/v1/messages", &[("authorization", &bearer())], &body.to_string())
            .await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (400, "invalid_request"),
            "{name}: {got:?}"
        );
    }
    assert!(service.seen().is_empty());
}

#[tokio::test]
async fn tools_schemas_and_their_results_come_through() {
    let service = Service::start(|_| answer("200 OK", "", ANSWER)).await;
    let folder = Folder::new();
    let relay = Running::start(&config(&folder, service.address)).await;
    let mut body = hello();
    body["tools"] = json!([{ "type": "function", "function": { "name": "f", "parameters": { "properties": { "cache_control": {} } } } }]);
    body["tool_choice"] = json!("auto");
    body["response_format"] = json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": {} } });
    body["temperature"] = json!(0.2);
    body["messages"] = json!([
        { "role": "system", "content": [{ "type": "text", "text": "be kind" }] },
        { "role": "assistant", "content": null, "tool_calls": [{ "id": "1", "type": "function", "function": { "name": "f", "arguments": "{}" } }] },
        { "role": "tool", "tool_call_id": "1", "content": "5" },
    ]);
    assert_eq!(relay.chat(&body).await.status, 200);
    let seen = service.seen().pop().unwrap().body;
    for name in ["tools", "tool_choice", "response_format", "temperature", "messages"] {
        assert_eq!(seen[name], body[name], "{name}");
    }
}

#[test]
fn a_configuration_is_refused_by_the_path_of_what_is_wrong() {
    let folder = Folder::new();
    let good = config(&folder, "127.0.0.1:9".parse().unwrap());
    Config::parse(&good).unwrap();
    for (from, to, path) in [
        ("maxTokens = 100", "maxTokens = 100\nmax_tokens = 1", "tiers.free"),
        ("maxTokens = 100", "maxTokens = 0", "tiers.free.maxTokens"),
        ("perDay = 100_000_000", "perDay = -1", "tiers.free.perDay"),
        ("perDay = 1_000_000_000\n", "", "budget"),
        (
            "[\"small\", \"claude\"]",
            "[\"small\", \"large\"]",
            "tiers.free.models[1]",
        ),
        ("https://app.example", "*", "origins[0]"),
        ("https://app.example", "https://app.example/", "origins[0]"),
        (
            "baseURL = \"http://127.0.0.1:9/v1\"",
            "baseURL = \"http://llm.example/v1\"",
            "upstreams.main.baseURL",
        ),
        (
            "baseURL = \"http://127.0.0.1:9/v1\"",
            "baseURL = \"https://me:pw@llm.example/v1\"",
            "upstreams.main.baseURL",
        ),
        (
            "baseURL = \"http://127.0.0.1:9/v1\"",
            "baseURL = \"file:///etc\"",
            "upstreams.main.baseURL",
        ),
        ("headMs = 1_500", "headMs = 0", "upstreams.main.timeouts.headMs"),
        ("headMs = 1_500", "headms = 1", "upstreams.main.timeouts"),
        (
            "currency = \"USD\", asOf",
            "currency = \"EUR\", asOf",
            "upstreams.main.models.small.price.currency",
        ),
        ("outputPerMillion", "output", "upstreams.main.models.small.price"),
        ("models.claude", "models.small", "upstreams.other.models.small"),
        ("key = { file", "key = { value", "upstreams.main.key"),
        ("tokens = {", "tokens = { algorithm = \"none\",", "tokens"),
        ("listen = ", "listen = 5 #", "listen"),
        ("[budget]", "[budget", "the file"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Config::parse(&good.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with(path) && error.contains("expected"), "{to}: {error}");
    }
    // Secrets are read from where they are, and are long enough; no error shows one.
    for (secret, fine) in [(SECRET, true), ("too-short-secret", false), ("", false)] {
        folder.file("secret", secret);
        let made = kinglet_relay::token::Door::new(&Config::parse(&good).unwrap());
        assert_eq!(made.is_ok(), fine);
        assert!(
            made.err()
                .is_none_or(|e| e.path == "tokens.secret" && !e.to_string().contains("too-short"))
        );
    }
}

#[test]
fn the_example_and_the_container_are_what_they_say() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = std::fs::read_to_string(root.join("relay.example.toml")).unwrap();
    Config::parse(&example).unwrap();
    let container = std::fs::read_to_string(root.join("Containerfile")).unwrap();
    let mut copied = 0;
    for line in container
        .lines()
        .filter(|line| line.starts_with("COPY ") && !line.contains("--from"))
    {
        let mut paths: Vec<&str> = line.split_whitespace().skip(1).collect();
        paths.pop();
        for path in paths {
            assert!(root.join("../..").join(path).exists(), "{path}");
            copied += 1;
        }
    }
    assert!(copied > 3 && container.contains("\nUSER ") && container.contains("\nHEALTHCHECK "));
    assert!(!container.contains("SECRET=") && !container.contains("KEY="));
}
