//! A gRPC service written by hand: the wire format is five bytes before each message and a status
//! in the trailers. Any gRPC client may call it; `loadtest/honest` does so with three of them.
//!
//! ```text
//! cargo run --release --example grpc_echo
//! ```
//!
//! Methods of `lanner.Echo`, with messages of raw bytes:
//! - `Unary` answers with the message.
//! - `Download` takes two big-endian `u32`, a count and a size, and answers with as many messages.
//! - `Upload` answers with the count and the bytes of the messages as two big-endian `u64`.
//! - `Chat` answers each message with the same, as it comes.

use std::env;
use std::error::Error;

use lanner::{HttpContext, Server, StartError, Status};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The flag of compression and the length (gRPC over HTTP/2, Length-Prefixed-Message).
const PREFIX_BYTES: usize = 5;
/// Bytes of a message that are taken: gRPC's own default.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The status codes of gRPC that this service answers with.
const OK: &str = "0";
const INVALID_ARGUMENT: &str = "3";
const RESOURCE_EXHAUSTED: &str = "8";
const UNIMPLEMENTED: &str = "12";

/// Messages as they come out of the chunks of a body.
#[derive(Default)]
struct Messages {
    unread: Vec<u8>,
}

impl Messages {
    /// The next message; `None` at the end. What is left of a message that was cut is no message.
    async fn next(&mut self, ctx: &mut HttpContext) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(prefix) = self.unread.first_chunk::<PREFIX_BYTES>() {
                let [_, length @ ..] = *prefix;
                let length = u32::from_be_bytes(length) as usize;
                if length > MESSAGE_BYTES_MAX {
                    return Err("a message of more than 4 MiB".into());
                }
                if self.unread.len() >= PREFIX_BYTES + length {
                    let rest = self.unread.split_off(PREFIX_BYTES + length);
                    let mut message = std::mem::replace(&mut self.unread, rest);
                    message.drain(..PREFIX_BYTES);
                    return Ok(Some(message));
                }
            }
            match ctx.body().chunk().await? {
                Some(chunk) => self.unread.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

async fn send(ctx: &mut HttpContext, message: &[u8]) -> Result<()> {
    let length = u32::try_from(message.len())?;
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.len());
    framed.push(0);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    ctx.write(framed).await?;
    // A message is whole: the peer is to have it now, whatever comes next.
    ctx.flush().await?;
    Ok(())
}

async fn unary(ctx: &mut HttpContext) -> Result<&'static str> {
    match Messages::default().next(ctx).await? {
        Some(message) => {
            send(ctx, &message).await?;
            Ok(OK)
        }
        None => Ok(INVALID_ARGUMENT),
    }
}

async fn download(ctx: &mut HttpContext) -> Result<&'static str> {
    let message = Messages::default().next(ctx).await?;
    let Some(&[a, b, c, d, e, f, g, h]) = message.as_deref() else {
        return Ok(INVALID_ARGUMENT);
    };
    let count = u32::from_be_bytes([a, b, c, d]);
    let size = u32::from_be_bytes([e, f, g, h]) as usize;
    if size > MESSAGE_BYTES_MAX {
        return Ok(RESOURCE_EXHAUSTED);
    }
    let message = vec![b'm'; size];
    for _ in 0..count {
        send(ctx, &message).await?;
    }
    Ok(OK)
}

async fn upload(ctx: &mut HttpContext) -> Result<&'static str> {
    let mut messages = Messages::default();
    let (mut count, mut bytes) = (0_u64, 0_u64);
    while let Some(message) = messages.next(ctx).await? {
        count += 1;
        bytes += message.len() as u64;
    }
    let mut answer = count.to_be_bytes().to_vec();
    answer.extend_from_slice(&bytes.to_be_bytes());
    send(ctx, &answer).await?;
    Ok(OK)
}

async fn chat(ctx: &mut HttpContext) -> Result<&'static str> {
    let mut messages = Messages::default();
    while let Some(message) = messages.next(ctx).await? {
        send(ctx, &message).await?;
    }
    Ok(OK)
}

async fn serve(ctx: &mut HttpContext) -> Result<()> {
    if ctx.request().method().as_str() != Some("POST") {
        ctx.status(Status::METHOD_NOT_ALLOWED)?;
        return Ok(());
    }
    // Streams of messages go on for as long as both sides like.
    ctx.body().limit(None)?;
    ctx.field("content-type", "application/grpc")?;
    // The client is to know at once that the call is taken.
    ctx.start()?;
    let path = ctx.request().path().to_owned();
    let status = match path.as_str() {
        "/lanner.Echo/Unary" => unary(ctx).await?,
        "/lanner.Echo/Download" => download(ctx).await?,
        "/lanner.Echo/Upload" => upload(ctx).await?,
        "/lanner.Echo/Chat" => chat(ctx).await?,
        _ => UNIMPLEMENTED,
    };
    ctx.trailer("grpc-status", status)?;
    Ok(())
}

fn main() -> std::result::Result<(), StartError> {
    let url = env::args()
        .nth(1)
        .unwrap_or_else(|| "http://127.0.0.1:5000".to_owned());
    Server::new().urls(&url)?.run(serve)
}
