//! The reading half of the peer: bytes of the server into events, strictly.
//!
//! Owns what a server may send and when: frames, their flags and lengths, the order of a response,
//! both windows. What it breaks fails the test, whatever that was about.

use std::collections::BTreeMap;

use super::bounds::Bounds;
use super::event::{Event, status_of};
use super::{flag, kind, number};
use crate::hpack;

/// A test makes nothing of a field line but its text.
#[derive(Clone, Copy, Debug)]
struct Text;

impl hpack::Verdict for Text {
    const STATIC: [Self; hpack::STATIC_LINES_COUNT] = [Self; hpack::STATIC_LINES_COUNT];

    fn of(_: &[u8], _: &[u8]) -> Self {
        Self
    }
}

/// How far a response has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Response {
    /// Nothing but interim responses.
    #[default]
    Awaited,
    /// Its head.
    Begun,
    /// END_STREAM or RST_STREAM.
    Over,
}

/// The client's view of one connection.
#[derive(Debug)]
pub(crate) struct Client {
    bounds: Bounds,
    unparsed: Vec<u8>,
    decoder: hpack::Decoder<Text>,
    /// A field block without its end: its stream, whether it ends that, and the bytes so far.
    open_block: Option<(u32, bool, Vec<u8>)>,
    responses: BTreeMap<u32, Response>,
    /// Bytes of DATA of each stream, and of all together.
    received: BTreeMap<u32, u64>,
    /// The identifier of the last GOAWAY.
    last_goaway: u32,
    greeted: bool,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            bounds: Bounds::default(),
            unparsed: Vec::new(),
            decoder: hpack::Decoder::new(4096),
            open_block: None,
            responses: BTreeMap::new(),
            received: BTreeMap::new(),
            last_goaway: u32::MAX,
            greeted: false,
        }
    }
}

impl Client {
    /// Takes note of what the client sends.
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        self.bounds.sent(bytes);
    }

    /// What the client has sent is no HTTP/2, or not all of it.
    pub(crate) fn lose_track(&mut self) {
        self.bounds.lose_track();
    }

    /// The size of the table that the server's encoder uses.
    pub(crate) fn table_bytes(&self) -> u32 {
        self.decoder.table_bytes()
    }

    /// Reads what the server has sent.
    #[track_caller]
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.unparsed.extend_from_slice(bytes);
        let unparsed = std::mem::take(&mut self.unparsed);
        let mut rest = unparsed.as_slice();
        let mut events = Vec::new();
        while let Some((head, behind)) = rest.split_first_chunk::<9>() {
            let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *head;
            let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
            assert!(length <= self.bounds.frame_bytes, "a frame of {length}");
            let Some((payload, behind)) = behind.split_at_checked(length) else {
                break;
            };
            rest = behind;
            let stream = u32::from_be_bytes([s0, s1, s2, s3]);
            events.extend(self.frame(kind, flags, stream, payload));
        }
        self.unparsed = rest.to_vec();
        events
    }

    /// Whether the server has stopped in the middle of a frame or of a field block.
    pub(crate) fn is_cut_off(&self) -> bool {
        !self.unparsed.is_empty() || self.open_block.is_some()
    }

    #[track_caller]
    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Option<Event> {
        let block = self.open_block.as_ref().map(|(stream, ..)| *stream);
        let expected = if kind == kind::CONTINUATION {
            Some(stream)
        } else {
            None
        };
        assert_eq!(block, expected, "field blocks are not interrupted");
        // A GOAWAY alone may answer what is not even a preface.
        let opens = kind == kind::SETTINGS && flags & flag::ACK == 0;
        assert!(
            self.greeted || opens || kind == kind::GOAWAY,
            "SETTINGS come first, not {kind:#x}"
        );
        self.greeted |= opens;
        match kind {
            kind::SETTINGS | kind::PING | kind::GOAWAY => {
                assert_eq!(stream, 0);
                Some(self.connection_frame(kind, flags, payload))
            }
            kind::HEADERS | kind::CONTINUATION => self.part_of_block(flags, stream, payload),
            kind::DATA => {
                let end = self.check_flags(flags, 0);
                Some(self.data(stream, payload, end))
            }
            kind::RST_STREAM => {
                assert_eq!((flags, payload.len()), (0, 4));
                self.check_opened(stream);
                self.responses.insert(stream, Response::Over);
                let code = number(payload);
                Some(Event::Reset { stream, code })
            }
            kind::WINDOW_UPDATE => {
                assert_eq!((flags, payload.len()), (0, 4));
                let increment = number(payload);
                assert!(increment > 0 && increment <= u32::MAX >> 1);
                Some(Event::WindowUpdate { stream, increment })
            }
            _ => panic!("a server does not send frames of type {kind:#x}"),
        }
    }

    #[track_caller]
    fn connection_frame(&mut self, kind: u8, flags: u8, payload: &[u8]) -> Event {
        match (kind, flags) {
            (kind::SETTINGS, flag::ACK) => {
                assert!(payload.is_empty());
                Event::SettingsAck
            }
            (kind::SETTINGS, 0) => {
                assert!(payload.len().is_multiple_of(6));
                let parameter = |bytes: &[u8]| {
                    let (name, value) = bytes.split_at(2);
                    let name = u16::from_be_bytes(*name.first_chunk().expect("two bytes"));
                    (name, number(value))
                };
                Event::Settings(payload.chunks(6).map(parameter).collect())
            }
            (kind::PING, 0 | flag::ACK) => Event::Ping {
                ack: flags == flag::ACK,
                opaque: payload.try_into().expect("a PING has eight bytes"),
            },
            (kind::GOAWAY, 0) => {
                let (fixed, debug) = payload.split_at(8);
                let (last, code) = fixed.split_at(4);
                let last = number(last);
                assert!(
                    last <= self.last_goaway,
                    "the last stream never grows (RFC 9113, 6.8)"
                );
                self.last_goaway = last;
                Event::GoAway {
                    last,
                    code: number(code),
                    debug: String::from_utf8(debug.to_vec()).expect("debug data is text"),
                }
            }
            _ => panic!("flags {flags:#x} on a frame of type {kind:#x}"),
        }
    }

    /// Checks that there are no flags but END_STREAM and `others`, and says whether there is that.
    #[track_caller]
    fn check_flags(&self, flags: u8, others: u8) -> bool {
        assert_eq!(flags & !(flag::END_STREAM | others), 0, "{flags:#x}");
        flags & flag::END_STREAM != 0
    }

    #[track_caller]
    fn check_opened(&self, stream: u32) {
        assert!(self.bounds.is_open(stream), "{stream} was never opened");
    }

    #[track_caller]
    fn part_of_block(&mut self, flags: u8, stream: u32, payload: &[u8]) -> Option<Event> {
        let (_, end, block) = match self.open_block.take() {
            None => {
                let end = self.check_flags(flags, flag::END_HEADERS);
                (stream, end, payload.to_vec())
            }
            Some((stream, end, mut block)) => {
                assert_eq!(flags & !flag::END_HEADERS, 0, "{flags:#x}");
                block.extend_from_slice(payload);
                (stream, end, block)
            }
        };
        if flags & flag::END_HEADERS == 0 {
            self.open_block = Some((stream, end, block));
            return None;
        }
        let fields = self.decode(&block);
        self.check_opened(stream);
        let response = self.responses.entry(stream).or_default();
        *response = match (*response, status_of(&fields)) {
            (Response::Awaited, Some(100..=199)) => {
                assert!(!end, "an interim response ends nothing");
                Response::Awaited
            }
            (Response::Awaited, Some(_)) if !end => Response::Begun,
            (Response::Awaited, Some(_)) => Response::Over,
            (Response::Begun, None) => {
                assert!(end, "trailers are the end");
                Response::Over
            }
            (response, _) => panic!("{fields:?} on {stream}, which is {response:?}"),
        };
        Some(Event::Headers {
            stream,
            fields,
            end,
        })
    }

    #[track_caller]
    fn decode(&mut self, block: &[u8]) -> Vec<(String, String)> {
        const BOUNDS: hpack::Bounds = hpack::Bounds {
            line_bytes_max: 1 << 24,
            lines_max: 1 << 24,
            list_bytes_max: 1 << 30,
        };
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut arena = Vec::new();
        let decoded = self
            .decoder
            .decode(block, &mut arena, &BOUNDS, |arena, line| {
                let text = arena.split_off(line.start as usize);
                let (name, value) = text.split_at(line.name_len as usize);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                fields.push((text(name), text(value)));
            });
        assert!(decoded.is_ok(), "{decoded:?}");
        for (place, (name, _)) in fields.iter().enumerate() {
            assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()));
            let is_pseudo = name.starts_with(':');
            assert_eq!(is_pseudo, name == ":status" && place == 0, "{fields:?}");
        }
        fields
    }

    #[track_caller]
    fn data(&mut self, stream: u32, content: &[u8], end: bool) -> Event {
        let response = self.responses.entry(stream).or_default();
        assert_eq!(*response, Response::Begun, "DATA of stream {stream}");
        if end {
            *response = Response::Over;
        }
        for window in [0, stream] {
            let received = self.received.entry(window).or_default();
            *received += content.len() as u64;
            let allowed = self.bounds.window(window);
            assert!(*received <= allowed, "{received} bytes of {stream}");
        }
        Event::Data {
            stream,
            content: content.to_vec(),
            end,
        }
    }
}
