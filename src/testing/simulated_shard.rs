//! A whole shard over the simulated network: the real loop, connections and handlers, without a
//! kernel, a thread of its own or real time.
//!
//! Owns the turns: it takes them on the calling thread, which is the shard for as long as this
//! lives, and sees when nothing more can happen by itself. Whatever peers, files and other threads
//! do between turns is the caller's.

pub(crate) mod answers;
pub(crate) mod application;

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::sim::{Peer, SimConfig, SimNet, SimRing};
use super::tls::Identity;
use crate::http::{Application, HttpContext, Protocols, process};
use crate::limits::Limits;
use crate::net::{self, BindOptions, Endpoint, Networks};
use crate::shard::shell::{Driver, Turn};
use crate::shard::{Clock, Control, Shard, ShardOptions, Stats};
use crate::task::{Inbox, InboxSender};

/// Turns after which a shard that is still not at rest is taken to be in a loop: far beyond what a
/// day of simulated time costs.
const TURNS_MAX: usize = 100_000;

/// What a wait that nothing ends costs in simulated time. It is how such a wait is recognised.
const TICK: Duration = Duration::from_nanos(1);

/// More than the longest time-out by which a draining shard waits for a peer that does nothing.
const DRAIN_TIME: Duration = Duration::from_secs(60);

/// The handlers of a simulated shard have one type, whatever the application.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Makes the handler of a request.
pub(crate) type Handler = Box<dyn Fn(HttpContext) -> Task>;

/// The shard's clock shows the simulation's time.
pub(crate) struct SimClock(SimNet);

impl SimClock {
    /// The second in which every simulation begins: the example of RFC 9110, 5.6.7.
    const FIRST_SECOND: u64 = 784_111_777;
}

impl Clock for SimClock {
    fn millis(&self) -> u64 {
        u64::try_from(self.0.now().as_millis()).unwrap_or(u64::MAX)
    }

    fn unix_seconds(&self) -> u64 {
        Self::FIRST_SECOND + self.0.now().as_secs()
    }
}

/// A shard that serves an application in a simulation.
pub(crate) struct SimulatedShard {
    /// The world around it.
    pub(crate) net: SimNet,
    /// The shard itself, for tests of its own.
    pub(crate) shard: Shard<SimRing, SimClock, Handler, Task>,
    mail: InboxSender<Control>,
    listener: RawFd,
    over: bool,
}

impl SimulatedShard {
    /// A shard that accepts connections.
    pub(crate) fn new<A: Application + 'static>(
        config: &SimConfig,
        limits: Limits,
        application: A,
    ) -> Self {
        Self::speaking(config, limits, Protocols::default(), application)
    }

    /// A shard whose connections begin with TLS.
    pub(crate) fn secure<A: Application + 'static>(
        config: &SimConfig,
        limits: Limits,
        identity: &Identity,
        application: A,
    ) -> Self {
        let url = "https://127.0.0.1:0";
        let mut simulated = Self::listening(url, config, limits, Protocols::default(), application);
        simulated.shard.use_sites(identity.sites());
        simulated
    }

    /// The same for certain protocols.
    pub(crate) fn speaking<A: Application + 'static>(
        config: &SimConfig,
        limits: Limits,
        protocols: Protocols,
        application: A,
    ) -> Self {
        Self::listening("http://127.0.0.1:0", config, limits, protocols, application)
    }

    fn listening<A: Application + 'static>(
        url: &str,
        config: &SimConfig,
        limits: Limits,
        protocols: Protocols,
        application: A,
    ) -> Self {
        let (net, ring) = SimNet::new(config).expect("a pool of this size can be made");
        let one = NonZeroUsize::MIN;
        let options = BindOptions {
            backlog: 1,
            reuse_port: false,
            shards: one,
        };
        // The shard holds real listeners. What the simulation needs of this one is its descriptor:
        // nobody ever connects to it.
        let endpoints = Endpoint::parse_list(url).expect("it is a valid URL");
        let bound = net::bind(&endpoints, options).expect("loopback has a free port");
        let listeners = bound.per_shard.into_iter().next().unwrap_or_default();
        let listeners: Vec<_> = listeners.into_iter().map(Arc::new).collect();
        let listener = listeners
            .first()
            .map_or(-1, |listener| listener.as_fd().as_raw_fd());
        net.listen_on(listener);
        let inbox = Inbox::new().expect("an eventfd can be had");
        let scope = inbox.enter().expect("no other shard is on this thread");
        let mail = inbox.sender();
        let application = Rc::new(application);
        let handler: Handler = Box::new(move |request| {
            let application = Rc::clone(&application);
            Box::pin(async move { process(&*application, request).await })
        });
        let options = ShardOptions {
            index: 0,
            limits,
            server_field: true,
            protocols,
            gateways: Networks::default(),
        };
        let clock = SimClock(net.clone());
        let shard = Shard::new(options, ring, clock, listeners, inbox, scope, handler);
        let mut simulated = Self {
            net,
            shard,
            mail,
            listener,
            over: false,
        };
        simulated.tell(Control::Serve(Box::default()));
        simulated.settle();
        simulated
    }

    /// The listener's descriptor.
    pub(crate) fn listener(&self) -> RawFd {
        self.listener
    }

    /// A new connection, not accepted yet.
    pub(crate) fn connect(&self) -> Peer {
        self.net.connect(self.listener)
    }

    /// Sends the shard a message, as another thread would. One that has ended reads none.
    pub(crate) fn tell(&self, message: Control) {
        if !self.over {
            assert!(self.mail.send(message).is_ok(), "the shard has an inbox");
            self.net.wake_inbox();
        }
    }

    /// How things stand.
    pub(crate) fn stats(&self) -> Stats {
        self.shard.stats()
    }

    /// Whether the shard has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes one turn, which waits for `bound` at most.
    pub(crate) fn turn(&mut self, bound: Duration) {
        self.over = self.over || self.shard.turn(Some(bound)) != Turn::Continue;
    }

    /// Takes turns until nothing can happen but by a peer, another thread or time.
    pub(crate) fn settle(&mut self) {
        self.pass(Duration::ZERO);
    }

    /// Lets time pass as a shard does that sleeps from deadline to deadline, and comes to rest.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.net.now() + time;
        let mut idle = 0;
        for _ in 0..TURNS_MAX {
            let before = self.net.now();
            self.turn(end.saturating_sub(before) + TICK);
            // The first idle turn may have woken what is due by now; the second one has not.
            idle = if self.net.now() > before { idle + 1 } else { 0 };
            if self.over || (idle >= 2 && self.net.now() > end) {
                return;
            }
        }
        panic!("the shard does not come to rest: {:?}", self.stats());
    }

    /// Drains the shard: what is left by then must end by itself. Nothing may be left behind.
    pub(crate) fn finish(mut self) {
        self.tell(Control::Drain);
        self.pass(DRAIN_TIME);
        assert!(self.over, "the shard does not end: {:?}", self.stats());
        let stats = self.stats();
        assert_eq!(stats.handlers, 0, "handlers are left: {stats:?}");
        assert_eq!(self.shard.timers(), 0, "timers are left");
        self.assert_nothing_left();
    }

    /// Ends the shard whatever it is doing. Nothing but handlers may be left behind.
    pub(crate) fn stop(mut self) {
        self.tell(Control::Stop);
        self.settle();
        assert!(self.over, "the shard does not stop: {:?}", self.stats());
        self.assert_nothing_left();
    }

    /// Drops the shard in the middle of whatever it is doing. Nothing of its own may be left open.
    pub(crate) fn abandon(self) {
        let Self { net, shard, .. } = self;
        drop(shard);
        net.assert_quiet();
    }

    fn assert_nothing_left(self) {
        let stats = self.stats();
        assert_eq!(stats.connections_open, 0, "connections are left: {stats:?}");
        // The poll of the inbox stays.
        assert_eq!(stats.operations, 1, "operations are left: {stats:?}");
        drop(self.shard);
        self.net.assert_quiet();
    }
}

impl fmt::Debug for SimulatedShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedShard")
            .field("net", &self.net)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
