//! One simulated connection, both its ends.
//!
//! Owns the bytes on their way in each direction and how far each end has closed. Knows nothing
//! of descriptors, operations or tokens.

use std::collections::VecDeque;

use crate::ring::Errno;

/// Bytes that a peer who does not read lets a server send.
const WINDOW: usize = 64 * 1024;

/// A TCP connection between a server's descriptor and a [`Peer`](super::Peer).
#[derive(Debug, Default)]
pub(super) struct Socket {
    /// Sent by the peer, not yet received.
    inbound: VecDeque<u8>,
    peer_finished: bool,
    peer_reset: bool,
    /// The error that the next operation reports, once.
    error: Option<Errno>,
    /// Sent by the server, in the peer's window.
    unread: Vec<u8>,
    /// Read by the peer, not yet taken by the test.
    read: Vec<u8>,
    peer_paused: bool,
    write_shut: bool,
    descriptor_closed: bool,
    /// Closed, and no operation holds it open.
    released: bool,
    server_reset: bool,
}

/// What a receive finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inbound {
    /// Nothing yet.
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// The end of the peer's data.
    End,
    /// A broken connection.
    Failed(Errno),
}

/// The server's end.
impl Socket {
    /// What there is to receive. An error is reported once, as `SO_ERROR` is.
    pub(super) fn inbound(&mut self) -> Inbound {
        if let Some(errno) = self.error.take() {
            Inbound::Failed(errno)
        } else if !self.inbound.is_empty() {
            Inbound::Bytes(self.inbound.len())
        } else if self.peer_finished || self.peer_reset {
            Inbound::End
        } else {
            Inbound::Nothing
        }
    }

    /// The poll events that nobody needs to ask for.
    pub(super) fn events(&self) -> u32 {
        let mut events = 0;
        if self.peer_finished || self.peer_reset {
            events |= libc::POLLRDHUP;
        }
        if self.peer_reset {
            events |= libc::POLLERR;
        }
        if self.peer_reset || (self.write_shut && self.peer_finished) {
            events |= libc::POLLHUP;
        }
        // Poll events are small and positive.
        events as u32
    }

    /// Takes the first `n` bytes that there are to receive.
    pub(super) fn receive(&mut self, n: usize) -> Vec<u8> {
        let n = n.min(self.inbound.len());
        // Piece by piece: byte by byte takes most of a fuzzer's time.
        let (front, back) = self.inbound.as_slices();
        let in_front = n.min(front.len());
        let mut bytes = front.get(..in_front).unwrap_or_default().to_vec();
        bytes.extend_from_slice(back.get(..n - in_front).unwrap_or_default());
        self.inbound.drain(..n);
        bytes
    }

    /// How many bytes a send could place; `None` while the peer's window is full.
    pub(super) fn room(&mut self) -> Option<Result<usize, Errno>> {
        if let Some(errno) = self.error.take() {
            Some(Err(errno))
        } else if self.write_shut || self.peer_reset {
            Some(Err(Errno::EPIPE))
        } else if !self.peer_paused {
            Some(Ok(usize::MAX))
        } else {
            Some(WINDOW.saturating_sub(self.unread.len()))
                .filter(|&room| room > 0)
                .map(Ok)
        }
    }

    /// Places bytes in the peer's window, and in its hands if it reads.
    pub(super) fn place(&mut self, bytes: &[u8]) {
        if self.peer_paused {
            self.unread.extend_from_slice(bytes);
        } else {
            self.read.extend_from_slice(bytes);
        }
    }

    /// Ends what is sent, as shutdown(2) does.
    pub(super) fn shutdown(&mut self) -> Result<(), Errno> {
        if self.peer_reset {
            return Err(Errno::ENOTCONN);
        }
        self.write_shut = true;
        Ok(())
    }

    /// The server has closed its descriptor. Nothing is sent yet: operations may still hold the
    /// socket.
    pub(super) fn close_descriptor(&mut self) {
        self.descriptor_closed = true;
    }

    /// The last operation on a closed descriptor has ended: the peer learns of the close, by RST
    /// if bytes of its own were never received.
    pub(super) fn release(&mut self) {
        self.released = true;
        self.write_shut = true;
        self.server_reset |= !self.inbound.is_empty();
    }

    /// Whether the descriptor is closed.
    pub(super) const fn is_closed(&self) -> bool {
        self.descriptor_closed
    }
}

/// The peer's end.
impl Socket {
    /// Sends to the server, unless either end has reset the connection or the peer has finished.
    pub(super) fn peer_send(&mut self, bytes: &[u8]) {
        if self.released {
            self.server_reset = true;
        } else if !self.peer_finished && !self.peer_reset {
            self.inbound.extend(bytes);
        }
    }

    pub(super) fn peer_finish(&mut self) {
        self.peer_finished = true;
    }

    /// Breaks the connection; what was not received is lost.
    pub(super) fn peer_reset(&mut self) {
        if !self.peer_reset {
            self.peer_reset = true;
            self.error = Some(Errno::ECONNRESET);
            self.inbound.clear();
        }
    }

    /// Refuses the connection, as a listener that is gone does.
    pub(super) fn refuse(&mut self) {
        self.server_reset = true;
        self.released = true;
    }

    pub(super) fn peer_pause(&mut self) {
        self.peer_paused = true;
    }

    pub(super) fn peer_resume(&mut self) {
        self.peer_paused = false;
        self.read.append(&mut self.unread);
    }

    /// What the peer has read since this was last asked.
    pub(super) fn take_read(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.read)
    }

    /// Bytes sent by the peer that the server has not received.
    pub(super) fn backlog(&self) -> usize {
        self.inbound.len()
    }

    /// Whether the peer has seen the end of the server's data: everything before it is read.
    pub(super) fn saw_fin(&self) -> bool {
        self.write_shut && !self.server_reset && self.unread.is_empty()
    }

    pub(super) const fn saw_reset(&self) -> bool {
        self.server_reset
    }
}
