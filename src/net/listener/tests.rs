//! Binding for real on loopback: shared ports, conflicts, both families.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use socket2::SockRef;

use super::super::peer::{PeerAddress, local_address, peer_address};
use super::*;

fn options(shards: usize) -> BindOptions {
    BindOptions {
        backlog: DEFAULT_BACKLOG,
        reuse_port: false,
        shards: NonZeroUsize::new(shards).unwrap(),
    }
}

fn shared(shards: usize) -> BindOptions {
    BindOptions {
        reuse_port: true,
        ..options(shards)
    }
}

fn bind_urls(urls: &str, options: BindOptions) -> Result<BoundListeners, BindError> {
    bind(&Endpoint::parse_list(urls).unwrap(), options)
}

fn fault_of(urls: &str, options: BindOptions) -> BindFault {
    bind_urls(urls, options).unwrap_err().fault()
}

fn ip_of(address: &BoundAddress) -> SocketAddr {
    match address.place {
        BoundPlace::Ip(address) => address,
        _ => panic!("not an IP address: {address}"),
    }
}

fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// A port that nobody has, below those that the kernel gives out for port 0, so that no test that
/// runs beside takes it.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    (0..1000)
        .map(|_| NEXT.fetch_add(1, Ordering::Relaxed))
        .map(|n| u16::try_from(12_000 + (std::process::id() * 97 + n) % 20_000).unwrap())
        .find(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok())
        .unwrap()
}

#[test]
fn port_zero_is_one_port_for_all_shards() {
    let bound = bind_urls("http://127.0.0.1:0", options(3)).unwrap();
    let address = ip_of(&bound.addresses[0]);
    assert_ne!(address.port(), 0);
    assert_eq!(bound.addresses.len(), 1);
    assert_eq!(bound.per_shard.len(), 3);
    for listeners in &bound.per_shard {
        assert_eq!(listeners.len(), 1);
        assert_eq!(listeners[0].address(), &bound.addresses[0]);
        let name = local_address(listeners[0].as_fd()).unwrap();
        assert_eq!(name, PeerAddress::Tcp(address));
        let socket = SockRef::from(&listeners[0]);
        assert!(socket.is_listener().unwrap());
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.reuse_port().unwrap());
    }
}

/// The first socket becomes shareable only after it listens: it must still get its part of the
/// connections.
#[test]
fn the_kernel_spreads_connections_over_all_shards() {
    let bound = bind_urls("http://127.0.0.1:0", options(2)).unwrap();
    let address = ip_of(&bound.addresses[0]);
    let clients: Vec<TcpStream> = (0..64)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let accepted: Vec<usize> = bound
        .per_shard
        .iter()
        .map(|listeners| {
            let socket = SockRef::from(&listeners[0]);
            socket.set_nonblocking(true).unwrap();
            (0..clients.len())
                .take_while(|_| socket.accept().is_ok())
                .count()
        })
        .collect();
    assert_eq!(accepted.iter().sum::<usize>(), clients.len());
    assert!(accepted.iter().all(|count| *count > 0), "{accepted:?}");
}

#[test]
fn accepted_sockets_inherit_nodelay_and_know_both_ends() {
    let bound = bind_urls("http://*:0", options(1)).unwrap();
    let port = ip_of(&bound.addresses[0]).port();
    // Over IPv4 to a dual-stack listener: the kernel's own names are mapped addresses.
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (accepted, _) = SockRef::from(&bound.per_shard[0][0]).accept().unwrap();
    assert!(accepted.tcp_nodelay().unwrap());
    let peer = peer_address(accepted.as_fd()).unwrap();
    assert_eq!(peer, PeerAddress::Tcp(client.local_addr().unwrap()));
    let local = local_address(accepted.as_fd()).unwrap();
    assert_eq!(local, PeerAddress::Tcp(client.peer_addr().unwrap()));
    assert_eq!(local.to_string(), format!("127.0.0.1:{port}"));
}

#[test]
fn an_address_in_use_is_refused_even_if_its_owner_would_share() {
    let owner = bind_urls("http://127.0.0.1:0", shared(2)).unwrap();
    let url = owner.addresses[0].to_string();
    let error = bind_urls(&url, options(2)).unwrap_err();
    assert_eq!(error.fault(), BindFault::AddressInUse);
    let line = error.to_string();
    assert!(
        line.starts_with(&format!("failed to bind to {url}: ")),
        "{line}"
    );

    assert!(bind_urls(&url, shared(2)).is_ok());
    drop(owner);
    assert!(bind_urls(&url, options(2)).is_ok());
}

#[test]
fn an_address_of_a_plain_listener_is_refused_in_either_mode() {
    let owner = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", owner.local_addr().unwrap());
    assert_eq!(fault_of(&url, options(1)), BindFault::AddressInUse);
    // Who asks to share is told that the owner does not.
    assert_eq!(fault_of(&url, shared(1)), BindFault::NotShared);
    let any = format!("http://*:{}", owner.local_addr().unwrap().port());
    assert_eq!(fault_of(&any, options(1)), BindFault::AddressInUse);
}

#[test]
fn an_address_covered_by_an_earlier_one_is_not_blamed_on_others() {
    let port = free_port();
    for urls in [
        format!("http://127.0.0.1:{port};http://127.0.0.1:{port}"),
        format!("http://localhost:{port};http://127.0.0.1:{port}"),
        format!("http://*:{port};http://localhost:{port}"),
        format!("http://127.0.0.1:{port};http://*:{port}"),
    ] {
        assert_eq!(
            fault_of(&urls, options(2)),
            BindFault::ListedTwice,
            "{urls}"
        );
    }
}

#[test]
fn localhost_is_both_loopback_addresses() {
    let port = free_port();
    let bound = bind_urls(&format!("http://app.localhost:{port}"), options(2)).unwrap();
    let addresses: Vec<String> = bound.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(
        addresses,
        [
            format!("http://app.localhost:{port}"),
            format!("http://localhost:{port}")
        ]
    );
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    if has_ipv6() {
        assert!(TcpStream::connect(("::1", port)).is_ok());
        assert_eq!(bound.notes, []);
        assert!(bound.per_shard.iter().all(|listeners| listeners.len() == 2));
    } else {
        assert!(matches!(bound.notes[..], [BindNote::LocalhostPartly(_)]));
    }
}

#[test]
fn listeners_know_which_scheme_they_serve() {
    let name = format!("lanner-test-{}-schemes", std::process::id());
    let urls = format!("http://127.0.0.1:0;https://127.0.0.1:0;https://*:0;https://unix:@{name}");
    let bound = bind_urls(&urls, options(2)).unwrap();
    for listeners in &bound.per_shard {
        let tls: Vec<bool> = listeners.iter().map(Listener::is_tls).collect();
        assert_eq!(tls, [false, true, true, true]);
    }
    let addresses: Vec<String> = bound.addresses.iter().map(ToString::to_string).collect();
    assert!(addresses[0].starts_with("http://127.0.0.1:"));
    assert!(addresses[1].starts_with("https://127.0.0.1:"));
    assert_eq!(addresses[3], format!("https://unix:@{name}"));
    // Two schemes cannot share a port.
    let port = ip_of(&bound.addresses[1]).port();
    drop(bound);
    let urls = format!("http://127.0.0.1:{port};https://127.0.0.1:{port}");
    let error = bind_urls(&urls, options(1)).unwrap_err();
    assert_eq!(error.fault(), BindFault::ListedTwice);
    assert_eq!(error.address().scheme, UrlScheme::Https);
}

#[test]
fn localhost_is_refused_when_half_of_it_is_taken() {
    let v4 = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = v4.local_addr().unwrap().port();
    let url = format!("http://localhost:{port}");
    assert_eq!(fault_of(&url, options(1)), BindFault::AddressInUse);
    drop(v4);
    if has_ipv6() {
        let _v6 = TcpListener::bind(("::1", port)).unwrap();
        let error = bind_urls(&url, options(1)).unwrap_err();
        assert_eq!(error.fault(), BindFault::AddressInUse);
        assert_eq!(error.address().to_string(), format!("http://[::1]:{port}"));
        // The half that could be bound is let go.
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
    }
}

#[test]
fn any_ip_is_reached_by_both_families() {
    let bound = bind_urls("http://+:0", options(1)).unwrap();
    let address = ip_of(&bound.addresses[0]);
    assert!(address.ip().is_unspecified());
    assert!(TcpStream::connect(("127.0.0.1", address.port())).is_ok());
    if has_ipv6() {
        assert!(address.is_ipv6());
        assert!(TcpStream::connect(("::1", address.port())).is_ok());
        assert_eq!(bound.notes, []);
    }
}

#[test]
fn an_address_of_another_machine_is_refused() {
    // 192.0.2.0/24 is for documentation (RFC 5737): no interface has it.
    assert_eq!(
        fault_of("http://192.0.2.1:0", options(1)),
        BindFault::AddressNotAvailable
    );
}

#[test]
fn a_privileged_port_is_named_as_such() {
    let denied = io::Error::from_raw_os_error(libc::EACCES);
    let fault = BindFault::from_tcp(&denied, 1);
    assert!(
        matches!(fault, BindFault::PrivilegedPort { .. }),
        "{fault:?}"
    );
    let line = fault.to_string();
    assert!(line.contains("CAP_NET_BIND_SERVICE"), "{line}");
    assert!(line.contains("ip_unprivileged_port_start"), "{line}");
    assert_eq!(
        BindFault::from_tcp(&denied, u16::MAX),
        BindFault::PermissionDenied
    );
}

#[test]
fn a_failure_releases_what_was_bound_before() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free_port();
    let urls = format!(
        "http://127.0.0.1:{port};http://{}",
        taken.local_addr().unwrap()
    );
    assert_eq!(fault_of(&urls, options(2)), BindFault::AddressInUse);
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
}

#[test]
fn an_abstract_socket_is_shared_by_all_shards_and_by_nobody_else() {
    use std::os::linux::net::SocketAddrExt;

    let name = format!("lanner-test-{}", std::process::id());
    let url = format!("http://unix:@{name}");
    let bound = bind_urls(&url, options(2)).unwrap();
    assert_eq!(bound.addresses[0].to_string(), url);
    assert!(bound.files.is_empty());
    assert_eq!(fault_of(&url, options(1)), BindFault::SocketInUse);

    let address = UnixAddr::from_abstract_name(&name).unwrap();
    for listeners in &bound.per_shard {
        let _client = UnixStream::connect_addr(&address).unwrap();
        let (accepted, _) = SockRef::from(&listeners[0]).accept().unwrap();
        assert_eq!(
            peer_address(accepted.as_fd()).unwrap(),
            PeerAddress::Unix(None)
        );
        let local = local_address(accepted.as_fd()).unwrap();
        assert_eq!(local, PeerAddress::Abstract(name.clone().into_bytes()));
        assert_eq!(local.to_string(), format!("unix:@{name}"));
    }
    drop(bound);
    assert!(bind_urls(&url, options(1)).is_ok());

    let long = "x".repeat(108);
    let url = format!("http://unix:@{long}");
    assert_eq!(fault_of(&url, options(1)), BindFault::PathTooLong);
}

#[test]
fn of_servers_that_start_at_once_no_two_succeed() {
    // Few rounds, as who does not succeed waits a second for the winner to go.
    for _ in 0..5 {
        let url = format!("http://127.0.0.1:{}", free_port());
        let start = Barrier::new(4);
        let results: Vec<_> = thread::scope(|scope| {
            let servers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        bind_urls(&url, options(2))
                    })
                })
                .collect();
            servers.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(results.iter().filter(|it| it.is_ok()).count() <= 1);
    }
}
