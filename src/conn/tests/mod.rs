//! Tests of a whole connection without I/O: bytes in, handlers polled in place, bytes out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bodies;
mod callbacks;
mod closing;
mod http2;
mod rates;
mod rejections;
mod responses;
mod timing;
mod tls;

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::{Connection, Resources};
use crate::buf::Pool;
use crate::features;
use crate::http::{
    Close, ConnectionKey, Counters, Drive, ExchangePool, HttpContext, Outbox, Protocols, Turn,
    process,
};
use crate::limits::Limits;

const DATE: &[u8; 29] = b"Thu, 01 Jan 1970 00:00:00 GMT";

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Whether a handler asks to be polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection, its handlers and its surroundings.
struct Peer<A> {
    application: Rc<A>,
    connection: Connection,
    pool: Pool,
    resources: Resources,
    limits: Limits,
    exchanges: ExchangePool,
    counters: Counters,
    outbox: Rc<Outbox>,
    tasks: Vec<Task>,
    woken: Arc<Woken>,
    output: Vec<u8>,
    now: u64,
    draining: bool,
    /// Whether what is sent is taken by the peer.
    reads: bool,
    protocols: Protocols,
}

impl<A: AsyncFn(&mut HttpContext) -> R + 'static, R: crate::http::IntoOutcome + 'static> Peer<A> {
    fn new(application: A) -> Self {
        Self::with_limits(application, Limits::default())
    }

    fn with_limits(application: A, limits: Limits) -> Self {
        Self::speaking(application, limits, Protocols::default())
    }

    fn speaking(application: A, limits: Limits, protocols: Protocols) -> Self {
        let key = ConnectionKey {
            slot: 0,
            generation: 0,
        };
        let outbox = Rc::new(Outbox::default());
        let mut exchanges = ExchangePool::new(Rc::clone(&outbox));
        let mut counters = Counters::default();
        let turn = Turn {
            now: 0,
            date: DATE,
            limits: &limits,
            server_field: true,
            scarce: false,
            draining: false,
            upgrades: true,
            protocols,
            exchanges: &mut exchanges,
            counters: &mut counters,
        };
        let connection = Connection::cleartext(key, 1, &turn);
        Self {
            application: Rc::new(application),
            connection,
            pool: Pool::new(64, 4096).unwrap(),
            resources: Resources::default(),
            limits,
            exchanges,
            counters,
            outbox,
            tasks: Vec::new(),
            woken: Arc::default(),
            output: Vec::new(),
            now: 0,
            draining: false,
            reads: true,
            protocols,
        }
    }

    /// Calls into the connection with the surroundings of this moment.
    fn with<T>(
        &mut self,
        call: impl FnOnce(&mut Connection, &mut Turn<'_>, &mut Resources) -> T,
    ) -> T {
        let mut turn = Turn {
            now: self.now,
            date: DATE,
            limits: &self.limits,
            server_field: true,
            scarce: self.pool.is_scarce(),
            draining: self.draining,
            upgrades: true,
            protocols: self.protocols,
            exchanges: &mut self.exchanges,
            counters: &mut self.counters,
        };
        call(&mut self.connection, &mut turn, &mut self.resources)
    }

    /// The peer sends bytes.
    fn send(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.pool.size()) {
            let slice = self
                .pool
                .fill(piece)
                .expect("a connection holds no buffer while it waits");
            self.connection.receive(slice, &mut self.resources);
            self.run();
        }
    }

    /// The peer sends bytes, each buffer in a turn of its own.
    fn send_turn(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.pool.size()) {
            self.resources.begin_turn(self.limits.handshakes_per_turn);
            self.send(piece);
        }
    }

    /// The peer sends bytes one by one.
    fn send_singly(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.send(std::slice::from_ref(byte)));
    }

    /// The peer has finished sending.
    fn end(&mut self) {
        self.connection.receive_end();
        self.run();
    }

    /// Time passes, and the connection's deadline with it when it is due.
    fn wait(&mut self, time: Duration) {
        self.now += u64::try_from(time.as_millis()).unwrap();
        if self.connection.deadline() <= self.now {
            self.with(Connection::expire);
        }
        self.run();
    }

    /// Drives and polls until nothing moves, sending all there is to send.
    fn run(&mut self) {
        self.poll();
        for _ in 0..10_000 {
            match self.with(Connection::drive) {
                Drive::Dispatch(exchange) => {
                    let refuses = self.with(|connection, turn, resources| {
                        connection.refuses_misdirected(&exchange, turn, resources)
                    });
                    if refuses {
                        continue;
                    }
                    let application = Rc::clone(&self.application);
                    let connection = features::Connection::detached(Rc::default());
                    if let Some(tls) = self.connection.tls() {
                        connection.set_tls(tls);
                    }
                    let context = HttpContext::new(exchange, connection);
                    self.tasks.push(Box::pin(
                        async move { process(&*application, context).await },
                    ));
                    self.poll();
                    continue;
                }
                Drive::Wait | Drive::Postponed | Drive::Http2 => {}
            }
            let block = self.reads.then(|| self.with(Connection::next_send));
            if let Some(Some(block)) = block {
                self.output.extend_from_slice(&block);
                self.with(|connection, _, resources| connection.sent(block, resources));
                continue;
            }
            if self.woken.0.load(Ordering::Relaxed) {
                self.poll();
            } else if self.outbox.is_empty() {
                if matches!(self.close(), Close::Linger | Close::Agreed)
                    && self.connection.is_flushed()
                {
                    // As the shard does it.
                    self.with(|connection, turn, _| connection.fin_sent(turn));
                }
                return;
            }
            let mut marked = Vec::new();
            self.outbox.take(&mut marked);
            marked
                .iter()
                .for_each(|mark| self.connection.mark(mark.stream));
        }
        panic!("the connection does not come to rest");
    }

    fn poll(&mut self) {
        self.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut cx = Context::from_waker(&waker);
        self.tasks
            .retain_mut(|task| task.as_mut().poll(&mut cx) == Poll::Pending);
    }

    /// What was sent to the peer since the last call, as text.
    fn received(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.output)).unwrap()
    }

    fn close(&self) -> Close {
        self.connection.close()
    }

    /// Ends the test: nothing may be left behind.
    fn finish(mut self) {
        self.with(Connection::sever);
        self.poll();
        assert_eq!(self.tasks.len(), 0, "handlers are left");
        drop(self.connection);
        drop(self.exchanges);
        assert_eq!(self.pool.in_use(), 0, "receive buffers are left");
    }
}

/// Runs `bytes` through a fresh connection whole, split once at every byte, and byte by byte, and
/// demands the same answer and the same end each time.
fn everyway<A, R>(make: impl Fn() -> Peer<A>, bytes: &[u8]) -> (String, Close)
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: crate::http::IntoOutcome + 'static,
{
    let run = |feed: &dyn Fn(&mut Peer<A>)| {
        let mut peer = make();
        feed(&mut peer);
        let outcome = (peer.received(), peer.close());
        peer.finish();
        outcome
    };
    let whole = run(&|peer| peer.send(bytes));
    for split in 1..bytes.len() {
        let halves = run(&|peer| {
            peer.send(&bytes[..split]);
            peer.send(&bytes[split..]);
        });
        assert_eq!(
            halves,
            whole,
            "split at {split} of {:?}",
            String::from_utf8_lossy(bytes)
        );
    }
    let singly = run(&|peer| peer.send_singly(bytes));
    assert_eq!(
        singly,
        whole,
        "byte by byte: {:?}",
        String::from_utf8_lossy(bytes)
    );
    whole
}

/// The whole of a response to a plain request, as `text` answers it.
fn text_response(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: Lanner\r\n\r\n{body}",
        body.len()
    )
}

/// Polls a future once, for handlers that go on later.
async fn pending_once() {
    let mut polled = false;
    let mut once = pin!(std::future::poll_fn(move |_| {
        if std::mem::replace(&mut polled, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }));
    once.as_mut().await;
}
