//! Sections under change, what cannot be set, and lengths.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn lines(section: &FieldSection) -> Vec<(&str, &str)> {
    section
        .iter()
        .map(|line| (line.name, line.text().unwrap()))
        .collect()
}

#[test]
fn lines_keep_order_and_case() {
    let mut section = FieldSection::new();
    section.append("Content-Type", "text/plain").unwrap();
    section.append("set-cookie", " a=1\t").unwrap();
    section.append("Set-Cookie", b"b=2").unwrap();
    assert_eq!(
        lines(&section),
        [
            ("Content-Type", "text/plain"),
            ("set-cookie", "a=1"),
            ("Set-Cookie", "b=2")
        ]
    );
    assert_eq!(
        section.wire(),
        b"Content-Type: text/plain\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\n"
    );
    assert_eq!(section.get("SET-COOKIE"), Some(b"a=1".as_slice()));
    assert_eq!(section.get("x"), None);
}

#[test]
fn a_response_cannot_be_split() {
    let mut section = FieldSection::new();
    for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0", "\x7f"] {
        assert_eq!(
            section.append("x", value),
            Err(FieldError::Value),
            "{value:?}"
        );
    }
    for name in ["", "a b", "a:", "a\r\n", "\u{e9}"] {
        assert_eq!(section.append(name, "v"), Err(FieldError::Name), "{name:?}");
    }
    assert!(section.is_empty() && section.wire().is_empty());
    section.append("x", "tab\tand \u{e9}").unwrap();
}

#[test]
fn set_and_remove_leave_the_rest_whole() {
    let mut section = FieldSection::new();
    for (name, value) in [("a", "1"), ("Date", "2"), ("A", "3"), ("c", "4"), ("a", "")] {
        section.append(name, value).unwrap();
    }
    assert!(section.known().contains(KnownField::Date));
    section.set("a", "5").unwrap();
    assert_eq!(lines(&section), [("Date", "2"), ("c", "4"), ("a", "5")]);
    assert_eq!(section.set("c", "\n"), Err(FieldError::Value));
    assert!(section.remove("DATE"));
    assert!(!section.remove("DATE"));
    assert!(!section.known().contains(KnownField::Date));
    assert_eq!(lines(&section), [("c", "4"), ("a", "5")]);
    assert_eq!(section.wire(), b"c: 4\r\na: 5\r\n");
}

#[test]
fn clear_keeps_modest_memory_and_gives_back_the_rest() {
    let mut section = FieldSection::new();
    section.append("a", "b").unwrap();
    section.clear();
    assert!(section.is_empty() && section.wire.capacity() > 0);
    section.append("a", vec![b'x'; 1 << 20]).unwrap();
    section.clear();
    assert!(section.wire.capacity() <= limits::FIELD_SECTION_BYTES_KEPT);
    assert_eq!(
        section.append("a", vec![b'x'; limits::HEAD_BYTES_CEILING]),
        Err(FieldError::TooLong)
    );
}

#[test]
fn lengths_are_digits_only() {
    let cases = [
        ("0", Ok(0)),
        ("00012", Ok(12)),
        ("18446744073709551615", Ok(u64::MAX)),
        ("18446744073709551616", Err(LengthError::Overflow)),
        ("", Err(LengthError::Empty)),
        ("+1", Err(LengthError::Signed)),
        ("-1", Err(LengthError::Signed)),
        ("1, 1", Err(LengthError::List)),
        ("1 1", Err(LengthError::NotDigits)),
        ("0x10", Err(LengthError::NotDigits)),
        ("1_000", Err(LengthError::NotDigits)),
    ];
    for (value, length) in cases {
        assert_eq!(parse_content_length(value.as_bytes()), length, "{value:?}");
    }
}

#[test]
fn content_type_is_set_as_any_field_is() {
    let long = format!("multipart/form-data; boundary={}", "x".repeat(60));
    for value in [
        "text/plain",
        "",
        " a",
        "a\t",
        "a\nb",
        "\u{e9}",
        "\u{7f}",
        &long,
    ] {
        for earlier in [None, Some(("Content-Type", "old")), Some(("A", "b"))] {
            let (mut fast, mut plain) = (FieldSection::new(), FieldSection::new());
            if let Some((name, value)) = earlier {
                fast.append(name, value).unwrap();
                plain.append(name, value).unwrap();
            }
            assert_eq!(
                fast.set_content_type(value),
                plain.set("Content-Type", value)
            );
            assert_eq!(fast.wire(), plain.wire(), "{value:?}");
            assert_eq!(fast.get("content-type"), plain.get("content-type"));
        }
    }
}
