//! The mix over HTTP/1.1: what each client sends in a round, and what must come back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::client::Client;
use crate::numbers::Numbers;

/// Requests of one pipeline.
const PIPELINED: usize = 16;

/// The longest body that is echoed: more than a receive buffer, more than a send block.
const ECHO_BYTES_MAX: u64 = 200_000;

/// Goes through the mix `rounds` times; answers the latency of each request in microseconds.
pub(crate) fn run(address: SocketAddr, seed: u64, rounds: u32) -> Result<Histogram<u64>, String> {
    let mut latencies = Histogram::new(3).map_err(|error| error.to_string())?;
    let mut client = Client::connect(address)?;
    let mut numbers = Numbers::of(seed);
    for round in 0..rounds {
        let mut timed = |work: &mut dyn FnMut() -> Result<(), String>| {
            let began = Instant::now();
            work().map_err(|error| format!("client {seed}, round {round}: {error}"))?;
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            latencies
                .record(micros.max(1))
                .map_err(|error| error.to_string())
        };
        timed(&mut || plain(&mut client))?;
        timed(&mut || pipeline(&mut client))?;
        let body = numbers.bytes(ECHO_BYTES_MAX);
        timed(&mut || echo_sized(&mut client, &body))?;
        timed(&mut || echo_chunked(&mut client, &body, &mut numbers))?;
        timed(&mut || slow_reader(&mut client))?;
        abrupt(address, &mut numbers)?;
    }
    Ok(latencies)
}

fn expect(client: &mut Client, body: &[u8]) -> Result<(), String> {
    let answer = client.answer()?;
    if answer.status != 200 {
        return Err(format!("status {}", answer.status));
    }
    match answer
        .body
        .iter()
        .zip(body)
        .position(|(got, sent)| got != sent)
    {
        Some(at) => Err(format!("byte {at} of {} is wrong", body.len())),
        None if answer.body.len() == body.len() => Ok(()),
        None => Err(format!(
            "{} bytes instead of {}",
            answer.body.len(),
            body.len()
        )),
    }
}

fn plain(client: &mut Client) -> Result<(), String> {
    client.send(b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    expect(client, b"Hello, World!")
}

/// Different answers in turn, so that one out of order is seen.
fn pipeline(client: &mut Client) -> Result<(), String> {
    let kinds: [(&str, &[u8]); 3] = [
        ("/plaintext", b"Hello, World!"),
        ("/json", b"{\"message\":\"Hello, World!\"}"),
        ("/stream/2", b"chunk 1 of 2\nchunk 2 of 2\n"),
    ];
    let order = || kinds.iter().cycle().take(PIPELINED);
    let requests: String = order()
        .map(|(path, _)| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .collect();
    client.send(requests.as_bytes())?;
    order().try_for_each(|(_, body)| expect(client, body))
}

fn echo_sized(client: &mut Client, body: &[u8]) -> Result<(), String> {
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.send(head.as_bytes())?;
    with_reader(client, body)
}

fn echo_chunked(client: &mut Client, body: &[u8], numbers: &mut Numbers) -> Result<(), String> {
    let mut message = Vec::with_capacity(body.len() * 2);
    let mut rest = body;
    while !rest.is_empty() {
        let length = usize::try_from(numbers.up_to(9_000))
            .unwrap_or(1)
            .min(rest.len());
        let (chunk, others) = rest.split_at(length);
        message.extend_from_slice(format!("{length:x};n=v\r\n").as_bytes());
        message.extend_from_slice(chunk);
        message.extend_from_slice(b"\r\n");
        rest = others;
    }
    message.extend_from_slice(b"0\r\nTrailer-Sum: x\r\n\r\n");
    client.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    client.send(&message)?;
    expect(client, body)
}

/// Sends the body and reads its echo. Both fit the buffers between the two ends.
fn with_reader(client: &mut Client, body: &[u8]) -> Result<(), String> {
    client.send(body)?;
    expect(client, body)
}

/// Lets the answer wait before it is read.
fn slow_reader(client: &mut Client) -> Result<(), String> {
    client.send(b"GET /stream/200 HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    std::thread::sleep(Duration::from_millis(2));
    let body: String = (1..=200)
        .map(|number| format!("chunk {number} of 200\n"))
        .collect();
    expect(client, body.as_bytes())
}

/// Goes away in the middle of a request: nothing comes back, and nobody else may notice.
fn abrupt(address: SocketAddr, numbers: &mut Numbers) -> Result<(), String> {
    let request =
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nnot all of it";
    let length = usize::try_from(numbers.up_to(request.len() as u64)).unwrap_or(1);
    Client::connect(address)?.send(request.get(..length).unwrap_or(request))
}
