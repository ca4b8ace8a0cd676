//! How much content each record gets.
//!
//! Owns the trade between the first byte and all of them: a peer can use nothing of a record before
//! its last byte has come, so the first records after a pause fit the first flight of packets;
//! from then on they are as long as may be, because each costs a call, a tag and a header.

use super::record::PLAINTEXT_MAX;

/// Content of a record that, with what TLS, TCP and IPv6 add, fits a packet of Ethernet's 1,500 bytes:
/// 40 bytes of IPv6, 32 of TCP with time stamps, at most 29 of the record.
const SMALL_RECORD: usize = 1_399;

/// What is sent in small records after a pause: the ten packets that TCP sends before it has heard
/// of its peer (RFC 6928).
const SMALL_BYTES: usize = 10 * SMALL_RECORD;

/// The pause, in milliseconds, after which TCP may have closed its window again and the next bytes
/// are first bytes.
const PAUSE_MS: u64 = 1_000;

/// The record sizes of one connection.
#[derive(Debug, Default)]
pub(super) struct RecordPace {
    /// Bytes sent since the last pause.
    sent: usize,
    /// Millisecond of the last send.
    last: u64,
}

impl RecordPace {
    /// The most content of the first record of a block.
    pub(super) fn begin(&mut self, now: u64) -> usize {
        if now.saturating_sub(self.last) >= PAUSE_MS {
            self.sent = 0;
        }
        self.last = now;
        self.piece_max()
    }

    /// So many bytes were sent; answers the most content of the record after that.
    pub(super) fn sent(&mut self, bytes: usize) -> usize {
        self.sent = self.sent.saturating_add(bytes);
        self.piece_max()
    }

    fn piece_max(&self) -> usize {
        if self.sent < SMALL_BYTES {
            SMALL_RECORD
        } else {
            PLAINTEXT_MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_records_first_and_after_a_pause() {
        let mut pace = RecordPace::default();
        let mut size = pace.begin(5_000);
        for _ in 0..10 {
            assert_eq!(size, SMALL_RECORD);
            size = pace.sent(size);
        }
        assert_eq!(size, PLAINTEXT_MAX);
        pace.sent(PLAINTEXT_MAX);
        assert_eq!(pace.begin(5_999), PLAINTEXT_MAX);
        assert_eq!(pace.begin(6_998), PLAINTEXT_MAX);
        assert_eq!(pace.begin(7_998), SMALL_RECORD);
    }
}
