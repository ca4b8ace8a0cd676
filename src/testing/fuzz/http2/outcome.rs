//! What must be true of a connection whatever came on it, and what must not depend on how it came.
//!
//! Owns the comparison of two runs of the same frames and the look at a connection at rest.

use crate::testing::http2_peer::{Ledger, Reading, Response};

/// NO_ERROR: the response is complete, and the rest of the request is not wanted (RFC 9113, 8.1).
const NO_ERROR: u32 = 0;

/// Whether nothing was found wrong with what the peer sent. What is wrong, and how much of it, may
/// depend on time: a frame for a stream that is about to end is late, or just in time.
fn is_clean(reading: &Reading) -> bool {
    let resets = reading.responses.values().filter_map(|it| it.reset);
    reading.error().is_none() && resets.into_iter().all(|code| code == NO_ERROR)
}

/// Compares what two runs have answered.
pub(super) fn compare(ledger: &Ledger, one: &Reading, other: &Reading) {
    if !is_clean(one) || !is_clean(other) {
        return;
    }
    // With a window used up, who gets what of it depends on whose turn it was.
    let exhausted = one.window() <= 0 || other.window() <= 0;
    for (stream, asked) in ledger.streams() {
        if asked.reset {
            continue;
        }
        let nothing = Response::default();
        let one = one.responses.get(stream).unwrap_or(&nothing);
        let other = other.responses.get(stream).unwrap_or(&nothing);
        assert_eq!(one.status, other.status, "stream {stream}");
        assert_eq!(one.interim, other.interim, "stream {stream}");
        let prefix = one.body.len().min(other.body.len());
        assert_eq!(
            one.body.get(..prefix),
            other.body.get(..prefix),
            "stream {stream}"
        );
        if !exhausted {
            assert_eq!(one.complete, other.complete, "stream {stream}");
        }
        if one.complete && other.complete {
            assert_eq!(one.body, other.body, "stream {stream}");
            assert_eq!(one.trailers, other.trailers, "stream {stream}");
        }
    }
}

/// Looks at a connection that goes on and has come to rest: where all is answered, the peer has its
/// window again, but for the quarter that is held back.
pub(super) fn check_rest(ledger: &Ledger, reading: &Reading, connection_window: u32) {
    assert!(reading.is_whole(), "{reading:?}");
    if !reading.is_all_over(ledger) || !reading.goes_on() || !ledger.is_whole() {
        return;
    }
    let left = reading.allowed(ledger);
    let least = i64::from(connection_window) * 3 / 4;
    assert!(left >= least, "{left} bytes of window instead of {least}");
}
