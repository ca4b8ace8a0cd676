//! Many connections at once: over which shards they are spread, and what memory they take.
//!
//! Owns the connections. Asks the built-in application's `/features` on each, which names the shard
//! that it was accepted by, and then keeps it open. Only ever connects to this machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::spread::imbalance;

/// Connections to one address and port from one address: what the ports of a machine are enough for.
const PER_ADDRESS: usize = 20_000;

/// What to open, and to whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The port of a server on this machine, on 0.0.0.0 if there are more than 20,000 connections
    #[arg(long)]
    port: u16,
    /// How many connections to open
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// The server's process, to read its memory
    #[arg(long)]
    server: Option<u32>,
    /// Wait for an end of standard input before closing the connections
    #[arg(long)]
    hold: bool,
}

#[derive(Deserialize)]
struct Features {
    served_by_shard: usize,
}

/// Opens the connections and prints what became of them.
pub(crate) fn run(options: &Options) -> Result<()> {
    let before = options.server.map(memory).transpose()?;
    let kernel_before = kernel()?;
    let mut open = Vec::with_capacity(options.connections);
    let mut shards: BTreeMap<usize, usize> = BTreeMap::new();
    for number in 0..options.connections {
        // Another address of the loopback network for each full set of ports.
        let last = u8::try_from(1 + number / PER_ADDRESS).context("too many connections")?;
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), options.port);
        let (stream, shard) = ask(address).with_context(|| format!("connection {number}"))?;
        *shards.entry(shard).or_default() += 1;
        open.push(stream);
    }
    for (shard, count) in &shards {
        println!("shard {shard}: {count} connections");
    }
    let counts: Vec<usize> = shards.values().copied().collect();
    println!("the fullest has {:.3} times the mean", imbalance(&counts));
    let each = |bytes: i64| bytes as f64 / options.connections.max(1) as f64;
    if let (Some(server), Some(before)) = (options.server, before) {
        let grown = memory(server)? - before;
        println!("{:.0} bytes of the server's memory for each", each(grown));
    }
    println!(
        "{:.0} bytes of the kernel's memory for each, both ends of it",
        each(kernel()? - kernel_before)
    );
    if options.hold {
        println!("open until the end of standard input");
        std::io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

/// Opens a connection, makes one request and says which shard has answered it.
fn ask(address: SocketAddr) -> Result<(TcpStream, usize)> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /features HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut block = [0; 8192];
    loop {
        let count = stream.read(&mut block)?;
        ensure!(count > 0, "the server has closed it");
        answer.extend_from_slice(block.get(..count).unwrap_or_default());
        if let Some(body) = body(&answer) {
            let features: Features = serde_json::from_slice(body)?;
            return Ok((stream, features.served_by_shard));
        }
        ensure!(answer.len() < 1 << 20, "the answer does not end");
    }
}

/// The body of a response with Content-Length, once it is whole.
fn body(answer: &[u8]) -> Option<&[u8]> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let (head, body) = answer.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))?;
    body.get(..length.trim().parse().ok()?)
}

/// Anonymous memory of a process in bytes.
fn memory(process: u32) -> Result<i64> {
    field(&format!("/proc/{process}/status"), "RssAnon:")
}

/// The kernel's memory for objects in bytes, where sockets are. Whatever else the machine does changes
/// it too, so few connections say nothing.
fn kernel() -> Result<i64> {
    field("/proc/meminfo", "Slab:")
}

fn field(path: &str, name: &str) -> Result<i64> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let Some(line) = text.lines().find_map(|line| line.strip_prefix(name)) else {
        bail!("{path} has no {name}");
    };
    let kibibytes: i64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn a_body_is_there_once_it_is_whole() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello";
        assert_eq!(body(answer), Some(b"hello".as_slice()));
        for end in 0..answer.len() {
            assert_eq!(answer.get(..end).and_then(body), None);
        }
    }
}
