//! Numbers by chance that a seed repeats.

/// A small generator (xorshift64): load needs variety, not secrecy, and a seed to repeat it.
pub(crate) struct Numbers(u64);

impl Numbers {
    /// The numbers of one client.
    pub(crate) fn of(client: u64) -> Self {
        Self(client.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number from 1 to `max`.
    pub(crate) fn up_to(&mut self, max: u64) -> u64 {
        self.next() % max.max(1) + 1
    }

    /// Between 1 and `max` bytes.
    pub(crate) fn bytes(&mut self, max: u64) -> Vec<u8> {
        let length = self.up_to(max);
        (0..length).map(|_| (self.next() >> 32) as u8).collect()
    }
}
