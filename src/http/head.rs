//! The head of a request: method, target and fields as spans over the bytes they came in.
//!
//! Owns those bytes, whichever way they are held, and the memory that is reused from request to
//! request. Must not know how a head is framed on the wire: protocols fill it, handlers read it.

mod arena;
mod builder;
#[cfg(test)]
mod tests;

use std::fmt;

pub use builder::RequestHeadBuilder;

use super::field::{FieldError, FieldLine, FieldSpan};
use super::known::{KnownField, KnownSet};
use super::span::Span;
use super::target::{self, Scheme, Target, TargetError, TargetForm, decode_path};
use super::{Method, Version};
use crate::buf::{BufSlice, text};
use crate::limits;

/// The bytes that the spans of a head lie in.
#[derive(Debug, Default)]
pub(crate) enum HeadBytes {
    /// None yet, or none any more.
    #[default]
    None,
    /// A receive buffer of the shard, held until the head is read or compacted.
    Pooled(BufSlice),
    /// Memory of the head's own.
    Owned(Vec<u8>),
}

impl HeadBytes {
    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Pooled(slice) => slice,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// The head of a request.
#[derive(Debug, Default)]
pub struct RequestHead {
    bytes: HeadBytes,
    /// The last owned bytes, kept for the next head that needs its own.
    spare: Vec<u8>,
    method: Method,
    version: Version,
    scheme: Scheme,
    method_text: Span,
    target_text: Span,
    target: Target,
    /// The authority that counts: the target's, or Host's.
    authority: Option<Span>,
    /// What an extended CONNECT asks for.
    protocol: Option<Span>,
    /// The path, when it is not the same bytes as in the target.
    decoded_path: Vec<u8>,
    lines: Vec<FieldSpan>,
    known: KnownSet,
}

/// Why a head cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The method is not a token.
    Method,
    /// The target is refused.
    Target(TargetError),
    /// A field line is refused.
    Field(FieldError),
    /// Host is not a host with an optional port, or there is more than one.
    Host,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("the method is not a token"),
            Self::Target(error) => error.fmt(f),
            Self::Field(error) => error.fmt(f),
            Self::Host => f.write_str("Host is not one host with an optional port"),
        }
    }
}

impl std::error::Error for HeadError {}

impl From<TargetError> for HeadError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<FieldError> for HeadError {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

/// What a handler reads.
impl RequestHead {
    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as it came; the way to read a [`Method::Extension`].
    #[must_use]
    pub fn method_text(&self) -> &str {
        match self.method.as_str() {
            Some(name) => name,
            None => self.text(self.method_text),
        }
    }

    /// The target as it came, not decoded.
    #[must_use]
    pub fn target(&self) -> &str {
        self.text(self.target_text)
    }

    /// The form of the target.
    #[must_use]
    pub fn target_form(&self) -> TargetForm {
        self.target.form
    }

    /// The path with its escapes decoded, but for `%2F`, and its dot segments removed. Begins
    /// with a slash; empty when the target is `*` or a host and port.
    #[must_use]
    pub fn path(&self) -> &str {
        if self.target.is_encoded {
            std::str::from_utf8(&self.decoded_path).unwrap_or_default()
        } else {
            self.text(self.target.path)
        }
    }

    /// What follows the first `?` of the target, not decoded. `None` without a `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.query.map(|span| self.text(span))
    }

    /// Host and port that the request is for: the target's authority if it has one, else Host's.
    /// `None` when the request names none, as HTTP/1.0 may.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.map(|span| self.text(span))
    }

    /// The protocol that an extended CONNECT asks for (RFC 8441, 4), as `websocket`. `None` for
    /// every other request.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.map(|span| self.text(span))
    }

    /// The version of the request.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The scheme that the request is for: the connection's, unless a trusted gateway says otherwise.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        // One that an absolute target must not name was refused.
        self.target.scheme.unwrap_or(self.scheme)
    }

    /// The value of the first field of this name, whatever its case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields_named(name).next()
    }

    /// [`RequestHead::field`] as text; `None` also when it is not UTF-8.
    #[must_use]
    pub fn field_text(&self, name: &str) -> Option<&str> {
        text(self.field(name)?)
    }

    /// The field lines in the order they came.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldLine<'_>> {
        let bytes = self.bytes.bytes();
        self.lines.iter().map(move |line| line.of(bytes))
    }

    /// The values of all fields of this name, whatever its case, in the order they came.
    pub fn fields_named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let bytes = self.bytes.bytes();
        self.lines
            .iter()
            .filter(move |line| line.is_named(name, bytes))
            .map(move |line| line.value.of(bytes))
    }

    #[inline]
    fn text(&self, span: Span) -> &str {
        text(span.of(self.bytes.bytes())).unwrap_or_default()
    }
}

/// What a protocol fills in.
impl RequestHead {
    /// Forgets the request and gives back a receive buffer that it held. Memory is kept.
    #[inline]
    pub fn clear(&mut self) {
        // Owned bytes come first, so that the swap keeps their memory.
        self.take_owned();
        self.method = Method::default();
        self.version = Version::default();
        self.scheme = Scheme::default();
        self.method_text = Span::default();
        self.target_text = Span::default();
        self.target = Target::default();
        self.authority = None;
        self.protocol = None;
        self.decoded_path.clear();
        self.lines.clear();
        self.known = KnownSet::default();
        if self.lines.capacity() > limits::FIELD_LINES_KEPT {
            self.shrink();
        }
    }

    #[cold]
    fn shrink(&mut self) {
        self.lines.shrink_to(limits::FIELD_LINES_KEPT);
    }

    /// Gives back a receive buffer that the head held, or more memory than a head may keep. What
    /// else it holds is forgotten when the next head begins, so that nothing is cleared twice.
    #[inline]
    pub(crate) fn release(&mut self) {
        match &self.bytes {
            HeadBytes::None => {}
            HeadBytes::Pooled(_) => self.bytes = HeadBytes::None,
            HeadBytes::Owned(bytes) if bytes.capacity() <= limits::HEAD_BYTES_KEPT => {}
            HeadBytes::Owned(_) => self.keep_owned(),
        }
    }

    /// Leaves the head without bytes; those it owned become the spare.
    #[inline]
    fn take_owned(&mut self) {
        match &self.bytes {
            HeadBytes::None => {}
            HeadBytes::Pooled(_) => self.bytes = HeadBytes::None,
            HeadBytes::Owned(_) => self.keep_owned(),
        }
    }

    #[inline(never)]
    fn keep_owned(&mut self) {
        if let HeadBytes::Owned(bytes) = std::mem::take(&mut self.bytes)
            && bytes.capacity() > self.spare.capacity()
            && bytes.capacity() <= limits::HEAD_BYTES_KEPT
        {
            self.spare = bytes;
            self.spare.clear();
        }
    }

    /// Begins a head whose bytes are attached once it has been read. Every span that follows
    /// counts from the first of those bytes.
    #[inline(always)]
    pub(crate) fn begin_spans(&mut self, method: Method, method_text: Span, version: Version) {
        self.clear();
        self.set_request(method, method_text, version);
    }

    /// Says what the request line of an HTTP/1 request would.
    #[inline]
    pub(crate) fn set_request(&mut self, method: Method, method_text: Span, version: Version) {
        self.method = method;
        self.method_text = method_text;
        self.version = version;
    }

    /// Says that the target is a path without anything to decode.
    #[inline]
    pub(crate) fn set_plain_path(&mut self, span: Span) {
        // Begun with a clear, so the other parts are those of a target that has only a path.
        self.target_text = span;
        self.target.path = span;
    }

    /// Reads the target, which lies at `span` of `bytes`.
    pub(crate) fn read_target(&mut self, bytes: &[u8], span: Span) -> Result<(), TargetError> {
        self.read_parts(bytes, span, self.method)
    }

    /// [`RequestHead::read_target`] as that of a request with this method.
    fn read_parts(&mut self, bytes: &[u8], span: Span, method: Method) -> Result<(), TargetError> {
        match target::scan(span.of(bytes)) {
            (length, seen) if length == span.len() => self.set_target(bytes, span, seen, method),
            _ => Err(TargetError::InvalidByte),
        }
    }

    /// Names the target at `span` of `bytes`, of which [`target::scan`] has seen the whole, and
    /// these bytes in it.
    #[inline(never)]
    pub(crate) fn set_target(
        &mut self,
        bytes: &[u8],
        span: Span,
        seen: u8,
        method: Method,
    ) -> Result<(), TargetError> {
        self.target_text = span;
        let mut target = Target::of_scanned(method, span.of(bytes), seen)?;
        let base = span.start();
        target.path = target.path.offset(base);
        target.query = target.query.map(|query| query.offset(base));
        target.authority = target.authority.map(|authority| authority.offset(base));
        if target.is_encoded {
            decode_path(target.path.of(bytes), &mut self.decoded_path)?;
        }
        self.authority = target.authority;
        self.target = target;
        Ok(())
    }

    /// Adds a field line that has been checked.
    #[inline(always)]
    pub(crate) fn push_span(&mut self, line: FieldSpan) {
        self.known.insert(line.known);
        self.lines.push(line);
    }

    /// Where the field lines lie, and what they are.
    pub(crate) fn lines(&self) -> &[FieldSpan] {
        &self.lines
    }

    /// The known fields among the lines.
    #[inline]
    pub(crate) fn known(&self) -> KnownSet {
        self.known
    }

    /// The target's parts, as spans over the head.
    pub(crate) fn target_parts(&self) -> &Target {
        &self.target
    }

    /// Names the authority where the target has none.
    pub(crate) fn set_authority(&mut self, span: Span) {
        self.authority = Some(span);
    }

    /// Makes Host say what the target does.
    pub(crate) fn replace_host(&mut self, value: Span) {
        let mut lines = self.lines.iter_mut();
        if let Some(line) = lines.find(|line| line.known == Some(KnownField::Host)) {
            line.value = value;
        }
    }

    /// Gives the head the bytes that its spans were made over, still in their receive buffer.
    #[inline]
    pub(crate) fn attach_pooled(&mut self, slice: BufSlice) {
        // The spans were begun with a clear, so there are no owned bytes to keep.
        self.bytes = HeadBytes::Pooled(slice);
    }

    /// Gives the head a copy of the bytes that its spans were made over.
    pub(crate) fn attach_copied(&mut self, bytes: &[u8]) {
        self.take_owned();
        let mut owned = std::mem::take(&mut self.spare);
        owned.clear();
        owned.extend_from_slice(bytes);
        self.bytes = HeadBytes::Owned(owned);
    }

    /// Copies the head out of its receive buffer, which goes back to the kernel. For handlers
    /// that wait: a head that outlives its turn must not hold a buffer.
    pub(crate) fn compact(&mut self) {
        if let HeadBytes::Pooled(slice) = &self.bytes {
            let slice = slice.clone();
            self.attach_copied(&slice);
        }
    }
}
