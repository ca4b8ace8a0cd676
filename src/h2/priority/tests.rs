//! Field values from RFC 9218, RFC 8941 and beside them.

use proptest::prelude::*;

use super::*;

const fn priority(urgency: u8, incremental: bool) -> Priority {
    Priority {
        urgency,
        incremental,
    }
}

#[test]
fn what_values_ask_for() {
    let cases: &[(&str, u8, bool)] = &[
        ("", 3, false),
        ("   ", 3, false),
        ("u=0", 0, false),
        ("u=7", 7, false),
        ("u=5, i", 5, true),
        (" u=5,i ", 5, true),
        ("u=5\t,\ti\t", 5, true),
        ("i", 3, true),
        ("i=?1", 3, true),
        ("i=?0", 3, false),
        ("i;a", 3, true),
        ("i, u=1", 1, true),
        // Parameters of members mean nothing.
        ("u=2;i;u=7;x=\"a,b\";y=:aGk=:;z=-1.5;  w=?0", 2, false),
        // Others' members, of every type.
        (
            "a, u=1, b=1, c=-1.5, d=\"x, u=7\", e=tok/en:*, f=:aGk=:, g=?0, i",
            1,
            true,
        ),
        ("x=(1 2;a \"b\" (", 3, false),
        ("x=(1 2;a \"b\"  tok );q=1, u=1", 1, false),
        ("x=(), u=1", 1, false),
        ("x=( ), u=1", 1, false),
        ("*a_-.*9=1, u=1", 1, false),
        // Out of range or of another type: as if absent.
        ("u=8", 3, false),
        ("u=-1", 3, false),
        ("u=256", 3, false),
        ("u=999999999999999", 3, false),
        ("u=1.0, i", 3, true),
        ("u=\"1\", i", 3, true),
        ("u=a, i", 3, true),
        ("u, i", 3, true),
        ("u=?1, i", 3, true),
        ("u=(1), i", 3, true),
        ("u=:aQ==:, i", 3, true),
        ("u=1, i=1", 1, false),
        ("u=1, i=\"?1\"", 1, false),
        ("u=1, i=(?1)", 1, false),
        ("u=-0", 0, false),
        ("u=0000007", 7, false),
        // The last counts, whatever it is.
        ("u=1, u=2", 2, false),
        ("u=1, u=9", 3, false),
        ("u=1, u=x", 3, false),
        ("i, i=?0", 3, false),
        ("i=?0, i", 3, true),
        ("i, i=7", 3, false),
        // Malformed anywhere: nothing of it counts.
        ("u=1,", 3, false),
        ("u=1, ", 3, false),
        (",u=1", 3, false),
        ("u=1,,i", 3, false),
        ("u=1 i", 3, false),
        ("\tu=1", 3, false),
        ("u =1", 3, false),
        ("u= 1", 3, false),
        ("u=", 3, false),
        ("u=1;", 3, false),
        ("u=1 ;a", 3, false),
        ("u=1;a=", 3, false),
        ("u=1;A", 3, false),
        ("U=1", 3, false),
        ("u=1, I", 3, false),
        ("u=1, 9a", 3, false),
        ("u=1.", 3, false),
        ("u=1.2345", 3, false),
        ("u=1, a=1234567890123.1", 3, false),
        ("u=1, a=-", 3, false),
        ("u=1, a=--1", 3, false),
        ("u=1, a=.5", 3, false),
        ("u=1, a=1234567890123456", 3, false),
        ("u=1, a=?", 3, false),
        ("u=1, a=?2", 3, false),
        ("u=1, a=?10", 3, false),
        ("u=1, a=\"", 3, false),
        ("u=1, a=\"\\", 3, false),
        ("u=1, a=\"\\n\"", 3, false),
        ("u=1, a=\"\u{e9}\"", 3, false),
        ("u=1, a=\"\x7f\"", 3, false),
        ("u=1, a=:", 3, false),
        ("u=1, a=:_:", 3, false),
        ("u=1, a=(", 3, false),
        ("u=1, a=(1", 3, false),
        ("u=1, a=(1,2)", 3, false),
        ("u=1, a=(1\t2)", 3, false),
        ("u=1, a=((1))", 3, false),
        ("u=1, a=@1", 3, false),
        ("u=1\n", 3, false),
        ("u=1\0", 3, false),
        ("=1", 3, false),
        // At the edges.
        ("u=1, a=123456789012345", 1, false),
        ("u=1, a=-999999999999999", 1, false),
        ("u=1, a=123456789012.123", 1, false),
        ("u=1, a=\"\\\\\\\" ~\"", 1, false),
        ("u=1, a=::", 1, false),
        ("u=1, a=*", 1, false),
        ("u=1, a=T!#$%&'*+-.^_`|~:/z", 1, false),
    ];
    for (value, urgency, incremental) in cases {
        assert_eq!(
            Priority::parse(value.as_bytes()),
            priority(*urgency, *incremental),
            "{value:?}"
        );
    }
}

#[test]
fn lines_are_one_dictionary() {
    let parse = |lines: &[&str]| Priority::parse_lines(lines.iter().map(|line| line.as_bytes()));
    assert_eq!(parse(&[]), Priority::DEFAULT);
    assert_eq!(parse(&["u=1", "i"]), priority(1, true));
    assert_eq!(parse(&["u=1, i", "u=5"]), priority(5, true));
    assert_eq!(parse(&["u=1", "", "i"]), priority(1, true));
    assert_eq!(parse(&["u=1", "i,"]), Priority::DEFAULT);
    assert_eq!(parse(&["u", "i"]), priority(3, true));
}

#[test]
fn a_response_changes_what_it_names() {
    // RFC 9218, 8: the client's parameters stay where the response says nothing.
    assert_eq!(priority(5, true).merged(b"u=1"), priority(1, true));
    assert_eq!(priority(5, true).merged(b"i=?0"), priority(5, false));
    assert_eq!(priority(5, false).merged(b"i"), priority(5, true));
    assert_eq!(priority(5, true).merged(b""), priority(5, true));
    assert_eq!(priority(5, true).merged(b"u=9"), priority(5, true));
    assert_eq!(priority(5, true).merged(b"u=1,"), priority(5, true));
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "u=",
        "i",
        "u=3",
        ", ",
        ",",
        ";",
        "=",
        "?1",
        "?0",
        "(",
        ")",
        "\"",
        "\\",
        ":",
        " ",
        "\t",
        "a",
        "-",
        ".",
        "7",
        "123456789012345",
        "*",
        "@",
        "%",
    ];
    prop_oneof![
        8 => prop::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn no_value_is_out_of_range(pieces in prop::collection::vec(piece(), 0..24)) {
        let value = pieces.concat();
        let parsed = Priority::parse(&value);
        prop_assert!(parsed.urgency <= URGENCY_MAX);
        // What is malformed changes nothing.
        if dictionary::parse(&value, |_, _| {}).is_none() {
            prop_assert_eq!(parsed, Priority::DEFAULT);
            prop_assert_eq!(priority(6, true).merged(&value), priority(6, true));
        }
    }

    #[test]
    fn members_between_others_are_found(
        urgency in 0_u8..=7,
        incremental in any::<bool>(),
        before in "[a-h][a-z0-9*_.-]{0,3}(=(-?[0-9]{1,9}|\\?[01]|[a-zA-Z*][a-z/:]{0,4}|\"[a-z ,]{0,4}\"|:[a-z+/=]{0,4}:|\\([0-9]{1,2}( [a-z]{1,3};q)?\\)))?(; {0,2}[a-z*]{1,3}(=[0-9]{1,3})?){0,2}",
        space in "[ \t]{0,2}",
    ) {
        let i = if incremental { "?1" } else { "?0" };
        let value = format!("{before}{space},{space}u={urgency};q,{before},i={i}{space}");
        prop_assert_eq!(Priority::parse(value.as_bytes()), priority(urgency, incremental), "{}", value);
    }
}
