//! The four forms, what is refused, and what becomes of a path.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn path_of(target: &str) -> Result<String, TargetError> {
    let parsed = Target::parse(Method::Get, target.as_bytes())?;
    let raw = parsed.path.of(target.as_bytes());
    let mut decoded = raw.to_vec();
    if parsed.is_encoded {
        decode_path(raw, &mut decoded)?;
    }
    Ok(String::from_utf8(decoded).unwrap())
}

#[test]
fn paths() {
    let cases = [
        ("/", "/"),
        ("/a.b/c..d/.e", "/a.b/c..d/.e"),
        ("/a%20b", "/a b"),
        ("/%E2%82%AC", "/\u{20ac}"),
        ("/a%2Fb%2fc", "/a%2Fb%2fc"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/../../b", "/b"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/a/b/.", "/a/b/"),
        ("/.", "/"),
        ("/..", "/"),
        ("/a//../b", "/a/b"),
        ("//a", "//a"),
        ("/..%2Fb", "/..%2Fb"),
        ("/...", "/..."),
        ("/%25zz", "/%zz"),
        ("http://h", "/"),
        ("http://h?q", "/"),
        ("HTTPS://h/x/../y", "/y"),
        ("/?%zz", "/"),
    ];
    for (target, path) in cases {
        assert_eq!(path_of(target).as_deref(), Ok(path), "{target}");
    }
}

#[test]
fn refused() {
    use Method::*;
    let cases = [
        (Get, "", TargetError::Malformed),
        (Get, "foo", TargetError::Malformed),
        (Get, "?q", TargetError::Malformed),
        (Get, "://h/", TargetError::Malformed),
        (Get, "http:/x", TargetError::Malformed),
        (Get, "/a\\b", TargetError::InvalidByte),
        (Get, "/a#b", TargetError::InvalidByte),
        (Get, "/\u{e9}", TargetError::InvalidByte),
        (Get, "/\x7f", TargetError::InvalidByte),
        (Get, "/%", TargetError::InvalidEscape),
        (Get, "/%4", TargetError::InvalidEscape),
        (Get, "/%4g", TargetError::InvalidEscape),
        (Get, "/%00", TargetError::EncodedNul),
        (Get, "/%ff", TargetError::NotUtf8),
        (Get, "/%c0%af", TargetError::NotUtf8),
        (Get, "ftp://h/", TargetError::UnsupportedScheme),
        (Get, "http://u@h/", TargetError::UserInfo),
        (Get, "http:///x", TargetError::InvalidAuthority),
        (Get, "http://h:x/", TargetError::InvalidAuthority),
        (Get, "*", TargetError::OptionsMethodRequired),
        (Get, "h:80", TargetError::ConnectMethodRequired),
        (Connect, "/", TargetError::AuthorityFormRequired),
        (Connect, "h", TargetError::AuthorityFormRequired),
        (Connect, "http://h:80/", TargetError::AuthorityFormRequired),
        (Connect, "u@h:80", TargetError::UserInfo),
    ];
    for (method, target, error) in cases {
        let parsed = Target::parse(method, target.as_bytes());
        let result = parsed.and_then(|parsed| {
            let path = parsed.path.of(target.as_bytes());
            if parsed.is_encoded {
                decode_path(path, &mut Vec::new())
            } else {
                Ok(())
            }
        });
        assert_eq!(result, Err(error), "{method} {target:?}");
    }
}

#[test]
fn forms() {
    let parse = |method, text: &str| Target::parse(method, text.as_bytes()).unwrap();
    let absolute = parse(Method::Get, "http://h:1/p?q=?");
    assert_eq!(absolute.form, TargetForm::Absolute);
    assert_eq!(absolute.authority, Some(Span::new(7, 10)));
    assert_eq!(absolute.query, Some(Span::new(13, 16)));
    assert_eq!(parse(Method::Get, "/?").query, Some(Span::new(2, 2)));
    assert_eq!(parse(Method::Options, "*").form, TargetForm::Asterisk);
    assert_eq!(parse(Method::Connect, "h:443").form, TargetForm::Authority);
}

proptest! {
    /// The result has no dot segment, begins with a slash, and is a fixed point.
    #[test]
    fn no_dot_segment_survives(path in "(/(\\.|\\.\\.|a|b|)){0,8}") {
        let mut decoded = Vec::new();
        decode_path(path.as_bytes(), &mut decoded).unwrap();
        prop_assert_eq!(decoded.first(), Some(&b'/'));
        prop_assert!(!needs_decoding(&decoded));
        let mut again = Vec::new();
        decode_path(&decoded, &mut again).unwrap();
        prop_assert_eq!(decoded, again);
    }
}
