//! A client of one HTTP/2 connection, by the crate h2, which was not written for these tests.
//!
//! Every wait has a bound that only a hang can reach.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::HANG;

/// Runs a test's client on a runtime of its own thread.
pub(crate) fn run<T>(client: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { timeout(HANG, client).await.expect("the client hangs") })
}

/// Waits until `condition` holds, while the connections go on.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    let came = timeout(HANG, waiting).await;
    assert!(came.is_ok(), "never came true: {what}");
}

/// One connection.
pub(crate) struct Session {
    address: SocketAddr,
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

/// A response as a whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Session {
    /// Connects with the crate's own settings.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::with(&Builder::new(), address).await
    }

    /// Connects with these settings.
    pub(crate) async fn with(builder: &Builder, address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (requests, mut connection) = builder.handshake(stream).await.unwrap();
        let mut pings = connection.ping_pong().unwrap();
        let connection = tokio::spawn(connection);
        // Once this is answered the server's settings have been received, too.
        pings.ping(h2::Ping::opaque()).await.unwrap();
        Self {
            address,
            requests,
            connection,
        }
    }

    /// Where the server is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request with this target on the server.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request<()> {
        let uri: Uri = format!("http://{}{path}", self.address).parse().unwrap();
        Request::builder().method(method).uri(uri).body(()).unwrap()
    }

    /// Begins an exchange, once the server's number of streams permits it.
    pub(crate) async fn send(&self, request: Request<()>, ends: bool) -> Exchange {
        let mut ready = self.requests.clone().ready().await.unwrap();
        let (response, body) = ready.send_request(request, ends).unwrap();
        Exchange { response, body }
    }

    /// Whether the connection takes another request, and what ends it if not.
    pub(crate) async fn is_open(&self) -> bool {
        self.requests.clone().ready().await.is_ok()
    }

    /// Begins a request without a body.
    pub(crate) async fn begin(&self, path: &str) -> Exchange {
        self.send(self.request(Method::GET, path), true).await
    }

    /// Begins a request whose body is sent by a task of its own.
    pub(crate) async fn begin_post(&self, path: &str, body: Vec<u8>) -> ResponseFuture {
        let request = self.request(Method::POST, path);
        let Exchange {
            response,
            body: mut stream,
        } = self.send(request, false).await;
        tokio::spawn(async move {
            // A server that wants no more of it is the test's business.
            let _ = send_body(&mut stream, body.into(), true).await;
        });
        response
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.begin(path).await.answer().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> Answer {
        whole(self.begin_post(path, body).await).await.unwrap()
    }

    /// Says that no more requests come and waits for the end, which must be in order. The crate
    /// ends a connection once nobody holds any of its streams.
    pub(crate) async fn finish(self) {
        drop(self.requests);
        self.connection.await.unwrap().unwrap();
    }

    /// Goes away without a word.
    pub(crate) fn abandon(self) {
        self.connection.abort();
    }

    /// Waits for the end that the server brings about.
    pub(crate) async fn ended(self) -> Result<(), h2::Error> {
        self.connection.await.unwrap()
    }
}

/// A request under way.
pub(crate) struct Exchange {
    pub(crate) response: ResponseFuture,
    pub(crate) body: SendStream<Bytes>,
}

impl Exchange {
    /// The response as a whole.
    pub(crate) async fn answer(self) -> Result<Answer, h2::Error> {
        whole(self.response).await
    }
}

/// Reads a response to its end.
pub(crate) async fn whole(response: ResponseFuture) -> Result<Answer, h2::Error> {
    let response = response.await?;
    let (parts, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = next_chunk(&mut stream).await? {
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: parts.status,
        fields: parts.headers,
        body,
        trailers: stream.trailers().await?,
    })
}

/// Reads some bytes and gives their room back.
pub(crate) async fn next_chunk(stream: &mut RecvStream) -> Result<Option<Bytes>, h2::Error> {
    let Some(chunk) = stream.data().await.transpose()? else {
        return Ok(None);
    };
    stream.flow_control().release_capacity(chunk.len())?;
    Ok(Some(chunk))
}

/// Sends bytes as the server gives room for them.
pub(crate) async fn send_body(
    stream: &mut SendStream<Bytes>,
    mut bytes: Bytes,
    ends: bool,
) -> Result<(), h2::Error> {
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let Some(room) = room.transpose()? else {
            return Err(h2::Reason::STREAM_CLOSED.into());
        };
        let part = bytes.split_to(room.min(bytes.len()));
        let is_last = ends && bytes.is_empty();
        stream.send_data(part, is_last)?;
    }
    Ok(())
}
