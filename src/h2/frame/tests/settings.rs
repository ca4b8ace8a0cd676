//! Settings of both sides.

use super::super::{
    FRAME_BYTES_CEILING, FRAME_BYTES_DEFAULT, HEAD_BYTES, LocalSettings, RemoteSettings,
    encode_settings_ack,
};
use super::head;
use crate::h2::error::{ConnectionError, Violation};
use crate::h2::frame::{FrameHead, Kind};

/// The payload of these parameters.
fn payload(parameters: &[(u16, u32)]) -> Vec<u8> {
    let parameter = |(identifier, value): &(u16, u32)| {
        [identifier.to_be_bytes().as_slice(), &value.to_be_bytes()].concat()
    };
    parameters.iter().flat_map(parameter).collect()
}

fn applied(parameters: &[(u16, u32)]) -> Result<RemoteSettings, Violation> {
    let mut settings = RemoteSettings::default();
    match settings.apply(&payload(parameters)) {
        Ok(_) => Ok(settings),
        Err(ConnectionError(violation)) => Err(violation),
    }
}

#[test]
fn defaults_are_the_protocols() {
    // RFC 9113, 6.5.2.
    let settings = applied(&[]).expect("nothing is wrong with nothing");
    assert_eq!(settings.header_table_size, 4_096);
    assert!(settings.enable_push);
    assert_eq!(settings.max_concurrent_streams, None);
    assert_eq!(settings.initial_window_size, 65_535);
    assert_eq!(settings.max_frame_size, 16_384);
    assert_eq!(settings.max_header_list_size, None);
    assert!(!settings.no_rfc7540_priorities);
}

#[test]
fn values_are_held_to_their_ranges() {
    use Violation::{
        InvalidEnablePush, InvalidInitialWindow, InvalidMaxFrameSize, InvalidNoRfc7540Priorities,
    };
    let cases: [(u16, u32, Option<Violation>); 33] = [
        (1, 0, None),
        (1, u32::MAX, None),
        (2, 0, None),
        (2, 1, None),
        (2, 2, Some(InvalidEnablePush)),
        (2, u32::MAX, Some(InvalidEnablePush)),
        (3, 0, None),
        (3, u32::MAX, None),
        (4, 0, None),
        (4, 0x7fff_ffff, None),
        (4, 0x8000_0000, Some(InvalidInitialWindow)),
        (4, u32::MAX, Some(InvalidInitialWindow)),
        (5, 0, Some(InvalidMaxFrameSize)),
        (5, 16_383, Some(InvalidMaxFrameSize)),
        (5, 16_384, None),
        (5, 16_777_215, None),
        (5, 16_777_216, Some(InvalidMaxFrameSize)),
        (5, u32::MAX, Some(InvalidMaxFrameSize)),
        (6, 0, None),
        (6, u32::MAX, None),
        (8, 0, None),
        (8, 1, None),
        (8, 2, None),
        (9, 0, None),
        (9, 1, None),
        (9, 2, Some(InvalidNoRfc7540Priorities)),
        (9, u32::MAX, Some(InvalidNoRfc7540Priorities)),
        (0, 7, None),
        (7, 7, None),
        (10, u32::MAX, None),
        (0x1a1a, 7, None),
        (0xff00, 7, None),
        (u16::MAX, u32::MAX, None),
    ];
    for (identifier, value, violation) in cases {
        let verdict = applied(&[(identifier, value)]).err();
        assert_eq!(verdict, violation, "{identifier} = {value}");
        let between = applied(&[(1, 1), (identifier, value), (6, 1)]).err();
        assert_eq!(between, violation, "{identifier} = {value}");
    }
}

#[test]
fn values_end_up_where_they_belong() {
    let settings = applied(&[
        (1, 11),
        (2, 0),
        (3, 33),
        (4, 44),
        (5, 55_555),
        (6, 66),
        (9, 1),
    ]);
    let settings = settings.expect("all are in range");
    assert_eq!(settings.header_table_size, 11);
    assert!(!settings.enable_push);
    assert_eq!(settings.max_concurrent_streams, Some(33));
    assert_eq!(settings.initial_window_size, 44);
    assert_eq!(settings.max_frame_size, 55_555);
    assert_eq!(settings.max_header_list_size, Some(66));
    assert!(settings.no_rfc7540_priorities);
    // RFC 9113, 6.5.3: in their order, so the last one stays.
    let settings = applied(&[(4, 1), (2, 0), (4, 2), (2, 1), (4, 3)]).expect("in range");
    assert_eq!(settings.initial_window_size, 3);
    assert!(settings.enable_push);
}

#[test]
fn unknown_parameters_change_nothing() {
    for identifier in (0..=u16::MAX).filter(|id| !matches!(id, 1..=6 | 9)) {
        let settings = applied(&[(identifier, 1)]).expect("unknown ones are ignored");
        assert_eq!(settings, applied(&[]).expect("nothing"));
    }
}

#[test]
fn the_smallest_table_in_between_is_told() {
    for (sizes, smallest, last) in [
        (&[][..], 4096, 4096),
        (&[8192], 4096, 8192),
        (&[0, 65_536], 0, 65_536),
        (&[9000, 100, 200], 100, 200),
    ] {
        let parameters: Vec<_> = sizes.iter().map(|size| (1, *size)).collect();
        let mut settings = RemoteSettings::default();
        assert_eq!(settings.apply(&payload(&parameters)), Ok(smallest));
        assert_eq!(settings.header_table_size, last);
    }
}

#[test]
fn a_payload_is_whole_parameters() {
    let bytes = payload(&[(4, 1), (4, 2)]);
    for length in 0..=bytes.len() {
        let mut settings = RemoteSettings::default();
        let result = settings
            .apply(bytes.get(..length).expect("a prefix"))
            .map(drop);
        let wrong = ConnectionError(Violation::WrongFrameLength);
        let expected = if length % 6 == 0 { Ok(()) } else { Err(wrong) };
        assert_eq!(result, expected, "{length}");
    }
}

#[test]
fn priorities_of_rfc_7540_are_settled_by_the_first_settings() {
    // RFC 9218, 2.1: a later change is an error, a repetition is not.
    for first in [None, Some(0), Some(1)] {
        for later in [None, Some(0), Some(1)] {
            let mut settings = RemoteSettings::default();
            let parameter = |value: Option<u32>| {
                let parameters: Vec<_> = value.map(|value| (9, value)).into_iter().collect();
                payload(&parameters)
            };
            assert!(settings.apply(&parameter(first)).is_ok());
            let changed = later.is_some_and(|later| later != first.unwrap_or(0));
            let error = ConnectionError(Violation::ChangedNoRfc7540Priorities);
            let expected = if changed { Err(error) } else { Ok(()) };
            assert_eq!(
                settings.apply(&parameter(later)).map(drop),
                expected,
                "{first:?} {later:?}"
            );
            assert_eq!(settings.no_rfc7540_priorities, first == Some(1));
        }
    }
    // Within the first SETTINGS nothing is settled yet.
    let settings = applied(&[(9, 1), (9, 0), (9, 1)]).expect("in range");
    assert!(settings.no_rfc7540_priorities);
}

#[test]
fn what_differs_from_the_default_is_sent() {
    let encoded = |settings: LocalSettings| {
        let mut out = Vec::new();
        settings.encode(&mut out);
        out
    };
    let default = LocalSettings::default();
    assert_eq!(encoded(default), head(Kind::Settings, 0, 0, 0).to_bytes());
    let kestrel = LocalSettings {
        max_concurrent_streams: Some(100),
        initial_window_size: 786_432,
        max_header_list_size: Some(32_768),
        enable_connect_protocol: true,
        no_rfc7540_priorities: true,
        ..default
    };
    let expected = [
        head(Kind::Settings, 0, 0, 30).to_bytes().as_slice(),
        &payload(&[(3, 100), (4, 786_432), (6, 32_768), (8, 1), (9, 1)]),
    ]
    .concat();
    assert_eq!(encoded(kestrel), expected);
    let rest = LocalSettings {
        header_table_size: 0,
        max_frame_size: FRAME_BYTES_CEILING,
        ..default
    };
    let expected = [
        head(Kind::Settings, 0, 0, 12).to_bytes().as_slice(),
        &payload(&[(1, 0), (5, FRAME_BYTES_CEILING)]),
    ]
    .concat();
    assert_eq!(encoded(rest), expected);
    let mut out = Vec::new();
    encode_settings_ack(&mut out);
    assert_eq!(out, head(Kind::Settings, FrameHead::ACK, 0, 0).to_bytes());
}

/// Every combination of the parameters that both sides have.
#[test]
fn the_other_side_reads_what_is_sent() {
    for bits in 0..128_u32 {
        let pick = |bit: u32, value: u32, default: u32| {
            if bits & 1 << bit == 0 { default } else { value }
        };
        let some = |bit: u32, value: u32| (bits & 1 << bit != 0).then_some(value);
        let local = LocalSettings {
            header_table_size: pick(0, 1_000, 4_096),
            max_concurrent_streams: some(1, 7),
            initial_window_size: pick(2, 0x7fff_ffff, 65_535),
            max_frame_size: pick(3, 20_000, FRAME_BYTES_DEFAULT),
            max_header_list_size: some(4, 9_000),
            enable_connect_protocol: bits & 1 << 5 != 0,
            no_rfc7540_priorities: bits & 1 << 6 != 0,
        };
        let mut out = Vec::new();
        local.encode(&mut out);
        let head = FrameHead::parse(&out).expect("a head");
        assert_eq!(head.check(FRAME_BYTES_DEFAULT), Ok(()));
        let payload = out.get(HEAD_BYTES..).expect("a payload");
        assert_eq!(payload.len(), head.length as usize);
        assert_eq!(payload.len(), bits.count_ones() as usize * 6);
        let mut remote = RemoteSettings::default();
        assert!(remote.apply(payload).is_ok());
        assert_eq!(remote.header_table_size, local.header_table_size);
        assert_eq!(remote.max_concurrent_streams, local.max_concurrent_streams);
        assert_eq!(remote.initial_window_size, local.initial_window_size);
        assert_eq!(remote.max_frame_size, local.max_frame_size);
        assert_eq!(remote.max_header_list_size, local.max_header_list_size);
        assert_eq!(remote.no_rfc7540_priorities, local.no_rfc7540_priorities);
    }
}
