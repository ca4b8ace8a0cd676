//! The hyper peer: hyper 1 on a current-thread tokio runtime, with fixed answers.
//!
//! The settings are chosen in its favour, each within what a user could run in production: one
//! thread, TCP_NODELAY, pipelined answers flushed together, no header read time-out (it would add
//! a timer per request), HTTP/2 windows that no client of the comparison fills, mimalloc.
#![forbid(unsafe_code)]

mod body;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

use body::Fixed;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pending connections the kernel may hold; above the largest connection count measured.
const BACKLOG: i32 = 4096;
/// Streams of one HTTP/2 connection; above the largest number measured.
const STREAMS_MAX: u32 = 256;
/// What may be under way in an upload: more than any line of the comparison holds.
const WINDOW: u32 = (1 << 31) - 1;
/// The largest frame that a client may send: what a chunk of an upload can be.
const FRAME: u32 = 256 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let usage = "usage: hyper-peer ADDRESS:PORT h1|h2";
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().ok_or(usage)?.parse()?;
    let over_http2 = match arguments.next().as_deref() {
        Some("h1") => false,
        Some("h2") => true,
        _ => return Err(usage.into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    // All connections stay on this thread, so that none pays for being `Send`.
    tokio::task::LocalSet::new().block_on(&runtime, serve(address, over_http2))
}

async fn serve(address: SocketAddr, over_http2: bool) -> Result<(), Box<dyn std::error::Error>> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    // Inherited by every accepted socket: no call per connection.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    let mut h1 = http1::Builder::new();
    h1.pipeline_flush(true);
    let mut h2 = http2::Builder::new(Local);
    h2.max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_frame_size(FRAME);
    loop {
        let (stream, _) = listener.accept().await?;
        let stream = TokioIo::new(stream);
        // A connection that ends badly is the load generator's to report.
        if over_http2 {
            let connection = h2.serve_connection(stream, service_fn(answer));
            tokio::task::spawn_local(async move {
                let _ = connection.await;
            });
        } else {
            let connection = h1.serve_connection(stream, service_fn(answer));
            tokio::task::spawn_local(async move {
                let _ = connection.await;
            });
        }
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
