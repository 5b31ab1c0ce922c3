//! A connection that can be cut: bytes go to and fro between a port of its own and another address, until they do not.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

pub struct Wire {
    connected: AtomicBool,
    /// Both ends of every connection that was made and may still be open.
    open: Mutex<Vec<TcpStream>>,
}

impl Wire {
    /// Listens on a free port of this machine; returns it.
    pub fn new(to: SocketAddr) -> io::Result<(Arc<Wire>, u16)> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let wire = Arc::new(Wire {
            connected: AtomicBool::new(true),
            open: Mutex::new(Vec::new()),
        });
        let own = wire.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Without a connection whoever asks is hung up on, as by a network that is gone.
                let _ = own.join(stream, to);
            }
        });
        Ok((wire, port))
    }

    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::SeqCst)
    }

    /// Cuts all connections, or lets them be made again.
    pub fn connect(&self, connected: bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.connected.store(connected, Ordering::SeqCst);
        if !connected {
            open.drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
        }
    }

    fn join(&self, here: TcpStream, to: SocketAddr) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.connected() {
            return here.shutdown(Shutdown::Both);
        }
        let there = TcpStream::connect(to)?;
        open.retain(|stream| stream.peer_addr().is_ok());
        open.extend([here.try_clone()?, there.try_clone()?]);
        for (mut from, mut to) in [(here.try_clone()?, there.try_clone()?), (there, here)] {
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_cut_drops_what_is_open_and_refuses_what_comes() -> io::Result<()> {
        let echo = TcpListener::bind(("127.0.0.1", 0))?;
        let address = echo.local_addr()?;
        thread::spawn(move || {
            for stream in echo.incoming().flatten() {
                thread::spawn(move || io::copy(&mut &stream, &mut &stream));
            }
        });
        let (wire, port) = Wire::new(address)?;
        let ask = |stream: &mut TcpStream| -> io::Result<usize> {
            stream.write_all(b"hello")?;
            stream.read(&mut [0; 5])
        };
        let open = || TcpStream::connect(("127.0.0.1", port));
        let mut first = open()?;
        assert_eq!(ask(&mut first)?, 5);
        wire.connect(false);
        assert!(!wire.connected());
        assert!(!matches!(first.read(&mut [0; 5]), Ok(1..)), "what was open is closed");
        assert!(!matches!(open().and_then(|mut second| ask(&mut second)), Ok(1..)));
        wire.connect(true);
        assert_eq!(ask(&mut open()?)?, 5);
        Ok(())
    }
}
