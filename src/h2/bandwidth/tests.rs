//! The estimate by itself, and over a simulated link.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const INITIAL: u32 = 768 * 1024;
const MAX: u32 = 16 * 1024 * 1024;

/// When a connection announces what was consumed: at a quarter of the window.
fn update_due(bandwidth: Bandwidth, consumed: u32) -> bool {
    consumed > 0 && consumed >= bandwidth.window() / 4
}

#[test]
fn grows_only_when_the_window_limits() {
    for (sample, grown) in [
        (0, None),
        (100, None),
        (200, None),
        (201, Some(600)),
        (300, Some(600)),
        (10_000, Some(600)),
        (usize::MAX, Some(600)),
    ] {
        let mut bandwidth = Bandwidth::new(300, 5_000);
        bandwidth.received(150);
        assert!(bandwidth.probe_due());
        bandwidth.probe_sent();
        assert!(!bandwidth.probe_due());
        bandwidth.received(sample);
        assert!(!bandwidth.probe_due(), "one is under way");
        assert_eq!(bandwidth.probe_answered(), grown, "{sample}");
        assert_eq!(bandwidth.window(), grown.unwrap_or(300));
        assert_eq!(bandwidth.probe_answered(), None, "{sample}");
        assert!(!bandwidth.probe_due(), "DATA counts anew");
    }
}

#[test]
fn fruitless_probes_are_set_further_apart() {
    let mut bandwidth = Bandwidth::new(200, 5_000);
    for spacing in [100, 200, 400, 800, 1_600, 1_600, 1_600] {
        bandwidth.received(spacing - 1);
        assert!(!bandwidth.probe_due(), "{spacing}");
        bandwidth.received(1);
        assert!(bandwidth.probe_due(), "{spacing}");
        bandwidth.probe_sent();
        bandwidth.received(20);
        assert_eq!(bandwidth.probe_answered(), None);
    }
    bandwidth.received(1_600);
    bandwidth.probe_sent();
    bandwidth.received(200);
    assert_eq!(bandwidth.probe_answered(), Some(400));
    // What bore fruit is repeated at once.
    bandwidth.received(200);
    assert!(bandwidth.probe_due());
}

#[test]
fn a_probe_is_due_after_half_a_window() {
    let mut bandwidth = Bandwidth::new(300, 600);
    assert!(!bandwidth.probe_due());
    bandwidth.received(149);
    assert!(!bandwidth.probe_due());
    bandwidth.received(1);
    assert!(bandwidth.probe_due());
    bandwidth.probe_sent();
    bandwidth.received(300);
    assert_eq!(bandwidth.probe_answered(), Some(600));
    // At the maximum there is nothing to find out.
    bandwidth.received(usize::MAX);
    assert!(!bandwidth.probe_due());
    let mut fixed = Bandwidth::new(300, 300);
    fixed.received(1_000);
    assert!(!fixed.probe_due());
    let mut beyond = Bandwidth::new(300, 100);
    beyond.received(1_000);
    assert!(!beyond.probe_due());
    beyond.probe_sent();
    beyond.received(1_000);
    assert_eq!(beyond.probe_answered(), None);
    assert_eq!(beyond.window(), 300);
}

#[test]
fn a_probe_is_told_from_other_pings() {
    // Eight zeros are what keep-alive PINGs of other servers carry.
    assert_ne!(PROBE, [0; 8]);
}

#[test]
fn the_last_step_ends_at_the_maximum() {
    let mut bandwidth = Bandwidth::new(u32::MAX / 2 - 10, i32::MAX as u32);
    bandwidth.probe_sent();
    bandwidth.received(usize::MAX);
    assert_eq!(bandwidth.probe_answered(), Some(i32::MAX as u32));
}

/// A sender with endless DATA, a link that carries a frame of `rate` bytes a tick and takes `delay`
/// ticks each way, and a receiver that consumes what it gets.
struct Link {
    rate: u32,
    delay: u64,
    bandwidth: Bandwidth,
    now: u64,
    /// The sender's window.
    credit: u32,
    /// On the way to the receiver: when it arrives, and DATA or the answer to a probe.
    down: VecDeque<(u64, Option<u32>)>,
    /// On the way to the sender: when it arrives, and an increment or a probe.
    up: VecDeque<(u64, Option<u32>)>,
    /// Consumed, and not given back yet.
    consumed: u32,
    probes: u32,
}

impl Link {
    fn new(rate: u32, delay: u64, initial: u32, max: u32) -> Self {
        Self {
            rate,
            delay,
            bandwidth: Bandwidth::new(initial, max),
            now: 0,
            credit: initial,
            down: VecDeque::new(),
            up: VecDeque::new(),
            consumed: 0,
            probes: 0,
        }
    }

    fn window(&self) -> u32 {
        self.bandwidth.window()
    }

    /// What the link holds in a round trip.
    fn product(&self) -> u32 {
        self.rate * self.delay as u32 * 2
    }

    /// One tick; the bytes that arrived in it.
    fn tick(&mut self) -> u32 {
        self.now += 1;
        while let Some((_, signal)) = self.up.pop_front_if(|(at, _)| *at <= self.now) {
            match signal {
                Some(increment) => self.credit += increment,
                // Answers go before DATA.
                None => self.down.push_back((self.now + self.delay, None)),
            }
        }
        let sent = self.rate.min(self.credit);
        if sent > 0 {
            self.credit -= sent;
            self.down.push_back((self.now + self.delay, Some(sent)));
        }
        let mut arrived = 0;
        while let Some((_, signal)) = self.down.pop_front_if(|(at, _)| *at <= self.now) {
            match signal {
                Some(bytes) => {
                    arrived += bytes;
                    self.receive(bytes);
                }
                None => {
                    let before = self.window();
                    if let Some(window) = self.bandwidth.probe_answered() {
                        self.reply(Some(window - before));
                    }
                }
            }
        }
        arrived
    }

    fn receive(&mut self, bytes: u32) {
        self.bandwidth.received(bytes as usize);
        self.consumed += bytes;
        if update_due(self.bandwidth, self.consumed) {
            let increment = std::mem::take(&mut self.consumed);
            self.reply(Some(increment));
        }
        if self.bandwidth.probe_due() {
            self.bandwidth.probe_sent();
            self.probes += 1;
            self.reply(None);
        }
    }

    fn reply(&mut self, signal: Option<u32>) {
        self.up.push_back((self.now + self.delay, signal));
    }

    /// Lets a hundred round trips pass; how many percent of what the link can carry arrived in
    /// the second half of them.
    fn settle(&mut self) -> u64 {
        let ticks = 50 * self.delay * 2;
        for _ in 0..ticks {
            self.tick();
        }
        let arrived: u64 = (0..ticks).map(|_| u64::from(self.tick())).sum();
        arrived * 100 / (u64::from(self.rate) * ticks)
    }
}

#[test]
fn reaches_the_product_of_bandwidth_and_delay() {
    // With ticks of 16 us: 8 Gbit/s, 1 Gbit/s and 100 Mbit/s; round trips of 2, 20 and 100 ms.
    for rate in [16_384, 2_048, 205] {
        for delay in [62, 625, 3_125] {
            let mut link = Link::new(rate, delay, INITIAL, MAX);
            let (percent, product) = (link.settle(), link.product());
            let window = link.window();
            let context = format!("product {product}: window {window}, {percent} %");
            if window == MAX {
                let share = u64::from(MAX) * 100 / u64::from(product);
                assert!(percent >= share.min(100) * 3 / 4, "{context}");
            } else {
                assert!(window >= product, "{context}");
                // Less than a product and a half doubles once more.
                assert!(window <= (product * 3).max(INITIAL), "{context}");
                assert!(percent >= 99, "{context}");
            }
        }
    }
}

#[test]
fn a_fixed_window_does_not_reach_it() {
    let mut fixed = Link::new(2_048, 625, INITIAL, INITIAL);
    let mut growing = Link::new(2_048, 625, INITIAL, MAX);
    assert!(fixed.settle() < 35);
    assert_eq!(fixed.probes, 0);
    assert_eq!(fixed.window(), INITIAL);
    assert!(growing.settle() >= 99);
}

#[test]
fn a_slow_link_never_grows_it() {
    // Up to two thirds of the window in a round trip.
    for (rate, delay) in [(1, 100), (10, 1_000), (200, 62), (200, 1_200), (8_192, 31)] {
        let mut link = Link::new(rate, delay, INITIAL, MAX);
        assert!(link.product() < INITIAL / 3 * 2);
        assert!(link.settle() >= 99);
        assert_eq!(link.window(), INITIAL, "{rate} a tick, {delay} ticks");
        // The first few close together, then one in eight windows.
        let windows = u64::from(rate) * link.now / u64::from(INITIAL);
        assert!(u64::from(link.probes) <= 4 + windows / 8, "{}", link.probes);
    }
}

/// A handler that reads slowly is no reason for a larger window.
#[test]
fn a_slow_reader_never_grows_it() {
    let mut bandwidth = Bandwidth::new(INITIAL, MAX);
    // The peer has the whole window under way before a byte of it is read, then gets back a
    // quarter in each round trip.
    bandwidth.received(INITIAL as usize);
    for _ in 0..100 {
        if bandwidth.probe_due() {
            bandwidth.probe_sent();
        }
        bandwidth.received(INITIAL as usize / 4);
        assert_eq!(bandwidth.probe_answered(), None);
    }
}

proptest! {
    /// Whatever the caller and the peer do, in whatever order.
    #[test]
    fn stays_between_start_and_maximum(
        initial in 1_u32..1_000_000,
        max in 1_u32..=i32::MAX as u32,
        steps in prop::collection::vec((0_u8..3, 0_usize..4_000_000), 0..100),
    ) {
        let mut bandwidth = Bandwidth::new(initial, max);
        for (step, bytes) in steps {
            let before = bandwidth.window();
            match step {
                0 => bandwidth.received(bytes),
                1 if bandwidth.probe_due() => bandwidth.probe_sent(),
                1 => {}
                _ => {
                    let grown = bandwidth.probe_answered();
                    prop_assert_eq!(bandwidth.window(), grown.unwrap_or(before));
                    prop_assert!(grown.is_none_or(|grown| grown > before));
                }
            }
            prop_assert!(bandwidth.window() >= before);
            prop_assert!(bandwidth.window() <= max.max(initial));
            prop_assert!(bandwidth.window() <= before.saturating_mul(2));
        }
    }
}
