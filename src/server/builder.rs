//! The builder: what a server is to be, and the order in which it starts.
//!
//! Read certificates and bind first (every error of an operator shows here), then make every shard and learn what its
//! ring was given, then complete the server's table, then accept.

use std::any::Any;
use std::io::{self, Write};
use std::num::NonZeroUsize;

use super::certificates::Loaded;
use super::cpus::{Cpus, ShardCount};
use super::error::StartError;
use super::launcher::Launcher;
use super::locked_memory;
use super::roster::Roster;
use super::running::RunningServer;
use super::secure;
use crate::features::{ServerAddresses, ServerFeatures, Shards};
use crate::http::{Application, Protocols};
use crate::journal::{self, Journal};
use crate::limits::Limits;
use crate::net::{
    self, BindOptions, BoundListeners, DEFAULT_BACKLOG, Endpoint, Networks, Steering, SteeringError,
};
use crate::ring;
pub use crate::shard::shell::ShellKind;
use crate::tls::Tls;

/// Where a server listens when nobody says otherwise.
pub(crate) const DEFAULT_URL: &str = "http://localhost:5000";

/// A server that is being described.
///
/// ```no_run
/// use lanner::{HttpContext, Server};
///
/// let server = Server::new().urls("http://127.0.0.1:8080")?;
/// server.run(async |ctx: &mut HttpContext| ctx.text("Hello, World!"))?;
/// # Ok::<(), lanner::StartError>(())
/// ```
#[derive(Debug)]
pub struct Server {
    endpoints: Vec<Endpoint>,
    shards: ShardCount,
    reuse_port: bool,
    steering: Steering,
    shell: ShellKind,
    limits: Limits,
    server_field: bool,
    protocols: Protocols,
    gateways: Networks,
    tls: Option<Tls>,
    features: ServerFeatures,
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server on `http://localhost:5000` with one shard per usable CPU and default limits.
    #[must_use]
    pub fn new() -> Self {
        Self {
            endpoints: Vec::new(),
            shards: ShardCount::Auto,
            reuse_port: false,
            steering: Steering::Hash,
            shell: ShellKind::Glommio,
            limits: Limits::default(),
            server_field: true,
            protocols: Protocols::default(),
            gateways: Networks::default(),
            tls: None,
            features: ServerFeatures::default(),
        }
    }

    /// Listens on these addresses, separated by `;`, beside those given before.
    ///
    /// # Errors
    ///
    /// [`StartError::Address`] for one that cannot be understood.
    pub fn urls(mut self, urls: &str) -> Result<Self, StartError> {
        self.endpoints.extend(Endpoint::parse_list(urls)?);
        Ok(self)
    }

    /// How many shards to run; [`ShardCount::Auto`] by default.
    #[must_use]
    pub fn shards(mut self, shards: ShardCount) -> Self {
        self.shards = shards;
        self
    }

    /// Lets other processes of the same user listen on the same TCP addresses; off by default.
    #[must_use]
    pub fn reuse_port(mut self, reuse_port: bool) -> Self {
        self.reuse_port = reuse_port;
        self
    }

    /// How new TCP connections are spread over the shards; by a hash by default. Not to be combined
    /// with [`reuse_port`](Self::reuse_port).
    #[must_use]
    pub fn steering(mut self, steering: Steering) -> Self {
        self.steering = steering;
        self
    }

    /// What runs each shard: glommio by default, so that handlers may use it.
    #[must_use]
    pub fn shell(mut self, shell: ShellKind) -> Self {
        self.shell = shell;
        self
    }

    /// The limits; Kestrel's defaults by default.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether responses carry `Server: Lanner`; on by default.
    #[must_use]
    pub fn server_field(mut self, server_field: bool) -> Self {
        self.server_field = server_field;
        self
    }

    /// Which protocols to speak; HTTP/1.1 and HTTP/2 by default, told apart by the first bytes of
    /// a connection.
    #[must_use]
    pub fn protocols(mut self, protocols: Protocols) -> Self {
        self.protocols = protocols;
        self
    }

    /// Lets peers in these networks, as `10.0.0.0/8, ::1`, or `unix` for all Unix sockets, name another
    /// scheme than their connection's, as proxies do that end TLS. Others get 421 (RFC 9110, 7.4).
    /// # Errors
    /// [`StartError::Network`] for what is no network.
    pub fn allow_alternate_schemes(mut self, networks: &str) -> Result<Self, StartError> {
        self.gateways = Networks::parse(networks)?;
        Ok(self)
    }

    /// The certificates of `https` addresses. Their files are watched: new ones are used for new
    /// connections as soon as they are there and valid. Each site says for itself which protocols
    /// it speaks.
    ///
    /// Without this, `https` is served on localhost alone, with the development certificate of
    /// the user (`lanner dev-certs`).
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds a feature that every request finds by its type.
    #[must_use]
    pub fn feature<F: Any + Send + Sync>(mut self, feature: F) -> Self {
        self.features = self.features.with(feature);
        self
    }

    /// Starts the server and returns once it accepts connections. Every shard gets a clone of
    /// the application.
    ///
    /// # Errors
    ///
    /// [`StartError`], one line with what to do; nothing stays bound.
    pub fn start<A>(self, application: A) -> Result<RunningServer, StartError>
    where
        A: Application + Clone + Send + 'static,
    {
        self.limits.validate()?;
        let endpoints = if self.endpoints.is_empty() {
            Endpoint::parse_list(DEFAULT_URL)?
        } else {
            self.endpoints
        };
        if self.steering == Steering::ReceivingCpu && self.reuse_port {
            return Err(SteeringError::SharedPort.into());
        }
        let tls = secure::settings(&endpoints, self.tls, self.protocols)?;
        let tls = tls.map(Loaded::read).transpose()?;
        let cpus = place(self.shards)?;
        let count = NonZeroUsize::new(cpus.len()).unwrap_or(NonZeroUsize::MIN);
        let options = BindOptions {
            backlog: DEFAULT_BACKLOG,
            reuse_port: self.reuse_port,
            shards: count,
        };
        let BoundListeners {
            per_shard,
            addresses,
            notes,
            files,
        } = net::bind(&endpoints, options)?;
        if self.steering == Steering::ReceivingCpu {
            net::steer_by_cpu(&per_shard, &cpus)?;
        }
        for note in &notes {
            journal::say_directly(&mut io::stderr(), note);
        }
        // Ahead of the executors, which would panic.
        ring::try_out()?;
        let journal = Journal::start()?;
        let shards = cpus.len();
        let mut launcher = Launcher {
            limits: of_one_shard(self.limits, count),
            server_field: self.server_field,
            protocols: self.protocols,
            gateways: self.gateways,
            cpus,
            shell: self.shell,
            journal: journal.clone(),
            application,
        };
        let launch = move |roster: &Roster, index| launcher.launch(roster, index);
        let roster = Roster::new(per_shard, journal.clone(), launch);
        // From here on an error drops what was made, and that ends it.
        let mut running = RunningServer::new(roster.clone(), files, journal);
        let facts = (0..shards).map(|index| roster.launch(index));
        let facts = facts
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| locked_memory::explained(error, count.get(), self.shell))?;
        let addresses = ServerAddresses::new(addresses.iter().map(ToString::to_string).collect());
        let features = self.features.with_facts(addresses, Shards::new(facts));
        running.serve(features, tls)?;
        Ok(running)
    }

    /// Starts the server, says on standard output where it listens, and serves until SIGINT,
    /// SIGTERM or SIGHUP; then lets requests finish for up to 30 seconds. A second signal ends it at once.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start), [`StartError::ShardEnded`] and [`StartError::CutOff`].
    pub fn run<A>(self, application: A) -> Result<(), StartError>
    where
        A: Application + Clone + Send + 'static,
    {
        let signals = super::signals::Signals::install()?;
        let server = self.start(application)?;
        announce(&server);
        server.wait_for_signal(signals)
    }
}

/// Says where the server listens. An output that takes nothing is no reason not to serve.
fn announce(server: &RunningServer) {
    let mut output = io::stdout().lock();
    for address in server.addresses().iter() {
        let _ = writeln!(output, "Now listening on: {address}");
    }
    let _ = writeln!(output, "Application started. Press Ctrl+C to shut down.");
}

/// The CPU of each shard.
fn place(shards: ShardCount) -> Result<Vec<usize>, StartError> {
    let machine = Cpus::discover();
    let cpus = machine.place(shards);
    if cpus.len() > machine.shards_max() {
        return Err(StartError::TooManyShards {
            asked: cpus.len(),
            cpus: machine.mask().len(),
            max: machine.shards_max(),
        });
    }
    if cpus.len() > machine.mask().len() {
        let line = format_args!(
            "{} shards share {} usable CPUs, each of which does best with one; --shards auto \
             (ShardCount::Auto in a program) runs as many as are of use",
            cpus.len(),
            machine.mask().len()
        );
        journal::say_directly(&mut io::stderr(), line);
    }
    Ok(cpus)
}

/// The limits of one of so many shards.
fn of_one_shard(limits: Limits, count: NonZeroUsize) -> Limits {
    let part = |limit: Option<usize>| limit.map(|max| share(max, count));
    Limits {
        connections_max: part(limits.connections_max),
        upgraded_connections_max: part(limits.upgraded_connections_max),
        handlers_max: part(limits.handlers_max),
        ..limits
    }
}

/// One shard's part of a limit for the whole server, rounded up so that no shard gets nothing.
fn share(limit: usize, shards: NonZeroUsize) -> usize {
    limit.div_ceil(shards.get())
}
