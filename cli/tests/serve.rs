//! `kinglet serve` as a client uses it: the real binary, and bytes over a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Server {
    child: Child,
    port: u16,
    ready: Value,
    _out: BufReader<ChildStdout>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The project's smaller model, on a free port.
fn serve(more: &[&str]) -> Server {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/desk");
    let mut child = Command::new(env!("CARGO_BIN_EXE_kinglet"))
        .args([
            "serve",
            "desk-nano",
            "--port",
            "0",
            "--backend",
            "cpu",
            "--threads",
            "1",
        ])
        .args(more)
        .env("KINGLET_MODELS", models)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
    let address = ready["listening"].as_str().unwrap();
    let port = address
        .trim_end_matches("/v1")
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    Server {
        child,
        port,
        ready,
        _out: out,
    }
}

impl Server {
    /// Sends these bytes; status, head and body (chunks put together) of what comes back.
    fn send(&self, bytes: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        // It may answer before it has read everything.
        let _ = stream.write_all(bytes);
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let text = String::from_utf8(all).unwrap();
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no head: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_owned()
        };
        (status, head.to_ascii_lowercase(), body)
    }

    fn request(&self, method: &str, path: &str, fields: &str, body: &str) -> (u16, String, String) {
        let length = body.len();
        let fields = if fields.to_ascii_lowercase().contains("host:") {
            fields.to_owned()
        } else {
            format!("Host: localhost:{}\r\n{fields}", self.port)
        };
        let head = format!("{method} {path} HTTP/1.1\r\n{fields}Connection: close\r\nContent-Length: {length}\r\n\r\n");
        self.send(format!("{head}{body}").as_bytes())
    }

    fn post(&self, body: &Value) -> (u16, Value) {
        let (status, _, text) = self.request("POST", CHAT, JSON, &body.to_string());
        (
            status,
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")),
        )
    }
}

const CHAT: &str = "/v1/chat/completions";
const JSON: &str = "Content-Type: application/json\r\n";

/// Each chunk is `SIZE\r\nBYTES\r\n`; the last one is empty. Without that one the body is incomplete.
fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n").unwrap_or_else(|| panic!("cut: {body:?}"));
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return text;
        }
        text += &rest[..size];
        body = &rest[size + 2..];
    }
}

fn events(text: &str) -> Vec<Value> {
    let events: Vec<&str> = text
        .trim_end()
        .split("\n\n")
        .map(|event| event.strip_prefix("data: ").unwrap())
        .collect();
    assert_eq!(events.last(), Some(&"[DONE]"), "{text}");
    let read = |event: &&str| serde_json::from_str(event).unwrap();
    events[..events.len() - 1].iter().map(read).collect()
}

fn ask(content: &str) -> Value {
    json!({"messages": [{"role": "user", "content": content}], "temperature": 0, "max_tokens": 40})
}

const QUESTION: &str = "filter\nmessage: Where can I download the invoice of my last order?";

#[test]
fn a_whole_answer_and_a_stream_say_the_same_as_generate() {
    let server = serve(&["--name", "small"]);
    assert_eq!(server.ready["model"], "small");
    let (status, answer) = server.post(&ask(QUESTION));
    assert_eq!(status, 200, "{answer}");
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert_eq!(text, "pass");
    assert_eq!(
        (
            &answer["object"],
            &answer["model"],
            &answer["choices"][0]["finish_reason"]
        ),
        (&json!("chat.completion"), &json!("small"), &json!("stop"))
    );
    assert_eq!(
        answer["usage"]["total_tokens"].as_u64().unwrap(),
        answer["usage"]["prompt_tokens"].as_u64().unwrap() + answer["usage"]["completion_tokens"].as_u64().unwrap()
    );

    let mut body = ask(QUESTION);
    body["model"] = json!("small");
    body["stream"] = json!(true);
    let plain = server.request("POST", CHAT, JSON, &body.to_string());
    assert!(plain.1.contains("content-type: text/event-stream"), "{}", plain.1);
    assert!(events(&plain.2).iter().all(|event| event.get("usage").is_none()));
    body["stream_options"] = json!({"include_usage": true});
    let all = events(&server.request("POST", CHAT, JSON, &body.to_string()).2);
    let (last, pieces) = all.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], answer["usage"]["completion_tokens"]);
    let deltas = pieces.iter().map(|event| &event["choices"][0]["delta"]);
    let streamed: String = deltas.clone().filter_map(|delta| delta["content"].as_str()).collect();
    assert_eq!(streamed, text);
    assert_eq!(deltas.clone().filter(|delta| !delta["role"].is_null()).count(), 1);
    let finishes: Vec<&Value> = pieces
        .iter()
        .map(|event| &event["choices"][0]["finish_reason"])
        .collect();
    assert_eq!(finishes.last(), Some(&&json!("stop")));
    assert!(finishes[..finishes.len() - 1].iter().all(|finish| finish.is_null()));
}

#[test]
fn a_schema_holds_and_several_answers_are_told_apart() {
    let server = serve(&[]);
    let schema = json!({"type": "object", "properties": {"order number": {"type": "string"}}, "required": ["order number"], "additionalProperties": false});
    let mut body = ask("extract: order number\nmessage: My order 55102 has not arrived yet.");
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
    let (_, answer) = server.post(&body);
    let said: Value = serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(said, json!({"order number": "55102"}));
    let mut body = ask(QUESTION);
    body["n"] = json!(2);
    body["logprobs"] = json!(true);
    let (_, answer) = server.post(&body);
    let choices = answer["choices"].as_array().unwrap();
    assert_eq!(
        choices.iter().map(|choice| &choice["index"]).collect::<Vec<_>>(),
        [0, 1]
    );
    assert!(
        choices
            .iter()
            .all(|choice| choice["logprobs"]["content"][0]["logprob"].is_number())
    );
}

#[test]
fn what_is_wrong_is_an_error_in_openais_shape_and_the_next_request_is_answered() {
    let server = serve(&[]);
    let large = format!("{{\"messages\": \"{}\"}}", "x".repeat(5 << 20));
    let with = |field: &str, value: Value| {
        let mut body = ask("x");
        body[field] = value;
        body.to_string()
    };
    for (method, path, fields, body, status, code) in [
        ("POST", CHAT, JSON, "not json".to_owned(), 400, "invalid_request"),
        ("POST", CHAT, JSON, with("frobnicate", json!(1)), 400, "invalid_request"),
        (
            "POST",
            CHAT,
            JSON,
            with("temperature", json!(-1)),
            400,
            "invalid_request",
        ),
        ("POST", CHAT, JSON, with("stream", json!("yes")), 400, "invalid_request"),
        (
            "POST",
            CHAT,
            JSON,
            with("max_tokens", json!(100_000)),
            400,
            "context_overflow",
        ),
        ("POST", CHAT, JSON, with("model", json!("gpt")), 404, "model_not_found"),
        ("POST", CHAT, JSON, large, 413, "too_large"),
        (
            "POST",
            CHAT,
            "Content-Type: text/plain\r\n",
            ask("x").to_string(),
            415,
            "unsupported_media_type",
        ),
        ("POST", "/v1/embeddings", JSON, "{}".to_owned(), 404, "not_found"),
        ("GET", CHAT, "", String::new(), 404, "not_found"),
        (
            "GET",
            "/v1/models",
            "Origin: https://evil.example\r\n",
            String::new(),
            403,
            "forbidden",
        ),
        (
            "GET",
            "/v1/models",
            "Host: rebound.example\r\n",
            String::new(),
            403,
            "forbidden",
        ),
    ] {
        let (got, _, text) = server.request(method, path, fields, &body);
        let error: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(
            (got, &error["error"]["code"]),
            (status, &json!(code)),
            "{method} {path} {fields}: {text}"
        );
        assert!(
            error["error"]["message"].as_str().is_some_and(|m| m.len() > 10),
            "{text}"
        );
    }
    let (status, _, text) = server.request("GET", "/v1/models", "", "");
    let models: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &models["data"][0]["id"]), (200, &json!("desk-nano")));
    assert_eq!(server.post(&ask(QUESTION)).0, 200);
}

#[test]
fn pages_may_ask_only_where_they_are_named() {
    let server = serve(&["--origin", "https://app.example"]);
    let named = "Origin: https://app.example\r\n";
    let (status, head, _) = server.request("OPTIONS", CHAT, named, "");
    assert_eq!(status, 204);
    assert!(
        head.contains("access-control-allow-origin: https://app.example"),
        "{head}"
    );
    let (_, head, text) = server.request("POST", CHAT, &format!("{named}{JSON}"), &ask(QUESTION).to_string());
    assert!(
        head.contains("access-control-allow-origin: https://app.example"),
        "{head} {text}"
    );
    let (status, head, _) = server.request("OPTIONS", CHAT, "Origin: https://other.example\r\n", "");
    assert_eq!(status, 403);
    assert!(!head.contains("access-control"), "{head}");
    assert!(!server.request("GET", "/v1/models", "", "").1.contains("access-control"));
}

#[test]
fn who_goes_away_and_who_is_slow_hold_nobody_up() {
    let server = serve(&[]);
    let connect = || TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let head =
        |length: usize| format!("POST {CHAT} HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: {length}\r\n\r\n");
    let mut slow = connect();
    slow.write_all(head(1000).as_bytes()).unwrap();
    let mut body = ask(QUESTION);
    body["stream"] = json!(true);
    body["max_tokens"] = json!(900);
    body["logit_bias"] = json!({}); // long, whatever it says
    let text = body.to_string();
    let mut gone = connect();
    gone.write_all(format!("{}{text}", head(text.len())).as_bytes())
        .unwrap();
    gone.shutdown(Shutdown::Both).unwrap();
    assert_eq!(server.post(&ask(QUESTION)).0, 200);
}
