//! A scripted service, a relay in this process, and a client that reads whatever comes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinglet_relay::config::Config;
use kinglet_relay::secret::Secret;
use kinglet_relay::token::{Claims, sign};
use kinglet_relay::{Relay, server, time};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

pub const SECRET: &str = "a-secret-of-tests-that-is-long-enough-0123456789";
pub const KEY: &str = "sk-upstream-key-of-tests";

/// A request as the service got it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

/// What the service does.
#[derive(Debug, Clone)]
pub enum Step {
    Say(Vec<u8>),
    Wait(u64),
    /// Waits until the relay closes the connection.
    Stall,
}

pub fn say(text: impl AsRef<str>) -> Step {
    Step::Say(text.as_ref().as_bytes().to_vec())
}

/// A whole answer.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![say(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ))]
}

/// The head of a stream without chunks: it ends with the connection.
pub fn stream(events: &[&str]) -> Vec<Step> {
    let mut steps = vec![say(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
    )];
    steps.extend(events.iter().map(say));
    steps
}

pub struct Service {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    /// Stalls that ended because the relay closed the connection.
    pub closed: Arc<AtomicUsize>,
}

impl Service {
    pub async fn start(script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let script = Arc::new(script);
        let service = Service {
            address,
            seen: seen.clone(),
            closed: closed.clone(),
        };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, closed, script) = (seen.clone(), closed.clone(), script.clone());
                tokio::spawn(async move {
                    let Some(request) = read_request(&mut stream).await else {
                        return;
                    };
                    seen.lock().unwrap().push(request.clone());
                    for step in script(&request) {
                        match step {
                            Step::Say(bytes) => {
                                if stream.write_all(&bytes).await.is_err() {
                                    return;
                                }
                            }
                            Step::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                            Step::Stall => {
                                let mut byte = [0];
                                let end = stream.read(&mut byte).await;
                                assert!(!matches!(end, Ok(1..)), "nothing follows a request");
                                closed.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                });
            }
        });
        service
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_string();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&bytes[end + 4..]).ok()?;
    Some(Seen { path, headers, body })
}

/// A folder of its own, removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "kinglet-relay-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::SeqCst)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A configuration with one model of each protocol at `upstream`. Prices: 2 and 8 micro-units a token, with a rest.
pub fn config(folder: &Folder, upstream: SocketAddr) -> String {
    let secret = folder.file("secret", SECRET);
    let key = folder.file("key", KEY);
    let (state, secret, key) = (folder.0.join("state"), secret.display(), key.display());
    let state = state.display();
    let price =
        "{ inputPerMillion = 2_000_001, outputPerMillion = 8_000_003, currency = \"USD\", asOf = \"2026-11-22\" }";
    format!(
        r#"
listen = "127.0.0.1:0"
origins = ["https://app.example", "http://localhost:5173"]
state = "{state}"
fsync = "second"
tokens = {{ secret = {{ file = "{secret}" }} }}

[budget]
currency = "USD"
perDay = 1_000_000_000
perMonth = 2_000_000_000

[tiers.free]
perDay = 100_000_000
perMonth = 200_000_000
requestsPerMinute = 1_000
tokensPerMinute = 10_000_000
maxTokens = 100
models = ["small", "claude"]

[upstreams.main]
api = "openai"
baseURL = "http://{upstream}/v1"
key = {{ file = "{key}" }}
timeouts = {{ headMs = 1_500, idleMs = 400, totalMs = 3_000 }}
[upstreams.main.models.small]
model = "real-small"
price = {price}

[upstreams.other]
api = "anthropic"
baseURL = "http://{upstream}"
key = {{ file = "{key}" }}
timeouts = {{ headMs = 1_500, idleMs = 400, totalMs = 3_000 }}
[upstreams.other.models.claude]
model = "real-claude"
price = {price}

[limits]
shutdownMs = 200
bodyBytes = 65_536
"#
    )
}

/// Micro-units by the prices of [`config`].
pub fn cost(input: u64, output: u64) -> u64 {
    (input * 2_000_001 + output * 8_000_003).div_ceil(1_000_000)
}

pub struct Running {
    pub relay: Arc<Relay>,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<()>>,
}

impl Running {
    pub async fn start(config: &str) -> Running {
        let relay = Relay::new(Config::parse(config).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = server::serve(relay.clone(), listener, async {
            let _ = stopped.await;
        });
        Running {
            relay,
            address,
            stop: Some(stop),
            served: Some(tokio::spawn(serving)),
        }
    }

    pub async fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.served.take().unwrap().await.unwrap();
    }

    /// Micro-units that the user of [`token`] has spent today, and all users.
    pub fn spent(&self) -> (u64, u64) {
        let now = time::now_ms();
        let ledger = self.relay.ledger();
        (ledger.spent("ann", now).of_day, ledger.spent_by_all(now).of_day)
    }

    /// Waits until nothing is spent but `amount`.
    pub async fn settles_at(&self, amount: u64) {
        for _ in 0..100 {
            if self.spent().0 == amount {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("spent {:?}, expected {amount}", self.spent());
    }

    pub async fn chat(&self, body: &Value) -> Got {
        self.ask(
            "/v1/chat/completions",
            &[("authorization", &bearer())],
            &body.to_string(),
        )
        .await
    }

    pub async fn ask(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        request(self.address, "POST", path, headers, body).await
    }
}

pub fn bearer() -> String {
    format!("Bearer {}", token("ann", "free", 600))
}

pub fn token(user: &str, tier: &str, seconds: i64) -> String {
    let claims = Claims {
        sub: user.into(),
        tier: tier.into(),
        exp: (time::now_ms() / 1000).saturating_add_signed(seconds),
        nbf: None,
        aud: None,
    };
    sign(&claims, &Secret::new(SECRET)).unwrap()
}

pub fn hello() -> Value {
    json!({ "model": "small", "messages": [{ "role": "user", "content": "hello" }], "max_tokens": 10 })
}

pub fn hello_stream() -> Value {
    let mut body = hello();
    body["stream"] = true.into();
    body
}

/// What a client got.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: String,
    /// The connection ended before the answer did.
    pub cut: bool,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_string()
    }
}

pub async fn open(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    let _ = stream.write_all(body.as_bytes()).await; // refused by its head, it may not be read
    stream
}

pub async fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
    let mut stream = open(address, method, path, headers, body).await;
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut chunk).await {
        bytes.extend_from_slice(&chunk[..n]);
    }
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Got {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no head: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
        .collect();
    let chunked = headers.get("transfer-encoding").is_some_and(|v| v == "chunked");
    let (body, cut) = if chunked {
        unchunk(body)
    } else {
        (body.to_string(), false)
    };
    Got {
        status,
        headers,
        body,
        cut,
    }
}

fn unchunk(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, false);
        }
        body += &after[..size.min(after.len())];
        rest = after.get(size + 2..).unwrap_or("");
    }
    (body, true)
}
