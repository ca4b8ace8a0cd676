//! The process that makes the connections: one thread, one epoll, so many exchanges under way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustls::ClientConfig;

use super::ConnectionsArgs;
use super::exchange::{Exchange, Fault, Progress};
use crate::load::{Errors, Handshakes, Latency, Load};
use crate::mode::PATH;
use crate::stats::percentile;
use crate::tls::client;
use crate::tls::sessions::Sessions;

/// How long a connection may take.
const LIMIT: Duration = Duration::from_secs(2);
/// How often connections are looked at that take too long.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// Connections by which a server may provide the sessions that are to be resumed.
const PRIMING_MAX: u32 = 4096;

/// Loads the server and prints the figures as a line of JSON.
pub(crate) fn run(args: &ConnectionsArgs) -> Result<()> {
    let sessions = args.resumed.then(|| Arc::new(Sessions::collecting()));
    let config = match (args.tls, &args.certificate) {
        (Some(version), Some(certificate)) => {
            Some(client::repeated(version, certificate, sessions.clone())?)
        }
        _ => None,
    };
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        args.address
    );
    let mut client = Client {
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        address: args.address,
        config,
        request: request.into_bytes(),
        exchanges: Vec::new(),
        counted: Counted::default(),
    };
    if let Some(sessions) = sessions {
        client.prime(&sessions, args.in_flight)?;
    }
    let load = client.load(args.in_flight, Duration::from_secs(args.seconds.into()))?;
    println!("{}", serde_json::to_string(&load)?);
    Ok(())
}

/// What the exchanges have come to so far.
#[derive(Default)]
struct Counted {
    requests: u64,
    errors: Errors,
    handshakes: Handshakes,
    times_us: Vec<u32>,
    told: bool,
}

struct Client {
    epoll: rustix::fd::OwnedFd,
    address: SocketAddr,
    config: Option<Arc<ClientConfig>>,
    request: Vec<u8>,
    /// By the number that epoll knows them by.
    exchanges: Vec<Option<Exchange>>,
    counted: Counted,
}

impl Client {
    /// Makes connections one by one until there are sessions for all that are to be under way.
    fn prime(&mut self, sessions: &Sessions, in_flight: u32) -> Result<()> {
        for _ in 0..PRIMING_MAX {
            self.counted = Counted::default();
            self.exchanges = Vec::from([None]);
            self.begin(0);
            while self.exchanges.iter().any(Option::is_some) {
                self.turn()?;
            }
            ensure!(
                self.counted.requests == 1,
                "a connection without a session fails"
            );
            if sessions.suffice(in_flight as usize) {
                sessions.open();
                return Ok(());
            }
        }
        anyhow::bail!("the server gives no sessions to resume")
    }

    /// Keeps `in_flight` connections under way for `duration`.
    fn load(mut self, in_flight: u32, duration: Duration) -> Result<Load> {
        self.counted = Counted::default();
        self.exchanges = (0..in_flight).map(|_| None).collect();
        let began = Instant::now();
        loop {
            for number in 0..self.exchanges.len() {
                if matches!(self.exchanges.get(number), Some(None)) {
                    self.begin(number);
                }
            }
            self.turn()?;
            let elapsed = began.elapsed();
            if elapsed >= duration {
                return Ok(self.counted.load(elapsed, self.config.is_some()));
            }
        }
    }

    /// Opens connection `number`; one that fails is opened again with the next turn.
    fn begin(&mut self, number: usize) {
        let begun = Exchange::begin(self.address, self.config.as_ref(), &self.request);
        match begun.and_then(|exchange| {
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&self.epoll, &exchange, data, epoll::EventFlags::IN)
                .map_err(|error| Fault::Connect(error.into()))?;
            Ok(exchange)
        }) {
            Ok(exchange) => {
                if let Some(place) = self.exchanges.get_mut(number) {
                    *place = Some(exchange);
                }
            }
            Err(fault) => self.counted.fail(&fault),
        }
    }

    /// Waits for something to read and goes on with those connections. A socket leaves the epoll
    /// when it is closed, which it is with its exchange.
    fn turn(&mut self) -> Result<()> {
        let mut events = Vec::with_capacity(self.exchanges.len().max(1));
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for answers"),
        }
        for event in &events {
            let number = usize::try_from(event.data.u64())?;
            let Some(place) = self.exchanges.get_mut(number) else {
                continue;
            };
            let Some(exchange) = place else { continue };
            match exchange.receive() {
                Ok(Progress::Waiting) => {}
                Ok(Progress::Done) => {
                    self.counted.succeed(exchange);
                    *place = None;
                }
                Err(fault) => {
                    self.counted.fail(&fault);
                    *place = None;
                }
            }
        }
        if events.is_empty() {
            self.give_up();
        }
        Ok(())
    }

    /// Ends the connections that take too long.
    fn give_up(&mut self) {
        let late = |exchange: &Exchange| exchange.began().elapsed() > LIMIT;
        for place in &mut self.exchanges {
            if place.as_ref().is_some_and(late) {
                *place = None;
                self.counted.errors.timeout += 1;
            }
        }
    }
}

impl Counted {
    fn succeed(&mut self, exchange: &Exchange) {
        self.requests += 1;
        let micros = exchange.began().elapsed().as_micros();
        self.times_us
            .push(u32::try_from(micros).unwrap_or(u32::MAX));
        if let Some(tls) = exchange.tls() {
            let handshakes = &mut self.handshakes;
            if exchange.resumed() {
                handshakes.resumed += 1;
            } else {
                handshakes.full += 1;
            }
            handshakes.tickets += u64::from(tls.tls13_tickets_received());
            handshakes.unclean += u64::from(!exchange.ended_clean());
        }
    }

    fn fail(&mut self, fault: &Fault) {
        // The first says what the others are likely to be; a line for each would be a flood.
        if !self.told {
            eprintln!("the first failure: {fault}");
            self.told = true;
        }
        let errors = &mut self.errors;
        *match fault {
            Fault::Connect(_) => &mut errors.connect,
            Fault::Read(_) => &mut errors.read,
            Fault::Write(_) => &mut errors.write,
            Fault::Status(_) => &mut errors.status,
            Fault::Tls(_) | Fault::Malformed => &mut errors.protocol,
        } += 1;
    }

    fn load(mut self, elapsed: Duration, is_tls: bool) -> Load {
        self.times_us.sort_unstable();
        let at = |share| percentile(&self.times_us, share).map(f64::from);
        let latency = at(0.5).zip(at(0.99)).zip(at(0.999));
        Load {
            requests: self.requests,
            duration_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            latency: latency.map(|((p50_us, p99_us), p999_us)| Latency {
                p50_us,
                p99_us,
                p999_us,
            }),
            errors: self.errors,
            client_waited: 0.0,
            handshakes: is_tls.then_some(self.handshakes),
        }
    }
}
