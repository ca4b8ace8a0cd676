//! What is told from a hello beside its name, and names that count as none.

use super::*;

/// RFC 6066, section 3: a server that does not recognise a name may go on as if there was none, and
/// clients do send what is no host name. rustls takes the first kind for none itself.
#[test]
fn what_is_no_host_name_counts_as_none() {
    let longest = [b'a'; 254];
    for (name, fits) in [
        (&b"127.0.0.1"[..], true),
        (b"::1", true),
        (b"a.example.", true),
        (b"localhost.", true),
        (b"localhost:7445", false),
        (b"127.0.0.1:7445", false),
        (b"[::1]", false),
        (b"[::1]:443", false),
        (b"a..example", false),
        (b".", false),
        (b"-a.example", false),
        (b"*.example", false),
        (b"a\0b", false),
        ("b\u{fc}cher.example".as_bytes(), false),
        (&longest, false),
    ] {
        let message = hello(&[extension(GREASE, &[]), names(&host(name))]);
        let bytes = record(&message);
        let asked = asked(&bytes);
        assert_eq!(asked.server_name, None, "{name:?}");
        assert_eq!(asked.unfit.is_none(), fits, "{name:?}");
        assert_eq!(byte_by_byte(&bytes), Hello::Complete(asked));
    }
    // A list without a host name is one that rustls ends connections for too.
    assert!(asked(&record(&hello(&[names(&[1, 2, 3])]))).unfit.is_some());
}

#[test]
fn a_name_is_hidden_behind_a_type_that_nothing_has() {
    let taken = [kind::PRIVATE, kind::PRIVATE + 2].map(|kind| extension(kind, b"x"));
    let unfit = names(&host(b"localhost:7445"));
    let extensions = [&taken[..1], std::slice::from_ref(&unfit), &taken[1..]].concat();
    let hidden = extension(kind::PRIVATE + 1, &unfit[4..]);
    let expected = hello(&[&taken[..1], &[hidden], &taken[1..]].concat());
    let message = hello(&extensions);
    for size in 1..=message.len() {
        let mut bytes = records(&message, size);
        let name = asked(&bytes).unfit.unwrap();
        hide(name, &mut bytes);
        assert_eq!(bytes, records(&expected, size));
    }
    let all: Vec<Vec<u8>> = (0..64)
        .map(|more| extension(kind::PRIVATE + more, &[]))
        .chain([unfit])
        .collect();
    let expected = Hello::Malformed(HelloFault::Length);
    assert_eq!(read(&record(&hello(&all))), expected);
}

/// The body of a hello for `version`, with these suites and extensions.
fn of_version(version: u16, suites: &[u16], extensions: &[Vec<u8>]) -> Vec<u8> {
    let suites: Vec<u8> = suites
        .iter()
        .flat_map(|suite| suite.to_be_bytes())
        .collect();
    let body = [
        &version.to_be_bytes()[..],
        &[7; 32],
        &[0],
        &vector(2, &suites),
        &[1, 0],
        &vector(2, &extensions.concat()),
    ];
    record(&message(&body.concat()))
}

fn listed(versions: &[u16]) -> Vec<u8> {
    let list: Vec<u8> = versions
        .iter()
        .flat_map(|version| version.to_be_bytes())
        .collect();
    extension(kind::SUPPORTED_VERSIONS, &vector(1, &list))
}

#[test]
fn versions_are_those_of_the_list_where_there_is_one() {
    for (version, list, tls12, tls13) in [
        // RFC 8446, 4.2.1 and D.2.
        (0x0303, None, true, false),
        (0x0304, None, true, false),
        (0x0302, None, false, false),
        (0x0301, None, false, false),
        (0x0300, None, false, false),
        (0x0303, Some(&[0x0304, 0x0303][..]), true, true),
        (0x0303, Some(&[0x0a0a, 0x0304]), false, true),
        (0x0303, Some(&[0x0303, 0x0302]), true, false),
        (0x0303, Some(&[0x0302]), false, false),
        (0x0301, Some(&[0x0304]), false, true),
    ] {
        let extensions: Vec<Vec<u8>> = list.map(listed).into_iter().collect();
        let asked = asked(&of_version(version, &[0x1301], &extensions));
        let found = (asked.tls12, asked.tls13);
        assert_eq!(found, (tls12, tls13), "{version:#x} {list:?}");
    }
}

#[test]
fn suites_tell_of_chacha_and_of_a_fallback() {
    for (suites, chacha, fallback) in [
        (&[0x1301, 0x1303][..], false, false),
        (&[0x1303, 0x1301], true, false),
        (&[0x0a0a, 0xcca9, 0x5600], true, true),
        (&[0x5600, 0xcca8], true, true),
        (&[0xc02f, 0x5600], false, true),
        (&[], false, false),
    ] {
        let asked = asked(&of_version(0x0303, suites, &[]));
        let found = (asked.prefers_chacha, asked.is_fallback);
        assert_eq!(found, (chacha, fallback), "{suites:x?}");
    }
}

/// RFC 8446, 9.2.
#[test]
fn extensions_that_tls13_demands() {
    let of = |kinds: &[u16]| {
        kinds
            .iter()
            .map(|&kind| extension(kind, &[0; 4]))
            .collect::<Vec<_>>()
    };
    let (groups, shares) = (kind::SUPPORTED_GROUPS, kind::KEY_SHARE);
    let (signatures, psk) = (kind::SIGNATURE_ALGORITHMS, kind::PRE_SHARED_KEY);
    for (kinds, lacks) in [
        (&[groups, shares, signatures][..], false),
        (&[groups, shares, signatures, psk], false),
        (&[groups, shares, psk], false),
        (&[psk], false),
        (&[groups, signatures], true),
        (&[shares, signatures], true),
        (&[groups, shares], true),
        (&[signatures], true),
        (&[groups, psk], true),
        (&[], true),
    ] {
        for (versions, counts) in [(&[0x0304][..], true), (&[0x0303], false)] {
            let extensions = [vec![listed(versions)], of(kinds)].concat();
            let asked = asked(&of_version(0x0303, &[0x1301], &extensions));
            assert_eq!(asked.lacks_extension, lacks && counts, "{kinds:?}");
        }
    }
}
