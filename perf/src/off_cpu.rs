//! Where a thread is while it does not run: asleep, or ready and without a CPU.
//!
//! Owns the reading of the scheduler's tracepoints as the life of one thread. A thread that slept is
//! ready from its wake-up on; one that was pushed off its CPU is ready at once.

use std::fmt;

use crate::flame::Flames;
use crate::samples::{Frame, Sample};

/// One thread's time, from its first to its last change.
#[derive(Debug)]
pub(crate) struct Life {
    thread: u64,
    began: Option<f64>,
    last: f64,
    state: State,
    running: f64,
    asleep: f64,
    /// Seconds that it was ready before it ran, one for each time.
    delays: Vec<f64>,
    sleeps: usize,
    pushed_off: usize,
    /// Chains of where it slept, by seconds.
    pub(crate) sleeping: Flames,
}

#[derive(Debug)]
enum State {
    Unknown,
    Running { since: f64 },
    Asleep { since: f64, frames: Vec<Frame> },
    Ready { since: f64 },
}

impl Life {
    /// Of a thread of which nothing is known yet.
    pub(crate) fn new(thread: u64) -> Self {
        Self {
            thread,
            began: None,
            last: 0.0,
            state: State::Unknown,
            running: 0.0,
            asleep: 0.0,
            delays: Vec::new(),
            sleeps: 0,
            pushed_off: 0,
            sleeping: Flames::default(),
        }
    }

    /// Takes the next event of any thread.
    pub(crate) fn add(&mut self, sample: Sample) {
        let now = sample.time;
        let number = |name: &str| value(&sample.trace, name)?.parse::<u64>().ok();
        let state = match sample.event.as_str() {
            "sched:sched_switch" if number("next_pid") == Some(self.thread) => {
                State::Running { since: now }
            }
            "sched:sched_switch" if number("prev_pid") == Some(self.thread) => {
                if value(&sample.trace, "prev_state").is_some_and(|state| state.starts_with('R')) {
                    self.pushed_off += 1;
                    State::Ready { since: now }
                } else {
                    self.sleeps += 1;
                    State::Asleep {
                        since: now,
                        frames: sample.frames,
                    }
                }
            }
            "sched:sched_waking" | "sched:sched_wakeup"
                if number("pid") == Some(self.thread)
                    && matches!(self.state, State::Asleep { .. }) =>
            {
                State::Ready { since: now }
            }
            _ => return,
        };
        self.enter(state, now);
    }

    fn enter(&mut self, state: State, now: f64) {
        match std::mem::replace(&mut self.state, state) {
            State::Unknown => {}
            State::Running { since } => self.running += now - since,
            State::Ready { since } => self.delays.push(now - since),
            State::Asleep { since, frames } => {
                self.asleep += now - since;
                self.sleeping.add(&frames, now - since);
            }
        }
        self.began.get_or_insert(now);
        self.last = now;
    }
}

/// The value behind `name=`, as a whole word.
fn value<'a>(trace: &'a str, name: &str) -> Option<&'a str> {
    trace
        .split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(began) = self.began else {
            return writeln!(f, "the thread has neither slept nor run");
        };
        let all = (self.last - began).max(f64::MIN_POSITIVE);
        let waited: f64 = self.delays.iter().sum();
        let mut line = |name: &str, seconds: f64, what: String| {
            let share = seconds / all * 100.0;
            writeln!(f, "  {name:<16} {seconds:8.3} s  {share:5.1}%   {what}")
        };
        line("on CPU", self.running, String::new())?;
        line("asleep", self.asleep, format!("{} times", self.sleeps))?;
        line(
            "waiting for CPU",
            waited,
            format!(
                "{} times, pushed off {}",
                self.delays.len(),
                self.pushed_off
            ),
        )?;
        let mut delays = self.delays.clone();
        delays.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (delays.len() as f64 * share) as usize;
            let delay = delays.get(index.min(delays.len().saturating_sub(1)));
            delay.copied().unwrap_or(0.0) * 1e6
        };
        writeln!(
            f,
            "  from wake-up to running, in microseconds: median {:.0}, p99 {:.0}, longest {:.0}",
            at(0.5),
            at(0.99),
            at(1.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Life, Sample};

    fn event(time: f64, event: &str, trace: &str) -> Sample {
        Sample {
            time,
            event: format!("sched:{event}"),
            trace: trace.to_owned(),
            frames: Vec::new(),
        }
    }

    #[test]
    fn sleep_delay_and_run_are_told_apart() {
        let mut life = Life::new(7);
        for sample in [
            event(
                1.0,
                "sched_switch",
                "prev_pid=0 prev_state=R ==> next_pid=7",
            ),
            event(
                2.0,
                "sched_switch",
                "prev_pid=7 prev_state=S ==> next_pid=0",
            ),
            event(4.0, "sched_waking", "comm=lanner-0 pid=7 prio=120"),
            event(4.1, "sched_wakeup", "comm=lanner-0 pid=7 prio=120"),
            event(
                4.5,
                "sched_switch",
                "prev_pid=9 prev_state=R+ ==> next_pid=7",
            ),
            event(
                5.0,
                "sched_switch",
                "prev_pid=7 prev_state=R+ ==> next_pid=9",
            ),
            event(
                5.5,
                "sched_switch",
                "prev_pid=9 prev_state=S ==> next_pid=7",
            ),
            event(5.6, "sched_waking", "comm=other pid=77 prio=120"),
        ] {
            life.add(sample);
        }
        assert!((life.running - 1.5).abs() < 1e-9);
        assert!((life.asleep - 2.0).abs() < 1e-9);
        assert_eq!((life.sleeps, life.pushed_off), (1, 1));
        assert_eq!(life.delays.len(), 2);
        assert!(life.to_string().contains("median 500000"), "{life}");
    }
}
