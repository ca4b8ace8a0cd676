//! The routes of the application that the command serves.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::net::SocketAddr;

use crate::support::client::{Client, Response};
use crate::support::command::{Process, lanner};
use serde_json::Value;

fn served(test: impl FnOnce(SocketAddr)) {
    let (process, address) = Process::serving();
    test(address);
    process.signal("TERM");
    assert_eq!(process.wait().0.code(), Some(0));
}

/// Sends a request with a method and a body and reads the answer.
fn request(client: &mut Client, method: &str, path: &str, fields: &str, body: &str) -> Response {
    let length = body.len();
    client.send(format!(
        "{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
    ));
    client.response()
}

#[test]
fn fixed_answers() {
    served(|address| {
        let mut client = Client::connect(address);
        let plaintext = client.get("/plaintext");
        assert_eq!(
            (plaintext.text(), plaintext.field("content-type")),
            ("Hello, World!", Some("text/plain"))
        );
        let json = client.get("/json");
        assert_eq!(json.text(), "{\"message\":\"Hello, World!\"}");
        assert_eq!(json.field("content-type"), Some("application/json"));
        let home = client.get("/");
        assert_eq!(home.field("content-type"), Some("text/html; charset=utf-8"));
        assert!(home.text().contains(&format!("http://{address}")));
        client.send("HEAD /plaintext HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.head().field("content-length"), Some("13"));
    });
}

#[test]
fn echo_streams_the_body_back() {
    served(|address| {
        let mut client = Client::connect(address);
        for method in ["POST", "PUT"] {
            let response = request(
                &mut client,
                method,
                "/echo",
                "Content-Type: text/x-own\r\n",
                "hello",
            );
            assert_eq!(
                (response.text(), response.field("content-type")),
                ("hello", Some("text/x-own"))
            );
        }
        // It answers before it has the whole body.
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        let part = "x".repeat(100_000);
        client.send(format!("{:x}\r\n{part}\r\n", part.len()));
        assert_eq!(client.head().field("transfer-encoding"), Some("chunked"));
        client.send("0\r\n\r\n");
        let mut echoed = 0;
        loop {
            let size = usize::from_str_radix(&client.line(), 16).unwrap();
            assert!(client.bytes(size + 2).ends_with(b"\r\n"));
            echoed += size;
            if size == 0 {
                break;
            }
        }
        assert_eq!(echoed, part.len());
    });
}

#[test]
fn delay_and_stream_take_a_number() {
    served(|address| {
        let mut client = Client::connect(address);
        assert_eq!(client.get("/delay/5").text(), "done\n");
        assert_eq!(client.get("/delay/0").text(), "done\n");
        let stream = client.get("/stream/3");
        assert_eq!(stream.text(), "chunk 1 of 3\nchunk 2 of 3\nchunk 3 of 3\n");
        assert_eq!(stream.chunks, [13, 13, 13]);
        assert_eq!(client.get("/stream/0").text(), "");
        for path in [
            "/delay/60001",
            "/delay/",
            "/delay/-1",
            "/delay/x",
            "/stream/1000001",
            "/stream/",
        ] {
            assert_eq!(client.get(path).status, 400, "{path}");
        }
    });
}

#[test]
fn features_are_the_table_of_the_server() {
    let mut process = Process::spawn(&mut lanner([
        "run",
        "--urls",
        "http://127.0.0.1:0",
        "--shards",
        "2",
    ]));
    let address = process.address();
    let mut client = Client::connect(address);
    let table: Value = serde_json::from_slice(&client.get("/features").body).unwrap();
    assert_eq!(
        table["addresses"],
        serde_json::json!([format!("http://{address}")])
    );
    let shards = table["shards"].as_array().unwrap();
    assert_eq!(shards.len(), 2);
    for (index, shard) in shards.iter().enumerate() {
        assert_eq!(shard["index"], index);
        assert_eq!(shard["shell"], "glommio");
        assert!(shard["sq_entries"].as_u64().unwrap() > 0);
        assert!(shard["ring_flags"].is_array());
    }
    assert!(table["served_by_shard"].as_u64().unwrap() < 2);
}

#[test]
fn what_is_not_there_is_404_and_a_wrong_method_405() {
    served(|address| {
        let mut client = Client::connect(address);
        for path in ["/nothing", "/plaintext/", "/Plaintext", "//"] {
            let response = client.get(path);
            assert_eq!(response.status, 404, "{path}");
            assert!(!response.closes());
        }
        for path in [
            "/",
            "/plaintext",
            "/json",
            "/features",
            "/delay/1",
            "/stream/1",
            "/events",
        ] {
            let response = request(&mut client, "POST", path, "", "body");
            assert_eq!(
                (response.status, response.field("allow")),
                (405, Some("GET, HEAD")),
                "{path}"
            );
        }
        let response = client.get("/echo");
        assert_eq!(
            (response.status, response.field("allow")),
            (405, Some("POST, PUT"))
        );
    });
}

#[test]
fn every_link_of_the_page_leads_somewhere() {
    let (_process, address) = Process::serving();
    let page = Client::connect(address).get("/").text().to_owned();
    let links: Vec<&str> = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(links.contains(&"/favicon.ico") && links.contains(&"/json"));
    for link in links {
        // Only the head: the events have no end.
        let mut client = Client::connect(address);
        client.send(format!("GET {link} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.head().status, 200, "{link}");
    }
    for form in ["/echo", "/sink"] {
        assert!(page.contains(&format!("action=\"{form}\"")), "{page}");
        let mut client = Client::connect(address);
        assert_eq!(request(&mut client, "POST", form, "", "text=a").status, 200);
    }
}
