//! What a client is told when it gets no answer: one JSON shape that both protocols' clients read.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

/// A refusal. Its words are ours, or upstream's where [`crate::upstream::error`] found them harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    /// OpenAI's and Anthropic's name of the kind: `authentication_error`.
    pub kind: &'static str,
    /// What programs read: `token_expired`.
    pub code: String,
    pub message: String,
    pub retry_after_s: Option<u64>,
    /// Other headers, for limits of the relay's own.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Refusal {
        let kind = match status.as_u16() {
            401 => "authentication_error",
            402 => "insufficient_quota",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            503 | 529 => "overloaded_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        Refusal {
            status,
            kind,
            code: code.into(),
            message: message.into(),
            retry_after_s: None,
            headers: Vec::new(),
        }
    }

    /// 400, with what is wrong and where.
    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    pub fn after(mut self, seconds: u64) -> Refusal {
        self.retry_after_s = Some(seconds);
        self
    }

    /// `{"type":"error","error":{"type","code","message","param"}}`.
    pub fn json(&self) -> serde_json::Value {
        json!({
            "type": "error",
            "error": { "type": self.kind, "code": self.code, "message": self.message, "param": null },
        })
    }

    pub fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.json().to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(*name, value);
            }
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
