//! The services: where they are, how they are asked, and what of their answers a client may see.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

use crate::config::{Api, Config, Upstream, Wrong};
use crate::refusal::Refusal;
use crate::secret::Secret;

/// Of a key: shorter ones are mistakes.
const KEY: usize = 8;
/// How long an unused connection is kept: shorter than services do, so that none is used that they are closing.
const IDLE: Duration = Duration::from_secs(4);
/// Characters of upstream's words.
const WORDS: usize = 400;

/// Headers of upstream that a client may read.
const PASSED: &[&str] = &[
    "content-type",
    "retry-after",
    "retry-after-ms",
    "request-id",
    "x-request-id",
];
const PASSED_BEGINNINGS: &[&str] = &["x-ratelimit-", "anthropic-ratelimit-"];

/// One service, ready to be asked.
pub struct Service {
    pub config: Upstream,
    uri: Uri,
    key: Option<Secret>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why there is no answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// Nothing was sent: there is no connection.
    Connect,
    /// It was sent, and may have been worked on.
    Sent,
}

impl Service {
    /// # Errors
    /// Its key cannot be read, or no root certificates are on this machine.
    pub fn new(name: &str, config: &Upstream) -> Result<Service, Wrong> {
        let path = |field: &str| format!("upstreams.{name}.{field}");
        let key = config.key.as_ref().map(|key| key.read(&path("key"), KEY)).transpose()?;
        let rest = match config.api {
            Api::Openai => "chat/completions",
            Api::Anthropic => "messages",
        };
        let uri = format!("{}/{rest}", config.base_url.trim_end_matches('/'));
        let uri = uri
            .parse::<Uri>()
            .map_err(|e| Wrong::at(path("baseURL"), "an absolute URL", e.to_string()))?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(Duration::from_millis(config.timeouts.connect_ms)));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|e| Wrong::at(path("baseURL"), "root certificates on this machine", e.to_string()))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        // It knows no proxies, no cookies and no redirects.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(https);
        Ok(Service {
            config: config.clone(),
            uri,
            key,
            client,
        })
    }

    /// Sends a request that is wholly the relay's: nothing of the client's headers is in it.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send(&self, body: Vec<u8>, stream: bool) -> Result<Response<Incoming>, Failed> {
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("kinglet-relay"));
        let (name, value) = match self.config.api {
            Api::Openai => (
                header::AUTHORIZATION,
                self.key.as_ref().map(|k| format!("Bearer {}", k.expose())),
            ),
            Api::Anthropic => {
                if let Ok(version) = HeaderValue::from_str(&self.config.version) {
                    headers.insert("anthropic-version", version);
                }
                let key = self.key.as_ref().map(|k| k.expose().to_string());
                (HeaderName::from_static("x-api-key"), key)
            }
        };
        if let Some(mut value) = value.and_then(|v| HeaderValue::from_str(&v).ok()) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        self.client.request(request).await.map_err(|e| match e.is_connect() {
            true => Failed::Connect,
            false => Failed::Sent,
        })
    }

    /// Whether a text has something that is nobody's business: the key, the host, a path or a stack.
    fn harmful(&self, text: &str) -> bool {
        let key = self.key.as_ref().is_some_and(|key| text.contains(key.expose()));
        let host = self.uri.host().is_some_and(|host| text.contains(host));
        // Services print keys in part: `Incorrect API key provided: sk-ab***yz`.
        let looks = [
            "://",
            "sk-",
            "Bearer",
            "Traceback",
            "\n",
            "\\",
            ".py",
            ".js",
            ".rs",
            ".cpp",
            ".go",
        ];
        key || host || looks.iter().any(|look| text.contains(look))
    }

    /// Upstream's words about a request, where they are harmless.
    fn words(&self, body: &Value) -> Option<String> {
        let error = body.get("error")?;
        let text = error.get("message").or(Some(error))?.as_str()?;
        let text: String = text.chars().take(WORDS).collect();
        (!self.harmful(&text)).then_some(text)
    }

    /// The refusal that an error of upstream becomes. `status` 200: it was reported in the answer itself.
    pub fn error(&self, status: StatusCode, headers: &HeaderMap, body: &Value) -> Refusal {
        let named = |field: &str| {
            body.pointer(&format!("/error/{field}"))
                .and_then(Value::as_str)
                .and_then(name)
        };
        let code = named("code").or_else(|| named("type"));
        let (status, code, words) = match status.as_u16() {
            // Their cause is in the request.
            400 | 413 | 422 => {
                let words = self
                    .words(body)
                    .unwrap_or_else(|| "the service refused the request".into());
                (status, code.unwrap_or("invalid_request".into()), words)
            }
            429 => (
                status,
                "upstream_rate_limited".into(),
                "the service has too many requests".into(),
            ),
            503 | 529 => (status, "upstream_overloaded".into(), "the service is overloaded".into()),
            200 if code.as_deref().is_some_and(|code| code.contains("overloaded")) => (
                overloaded(),
                "overloaded_error".into(),
                "the service is overloaded".into(),
            ),
            200 => {
                let words = self
                    .words(body)
                    .unwrap_or_else(|| "the service reported an error".into());
                (StatusCode::BAD_GATEWAY, code.unwrap_or("upstream_error".into()), words)
            }
            // The relay's own key, address or model is wrong: a client that reads 401 would doubt its token.
            401 | 403 => (
                StatusCode::BAD_GATEWAY,
                "upstream_auth".into(),
                "the service refused the relay".into(),
            ),
            _ => (
                StatusCode::BAD_GATEWAY,
                "upstream_error".into(),
                "the service failed".into(),
            ),
        };
        let mut refusal = Refusal::new(status, &code, words);
        let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        refusal.retry_after_s = after.and_then(|text| text.trim().parse().ok());
        refusal
    }
}

fn overloaded() -> StatusCode {
    StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

/// A name that programs read, and nothing else.
fn name(text: &str) -> Option<String> {
    let fine = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    fine.then(|| text.to_string())
}

/// Whether a service that answers with `status` has worked on the request, or may have.
pub fn may_cost(status: StatusCode) -> bool {
    !matches!(status.as_u16(), 400..=407 | 409..=498 | 503 | 529)
}

/// What of upstream's headers a client may read.
pub fn passed(from: &HeaderMap) -> HeaderMap {
    let mut to = HeaderMap::new();
    for (name, value) in from {
        let known = PASSED.contains(&name.as_str()) || PASSED_BEGINNINGS.iter().any(|b| name.as_str().starts_with(b));
        if known && !to.contains_key(name) {
            to.insert(name.clone(), value.clone());
        }
    }
    to
}

/// All services of a configuration, by the names of their models.
pub fn services(config: &Config) -> Result<Vec<std::sync::Arc<Service>>, Wrong> {
    let each = config
        .upstreams
        .iter()
        .map(|(name, upstream)| Service::new(name, upstream));
    each.map(|service| service.map(std::sync::Arc::new)).collect()
}
