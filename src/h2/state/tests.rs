//! Every state with every event, against a table written from RFC 9113, 5.1.

use super::*;

const STATES: [(&str, State); 8] = [
    ("idle", State::Idle),
    ("open", State::Open),
    ("local", State::HalfClosedLocal),
    ("remote", State::HalfClosedRemote),
    ("ended", State::Closed(Ending::EndOfStream)),
    ("peer reset", State::Closed(Ending::ResetByPeer)),
    (
        "we reset, in flight",
        State::Closed(Ending::ResetByUs { in_flight: true }),
    ),
    (
        "we reset",
        State::Closed(Ending::ResetByUs { in_flight: false }),
    ),
];

const EVENTS: [&str; 11] = [
    "r HEADERS",
    "r HEADERS+ES",
    "r DATA",
    "r DATA+ES",
    "r RST",
    "r WINDOW",
    "s HEADERS",
    "s HEADERS+ES",
    "s DATA",
    "s DATA+ES",
    "s RST",
];

/// What comes of an event: the name of the next state, or of what is wrong. `=`: it stays.
/// `C` and `S` stand for the connection and the stream that end with PROTOCOL_ERROR, `C closed`
/// and `S closed` with STREAM_CLOSED; `never` is what we must not send. Whatever is wrong leaves
/// the state as it was.
///
/// From the text of 5.1: idle takes HEADERS only, the rest is a connection error of
/// PROTOCOL_ERROR. Open takes anything. Half-closed (local) takes anything and sends only
/// WINDOW_UPDATE, PRIORITY and RST_STREAM. Half-closed (remote) answers DATA and HEADERS with a
/// stream error of STREAM_CLOSED. Closed: WINDOW_UPDATE and RST_STREAM may be late; anything may
/// be after our reset of a stream whose other side was open; everything else is STREAM_CLOSED.
const TABLE: [(&str, [&str; 11]); 8] = [
    //  HEADERS   HEADERS+ES  DATA        DATA+ES     RST           WINDOW      s HEADERS  s H+ES   s DATA   s DATA+ES s RST
    (
        "idle",
        [
            "open", "remote", "C", "C", "C", "C", "never", "never", "never", "never", "never",
        ],
    ),
    (
        "open",
        [
            "S",
            "remote",
            "=",
            "remote",
            "peer reset",
            "=",
            "=",
            "local",
            "=",
            "local",
            "we reset, in flight",
        ],
    ),
    (
        "local",
        [
            "S",
            "ended",
            "=",
            "ended",
            "peer reset",
            "=",
            "never",
            "never",
            "never",
            "never",
            "we reset, in flight",
        ],
    ),
    (
        "remote",
        [
            "S closed",
            "S closed",
            "S closed",
            "S closed",
            "peer reset",
            "=",
            "=",
            "ended",
            "=",
            "ended",
            "we reset",
        ],
    ),
    (
        "ended",
        [
            "C closed", "C closed", "C closed", "C closed", "=", "=", "never", "never", "never",
            "never", "never",
        ],
    ),
    (
        "peer reset",
        [
            "S closed",
            "S closed",
            "S closed",
            "S closed",
            "=",
            "=",
            "never",
            "never",
            "never",
            "never",
            "we reset, in flight",
        ],
    ),
    (
        "we reset, in flight",
        [
            "=", "we reset", "=", "we reset", "=", "=", "never", "never", "never", "never", "never",
        ],
    ),
    (
        "we reset",
        [
            "C closed", "C closed", "C closed", "C closed", "=", "=", "never", "never", "never",
            "never", "never",
        ],
    ),
];

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Took,
    Faulted(Fault),
    Refused,
}

fn happen(state: &mut StreamState, event: &str) -> Outcome {
    let received =
        |result: Result<(), Fault>| result.map_or_else(Outcome::Faulted, |()| Outcome::Took);
    let sent =
        |result: Result<(), NotSendable>| result.map_or(Outcome::Refused, |()| Outcome::Took);
    match event {
        "r HEADERS" => received(state.receive_headers(false)),
        "r HEADERS+ES" => received(state.receive_headers(true)),
        "r DATA" => received(state.receive_data(false)),
        "r DATA+ES" => received(state.receive_data(true)),
        "r RST" => received(state.receive_reset()),
        "r WINDOW" => received(state.receive_window_update()),
        "s HEADERS" => sent(state.send_headers(false)),
        "s HEADERS+ES" => sent(state.send_headers(true)),
        "s DATA" => sent(state.send_data(false)),
        "s DATA+ES" => sent(state.send_data(true)),
        "s RST" => sent(state.send_reset()),
        _ => panic!("no event {event}"),
    }
}

fn named(name: &str) -> State {
    let (_, state) = STATES
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("no state {name}"));
    *state
}

#[test]
fn every_state_with_every_event() {
    assert_eq!(TABLE.map(|(name, _)| name), STATES.map(|(name, _)| name));
    for (name, outcomes) in TABLE {
        for (event, expected) in EVENTS.into_iter().zip(outcomes) {
            let before = StreamState(named(name));
            let mut state = before;
            let outcome = happen(&mut state, event);
            let context = format!("{event} while {name}: {outcome:?}, {state:?}");
            let code = |fault: Fault| fault.violation().code();
            use crate::h2::error::ErrorCode::{ProtocolError, StreamClosed};
            match (expected, outcome) {
                ("never", Outcome::Refused) => {}
                ("C", Outcome::Faulted(fault @ Fault::Connection(_))) => {
                    assert_eq!(code(fault), ProtocolError, "{context}");
                }
                ("S", Outcome::Faulted(fault @ Fault::Stream(_))) => {
                    assert_eq!(code(fault), ProtocolError, "{context}");
                }
                ("C closed", Outcome::Faulted(fault @ Fault::Connection(_)))
                | ("S closed", Outcome::Faulted(fault @ Fault::Stream(_))) => {
                    assert_eq!(code(fault), StreamClosed, "{context}");
                }
                ("=", Outcome::Took) => {}
                (next, Outcome::Took) => {
                    assert_eq!(state.0, named(next), "{context}");
                    continue;
                }
                _ => panic!("{context}, expected {expected}"),
            }
            assert_eq!(state, before, "{context}");
        }
    }
}

#[test]
fn trailers_are_headers_that_are_not_the_first() {
    for (name, state) in STATES {
        for end_stream in [false, true] {
            let (mut one, mut other) = (StreamState(state), StreamState(state));
            let trailers = one.receive_trailers(end_stream);
            if state == State::Idle {
                let idle = ConnectionError(Violation::FrameOnIdleStream);
                assert_eq!(trailers, Err(idle.into()));
                assert!(one.is_idle());
            } else {
                assert_eq!(trailers, other.receive_headers(end_stream), "{name}");
                assert_eq!(one, other, "{name}");
            }
        }
    }
}

#[test]
fn what_a_state_allows_is_what_it_takes() {
    for (name, state) in STATES {
        let state = StreamState(state);
        let takes = |event| happen(&mut { state }, event) == Outcome::Took;
        assert_eq!(
            state.can_receive() || state.is_ignoring(),
            takes("r DATA"),
            "{name}"
        );
        assert_eq!(state.can_send(), takes("s DATA"), "{name}");
        assert_eq!(state.can_send(), takes("s HEADERS"), "{name}");
        assert_eq!(state.is_closed(), state.ending().is_some(), "{name}");
        assert!(!state.is_closed() || !(state.can_send() || state.can_receive()));
        assert!(!state.is_ignoring() || state.is_closed());
    }
    assert_eq!(StreamState::idle(), StreamState::default());
    assert!(StreamState::idle().is_idle());
}

/// Whatever happens in whatever order, a closed stream never lives again, and all of the states
/// can be reached from idle.
#[test]
fn closed_is_for_good() {
    let mut seen = vec![StreamState::idle()];
    let mut at = 0;
    while let Some(before) = seen.get(at).copied() {
        for event in EVENTS {
            let mut state = before;
            happen(&mut state, event);
            assert!(!before.is_closed() || state.is_closed(), "{event}");
            assert!(before.is_idle() || !state.is_idle(), "{event}");
            if !seen.contains(&state) {
                seen.push(state);
            }
        }
        at += 1;
    }
    assert_eq!(seen.len(), STATES.len());
}
