//! Request heads put together by hand, for servers that have no wire.

use super::{HeadError, RequestHead};
use crate::http::{Scheme, Version};

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
