//! The cap: with many at once, over a restart, and to the micro-unit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::support::*;

const USAGE: &str = r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":900,"completion_tokens":9}}"#;

fn soak() -> bool {
    std::env::var_os("KINGLET_SOAK").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_do_not_pass_the_cap() {
    // The service's own truth: what it reported, and the worst case where it did not.
    let (billed, n) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (of_service, count) = (billed.clone(), n.clone());
    let service = Service::start(move |seen| {
        let worst = cost(seen.body.to_string().len() as u64 + 1024, 10);
        // In an order that is the same in every run, whoever comes: counted, unknown, turned away, failed, cut.
        let (cost, steps) = match count.fetch_add(1, Ordering::SeqCst) % 5 {
            0 | 1 => (cost(900, 9), answer("200 OK", "", USAGE)),
            2 => (worst, answer("200 OK", "", r#"{"choices":[]}"#)),
            3 => (0, answer("429 Too Many Requests", "retry-after: 7\r\n", "{}")),
            _ => (worst, vec![say("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"cho")]),
        };
        of_service.fetch_add(cost, Ordering::SeqCst);
        [vec![Step::Wait(3)], steps].concat()
    })
    .await;
    let folder = Folder::new();
    let rounds = if soak() { 20 } else { 1 };
    let cap = 50_000 * rounds;
    let text = config(&folder, service.address).replace("perDay = 100_000_000", &format!("perDay = {cap}"));
    let text = text.replace("requestsPerMinute = 1_000", "requestsPerMinute = 1_000_000");
    let text = text.replace("tokensPerMinute = 10_000_000", "tokensPerMinute = 1_000_000_000");
    let relay = Arc::new(Running::start(&text).await);
    let (mut answered, mut reserved, mut exhausted) = (0, 0, 0);
    for _ in 0..rounds {
        let asking: Vec<_> = (0..120)
            .map(|_| {
                let relay = relay.clone();
                tokio::spawn(async move {
                    let got = relay.chat(&hello()).await;
                    let spent = relay.spent().0;
                    (got, spent)
                })
            })
            .collect();
        for asked in asking {
            let (got, spent) = asked.await.unwrap();
            assert!(spent <= cap, "{spent}");
            match (got.status, got.code().as_str()) {
                (200, _) => answered += 1,
                (402, "budget_exhausted") => exhausted += 1,
                (429, "budget_reserved") => reserved += 1,
                (429, "upstream_rate_limited") => assert_eq!(got.headers["retry-after"], "7"),
                (502, _) => {}
                _ => panic!("{got:?}"),
            }
        }
    }
    let asked = n.load(Ordering::SeqCst);
    println!(
        "{asked} sent, {answered} answered, {reserved} and {exhausted} refused; {:?} of {cap}",
        relay.spent()
    );
    assert!(answered > 5 && reserved + exhausted > 5);
    assert_eq!(relay.spent().0, billed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn the_whole_budget_bounds_all_users_together() {
    let service = Service::start(|_| answer("200 OK", "", USAGE)).await;
    let folder = Folder::new();
    let text = config(&folder, service.address).replace("perDay = 1_000_000_000", "perDay = 6_000");
    let relay = Running::start(&text).await;
    let ask = |user: &'static str| {
        let bearer = format!("Bearer {}", token(user, "free", 60));
        let relay = &relay;
        async move {
            relay
                .ask(
                    "/v1/chat/completions",
                    &[("authorization", &bearer)],
                    &hello().to_string(),
                )
                .await
        }
    };
    assert_eq!((ask("ann").await.status, ask("bob").await.status), (200, 200));
    let got = ask("cleo").await;
    assert_eq!((got.status, got.code().as_str()), (402, "budget_exhausted"), "{got:?}");
    assert!(got.body.contains("the relay's budget for this day"), "{}", got.body);
    let wait: u64 = got.headers["retry-after"].parse().unwrap();
    assert!((1..=86_400).contains(&wait));
    assert_eq!(service.seen().len(), 2, "what is refused is not sent");
    assert_eq!(relay.spent(), (cost(900, 9), 2 * cost(900, 9)));
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let service = Service::start(|seen| match seen.body["stream"] == true {
        true => [stream(&[": hi\n\n"]), vec![Step::Stall]].concat(),
        false => answer("200 OK", "", USAGE),
    })
    .await;
    let folder = Folder::new();
    let text = config(&folder, service.address).replace("idleMs = 400", "idleMs = 60_000");
    let mut relay = Running::start(&text).await;
    assert_eq!(relay.chat(&hello()).await.status, 200);
    // One more is running when it is stopped: it is cut, and stays spent.
    let open = open(
        relay.address,
        "POST",
        "/v1/chat/completions",
        &[("authorization", &bearer())],
        &hello_stream().to_string(),
    )
    .await;
    while service.seen().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let journal = folder.0.join("state/spent.jsonl");
    let killed = std::fs::read_to_string(&journal).unwrap();
    relay.stop().await;
    drop(open);
    let worst = cost(service.seen()[1].body.to_string().len() as u64 + 1024, 10);
    let all = cost(900, 9) + worst;
    relay.settles_at(all).await;
    drop(relay);
    for text_of_journal in [
        None,                                                  // stopped in peace
        Some(killed.clone()),                                  // killed while the second request ran
        Some(format!("{killed}{{\"is\":\"reserve\",\"id\":")), // killed while it wrote a line
    ] {
        if let Some(text) = text_of_journal {
            std::fs::write(&journal, text).unwrap();
        }
        let relay = wait_for_lock(&text).await;
        assert_eq!(relay.spent(), (all, all));
        // What it wrote anew says the same.
        drop(relay);
        let relay = wait_for_lock(&text).await;
        assert_eq!(relay.spent(), (all, all));
        // One folder, one relay.
        let second = kinglet_relay::Relay::new(kinglet_relay::Config::parse(&text).unwrap());
        assert!(second.err().unwrap().to_string().contains("another relay"));
    }
    for (broken, what) in [
        (killed.replacen("\"version\":1", "\"version\":2", 1), "line 1"),
        (killed.replacen("USD", "EUR", 1), "line 1"),
        (
            killed.replacen("\"is\":\"reserve\"", "\"is\":\"res\\u0000\"", 1),
            "line 3",
        ),
        ("x".repeat(10_000), "line 1"),
        (format!("{killed}{{}}\n"), "line"),
    ] {
        std::fs::write(&journal, &broken).unwrap();
        let error = open_relay(&text).await.err().unwrap();
        assert!(error.contains(what), "{error}");
        assert_eq!(
            std::fs::read_to_string(&journal).unwrap(),
            broken,
            "what it cannot read it does not touch"
        );
    }
}

/// The lock of a relay that was dropped is free when its last task has ended.
async fn open_relay(text: &str) -> Result<Arc<kinglet_relay::Relay>, String> {
    let mut last = String::new();
    for _ in 0..200 {
        match kinglet_relay::Relay::new(kinglet_relay::Config::parse(text).unwrap()) {
            Ok(relay) => return Ok(relay),
            Err(error) => last = error.to_string(),
        }
        if !last.contains("another relay") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Err(last)
}

async fn wait_for_lock(text: &str) -> Account {
    Account(open_relay(text).await.unwrap())
}

struct Account(Arc<kinglet_relay::Relay>);

impl Account {
    fn spent(&self) -> (u64, u64) {
        let now = kinglet_relay::time::now_ms();
        (
            self.0.ledger().spent("ann", now).of_day,
            self.0.ledger().spent_by_all(now).of_month,
        )
    }
}

#[tokio::test]
async fn a_minute_has_so_many_requests_and_tokens() {
    let service = Service::start(|_| answer("200 OK", "x-ratelimit-remaining-requests: 41\r\n", USAGE)).await;
    let folder = Folder::new();
    let text = config(&folder, service.address);
    let few = text.replace("requestsPerMinute = 1_000", "requestsPerMinute = 2");
    let relay = Running::start(&few).await;
    for _ in 0..2 {
        let got = relay.chat(&hello()).await;
        assert_eq!(got.status, 200);
        assert_eq!(
            got.headers["x-ratelimit-remaining-requests"], "41",
            "upstream's own are passed on"
        );
    }
    let got = relay.chat(&hello()).await;
    assert_eq!((got.status, got.code().as_str()), (429, "rate_limited"));
    let wait: u64 = got.headers["retry-after"].parse().unwrap();
    assert!((28..=30).contains(&wait), "{wait}");
    assert_eq!(got.headers["x-ratelimit-limit-requests"], "2");
    assert_eq!(got.headers["x-ratelimit-remaining-requests"], "0");

    // The worst case is taken, and what was not used is given back.
    let folder = Folder::new();
    let text = config(&folder, service.address);
    let relay = Running::start(&text.replace("tokensPerMinute = 10_000_000", "tokensPerMinute = 2_500")).await;
    assert_eq!(relay.chat(&hello()).await.status, 200);
    assert_eq!(
        relay.chat(&hello()).await.status,
        200,
        "900 of 2,500 are gone, not the worst case of 1,100"
    );
    assert_eq!(relay.chat(&hello()).await.code(), "rate_limited");
    let mut long = hello();
    long["messages"][0]["content"] = json!("x".repeat(3_000));
    let got = relay.chat(&long).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (413, "too_many_tokens"),
        "it would never fit"
    );
}
