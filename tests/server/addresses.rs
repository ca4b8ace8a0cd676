//! Where a server listens: ports of the kernel's choice, localhost, Unix domain sockets; and what it
//! says when it cannot.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::num::NonZeroU16;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::support::HANG;
use crate::support::client::Client;
use lanner::{
    Endpoint, HttpContext, Limits, RunningServer, Server, ShardCount, StartError, Tls, TlsSite,
};

async fn local_address(ctx: &mut HttpContext) -> Result<(), lanner::ResponseError> {
    let address = ctx.connection().local_address().unwrap().to_string();
    ctx.text(&address)
}

fn start(urls: &str) -> Result<RunningServer, StartError> {
    let shards = ShardCount::Fixed(NonZeroU16::new(2).unwrap());
    Server::new()
        .urls(urls)?
        .shards(shards)
        .start(local_address)
}

fn addresses(server: &RunningServer) -> Vec<String> {
    server.addresses().iter().map(str::to_owned).collect()
}

/// A directory of the test's own, removed when dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        // Short, because a socket's path has at most 107 bytes.
        let path = std::env::temp_dir().join(format!("lanner-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn url(&self, options: &str) -> String {
        format!("http://unix:{}{options}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A leftover in the directory for temporary files harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn connect_unix(path: &Path) -> Client<UnixStream> {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    Client::over(stream)
}

#[test]
fn each_address_with_port_0_gets_one_port_for_all_shards() {
    let server = start("http://127.0.0.1:0;http://127.0.0.1:0").unwrap();
    let addresses = addresses(&server);
    assert_eq!(addresses.len(), 2);
    assert_ne!(addresses[0], addresses[1]);
    for address in &addresses {
        let address: SocketAddr = address.strip_prefix("http://").unwrap().parse().unwrap();
        assert_ne!(address.port(), 0);
        assert_eq!(
            Client::connect(address).get("/").text(),
            address.to_string()
        );
    }
    for shard in server.features().shards().iter() {
        assert_eq!(shard.addresses, addresses);
    }
    assert!(server.shut_down(HANG));
}

#[test]
fn localhost_is_both_loopback_addresses() {
    // Localhost takes no port 0, so a port that was free a moment ago is tried until one still is.
    let server = (0..100).find_map(|_| {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Some((start(&format!("http://localhost:{port}")).ok()?, port))
    });
    let (server, port) = server.expect("no port is free on both loopback addresses");
    assert_eq!(addresses(&server), [format!("http://localhost:{port}")]);
    let mut ends: Vec<SocketAddr> = vec![(Ipv4Addr::LOCALHOST, port).into()];
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        ends.push((Ipv6Addr::LOCALHOST, port).into());
    }
    for end in ends {
        assert_eq!(Client::connect(end).get("/").text(), end.to_string());
    }
    assert!(server.shut_down(HANG));
}

#[test]
fn any_address_serves_ipv4_too() {
    let server = start("http://*:0").unwrap();
    let port = server
        .addresses()
        .iter()
        .next()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let end = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert_eq!(Client::connect(end).get("/").text(), end.to_string());
    assert!(server.shut_down(HANG));
}

#[test]
fn a_unix_socket_has_its_mode_and_leaves_no_file() {
    let directory = Directory::new("mode");
    let server = start(&directory.url("?mode=600")).unwrap();
    let socket = directory.socket();
    assert_eq!(addresses(&server), [directory.url("")]);
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for _ in 0..4 {
        assert_eq!(
            connect_unix(&socket).get("/").text(),
            format!("unix:{}", socket.display())
        );
    }
    assert!(server.shut_down(HANG));
    assert!(!socket.exists());
}

#[test]
fn a_stale_socket_file_is_replaced_and_another_servers_is_not() {
    let directory = Directory::new("stale");
    drop(UnixListener::bind(directory.socket()).unwrap());
    assert!(directory.socket().exists());
    let server = start(&directory.url("")).unwrap();
    assert_eq!(connect_unix(&directory.socket()).get("/").status, 200);
    let error = start(&directory.url("")).unwrap_err().to_string();
    assert!(
        error.contains(&directory.url("")) && error.contains("serves this socket already"),
        "{error}"
    );
    assert_eq!(
        connect_unix(&directory.socket()).get("/").status,
        200,
        "the first one goes on"
    );
    assert!(server.shut_down(HANG));
}

#[test]
fn an_abstract_socket_needs_no_file() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("lanner-test-{}", std::process::id());
    let server = start(&format!("http://unix:@{name}")).unwrap();
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let stream = UnixStream::connect_addr(&address).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    assert_eq!(
        Client::over(stream).get("/").text(),
        format!("unix:@{name}")
    );
    assert!(server.shut_down(HANG));
}

#[test]
fn an_address_in_use_is_said_in_one_line() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", other.local_addr().unwrap());
    let error = start(&url).unwrap_err();
    assert!(matches!(error, StartError::Bind(_)));
    let line = error.to_string();
    assert!(
        line.starts_with(&format!(
            "failed to bind to {url}: the address is already in use"
        )),
        "{line}"
    );
    assert!(!line.contains('\n'));
}

#[test]
fn two_servers_share_an_address_only_if_both_ask_for_it() {
    let first = Server::new()
        .urls("http://127.0.0.1:0")
        .unwrap()
        .reuse_port(true)
        .start(local_address)
        .unwrap();
    let url = addresses(&first).remove(0);
    assert!(start(&url).is_err());
    let second = Server::new()
        .urls(&url)
        .unwrap()
        .reuse_port(true)
        .start(local_address)
        .unwrap();
    assert_eq!(addresses(&second), [url]);
    assert!(first.shut_down(HANG));
    assert!(second.shut_down(HANG));
}

#[test]
fn what_was_bound_before_a_failure_is_free_again() {
    let directory = Directory::new("failure");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("http://{}", other.local_addr().unwrap());
    assert!(start(&format!("{};{taken}", directory.url(""))).is_err());
    assert!(!directory.socket().exists());
}

#[test]
fn whatever_a_main_returns_reads_as_its_one_line() {
    let limits = Limits {
        field_count_max: 0,
        ..Limits::default()
    };
    let site = TlsSite::files("certificate.pem", "key.pem");
    let errors: [Box<dyn Error>; 4] = [
        "x".parse::<Endpoint>().unwrap_err().into(),
        "many".parse::<ShardCount>().unwrap_err().into(),
        limits.validate().unwrap_err().into(),
        Tls::new().site("*.*", site).unwrap_err().into(),
    ];
    for error in errors {
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}
