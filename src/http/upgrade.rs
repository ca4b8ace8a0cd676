//! The raw byte stream behind an upgrade or a CONNECT.
//!
//! Owns the handler's two directions of it. The protocol sends what is written as it is, and
//! queues what the peer sends; the stream ends when the handler drops it.

use std::future::poll_fn;
use std::rc::Rc;

use super::body::poll_chunk;
use super::writing::{drained, write_all};
use super::{BodyError, Chunk, Exchange, ResponseError};

/// A connection that has left HTTP.
///
/// A CONNECT is granted by an upgrade alone: one that is answered with a 2xx and no upgrade gets an
/// empty 501 instead, for there is no tunnel behind it.
#[derive(Debug)]
pub struct Upgraded {
    exchange: Rc<Exchange>,
}

impl Upgraded {
    pub(super) fn new(exchange: Rc<Exchange>) -> Self {
        Self { exchange }
    }

    /// The next bytes of the peer; `None` when it has finished sending.
    ///
    /// # Errors
    ///
    /// [`BodyError::Aborted`] when the connection is gone.
    pub async fn read(&mut self) -> Result<Option<Chunk>, BodyError> {
        poll_fn(|cx| poll_chunk(&self.exchange, cx)).await
    }

    /// Sends bytes; waits while the peer does not read.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Aborted`] when the connection is gone.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), ResponseError> {
        write_all(&self.exchange, bytes.as_ref()).await
    }

    /// Waits until the connection has taken all that was written.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Aborted`] when the connection is gone.
    pub async fn flush(&mut self) -> Result<(), ResponseError> {
        drained(&self.exchange).await
    }
}
