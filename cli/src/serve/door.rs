//! Who may ask, and for what: decided from a request's head alone.

use std::net::IpAddr;

use serde_json::{Value, json};
use tiny_http::{Method, Request};

use super::reply::Refusal;

/// What the server knows of itself before the model is asked.
pub struct Door {
    /// What clients call the model.
    pub name: String,
    /// Where it listens.
    pub host: IpAddr,
    /// Pages that may ask.
    pub origins: Vec<String>,
}

impl Door {
    /// The page that asks, if it is one that may.
    ///
    /// A page of any site can reach this machine. Its browser says whose page it is (`Origin`), or sends only what a form could
    /// have sent (no JSON); and a name that was turned to this address is not one of ours (`Host`).
    pub fn check(&self, request: &Request) -> Result<Option<String>, Refusal> {
        let host = header(request, "Host").unwrap_or_default();
        if !self.knows(host) {
            return Err(Refusal::forbidden(format!("the host {host:?} is not this server")));
        }
        let origin = header(request, "Origin").map(str::to_owned);
        if let Some(origin) = origin.as_ref().filter(|origin| !self.origins.contains(origin)) {
            return Err(Refusal::forbidden(format!(
                "pages of {origin} may not ask; --origin {origin} allows them"
            )));
        }
        let kind = header(request, "Content-Type").unwrap_or_default();
        if *request.method() == Method::Post && kind.split(';').next().map(str::trim) != Some("application/json") {
            return Err(Refusal::media(kind));
        }
        Ok(origin)
    }

    fn knows(&self, host: &str) -> bool {
        let name = host.rsplit_once(':').map_or(host, |(name, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) {
                name
            } else {
                host
            }
        });
        let own = match self.host {
            IpAddr::V6(address) => format!("[{address}]"),
            IpAddr::V4(address) => address.to_string(),
        };
        !self.host.is_loopback() || name == own || ["localhost", "127.0.0.1", "[::1]"].contains(&name)
    }

    /// The answer to `GET /v1/models`.
    pub fn models(&self) -> Value {
        json!({"object": "list", "data": [{"id": self.name, "object": "model", "created": 0, "owned_by": "kinglet"}]})
    }
}

/// The path that is asked for, without what stands behind `?`.
pub fn path(request: &Request) -> &str {
    request.url().split('?').next().unwrap_or_default()
}

pub fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let name: tiny_http::HeaderField = name.parse().ok()?;
    let found = request.headers().iter().find(|header| header.field == name);
    found.map(|header| header.value.as_str())
}
