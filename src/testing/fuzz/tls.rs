//! A whole https connection over the simulated ring: bytes decide what the peer sends below TLS or
//! through it, what is done to its records on the way, and what goes wrong below.
//!
//! Behind the peer's manner come the bytes that it sends instead of a hello, or with one bit of the
//! manner a script for a client that speaks TLS. The other bit makes that TLS 1.2.

use std::time::Duration;

use super::manner::{Behind, Ending, Manner};
use crate::http::Protocols;
use crate::limits::Limits;
use crate::testing::sim::Peer;
use crate::testing::simulated_shard::SimulatedShard;
use crate::testing::simulated_shard::answers::read_answers;
use crate::testing::simulated_shard::application::{Doings, application};
use crate::testing::tls::{Client, Identity, Offer};

/// Longer than any time-out of a connection.
const LONG: Duration = Duration::from_secs(150);

/// Steps of one script; what is behind them is not looked at.
const STEPS_MAX: usize = 64;

thread_local! {
    /// Made once: keys are dear, and nothing here depends on which they are.
    static IDENTITY: Identity = Identity::new(Protocols::Http1);
}

fn limits() -> Limits {
    Limits {
        body_bytes_max: Some(100_000),
        response_buffer_bytes_max: 4096,
        ..Limits::default()
    }
}

/// Runs one connection as `input` says.
///
/// # Panics
///
/// When the shard panics, does not come to rest, leaves anything behind, outlives its time-outs, or
/// breaks TLS or HTTP towards a client that has broken neither.
pub fn tls(input: &[u8]) {
    let Some((manner, rest)) = Manner::read(input) else {
        return;
    };
    let [tls12, is_script] = manner.choices;
    IDENTITY.with(|identity| {
        let doings = Doings::default();
        let application = application(doings.clone());
        let mut server = SimulatedShard::secure(&manner.config, limits(), identity, application);
        let peer = server.connect();
        let outcome = if is_script {
            let offer = Offer {
                tls12,
                ..Offer::HTTP1
            };
            let client = Client::new(&identity.config(offer));
            Conversation::new(client, &peer, &mut server).run(rest)
        } else {
            manner.send(rest, &peer, &mut server);
            Outcome::default()
        };
        end(manner.ending, outcome, &peer, server, &doings);
    });
}

fn end(
    ending: Ending,
    mut outcome: Outcome,
    peer: &Peer,
    mut server: SimulatedShard,
    doings: &Doings,
) {
    ending.happen(peer, &mut server, LONG);
    ending.conclude(peer, server, doings, LONG);
    if let Some(client) = &mut outcome.client {
        client.receive(&peer.received());
        if !outcome.tampered {
            assert_eq!(client.error(), "", "the server breaks TLS");
            let plain = client.take_plain();
            if !ending.cuts_off() && doings.upgrades() == 0 {
                drop(read_answers(&plain));
            }
        }
    }
}

/// What a conversation leaves to be judged.
#[derive(Default)]
struct Outcome {
    client: Option<Client>,
    /// Whether the client, or somebody on the way, has broken the rules.
    tampered: bool,
}

/// A client that follows a script.
struct Conversation<'a> {
    client: Client,
    peer: &'a Peer,
    server: &'a mut SimulatedShard,
    /// Sealed, and not sent yet.
    pending: Vec<u8>,
    key_updates: usize,
    tampered: bool,
}

impl<'a> Conversation<'a> {
    fn new(client: Client, peer: &'a Peer, server: &'a mut SimulatedShard) -> Self {
        Self {
            client,
            peer,
            server,
            pending: Vec::new(),
            key_updates: 0,
            tampered: false,
        }
    }

    fn run(mut self, script: &[u8]) -> Outcome {
        for step in script.chunks_exact(2).take(STEPS_MAX) {
            if let &[step, argument] = step {
                self.step(step, usize::from(argument));
            }
        }
        self.deliver(usize::MAX);
        self.server.settle();
        self.listen();
        self.deliver(usize::MAX);
        Outcome {
            tampered: self.tampered || self.key_updates > 30,
            client: Some(self.client),
        }
    }

    fn step(&mut self, step: u8, argument: usize) {
        match step % 12 {
            0 => {
                let request = REQUESTS.get(argument % REQUESTS.len());
                self.say(request.copied().unwrap_or_default());
            }
            1 => {
                let body = vec![b'x'; argument * 200];
                let head = format!(
                    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                self.say(head.as_bytes());
                self.say(&body);
            }
            2 if self.client.is_connected() && self.client.can_update_keys() => {
                self.key_updates += 1;
                self.client.update_keys();
            }
            3 if self.client.is_connected() => self.client.close(),
            4 => self.deliver(usize::MAX),
            5 => self.deliver(argument),
            6 => {
                self.gather();
                let length = self.pending.len().max(1);
                if let Some(byte) = self.pending.get_mut(argument % length) {
                    *byte ^= 1 << (argument % 8);
                    self.tampered = true;
                }
            }
            7 => {
                self.gather();
                self.tampered = true;
                let length = u8::try_from(argument).unwrap_or(u8::MAX);
                self.pending.extend([20 + length % 5, 3, 3, 0, length]);
                self.pending.extend(vec![length; argument]);
            }
            8 => {
                self.gather();
                let kept = self.pending.len().saturating_sub(argument);
                self.tampered |= kept < self.pending.len();
                self.pending.truncate(kept);
            }
            9 => self.listen(),
            _ => Behind::choose(argument as u8).happen(self.server),
        }
    }

    fn say(&mut self, plain: &[u8]) {
        self.client.say(plain);
    }

    fn gather(&mut self) {
        self.pending.extend(self.client.take_output());
    }

    /// Sends up to so many bytes.
    fn deliver(&mut self, bytes: usize) {
        self.gather();
        let bytes = bytes.min(self.pending.len());
        let sent: Vec<u8> = self.pending.drain(..bytes).collect();
        self.peer.send(&sent);
    }

    /// Reads what the server has sent so far.
    fn listen(&mut self) {
        let received = self.peer.received();
        self.client.receive(&received);
    }
}

const REQUESTS: [&[u8]; 6] = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n",
    b"GET /raw HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\nbytes",
    b"GET / HTTP/1.0\r\n\r\n",
];
