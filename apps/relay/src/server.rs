//! Connections: accepted up to a number, read with patience that ends, and finished before the relay stops.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::{Relay, log};

/// Until the head of a request has arrived.
const HEAD: Duration = Duration::from_secs(10);
/// Bytes of a request's head at most.
const HEAD_BYTES: usize = 64 * 1024;
/// After an accept that failed: files may be free again.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, then lets running requests end for as long as the configuration has it. What still runs then
/// stays spent as it was reserved.
pub async fn serve(relay: Arc<Relay>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let limits = relay.config().limits;
    let free = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let router = relay.router();
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            _ = every_second.tick() => {
                sync(&relay).await;
                continue;
            }
            accepted = accept(&listener, &free) => accepted,
        };
        let Some((stream, permit)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // An error here is the client's: it is gone, or does not speak HTTP.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let patience = Duration::from_millis(limits.shutdown_ms);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        log::info("stopped before all requests had ended", &[]);
    }
    sync(&relay).await;
}

async fn accept(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(free).acquire_owned().await.ok()?;
    let (stream, _) = listener.accept().await.ok()?;
    // Each event is sent when it is there.
    let _ = stream.set_nodelay(true);
    Some((stream, permit))
}

async fn sync(relay: &Relay) {
    if let Err(error) = relay.ledger().sync().await {
        log::error(
            "the account did not reach the disk",
            &[("error", error.to_string().into())],
        );
    }
}
