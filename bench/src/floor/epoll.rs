//! The floor on epoll: one read for what has come, one write for all answers to it.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::answer::{Answerer, REJECTION};

/// Events that one call brings at most.
const EVENTS: usize = 1024;
/// Bytes that are read at once: all that a client of the comparison sends before it waits.
const READ: usize = 16 * 1024;

/// Serves `listener` on the calling thread until epoll fails.
pub(super) fn serve(listener: &TcpListener, once: bool) -> io::Result<Infallible> {
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let number = listener.as_raw_fd() as u64;
    epoll::add(&epoll, listener, EventData::new_u64(number), EventFlags::IN)?;
    let mut floor = Floor {
        epoll,
        connections: Vec::new(),
        answerer: Answerer::new(Instant::now(), once),
        buffer: vec![0; READ],
    };
    let mut events = Vec::with_capacity(EVENTS);
    loop {
        events.clear();
        match epoll::wait(&floor.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        floor.answerer.refresh(Instant::now());
        for event in &events {
            if event.data.u64() == number {
                floor.accept(listener)?;
            } else {
                floor.serve(event.data.u64() as usize, event.flags);
            }
        }
    }
}

struct Floor {
    epoll: OwnedFd,
    /// By descriptor.
    connections: Vec<Option<Connection>>,
    answerer: Answerer,
    buffer: Vec<u8>,
}

struct Connection {
    socket: TcpStream,
    /// The start of a head still to come.
    partial: Vec<u8>,
    /// Answers, of which so many bytes are sent.
    out: Vec<u8>,
    sent: usize,
    /// No more is read.
    finished: bool,
    /// epoll tells of room to write, and of nothing to read.
    blocked: bool,
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let socket = match listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The peer is gone, or this process is out of descriptors.
                Err(_) => return Ok(()),
            };
            socket.set_nonblocking(true)?;
            let slot = socket.as_raw_fd() as usize;
            let data = EventData::new_u64(slot as u64);
            epoll::add(&self.epoll, &socket, data, EventFlags::IN)?;
            if slot >= self.connections.len() {
                self.connections.resize_with(slot + 1, || None);
            }
            if let Some(entry) = self.connections.get_mut(slot) {
                *entry = Some(Connection {
                    socket,
                    partial: Vec::new(),
                    out: Vec::new(),
                    sent: 0,
                    finished: false,
                    blocked: false,
                });
            }
        }
    }

    /// Goes on with one connection; it leaves the epoll when it is closed.
    fn serve(&mut self, slot: usize, flags: EventFlags) {
        let Some(entry) = self.connections.get_mut(slot) else {
            return;
        };
        let Some(connection) = entry else { return };
        let gone = flags.contains(EventFlags::ERR);
        let read = !connection.blocked && !connection.finished;
        let open = !gone
            && (!read || connection.receive(&mut self.buffer, &self.answerer).is_ok())
            && connection.send().is_ok()
            && connection.wait(&self.epoll, slot).is_ok();
        if !open {
            *entry = None;
        }
    }
}

impl Connection {
    /// Reads once and appends the answers to what is complete.
    fn receive(&mut self, buffer: &mut [u8], answerer: &Answerer) -> io::Result<()> {
        let count = match self.socket.read(buffer) {
            Ok(0) => {
                self.finished = true;
                return Ok(());
            }
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        let outcome = if self.partial.is_empty() {
            let outcome = answerer.answer(bytes, &mut self.out);
            if let Ok(consumed) = outcome {
                let rest = bytes.get(consumed..).unwrap_or_default();
                self.partial.extend_from_slice(rest);
            }
            outcome
        } else {
            self.partial.extend_from_slice(bytes);
            let outcome = answerer.answer(&self.partial, &mut self.out);
            if let Ok(consumed) = outcome {
                self.partial.drain(..consumed);
            }
            outcome
        };
        match outcome {
            Ok(0) => {}
            Ok(_) => self.finished = answerer.is_last(),
            Err(_) => {
                self.out.extend_from_slice(REJECTION);
                self.finished = true;
            }
        }
        Ok(())
    }

    /// Sends what the socket takes.
    fn send(&mut self) -> io::Result<()> {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.socket.write(rest) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }

    /// Has epoll tell of what is to be waited for; fails if that is nothing any more.
    fn wait(&mut self, epoll: &OwnedFd, slot: usize) -> io::Result<()> {
        let blocked = !self.out.is_empty();
        if self.finished && !blocked {
            self.socket.shutdown(Shutdown::Both)?;
            return Err(ErrorKind::ConnectionAborted.into());
        }
        if blocked != self.blocked {
            let flags = if blocked {
                EventFlags::OUT
            } else {
                EventFlags::IN
            };
            let data = EventData::new_u64(slot as u64);
            epoll::modify(epoll, &self.socket, data, flags)?;
            self.blocked = blocked;
        }
        Ok(())
    }
}
