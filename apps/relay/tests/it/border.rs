//! Pages, headers, sizes, addresses: what crosses the border and what does not.

use serde_json::json;

use super::support::*;

const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
const PAGE: (&str, &str) = ("origin", "https://app.example");

#[tokio::test]
async fn pages_of_the_configured_origins_may_ask_and_no_others() {
    let limits = "x-ratelimit-limit-tokens: 5\r\nretry-after: 3\r\nset-cookie: a=b\r\nserver: secret-host\r\n";
    let service = Service::start(move |_| answer("200 OK", limits, ANSWER)).await;
    let folder = Folder::new();
    let relay = Running::start(&config(&folder, service.address)).await;
    let path = "/v1/chat/completions";
    let preflight = [
        PAGE,
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type,x-stainless-os,x-evil",
        ),
    ];
    let got = request(relay.address, "OPTIONS", path, &preflight, "").await;
    assert_eq!(got.status, 204, "{got:?}");
    assert_eq!(got.headers["access-control-allow-origin"], PAGE.1);
    assert_eq!(
        got.headers["access-control-allow-headers"],
        "authorization, content-type, x-stainless-os"
    );
    assert!(got.headers["access-control-allow-methods"].contains("POST"));
    assert!(!got.headers.contains_key("access-control-allow-credentials"));

    let got = relay
        .ask(path, &[PAGE, ("authorization", &bearer())], &hello().to_string())
        .await;
    assert_eq!(
        (got.status, got.headers["access-control-allow-origin"].as_str()),
        (200, PAGE.1)
    );
    let exposed: Vec<&str> = got.headers["access-control-expose-headers"].split(", ").collect();
    for name in ["date", "retry-after", "x-ratelimit-limit-tokens"] {
        assert!(exposed.contains(&name) && got.headers.contains_key(name), "{exposed:?}");
    }
    assert!(!got.headers.contains_key("set-cookie") && got.headers.get("server").is_none_or(|s| s != "secret-host"));
    // A refusal is readable, too: its code, and how long to wait.
    let got = relay.ask(path, &[PAGE], &hello().to_string()).await;
    assert_eq!(
        (got.status, got.headers["access-control-allow-origin"].as_str()),
        (401, PAGE.1)
    );
    assert!(got.headers["access-control-expose-headers"].contains("www-authenticate"));

    for origin in [
        "https://evil.example",
        "https://app.example.evil.example",
        "http://app.example",
        "https://APP.example",
        "null",
        "*",
    ] {
        for (method, more) in [
            ("OPTIONS", ("access-control-request-method", "POST")),
            ("POST", ("x", "y")),
        ] {
            let headers = [("origin", origin), ("authorization", &bearer()), more];
            let got = request(relay.address, method, path, &headers, &hello().to_string()).await;
            assert_eq!(
                (got.status, got.code().as_str()),
                (403, "origin_not_allowed"),
                "{origin}"
            );
            assert!(
                !got.headers.keys().any(|name| name.starts_with("access-control-")),
                "{got:?}"
            );
        }
    }
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn the_service_sees_the_relays_key_and_nothing_of_the_client() {
    let service = Service::start(|_| answer("200 OK", "", ANSWER)).await;
    let folder = Folder::new();
    let relay = Running::start(&config(&folder, service.address)).await;
    let bearer = bearer();
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-api-key", "of-the-client"),
        ("cookie", "session=of-the-client"),
        ("openai-organization", "of-the-client"),
        ("anthropic-beta", "of-the-client"),
        ("x-forwarded-for", "10.1.2.3"),
        ("x-forwarded-host", "evil.example"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "Basic of-the-client"),
        ("idempotency-key", "of-the-client"),
    ];
    for path in ["/v1/chat/completions", "/v1/chat/completions?base=http://evil.example"] {
        let got = relay.ask(path, &headers, &hello().to_string()).await;
        assert_eq!(got.status, 200, "{got:?}");
    }
    for seen in service.seen() {
        assert_eq!(seen.path, "/v1/chat/completions");
        assert_eq!(seen.headers["authorization"], format!("Bearer {KEY}"));
        let mut names: Vec<&str> = seen.headers.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "accept",
                "authorization",
                "content-length",
                "content-type",
                "host",
                "user-agent"
            ]
        );
        assert!(!format!("{seen:?}").contains("of-the-client"));
        assert!(!format!("{seen:?}").contains(&bearer["Bearer ".len()..]));
    }
}

#[tokio::test]
async fn errors_of_the_service_say_nothing_of_it() {
    let host = "127.0.0.1";
    let leak = format!(
        r#"{{"error":{{"message":"bad key {KEY} at http://{host}/srv/app.py line 3","type":"server_error","code":"Bad Code!"}}}}"#
    );
    let overflow = r#"{"error":{"message":"the prompt is too long: 9000 tokens","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
    let llama = r#"{"error":{"message":"the prompt is too long","type":"exceed_context_size_error","code":400}}"#;
    let html = "<html><body>502 nginx</body></html>";
    for (status, body, expected, code) in [
        ("400 Bad Request", overflow, 400, "context_length_exceeded"),
        ("400 Bad Request", llama, 400, "exceed_context_size_error"),
        ("400 Bad Request", leak.as_str(), 400, "server_error"),
        ("401 Unauthorized", leak.as_str(), 502, "upstream_auth"),
        ("403 Forbidden", leak.as_str(), 502, "upstream_auth"),
        ("404 Not Found", leak.as_str(), 502, "upstream_error"),
        ("429 Too Many Requests", leak.as_str(), 429, "upstream_rate_limited"),
        ("500 Internal Server Error", leak.as_str(), 502, "upstream_error"),
        ("502 Bad Gateway", html, 502, "upstream_error"),
        ("503 Service Unavailable", html, 503, "upstream_overloaded"),
        ("529 Overloaded", leak.as_str(), 529, "upstream_overloaded"),
        ("302 Found", html, 502, "upstream_error"),
        ("200 OK", html, 502, "upstream_bad_answer"),
        ("200 OK", "[1]", 502, "upstream_bad_answer"),
        ("200 OK", leak.as_str(), 502, "server_error"),
        ("204 No Content", "", 502, "upstream_error"),
    ] {
        let (said, elsewhere) = (body.to_string(), Service::start(|_| answer("200 OK", "", ANSWER)).await);
        let location = format!(
            "location: http://{}/v1/chat/completions\r\nretry-after: 9\r\n",
            elsewhere.address
        );
        let service = Service::start(move |_| answer(status, &location, &said)).await;
        let folder = Folder::new();
        let relay = Running::start(&config(&folder, service.address)).await;
        for ask in [hello(), hello_stream()] {
            let got = relay.chat(&ask).await;
            assert_eq!(
                (got.status, got.code().as_str()),
                (expected, code),
                "{status} {body}: {got:?}"
            );
            for secret in [KEY, host, ".py", "nginx", "srv"] {
                assert!(!format!("{got:?}").contains(secret), "{status}: {got:?}");
            }
        }
        assert!(elsewhere.seen().is_empty(), "no redirect is followed");
        // Turned away costs nothing; what may have been worked on costs the most it can.
        let free = matches!(expected, 400 | 429 | 503 | 529) || matches!(&status[..3], "401" | "403" | "404");
        assert_eq!(relay.spent().0 == 0, free, "{status}");
    }
    // Nobody is there: nothing was sent, nothing is spent.
    let folder = Folder::new();
    let gone = Service::start(|_| Vec::new()).await.address;
    let nobody = config(&folder, gone).replace(&gone.port().to_string(), "1");
    let relay = Running::start(&nobody).await;
    let got = relay.chat(&hello()).await;
    assert_eq!(
        (got.status, got.code().as_str(), relay.spent().0),
        (502, "upstream_unreachable", 0)
    );
}

#[tokio::test]
async fn hostile_requests_are_refused_before_anything_is_spent() {
    let service = Service::start(|_| answer("200 OK", "", ANSWER)).await;
    let folder = Folder::new();
    let relay = Running::start(&config(&folder, service.address)).await;
    let mut large = hello();
    large["messages"][0]["content"] = json!("x".repeat(70_000));
    let deep = format!(
        "{{\"model\":\"small\",\"messages\":{}{}}}",
        "[".repeat(50_000 / 2),
        "]".repeat(50_000 / 2)
    );
    for (name, body, status, code) in [
        ("too large", large.to_string(), 413, "body_too_large"),
        ("too deep", deep, 400, "invalid_request"),
        ("no JSON", "{\"model\":".into(), 400, "invalid_request"),
        ("not UTF-8", String::from("{\"model\":\"\u{0}"), 400, "invalid_request"),
        ("empty", String::new(), 400, "invalid_request"),
        ("a list", "[]".into(), 400, "invalid_request"),
        ("no model", "{\"messages\":[]}".into(), 400, "invalid_request"),
        (
            "a model that is no text",
            "{\"model\":{\"$ne\":1},\"messages\":[]}".into(),
            400,
            "invalid_request",
        ),
        (
            "another model",
            hello().to_string().replace("small", "real-small"),
            404,
            "model_not_found",
        ),
        (
            "a model of the other protocol",
            hello().to_string().replace("small", "claude"),
            404,
            "model_not_found",
        ),
        ("no messages", "{\"model\":\"small\"}".into(), 400, "invalid_request"),
    ] {
        let got = relay
            .ask("/v1/chat/completions", &[("authorization", &bearer())], &body)
            .await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{name}: {got:?}");
        assert!(got.body.len() < 600, "{name}: an error does not repeat what was sent");
    }
    for (method, path, status) in [
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/embeddings", 404),
        ("POST", "/v1/../admin", 404),
        ("POST", "//evil.example/v1/chat/completions", 404),
        ("DELETE", "/health", 405),
    ] {
        let got = request(relay.address, method, path, &[("authorization", &bearer())], "").await;
        assert_eq!(got.status, status, "{method} {path}");
        assert!(got.json()["error"]["message"].is_string());
    }
    assert!(service.seen().is_empty());
    assert_eq!(relay.spent(), (0, 0));
    let got = request(relay.address, "GET", "/health", &[], "").await;
    assert_eq!((got.status, got.json()["status"].as_str()), (200, Some("ok")));
    let got = request(relay.address, "GET", "/v1/models", &[("authorization", &bearer())], "").await;
    assert_eq!((got.status, got.json()["data"][0]["id"].as_str()), (200, Some("small")));
    assert_eq!(request(relay.address, "GET", "/v1/models", &[], "").await.status, 401);
}
