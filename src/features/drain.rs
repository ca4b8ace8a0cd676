//! Whether the shard is shutting down, for handlers that would go on for long.
//!
//! Owns the fact and those who wait for it. One for each shard, shared by its connections; it never
//! turns back.

use std::cell::Cell;

use super::waiters::Waiters;

/// The shut-down of the server, as a handler sees it.
///
/// A server that shuts down waits for its handlers, up to a limit, and resets what is left then. A
/// handler without an end of its own, as that of a stream of events, ends when the shut-down begins,
/// so that its response is whole and its client knows that it may connect elsewhere:
///
/// ```
/// use lanner::{HttpContext, ResponseError, timeout};
/// use std::time::Duration;
///
/// async fn events(ctx: &mut HttpContext) -> Result<(), ResponseError> {
///     ctx.field("Content-Type", "text/event-stream")?;
///     while timeout(Duration::from_secs(1), ctx.drain().begun()).await.is_err() {
///         ctx.write("data: another second\n\n").await?;
///         ctx.flush().await?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Default)]
pub struct Drain {
    draining: Cell<bool>,
    waiters: Waiters,
}

impl Drain {
    /// Whether the shut-down has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Waits until the shut-down begins; ready at once if it has. Use it beside other work.
    pub async fn begun(&self) {
        self.waiters.until(|| self.is_draining()).await;
    }

    pub(crate) fn begin(&self) {
        self.draining.set(true);
        self.waiters.wake();
    }
}
