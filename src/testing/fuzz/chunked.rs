//! The decoder of chunked bodies.

use super::cuts;
use crate::h1::{ChunkedDecoder, Reject, Step};
use crate::http::FieldSection;
use crate::limits::Limits;

/// What came of an input.
#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    data: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    /// The bytes that belonged to the body if it is complete, or the violation.
    end: Result<Option<usize>, Reject>,
}

/// Decodes `input` as a chunked body.
///
/// # Panics
///
/// When data, trailers or verdict depend on how the input arrives, or when more comes out than
/// went in.
pub fn chunked(input: &[u8]) {
    let whole = decode(&[input]);
    for at in cuts(input.len()) {
        let (first, second) = input.split_at_checked(at).unwrap_or((input, &[]));
        assert_eq!(decode(&[first, second]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(decode(&bytes), whole, "byte by byte");
    let out = whole.data.len()
        + whole
            .trailers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>();
    assert!(out <= input.len(), "{out} bytes of {}", input.len());
    if let Ok(Some(consumed)) = whole.end {
        let body = input.get(..consumed).unwrap_or_default();
        assert!(body.ends_with(b"\r\n"));
        assert_eq!(
            decode(&[body]),
            whole,
            "what follows a body does not change it"
        );
    }
}

/// Decodes pieces as a connection does. Ends after as many steps as there can be.
fn decode(pieces: &[&[u8]]) -> Decoded {
    let limits = Limits::default();
    let mut decoder = ChunkedDecoder::default();
    let mut fields = FieldSection::new();
    let mut data = Vec::new();
    let mut before = 0;
    let mut end = Ok(None);
    'pieces: for piece in pieces {
        let mut rest = *piece;
        loop {
            match decoder.decode(rest, &limits, &mut fields) {
                Ok(Step::Data { start, end }) => {
                    let chunk = rest.get(start..end).expect("data lies in the input");
                    assert!(!chunk.is_empty(), "each step goes on");
                    data.extend_from_slice(chunk);
                    rest = rest.get(end..).unwrap_or_default();
                }
                Ok(Step::NeedMore) => break,
                Ok(Step::Complete { consumed }) => {
                    assert!(consumed <= rest.len(), "the body lies in the input");
                    end = Ok(Some(before + (piece.len() - rest.len()) + consumed));
                    break 'pieces;
                }
                Err(reject) => {
                    end = Err(reject);
                    break 'pieces;
                }
            }
        }
        before += piece.len();
    }
    let trailers = match end {
        // Trailers count once the body is complete.
        Ok(Some(_)) => fields
            .iter()
            .map(|line| (line.name.to_owned(), line.value.to_vec()))
            .collect(),
        _ => Vec::new(),
    };
    Decoded {
        data,
        trailers,
        end,
    }
}
