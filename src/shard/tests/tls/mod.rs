//! Tests of a shard whose connections begin with TLS: many handshakes at a time, and their ends.

mod endings;
mod storms;

use std::sync::Arc;

use rustls::ClientConfig;

use super::*;
use crate::http::Protocols;
use crate::testing::tls::{Client, Identity, Offer};

/// A shard on https, what it is made with, and what its clients are made with.
struct Secure {
    server: SimulatedShard,
    identity: Identity,
    config: Arc<ClientConfig>,
}

impl Secure {
    fn new(config: &SimConfig) -> Self {
        let identity = Identity::new(Protocols::default());
        let application = application(Doings::default());
        Self {
            server: SimulatedShard::secure(config, Limits::default(), &identity, application),
            config: identity.config(Offer::HTTP1),
            identity,
        }
    }

    /// Buffers enough for a hello of each of many clients.
    fn roomy() -> Self {
        Self::new(&SimConfig {
            buffers: 256,
            ..SimConfig::default()
        })
    }

    fn client(&self) -> Client {
        Client::new(&self.config)
    }

    /// Bytes go both ways until neither side has any.
    fn exchange(&mut self, peer: &Peer, client: &mut Client) {
        loop {
            let sent = client.take_output();
            peer.send(&sent);
            self.server.settle();
            let received = peer.received();
            client.receive(&received);
            if sent.is_empty() && received.is_empty() {
                return;
            }
        }
    }

    fn connected(&mut self) -> (Peer, Client) {
        let peer = self.server.connect();
        let mut client = self.client();
        self.exchange(&peer, &mut client);
        assert!(client.is_connected(), "{}", client.error());
        (peer, client)
    }

    /// Asks, and answers with the body of what came back.
    fn ask(&mut self, peer: &Peer, client: &mut Client, body: &str) -> String {
        client.say(post("/", body).as_bytes());
        self.exchange(peer, client);
        let answer = read_answers(&client.take_plain()).pop().unwrap();
        String::from_utf8(answer.body).unwrap()
    }

    fn assert_alive(&mut self) {
        let (peer, mut client) = self.connected();
        assert_eq!(self.ask(&peer, &mut client, "alive"), "alive");
        peer.reset();
        self.server.settle();
    }

    fn rejected(&self, name: &str) -> u64 {
        let rejected = self.server.stats().rejected;
        let of_name = rejected.iter().filter(|(found, _)| found.as_str() == name);
        of_name.map(|(_, count)| *count).sum()
    }
}
