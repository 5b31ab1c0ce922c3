//! What goes back over HTTP: JSON, errors in OpenAI's shape, and a stream of events.

use std::io::{self, Write};

use kinglet::Error;
use serde_json::{Value, json};
use tiny_http::{Header, Request, Response};

/// Why a request is not answered, in OpenAI's shape.
pub struct Refusal {
    status: u16,
    error: Value,
}

impl Refusal {
    fn new(status: u16, kind: &str, code: &str, message: &str, param: Value) -> Refusal {
        let error = json!({"message": message, "type": kind, "param": param, "code": code});
        Refusal { status, error }
    }

    /// An error of the engine. Clients try again after 5xx, so what would fail again is 4xx.
    pub fn of(error: &Error) -> Refusal {
        let (status, kind) = match error {
            Error::InvalidRequest { .. }
            | Error::ContextOverflow { .. }
            | Error::Template { .. }
            | Error::TemplateRefused { .. }
            | Error::UnsupportedFeature { .. }
            | Error::InvalidGrammar { .. }
            | Error::UnsupportedGrammar { .. } => (400, "invalid_request_error"),
            _ => (500, "server_error"),
        };
        let param = error.to_json()["detail"]["param"].clone();
        Refusal::new(status, kind, error.code(), &error.to_string(), param)
    }

    pub fn unknown() -> Refusal {
        let message = "expected POST /v1/chat/completions or GET /v1/models";
        Refusal::new(404, "invalid_request_error", "not_found", message, Value::Null)
    }

    pub fn no_such_model(got: &str, name: &str) -> Refusal {
        let message = format!("model {got:?} is not here: expected {name:?}");
        Refusal::new(
            404,
            "invalid_request_error",
            "model_not_found",
            &message,
            json!("model"),
        )
    }

    pub fn forbidden(message: String) -> Refusal {
        Refusal::new(403, "invalid_request_error", "forbidden", &message, Value::Null)
    }

    pub fn media(got: &str) -> Refusal {
        let message = format!("expected the content type application/json, got {got:?}");
        Refusal::new(
            415,
            "invalid_request_error",
            "unsupported_media_type",
            &message,
            Value::Null,
        )
    }

    pub fn too_large(most: usize) -> Refusal {
        let message = format!("expected a whole body of at most {most} bytes");
        Refusal::new(413, "invalid_request_error", "too_large", &message, Value::Null)
    }

    pub fn busy() -> Refusal {
        let message = "too many requests wait; try again later";
        Refusal::new(503, "server_error", "overloaded", message, Value::Null)
    }

    pub fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}

/// Whoever asked may have gone meanwhile, which is their right: a failure to send is nobody's.
pub fn refuse(request: Request, refusal: &Refusal, origin: Option<&str>) {
    json(request, refusal.status, &refusal.body(), origin);
}

pub fn json(request: Request, status: u16, body: &Value, origin: Option<&str>) {
    let mut response = Response::from_string(body.to_string()).with_status_code(status);
    for (name, value) in fields("application/json", origin) {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    let _ = request.respond(response);
}

/// What a browser asks before it sends a page's request.
pub fn preflight(request: Request, origin: Option<&str>) {
    let mut response = Response::empty(204);
    let allowed = [
        ("Access-Control-Allow-Methods", "GET, POST".to_owned()),
        ("Access-Control-Allow-Headers", "content-type, authorization".to_owned()),
    ];
    let origin = origin.map(|origin| ("Access-Control-Allow-Origin", origin.to_owned()));
    for (name, value) in origin.into_iter().chain(allowed) {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    let _ = request.respond(response);
}

fn fields(kind: &str, origin: Option<&str>) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("Content-Type", kind.to_owned()),
        ("Cache-Control", "no-store".to_owned()),
    ];
    if let Some(origin) = origin {
        fields.push(("Access-Control-Allow-Origin", origin.to_owned()));
        fields.push(("Vary", "Origin".to_owned()));
    }
    fields
}

/// A stream of server-sent events, each sent as it comes.
pub struct Events {
    to: Box<dyn Write + Send>,
}

impl Events {
    /// Sends the head.
    pub fn begin(request: Request, origin: Option<&str>) -> io::Result<Events> {
        let mut to = request.into_writer();
        write!(
            to,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Accel-Buffering: no\r\n"
        )?;
        for (name, value) in fields("text/event-stream", origin) {
            write!(to, "{name}: {value}\r\n")?;
        }
        to.write_all(b"\r\n")?;
        to.flush()?;
        Ok(Events { to })
    }

    pub fn send(&mut self, event: &str) -> io::Result<()> {
        let text = format!("data: {event}\n\n");
        write!(self.to, "{:x}\r\n{text}\r\n", text.len())?;
        self.to.flush()
    }

    /// The end of the body; without it the client knows that something is missing.
    pub fn end(mut self) -> io::Result<()> {
        self.to.write_all(b"0\r\n\r\n")?;
        self.to.flush()
    }
}
