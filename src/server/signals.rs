//! SIGINT, SIGTERM and SIGHUP, for the control thread.
//!
//! Owns the meaning of the signals: the first asks for a drain, any further one for the end. What a
//! drain is, the server's lifecycle knows. SIGPIPE needs no care here: the Rust runtime ignores it,
//! and sends say MSG_NOSIGNAL.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as SignalPipe};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Take no new work, finish what is under way, then end.
    Drain,
    /// End without waiting for anything.
    AtOnce,
}

/// The stop signals of this process.
///
/// While it lives they no longer end the process by themselves; nor do they after its drop, as the
/// previous handlers are not put back.
#[derive(Debug)]
pub(crate) struct Signals {
    pipe: SignalPipe,
    draining: bool,
}

impl Signals {
    /// Takes over SIGINT, SIGTERM and, unless it is ignored, SIGHUP: a terminal that goes away must
    /// not cut requests off.
    ///
    /// # Errors
    ///
    /// Those of the kernel when the handler or its pipe cannot be made (no descriptors left).
    pub(crate) fn install() -> io::Result<Self> {
        // `nohup` starts a program with SIGHUP ignored, so that it outlives its terminal.
        Self::with_hangup(!is_ignored(SIGHUP))
    }

    fn with_hangup(hangup: bool) -> io::Result<Self> {
        let all = [SIGINT, SIGTERM, SIGHUP];
        let taken = all.into_iter().filter(|signal| hangup || *signal != SIGHUP);
        Ok(Self {
            pipe: SignalPipe::new(taken)?,
            draining: false,
        })
    }

    /// Makes [`Signals::wait`] return from any thread.
    pub(crate) fn closer(&self) -> SignalsCloser {
        SignalsCloser(self.pipe.handle())
    }

    /// Blocks until a signal arrives. The first asks for a drain, later ones for the end at once;
    /// two of the same kind that come before this thread has run count as one. `None` once closed.
    pub(crate) fn wait(&mut self) -> Option<Stop> {
        loop {
            let signal = self.pipe.forever().next()?;
            if !std::mem::replace(&mut self.draining, true) {
                return Some(Stop::Drain);
            }
            // A terminal that closes may say so twice: nobody asks for haste by it.
            if signal != SIGHUP {
                return Some(Stop::AtOnce);
            }
        }
    }
}

/// Whether the process was started so that a signal does nothing. Where that cannot be read, not.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    // The lowest bit is signal 1.
    u32::try_from(signal - 1)
        .ok()
        .and_then(|bit| ignored.checked_shr(bit))
        .is_some_and(|mask| mask & 1 == 1)
}

/// Ends the waiting for signals, once a server has ended for another reason.
#[derive(Clone, Debug)]
pub(crate) struct SignalsCloser(Handle);

impl SignalsCloser {
    /// Closes the [`Signals`] that this came from.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::thread;

    use signal_hook::low_level::raise;

    use super::*;

    // One test, because signals are the process's.
    #[test]
    fn the_first_signal_drains_and_the_second_ends() {
        let mut signals = Signals::with_hangup(true).unwrap();
        raise(SIGTERM).unwrap();
        assert_eq!(signals.wait(), Some(Stop::Drain));
        raise(SIGTERM).unwrap();
        assert_eq!(signals.wait(), Some(Stop::AtOnce));
        raise(SIGINT).unwrap();
        assert_eq!(signals.wait(), Some(Stop::AtOnce));

        raise(SIGHUP).unwrap();
        let closer = signals.closer();
        let waiter = thread::spawn(move || signals.wait());
        closer.close();
        assert_eq!(waiter.join().unwrap(), None);

        // A server that starts afterwards begins anew.
        let mut signals = Signals::with_hangup(true).unwrap();
        raise(SIGHUP).unwrap();
        assert_eq!(signals.wait(), Some(Stop::Drain));
    }
}
