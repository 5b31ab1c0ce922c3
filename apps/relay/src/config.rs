//! The configuration: one TOML file. What it does not know, it refuses by its path.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hyper::Uri;
use kinglet_route::price::Price;
use serde::Deserialize;

use crate::secret::Source;

/// What is wrong with a configuration, and where.
#[derive(Debug)]
pub struct Wrong {
    pub path: String,
    pub expected: String,
    pub got: String,
}

impl Wrong {
    pub fn at(path: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Wrong {
        Wrong {
            path: path.into(),
            expected: expected.into(),
            got: got.into(),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.path, self.expected, self.got)
    }
}

impl std::error::Error for Wrong {}

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Origins of the apps, exactly as browsers send them. Requests with another `Origin` are refused.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The folder in which it keeps account of what was spent.
    pub state: PathBuf,
    /// When that account reaches the disk.
    #[serde(default)]
    pub fsync: Fsync,
    pub tokens: Option<Tokens>,
    /// Users whose tokens are not signed but listed.
    #[serde(default)]
    pub users: Vec<Listed>,
    /// What all users together may spend.
    pub budget: Budget,
    pub tiers: BTreeMap<String, Tier>,
    pub upstreams: BTreeMap<String, Upstream>,
    #[serde(default)]
    pub limits: Limits,
}

/// Durability of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fsync {
    /// Before each request is sent: what was sent is known after a power cut, too.
    #[default]
    Always,
    /// Once a second: a power cut (not a crash of the relay) can forget the last second.
    Second,
}

/// How signed tokens are checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tokens {
    pub secret: Source,
    /// The secret before this one: accepted too, while tokens that it signed are still around.
    pub previous: Option<Source>,
    /// `aud` that tokens must have, if it is set.
    pub audience: Option<String>,
    /// A token that is valid for longer than this is refused. Default a day.
    #[serde(default = "day")]
    pub longest_seconds: u64,
}

fn day() -> u64 {
    86_400
}

/// A user with a token of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listed {
    /// SHA-256 of the token, hexadecimal: `kinglet-relay hash`.
    pub sha256: String,
    pub user: String,
    pub tier: String,
}

/// The whole budget, in micro-units of `currency`, by days and months of UTC.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    pub currency: String,
    pub per_day: u64,
    pub per_month: u64,
}

/// What each user of a tier may.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tier {
    /// Micro-units.
    pub per_day: u64,
    pub per_month: u64,
    pub requests_per_minute: u64,
    /// Of prompts and answers together; while a request runs, its worst case.
    pub tokens_per_minute: u64,
    /// Of an answer: what a request without a bound gets, and the most that it can ask for.
    pub max_tokens: u64,
    /// Names of models.
    pub models: Vec<String>,
}

/// Which protocol an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `/chat/completions`.
    Openai,
    /// `/messages`.
    Anthropic,
}

/// A service that has models.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upstream {
    pub api: Api,
    /// `https://api.example.com/v1`: `/chat/completions` or `/messages` follows.
    #[serde(rename = "baseURL")]
    pub base_url: String,
    /// Without it nothing is sent as a key.
    pub key: Option<Source>,
    /// Plain http to another machine, key and all: only where the network between is trusted.
    #[serde(default)]
    pub insecure: bool,
    /// What OpenAI's older and newer servers call the bound of an answer.
    #[serde(default)]
    pub max_tokens_field: MaxTokens,
    /// Header `anthropic-version`.
    #[serde(default = "version")]
    pub version: String,
    #[serde(default)]
    pub timeouts: Timeouts,
    /// By the name that clients use.
    pub models: BTreeMap<String, Model>,
}

fn version() -> String {
    "2023-06-01".into()
}

/// The name of the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokens {
    #[default]
    MaxTokens,
    MaxCompletionTokens,
}

impl MaxTokens {
    pub fn name(self) -> &'static str {
        match self {
            MaxTokens::MaxTokens => "max_tokens",
            MaxTokens::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timeouts {
    pub connect_ms: u64,
    /// Until the answer's head.
    pub head_ms: u64,
    /// Between two pieces of the answer.
    pub idle_ms: u64,
    /// Of the whole request.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect_ms: 10_000,
            head_ms: 60_000,
            idle_ms: 60_000,
            total_ms: 600_000,
        }
    }
}

/// A model of an upstream.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Model {
    /// How the upstream calls it.
    pub model: String,
    pub price: Price,
    /// Bytes of a request for which one token is reserved. 1 is safe: no token is shorter than a byte.
    #[serde(default = "one")]
    pub bytes_per_token: u64,
    /// Tokens that a service adds to a prompt: markup of messages, its own words about tools.
    #[serde(default = "overhead")]
    pub overhead_tokens: u64,
    /// The window: no prompt has more tokens.
    pub context: Option<u64>,
}

fn one() -> u64 {
    1
}

fn overhead() -> u64 {
    1_024
}

/// Bounds of what is held in memory, and of patience.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Of a request.
    pub body_bytes: usize,
    /// Of an answer that is not streamed.
    pub answer_bytes: usize,
    /// Of one that is.
    pub stream_bytes: u64,
    /// Open at one time.
    pub connections: usize,
    /// Until a request has arrived.
    pub request_ms: u64,
    /// For running requests, once it is told to stop.
    pub shutdown_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 1 << 20,
            answer_bytes: 8 << 20,
            stream_bytes: 256 << 20,
            connections: 1_024,
            request_ms: 30_000,
            shutdown_ms: 30_000,
        }
    }
}

/// The largest integer that every reader of JSON has exactly.
const MOST: u64 = (1 << 53) - 1;
/// Tokens of a prompt's overhead, of an answer and of a window at most: their products with prices stay exact.
const MOST_TOKENS: u64 = 1 << 40;

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or [`Config::parse`] refuses it.
    pub fn read(file: &Path) -> Result<Config, Wrong> {
        let text = std::fs::read_to_string(file)
            .map_err(|e| Wrong::at(file.display().to_string(), "a file that can be read", e.to_string()))?;
        Config::parse(&text)
    }

    /// # Errors
    /// The first thing that is wrong, by its path.
    pub fn parse(text: &str) -> Result<Config, Wrong> {
        let document = toml::Deserializer::parse(text).map_err(|e| Wrong::at("the file", "TOML", e.to_string()))?;
        let config: Config = serde_path_to_error::deserialize(document).map_err(|e| {
            let path = e.path().to_string();
            Wrong::at(path, "what docs/relay.md says", e.into_inner().message())
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Wrong> {
        for (i, origin) in self.origins.iter().enumerate() {
            check_origin(&format!("origins[{i}]"), origin)?;
        }
        if self.tokens.is_none() && self.users.is_empty() {
            return Err(Wrong::at("tokens", "tokens or users: nobody could ask", "neither"));
        }
        if let Some(tokens) = &self.tokens {
            within("tokens.longestSeconds", tokens.longest_seconds, 1, MOST)?;
        }
        for (i, user) in self.users.iter().enumerate() {
            let hex = user.sha256.len() == 64 && user.sha256.bytes().all(|b| b.is_ascii_hexdigit());
            if !hex {
                let got = format!("{} characters", user.sha256.len());
                return Err(Wrong::at(format!("users[{i}].sha256"), "64 hexadecimal digits", got));
            }
            crate::token::check_user(&user.user).map_err(|e| Wrong::at(format!("users[{i}].user"), e, &user.user))?;
            if !self.tiers.contains_key(&user.tier) {
                let expected = format!("one of {:?}", self.tiers.keys());
                return Err(Wrong::at(format!("users[{i}].tier"), expected, &user.tier));
            }
        }
        within("budget.perDay", self.budget.per_day, 0, MOST)?;
        within("budget.perMonth", self.budget.per_month, 0, MOST)?;
        self.check_upstreams()?;
        self.check_tiers()?;
        within("limits.bodyBytes", self.limits.body_bytes as u64, 1, 1 << 30)?;
        within("limits.answerBytes", self.limits.answer_bytes as u64, 1, 1 << 30)?;
        within("limits.streamBytes", self.limits.stream_bytes, 1, MOST)?;
        within("limits.connections", self.limits.connections as u64, 1, 1 << 20)?;
        within("limits.requestMs", self.limits.request_ms, 1, 86_400_000)?;
        within("limits.shutdownMs", self.limits.shutdown_ms, 0, 86_400_000)
    }

    fn check_tiers(&self) -> Result<(), Wrong> {
        if self.tiers.is_empty() {
            return Err(Wrong::at("tiers", "at least one", "none"));
        }
        for (name, tier) in &self.tiers {
            let path = |field: &str| format!("tiers.{name}.{field}");
            within(&path("perDay"), tier.per_day, 0, MOST)?;
            within(&path("perMonth"), tier.per_month, 0, MOST)?;
            within(&path("requestsPerMinute"), tier.requests_per_minute, 1, 1 << 32)?;
            within(&path("tokensPerMinute"), tier.tokens_per_minute, 1, MOST_TOKENS)?;
            within(&path("maxTokens"), tier.max_tokens, 1, MOST_TOKENS)?;
            for (i, model) in tier.models.iter().enumerate() {
                if !self.upstreams.values().any(|u| u.models.contains_key(model)) {
                    let path = path(&format!("models[{i}]"));
                    return Err(Wrong::at(path, "a model of an upstream", model));
                }
            }
        }
        Ok(())
    }

    fn check_upstreams(&self) -> Result<(), Wrong> {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, upstream) in &self.upstreams {
            let path = |field: &str| format!("upstreams.{name}.{field}");
            check_base(&path("baseURL"), upstream)?;
            let times = upstream.timeouts;
            for (field, value) in [
                ("timeouts.connectMs", times.connect_ms),
                ("timeouts.headMs", times.head_ms),
                ("timeouts.idleMs", times.idle_ms),
                ("timeouts.totalMs", times.total_ms),
            ] {
                within(&path(field), value, 1, 86_400_000)?;
            }
            for (public, model) in &upstream.models {
                let path = path(&format!("models.{public}"));
                if let Some(other) = seen.insert(public, name) {
                    let expected = format!("a name that upstream {other:?} does not have");
                    return Err(Wrong::at(path, expected, public));
                }
                within(&format!("{path}.bytesPerToken"), model.bytes_per_token, 1, 64)?;
                within(&format!("{path}.overheadTokens"), model.overhead_tokens, 0, MOST_TOKENS)?;
                within(&format!("{path}.context"), model.context.unwrap_or(1), 1, MOST_TOKENS)?;
                let price = format!("{path}.price");
                model
                    .price
                    .check(&price)
                    .map_err(|e| Wrong::at(&price, "a price", e.to_string()))?;
                if model.price.currency != self.budget.currency {
                    let expected = format!("{:?}, the budget's", self.budget.currency);
                    return Err(Wrong::at(format!("{price}.currency"), expected, &model.price.currency));
                }
            }
        }
        Ok(())
    }
}

fn within(path: &str, value: u64, low: u64, high: u64) -> Result<(), Wrong> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Wrong::at(path, format!("{low} to {high}"), value.to_string()))
}

fn check_origin(path: &str, origin: &str) -> Result<(), Wrong> {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    let fine = host.is_some_and(|h| {
        !h.is_empty()
            && h.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b))
    });
    if fine {
        return Ok(());
    }
    Err(Wrong::at(
        path,
        "an origin as browsers send it, as https://app.example",
        origin,
    ))
}

/// A key goes over https, to this machine, or where `insecure` says so.
fn check_base(path: &str, upstream: &Upstream) -> Result<(), Wrong> {
    let wrong = |expected: &str| Err(Wrong::at(path, expected, &upstream.base_url));
    let Ok(url) = upstream.base_url.parse::<Uri>() else {
        return wrong("an absolute URL");
    };
    let (Some(scheme), Some(host)) = (url.scheme_str(), url.host()) else {
        return wrong("an absolute URL");
    };
    let userinfo = url.authority().is_some_and(|a| a.as_str().contains('@'));
    if userinfo || url.query().is_some() || upstream.base_url.contains('#') {
        return wrong("a URL without user, query or fragment");
    }
    let here = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    match scheme {
        "https" => Ok(()),
        "http" if here || upstream.insecure => Ok(()),
        "http" => wrong("https, or insecure = true where the network is trusted"),
        _ => wrong("https"),
    }
}
