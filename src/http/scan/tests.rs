//! Each search against its definition.

#![allow(clippy::indexing_slicing)]

use super::{from_target_mark, from_token_end, from_value_end, is_plain_target, is_plain_value};
use crate::http::field::{is_field_value, is_token_byte};

/// Where what is left of `text` begins.
fn at(text: &[u8], rest: &[u8]) -> usize {
    text.len() - rest.len()
}

fn token_end(text: &[u8]) -> usize {
    at(text, from_token_end(text, text))
}

fn value_end(text: &[u8]) -> usize {
    at(text, from_value_end(text, text))
}

fn target_mark(text: &[u8]) -> usize {
    at(text, from_target_mark(text, text))
}

/// Every byte at every place of texts that end within, at and behind a block.
fn each_text() -> impl Iterator<Item = (u8, usize, Vec<u8>)> {
    (0..=u8::MAX).flat_map(|byte| {
        (1..=40).flat_map(move |length| {
            (0..length).map(move |at| {
                let mut text = vec![b'a'; length];
                text[at] = byte;
                (byte, at, text)
            })
        })
    })
}

#[test]
fn a_token_ends_where_it_must() {
    for (byte, at, text) in each_text() {
        let expected = if is_token_byte(byte) { text.len() } else { at };
        assert_eq!(token_end(&text), expected, "{byte:#x} at {at}");
    }
    assert_eq!(token_end(b""), 0);
    assert_eq!(token_end(b"a_b.c~d!e_f.g~h!i_j.k~l!m n"), 25);
}

#[test]
fn a_value_ends_where_it_must() {
    for (byte, at, text) in each_text() {
        let passes = byte == b'\t' || !byte.is_ascii_control();
        let expected = if passes { text.len() } else { at };
        assert_eq!(value_end(&text), expected, "{byte:#x} at {at}");
        assert_eq!(is_field_value(&text), passes, "{byte:#x} at {at}");
        let plain = !byte.is_ascii_control();
        assert_eq!(is_plain_value(&text), plain, "{byte:#x} at {at}");
    }
    assert_eq!(value_end(b""), 0);
    assert!(is_plain_value(b"") && is_plain_target(b""));
    assert_eq!(
        value_end(b"\t\ta\tb\t\t\t\t\t\t\t\tc\t\t\t\t\t\t\td\r\n"),
        22
    );
}

#[test]
fn marks_of_a_target_are_found() {
    for (byte, at, text) in each_text() {
        let plain = byte.is_ascii_graphic() && !b"#%.?\\".contains(&byte);
        let expected = if plain { text.len() } else { at };
        assert_eq!(target_mark(&text), expected, "{byte:#x} at {at}");
        assert_eq!(is_plain_target(&text), plain, "{byte:#x} at {at}");
    }
}

#[test]
fn a_search_in_the_end_of_a_text_sees_only_that() {
    let searches = [from_value_end, from_token_end, from_target_mark];
    for (first, second) in (0..40).flat_map(|first| (first..40).map(move |second| (first, second)))
    {
        let mut text = [b'a'; 40];
        text[first] = b'\r';
        text[second] = b'\r';
        for from in 0..=text.len() {
            let expected = [first, second, text.len()]
                .into_iter()
                .find(|at| *at >= from);
            for search in searches {
                let end = at(&text, search(&text, &text[from..]));
                assert_eq!(Some(end), expected, "{first} and {second}, from {from}");
            }
        }
    }
}
