//! The request's feature slots: head, body facts and limits, trailers, identity.
//!
//! Each slot is a plain value with interior mutability inside the exchange, reset between
//! requests without allocation.

use std::cell::{Cell, RefCell};
use std::fmt;

use crate::http::{FieldSection, RequestHead, RequestRef};
use crate::limits::DataRate;

/// The request line and the fields.
#[derive(Debug, Default)]
pub struct RequestFeature {
    head: RefCell<RequestHead>,
}

impl RequestFeature {
    /// Looks at the head. Holding the look over an await pins the shard's receive buffer: copy
    /// what is needed later instead.
    #[must_use]
    pub fn head(&self) -> RequestRef<'_> {
        RequestRef(self.head.borrow())
    }

    /// Puts another head in its place and gives back the one that was there; this is how a
    /// custom server surfaces a request. While somebody looks at the head it stays, and `head`
    /// comes back.
    pub fn replace(&self, head: RequestHead) -> RequestHead {
        match self.head.try_borrow_mut() {
            Ok(mut slot) => std::mem::replace(&mut *slot, head),
            Err(_) => head,
        }
    }

    /// The head for the protocol to fill, unless somebody looks at it.
    pub(crate) fn fill(&self) -> Option<std::cell::RefMut<'_, RequestHead>> {
        self.head.try_borrow_mut().ok()
    }

    /// Whether somebody looks at the head.
    #[inline]
    pub(crate) fn is_looked_at(&self) -> bool {
        self.head.try_borrow_mut().is_err()
    }

    /// Moves the head out of the receive buffer, unless a handler is looking at it.
    pub(crate) fn compact(&self) {
        if let Ok(mut head) = self.head.try_borrow_mut() {
            head.compact();
        }
    }

    pub(crate) fn reset(&self) {
        if let Ok(mut head) = self.head.try_borrow_mut() {
            head.release();
        }
    }
}

/// Whether the request may have a body at all.
#[derive(Debug, Default)]
pub struct RequestBodyDetection(Cell<bool>);

impl RequestBodyDetection {
    /// True when the framing announces a body, even an empty chunked one.
    #[must_use]
    pub fn can_have_body(&self) -> bool {
        self.0.get()
    }

    pub(crate) fn set(&self, can_have_body: bool) {
        self.0.set(can_have_body);
    }

    pub(crate) fn reset(&self) {
        self.0.set(false);
    }
}

/// A setting can no longer be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOnly;

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body is being read; its limit is fixed")
    }
}

impl std::error::Error for ReadOnly {}

/// How many bytes of body this request may have.
#[derive(Debug, Default)]
pub struct MaxRequestBodySize {
    bytes: Cell<Option<u64>>,
    read_only: Cell<bool>,
}

impl MaxRequestBodySize {
    /// The limit in bytes; `None` is no limit. The server's `Limits::body_bytes_max` at first.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.bytes.get()
    }

    /// Changes the limit for this request.
    ///
    /// # Errors
    ///
    /// [`ReadOnly`] once the body has been read or the request was upgraded.
    pub fn set(&self, bytes: Option<u64>) -> Result<(), ReadOnly> {
        if self.read_only.get() {
            return Err(ReadOnly);
        }
        self.bytes.set(bytes);
        Ok(())
    }

    /// Whether `set` would be refused.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only.get()
    }

    pub(crate) fn freeze(&self) {
        self.read_only.set(true);
    }

    pub(crate) fn reset(&self, bytes: Option<u64>) {
        self.bytes.set(bytes);
        self.read_only.set(false);
    }
}

/// How fast the peer must send this request's body.
#[derive(Debug, Default)]
pub struct MinRequestBodyDataRate(Cell<Option<DataRate>>);

impl MinRequestBodyDataRate {
    /// The rate; `None` is no limit. The server's `Limits::request_body_rate_min` at first.
    #[must_use]
    pub fn rate(&self) -> Option<DataRate> {
        self.0.get()
    }

    /// Changes the rate for this request. Time in which the server did not read is not counted.
    pub fn set(&self, rate: Option<DataRate>) {
        self.0.set(rate);
    }

    pub(crate) fn reset(&self, rate: Option<DataRate>) {
        self.0.set(rate);
    }
}

/// The fields behind the body (RFC 9110, 6.5).
#[derive(Debug, Default)]
pub struct RequestTrailers {
    fields: RefCell<FieldSection>,
    available: Cell<bool>,
}

impl RequestTrailers {
    /// Whether the body has been received whole, so that the trailers are known.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.available.get()
    }

    /// A copy of the trailers, once they are available.
    #[must_use]
    pub fn fields(&self) -> Option<FieldSection> {
        self.is_available().then(|| self.fields.borrow().clone())
    }

    /// Lets the protocol add fields as it decodes them.
    pub(crate) fn decode_into<T>(&self, decode: impl FnOnce(&mut FieldSection) -> T) -> T {
        decode(&mut self.fields.borrow_mut())
    }

    /// The body is complete, and with it the trailers.
    pub(crate) fn conclude(&self) {
        self.available.set(true);
    }

    pub(crate) fn reset(&self) {
        self.available.set(false);
        self.fields.borrow_mut().clear();
    }
}

/// What tells this request from all others in logs.
#[derive(Debug, Default)]
pub struct RequestIdentifier {
    connection: Cell<u64>,
    request: Cell<u64>,
    given: RefCell<Option<String>>,
}

impl RequestIdentifier {
    /// The identifier: the connection's number and the request's on it (`2a:1`), or what `set`
    /// gave. Written out on demand, so that requests which are not asked cost nothing.
    #[must_use]
    pub fn text(&self) -> String {
        match &*self.given.borrow() {
            Some(given) => given.clone(),
            None => format!("{:x}:{}", self.connection.get(), self.request.get()),
        }
    }

    /// Gives the request another identifier, from a trace context for example.
    pub fn set(&self, identifier: String) {
        *self.given.borrow_mut() = Some(identifier);
    }

    #[cold]
    fn forget_given(&self) {
        self.given.take();
    }

    pub(crate) fn assign(&self, connection: u64, request: u64) {
        self.connection.set(connection);
        self.request.set(request);
    }

    pub(crate) fn reset(&self) {
        if self.given.borrow().is_some() {
            self.forget_given();
        }
    }
}
