//! `HttpContext`: a request as a handler sees it.
//!
//! Owns nothing but the handle: everything lives in the exchange, the connection and the server
//! table. It cannot tell HTTP versions apart except by asking.

use std::fmt;
use std::mem;
use std::rc::Rc;

use serde::Serialize;

use super::writing::{drained, write_all};
use super::{
    Exchange, FieldSection, Informational, Method, RequestBody, RequestRef, ResponseError, Status,
    Upgraded,
};
use crate::features::{
    Connection, Drain, Features, RequestFeature, RequestLifetime, ResponseFeature, ServerFeatures,
};

/// One request and its response, owned by the handler until it is done.
///
/// Bound to its shard: it can move between tasks of the shard but not to another thread.
pub struct HttpContext {
    exchange: Rc<Exchange>,
    connection: Connection,
    /// Made when the handler first sets one, which few do: a context is moved several times.
    features: Option<Box<Features>>,
}

impl HttpContext {
    /// A context over an exchange. Servers call this; handlers receive it.
    #[must_use]
    pub fn new(exchange: Rc<Exchange>, connection: Connection) -> Self {
        Self {
            exchange,
            connection,
            features: None,
        }
    }

    /// The parts of which [`from_parts`](Self::from_parts) makes the same context again.
    #[inline]
    pub(crate) fn into_parts(self) -> (Rc<Exchange>, Connection, Option<Box<Features>>) {
        (self.exchange, self.connection, self.features)
    }

    /// Drops it. Most have no features, which is seen here without a call.
    #[inline]
    pub(crate) fn dispose(self) {
        if let Some(features) = self.features {
            drop(features);
        }
    }

    /// A context of its parts.
    #[inline]
    pub(crate) fn from_parts(
        exchange: Rc<Exchange>,
        connection: Connection,
        features: Option<Box<Features>>,
    ) -> Self {
        Self {
            exchange,
            connection,
            features,
        }
    }

    /// The request's head: target, version, fields.
    #[must_use]
    pub fn request(&self) -> RequestRef<'_> {
        self.exchange.request.head()
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.exchange.request.head().method()
    }

    /// The request's body.
    #[must_use]
    pub fn body(&mut self) -> RequestBody<'_> {
        RequestBody::new(&self.exchange)
    }

    /// The stream's identifier (RFC 9113, 5.1.1); `None` on HTTP/1 and once the connection is gone.
    #[must_use]
    pub fn stream_id(&self) -> Option<u32> {
        self.exchange.stream()
    }

    /// The connection that the request came on.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The shut-down of the server, for handlers without an end of their own.
    #[must_use]
    pub fn drain(&self) -> &Drain {
        self.connection.drain()
    }

    /// The server's table.
    #[must_use]
    pub fn server(&self) -> &ServerFeatures {
        self.connection.server()
    }

    /// Finds a feature by its type: what `set` has set on this request, then the request's own
    /// slots, then the connection, then the server.
    #[must_use]
    pub fn get<F: 'static>(&self) -> Option<&F> {
        let exchange = &*self.exchange;
        let slots: [&dyn std::any::Any; 12] = [
            &exchange.request,
            &exchange.response,
            &exchange.detection,
            &exchange.request_trailers,
            &exchange.response_trailers,
            &exchange.body_size,
            &exchange.body_rate,
            &exchange.response_rate,
            &exchange.lifetime,
            &exchange.identifier,
            &exchange.upgrade,
            &self.connection,
        ];
        self.features
            .as_ref()
            .and_then(|features| features.get())
            .or_else(|| slots.into_iter().find_map(|slot| slot.downcast_ref()))
            .or_else(|| self.server().get())
    }

    /// Sets a feature of this request. It hides one of the same type in a slot or a table below.
    pub fn set<F: 'static>(&mut self, feature: F) -> Option<F> {
        self.features().set(feature)
    }

    /// The features that `set` has set.
    #[must_use]
    pub fn features(&mut self) -> &mut Features {
        self.features.get_or_insert_default()
    }

    /// Whether somebody still waits for the answer.
    #[must_use]
    pub fn lifetime(&self) -> &RequestLifetime {
        &self.exchange.lifetime
    }

    /// Ends the stream at once, without an answer or in the middle of it; on HTTP/1, which has no
    /// streams, the connection. HTTP/2 says `CANCEL`.
    pub fn abort(&self) {
        /// RFC 9113, 7.
        const CANCEL: u32 = 0x8;
        self.reset(CANCEL);
    }

    /// [`abort`](Self::abort) with an error code of HTTP/2 (RFC 9113, 7) for the peer. HTTP/1
    /// cannot say it.
    pub fn reset(&self, code: u32) {
        self.exchange.lifetime.ask_abort(code);
        self.exchange.mark();
    }

    /// Status and fields of the response.
    #[must_use]
    pub fn response(&self) -> &ResponseFeature {
        &self.exchange.response
    }

    /// Sets the status; 200 when nobody does.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Informational`] for 1xx, which [`informational`](Self::informational) sends;
    /// [`ResponseError::AlreadyStarted`] or [`ResponseError::AlreadyComplete`] when it is too late.
    pub fn status(&self, status: Status) -> Result<&Self, ResponseError> {
        self.exchange.response.set_status(status)?;
        Ok(self)
    }

    /// Sets a field of the response, in place of others of the same name.
    ///
    /// # Errors
    ///
    /// [`ResponseError::InvalidField`] for what no field can hold, and those of
    /// [`status`](Self::status).
    pub fn field(&self, name: &str, value: impl AsRef<[u8]>) -> Result<&Self, ResponseError> {
        self.exchange.response.set_field(name, value)?;
        Ok(self)
    }

    /// Adds a trailer. On HTTP/1.1 the body becomes chunked; HTTP/1.0 has none and drops it.
    ///
    /// # Errors
    ///
    /// [`ResponseError::InvalidField`] for what no field can hold.
    pub fn trailer(&self, name: &str, value: impl AsRef<[u8]>) -> Result<&Self, ResponseError> {
        self.exchange.response_trailers.append(name, value)?;
        Ok(self)
    }

    /// Answers with bytes that live as long as the program; they are not copied. In place of any body
    /// written before.
    ///
    /// # Errors
    ///
    /// Those of [`status`](Self::status).
    #[inline(always)]
    pub fn static_bytes(
        &self,
        content_type: &str,
        bytes: &'static [u8],
    ) -> Result<(), ResponseError> {
        let mut outbound = self.exchange.outbound().borrow_mut();
        outbound.set_fixed(bytes)?;
        outbound.set_content_type(content_type)
    }

    /// Answers with a text (`text/plain; charset=utf-8`), in place of any body written before.
    ///
    /// # Errors
    ///
    /// Those of [`status`](Self::status).
    pub fn text(&self, text: &str) -> Result<(), ResponseError> {
        self.bytes("text/plain; charset=utf-8", text)
    }

    /// Answers with bytes of a media type, in place of any body written before.
    ///
    /// # Errors
    ///
    /// Those of [`field`](Self::field).
    pub fn bytes(&self, content_type: &str, bytes: impl AsRef<[u8]>) -> Result<(), ResponseError> {
        // Code of the application's: nothing may be borrowed yet.
        let bytes = bytes.as_ref();
        let mut outbound = self.exchange.outbound().borrow_mut();
        outbound.replace_body()?.extend_from_slice(bytes);
        outbound.set_content_type(content_type)
    }

    /// Answers with a value as JSON (`application/json`), in place of any body written before.
    ///
    /// # Errors
    ///
    /// [`ResponseError::NotSerialisable`] when serde refuses, and those of [`status`](Self::status).
    pub fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), ResponseError> {
        // The value's own code runs while the buffer is out and nothing is borrowed.
        let mut body = mem::take(self.exchange.outbound().borrow_mut().replace_body()?);
        let written = serde_json::to_writer(&mut body, value);
        if written.is_err() {
            body.clear();
        }
        let mut outbound = self.exchange.outbound().borrow_mut();
        *outbound.replace_body()? = body;
        written.map_err(|_| ResponseError::NotSerialisable)?;
        outbound.set_content_type("application/json")
    }

    /// Sends the head now, before any of the body.
    ///
    /// # Errors
    ///
    /// [`ResponseError::AlreadyComplete`] after an upgrade, [`ResponseError::LengthExceeded`] when
    /// more is buffered than Content-Length announces.
    pub fn start(&self) -> Result<(), ResponseError> {
        self.exchange.response.start()?;
        self.exchange.mark();
        Ok(())
    }

    /// Writes a part of the body. A small body that was never flushed is sent with its length; a
    /// longer one is streamed, and a peer that does not read makes this wait.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Aborted`] when the peer is gone, [`ResponseError::LengthExceeded`] past the
    /// announced length.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), ResponseError> {
        write_all(&self.exchange, bytes.as_ref()).await
    }

    /// Sends what was written so far and waits until the connection has taken it.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write).
    pub async fn flush(&mut self) -> Result<(), ResponseError> {
        self.start()?;
        drained(&self.exchange).await
    }

    /// Sends an interim response before the final one, as 103 Early Hints (RFC 9110, 15.2).
    /// HTTP/1.0 has none and drops it.
    ///
    /// # Errors
    ///
    /// [`ResponseError::NotInformational`] for any status but 100 and 102 to 199;
    /// [`ResponseError::AlreadyStarted`] when the final response is on its way.
    pub fn informational(&self, status: Status, fields: FieldSection) -> Result<(), ResponseError> {
        if !status.is_informational() || status == Status::SWITCHING_PROTOCOLS {
            return Err(ResponseError::NotInformational);
        }
        let mut outbound = self.exchange.outbound().borrow_mut();
        outbound.check_open()?;
        if self.request().version() == super::Version::Http10 {
            return Ok(());
        }
        outbound
            .informational
            .push(Informational { status, fields });
        drop(outbound);
        self.exchange.mark();
        Ok(())
    }

    /// Takes the connection over: sends 101 (with `protocol` in Upgrade), or 200 for CONNECT, with
    /// the fields set so far, and gives the raw byte stream behind it.
    ///
    /// # Errors
    /// [`ResponseError::NotUpgradable`] when the request asks for no upgrade or has a body,
    /// [`ResponseError::Aborted`] when the peer is gone, and those of [`status`](Self::status).
    pub fn upgrade(&mut self, protocol: &str) -> Result<Upgraded, ResponseError> {
        let connect = self.method() == Method::Connect;
        self.exchange.outbound().borrow().check_open()?;
        if self.exchange.lifetime.is_aborted() {
            // Nobody would ever end what a reader of the stream waits for.
            return Err(ResponseError::Aborted);
        }
        if !self.exchange.upgrade.take() {
            return Err(ResponseError::NotUpgradable);
        }
        let response = &self.exchange.response;
        let status = if connect {
            Status::OK
        } else {
            response.set_field("Upgrade", protocol)?;
            Status::SWITCHING_PROTOCOLS
        };
        self.exchange.outbound().borrow_mut().status = status;
        response.run_starting();
        // With any other status that a callback has set this would be no upgrade.
        self.exchange.outbound().borrow().check_open()?;
        // The limit is for bodies; a stream has none.
        self.exchange.body_size.reset(None);
        self.exchange.body_size.freeze();
        let mut outbound = self.exchange.outbound().borrow_mut();
        outbound.status = status;
        outbound.body.clear();
        outbound.fixed = &[];
        outbound.started = true;
        outbound.upgraded = true;
        drop(outbound);
        self.exchange.inbound.borrow_mut().open_stream();
        self.exchange.mark();
        Ok(Upgraded::new(Rc::clone(&self.exchange)))
    }
}

impl fmt::Debug for HttpContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpContext")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl HttpContext {
    /// The head as a feature, for code that replaces it.
    #[must_use]
    pub fn request_feature(&self) -> &RequestFeature {
        &self.exchange.request
    }

    /// The exchange behind the context.
    pub(crate) fn exchange(&self) -> &Rc<Exchange> {
        &self.exchange
    }
}
