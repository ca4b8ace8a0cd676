//! The cached Date field (RFC 9110, 6.6.1).
//!
//! Owns its text and when that is due again. Reads no clock: the shard passes the time in.

#![forbid(unsafe_code)]

use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

/// The last second that IMF-fixdate can say: 9999-12-31 23:59:59 UTC.
const LAST_SECOND: u64 = 253_402_300_799;

/// The text of the Date field, rendered once a second.
#[derive(Clone, Debug)]
pub(crate) struct DateCache {
    second: u64,
    text: [u8; Self::LENGTH],
}

impl DateCache {
    /// Bytes of an IMF-fixdate (RFC 9110, 5.6.7).
    pub(crate) const LENGTH: usize = 29;

    /// A cache that shows `unix_seconds`.
    pub(crate) fn new(unix_seconds: u64) -> Self {
        let mut cache = Self {
            second: unix_seconds,
            text: [b' '; Self::LENGTH],
        };
        cache.render();
        cache
    }

    /// Shows `unix_seconds` from now on. Costs a comparison within the same second.
    #[inline]
    pub(crate) fn refresh(&mut self, unix_seconds: u64) {
        if unix_seconds != self.second {
            self.second = unix_seconds;
            self.render();
        }
    }

    /// The date, without a field name or CRLF.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.text
    }

    fn render(&mut self) {
        let time = UNIX_EPOCH + Duration::from_secs(self.second.min(LAST_SECOND));
        // The text always fits; were it not to, a cut-off date is all that would come of it.
        let _ = write!(
            self.text.as_mut_slice(),
            "{}",
            httpdate::HttpDate::from(time)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_imf_fixdate() {
        let mut cache = DateCache::new(784_111_777);
        assert_eq!(cache.bytes(), b"Sun, 06 Nov 1994 08:49:37 GMT");
        cache.refresh(784_111_778);
        assert_eq!(cache.bytes(), b"Sun, 06 Nov 1994 08:49:38 GMT");
        // A clock that was set back is followed.
        cache.refresh(0);
        assert_eq!(cache.bytes(), b"Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn the_end_of_time_is_not_a_panic() {
        let cache = DateCache::new(u64::MAX);
        assert_eq!(cache.bytes(), b"Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
