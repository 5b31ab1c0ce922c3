//! Which pages may ask: those of the configured origins, with a token and without cookies.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::refusal::Refusal;

/// Headers that a page may send. `x-stainless-*` are sent by OpenAI's and Anthropic's own clients, and ignored.
const ALLOWED: &[&str] = &[
    "authorization",
    "content-type",
    "x-api-key",
    "accept",
    "idempotency-key",
];
const ALLOWED_BEGINNINGS: &[&str] = &["x-stainless-", "anthropic-"];
/// Headers that a page may always read without asking; the rest is listed.
const SAFE: &[&str] = &[
    "cache-control",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    "vary",
    "connection",
];

/// The origin of a request, if there is one that may ask.
///
/// # Errors
/// It has an origin that may not.
pub fn origin(headers: &HeaderMap, origins: &[String]) -> Result<Option<HeaderValue>, Refusal> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(None); // not from a page
    };
    if origins.iter().any(|known| known.as_bytes() == origin.as_bytes()) {
        return Ok(Some(origin.clone()));
    }
    let text = "this origin is not one of those that may ask";
    Err(Refusal::new(StatusCode::FORBIDDEN, "origin_not_allowed", text))
}

/// The answer to a preflight of an origin that may ask.
pub fn preflight(headers: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let asked = asked.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let allowed = asked
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| {
            ALLOWED.contains(&name.as_str()) || ALLOWED_BEGINNINGS.iter().any(|begin| name.starts_with(begin))
        })
        .collect::<Vec<_>>()
        .join(", ");
    let out = response.headers_mut();
    out.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, OPTIONS"),
    );
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    out.append(header::VARY, HeaderValue::from_static("access-control-request-headers"));
    response
}

/// Lets the page of `origin` read an answer, and all of its headers.
pub fn expose(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = origin else { return };
    let plain = |name: &&HeaderName| !SAFE.contains(&name.as_str()) && !name.as_str().starts_with("access-control-");
    let mut names: Vec<&str> = headers.keys().filter(plain).map(HeaderName::as_str).collect();
    names.push("date"); // the server adds it to every answer; with it a page can read a date in `retry-after` by this clock
    if let Ok(names) = HeaderValue::from_str(&names.join(", ")) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, names);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
}
