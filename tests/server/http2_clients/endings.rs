//! What ends before its time: streams that either side resets, answers ahead of their request,
//! tunnels, and connections that the server gives up in order.

use std::time::Duration;

use bytes::Bytes;
use h2::client::Builder;
use h2::ext::Protocol;
use h2::{Error, Reason};
use http::{Method, Request, StatusCode};

use super::session::{Exchange, Session, eventually, next_chunk, run, send_body, whole};
use super::{pattern, server, with};
use crate::support::oneshot::Gate;
use crate::support::{HANG, SHELLS};

/// The reason of a stream that the server has reset.
fn reset_by_server(error: &Error) -> Option<Reason> {
    (error.is_reset() && error.is_remote()).then(|| error.reason())?
}

#[test]
fn a_stream_that_the_client_resets_ends_alone() {
    let gate = Gate::default();
    let server = server(&gate);
    run(async {
        let session = Session::open(server.address()).await;
        let kept = session.begin("/gate").await;
        let mut abandoned = Vec::new();
        for _ in 0..20 {
            abandoned.push(session.begin("/gate").await);
        }
        eventually("all are under way", || server.stats().handlers == 21).await;
        for mut exchange in abandoned {
            exchange.body.send_reset(Reason::CANCEL);
        }
        assert_eq!(session.get("/plain").await.text(), "plain");
        gate.open();
        assert_eq!(kept.answer().await.unwrap().text(), "passed");
        session.finish().await;
    });
    server.finish();
}

#[test]
fn a_response_that_the_client_gives_up_leaves_room_for_others() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        for _ in 0..30 {
            // More than the windows: without the reset the server would wait to send it.
            let exchange = session.begin("/pattern/1000000").await;
            let mut body = exchange.response.await.unwrap().into_body();
            assert!(next_chunk(&mut body).await.unwrap().is_some());
            drop((body, exchange.body));
            assert_eq!(session.get("/plain").await.text(), "plain");
        }
        assert!(session.get("/pattern/300000").await.body == pattern(300_000));
        session.finish().await;
    });
    server.finish();
}

#[test]
fn an_upload_that_the_client_breaks_off_ends_alone() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        for _ in 0..30 {
            let request = session.request(Method::POST, "/count");
            let Exchange { response, mut body } = session.send(request, false).await;
            send_body(&mut body, Bytes::from(pattern(100_000)), false)
                .await
                .unwrap();
            body.send_reset(Reason::CANCEL);
            assert!(response.await.is_err());
        }
        let answer = session.post("/count", pattern(2_000_000)).await;
        assert_eq!(answer.text(), "2000000");
        session.finish().await;
    });
    server.finish();
}

#[test]
fn handlers_reset_streams_before_and_within_an_answer() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        let error = session.begin("/reset").await.answer().await.unwrap_err();
        assert_eq!(reset_by_server(&error), Some(Reason::ENHANCE_YOUR_CALM));

        let broken = session.begin("/break").await.response.await.unwrap();
        assert_eq!(broken.status(), StatusCode::OK);
        let mut body = broken.into_body();
        assert_eq!(next_chunk(&mut body).await.unwrap().unwrap(), "begun");
        let error = next_chunk(&mut body).await.unwrap_err();
        assert_eq!(reset_by_server(&error), Some(Reason::INTERNAL_ERROR));
        drop(body);

        assert_eq!(session.get("/plain").await.text(), "plain");
        session.finish().await;
    });
    server.finish();
}

#[test]
fn an_answer_may_come_before_its_request_has_ended() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        for length in [0, 1_000, 20_000_000] {
            let response = session.begin_post("/refuse", pattern(length)).await;
            let answer = whole(response).await.unwrap();
            assert_eq!(
                (answer.status, answer.text()),
                (StatusCode::PAYLOAD_TOO_LARGE, "too much")
            );
        }
        // What was sent in vain has not used up the connection's window.
        let answer = session.post("/count", pattern(5_000_000)).await;
        assert_eq!(answer.text(), "5000000");
        session.finish().await;
    });
    server.finish();
}

/// Sends pieces through a tunnel, reads each back, and ends it.
async fn converse(exchange: Exchange) {
    let Exchange { response, mut body } = exchange;
    let response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().get("content-length"), None);
    let mut stream = response.into_body();
    for length in [1, 1_000, 300_000] {
        let sent = Bytes::from(pattern(length));
        let sending = send_body(&mut body, sent.clone(), false);
        let receiving = async {
            let mut received = Vec::new();
            while received.len() < length {
                let chunk = next_chunk(&mut stream).await.unwrap();
                received.extend_from_slice(&chunk.expect("the tunnel has ended"));
            }
            received
        };
        let (sending, received) = tokio::join!(sending, receiving);
        sending.unwrap();
        assert!(received == sent);
    }
    body.send_data(Bytes::new(), true).unwrap();
    let mut rest = Vec::new();
    while let Some(chunk) = next_chunk(&mut stream).await.unwrap() {
        rest.extend_from_slice(&chunk);
    }
    assert_eq!(rest, b"bye");
}

#[test]
fn connect_opens_a_tunnel_or_is_refused() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        let connect = |authority: &str| {
            let request = Request::builder().method(Method::CONNECT).uri(authority);
            request.body(()).unwrap()
        };
        let refused = session.send(connect("other.example:443"), false).await;
        let answer = refused.answer().await.unwrap();
        assert_eq!((answer.status, answer.text()), (StatusCode::FORBIDDEN, ""));

        let tunnel = session.send(connect("tunnel.example:443"), false).await;
        let other = session.send(connect("tunnel.example:443"), false).await;
        tokio::join!(converse(tunnel), converse(other));
        assert_eq!(session.get("/plain").await.text(), "plain");
        session.finish().await;
    });
    server.finish();
}

#[test]
fn an_extended_connect_names_its_protocol() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        for (protocol, is_open) in [("echo", true), ("websocket", false)] {
            let mut request = session.request(Method::CONNECT, "/tunnel");
            request.extensions_mut().insert(Protocol::from(protocol));
            let exchange = session.send(request, false).await;
            if is_open {
                converse(exchange).await;
            } else {
                let answer = exchange.answer().await.unwrap();
                assert_eq!(answer.status, StatusCode::FORBIDDEN);
            }
        }
        session.finish().await;
    });
    server.finish();
}

#[test]
fn a_shutdown_answers_what_is_under_way_and_takes_no_more() {
    for shell in SHELLS {
        let gate = Gate::default();
        let server = with(lanner::Server::new().shell(shell), &gate);
        run(async {
            let idle = Session::open(server.address()).await;
            assert_eq!(idle.get("/plain").await.text(), "plain");
            let session = Session::open(server.address()).await;
            let mut waiting = Vec::new();
            for _ in 0..50 {
                waiting.push(session.begin("/gate").await);
            }
            let upload = session.request(Method::POST, "/count");
            let mut upload = session.send(upload, false).await;
            send_body(&mut upload.body, Bytes::from(pattern(1_000)), false)
                .await
                .unwrap();
            eventually("all are under way", || server.stats().handlers == 51).await;

            let running = server.running;
            let end = std::thread::spawn(move || running.shut_down(HANG));
            // The end of its task says that the client has seen GOAWAY and the end of input.
            idle.ended().await.unwrap();
            eventually("nobody accepts any more", || {
                std::net::TcpStream::connect(session.address()).is_err()
            })
            .await;
            while session.is_open().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            gate.open();
            for exchange in waiting {
                assert_eq!(
                    exchange.answer().await.unwrap().text(),
                    "passed",
                    "{shell:?}"
                );
            }
            // A request body may still go on, too.
            send_body(&mut upload.body, Bytes::from(pattern(1_000)), true)
                .await
                .unwrap();
            assert_eq!(upload.answer().await.unwrap().text(), "2000");
            session.ended().await.unwrap();
            assert!(end.join().unwrap(), "{shell:?}");
        });
    }
}

#[test]
fn a_dropped_connection_ends_its_handlers() {
    let gate = Gate::default();
    let server = server(&gate);
    run(async {
        let session = Session::with(Builder::new().max_frame_size(1 << 20), server.address()).await;
        let mut waiting = Vec::new();
        for _ in 0..10 {
            waiting.push(session.begin("/gate").await);
        }
        eventually("all are under way", || server.stats().handlers == 10).await;
        session.abandon();
    });
    gate.open();
    server.finish();
}
