//! tonic against `examples/grpc_echo`: every call must end well, however fast it goes.
//!
//! Usage: `lanner-honest-tonic HOST:PORT SECONDS`

#![forbid(unsafe_code)]

use std::error::Error;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{StreamExt, iter};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

type Outcome = Result<u64, Box<dyn Error + Send + Sync>>;

/// Messages as bytes.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}

fn path(method: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(method)
}

async fn echo(client: &mut Grpc<Channel>, message: Bytes) -> Result<(), Box<dyn Error + Send + Sync>> {
    client.ready().await?;
    let request = Request::new(message.clone());
    let answer = client.unary(request, path("/lanner.Echo/Unary"), Raw).await?;
    if answer.into_inner() == message {
        Ok(())
    } else {
        Err("a wrong answer".into())
    }
}

async fn start_download(
    client: &mut Grpc<Channel>,
    count: u32,
    size: u32,
) -> Result<Streaming<Bytes>, Box<dyn Error + Send + Sync>> {
    client.ready().await?;
    let mut message = Vec::new();
    message.put_u32(count);
    message.put_u32(size);
    let request = Request::new(Bytes::from(message));
    let answer = client.server_streaming(request, path("/lanner.Echo/Download"), Raw).await?;
    Ok(answer.into_inner())
}

async fn unary(mut client: Grpc<Channel>, until: Instant) -> Outcome {
    let mut done = 0_u64;
    while Instant::now() < until {
        let length = usize::try_from(done % 3000)?;
        echo(&mut client, Bytes::from(vec![b'u'; length])).await?;
        done += 1;
    }
    Ok(done)
}

async fn download(mut client: Grpc<Channel>, until: Instant) -> Outcome {
    let mut done = 0;
    while Instant::now() < until {
        let mut stream = start_download(&mut client, 2000, 20_000).await?;
        while let Some(message) = stream.message().await? {
            if message.len() != 20_000 {
                return Err("a message of a wrong length".into());
            }
            done += 1;
        }
    }
    Ok(done)
}

/// Messages of eight bytes, as fast as they go.
async fn upload(mut client: Grpc<Channel>, until: Instant) -> Outcome {
    let mut done = 0;
    while Instant::now() < until {
        client.ready().await?;
        let messages = iter((0..100_000).map(|_| Bytes::from_static(b"8 bytes.")));
        let method = path("/lanner.Echo/Upload");
        let answer = client.client_streaming(Request::new(messages), method, Raw).await?;
        if answer.into_inner().get_u64() != 100_000 {
            return Err("a message was lost".into());
        }
        done += 100_000;
    }
    Ok(done)
}

/// A message each way in turn, in one stream, with a pause now and then.
async fn chat(mut client: Grpc<Channel>, until: Instant) -> Outcome {
    client.ready().await?;
    let (send, receive) = mpsc::channel(1);
    send.send(Bytes::from_static(b"first")).await?;
    let request = Request::new(ReceiverStream::new(receive));
    let answer = client.streaming(request, path("/lanner.Echo/Chat"), Raw).await?;
    let mut answers = pin!(answer.into_inner());
    let mut done = 0_u64;
    while let Some(message) = answers.next().await {
        message?;
        done += 1;
        if done % 5000 == 0 {
            sleep(Duration::from_secs(8)).await;
        }
        if Instant::now() > until {
            break;
        }
        send.send(Bytes::copy_from_slice(&done.to_be_bytes())).await?;
    }
    drop(send);
    if answers.next().await.is_some() {
        return Err("an answer too many".into());
    }
    Ok(done)
}

/// What a user interface does that is flipped through: most calls are given up.
async fn cancel(mut client: Grpc<Channel>, until: Instant) -> Outcome {
    let mut done = 0;
    while Instant::now() < until {
        let mut given_up = Vec::new();
        for _ in 0..20 {
            given_up.push(start_download(&mut client, 50, 2000).await?);
        }
        sleep(Duration::from_millis(10)).await;
        drop(given_up);
        echo(&mut client, Bytes::from_static(b"kept")).await?;
        done += 20;
    }
    Ok(done)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("HOST:PORT is missing")?;
    let seconds: f64 = arguments.next().ok_or("SECONDS are missing")?.parse()?;
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?.http2_adaptive_window(true);
    // All in one connection: what one does must not end the others.
    let client = Grpc::new(endpoint.connect().await?);
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let works = [
        ("unary", tokio::spawn(unary(client.clone(), until))),
        ("download", tokio::spawn(download(client.clone(), until))),
        ("upload", tokio::spawn(upload(client.clone(), until))),
        ("chat", tokio::spawn(chat(client.clone(), until))),
        ("cancel", tokio::spawn(cancel(client, until))),
    ];
    let mut code = ExitCode::SUCCESS;
    for (name, work) in works {
        match work.await? {
            Ok(count) => println!("tonic {name} {count}"),
            Err(error) => {
                println!("FAILED {name}: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
