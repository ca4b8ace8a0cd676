//! The mix over HTTP/2: one connection for each client, with many streams at a time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use hdrhistogram::Histogram;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::numbers::Numbers;

/// Longer than any step of the mix takes; a server that hangs ends the run instead of holding it.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Streams that are open at once.
const STREAMS: usize = 32;
/// The longest body that is echoed: more than the client's window and the server's blocks.
const ECHO_BYTES_MAX: u64 = 400_000;

/// What is asked of the server on one connection.
struct Client {
    address: SocketAddr,
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

/// Goes through the mix `rounds` times; answers the latency of each step in microseconds.
pub(crate) fn run(address: SocketAddr, seed: u64, rounds: u32) -> Result<Histogram<u64>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(mix(address, seed, rounds))
}

async fn mix(address: SocketAddr, seed: u64, rounds: u32) -> Result<Histogram<u64>, String> {
    let mut latencies = Histogram::new(3).map_err(|error| error.to_string())?;
    let mut numbers = Numbers::of(seed);
    let mut client = Client::connect(address).await?;
    for round in 0..rounds {
        for step in Step::ALL {
            let began = Instant::now();
            tokio::time::timeout(TIMEOUT, client.take(step, &mut numbers))
                .await
                .unwrap_or_else(|_| Err("the server hangs".to_owned()))
                .map_err(|error| format!("client {seed}, round {round}, {step:?}: {error}"))?;
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            latencies
                .record(micros.max(1))
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(latencies)
}

/// The parts of a round.
#[derive(Clone, Copy, Debug)]
enum Step {
    Plain,
    Streams,
    Echo,
    EchoWithTrailers,
    SlowReader,
    Reset,
    GoneAway,
}

impl Step {
    const ALL: [Self; 7] = [
        Self::Plain,
        Self::Streams,
        Self::Echo,
        Self::EchoWithTrailers,
        Self::SlowReader,
        Self::Reset,
        Self::GoneAway,
    ];
}

impl Client {
    async fn connect(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("cannot connect: {error}"))?;
        let (requests, connection) = Builder::new().handshake(stream).await.map_err(text)?;
        Ok(Self {
            address,
            requests,
            // Its error reaches whoever waits for a stream of it.
            connection: tokio::spawn(connection),
        })
    }

    async fn take(&mut self, step: Step, numbers: &mut Numbers) -> Result<(), String> {
        match step {
            Step::Plain => expect(self.get("/plaintext").await?, b"Hello, World!").await,
            Step::Streams => self.streams().await,
            Step::Echo => {
                let body = numbers.bytes(ECHO_BYTES_MAX);
                self.echo(body, None, Duration::ZERO).await
            }
            // The answer waits before it is read, and with it the rest of the request.
            Step::SlowReader => {
                let body = numbers.bytes(ECHO_BYTES_MAX);
                self.echo(body, None, Duration::from_millis(2)).await
            }
            Step::EchoWithTrailers => {
                let mut trailers = HeaderMap::new();
                trailers.insert("sum", HeaderValue::from_static("x"));
                let body = numbers.bytes(ECHO_BYTES_MAX);
                self.echo(body, Some(trailers), Duration::ZERO).await
            }
            Step::Reset => self.reset(numbers).await,
            Step::GoneAway => gone_away(self.address, numbers).await,
        }
    }

    async fn begin(
        &self,
        method: Method,
        path: &str,
        ends: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .body(())
            .map_err(|error| error.to_string())?;
        let mut ready = self.requests.clone().ready().await.map_err(text)?;
        ready.send_request(request, ends).map_err(text)
    }

    async fn get(&self, path: &str) -> Result<ResponseFuture, String> {
        Ok(self.begin(Method::GET, path, true).await?.0)
    }

    /// Different answers side by side, so that one of another stream is seen.
    async fn streams(&self) -> Result<(), String> {
        let kinds: [(&str, &[u8]); 3] = [
            ("/plaintext", b"Hello, World!"),
            ("/json", b"{\"message\":\"Hello, World!\"}"),
            ("/stream/2", b"chunk 1 of 2\nchunk 2 of 2\n"),
        ];
        let mut responses = Vec::with_capacity(STREAMS);
        for (path, body) in kinds.iter().cycle().take(STREAMS) {
            responses.push((self.get(path).await?, body));
        }
        for (response, body) in responses {
            expect(response, body).await?;
        }
        Ok(())
    }

    /// Sends a body, and begins to read its echo after `pause`.
    async fn echo(
        &self,
        body: Vec<u8>,
        trailers: Option<HeaderMap>,
        pause: Duration,
    ) -> Result<(), String> {
        let body = Bytes::from(body);
        let (response, mut stream) = self.begin(Method::POST, "/echo", false).await?;
        let sending = async {
            send(&mut stream, body.clone(), trailers.is_none()).await?;
            match trailers {
                Some(trailers) => stream.send_trailers(trailers).map_err(text),
                None => Ok(()),
            }
        };
        let receiving = async {
            tokio::time::sleep(pause).await;
            expect(response, &body).await
        };
        let (sent, received) = tokio::join!(sending, receiving);
        received.and(sent)
    }

    /// Gives a stream up in the middle of its request: the others must not notice.
    async fn reset(&self, numbers: &mut Numbers) -> Result<(), String> {
        let (response, mut stream) = self.begin(Method::POST, "/echo", false).await?;
        let part = numbers.bytes(50_000);
        send(&mut stream, part.into(), false).await?;
        stream.send_reset(Reason::CANCEL);
        drop(response);
        expect(self.get("/plaintext").await?, b"Hello, World!").await
    }
}

/// Leaves a connection with a request in its middle: nobody else may notice.
async fn gone_away(address: SocketAddr, numbers: &mut Numbers) -> Result<(), String> {
    let other = Client::connect(address).await?;
    let (response, mut stream) = other.begin(Method::POST, "/echo", false).await?;
    send(&mut stream, numbers.bytes(20_000).into(), false).await?;
    // The socket closes without a word of HTTP/2.
    other.connection.abort();
    drop((response, stream));
    Ok(())
}

/// Sends bytes as the server gives room for them.
async fn send(stream: &mut SendStream<Bytes>, mut bytes: Bytes, ends: bool) -> Result<(), String> {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let room = room.transpose().map_err(text)?;
        let room = room.ok_or("the stream ended before its request")?;
        let part = bytes.split_to(room.min(bytes.len()));
        let is_last = ends && bytes.is_empty();
        stream.send_data(part, is_last).map_err(text)?;
    }
    Ok(())
}

/// Reads an answer, which must be 200 and this body to the last byte.
async fn expect(response: ResponseFuture, body: &[u8]) -> Result<(), String> {
    let response = response.await.map_err(text)?;
    if response.status() != StatusCode::OK {
        return Err(format!("status {}", response.status()));
    }
    let mut stream: RecvStream = response.into_body();
    let mut at = 0;
    while let Some(chunk) = stream.data().await {
        let chunk = chunk.map_err(text)?;
        if body.get(at..at + chunk.len()) != Some(&*chunk) {
            return Err(format!("wrong between byte {at} and {}", at + chunk.len()));
        }
        at += chunk.len();
        stream
            .flow_control()
            .release_capacity(chunk.len())
            .map_err(text)?;
    }
    if at == body.len() {
        Ok(())
    } else {
        Err(format!("{at} bytes instead of {}", body.len()))
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn text(error: h2::Error) -> String {
    error.to_string()
}
