//! Tests of a whole connection under TLS: a rustls client at the other end, in memory.

mod alerts;
mod faults;
mod handshakes;
mod misdirected;
mod sessions;
mod wear;

use super::*;
use crate::http::IntoOutcome;
use crate::testing::tls::{Client, Identity, Offer};

/// A connection on an https endpoint and a client of it.
struct Secure<A> {
    peer: Peer<A>,
    client: Client,
}

/// Answers with what the client has sent, and how.
async fn echo(ctx: &mut HttpContext) {
    let body = ctx.body().read_to_end(1 << 20).await.unwrap();
    let tls = ctx.connection().tls().unwrap();
    let line = format!(
        "{} {} {:?} {:?} {}",
        ctx.request().scheme(),
        tls.version(),
        tls.server_name(),
        tls.application_protocol(),
        String::from_utf8_lossy(&body)
    );
    ctx.text(&line).unwrap();
}

impl<A: AsyncFn(&mut HttpContext) -> R + 'static, R: IntoOutcome + 'static> Secure<A> {
    fn with(application: A, identity: &Identity, client: Client, limits: Limits) -> Self {
        let mut peer = Peer::with_limits(application, limits);
        let key = ConnectionKey {
            slot: 0,
            generation: 0,
        };
        peer.resources.set_sites(identity.sites());
        peer.connection = peer.with(|_, turn, _| Connection::secure(key, 1, turn));
        Self { peer, client }
    }

    /// A connection whose handshake is done.
    fn connected(application: A, offer: Offer<'_>) -> Self {
        let identity = Identity::new(Protocols::default());
        let client = Client::new(&identity.config(offer));
        let mut secure = Self::with(application, &identity, client, Limits::default());
        secure.exchange();
        assert!(secure.client.is_connected(), "{}", secure.client.error());
        secure
    }

    /// Bytes go both ways until neither side has any.
    fn exchange(&mut self) {
        self.exchange_in(usize::MAX);
    }

    /// As `exchange`, with the client's bytes in pieces of this size.
    fn exchange_in(&mut self, piece: usize) {
        loop {
            let sent = self.client.take_output();
            for piece in sent.chunks(piece) {
                self.peer.send_turn(piece);
            }
            let received = std::mem::take(&mut self.peer.output);
            self.client.receive(&received);
            if sent.is_empty() && received.is_empty() {
                return;
            }
        }
    }

    /// Asks, and answers with what came back.
    fn ask(&mut self, request: &str) -> String {
        self.client.say(request.as_bytes());
        self.exchange();
        self.said()
    }

    fn said(&mut self) -> String {
        String::from_utf8(self.client.take_plain()).unwrap()
    }

    /// The faults that were counted.
    fn rejected(&self) -> Vec<&'static str> {
        self.peer.counters.rejected.keys().copied().collect()
    }

    fn finish(self) {
        assert_eq!(self.peer.resources.record_buffers_in_use(), 0);
        self.peer.finish();
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn post(body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
