//! Requests and their responses: many at once, long ones both ways, fields and trailers.

use bytes::Bytes;
use h2::client::Builder;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::session::{Exchange, Session, eventually, next_chunk, run, send_body, whole};
use super::{pattern, server, with};
use crate::support::oneshot::Gate;
use crate::support::{SHELLS, TestServer};

/// The server's own number of streams.
const STREAMS_MAX: usize = 100;
/// More than any window, and more than the server may hold of one connection.
const LONG: usize = 10 << 20;

#[test]
fn a_hundred_streams_wait_at_once_and_a_further_one_waits_for_them() {
    for shell in SHELLS {
        let gate = Gate::default();
        let server = with(lanner::Server::new().shell(shell), &gate);
        run(async {
            let session = Session::open(server.address()).await;
            let mut waiting = Vec::new();
            for _ in 0..STREAMS_MAX {
                waiting.push(session.begin("/gate").await);
            }
            eventually("all are under way", || {
                server.stats().handlers == STREAMS_MAX
            })
            .await;
            let further = session.get("/plain");
            gate.open();
            assert_eq!(further.await.text(), "plain");
            for exchange in waiting {
                assert_eq!(exchange.answer().await.unwrap().text(), "passed");
            }
            session.finish().await;
        });
        server.finish();
    }
}

#[test]
fn short_and_long_answers_go_side_by_side() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        let mut exchanges = Vec::new();
        for number in 0..400 {
            let length = number * number * 7 % 60_000;
            let exchange = session.begin(&format!("/pattern/{length}")).await;
            exchanges.push((length, tokio::spawn(exchange.answer())));
        }
        for (length, exchange) in exchanges {
            let answer = exchange.await.unwrap().unwrap();
            assert!(answer.body == pattern(length), "{length} bytes");
        }
        session.finish().await;
    });
    server.finish();
}

#[test]
fn long_bodies_pass_both_ways_whatever_the_client_gives_room_for() {
    let server = server(&Gate::default());
    let mut tight = Builder::new();
    tight
        .initial_window_size(1_000)
        .initial_connection_window_size(65_535)
        .header_table_size(0);
    let mut wide = Builder::new();
    wide.initial_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .max_frame_size(1 << 20);
    for (client, length) in [(&tight, 1 << 20), (&Builder::new(), LONG), (&wide, LONG)] {
        run(async {
            let session = Session::with(client, server.address()).await;
            let answer = session.get(&format!("/pattern/{length}")).await;
            assert!(answer.body == pattern(length));
            let answer = session.post("/count", pattern(length)).await;
            assert_eq!(answer.text(), length.to_string());
            let answer = session.post("/echo", pattern(length)).await;
            assert!(answer.body == pattern(length));
            session.finish().await;
        });
    }
    server.finish();
}

#[test]
fn many_uploads_share_a_connection() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        let mut uploads = Vec::new();
        for number in 0..STREAMS_MAX {
            let length = number * 3_001;
            let response = session.begin_post("/echo", pattern(length)).await;
            uploads.push((length, tokio::spawn(whole(response))));
        }
        for (length, upload) in uploads {
            assert!(upload.await.unwrap().unwrap().body == pattern(length));
        }
        session.finish().await;
    });
    server.finish();
}

#[test]
fn a_response_that_is_not_read_holds_up_no_other() {
    let server = server(&Gate::default());
    let mut client = Builder::new();
    client
        .initial_window_size(65_535)
        .initial_connection_window_size(1 << 20);
    run(async {
        let session = Session::with(&client, server.address()).await;
        let response = session.begin("/pattern/1000000").await.response;
        let mut unread = response.await.unwrap().into_body();
        for _ in 0..50 {
            let answer = session.get("/pattern/100000").await;
            assert!(answer.body == pattern(100_000));
        }
        let mut body = Vec::new();
        while let Some(chunk) = next_chunk(&mut unread).await.unwrap() {
            body.extend_from_slice(&chunk);
        }
        assert!(body == pattern(1_000_000));
        drop(unread);
        session.finish().await;
    });
    server.finish();
}

#[test]
fn methods_statuses_and_bodies_fit_each_other() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        let answer = session.get("/plain").await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "plain"));
        assert_eq!(answer.field("content-length"), Some("5"));
        assert!(answer.field("date").is_some() && answer.field("server").is_some());
        assert_eq!(answer.field("connection"), None);

        let head = session.request(Method::HEAD, "/plain");
        let answer = session.send(head, true).await.answer().await.unwrap();
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
        assert_eq!(answer.field("content-length"), Some("5"));

        let answer = session.get("/nothing").await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NOT_FOUND, ""));
        assert_eq!(session.get("/pattern/0").await.body, b"");
        session.finish().await;
    });
    server.finish();
}

#[test]
fn fields_survive_compression_and_continuation() {
    let server = server(&Gate::default());
    let field = |name: &str, value: &[u8]| {
        (
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value).unwrap(),
        )
    };
    let long = |letter: u8| vec![letter; 9_000];
    let sets = [
        vec![field("x-first", b"1"), field("x-empty", b"")],
        // The same again, from the dynamic tables of both sides; then one that differs.
        vec![field("x-first", b"1"), field("x-empty", b"")],
        vec![field("x-first", b"2"), field("x-latin", b"caf\xe9")],
        // More than a frame, so that it is continued, and more than a dynamic table.
        vec![
            field("x-long-a", &long(b'~')),
            field("x-long-b", &long(b'|')),
        ],
        vec![field("x-first", b"1")],
    ];
    let mut secret = HeaderValue::from_static("hidden");
    secret.set_sensitive(true);
    for table in [4_096, 0, 100, 65_536] {
        let mut client = Builder::new();
        client.header_table_size(table);
        run(async {
            let session = Session::with(&client, server.address()).await;
            for set in sets.iter().cycle().take(20) {
                let mut request = session.request(Method::GET, "/fields");
                request.headers_mut().extend(set.iter().cloned());
                request.headers_mut().insert("x-secret", secret.clone());
                let answer = session.send(request, true).await.answer().await.unwrap();
                assert_eq!(answer.status, StatusCode::OK);
                for (name, value) in set {
                    assert_eq!(answer.fields.get(name), Some(value), "table of {table}");
                }
                assert_eq!(answer.field("x-secret"), Some("hidden"));
                let own = answer
                    .fields
                    .keys()
                    .filter(|name| name.as_str().starts_with("x-"));
                assert_eq!(own.count(), set.len() + 1);
            }
            session.finish().await;
        });
    }
    server.finish();
}

#[test]
fn trailers_pass_both_ways() {
    let server = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        for length in [0, 5, 200_000] {
            let request = session.request(Method::POST, "/trailers");
            let Exchange { response, mut body } = session.send(request, false).await;
            let response = tokio::spawn(whole(response));
            send_body(&mut body, Bytes::from(pattern(length)), false)
                .await
                .unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("checksum", HeaderValue::from_static("abc"));
            trailers.insert("note", HeaderValue::from_static("late"));
            body.send_trailers(trailers).unwrap();
            let answer = response.await.unwrap().unwrap();
            assert!(answer.body == pattern(length));
            let trailers = answer.trailers.unwrap();
            assert_eq!(trailers.get("x-checksum").unwrap(), "abc");
            assert_eq!(trailers.get("x-note").unwrap(), "late");
            assert_eq!(trailers.len(), 2);
        }
        let answer = session.post("/trailers", pattern(5)).await;
        assert_eq!((answer.body, answer.trailers), (pattern(5), None));
        session.finish().await;
    });
    server.finish();
}

#[test]
fn both_versions_are_served_on_one_port_at_once() {
    let server: TestServer = server(&Gate::default());
    run(async {
        let session = Session::open(server.address()).await;
        let mut h1 = server.connect();
        for _ in 0..10 {
            assert_eq!(session.get("/plain").await.text(), "plain");
            assert_eq!(h1.get("/plain").text(), "plain");
        }
        session.finish().await;
    });
    server.finish();
}
