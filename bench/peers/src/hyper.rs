//! The hyper peer: hyper 1 on a current-thread tokio runtime, with fixed answers; tokio-rustls if
//! it is given a certificate.
//!
//! The settings are chosen in its favour, each within what a user could run in production: one
//! thread, TCP_NODELAY, pipelined answers flushed together, no header read time-out (it would add
//! a timer per request), HTTP/2 windows that no client of the comparison fills, mimalloc.
#![forbid(unsafe_code)]

mod body;
mod listen;
mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use body::Fixed;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Streams of one HTTP/2 connection; above the largest number measured.
const STREAMS_MAX: u32 = 256;
/// What may be under way in an upload: more than any line of the comparison holds.
const WINDOW: u32 = (1 << 31) - 1;
/// The largest frame that a client may send: what a chunk of an upload can be.
const FRAME: u32 = 256 * 1024;

/// What a connection speaks, with the settings of either.
#[derive(Clone)]
enum Protocol {
    Http1(http1::Builder),
    Http2(http2::Builder<Local>),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let usage = "usage: hyper-peer ADDRESS:PORT h1|h2 [CERTIFICATE KEY]";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (address, protocol, files) = match arguments.as_slice() {
        [address, protocol] => (address, *protocol, None),
        [address, protocol, certificate, key] => (address, *protocol, Some((certificate, key))),
        _ => return Err(usage.into()),
    };
    let address: SocketAddr = address.parse()?;
    let (protocol, name) = match protocol {
        "h1" => (http1(), "http/1.1"),
        "h2" => (http2(), "h2"),
        _ => return Err(usage.into()),
    };
    let acceptor = files
        .map(|(certificate, key)| tls::acceptor(certificate, key, name.as_bytes()))
        .transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    // All connections stay on this thread, so that none pays for being `Send`.
    tokio::task::LocalSet::new().block_on(&runtime, serve(address, &protocol, acceptor))
}

fn http1() -> Protocol {
    let mut builder = http1::Builder::new();
    builder.pipeline_flush(true);
    Protocol::Http1(builder)
}

fn http2() -> Protocol {
    let mut builder = http2::Builder::new(Local);
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_frame_size(FRAME);
    Protocol::Http2(builder)
}

async fn serve(
    address: SocketAddr,
    protocol: &Protocol,
    acceptor: Option<TlsAcceptor>,
) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::from_std(listen::bind(address)?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let protocol = protocol.clone();
        match acceptor.clone() {
            None => drop(tokio::task::spawn_local(
                protocol.converse(TokioIo::new(stream)),
            )),
            Some(acceptor) => drop(tokio::task::spawn_local(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    protocol.converse(TokioIo::new(stream)).await;
                }
            })),
        }
    }
}

impl Protocol {
    /// Serves a connection to its end. One that ends badly is the load generator's to report.
    async fn converse(self, stream: impl hyper::rt::Read + hyper::rt::Write + Unpin + 'static) {
        let _ = match self {
            Self::Http1(builder) => {
                let service = service_fn(answer);
                builder.serve_connection(stream, service).await
            }
            Self::Http2(builder) => {
                let service = service_fn(answer);
                builder.serve_connection(stream, service).await
            }
        };
    }
}

/// Runs the tasks of a connection on this thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Fixed>, Infallible> {
    let path = request.uri().path();
    let body = if path == "/plaintext" {
        Fixed::text(Bytes::from_static(b"Hello, World!"))
    } else if let Some(Ok(size)) = path.strip_prefix("/bytes/").map(str::parse) {
        Fixed::zeros(size)
    } else if path == "/sink" {
        let count = read_to_end(request.into_body()).await;
        Fixed::text(count.to_string().into())
    } else {
        let mut response = Response::new(Fixed::zeros(0));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    };
    let mut response = Response::new(body);
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    fields.insert(SERVER, HeaderValue::from_static("hyper"));
    Ok(response)
}

/// Reads a body and answers how many bytes there were; a broken one ends where it breaks.
async fn read_to_end(mut body: Incoming) -> u64 {
    let mut count = 0;
    let next = |body: &mut Incoming, cx: &mut std::task::Context<'_>| {
        std::pin::Pin::new(body).poll_frame(cx)
    };
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| next(&mut body, cx)).await {
        count += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    count
}
