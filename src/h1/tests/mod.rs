//! Table tests of the codec, and properties that no table shows.
//!
//! `cases/*.md` hold an input block and the events that must come of it. Every input is fed
//! whole, split at each byte, and one byte at a time, and the events must be the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod cases;
mod encoding;
mod events;
mod properties;

use std::collections::BTreeSet;

use super::Reject;
use cases::Case;

const ACCEPTED: &str = include_str!("cases/accepted.md");
const REFUSED_LINES: &str = include_str!("cases/refused_lines.md");
const REFUSED_TARGETS: &str = include_str!("cases/refused_targets.md");
const REFUSED_FRAMING: &str = include_str!("cases/refused_framing.md");
const CHUNKED: &str = include_str!("cases/chunked.md");

fn run(text: &'static str, feed: impl Fn(&[&[u8]]) -> Vec<String>) {
    for case in Case::all(text) {
        let input = case.input.as_slice();
        assert_eq!(feed(&[input]), case.events, "{}: whole", case.name);
        // Long inputs exist for their length; cutting each byte of them shows nothing more.
        let step = 1 + input.len() / 600;
        for at in (1..input.len()).step_by(step) {
            let halves = [&input[..at], &input[at..]];
            assert_eq!(feed(&halves), case.events, "{}: split at {at}", case.name);
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(feed(&bytes), case.events, "{}: byte by byte", case.name);
    }
}

#[test]
fn heads() {
    for text in [ACCEPTED, REFUSED_LINES, REFUSED_TARGETS, REFUSED_FRAMING] {
        run(text, events::of_head);
    }
}

#[test]
fn chunked_bodies() {
    run(CHUNKED, events::of_chunked_body);
}

#[test]
fn every_reason_of_the_codec_has_a_case() {
    // These are found by the connection, which sees the clock, the end of the stream and the
    // handler's body limit.
    let elsewhere = [
        Reject::IncompleteHead,
        Reject::HeadTimeout,
        Reject::IncompleteChunkedBody,
        Reject::IncompleteBody,
        Reject::BodyTooLarge,
        Reject::BodyTimeout,
        // Says that the fast parser and the diagnosis disagree; a property shows that they do not.
        Reject::MalformedHead,
    ];
    let seen: BTreeSet<String> = [REFUSED_LINES, REFUSED_TARGETS, REFUSED_FRAMING, CHUNKED]
        .into_iter()
        .flat_map(Case::all)
        .filter_map(|case| {
            case.events
                .last()
                .and_then(|event| event.strip_prefix("reject "))
                .map(str::to_owned)
        })
        .collect();
    for reject in Reject::ALL
        .iter()
        .filter(|reject| !elsewhere.contains(reject))
    {
        let event = format!("{} {}", reject.name(), reject.status().code());
        assert!(seen.contains(&event), "no case ends with `reject {event}`");
    }
}

#[test]
fn reasons_have_distinct_names_and_texts() {
    let names: BTreeSet<_> = Reject::ALL.iter().map(|reject| reject.name()).collect();
    let texts: BTreeSet<_> = Reject::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(
        (names.len(), texts.len()),
        (Reject::ALL.len(), Reject::ALL.len())
    );
}
