//! Sockets of a process that has just ended, which are in the way of its successor.
//!
//! A listening socket that an io_uring accepts on outlives its killed process by some 50 ms: the
//! kernel takes rings apart in the background. Until then it completes handshakes, only to reset
//! the connections when it goes. So nobody can be told from somebody by asking whether a
//! connection can be had, but by whether it lasts.
//!
//! Owns the waiting. What is tried again, and what else may be in the way, the caller knows.

use std::io::{self, ErrorKind, Read};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};

/// How long sockets of a process that has ended are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between one try and the next.
const PAUSE: Duration = Duration::from_millis(5);

/// The time that a server has for having its address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    until: Instant,
}

/// Who answers at an address.
#[derive(Debug)]
pub(super) enum Answer {
    /// Nobody listens.
    Refused,
    /// Somebody listens, who may be about to go.
    Connected(Socket),
    /// Something else, as a full backlog.
    Other(io::Error),
}

impl Patience {
    pub(super) fn begin() -> Self {
        Self {
            until: Instant::now() + PATIENCE,
        }
    }

    fn left(self) -> Option<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Waits for the next try; false when there is to be none.
    pub(super) fn pause(self) -> bool {
        let left = self.left();
        thread::sleep(left.unwrap_or_default().min(PAUSE));
        left.is_some()
    }

    /// Whether a connection lasts as long as there is time.
    pub(super) fn outlasts(self, mut connection: &Socket) -> bool {
        let Some(left) = self.left() else {
            return true;
        };
        // Without its time-out this would be a wait for ever.
        if connection.set_nonblocking(false).is_err()
            || connection.set_read_timeout(Some(left)).is_err()
        {
            return true;
        }
        match connection.read(&mut [0]) {
            // A server that speaks first.
            Ok(1..) => true,
            // One that wants no connection, or is gone: the next try tells.
            Ok(0) => false,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

/// Connects to whoever listens at `address`, without waiting for room in a backlog.
pub(super) fn ask(domain: Domain, address: &SockAddr) -> Answer {
    let connected = Socket::new(domain, Type::STREAM, None).and_then(|socket| {
        socket.connect_timeout(address, PATIENCE / 4)?;
        Ok(socket)
    });
    match connected {
        Ok(socket) => Answer::Connected(socket),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Answer::Refused,
            _ => Answer::Other(error),
        },
    }
}

/// Tries for an address as long as it is in use and yet nobody there keeps a connection.
pub(super) fn claim<T>(
    domain: Domain,
    address: &SockAddr,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let patience = Patience::begin();
    loop {
        let error = match attempt() {
            Err(error) if error.kind() == ErrorKind::AddrInUse => error,
            result => return result,
        };
        if let Answer::Connected(connection) = ask(domain, address)
            && patience.outlasts(&connection)
        {
            return Err(error);
        }
        if !patience.pause() {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::{SocketAddr, TcpListener};

    use super::*;

    fn claim<T>(address: SocketAddr, attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        super::claim(Domain::IPV4, &address.into(), attempt)
    }

    #[test]
    fn a_listener_that_goes_with_its_connections_is_waited_for() {
        let dying = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = dying.local_addr().unwrap();
        let ending = thread::spawn(move || {
            let connection = dying.accept().unwrap();
            drop(dying);
            drop(connection);
        });
        assert!(claim(address, || TcpListener::bind(address)).is_ok());
        ending.join().unwrap();
    }

    #[test]
    fn a_server_that_keeps_its_connections_has_the_address() {
        let owner = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = owner.local_addr().unwrap();
        let mut tries = 0;
        let refused = claim(address, || {
            tries += 1;
            TcpListener::bind(address)
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::AddrInUse);
        // It has kept the first one that was made.
        assert_eq!(tries, 1);
    }

    #[test]
    fn an_address_where_nobody_answers_is_tried_again() {
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        bound.bind(&any.into()).unwrap();
        let address = bound.local_addr().unwrap().as_socket().unwrap();
        let (mut bound, mut tries) = (Some(bound), 0);
        let claimed = claim(address, || {
            tries += 1;
            if tries == 3 {
                drop(bound.take());
            }
            TcpListener::bind(address)
        });
        assert!(claimed.is_ok());
        assert_eq!(tries, 3);
    }

    #[test]
    fn another_error_is_none_to_wait_for() {
        let address = "127.0.0.1:1".parse().unwrap();
        let mut tries = 0;
        let denied = claim::<()>(address, || {
            tries += 1;
            Err(ErrorKind::PermissionDenied.into())
        });
        assert_eq!(denied.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(tries, 1);
    }
}
