//! What the server has sent, frame by frame, as a line of text each.

use std::collections::BTreeMap;
use std::fmt;

use super::code_name;

/// The Date and the Server of every response; a line says only when one is not there.
const ALWAYS: [&str; 2] = ["date", "server"];

/// Content that is longer is named by its length.
const SHOWN_BYTES_MAX: usize = 32;

/// A frame of the server's; HEADERS with their CONTINUATION are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// SETTINGS, in their order.
    Settings(Vec<(u16, u32)>),
    SettingsAck,
    Ping {
        ack: bool,
        opaque: [u8; 8],
    },
    Headers {
        stream: u32,
        fields: Vec<(String, String)>,
        end: bool,
    },
    Data {
        stream: u32,
        content: Vec<u8>,
        end: bool,
    },
    Reset {
        stream: u32,
        code: u32,
    },
    GoAway {
        last: u32,
        code: u32,
        debug: String,
    },
    WindowUpdate {
        stream: u32,
        increment: u32,
    },
}

impl Event {
    /// The stream that it is about; 0 for the connection.
    pub(crate) fn stream(&self) -> u32 {
        match self {
            Self::Headers { stream, .. }
            | Self::Data { stream, .. }
            | Self::Reset { stream, .. }
            | Self::WindowUpdate { stream, .. } => *stream,
            Self::Settings(_) | Self::SettingsAck | Self::Ping { .. } | Self::GoAway { .. } => 0,
        }
    }
}

/// The status of a response's field section.
pub(crate) fn status_of(fields: &[(String, String)]) -> Option<u16> {
    let (name, value) = fields.first()?;
    (name == ":status").then(|| value.parse().expect("a status is a number"))
}

fn write_content(f: &mut fmt::Formatter<'_>, content: &[u8]) -> fmt::Result {
    match std::str::from_utf8(content) {
        Ok("") => Ok(()),
        Ok(text) if content.len() <= SHOWN_BYTES_MAX => write!(f, " {text:?}"),
        _ => write!(f, " {}", content.len()),
    }
}

fn write_fields(f: &mut fmt::Formatter<'_>, fields: &[(String, String)]) -> fmt::Result {
    let status = status_of(fields);
    if let Some(status) = status {
        write!(f, " {status}")?;
    }
    for (name, value) in fields.iter().skip(usize::from(status.is_some())) {
        if !ALWAYS.contains(&name.as_str()) {
            write!(f, " {name}: {value}")?;
        }
    }
    let is_final = status.is_some_and(|status| status >= 200);
    for name in ALWAYS {
        let count = fields.iter().filter(|(other, _)| other == name).count();
        if count != usize::from(is_final) {
            write!(f, " ({count} {name})")?;
        }
    }
    Ok(())
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self {
            Self::Headers { end, .. } | Self::Data { end, .. } if *end => " ES",
            _ => "",
        };
        match self {
            Self::Settings(settings) => {
                f.write_str("SETTINGS")?;
                settings
                    .iter()
                    .try_for_each(|(name, value)| write!(f, " {name}={value}"))
            }
            Self::SettingsAck => f.write_str("SETTINGS ack"),
            Self::Ping { ack, opaque } => {
                let ack = if *ack { " ack" } else { "" };
                write!(f, "PING{ack} {}", opaque.escape_ascii())
            }
            Self::Headers { stream, fields, .. } => {
                write!(f, "HEADERS {stream}")?;
                write_fields(f, fields)?;
                f.write_str(end)
            }
            Self::Data {
                stream, content, ..
            } => {
                write!(f, "DATA {stream}")?;
                write_content(f, content)?;
                f.write_str(end)
            }
            Self::Reset { stream, code } => write!(f, "RST_STREAM {stream} {}", code_name(*code)),
            Self::GoAway { last, code, debug } => {
                write!(f, "GOAWAY {last} {}", code_name(*code))?;
                if debug.is_empty() {
                    Ok(())
                } else {
                    write!(f, " {debug}")
                }
            }
            Self::WindowUpdate { stream, increment } => {
                write!(f, "WINDOW_UPDATE {stream} {increment}")
            }
        }
    }
}

/// What must be the same however the bytes have arrived: the frames of the connection in their
/// order, then those of each stream, with DATA joined. WINDOW_UPDATE and the server's own PINGs
/// depend on when it could look, and are left out.
pub(crate) fn merged(events: &[Event]) -> Vec<Event> {
    let mut streams: BTreeMap<u32, Vec<Event>> = BTreeMap::new();
    for event in events {
        let of_stream = streams.entry(event.stream()).or_default();
        match (of_stream.last_mut(), event) {
            (_, Event::WindowUpdate { .. } | Event::Ping { ack: false, .. }) => {}
            (
                Some(Event::Data { content, end, .. }),
                Event::Data {
                    content: more,
                    end: ends,
                    ..
                },
            ) => {
                content.extend_from_slice(more);
                *end = *ends;
            }
            _ => of_stream.push(event.clone()),
        }
    }
    streams.into_values().flatten().collect()
}
