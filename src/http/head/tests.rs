//! Heads that are built rather than received, and the reuse of their memory.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_built_head_reads_like_a_received_one() {
    let head = RequestHead::builder("PURGE", "/a%20b?c=d")
        .field("Host", " example.com:80 ")
        .field("X-A", "1")
        .field("x-a", b"\xff".as_slice())
        .version(Version::Http2)
        .scheme(Scheme::Https)
        .build()
        .unwrap();
    assert_eq!(
        (head.method(), head.method_text()),
        (Method::Extension, "PURGE")
    );
    assert_eq!(head.target(), "/a%20b?c=d");
    assert_eq!((head.path(), head.query()), ("/a b", Some("c=d")));
    assert_eq!(head.authority(), Some("example.com:80"));
    assert_eq!(
        (head.version(), head.scheme()),
        (Version::Http2, Scheme::Https)
    );
    assert_eq!(head.field_text("HOST"), Some("example.com:80"));
    assert_eq!(
        head.fields_named("X-a").collect::<Vec<_>>(),
        [b"1".as_slice(), b"\xff"]
    );
    assert_eq!(head.fields().len(), 3);
    assert_eq!(head.field_text("missing"), None);
}

#[test]
fn the_first_error_wins() {
    let build = |method, target, field: (&str, &str)| {
        RequestHead::builder(method, target)
            .field(field.0, field.1)
            .build()
            .err()
    };
    let cases = [
        (("G T", "/", ("a", "b")), HeadError::Method),
        (
            ("GET", "x", ("", "")),
            HeadError::Target(TargetError::Malformed),
        ),
        (
            ("GET", "/", ("a b", "")),
            HeadError::Field(FieldError::Name),
        ),
        (
            ("GET", "/", ("a", "\r\n")),
            HeadError::Field(FieldError::Value),
        ),
        (("GET", "/", ("Host", "a b")), HeadError::Host),
    ];
    for ((method, target, field), error) in cases {
        assert_eq!(build(method, target, field), Some(error));
    }
    let twice = RequestHead::builder("GET", "/")
        .field("Host", "a")
        .field("host", "a");
    assert_eq!(twice.build().err(), Some(HeadError::Host));
}

#[test]
fn clearing_keeps_memory_and_forgets_the_rest() {
    let mut head = RequestHead::builder("GET", "/%41")
        .field("Host", "h")
        .build()
        .unwrap();
    head.clear();
    assert!(head.spare.capacity() > 0 && head.decoded_path.capacity() > 0);
    let spare = head.spare.as_ptr();
    assert_eq!(
        (head.path(), head.authority(), head.fields().len()),
        ("", None, 0)
    );
    head.attach_copied(b"GET");
    assert_eq!(head.bytes.bytes().as_ptr(), spare);
}
