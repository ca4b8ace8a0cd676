//! The contract between a server and an application.
//!
//! Any server can run any application: it makes an exchange, a context over it, and runs
//! [`process`]. Owns the order of the calls and what becomes of errors and panics.

use std::future::Future;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use super::{Exchange, HandlerError, HttpContext};
use crate::journal;
use crate::task::{Contained, contained};

/// An application: makes a context of a request, processes it, disposes of it.
///
/// Any `async` closure over `&mut HttpContext` is one, with the `HttpContext` itself as context.
pub trait Application {
    /// What the application keeps for the time of one request.
    type Context;

    /// Makes the context of a request from its features.
    fn create_context(&self, request: HttpContext) -> Self::Context;

    /// Answers the request.
    ///
    /// # Errors
    ///
    /// An error before the response has started answers 500, or the status of a
    /// [`BodyError`](super::BodyError) that was met; afterwards it cuts the response short.
    fn process(
        &self,
        context: &mut Self::Context,
    ) -> impl Future<Output = Result<(), HandlerError>>;

    /// Disposes of the context, with the error of `process` if there was one.
    fn dispose_context(&self, context: Self::Context, error: Option<&HandlerError>);
}

/// What an `async` closure may return: `()`, or a `Result` with any error.
pub trait IntoOutcome {
    /// The outcome as the server sees it.
    ///
    /// # Errors
    ///
    /// The error that the closure returned.
    fn into_outcome(self) -> Result<(), HandlerError>;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<E: Into<Box<dyn std::error::Error>>> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Result<(), HandlerError> {
        self.map_err(|error| HandlerError::Failed(error.into()))
    }
}

impl<F, R> Application for F
where
    F: AsyncFn(&mut HttpContext) -> R,
    R: IntoOutcome,
{
    type Context = HttpContext;

    fn create_context(&self, request: HttpContext) -> HttpContext {
        request
    }

    async fn process(&self, context: &mut HttpContext) -> Result<(), HandlerError> {
        self(context).await.into_outcome()
    }

    fn dispose_context(&self, context: HttpContext, error: Option<&HandlerError>) {
        if let Some(error) = error
            && !error.is_peers()
        {
            tell(&context, error);
        }
        context.dispose();
    }
}

/// Says which request of whose failed, and of what.
#[cold]
fn tell(context: &HttpContext, error: &HandlerError) {
    let request = context.request();
    let (method, path) = (request.method(), request.path());
    match context.connection().remote_address() {
        Some(peer) => journal::say_now(format_args!("{method} {path} from {peer}: {error}")),
        None => journal::say_now(format_args!("{method} {path}: {error}")),
    }
}

/// Runs an application over one request, in the order of the contract. The exchange is finished
/// when this ends, however it ends: by return, by error, by panic, or by being dropped.
pub async fn process<A: Application>(application: &A, request: HttpContext) {
    process_shared(application, request).await;
}

/// [`process`] for a server whose handlers have an application in common: what they hold it by is
/// part of the one future, which is then not wrapped in another.
#[inline]
pub(crate) fn process_shared<A, P>(application: P, request: HttpContext) -> impl Future<Output = ()>
where
    A: Application,
    P: Deref<Target = A>,
{
    // What a future captures as a whole is copied by bytes when the future is moved to its slot,
    // and all its room with it; of single words only these are moved.
    let (exchange, connection, features) = request.into_parts();
    async move {
        let request = HttpContext::from_parts(exchange, connection, features);
        let guard = Unfinished(Rc::clone(request.exchange()));
        // What of these is left when something panics is dropped on the way out: a second panic
        // would end the process.
        let mut context = Contained::new(application.create_context(request));
        let result = Caught(pin!(application.process(&mut context))).await;
        let result = result.and_then(|()| guard.0.run_starting());
        // One call of each, whatever the result: they become part of this future then.
        let error = result.err().map(Contained::new);
        let error = error.as_deref();
        guard.0.finish(error.map_or(Ok(()), Err));
        application.dispose_context(context.into_inner(), error);
    }
}

/// Finishes the exchange of a handler that was ended before it was done.
struct Unfinished(Rc<Exchange>);

impl Unfinished {
    #[cold]
    fn finish(&self) {
        self.0.finish(Err(&HandlerError::Panicked));
    }
}

impl Drop for Unfinished {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.0.is_finished() {
            self.finish();
        }
    }
}

/// Turns a panic into an error.
struct Caught<F>(F);

impl<F> Future for Caught<Pin<&mut F>>
where
    F: Future<Output = Result<(), HandlerError>>,
{
    type Output = Result<(), HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The future is not polled again after a panic: this is its end.
        contained(|| self.0.as_mut().poll(cx)).unwrap_or(Poll::Ready(Err(HandlerError::Panicked)))
    }
}
