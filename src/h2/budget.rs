//! What a peer may do that costs it little and the server more.
//!
//! A peer is judged by what it wastes beside what it makes of use, not by its speed: what goes out,
//! what handlers read and what was answered earns the frames that come with it, up to a maximum
//! that can be saved. What is not earned counts within a window of time.
//!
//! Owns the counts of one connection, and what earns what. The limits are settings; what a passed
//! one means is in the violation's name.

use super::error::{ConnectionError, Violation};
use crate::limits::{
    EMPTY_DATA_EARNED_MAX, FLOOD_WINDOW_MS, FloodLimits, PINGS_EARNED_MAX, PRIORITIES_EARNED_MAX,
    RESETS_EARNED_MAX, TINY_DATA_EARNED_MAX, UNWANTED_EARNED_MAX, WINDOW_UPDATES_EARNED_MAX,
};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cheap {
    /// A stream was reset by the peer before its answer, or by us for the peer's mistake.
    Reset,
    /// A SETTINGS frame.
    Settings,
    /// A PING frame.
    Ping,
    /// A PRIORITY, PRIORITY_UPDATE or unknown frame.
    Priority,
    /// A DATA frame without content that does not end its stream.
    EmptyData,
    /// A WINDOW_UPDATE frame.
    WindowUpdate,
    /// A DATA frame with next to no content that does not end its stream.
    TinyData,
    /// A frame that nothing comes of: of a stream that is closed or was refused, or said twice.
    Unwanted,
}

const KINDS: usize = 8;

/// What the work of a connection earns of one kind, in parts of a frame.
#[derive(Clone, Copy, Debug, Default)]
struct Wage {
    /// Parts that make one.
    parts: u32,
    /// For each DATA frame that went out.
    frame: u32,
    /// For each [`SENT_PIECE`] bytes of DATA that went out.
    sent: u32,
    /// For each [`READ_PIECE`] bytes of content that a handler has read.
    read: u32,
    /// For each request that was answered.
    answered: u32,
    /// Frames that may be saved.
    max: u32,
}

/// Bytes of DATA for which a peer may send a WINDOW_UPDATE or a PING: a quarter of what the smallest
/// windows in use have, and fifteen times the frame.
const SENT_PIECE: u64 = 256;

/// Bytes of content for which a peer may send a DATA frame: less than any message has in gRPC.
const READ_PIECE: u64 = 4;

impl Cheap {
    const ALL: [Self; KINDS] = [
        Self::Reset,
        Self::Settings,
        Self::Ping,
        Self::Priority,
        Self::EmptyData,
        Self::WindowUpdate,
        Self::TinyData,
        Self::Unwanted,
    ];

    const fn wage(self) -> Wage {
        const NONE: Wage = Wage {
            parts: 1,
            frame: 0,
            sent: 0,
            read: 0,
            answered: 0,
            max: 0,
        };
        match self {
            // Who flips through a map leaves some of what it asks for, and takes 4 KiB of others.
            Self::Reset => Wage {
                parts: 16,
                sent: 1,
                answered: 16,
                max: RESETS_EARNED_MAX,
                ..NONE
            },
            // An honest peer changes them some times in its life.
            Self::Settings => NONE,
            // Estimators of bandwidth send one with the first DATA after the last was answered.
            Self::Ping => Wage {
                frame: 1,
                sent: 1,
                max: PINGS_EARNED_MAX,
                ..NONE
            },
            // Some signals for each request, and unknown frames that keep others tolerant of them.
            Self::Priority => Wage {
                answered: 4,
                max: PRIORITIES_EARNED_MAX,
                ..NONE
            },
            // Some flush behind each message.
            Self::EmptyData => Wage {
                parts: 16,
                read: 1,
                max: EMPTY_DATA_EARNED_MAX,
                ..NONE
            },
            // One for the stream and one for the connection, or one for each piece from those that
            // read in small ones; and one for each new stream, from those that want a larger window.
            Self::WindowUpdate => Wage {
                frame: 2,
                sent: 1,
                answered: 1,
                max: WINDOW_UPDATES_EARNED_MAX,
                ..NONE
            },
            Self::TinyData => Wage {
                read: 1,
                max: TINY_DATA_EARNED_MAX,
                ..NONE
            },
            // A reset that crosses the end of the answer.
            Self::Unwanted => Wage {
                answered: 1,
                max: UNWANTED_EARNED_MAX,
                ..NONE
            },
        }
    }

    const fn allowance(self, limits: &FloodLimits) -> (u32, Violation) {
        match self {
            Self::Reset => (limits.resets_max, Violation::ResetFlood),
            Self::Settings => (limits.settings_max, Violation::SettingsFlood),
            Self::Ping => (limits.pings_max, Violation::PingFlood),
            Self::Priority => (limits.priorities_max, Violation::PriorityFlood),
            Self::EmptyData => (limits.empty_data_max, Violation::EmptyDataFlood),
            Self::WindowUpdate => (limits.window_updates_max, Violation::WindowUpdateFlood),
            Self::TinyData => (limits.tiny_data_max, Violation::TinyDataFlood),
            Self::Unwanted => (limits.unwanted_max, Violation::UnwantedFlood),
        }
    }
}

/// What a connection has done that is of use, in total.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    frames: u64,
    sent: u64,
    read: u64,
    answered: u64,
}

/// The counts of one connection.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// When the window began.
    since: u64,
    spent: [u32; KINDS],
    /// Parts of frames that were earned and are not used up.
    saved: [u32; KINDS],
    work: Work,
    /// What of it has been paid for.
    paid: Work,
}

impl Budget {
    /// Counts one, and fails when that is one too many.
    pub(super) fn charge(
        &mut self,
        cheap: Cheap,
        now: u64,
        limits: &FloodLimits,
    ) -> Result<(), ConnectionError> {
        if now.saturating_sub(self.since) >= FLOOD_WINDOW_MS {
            self.since = now;
            self.spent = [0; KINDS];
        }
        self.pay();
        let parts = cheap.wage().parts;
        let (max, violation) = cheap.allowance(limits);
        let kind = cheap as usize;
        let (Some(saved), Some(spent)) = (self.saved.get_mut(kind), self.spent.get_mut(kind))
        else {
            return Ok(());
        };
        if let Some(left) = saved.checked_sub(parts) {
            *saved = left;
            return Ok(());
        }
        *spent = spent.saturating_add(1);
        if *spent > max {
            Err(ConnectionError(violation))
        } else {
            Ok(())
        }
    }

    /// DATA went out. `frames` are those that were not cut short by a window: who opens it byte by
    /// byte earns by bytes alone.
    #[inline]
    pub(super) fn sent(&mut self, frames: u32, bytes: usize) {
        // What overflows is earned again, which takes longer than anybody lives.
        self.work.frames = self.work.frames.wrapping_add(u64::from(frames));
        self.work.sent = self.work.sent.wrapping_add(bytes as u64);
    }

    /// A handler has read content.
    pub(super) fn read(&mut self, bytes: u64) {
        self.work.read = self.work.read.wrapping_add(bytes);
    }

    /// So many requests have been answered on the connection.
    pub(super) fn answered(&mut self, total: u64) {
        self.work.answered = self.work.answered.max(total);
    }

    /// Adds what was earned since this was last called, as far as it may be saved.
    fn pay(&mut self) {
        let Work {
            frames,
            sent,
            read,
            answered,
        } = self.work;
        let done = |now: u64, paid: u64, piece: u64| now.wrapping_sub(paid) / piece;
        let frames = done(frames, self.paid.frames, 1);
        let sent = done(sent, self.paid.sent, SENT_PIECE);
        let read = done(read, self.paid.read, READ_PIECE);
        let answered = done(answered, self.paid.answered, 1);
        if frames | sent | read | answered == 0 {
            return;
        }
        // What is less than a piece counts the next time.
        self.paid = Work {
            frames: self.work.frames,
            sent: self.paid.sent.wrapping_add(sent * SENT_PIECE),
            read: self.paid.read.wrapping_add(read * READ_PIECE),
            answered: self.work.answered,
        };
        for (saved, cheap) in self.saved.iter_mut().zip(Cheap::ALL) {
            let wage = cheap.wage();
            let earned = [
                (frames, wage.frame),
                (sent, wage.sent),
                (read, wage.read),
                (answered, wage.answered),
            ];
            let earned = earned.into_iter().fold(0, |sum: u64, (count, wage)| {
                sum.saturating_add(count.saturating_mul(u64::from(wage)))
            });
            let max = wage.max.saturating_mul(wage.parts);
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            *saved = saved.saturating_add(earned).min(max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_budget_and_the_window_ends() {
        let limits = FloodLimits {
            pings_max: 2,
            settings_max: 1,
            ..FloodLimits::DEFAULT
        };
        let mut budget = Budget::default();
        let mut charge = |cheap, now| budget.charge(cheap, now, &limits).map_err(|e| e.0);
        assert_eq!(charge(Cheap::Ping, 0), Ok(()));
        assert_eq!(charge(Cheap::Settings, 0), Ok(()));
        assert_eq!(charge(Cheap::Ping, 4_999), Ok(()));
        assert_eq!(charge(Cheap::Ping, 4_999), Err(Violation::PingFlood));
        assert_eq!(
            charge(Cheap::Settings, 4_999),
            Err(Violation::SettingsFlood)
        );
        assert_eq!(charge(Cheap::Ping, 5_000), Ok(()));
        assert_eq!(charge(Cheap::Settings, 5_000), Ok(()));
    }

    /// How many of a kind pass before one too many.
    fn passing(budget: &mut Budget, cheap: Cheap) -> u32 {
        let limits = FloodLimits::DEFAULT;
        let mut passed = 0;
        while budget.charge(cheap, 0, &limits).is_ok() {
            passed += 1;
        }
        passed
    }

    #[test]
    fn the_kinds_stand_at_their_places() {
        for (place, cheap) in Cheap::ALL.into_iter().enumerate() {
            assert_eq!(cheap as usize, place);
        }
    }

    #[test]
    fn each_work_earns_what_comes_with_it() {
        let earned = |work: &dyn Fn(&mut Budget)| {
            Cheap::ALL.map(|cheap| {
                let mut budget = Budget::default();
                work(&mut budget);
                let (max, _) = cheap.allowance(&FloodLimits::DEFAULT);
                passing(&mut budget, cheap) - max
            })
        };
        // Reset, Settings, Ping, Priority, EmptyData, WindowUpdate, TinyData, Unwanted.
        assert_eq!(earned(&|_| {}), [0; KINDS]);
        assert_eq!(earned(&|it| it.sent(1, 8)), [0, 0, 1, 0, 0, 2, 0, 0]);
        assert_eq!(earned(&|it| it.sent(1, 4_096)), [1, 0, 17, 0, 0, 18, 0, 0]);
        assert_eq!(earned(&|it| it.read(64)), [0, 0, 0, 0, 1, 0, 16, 0]);
        assert_eq!(earned(&|it| it.answered(1)), [1, 0, 0, 4, 0, 1, 0, 1]);
    }

    #[test]
    fn small_pieces_add_up() {
        // A window that is opened byte by byte earns next to nothing.
        let mut budget = Budget::default();
        for _ in 0..SENT_PIECE {
            budget.sent(0, 1);
            budget.pay();
        }
        let (max, _) = Cheap::Ping.allowance(&FloodLimits::DEFAULT);
        assert_eq!(passing(&mut budget, Cheap::Ping), max + 1);
    }

    #[test]
    fn what_can_be_saved_is_bounded() {
        for cheap in Cheap::ALL {
            let mut budget = Budget::default();
            for _ in 0..3 {
                budget.sent(u32::MAX, usize::MAX / 4);
                budget.read(u64::MAX / 4);
                budget.answered(u64::MAX / 4);
                budget.pay();
            }
            let (max, _) = cheap.allowance(&FloodLimits::DEFAULT);
            let all = max + cheap.wage().max;
            assert_eq!(passing(&mut budget, cheap), all, "{cheap:?}");
            assert!(all <= 120_000, "{cheap:?}");
        }
    }

    #[test]
    fn what_was_answered_is_paid_once() {
        let mut budget = Budget::default();
        budget.answered(2);
        budget.pay();
        // Streams that begin and are left again make the total smaller for a while.
        budget.answered(1);
        budget.pay();
        budget.answered(2);
        let (max, _) = Cheap::Reset.allowance(&FloodLimits::DEFAULT);
        assert_eq!(passing(&mut budget, Cheap::Reset), max + 2);
    }
}
