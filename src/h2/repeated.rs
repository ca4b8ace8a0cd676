//! The last request of a connection, when its field block came again.
//!
//! A client that asks for the same thing again, as one that polls or calls one method of an API does,
//! sends the same few bytes, for most of its lines are indexes. Owns one block and the request
//! that it meant. The same bytes mean the same as long as the decoder's table has not changed, which
//! the caller says by a number. Knows no stream, and nothing of how a block is read.

#[cfg(test)]
mod tests;

use super::request::Request;
use crate::http::RequestHead;

/// The longest block that is kept: blocks of repeated requests are indexes and hardly longer than
/// their lines are many.
const BLOCK_BYTES_MAX: usize = 128;

/// The most bytes of a head that are kept, and lines, for each connection holds them while idle.
const HEAD_BYTES_MAX: usize = 1024;
const HEAD_LINES_MAX: usize = 32;

/// The block that came last, and what it meant if it came twice.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    block: Vec<u8>,
    /// The state of the decoder's tables in which it came.
    revision: u64,
    request: Option<Request>,
    head: Box<RequestHead>,
}

impl Repeated {
    /// Fills `head` and answers the request when the block came before in the same state of the
    /// tables.
    #[inline]
    pub(super) fn recall(
        &self,
        block: &[u8],
        revision: u64,
        head: &mut RequestHead,
    ) -> Option<Request> {
        let request = self.request?;
        if self.revision != revision || self.block != block {
            return None;
        }
        head.repeat(&self.head);
        Some(request)
    }

    /// Takes note of a request whose block was read without a change to the tables. What it means is
    /// kept from the second time on: most blocks do not come again.
    pub(super) fn note(
        &mut self,
        block: &[u8],
        revision: u64,
        head: &RequestHead,
        request: Request,
    ) {
        let again = self.revision == revision && self.block == block;
        self.request = None;
        if again && head.is_within(HEAD_BYTES_MAX, HEAD_LINES_MAX) {
            self.head.repeat(head);
            self.request = Some(request);
        } else if !again && block.len() <= BLOCK_BYTES_MAX {
            self.block.clear();
            self.block.extend_from_slice(block);
            self.revision = revision;
        }
    }
}
