//! What goes wrong in a simulation, and the dice for it.
//!
//! Owns the chances of each fault and the random numbers. Knows nothing of what a fault does.

/// Chances, in percent, of what a kernel may do at any time although nothing calls for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// A receive brings fewer bytes than are there.
    pub(crate) split_receive: u8,
    /// A send takes fewer bytes than there is room for.
    pub(crate) short_send: u8,
    /// A receive ends with ENOBUFS although there are buffers.
    pub(crate) no_buffers: u8,
    /// A multishot operation ends after a completion that is no error.
    pub(crate) end_multishot: u8,
    /// An operation that could complete does so in a later turn only.
    pub(crate) delay: u8,
    /// A wait ends early with nothing to show.
    pub(crate) interrupt: u8,
}

impl Faults {
    /// A well-behaved kernel.
    pub(crate) const NONE: Self = Self {
        split_receive: 0,
        short_send: 0,
        no_buffers: 0,
        end_multishot: 0,
        delay: 0,
        interrupt: 0,
    };

    /// All faults, each often.
    pub(crate) const ALL: Self = Self {
        split_receive: 50,
        short_send: 50,
        no_buffers: 20,
        end_multishot: 20,
        delay: 30,
        interrupt: 20,
    };
}

/// A xorshift generator: good enough to shake code, and the same everywhere.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The numbers of `seed`; any seed will do.
    pub(super) const fn new(seed: u64) -> Self {
        // The multiplier spreads neighbouring seeds; the state of a xorshift must not be zero.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Whether an event with this chance in percent happens.
    pub(super) fn happens(&mut self, percent: u8) -> bool {
        percent > 0 && self.next() % 100 < u64::from(percent)
    }

    /// A number from 1 to `max`, or 0 when that is 0.
    pub(super) fn up_to(&mut self, max: usize) -> usize {
        match u64::try_from(max) {
            Ok(max) if max > 0 => (self.next() % max) as usize + 1,
            _ => 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The low bits of a plain xorshift are its weak ones.
        self.0 >> 11
    }
}
