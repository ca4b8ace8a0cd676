//! A handler's look at the head of its request.

use std::cell::Ref;
use std::ops::Deref;

use super::RequestHead;

/// A look at the request's head.
///
/// Held over an await it pins the receive buffer that the head lies in; drop it before, or copy.
#[derive(Debug)]
pub struct RequestRef<'a>(pub(crate) Ref<'a, RequestHead>);

impl Deref for RequestRef<'_> {
    type Target = RequestHead;

    fn deref(&self) -> &RequestHead {
        &self.0
    }
}
