//! From a field block to trailers (RFC 9113, 8.1).
//!
//! Owns which lines may stand there and how many. Knows no stream.

use super::bounds::{bounds, undecodable};
use super::error::{ConnectionError, StreamError, Violation};
use super::field_class::FieldClass;
use crate::hpack::Decoder;
use crate::http::{Counters, FieldSection};
use crate::limits::Limits;

/// Reads trailers into `trailers` (RFC 9113, 8.1).
pub(super) fn read_trailers(
    decoder: &mut Decoder<FieldClass>,
    block: &[u8],
    trailers: &mut FieldSection,
    limits: &Limits,
    counters: &mut Counters,
) -> Result<Result<(), StreamError>, ConnectionError> {
    let mut arena = Vec::new();
    let (mut bytes, mut count) = (0, 0);
    let mut violation = None;
    let decoded = decoder.decode(block, &mut arena, &bounds(limits), |arena, line| {
        let (name, value) = arena
            .get(line.start as usize..)
            .and_then(|text| text.split_at_checked(line.name_len as usize))
            .unwrap_or_default();
        bytes += (line.name_len + line.value_len) as usize + 4;
        count += 1;
        let fault = match line.verdict {
            FieldClass::Bad(Violation::UnknownPseudoField | Violation::ResponsePseudoField)
            | FieldClass::Method(_)
            | FieldClass::Path { .. }
            | FieldClass::Scheme(_)
            | FieldClass::Authority
            | FieldClass::Protocol => Some(Violation::PseudoInTrailers),
            FieldClass::Bad(_) if name.first() == Some(&b':') => Some(Violation::PseudoInTrailers),
            FieldClass::Bad(violation) => Some(violation),
            FieldClass::Known(known) if known.is_forbidden_in_trailers() => {
                Some(Violation::ForbiddenTrailer)
            }
            _ if count > limits.trailer_count_max => Some(Violation::TooManyFields),
            _ if bytes > limits.trailer_bytes_max => Some(Violation::HeaderListTooLarge),
            _ => trailers
                .append_bytes(name, value)
                .err()
                .map(|_| Violation::InvalidFieldValue),
        };
        violation = violation.or(fault);
        arena.clear();
    });
    match decoded {
        Ok(_) => Ok(violation.map_or(Ok(()), |violation| Err(StreamError(violation)))),
        Err(error) => Err(undecodable(error, counters)),
    }
}
