//! hyper as the client: its own reading of HTTP/2's messages over the crate h2.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::handshake;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::session::run;
use super::{pattern, server};
use crate::support::oneshot::Gate;

/// More than a stream's first window of either side.
const LONG: usize = 2 << 20;

#[test]
fn hyper_sends_and_receives_bodies_on_many_streams() {
    let server = server(&Gate::default());
    let address = server.address();
    run(async move {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (sender, connection) =
            handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        let connection = tokio::spawn(connection);
        let mut exchanges = Vec::new();
        for number in 0..20 {
            let body = pattern(LONG / 20 * number);
            let request = http::Request::post(format!("http://{address}/echo"))
                .body(Full::new(Bytes::from(body.clone())))
                .unwrap();
            let mut sender = sender.clone();
            exchanges.push(tokio::spawn(async move {
                let response = sender.send_request(request).await.unwrap();
                assert_eq!(response.status(), http::StatusCode::OK);
                assert_eq!(response.version(), http::Version::HTTP_2);
                let echoed = response.into_body().collect().await.unwrap().to_bytes();
                assert!(echoed == body, "{} bytes", body.len());
            }));
        }
        for exchange in exchanges {
            exchange.await.unwrap();
        }
        drop(sender);
        connection.await.unwrap().unwrap();
    });
    server.finish();
}
