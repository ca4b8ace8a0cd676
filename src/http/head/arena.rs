//! Heads whose bytes a protocol puts together itself, because no buffer holds them in one piece.
//!
//! Owns the loan of the arena and what HTTP/2 says that HTTP/1 cannot. The spans are the head's.

use super::{HeadBytes, RequestHead};
use crate::http::{FieldSpan, Method, Scheme, Span, TargetError};

impl RequestHead {
    /// Begins a head whose bytes the protocol puts together: an arena that holds `first`, to be given
    /// back with [`RequestHead::attach_arena`]. Spans count from its first byte.
    #[inline(always)]
    pub(crate) fn begin_arena<const N: usize>(&mut self, first: [u8; N]) -> Vec<u8> {
        let mut arena = match std::mem::take(&mut self.bytes) {
            HeadBytes::Owned(bytes) => bytes,
            HeadBytes::Pooled(_) | HeadBytes::None => std::mem::take(&mut self.spare),
        };
        self.clear();
        if arena.first_chunk() == Some(&first) {
            // As in nearly every arena that has been used.
            arena.truncate(N);
        } else {
            arena.clear();
            arena.extend_from_slice(&first);
        }
        arena
    }

    /// Says what an extended CONNECT asks for.
    pub(crate) fn set_protocol(&mut self, span: Span) {
        self.protocol = Some(span);
    }

    /// Says which scheme the connection has.
    #[inline]
    pub(crate) fn set_scheme(&mut self, scheme: Scheme) {
        self.scheme = scheme;
    }

    /// Gives the head the arena that its spans were made over.
    #[inline]
    pub(crate) fn attach_arena(&mut self, arena: Vec<u8>) {
        self.bytes = HeadBytes::Owned(arena);
    }

    /// Reads a target that is a path, or an asterisk, whatever the method (RFC 8441, 4).
    pub(crate) fn read_path(
        &mut self,
        bytes: &[u8],
        span: Span,
        method: Method,
    ) -> Result<(), TargetError> {
        let method = if method == Method::Connect {
            Method::Get
        } else {
            method
        };
        self.read_parts(bytes, span, method)
    }

    /// Makes one line of all lines of this name, their values joined by `separator` and put behind
    /// the other bytes.
    pub(crate) fn join_fields(&mut self, arena: &mut Vec<u8>, name: &str, separator: &[u8]) {
        let start = arena.len();
        let mut joined: Option<FieldSpan> = None;
        self.lines.retain(|line| {
            if !line.is_named(name, arena) {
                return true;
            }
            if joined.is_some() {
                arena.extend_from_slice(separator);
            }
            let value = line.value.start()..line.value.end();
            if arena.get(value.clone()).is_some() {
                arena.extend_from_within(value);
            }
            joined.get_or_insert(*line);
            false
        });
        if let Some(mut line) = joined {
            line.value = Span::new(start, arena.len());
            self.lines.push(line);
        }
    }
}
