//! Bodies whose length is known: a text, or so many zeros.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Zeros that are handed on at once; none is copied before it is sent.
const PIECE: usize = 256 * 1024;
static ZEROS: [u8; PIECE] = [0; PIECE];

/// A body that is there from the beginning.
pub(crate) enum Fixed {
    /// All of it in one piece, empty once taken.
    Text(Bytes),
    /// So many zeros to come.
    Zeros(u64),
}

impl Fixed {
    pub(crate) fn text(text: Bytes) -> Self {
        Self::Text(text)
    }

    pub(crate) fn zeros(count: u64) -> Self {
        Self::Zeros(count)
    }

    fn left(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Zeros(count) => *count,
        }
    }
}

impl Body for Fixed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Self::Text(text) => std::mem::take(text),
            Self::Zeros(count) => {
                let length = usize::try_from(*count).map_or(PIECE, |count| count.min(PIECE));
                *count -= length as u64;
                Bytes::from_static(&ZEROS).slice(..length)
            }
        };
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
