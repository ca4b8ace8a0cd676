//! The parser of request heads, beside the one it is built on.

use super::cuts;
use crate::h1::{HeadScan, Parse, Reject, parse, parse_by_record};
use crate::http::{RequestHead, TargetForm};
use crate::limits::Limits;

/// What the parser says of an input, and after how many pieces.
type Verdict = Result<Parse, Reject>;

/// Reads `input` as a request head.
///
/// # Panics
///
/// When the verdict depends on how the input arrives or on the plain way through heads, when a head
/// is accepted that httparse refuses or reads otherwise, or when a line of it ends with anything but
/// CRLF.
pub fn head(input: &[u8]) {
    let whole = read(&[input]);
    for at in cuts(input.len()) {
        let (first, second) = input.split_at_checked(at).unwrap_or((input, &[]));
        assert_eq!(read(&[first, second]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(read(&bytes), whole, "byte by byte");
    let (limits, mut recorded) = (Limits::default(), RequestHead::default());
    assert_eq!(parse_by_record(input, &limits, &mut recorded), whole);
    match whole {
        Ok(Parse::Complete { consumed, .. }) => {
            check_accepted(input.get(..consumed).unwrap_or_default());
        }
        // The diagnosis must find what the fast parser refused.
        verdict => assert_ne!(verdict, Err(Reject::MalformedHead)),
    }
}

/// Parses as a connection does: what is there grows from call to call.
fn read(pieces: &[&[u8]]) -> Verdict {
    let limits = Limits::default();
    let (mut scan, mut head) = (HeadScan::default(), RequestHead::default());
    let mut input = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        let parsed = parse(&input, &mut scan, &limits, &mut head);
        if parsed != Ok(Parse::Incomplete) {
            return parsed;
        }
    }
    Ok(Parse::Incomplete)
}

/// Holds an accepted head against the reference.
fn check_accepted(bytes: &[u8]) {
    let mut head = RequestHead::default();
    let parsed = parse(
        bytes,
        &mut HeadScan::default(),
        &Limits::default(),
        &mut head,
    );
    assert!(
        matches!(parsed, Ok(Parse::Complete { consumed, .. }) if consumed == bytes.len()),
        "the bytes of an accepted head are one: {parsed:?}"
    );
    head.attach_copied(bytes);
    let mut lines = [httparse::EMPTY_HEADER; 256];
    let mut reference = httparse::Request::new(&mut lines);
    let known = as_http11(bytes);
    assert_eq!(
        reference.parse(&known),
        Ok(httparse::Status::Complete(bytes.len()))
    );
    assert_eq!(reference.method, Some(head.method_text()));
    assert_eq!(reference.path, Some(head.target()));
    // Beside an absolute target Host says what that does, whatever came (RFC 9112, 3.2.2).
    let is_absolute = head.target_form() == TargetForm::Absolute;
    let is_replaced = |name: &str| is_absolute && name.eq_ignore_ascii_case("host");
    let ours = head.fields().map(|line| (line.name, line.value));
    let theirs = reference.headers.iter().map(|line| (line.name, line.value));
    assert!(
        ours.len() == theirs.len()
            && ours
                .zip(theirs)
                .all(|(our, their)| our.0 == their.0 && (our.1 == their.1 || is_replaced(our.0))),
        "the fields differ"
    );
    // And stricter than it: CR and LF are there as line ends only.
    let count = |text: &[u8]| bytes.windows(text.len()).filter(|at| *at == text).count();
    assert_eq!(
        (count(b"\r"), count(b"\n")),
        (count(b"\r\n"), count(b"\r\n"))
    );
    let path = head.path();
    assert!(!path.contains('\0'), "NUL in the path");
    assert!(
        !path.split('/').any(|part| part == "." || part == ".."),
        "dot segments are left: {path}"
    );
}

/// An accepted head with the version HTTP/1.1 in place of a later one, which the reference does not
/// know.
fn as_http11(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // Neither method nor target can hold a space.
    let version = bytes.windows(8).position(|part| part == b" HTTP/1.");
    if let Some(digit) = version.and_then(|at| bytes.get_mut(at + 8)) {
        *digit = (*digit).min(b'1');
    }
    bytes
}
