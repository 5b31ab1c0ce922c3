//! One request: who asks, whether it fits, what comes of it, and what it has cost.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{get, post};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::{Api, Config, Model, Tier, Wrong};
use crate::ledger::{Hold, Ledger};
use crate::rate::{Left, Rates};
use crate::refusal::Refusal;
use crate::time::{now_ms, seconds_to_next_day};
use crate::token::{Denied, Door, User};
use crate::upstream::{Failed, Service, may_cost, passed, services};
use crate::usage::{Meter, Usage};
use crate::{ask, cors, log, pump};

/// Seconds after which running requests may have been settled.
const SOON: u64 = 5;

/// The relay: a configuration, its account, and its services.
pub struct Relay {
    config: Config,
    door: Door,
    ledger: Arc<Ledger>,
    rates: Rates,
    services: Vec<Arc<Service>>,
    started: Instant,
}

/// A request that was sent: settled when it ends, however it does.
pub struct Running {
    relay: Arc<Relay>,
    hold: Option<Hold>,
    user: User,
    tier: Tier,
    model: Model,
    name: String,
    /// Tokens that were taken for it.
    tokens: u64,
    started: Instant,
}

impl Running {
    /// It ended: `usage` is what was counted, if it was.
    pub fn finish(mut self, usage: Option<Usage>, end: &str) {
        let reserved = self.hold.as_ref().map_or(0, Hold::amount);
        let cost = usage.map_or(reserved, |usage| usage.cost(&self.model));
        self.close(cost, usage.map(|u| u.tokens()), end);
    }

    /// It was turned away before it was worked on.
    fn refused(mut self, end: &str) {
        self.close(0, Some(0), end);
    }

    fn close(&mut self, cost: u64, tokens: Option<u64>, end: &str) {
        let Some(hold) = self.hold.take() else { return };
        let reserved = hold.amount();
        hold.settle(cost);
        if let Some(used) = tokens {
            let rest = self.tokens.saturating_sub(used);
            self.relay.rates.give_back(&self.user.id, &self.tier, rest);
        }
        let fields = [
            ("user", Value::from(self.user.id.as_str())),
            ("model", self.name.as_str().into()),
            ("end", end.into()),
            ("cost", cost.into()),
            ("reserved", reserved.into()),
            ("reported", tokens.is_some().into()),
            (
                "ms",
                u64::try_from(self.started.elapsed().as_millis())
                    .unwrap_or(u64::MAX)
                    .into(),
            ),
        ];
        log::info("request", &fields);
    }
}

impl Drop for Running {
    /// The client went before there was an answer's head: what was sent may cost the most that it can.
    fn drop(&mut self) {
        if let Some(hold) = &self.hold {
            let reserved = hold.amount();
            self.close(reserved, None, "client_gone");
        }
    }
}

impl Relay {
    /// Opens the account and reads the secrets.
    ///
    /// # Errors
    /// What of the configuration does not hold here.
    pub fn new(config: Config) -> Result<Arc<Relay>, Wrong> {
        let door = Door::new(&config)?;
        let services = services(&config)?;
        let ledger = Ledger::open(&config.state, &config.budget, config.fsync)
            .map_err(|e| Wrong::at("state", "a folder for the account", e.to_string()))?;
        Ok(Arc::new(Relay {
            config,
            door,
            ledger,
            rates: Rates::default(),
            services,
            started: Instant::now(),
        }))
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Its routes.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/health", get(|| async { json_response(&json!({ "status": "ok" })) }))
            .route("/v1/models", get(models))
            .route("/v1/chat/completions", post(chat))
            .route("/v1/messages", post(messages))
            .fallback(|| async { Refusal::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here").response() })
            .method_not_allowed_fallback(|| async {
                Refusal::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    "not with this method",
                )
                .response()
            })
            .layer(from_fn_with_state(Arc::clone(self), at_the_border))
            .with_state(Arc::clone(self))
    }

    fn user(&self, headers: &HeaderMap) -> Result<(User, &Tier), Refusal> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        // Anthropic's clients have no other place for it.
        let token = bearer.or_else(|| text("x-api-key")).unwrap_or_default();
        let unauthorized = |code: &str, text: &str| Refusal::new(StatusCode::UNAUTHORIZED, code, text);
        let user = self.door.user(token, now_ms() / 1000).map_err(|denied| match denied {
            Denied::Missing => unauthorized("token_missing", "a token is needed: Authorization: Bearer <token>"),
            Denied::Expired => unauthorized("token_expired", "the token has expired: ask the app for another"),
            Denied::Wrong => unauthorized("token_invalid", "the token is not one that this relay knows"),
        })?;
        match self.config.tiers.get(&user.tier) {
            Some(tier) => Ok((user, tier)),
            None => Err(unauthorized(
                "token_invalid",
                "the token's tier is not one that this relay knows",
            )),
        }
    }

    fn model(&self, name: &str, api: Api, tier: &Tier) -> Result<(&Arc<Service>, &Model), Refusal> {
        let found = self
            .services
            .iter()
            .filter(|service| service.config.api == api && tier.models.iter().any(|m| m == name))
            .find_map(|service| service.config.models.get(name).map(|model| (service, model)));
        found.ok_or_else(|| {
            let text = "no model of this name can be asked here";
            Refusal::new(StatusCode::NOT_FOUND, "model_not_found", text)
        })
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn reserve(&self, user: &User, tier: &Tier, model: &Model, ask: &ask::Ask) -> Result<(Hold, Left), Refusal> {
        let tokens = ask.input.saturating_add(ask.output);
        if tokens > tier.tokens_per_minute {
            let text = format!(
                "the request may need {tokens} tokens, and the tier has {} a minute",
                tier.tokens_per_minute
            );
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_tokens", text));
        }
        let left = self
            .rates
            .take(&user.id, tier, tokens, self.milliseconds())
            .map_err(|left| {
                let text = "too many requests or tokens in a minute";
                let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", text);
                refusal.retry_after_s = Some(left.wait_ms.div_ceil(1000));
                refusal.headers = limits(&left, tier);
                refusal
            })?;
        let amount = model.price.cost(ask.input, ask.output);
        let now = now_ms();
        match self.ledger.reserve(&user.id, tier, amount, now) {
            Ok(Ok(hold)) => Ok((hold, left)),
            Ok(Err(denied)) => {
                self.rates.give_back(&user.id, tier, tokens);
                let whose = if denied.own { "the user's" } else { "the relay's" };
                let span = if denied.day { "day" } else { "month" };
                if denied.passing {
                    let text = format!("running requests hold what is left of {whose} budget for this {span}");
                    return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "budget_reserved", text).after(SOON));
                }
                let text = format!("{whose} budget for this {span} does not bear the request");
                let refusal = Refusal::new(StatusCode::PAYMENT_REQUIRED, "budget_exhausted", text);
                Err(refusal.after(seconds_to_next_day(now)))
            }
            Err(error) => {
                self.rates.give_back(&user.id, tier, tokens);
                log::error(
                    "a reservation could not be written",
                    &[("error", error.to_string().into())],
                );
                Err(unaccountable())
            }
        }
    }

    async fn answer(self: &Arc<Self>, api: Api, request: Request) -> Result<Response<Body>, Refusal> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let (user, tier) = self.user(&parts.headers)?;
        let bounds = self.config.limits;
        let too_large = || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large");
        let declared = parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|bytes| bytes > bounds.body_bytes as u64) {
            return Err(too_large());
        }
        let body = timeout(
            Duration::from_millis(bounds.request_ms),
            Limited::new(body, bounds.body_bytes).collect(),
        );
        let body = match body.await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return Err(too_large()),
            Err(_) => {
                let text = "the request did not arrive in time";
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", text));
            }
        };
        let (object, name) = ask::read(&body)?;
        drop(body);
        let (service, model) = self.model(&name, api, tier)?;
        let ask = ask::build(object, &service.config, model, tier)?;
        let (hold, left) = self.reserve(&user, tier, model, &ask)?;
        let mut running = Running {
            relay: Arc::clone(self),
            hold: None,
            user,
            tier: tier.clone(),
            model: model.clone(),
            name,
            tokens: ask.input.saturating_add(ask.output),
            started,
        };
        if let Err(error) = self.ledger.durable().await {
            drop(hold); // nothing was sent
            log::error(
                "a reservation did not reach the disk",
                &[("error", error.to_string().into())],
            );
            return Err(unaccountable());
        }
        let hold = running.hold.insert(hold);
        hold.sent();
        let mut response = self.exchange(service, ask, running).await?;
        let headers = response.headers_mut();
        if !headers.keys().any(|name| name.as_str().contains("ratelimit")) {
            for (name, value) in limits(&left, tier) {
                headers.insert(
                    name,
                    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("0")),
                );
            }
        }
        Ok(response)
    }

    /// Asks upstream.
    async fn exchange(
        &self,
        service: &Arc<Service>,
        ask: ask::Ask,
        running: Running,
    ) -> Result<Response<Body>, Refusal> {
        let times = service.config.timeouts;
        let until = running.started + Duration::from_millis(times.total_ms);
        let (stream, strip) = (ask.stream, !ask.wants_usage);
        let head_until = until.min(Instant::now() + Duration::from_millis(times.head_ms));
        let late = || {
            Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                "the service did not answer in time",
            )
        };
        let answer = match timeout_at(head_until, service.send(ask.body, stream)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Failed::Connect)) => {
                running.refused("no_connection");
                let text = "the service cannot be reached";
                return Err(Refusal::new(StatusCode::BAD_GATEWAY, "upstream_unreachable", text));
            }
            Ok(Err(Failed::Sent)) => {
                running.finish(None, "cut");
                let text = "the service ended the connection without an answer";
                return Err(Refusal::new(StatusCode::BAD_GATEWAY, "upstream_error", text));
            }
            Err(_) => {
                running.finish(None, "head_timeout");
                return Err(late());
            }
        };
        let (head, body) = answer.into_parts();
        let kind = head
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let encoded = head.headers.contains_key(header::CONTENT_ENCODING);
        if stream && head.status == StatusCode::OK && kind == "text/event-stream" && !encoded {
            let bounds = pump::Bounds {
                idle: Duration::from_millis(times.idle_ms),
                until,
                bytes: self.config.limits.stream_bytes,
            };
            let piped = pump::start(Arc::clone(service), body, strip, bounds, running);
            let mut response = Response::new(Body::new(piped));
            *response.headers_mut() = passed(&head.headers);
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            return Ok(response);
        }
        let whole = timeout_at(until, whole(body, self.config.limits.answer_bytes)).await;
        let value = match whole {
            Ok(Some(bytes)) => serde_json::from_slice::<Value>(&bytes).ok(),
            Ok(None) => None,
            Err(_) if head.status == StatusCode::OK => {
                running.finish(None, "total_timeout");
                return Err(late());
            }
            Err(_) => None,
        };
        if head.status != StatusCode::OK {
            let end = format!("status_{}", head.status.as_u16());
            match may_cost(head.status) {
                true => running.finish(None, &end),
                false => running.refused(&end),
            }
            let mut response = service
                .error(head.status, &head.headers, &value.unwrap_or_default())
                .response();
            for (name, value) in &passed(&head.headers) {
                if name != header::CONTENT_TYPE && !response.headers().contains_key(name) {
                    response.headers_mut().insert(name.clone(), value.clone());
                }
            }
            return Ok(response);
        }
        let Some(value) = value.filter(Value::is_object) else {
            running.finish(None, "no_answer");
            let text = "what the service sent is no answer";
            return Err(Refusal::new(StatusCode::BAD_GATEWAY, "upstream_bad_answer", text));
        };
        let mut meter = Meter::new(service.config.api);
        meter.answer(&value);
        if value.get("error").is_some_and(|error| !error.is_null()) {
            running.finish(meter.total(), "reported_error");
            return Err(service.error(StatusCode::OK, &head.headers, &value));
        }
        running.finish(meter.total(), "complete");
        let mut response = json_response(&value);
        for (name, value) in &passed(&head.headers) {
            if name != header::CONTENT_TYPE {
                response.headers_mut().insert(name.clone(), value.clone());
            }
        }
        Ok(response)
    }
}

/// All of an answer, if it is not too large and not cut.
async fn whole(body: Incoming, most: usize) -> Option<bytes::Bytes> {
    let body = Limited::new(body, most).collect().await.ok()?;
    Some(body.to_bytes())
}

fn unaccountable() -> Refusal {
    let text = "the account cannot be written, so nothing is sent";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "ledger_unavailable", text)
}

fn json_response(value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The tier's limits and what is left of them, as OpenAI's headers have it.
fn limits(left: &Left, tier: &Tier) -> Vec<(&'static str, String)> {
    let seconds = |ms: u64| format!("{}s", ms.div_ceil(1000));
    vec![
        ("x-ratelimit-limit-requests", tier.requests_per_minute.to_string()),
        ("x-ratelimit-limit-tokens", tier.tokens_per_minute.to_string()),
        ("x-ratelimit-remaining-requests", left.requests.to_string()),
        ("x-ratelimit-remaining-tokens", left.tokens.to_string()),
        ("x-ratelimit-reset-requests", seconds(left.reset_requests_ms)),
        ("x-ratelimit-reset-tokens", seconds(left.reset_tokens_ms)),
    ]
}

/// Origins, before and after everything else.
async fn at_the_border(State(relay): State<Arc<Relay>>, request: Request, next: Next) -> Response<Body> {
    let origin = match cors::origin(request.headers(), &relay.config.origins) {
        Ok(origin) => origin,
        Err(refusal) => return refusal.response(),
    };
    let asks_first = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match origin.is_some() && asks_first && request.method() == "OPTIONS" {
        true => cors::preflight(request.headers()),
        false => next.run(request).await,
    };
    cors::expose(response.headers_mut(), origin);
    response
}

async fn chat(State(relay): State<Arc<Relay>>, request: Request) -> Response<Body> {
    relay
        .answer(Api::Openai, request)
        .await
        .unwrap_or_else(|refusal| refusal.response())
}

async fn messages(State(relay): State<Arc<Relay>>, request: Request) -> Response<Body> {
    relay
        .answer(Api::Anthropic, request)
        .await
        .unwrap_or_else(|refusal| refusal.response())
}

/// What the user's tier can ask.
async fn models(State(relay): State<Arc<Relay>>, headers: HeaderMap) -> Response<Body> {
    match relay.user(&headers) {
        Err(refusal) => refusal.response(),
        Ok((_, tier)) => {
            let of = |name: &String| json!({ "id": name, "object": "model", "created": 0, "owned_by": "relay" });
            let models: Vec<Value> = tier.models.iter().map(of).collect();
            json_response(&json!({ "object": "list", "data": models }))
        }
    }
}
