//! Events on their way, wherever their bytes are cut and however their lines end.

use kinglet_relay::config::Api;
use kinglet_relay::events::Events;
use kinglet_relay::usage::{Meter, Usage};
use serde_json::{Value, json};

const SAID: &str = ": first\n\nid: 1\ndata: {\"choices\":[{\"delta\":{\"content\":\"hé\"}}]}\n\n: between\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\nevent: x\ndata: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\nretry: 5\n\ndata: [DONE]\n\n: last\n";

fn through(pieces: &[&[u8]], strip: bool) -> (Vec<u8>, Option<Usage>) {
    let harmless = |_: &Value| json!({ "error": "harmless" });
    let mut events = Events::new(Meter::new(Api::Openai), strip, harmless);
    let mut out = Vec::new();
    for piece in pieces {
        events.feed(piece, &mut out);
    }
    events.end(&mut out);
    (out, events.meter().total())
}

#[test]
fn the_same_bytes_cut_anywhere_are_the_same_events() {
    let usage = Some(Usage {
        input: 7,
        cached: 0,
        output: 3,
    });
    for end in ["\n", "\r\n", "\r"] {
        let bytes = SAID.replace('\n', end).into_bytes();
        let stripped: Vec<u8> = SAID
            .split_inclusive("\n\n")
            .filter(|event| !event.contains("usage"))
            .collect::<String>()
            .replace('\n', end)
            .into_bytes();
        assert!(stripped.len() < bytes.len());
        for (strip, expected) in [(false, &bytes), (true, &stripped)] {
            let each: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(
                through(&each, strip),
                (expected.clone(), usage),
                "byte by byte, {end:?}"
            );
            for at in 0..=bytes.len() {
                let (a, b) = bytes.split_at(at);
                let (out, counted) = through(&[a, b], strip);
                let shown = || String::from_utf8_lossy(&out).into_owned();
                assert_eq!((&out, counted), (expected, usage), "cut at {at}, {end:?}: {}", shown());
            }
        }
    }
}

#[test]
fn an_event_is_passed_on_when_it_is_whole_and_a_comment_at_once() {
    let mut events = Events::new(Meter::new(Api::Openai), true, Value::clone);
    let mut fed = |text: &str| {
        let mut out = Vec::new();
        events.feed(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(fed(": ping\n"), ": ping\n");
    assert_eq!(fed("data: {\"a\":1}\n"), "");
    assert_eq!(fed(": inside\n"), "");
    assert_eq!(fed("\n"), "data: {\"a\":1}\n: inside\n\n");
    assert_eq!(fed("data: x\r\n\r"), "data: x\r\n\r");
    assert_eq!(fed("\n: ping"), "\n");
    assert_eq!(fed("\n"), ": ping\n");
}

#[test]
fn a_huge_line_flows_in_linear_time_and_bounded_memory() {
    let mut events = Events::new(Meter::new(Api::Openai), true, Value::clone);
    let mut out = Vec::new();
    let megabyte = vec![b'x'; 1 << 20];
    events.feed(b"data: ", &mut out);
    let mut sizes = Vec::new();
    for _ in 0..32 {
        out.clear();
        events.feed(&megabyte, &mut out);
        sizes.push(out.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 6 + (32 << 20), "nothing is held of it");
    out.clear();
    // After its end events are events again.
    events.feed(
        b"\ndata: more of it\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n",
        &mut out,
    );
    assert_eq!(out, b"\ndata: more of it\n\n");
    assert_eq!(events.meter().total().unwrap().input, 1);
}

#[test]
fn an_error_in_a_stream_is_told_in_harmless_words() {
    let said = "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"sk-key\"}}\n\ndata: {\"error\":{\"message\":\"sk-key\"}}\r\n\r\ndata: {\"error\":null,\"a\":1}\n\n";
    for at in 0..said.len() {
        let (a, b) = said.as_bytes().split_at(at);
        let (out, _) = through(&[a, b], true);
        let expected = "event: error\ndata: {\"error\":\"harmless\"}\n\ndata: {\"error\":\"harmless\"}\n\ndata: {\"error\":null,\"a\":1}\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected, "cut at {at}");
    }
}
