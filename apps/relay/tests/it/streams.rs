//! What comes through, and what it is counted as.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;

use super::support::*;

const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n";
const STOP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// The worst case of [`hello`]: bytes of what is sent, the overhead, and ten tokens.
fn worst(service: &Service) -> u64 {
    let sent = service.seen().last().unwrap().body.to_string().len() as u64;
    cost(sent + 1024, 10)
}

#[tokio::test]
async fn a_stream_comes_through_and_costs_what_was_counted() {
    let service = Service::start(|_| stream(&[": ping\n\n", TEXT, STOP, USAGE, DONE])).await;
    let folder = Folder::new();
    let relay = Running::start(&config(&folder, service.address)).await;
    let got = relay.chat(&hello_stream()).await;
    assert_eq!((got.status, got.cut), (200, false), "{got:?}");
    // The client did not ask for usage, so it does not see it; everything else it sees byte by byte.
    assert_eq!(got.body, [": ping\n\n", TEXT, STOP, DONE].concat());
    assert_eq!(relay.spent(), (cost(7, 3), cost(7, 3)));
    let seen = &service.seen()[0];
    assert_eq!(seen.body["stream_options"], json!({ "include_usage": true }));
    assert_eq!(seen.body["model"], "real-small");
    // Who asks sees it.
    let mut body = hello_stream();
    body["stream_options"] = json!({ "include_usage": true });
    assert_eq!(
        relay.chat(&body).await.body,
        [": ping\n\n", TEXT, STOP, USAGE, DONE].concat()
    );
    assert_eq!(relay.spent().0, 2 * cost(7, 3));
}

#[tokio::test]
async fn what_nobody_counted_stays_spent() {
    let late = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n";
    let bad = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1e99}}\n\n";
    let huge = format!("data: {{\"pad\":\"{}\",\"usage\":null}}\n\n", "x".repeat(400_000));
    for (name, events) in [
        ("no usage", vec![TEXT, STOP, DONE]),
        ("usage that is no count", vec![TEXT, STOP, bad, DONE]),
        ("cut after a running count", vec![late]),
        ("an event that is too long", vec![TEXT, &huge, STOP, DONE]),
        ("no JSON", vec!["data: {\"usage\":\n\n", "data: <html>\n\n"]),
    ] {
        let script: Vec<String> = events.iter().map(ToString::to_string).collect();
        let whole = script.concat();
        let service = Service::start(move |_| stream(&script.iter().map(String::as_str).collect::<Vec<_>>())).await;
        let folder = Folder::new();
        let relay = Running::start(&config(&folder, service.address)).await;
        let got = relay.chat(&hello_stream()).await;
        assert_eq!(got.status, 200, "{name}");
        assert!(
            name == "usage that is no count" || got.body == whole,
            "{name}: {:.300}",
            got.body
        );
        assert_eq!(relay.spent().0, worst(&service), "{name}");
    }
}

#[tokio::test]
async fn usage_is_found_wherever_it_is_and_however_it_is_cut() {
    let spread = "data: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":7,\ndata: \"completion_tokens\":3}}\n\n";
    let with_stop = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n";
    let missing = "data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n";
    for events in [
        [TEXT, STOP, USAGE, DONE].concat(),
        [TEXT, STOP, spread, DONE].concat(),
        [TEXT, with_stop, DONE].concat(),
        [TEXT, missing].concat(),
        [TEXT, STOP, USAGE, DONE].concat().replace('\n', "\r\n"),
        [TEXT, STOP, USAGE, DONE].concat().replace('\n', "\r"),
    ] {
        let pieces: Vec<Step> = events.bytes().map(|byte| Step::Say(vec![byte])).collect();
        let service = Service::start(move |_| [stream(&[]), pieces.clone()].concat()).await;
        let folder = Folder::new();
        let relay = Running::start(&config(&folder, service.address)).await;
        let got = relay.chat(&hello_stream()).await;
        assert!(got.body.contains("hi") && got.body.len() <= events.len());
        assert_eq!(relay.spent().0, cost(7, 3), "{events:?}");
    }
}

#[tokio::test]
async fn messages_are_counted_from_both_ends() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n";
    let delta = |n: u64, reason: &str| {
        let data = format!(
            "{{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":{reason}}},\"usage\":{{\"output_tokens\":{n}}}}}"
        );
        format!("event: message_delta\ndata: {data}\n\n")
    };
    let (running, last) = (delta(2, "null"), delta(3, "\"end_turn\""));
    let whole = [
        start,
        &running,
        &last,
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ]
    .concat();
    let cut = [start, &running].concat();
    let error = [start, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"at /srv/x.py\"}}\n\n"].concat();
    let folder = Folder::new();
    for (events, counted) in [(whole.clone(), true), (cut, false), (error.clone(), false)] {
        let said = events.clone();
        let service = Service::start(move |_| stream(&[&said])).await;
        let folder = Folder::new();
        let relay = Running::start(&config(&folder, service.address)).await;
        let body = json!({ "model": "claude", "stream": true, "max_tokens": 10,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hello", "cache_control": { "type": "ephemeral" } }] }] });
        let got = relay
            .ask(
                "/v1/messages",
                &[("x-api-key", &token("ann", "free", 60))],
                &body.to_string(),
            )
            .await;
        assert_eq!(got.status, 200, "{got:?}");
        if events == error {
            assert!(
                got.body.contains("event: error") && got.body.contains("overloaded_error"),
                "{}",
                got.body
            );
            assert!(!got.body.contains("/srv"), "{}", got.body);
        } else {
            assert_eq!(got.body, events);
        }
        let seen = service.seen().pop().unwrap();
        assert_eq!(seen.headers.get("x-api-key").map(String::as_str), Some(KEY));
        assert_eq!(
            seen.body["messages"][0]["content"][0],
            json!({ "type": "text", "text": "hello" })
        );
        let expected = if counted { cost(7, 3) } else { worst(&service) };
        assert_eq!(relay.spent().0, expected);
    }
    drop(folder);
}

#[tokio::test]
async fn who_goes_takes_the_request_along() {
    let service = Service::start(|seen| match seen.body["stream"] == true {
        true => [stream(&[TEXT]), vec![Step::Stall]].concat(),
        false => vec![Step::Stall],
    })
    .await;
    let folder = Folder::new();
    let text = config(&folder, service.address)
        .replace("idleMs = 400", "idleMs = 60_000")
        .replace("headMs = 1_500", "headMs = 60_000")
        .replace("totalMs = 3_000", "totalMs = 60_000");
    let relay = Running::start(&text).await;
    for (n, body) in [(1, hello_stream()), (2, hello())] {
        let mut stream = open(
            relay.address,
            "POST",
            "/v1/chat/completions",
            &[("authorization", &bearer())],
            &body.to_string(),
        )
        .await;
        if n == 1 {
            // It is answered while it runs: the first event is here before the second exists.
            let mut bytes = vec![0; 2048];
            let mut text = String::new();
            while !text.contains("hi") {
                let n = stream.read(&mut bytes).await.unwrap();
                assert!(n > 0);
                text += &String::from_utf8_lossy(&bytes[..n]);
            }
        } else {
            while service.seen().len() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let before = std::time::Instant::now();
        drop(stream);
        while service.closed.load(Ordering::SeqCst) < n {
            assert!(before.elapsed() < Duration::from_secs(10), "the service was not told");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        println!(
            "upstream's connection was closed {} ms after the client's",
            before.elapsed().as_millis()
        );
    }
    let streamed = cost(service.seen()[0].body.to_string().len() as u64 + 1024, 10);
    relay.settles_at(streamed + worst(&service)).await;
}

#[tokio::test]
async fn a_service_that_stops_is_not_waited_for() {
    for (name, steps, status, cut) in [
        ("never answers", vec![Step::Stall], 504, false),
        (
            "stalls in the stream",
            [stream(&[TEXT]), vec![Step::Stall]].concat(),
            200,
            true,
        ),
        ("ends without an answer", vec![Step::Wait(1)], 502, false),
        (
            "is cut",
            vec![
                say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n"),
                say(TEXT),
            ],
            200,
            true,
        ),
        (
            "is cut in JSON",
            vec![say("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{")],
            502,
            false,
        ),
    ] {
        let service = Service::start(move |_| steps.clone()).await;
        let folder = Folder::new();
        let relay = Running::start(&config(&folder, service.address)).await;
        let got = relay.chat(&hello_stream()).await;
        assert_eq!((got.status, got.cut), (status, cut), "{name}: {got:?}");
        assert_eq!(relay.spent().0, worst(&service), "{name}");
    }
}
