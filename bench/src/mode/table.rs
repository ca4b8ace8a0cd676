//! The modes of `compare`: each a line of what is sent over what, and to whom.

use super::{Body, Direction, Mode, Protocol, Security, Traffic, Version};
use crate::peer;

/// The size that `download100k` and `download100ktls` ask for.
const HUNDRED_KIB: u64 = 100 * 1024;
/// New connections under way at the same time: enough that the server always has one to work on,
/// few enough that none waits for long.
const NEW_CONNECTIONS: u32 = 16;

const fn small(connections: u32, in_flight: u32) -> Traffic {
    Traffic::Requests {
        connections,
        in_flight,
        body: Body::Small,
    }
}

/// A mode of small requests on so many keep-alive connections.
const fn keep_alive(name: &'static str, title: &'static str, connections: u32) -> Mode {
    Mode {
        name,
        title,
        protocol: Protocol::Http1,
        security: Security::Clear,
        traffic: small(connections, 1),
        peers: peer::HTTP1,
        reference: "floor",
    }
}

const fn hundred_kib() -> Traffic {
    Traffic::Requests {
        connections: 64,
        in_flight: 1,
        body: Body::Sized(HUNDRED_KIB),
    }
}

const fn new_connections(resumed: bool) -> Traffic {
    Traffic::Connections {
        in_flight: NEW_CONNECTIONS,
        resumed,
    }
}

/// All modes, in the order in which `all` takes them.
pub(crate) static MODES: &[Mode] = &[
    keep_alive("h1", "HTTP/1.1 keep-alive, one request at a time", 64),
    keep_alive("h1c1", "the same on one connection", 1),
    keep_alive("h1c16", "the same on 16 connections", 16),
    keep_alive("h1c256", "the same on 256 connections", 256),
    keep_alive("h1c4096", "the same on 4096 connections", 4096),
    Mode {
        name: "h1pipe",
        title: "HTTP/1.1 keep-alive, 16 requests pipelined",
        protocol: Protocol::Http1,
        security: Security::Clear,
        traffic: small(64, 16),
        peers: peer::HTTP1,
        reference: "floor",
    },
    Mode {
        name: "churn",
        title: "a new connection for each HTTP/1.1 request",
        protocol: Protocol::Http1,
        security: Security::Clear,
        traffic: new_connections(false),
        peers: peer::HTTP1_CLOSING,
        reference: "floor",
    },
    Mode {
        name: "h2",
        title: "HTTP/2 with prior knowledge, 32 streams on each connection",
        protocol: Protocol::Http2,
        security: Security::Clear,
        traffic: small(8, 32),
        peers: peer::HTTP2,
        reference: "h2o",
    },
    Mode {
        name: "h2x1",
        title: "HTTP/2 with prior knowledge, one stream on each connection",
        protocol: Protocol::Http2,
        security: Security::Clear,
        traffic: small(64, 1),
        peers: peer::HTTP2,
        reference: "h2o",
    },
    Mode {
        name: "h1tls",
        title: "HTTP/1.1 keep-alive over TLS, one request at a time",
        protocol: Protocol::Http1,
        security: Security::Tls(Version::Tls13),
        traffic: small(64, 1),
        peers: peer::HTTP1_TLS,
        reference: "nginx",
    },
    Mode {
        name: "h2tls",
        title: "HTTP/2 over TLS, 32 streams on each connection",
        protocol: Protocol::Http2,
        security: Security::Tls(Version::Tls13),
        traffic: small(8, 32),
        peers: peer::HTTP2_TLS,
        reference: "h2o",
    },
    Mode {
        name: "handshake",
        title: "a new TLS connection for each request, full handshake",
        protocol: Protocol::Http1,
        security: Security::Tls(Version::Tls13),
        traffic: new_connections(false),
        peers: peer::HTTP1_TLS,
        reference: "nginx",
    },
    Mode {
        name: "resume",
        title: "a new TLS connection for each request, session resumed",
        protocol: Protocol::Http1,
        security: Security::Tls(Version::Tls13),
        traffic: new_connections(true),
        peers: peer::HTTP1_RESUMED,
        reference: "nginx",
    },
    Mode {
        name: "resume12",
        title: "the same with TLS 1.2",
        protocol: Protocol::Http1,
        security: Security::Tls(Version::Tls12),
        traffic: new_connections(true),
        peers: peer::HTTP1_TLS,
        reference: "nginx",
    },
    Mode {
        name: "download100k",
        title: "HTTP/1.1 keep-alive, 100 KiB in each answer",
        protocol: Protocol::Http1,
        security: Security::Clear,
        traffic: hundred_kib(),
        peers: peer::HTTP1_SIZED,
        reference: "nginx",
    },
    Mode {
        name: "download100ktls",
        title: "HTTP/1.1 keep-alive over TLS, 100 KiB in each answer",
        protocol: Protocol::Http1,
        security: Security::Tls(Version::Tls13),
        traffic: hundred_kib(),
        peers: peer::HTTP1_SIZED,
        reference: "nginx",
    },
    Mode {
        name: "download",
        title: "one response body on one HTTP/2 stream",
        protocol: Protocol::Http2,
        security: Security::Clear,
        traffic: Traffic::Transfer(Direction::Download),
        peers: peer::HTTP2_FILES,
        reference: "h2o",
    },
    Mode {
        name: "upload",
        title: "one request body on one HTTP/2 stream",
        protocol: Protocol::Http2,
        security: Security::Clear,
        traffic: Traffic::Transfer(Direction::Upload),
        peers: peer::HTTP2_SINKS,
        // h2o takes an upload into memory as a whole, which is another task.
        reference: "nghttpd",
    },
    Mode {
        name: "latency",
        title: "HTTP/1.1 keep-alive at a fixed rate, times from when a request was due",
        protocol: Protocol::Http1,
        security: Security::Clear,
        traffic: Traffic::Paced { connections: 64 },
        peers: peer::HTTP1,
        reference: "hyper",
    },
    Mode {
        name: "memory",
        title: "idle connections, each after one request",
        protocol: Protocol::Http1,
        security: Security::Clear,
        traffic: Traffic::Idle {
            connections: 10_000,
        },
        peers: peer::HTTP1,
        reference: "hyper",
    },
    Mode {
        name: "memorytls",
        title: "idle TLS connections, each after one request",
        protocol: Protocol::Http1,
        security: Security::Tls(Version::Tls13),
        traffic: Traffic::Idle {
            connections: 10_000,
        },
        peers: peer::HTTP1_TLS,
        reference: "hyper",
    },
];
