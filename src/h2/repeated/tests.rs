//! A request that is recalled is the one that its block would be read as.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::Repeated;
use crate::h2::field_class::FieldClass;
use crate::h2::request::{Request, read_request};
use crate::hpack::Decoder;
use crate::http::{Counters, RequestHead, Scheme};
use crate::limits::Limits;

/// Blocks whose meaning depends on what came before: GET, http and a path, then something more.
const BLOCKS: [&[u8]; 12] = [
    // Nothing of it touches the tables.
    b"\x82\x86\x84\x01\x01a",
    b"\x82\x86\x04\x02/p\x01\x01a",
    b"\x83\x86\x84\x01\x01a\x0f\x0d\x011",
    b"\x82\x86\x04\x06/%61?b\x01\x01a\x00\x01x\x01y",
    // The authority enters the table, or another line does.
    b"\x82\x86\x84\x41\x01a",
    b"\x82\x86\x84\x41\x01b",
    b"\x82\x86\x84\x01\x01a\x40\x01x\x01y",
    // They name the newest line, or the one before it.
    b"\x82\x86\x84\xbe",
    b"\x82\x86\x84\xbf",
    // The table shrinks to nothing and grows again.
    b"\x20\x82\x86\x84\x01\x01a",
    b"\x3f\xe1\x1f\x82\x86\x84\x01\x01a",
    // Without an authority it is refused.
    b"\x82\x86\x84",
];

/// One end of a connection that reads blocks, with or without a memory.
struct Reader {
    decoder: Decoder<FieldClass>,
    repeated: Option<Repeated>,
    recalled: usize,
}

impl Reader {
    fn new(repeated: Option<Repeated>) -> Self {
        Self {
            decoder: Decoder::new(4_096),
            repeated,
            recalled: 0,
        }
    }

    /// As `Connection::read_head_into` does it. What was read, and whether more can be.
    fn read(&mut self, block: &[u8]) -> (String, bool) {
        let mut head = RequestHead::default();
        let revision = self.decoder.revision();
        if let Some(repeated) = &self.repeated
            && let Some(request) = repeated.recall(block, revision, &mut head)
        {
            self.recalled += 1;
            return (told(&head, request), true);
        }
        let limits = Limits::default();
        let mut counters = Counters::default();
        let decoder = &mut self.decoder;
        let read = read_request(
            decoder,
            block,
            &mut head,
            Scheme::Http,
            &limits,
            &mut counters,
        );
        match read {
            Ok(Ok(request)) => {
                if let Some(repeated) = &mut self.repeated
                    && self.decoder.revision() == revision
                {
                    repeated.note(block, revision, &head, request);
                }
                (told(&head, request), true)
            }
            Ok(Err(refusal)) => (format!("{refusal:?}"), true),
            Err(error) => (format!("{error:?}"), false),
        }
    }
}

fn told(head: &RequestHead, request: Request) -> String {
    format!("{request:?} {head:?} {}", head.path())
}

#[test]
fn the_third_time_is_recalled() {
    for block in &BLOCKS[..4] {
        let mut reader = Reader::new(Some(Repeated::default()));
        let told: Vec<_> = (0..4).map(|_| reader.read(block)).collect();
        assert_eq!(reader.recalled, 2, "{block:?}");
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    }
}

#[test]
fn what_changes_the_tables_is_never_recalled() {
    for block in &BLOCKS[4..] {
        let mut reader = Reader::new(Some(Repeated::default()));
        for _ in 0..4 {
            reader.read(block);
        }
        assert_eq!(reader.recalled, 0, "{block:?}");
    }
}

#[test]
fn a_new_setting_makes_it_be_read_again() {
    let mut reader = Reader::new(Some(Repeated::default()));
    for _ in 0..3 {
        reader.read(BLOCKS[0]);
    }
    reader.decoder.acknowledged();
    reader.read(BLOCKS[0]);
    assert_eq!(reader.recalled, 1);
}

proptest! {
    #[test]
    fn recalled_is_as_read(steps in prop::collection::vec((0..BLOCKS.len(), 1..5_usize), 1..40)) {
        let mut with = Reader::new(Some(Repeated::default()));
        let mut without = Reader::new(None);
        for (block, times) in steps {
            for _ in 0..times {
                let (told, goes_on) = with.read(BLOCKS[block]);
                prop_assert_eq!((&told, goes_on), (&without.read(BLOCKS[block]).0, goes_on));
                if !goes_on {
                    return Ok(());
                }
            }
        }
    }
}
