//! The response's feature slots: status and fields, trailers, data rate, upgrade.

use std::cell::{Cell, Ref, RefCell};

use super::callbacks::Callbacks;
use crate::http::{FieldError, FieldSection, Outbound, ResponseError, Status};
use crate::limits::DataRate;

/// Status, fields, and whether they are still to be changed.
#[derive(Debug, Default)]
pub struct ResponseFeature {
    outbound: RefCell<Outbound>,
    callbacks: Callbacks,
}

impl ResponseFeature {
    /// The status; 200 at first.
    #[must_use]
    pub fn status(&self) -> Status {
        self.outbound.borrow().status
    }

    /// Changes the status.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Informational`] for 1xx: a peer would wait for the response behind it, and
    /// take the next one for that. [`ResponseError::AlreadyStarted`] or
    /// [`ResponseError::AlreadyComplete`] when it is too late.
    pub fn set_status(&self, status: Status) -> Result<(), ResponseError> {
        let mut outbound = self.outbound.borrow_mut();
        outbound.check_open()?;
        if status.is_informational() {
            return Err(ResponseError::Informational);
        }
        outbound.status = status;
        Ok(())
    }

    /// Adds a field line, beside others of the same name.
    ///
    /// # Errors
    ///
    /// [`ResponseError::InvalidField`] for a name or a value that no field can have, and the
    /// errors of [`set_status`](Self::set_status).
    pub fn append_field(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), ResponseError> {
        // Code of the application's: nothing may be borrowed yet.
        let value = value.as_ref();
        let mut outbound = self.outbound.borrow_mut();
        outbound.check_open()?;
        outbound.fields.append(name, value).map_err(invalid)
    }

    /// Sets a field, in place of all others of the same name.
    ///
    /// # Errors
    ///
    /// Those of [`append_field`](Self::append_field).
    pub fn set_field(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), ResponseError> {
        let value = value.as_ref();
        let mut outbound = self.outbound.borrow_mut();
        outbound.check_open()?;
        outbound.fields.set(name, value).map_err(invalid)
    }

    /// A copy of the fields as they stand, which may be kept and awaited with: the response itself is
    /// the server's to change. [`field`](Self::field) copies one value only.
    #[must_use]
    pub fn fields(&self) -> FieldSection {
        self.outbound.borrow().fields.clone()
    }

    /// A copy of the first value of a field as it stands.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Vec<u8>> {
        self.outbound.borrow().fields.get(name).map(<[u8]>::to_vec)
    }

    /// Whether status and fields are fixed.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.outbound.borrow().check_open().is_err()
    }

    /// Calls `callback` once, just before status and fields are fixed, while it may still change
    /// them: when the response is started, or when the handler is done. The last registered is
    /// called first. None is called when the handler fails before that, for its answer is replaced.
    ///
    /// A panic of the callback is one of the handler. It must not wait: what takes time belongs in
    /// the handler, before the start.
    ///
    /// # Errors
    ///
    /// [`ResponseError::AlreadyStarted`] or [`ResponseError::AlreadyComplete`] when it is too late.
    pub fn on_starting(&self, callback: impl FnOnce(&Self) + 'static) -> Result<(), ResponseError> {
        self.outbound.borrow().check_open()?;
        self.callbacks.add_starting(Box::new(callback));
        Ok(())
    }

    /// Calls `callback` once when all is over: the handler is done, and the connection has taken
    /// the whole response to be sent, or is gone. The last registered is called first, whatever
    /// becomes of the others: a panic ends its own callback only. It must not wait, and nothing that
    /// it changes reaches the peer any more.
    pub fn on_completed(&self, callback: impl FnOnce(&Self) + 'static) {
        self.callbacks.add_completed(Box::new(callback));
    }

    /// Whether `on_starting` or `on_completed` was used on this response.
    #[inline]
    pub(crate) fn has_callbacks(&self) -> bool {
        self.callbacks.are_registered()
    }

    /// Calls what waits for the start. Panics where a callback does.
    #[inline]
    pub(crate) fn run_starting(&self) {
        if self.has_callbacks() {
            self.callbacks.run_starting(self);
        }
    }

    /// Calls what waits for the end.
    pub(crate) fn run_completed(&self) {
        self.callbacks.run_completed(self);
    }

    /// Fixes status and fields, once the callbacks have had their say; see [`Outbound::start`].
    /// Whoever starts a response before its handler is done does it here.
    pub(crate) fn start(&self) -> Result<(), ResponseError> {
        self.run_starting();
        self.outbound.borrow_mut().start()
    }

    /// Back to an empty 200 without callbacks. Keeps `body_capacity_max` bytes of body at most.
    #[inline(always)]
    pub(crate) fn reset(&self, body_capacity_max: usize) {
        self.callbacks.reset();
        self.outbound.borrow_mut().reset(body_capacity_max);
    }

    pub(crate) fn outbound(&self) -> &RefCell<Outbound> {
        &self.outbound
    }
}

fn invalid(_: FieldError) -> ResponseError {
    ResponseError::InvalidField
}

/// The fields behind the response body (RFC 9110, 6.5). On HTTP/1.1 they make the body chunked.
#[derive(Debug, Default)]
pub struct ResponseTrailers {
    fields: RefCell<FieldSection>,
}

impl ResponseTrailers {
    /// Adds a trailer. Trailers are sent when the handler is done.
    ///
    /// # Errors
    ///
    /// [`ResponseError::InvalidField`] for a name or a value that no field can have.
    pub fn append(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), ResponseError> {
        let value = value.as_ref();
        self.fields
            .borrow_mut()
            .append(name, value)
            .map_err(invalid)
    }

    /// A copy of the trailers as they stand.
    #[must_use]
    pub fn fields(&self) -> FieldSection {
        self.fields.borrow().clone()
    }

    /// The trailers for a protocol to look at, which it does while no handler runs.
    pub(crate) fn section(&self) -> Ref<'_, FieldSection> {
        self.fields.borrow()
    }

    #[inline(never)]
    fn forget(&self) {
        self.fields.borrow_mut().clear();
    }

    pub(crate) fn reset(&self) {
        if !self.fields.borrow().is_empty() {
            self.forget();
        }
    }
}

/// How fast the peer must take this response.
#[derive(Debug, Default)]
pub struct MinResponseDataRate {
    rate: Cell<Option<DataRate>>,
    changed: Cell<bool>,
}

impl MinResponseDataRate {
    /// The rate; `None` is no limit. The server's `Limits::response_rate_min` at first.
    #[must_use]
    pub fn rate(&self) -> Option<DataRate> {
        self.rate.get()
    }

    /// Changes the rate for this response, from what is sent next. What is handed to the socket as
    /// one block has one rate: where responses share a block, as those of pipelined requests do,
    /// the most lenient of their rates holds.
    pub fn set(&self, rate: Option<DataRate>) {
        self.rate.set(rate);
        self.changed.set(true);
    }

    /// Whether it may be another than the server's.
    #[inline]
    pub(crate) fn is_changed(&self) -> bool {
        self.changed.get()
    }

    pub(crate) fn reset(&self, rate: Option<DataRate>) {
        self.rate.set(rate);
        self.changed.set(false);
    }
}

/// Whether the connection can be taken over (RFC 9110, 7.8 and 9.3.6).
#[derive(Debug, Default)]
pub struct Upgrade {
    upgradable: Cell<bool>,
    upgraded: Cell<bool>,
}

impl Upgrade {
    /// Whether [`HttpContext::upgrade`](crate::http::HttpContext::upgrade) would be granted.
    #[must_use]
    pub fn is_upgradable(&self) -> bool {
        self.upgradable.get() && !self.upgraded.get()
    }

    pub(crate) fn offer(&self) {
        self.upgradable.set(true);
    }

    pub(crate) fn take(&self) -> bool {
        let granted = self.is_upgradable();
        self.upgraded.set(granted || self.upgraded.get());
        granted
    }

    pub(crate) fn reset(&self) {
        self.upgradable.set(false);
        self.upgraded.set(false);
    }
}
