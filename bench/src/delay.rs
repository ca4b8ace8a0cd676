//! A line between client and server on which every byte takes its time: what a window costs that
//! is smaller than rate times delay.
//!
//! It relays TCP connections and holds what it has read until it is due. TCP itself sees loopback
//! on either side, so this shows the windows of HTTP/2 and not those of the kernel. It needs no
//! privileges and no traffic control in the kernel, which many machines have not.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::machine;

/// The most that is read at once, in bytes.
const PIECE: usize = 256 * 1024;
/// Pieces under way in one direction. With the least that a read brings this is room for the
/// fastest server at 100 ms; a line that is full is read no further.
const UNDER_WAY: usize = 4096;

/// Bytes and when they are due at the other end.
type Piece = (Instant, Box<[u8]>);

/// The line; its connections end with their ends, it accepts no more once it is dropped.
pub(crate) struct Line {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Line {
    /// Lays a line to `server` that takes `one_way` in each direction. Its threads run on `core`,
    /// which is the client's: the server's is its own.
    pub(crate) fn lay(server: SocketAddr, one_way: Duration, core: usize) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("laying a line")?;
        let address = listener.local_addr()?;
        let closed = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&closed);
        let accepting = thread::spawn(move || {
            // Threads inherit the affinity of the one that starts them.
            if machine::pin(core).is_err() {
                return;
            }
            while let Ok((client, _)) = listener.accept() {
                if flag.load(Ordering::Relaxed) {
                    return;
                }
                // A connection that cannot be relayed closes, and the client reports that.
                let _ = relay(&client, server, one_way);
            }
        });
        Ok(Self {
            address,
            closed,
            accepting: Some(accepting),
        })
    }

    /// The client's end.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes the accepting thread; if that fails it has ended.
        if TcpStream::connect(self.address).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            let _ = accepting.join();
        }
    }
}

/// Connects `client` to `server` by two threads in each direction, which end with the connection.
fn relay(client: &TcpStream, server: SocketAddr, one_way: Duration) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    for (from, to) in [(client, &server), (&server, client)] {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let (send, receive) = sync_channel(UNDER_WAY);
        thread::spawn(move || take_in(from, &send, one_way));
        thread::spawn(move || give_out(&to, &receive));
    }
    Ok(())
}

fn take_in(mut from: TcpStream, line: &SyncSender<Piece>, one_way: Duration) {
    let mut buffer = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default();
        if line.send((Instant::now() + one_way, bytes.into())).is_err() {
            break;
        }
    }
}

fn give_out(mut to: &TcpStream, line: &Receiver<Piece>) {
    while let Ok((due, bytes)) = line.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    // The other side has ended its half; a failure means that this side is gone.
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bytes_arrive_whole_in_order_and_not_before_they_are_due() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let one_way = Duration::from_millis(5);
        let core = (0..1024).find(|&core| machine::pin(core).is_ok()).unwrap();
        let line = Line::lay(listener.local_addr().unwrap(), one_way, core).unwrap();
        let echo = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            io::copy(&mut &stream, &mut &stream).unwrap();
        });
        let mut client = TcpStream::connect(line.address()).unwrap();
        let sent: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
        let began = Instant::now();
        let mut writer = client.try_clone().unwrap();
        let whole = sent.clone();
        let writing = thread::spawn(move || {
            writer.write_all(&whole).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert!(received == sent);
        assert!(began.elapsed() >= 2 * one_way);
        writing.join().unwrap();
        echo.join().unwrap();
    }
}
