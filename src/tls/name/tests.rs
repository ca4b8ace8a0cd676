//! Names and patterns, each with its verdict; the verdict of rustls's own reader beside ours.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use rustls::pki_types::DnsName;

use super::*;

#[test]
fn names_are_lowered_or_refused_by_name_of_the_fault() {
    let label = "a".repeat(63);
    let longest = [label.as_str(), &label, &label, &label[..61]].join(".");
    assert_eq!(longest.len(), NAME_BYTES_MAX);
    for name in [
        "localhost",
        "EXAMPLE.com",
        "a.b.c.d.e",
        "_service.example.com",
        "a_b.example.com",
        "xn--bcher-kva.example",
        "1.example",
        "1.2.3.4.example",
        "0x.a",
        "a--b.example",
        "127.0.0.a1",
        label.as_str(),
        longest.as_str(),
    ] {
        let parsed = ServerName::parse(name.as_bytes()).unwrap();
        assert_eq!(parsed.as_str(), name.to_ascii_lowercase());
    }
    for (name, fault) in [
        ("", NameFault::Empty),
        (".", NameFault::TrailingDot),
        ("example.com.", NameFault::TrailingDot),
        (&format!("a.{longest}"), NameFault::TooLong),
        ("127.0.0.1", NameFault::Address),
        ("1", NameFault::Address),
        ("a.0x7f", NameFault::Address),
        ("a.0x", NameFault::Address),
        ("::1", NameFault::Address),
        ("[::1]", NameFault::Address),
        ("a..b", NameFault::EmptyLabel),
        (".a", NameFault::EmptyLabel),
        (&format!("a{label}.b"), NameFault::LabelTooLong),
        ("-a.b", NameFault::Hyphen),
        ("a-.b", NameFault::Hyphen),
        ("-", NameFault::Hyphen),
        ("a b", NameFault::InvalidByte),
        ("a/b", NameFault::InvalidByte),
        ("a\0b", NameFault::InvalidByte),
        ("*.a", NameFault::InvalidByte),
        ("bücher.example", NameFault::InvalidByte),
    ] {
        assert_eq!(ServerName::parse(name.as_bytes()), Err(fault), "{name:?}");
    }
}

#[test]
fn patterns_are_a_name_or_what_is_below_it_or_all() {
    for (given, pattern) in [
        ("*", Pattern::Any),
        ("Example.COM", Pattern::Exact("example.com".into())),
        ("*.Example.com", Pattern::Below("example.com".into())),
        ("*.com", Pattern::Below("com".into())),
    ] {
        let parsed = Pattern::parse(given).unwrap();
        assert_eq!(parsed, pattern);
        assert_eq!(parsed.to_string(), given.to_ascii_lowercase());
    }
    for given in [
        "",
        "*.",
        "**",
        "*a.b",
        "a.*",
        "a.*.b",
        "*.*.b",
        "*.1.2.3.4",
        "a.",
    ] {
        assert!(Pattern::parse(given).is_err(), "{given:?}");
    }
}

proptest! {
    /// rustls reads the same bytes behind us: what we take it must take, and the other way round
    /// but for the dot at the end, which clients must not send.
    #[test]
    fn the_verdict_is_that_of_rustls(name in "[a-z0-9A-F.x_-]{0,12}") {
        let theirs = DnsName::try_from(name.as_str()).is_ok() && !name.ends_with('.');
        prop_assert_eq!(ServerName::parse(name.as_bytes()).is_ok(), theirs);
    }
}
