//! Unix sockets for real: modes, stale files, and what is cleaned up.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixListener as StdListener, UnixStream};
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::address::{BoundAddress, BoundPlace, Endpoint, Place, UrlScheme};
use super::super::listener::{BindNote, BindOptions, BoundListeners, DEFAULT_BACKLOG, bind};
use super::super::peer::{PeerAddress, local_address};
use super::*;

/// A directory of its own for a test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "lanner-net-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("a.sock")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bind_path(path: &Path, mode: Option<u32>) -> Result<BoundListeners, BindFault> {
    let endpoint = Endpoint {
        scheme: UrlScheme::Http,
        place: Place::Unix {
            path: path.to_owned(),
            mode,
        },
    };
    let options = BindOptions {
        backlog: DEFAULT_BACKLOG,
        reuse_port: false,
        shards: NonZeroUsize::new(2).unwrap(),
    };
    bind(&[endpoint], options).map_err(|error| error.fault())
}

#[test]
fn every_shard_accepts_and_the_file_goes_with_its_guard() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    let mut bound = bind_path(&path, None).unwrap();
    let expected = BoundAddress {
        scheme: UrlScheme::Http,
        place: BoundPlace::Unix(path.clone()),
    };
    assert_eq!(bound.addresses, [expected]);
    assert_eq!(bound.notes, []);
    for listeners in &bound.per_shard {
        let _client = UnixStream::connect(&path).unwrap();
        let (accepted, _) = socket2::SockRef::from(&listeners[0]).accept().unwrap();
        let local = local_address(accepted.as_fd()).unwrap();
        assert_eq!(local, PeerAddress::Unix(Some(path.clone())));
    }
    bound.files.clear();
    assert!(!path.exists());
}

#[test]
fn the_mode_is_that_of_the_option() {
    let scratch = Scratch::new();
    for mode in [0o600, 0o660, 0o777] {
        let _bound = bind_path(&scratch.socket(), Some(mode)).unwrap();
        let found = fs::symlink_metadata(scratch.socket()).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_stale_file_is_replaced_and_reported() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    drop(StdListener::bind(&path).unwrap());
    assert!(path.exists());
    let bound = bind_path(&path, None).unwrap();
    assert_eq!(bound.notes, [BindNote::StaleFileRemoved(path.clone())]);
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn a_server_between_bind_and_listen_is_not_stale() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    let address = SockAddr::unix(&path).unwrap();
    let owner = unix_socket().unwrap();
    owner.bind(&address).unwrap();
    let made = fs::symlink_metadata(&path).unwrap().modified().unwrap();
    let found = |after| look_at(&path, &address, made + after).unwrap();
    assert!(matches!(found(Duration::ZERO), Found::Young));
    assert!(matches!(found(BIND_TO_LISTEN), Found::Stale));
    owner.listen(1).unwrap();
    assert!(matches!(found(Duration::ZERO), Found::Served(_)));
}

#[test]
fn a_server_that_goes_with_its_connections_is_waited_for() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    let dying = StdListener::bind(&path).unwrap();
    let ending = thread::spawn(move || {
        let connection = dying.accept().unwrap();
        drop(dying);
        drop(connection);
    });
    let bound = bind_path(&path, None).unwrap();
    assert_eq!(bound.notes, [BindNote::StaleFileRemoved(path)]);
    ending.join().unwrap();
}

#[test]
fn a_served_socket_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    let _owner = StdListener::bind(&path).unwrap();
    assert_eq!(bind_path(&path, None).unwrap_err(), BindFault::SocketInUse);
    assert!(UnixStream::connect(&path).is_ok());

    fs::remove_file(&path).unwrap();
    let _datagrams = UnixDatagram::bind(&path).unwrap();
    assert_eq!(bind_path(&path, None).unwrap_err(), BindFault::SocketInUse);
    assert!(path.exists());
}

#[test]
fn a_served_socket_with_a_full_backlog_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    let owner = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let address = SockAddr::unix(&path).unwrap();
    owner.bind(&address).unwrap();
    owner.listen(0).unwrap();
    let mut waiting = Vec::new();
    let full = (0..8).any(|_| {
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        let refused = client.connect(&address).is_err();
        waiting.push(client);
        refused
    });
    assert!(full);
    assert_eq!(bind_path(&path, None).unwrap_err(), BindFault::SocketInUse);
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    fs::write(&path, "precious").unwrap();
    assert_eq!(bind_path(&path, None).unwrap_err(), BindFault::NotASocket);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");

    // A link is not followed, even to a socket that is stale.
    let link = scratch.0.join("link");
    drop(StdListener::bind(scratch.0.join("stale")).unwrap());
    std::os::unix::fs::symlink("stale", &link).unwrap();
    assert_eq!(bind_path(&link, None).unwrap_err(), BindFault::NotASocket);
    assert!(scratch.0.join("stale").exists());
}

#[test]
fn the_guard_leaves_a_successors_file_alone() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    let bound = bind_path(&path, None).unwrap();
    fs::remove_file(&path).unwrap();
    let _successor = StdListener::bind(&path).unwrap();
    drop(bound);
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn of_servers_that_start_at_once_over_a_stale_file_one_succeeds() {
    let scratch = Scratch::new();
    let path = scratch.socket();
    // Few rounds, as who does not succeed waits a second for the winner to go.
    for _ in 0..5 {
        drop(StdListener::bind(&path).unwrap());
        let results: Vec<_> = thread::scope(|scope| {
            let starts: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| bind_path(&path, None)))
                .collect();
            starts.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let winners: Vec<_> = results.iter().filter(|it| it.is_ok()).collect();
        assert_eq!(winners.len(), 1);
        assert!(UnixStream::connect(&path).is_ok());
        drop(results);
        assert!(!path.exists());
    }
}

#[test]
fn paths_that_cannot_be_bound_are_named() {
    let scratch = Scratch::new();
    let missing = scratch.0.join("missing/a.sock");
    assert_eq!(
        bind_path(&missing, None).unwrap_err(),
        BindFault::NoSuchDirectory
    );
    let long = scratch.0.join("x".repeat(108));
    assert_eq!(bind_path(&long, None).unwrap_err(), BindFault::PathTooLong);
}
