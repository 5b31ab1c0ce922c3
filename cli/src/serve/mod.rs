//! `kinglet serve`: a model of this machine behind OpenAI's HTTP interface (docs/serve.md). One request at a time is computed, in
//! the order in which they came; what may ask, and how much, is decided before the model sees it.

mod answer;
mod door;
mod reply;

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use kinglet::{Error, Result};
use serde_json::{Value, json};
use tiny_http::{Method, Request, Server};

use crate::args::Serve;
use crate::{output, run};
use door::Door;
use reply::Refusal;

/// Requests that wait for the one before them; and those whose bodies are still coming.
const WAITING: usize = 32;
/// Bytes of a body.
const LARGEST: usize = 4 << 20;

/// A request with its body.
pub struct Asked {
    request: Request,
    body: Value,
    /// The page that asks, if it is one.
    origin: Option<String>,
}

/// Loads the model, says where it answers, and answers until it is ended.
pub fn serve(options: &Serve) -> Result<()> {
    let address = SocketAddr::new(options.host, options.port);
    let io = |error: &dyn std::fmt::Display| Error::Io {
        source_name: address.to_string(),
        message: error.to_string(),
    };
    let listener = TcpListener::bind(address).map_err(|e| io(&e))?; // before the load: a port in use is said at once
    let address = listener.local_addr().map_err(|e| io(&e))?;
    let stem = options.model.file.file_stem().unwrap_or_default();
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| stem.to_string_lossy().into_owned());
    let mut session = run::load_session(&options.model.file, &options.model.run)?;
    let server = Server::from_listener(listener, None).map_err(|e| io(&e))?;
    let door = Arc::new(Door {
        name: name.clone(),
        host: options.host,
        origins: options.origin.clone(),
    });
    let (send, asked) = sync_channel(WAITING);
    std::thread::spawn(move || accept(&server, &door, &send));
    output::line(&json!({"listening": format!("http://{address}/v1"), "model": name}))?;
    for asked in asked {
        answer::answer(&mut session, asked, &name);
    }
    Ok(())
}

/// Answers what needs no model, and reads the bodies of the rest, each in a thread of its own: one that comes slowly holds nobody up.
fn accept(server: &Server, door: &Arc<Door>, send: &SyncSender<Asked>) {
    let reading = Arc::new(AtomicUsize::new(0));
    for request in server.incoming_requests() {
        let origin = match door.check(&request) {
            Ok(origin) => origin,
            Err(refusal) => {
                reply::refuse(request, &refusal, None);
                continue;
            }
        };
        match (request.method(), door::path(&request)) {
            (Method::Options, _) => reply::preflight(request, origin.as_deref()),
            (Method::Get, "/v1/models") => reply::json(request, 200, &door.models(), origin.as_deref()),
            (Method::Post, "/v1/chat/completions") if reading.fetch_add(1, Ordering::SeqCst) < WAITING => {
                let (send, reading) = (send.clone(), reading.clone());
                std::thread::spawn(move || {
                    take(request, origin, &send);
                    reading.fetch_sub(1, Ordering::SeqCst);
                });
            }
            (Method::Post, "/v1/chat/completions") => {
                reading.fetch_sub(1, Ordering::SeqCst);
                reply::refuse(request, &Refusal::busy(), origin.as_deref());
            }
            _ => reply::refuse(request, &Refusal::unknown(), origin.as_deref()),
        }
    }
}

/// Reads a body, and puts the request into the queue.
fn take(mut request: Request, origin: Option<String>, send: &SyncSender<Asked>) {
    match body(&mut request) {
        Err(refusal) => reply::refuse(request, &refusal, origin.as_deref()),
        Ok(body) => match send.try_send(Asked { request, body, origin }) {
            Ok(()) => {}
            Err(TrySendError::Full(asked) | TrySendError::Disconnected(asked)) => {
                reply::refuse(asked.request, &Refusal::busy(), asked.origin.as_deref());
            }
        },
    }
}

fn body(request: &mut Request) -> std::result::Result<Value, Refusal> {
    let mut bytes = Vec::new();
    let mut bounded = request.as_reader().take(LARGEST as u64 + 1);
    let read = bounded.read_to_end(&mut bytes);
    if read.is_err() || bytes.len() > LARGEST {
        return Err(Refusal::too_large(LARGEST));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let error = Error::invalid("body", "JSON", error);
        Refusal::of(&error)
    })
}
