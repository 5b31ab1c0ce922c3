//! A streamed answer on its way: read as fast as the client reads, ended at once when it is gone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::events::Events;
use crate::relay::Running;
use crate::upstream::Service;
use crate::usage::Meter;

/// The end of an answer that is not whole: the connection is cut, so that the client sees it, too.
#[derive(Debug)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer ended before it was complete")
    }
}

impl std::error::Error for Cut {}

/// How long a service may leave its connection open after its last event.
const LAST: Duration = Duration::from_millis(250);

/// What the server sends to the client.
pub struct Piped(mpsc::Receiver<Result<Bytes, Cut>>);

impl Body for Piped {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Complete,
    Gone,
    Idle,
    Total,
    Broken,
    TooLarge,
}

impl End {
    pub fn name(self) -> &'static str {
        match self {
            End::Complete => "complete",
            End::Gone => "client_gone",
            End::Idle => "idle_timeout",
            End::Total => "total_timeout",
            End::Broken => "cut",
            End::TooLarge => "too_large",
        }
    }
}

/// How much of it, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Between two pieces.
    pub idle: Duration,
    pub until: Instant,
    pub bytes: u64,
}

/// Starts to pass on `body`; `running` is settled when it ends, however it does.
pub fn start(service: Arc<Service>, body: Incoming, strip_usage: bool, bounds: Bounds, running: Running) -> Piped {
    let (to, from) = mpsc::channel(1);
    let idle = bounds.idle;
    tokio::spawn(async move {
        let api = service.config.api;
        let error = |value: &Value| {
            service
                .error(axum::http::StatusCode::OK, &Default::default(), value)
                .json()
        };
        let mut events = Events::new(Meter::new(api), strip_usage, error);
        let end = tokio::select! {
            end = pump(body, &mut events, &to, bounds) => end,
            () = to.closed() => End::Gone,
        };
        let counted = events.meter().total();
        // Clients leave when they have read the last event, before the connection says that it was the last.
        let end = match end {
            End::Gone if counted.is_some() => End::Complete,
            end => end,
        };
        // The account first: who sees the end finds it there.
        running.finish(counted, end.name());
        if !matches!(end, End::Complete | End::Gone) {
            let _ = timeout(idle, to.send(Err(Cut))).await;
        }
    });
    Piped(from)
}

async fn pump<F: Fn(&Value) -> Value>(
    mut body: Incoming,
    events: &mut Events<F>,
    to: &mpsc::Sender<Result<Bytes, Cut>>,
    Bounds { idle, until, bytes }: Bounds,
) -> End {
    let mut out = Vec::new();
    let mut left = bytes;
    loop {
        let over = events.meter().over();
        let patience = if over { LAST.min(idle) } else { idle };
        let frame = match timeout_at(until.min(Instant::now() + patience), body.frame()).await {
            Ok(frame) => frame,
            Err(_) if over => return End::Complete,
            Err(_) => return if Instant::now() >= until { End::Total } else { End::Idle },
        };
        let end = match frame {
            None => {
                events.end(&mut out);
                Some(End::Complete)
            }
            Some(Err(_)) => Some(End::Broken),
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(&[][..], |bytes| bytes);
                let most = usize::try_from(left).unwrap_or(usize::MAX);
                events.feed(bytes.get(..most).unwrap_or(bytes), &mut out);
                left = left.saturating_sub(bytes.len() as u64);
                (left == 0).then_some(End::TooLarge)
            }
        };
        if !out.is_empty() {
            match timeout_at(until, to.send(Ok(Bytes::from(std::mem::take(&mut out))))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Gone,
                Err(_) => return End::Total,
            }
        }
        if let Some(end) = end {
            return end;
        }
    }
}
