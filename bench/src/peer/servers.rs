//! The servers, and which of them each kind of mode compares.

use super::{Peer, Site, Source, configuration};
use crate::mode::Protocol;

/// What an HTTP/1.1 mode compares.
pub(crate) static HTTP1: &[&Peer] = &[
    &FLOOR,
    &FLOOR_EPOLL,
    &FLOOR_GLOMMIO,
    &LANNER,
    &HYPER,
    &AXUM,
    &ACTIX_WEB,
    &NTEX,
    &MAY_MINIHTTP,
    &NGINX,
    &H2O,
    &HAPROXY,
];

/// Those of [`HTTP1`] that close a connection when they are asked to.
pub(crate) static HTTP1_CLOSING: &[&Peer] = &[
    &FLOOR,
    &FLOOR_EPOLL,
    &FLOOR_GLOMMIO,
    &LANNER,
    &HYPER,
    &AXUM,
    &ACTIX_WEB,
    &NTEX,
    &NGINX,
    &H2O,
    &HAPROXY,
];

/// The same over TLS. There is no floor: the cryptography is most of the cost.
pub(crate) static HTTP1_TLS: &[&Peer] = &[&LANNER, &HYPER, &NGINX, &H2O, &HAPROXY];

/// Those of [`HTTP1_TLS`] that can be resumed for ever with TLS 1.3: h2o gives no new ticket for
/// the one that it took, so that every third connection would be a full handshake.
pub(crate) static HTTP1_RESUMED: &[&Peer] = &[&LANNER, &HYPER, &NGINX, &HAPROXY];

/// Those that answer `/bytes/N` over HTTP/1.1. haproxy would need buffers of that size for all
/// connections.
pub(crate) static HTTP1_SIZED: &[&Peer] = &[&LANNER, &HYPER, &NGINX, &H2O];

/// What an HTTP/2 mode compares.
pub(crate) static HTTP2: &[&Peer] = &[&LANNER, &HYPER, &NGINX, &NGHTTPD, &H2O, &HAPROXY];

/// The same over TLS. nghttpd knows no key exchange but P-256, which the others are not measured
/// with.
pub(crate) static HTTP2_TLS: &[&Peer] = &[&LANNER, &HYPER, &NGINX, &H2O, &HAPROXY];

/// Those of [`HTTP2`] that answer `/bytes/N`.
pub(crate) static HTTP2_FILES: &[&Peer] = &[&LANNER, &HYPER, &NGINX, &NGHTTPD, &H2O];

/// Those of [`HTTP2`] that read a request body to its end and answer then. nginx passes bodies on
/// or discards them, and has nothing in between.
pub(crate) static HTTP2_SINKS: &[&Peer] = &[&LANNER, &HYPER, &NGHTTPD, &H2O];

/// What the floors have in common; the one on a ring of its own has the name.
const ANY_FLOOR: Peer = Peer {
    name: "floor",
    source: Source::Own,
    arguments: |site| Ok(floor(site, "ring")),
    lacking: &[],
    counts: false,
};

/// The least that a correct server could cost, on a ring of its own.
static FLOOR: Peer = ANY_FLOOR;

/// The same on epoll.
static FLOOR_EPOLL: Peer = Peer {
    name: "floor-epoll",
    arguments: |site| Ok(floor(site, "epoll")),
    ..ANY_FLOOR
};

/// The same on glommio's sockets.
static FLOOR_GLOMMIO: Peer = Peer {
    name: "floor-glommio",
    arguments: |site| Ok(floor(site, "glommio")),
    ..ANY_FLOOR
};

fn floor(site: &Site<'_>, kind: &str) -> Vec<String> {
    let address = format!("127.0.0.1:{}", site.port);
    let mut arguments = ["floor", &address, "--kind", kind]
        .map(String::from)
        .to_vec();
    if site.once {
        // It reads no fields, so that it would not see the client's wish.
        arguments.push("--once".into());
    }
    arguments
}

/// The server of this workspace, with its built-in application.
pub(crate) static LANNER: Peer = Peer {
    name: "lanner",
    source: Source::Cargo {
        manifest: "../Cargo.toml",
        package: "lanner",
        program: "lanner",
    },
    // It tells the protocols apart by the first bytes of a connection.
    arguments: |site| {
        let scheme = site.certificate.map_or("http", |_| "https");
        let url = format!("{scheme}://127.0.0.1:{}", site.port);
        let mut arguments = ["run", "--urls", &url, "--shards", "1"]
            .map(String::from)
            .to_vec();
        if let Some(certificate) = site.certificate {
            let (chain, key) = (certificate.chain(), certificate.key());
            arguments.extend(["--cert".into(), configuration::utf8(&chain)?.into()]);
            arguments.extend(["--key".into(), configuration::utf8(&key)?.into()]);
        }
        Ok(arguments)
    },
    lacking: &[],
    counts: true,
};

/// hyper on a single-threaded tokio.
static HYPER: Peer = Peer {
    name: "hyper",
    source: peer("hyper-peer"),
    arguments: |site| {
        let protocol = match site.protocol {
            Protocol::Http1 => "h1",
            Protocol::Http2 => "h2",
        };
        let mut arguments = vec![format!("127.0.0.1:{}", site.port), protocol.into()];
        if let Some(certificate) = site.certificate {
            arguments.push(configuration::utf8(&certificate.chain())?.into());
            arguments.push(configuration::utf8(&certificate.key())?.into());
        }
        Ok(arguments)
    },
    lacking: &[],
    counts: true,
};

/// What the peers have in common that speak HTTP/1.1 only.
const ANY_PEER: Peer = Peer {
    name: "axum",
    source: peer("axum-peer"),
    arguments: |site| Ok(vec![format!("127.0.0.1:{}", site.port)]),
    lacking: &[],
    counts: false,
};

/// axum on a single-threaded tokio.
static AXUM: Peer = ANY_PEER;

/// actix-web with one worker.
static ACTIX_WEB: Peer = Peer {
    name: "actix-web",
    source: peer("actix-web-peer"),
    ..ANY_PEER
};

/// ntex with one worker on its own io_uring runtime.
static NTEX: Peer = Peer {
    name: "ntex",
    source: peer("ntex-peer"),
    ..ANY_PEER
};

/// may_minihttp with one worker.
static MAY_MINIHTTP: Peer = Peer {
    name: "may_minihttp",
    source: peer("may-minihttp-peer"),
    ..ANY_PEER
};

/// A program of the workspace in `peers/`.
const fn peer(program: &'static str) -> Source {
    Source::Cargo {
        manifest: "peers/Cargo.toml",
        package: "lanner-bench-peers",
        program,
    }
}

/// nginx with one worker and the answer in its configuration.
static NGINX: Peer = Peer {
    name: "nginx",
    source: Source::Installed {
        program: "nginx",
        package: "nginx-light",
    },
    arguments: |site| {
        let text = configuration::nginx(site)?;
        let file = configuration::write(site, "nginx.conf", &text)?;
        let prefix = configuration::utf8(site.directory)?;
        Ok(["-p", prefix, "-c", &file, "-e", "stderr"]
            .map(String::from)
            .to_vec())
    },
    lacking: &[],
    counts: false,
};

/// The server of nghttp2, with the answer in a file.
static NGHTTPD: Peer = Peer {
    name: "nghttpd",
    source: Source::Installed {
        program: "nghttpd",
        package: "nghttp2-server",
    },
    arguments: |site| {
        let port = site.port.to_string();
        let root = configuration::utf8(site.content)?;
        Ok([
            "--no-tls",
            "--address=127.0.0.1",
            "--workers=1",
            "--max-concurrent-streams=256",
            "--window-bits=30",
            "--connection-window-bits=30",
            "--htdocs",
            root,
            &port,
        ]
        .map(String::from)
        .to_vec())
    },
    // It tells the type by the extension of the file, and the path has none.
    lacking: &["content-type"],
    counts: false,
};

/// h2o with one thread and the answer in a file.
static H2O: Peer = Peer {
    name: "h2o",
    source: Source::Installed {
        program: "h2o",
        package: "h2o",
    },
    arguments: |site| {
        let text = configuration::h2o(site)?;
        let file = configuration::write(site, "h2o.conf", &text)?;
        Ok(["-m", "worker", "-c", &file].map(String::from).to_vec())
    },
    lacking: &[],
    counts: false,
};

/// haproxy with one thread and the answer in its configuration.
static HAPROXY: Peer = Peer {
    name: "haproxy",
    source: Source::Installed {
        program: "haproxy",
        package: "haproxy",
    },
    arguments: |site| {
        let text = configuration::haproxy(site)?;
        let file = configuration::write(site, "haproxy.cfg", &text)?;
        Ok(["-db", "-f", &file].map(String::from).to_vec())
    },
    lacking: &[],
    counts: false,
};
