//! Request heads put together by hand, for servers that have no wire.

use super::{HeadBytes, HeadError, RequestHead};
use crate::http::authority::Authority;
use crate::http::field::{FieldError, FieldSpan, is_field_value, is_token, trim_ows};
use crate::http::{KnownField, Method, Scheme, Span, Version};
use crate::limits;

/// Makes request heads without a connection: for servers of another kind, and for tests.
///
/// ```
/// # use lanner::http::RequestHead;
/// let head = RequestHead::builder("GET", "/a?b").field("Host", "example.com").build()?;
/// assert_eq!(head.path(), "/a");
/// # Ok::<(), lanner::http::HeadError>(())
/// ```
#[derive(Debug)]
pub struct RequestHeadBuilder {
    head: RequestHead,
    error: Option<HeadError>,
}

impl RequestHead {
    /// Begins a head with this method and target.
    #[must_use]
    pub fn builder(method: &str, target: &str) -> RequestHeadBuilder {
        let mut head = Self::default();
        let error = head.begin_owned(method.as_bytes(), target.as_bytes()).err();
        RequestHeadBuilder { head, error }
    }
}

impl RequestHeadBuilder {
    /// Adds a field line. Host also names the authority, if the target does not.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if self.error.is_none() {
            self.error = self.head.push_owned(name.as_bytes(), value.as_ref()).err();
        }
        self
    }

    /// Sets the version; HTTP/1.1 otherwise.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.head.version = version;
        self
    }

    /// Sets the scheme; http otherwise.
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.head.scheme = scheme;
        self
    }

    /// The head.
    ///
    /// # Errors
    /// The first part that was refused.
    pub fn build(self) -> Result<RequestHead, HeadError> {
        match self.error {
            None => Ok(self.head),
            Some(error) => Err(error),
        }
    }
}

/// What the builder fills in.
impl RequestHead {
    /// Begins a head in memory of its own, from parts that no buffer holds together.
    fn begin_owned(&mut self, method: &[u8], target: &[u8]) -> Result<(), HeadError> {
        self.clear();
        self.method = Method::from_bytes(method).ok_or(HeadError::Method)?;
        if method.len().saturating_add(target.len()) > limits::HEAD_BYTES_CEILING {
            return Err(FieldError::TooLong.into());
        }
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.clear();
        bytes.extend_from_slice(method);
        bytes.extend_from_slice(target);
        self.method_text = Span::new(0, method.len());
        let read = self.read_target(&bytes, Span::new(method.len(), bytes.len()));
        self.bytes = HeadBytes::Owned(bytes);
        Ok(read?)
    }

    /// Adds a field line to a head that was begun in memory of its own.
    fn push_owned(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        if !is_token(name) {
            return Err(FieldError::Name.into());
        }
        if !is_field_value(value) {
            return Err(FieldError::Value.into());
        }
        let value = trim_ows(value);
        let known = KnownField::from_name(name);
        let names_host = known == Some(KnownField::Host);
        if names_host && (self.known.contains(KnownField::Host) || Authority::parse(value).is_err())
        {
            return Err(HeadError::Host);
        }
        let HeadBytes::Owned(bytes) = &mut self.bytes else {
            return Err(FieldError::TooLong.into());
        };
        let start = bytes.len();
        if start + name.len() + value.len() > limits::HEAD_BYTES_CEILING {
            return Err(FieldError::TooLong.into());
        }
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(value);
        let name = Span::new(start, start + name.len());
        let value = Span::new(name.end(), bytes.len());
        self.push_span(FieldSpan { name, value, known });
        if names_host && self.authority.is_none() {
            self.set_authority(value);
        }
        Ok(())
    }
}
