//! The process that sends at a rate: one thread that never sleeps, as it has its core for itself.
//!
//! Requests are due at random times (a Poisson process: what many clients that know nothing of each
//! other come to), the same ones for every server. One that finds no connection free waits for one,
//! and that time counts.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use super::connection::{Connection, Fault};
use super::{PacedArgs, PacedLoad};
use crate::load::{Errors, Latency, Load};
use crate::mode::PATH;
use crate::stats::percentile;

/// How long answers are waited for when no more requests are due.
const LAST: Duration = Duration::from_secs(2);
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};
/// Where the random times begin; any other number would do as well.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// Loads the server and prints the figures as a line of JSON.
pub(crate) fn run(args: &PacedArgs) -> Result<()> {
    let mut client = Client::connect(args.address, args.connections)?;
    let began = Instant::now();
    let end = began + Duration::from_secs(args.seconds.into());
    let mut arrivals = Arrivals::new(began, args.rate);
    while Instant::now() < end {
        client.turn(&mut arrivals, end)?;
    }
    let elapsed = began.elapsed();
    let last = Instant::now() + LAST;
    while client.is_waiting() && Instant::now() < last {
        client.turn(&mut arrivals, end)?;
    }
    println!("{}", serde_json::to_string(&client.paced(elapsed))?);
    Ok(())
}

/// When requests are due.
struct Arrivals {
    next: Instant,
    mean: f64,
    state: u64,
}

impl Arrivals {
    fn new(began: Instant, rate: u32) -> Self {
        Self {
            next: began,
            mean: 1.0 / f64::from(rate),
            state: SEED,
        }
    }

    /// When the next one is due, if that is before `now`.
    fn due(&mut self, now: Instant) -> Option<Instant> {
        if self.next > now {
            return None;
        }
        let due = self.next;
        // Times between events that know nothing of each other are exponential.
        let pause = -self.uniform().ln() * self.mean;
        self.next += Duration::from_secs_f64(pause);
        Some(due)
    }

    /// A number above 0 and up to 1 (xorshift64*).
    fn uniform(&mut self) -> f64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        (bits as f64 + 1.0) / (1_u64 << 53) as f64
    }
}

struct Client {
    epoll: rustix::fd::OwnedFd,
    request: Vec<u8>,
    connections: Vec<Option<Connection>>,
    /// Connections without a request under way.
    free: VecDeque<usize>,
    /// Requests that are due and found no connection free.
    queued: VecDeque<Instant>,
    under_way: usize,
    times_ns: Vec<u64>,
    late_ns: Vec<u64>,
    errors: Errors,
}

impl Client {
    fn connect(address: SocketAddr, count: u32) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::new();
        for number in 0..count {
            let connection = Connection::open(address).context("connecting")?;
            let data = epoll::EventData::new_u64(number.into());
            epoll::add(&epoll, &connection, data, epoll::EventFlags::IN)?;
            connections.push(Some(connection));
        }
        Ok(Self {
            epoll,
            request: format!("GET {PATH} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes(),
            free: (0..connections.len()).collect(),
            connections,
            queued: VecDeque::new(),
            under_way: 0,
            times_ns: Vec::new(),
            late_ns: Vec::new(),
            errors: Errors::default(),
        })
    }

    fn is_waiting(&self) -> bool {
        self.under_way > 0 || !self.queued.is_empty()
    }

    /// Sends what is due before `end`, and takes what has come.
    fn turn(&mut self, arrivals: &mut Arrivals, end: Instant) -> Result<()> {
        while let Some(due) = arrivals.due(Instant::now().min(end)) {
            if self.queued.is_empty() && !self.free.is_empty() {
                // It waits for nothing but this client.
                let late = due.elapsed().as_nanos();
                self.late_ns.push(u64::try_from(late).unwrap_or(u64::MAX));
            }
            self.queued.push_back(due);
            self.send();
        }
        let mut events = Vec::with_capacity(self.connections.len());
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&AT_ONCE)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for answers"),
        }
        for event in &events {
            self.receive(usize::try_from(event.data.u64())?);
        }
        Ok(())
    }

    /// Sends the request that has waited longest, if a connection is free.
    fn send(&mut self) {
        while let (Some(number), Some(due)) = (self.free.front(), self.queued.front()) {
            let (number, due) = (*number, *due);
            self.free.pop_front();
            // One that the server has closed meanwhile is gone.
            let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
                continue;
            };
            self.queued.pop_front();
            self.under_way += 1;
            if let Err(fault) = connection.send(&self.request, due) {
                self.fail(number, &fault);
            }
            return;
        }
    }

    fn receive(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        match connection.receive() {
            Ok(None) => {}
            Ok(Some(due)) => {
                let time = due.elapsed().as_nanos();
                self.times_ns.push(u64::try_from(time).unwrap_or(u64::MAX));
                self.under_way -= 1;
                self.free.push_back(number);
                self.send();
            }
            Err(fault) => self.fail(number, &fault),
        }
    }

    /// Gives a connection up. Its request is an error, and the others have to do.
    fn fail(&mut self, number: usize, fault: &Fault) {
        // The first says what the others are likely to be; a line for each would be a flood.
        if self.errors == Errors::default() {
            eprintln!("the first failure: {fault}");
        }
        let place = self.connections.get_mut(number).and_then(Option::take);
        if place.is_some_and(|connection| connection.is_busy()) {
            self.under_way -= 1;
        }
        *match fault {
            Fault::Socket(_) => &mut self.errors.read,
            Fault::Status(_) => &mut self.errors.status,
            Fault::Malformed => &mut self.errors.protocol,
        } += 1;
    }

    fn paced(mut self, elapsed: Duration) -> PacedLoad {
        self.times_ns.sort_unstable();
        self.late_ns.sort_unstable();
        self.errors.timeout += (self.under_way + self.queued.len()) as u64;
        let at =
            |sorted: &[u64], share| percentile(sorted, share).map_or(0.0, |time| time as f64 / 1e3);
        PacedLoad {
            load: Load {
                requests: self.times_ns.len() as u64,
                duration_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
                latency: Some(Latency {
                    p50_us: at(&self.times_ns, 0.5),
                    p99_us: at(&self.times_ns, 0.99),
                    p999_us: at(&self.times_ns, 0.999),
                }),
                errors: self.errors,
                client_waited: 0.0,
                handshakes: None,
            },
            late_p99_us: at(&self.late_ns, 0.99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_the_rate_and_in_order() {
        let began = Instant::now();
        let mut arrivals = Arrivals::new(began, 10_000);
        let mut last = began;
        let mut count = 0;
        while let Some(due) = arrivals.due(began + Duration::from_secs(10)) {
            assert!(due >= last);
            last = due;
            count += 1;
        }
        // 100,000 are expected; the deviation of a Poisson process is its root.
        assert!((98_000..102_000).contains(&count), "{count}");
        assert_eq!(arrivals.due(last), None);
    }
}
