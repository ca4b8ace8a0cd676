//! The message that announces new keys (RFC 8446, 4.6.3), in whatever pieces it comes.
//!
//! Owns its syntax and what has come of it. What follows from it is the session's.

use super::fault::Fault;

/// The header of the message: its type, and a length of one.
const HEADER: [u8; 4] = [24, 0, 0, 1];

pub(super) const UPDATE_NOT_REQUESTED: u8 = 0;
pub(super) const UPDATE_REQUESTED: u8 = 1;

/// How much of a message has come: so many bytes of its header. The rest is one byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyUpdate(u8);

impl KeyUpdate {
    /// The message with this request.
    pub(super) fn message(request: u8) -> [u8; 5] {
        let [kind, high, middle, low] = HEADER;
        [kind, high, middle, low, request]
    }

    /// Whether a message has begun and not ended.
    #[inline]
    pub(super) fn has_begun(self) -> bool {
        self.0 > 0
    }

    /// Takes the content of a record; answers what the message asks for once it is whole.
    ///
    /// # Errors
    /// It is another message, or malformed; or its record goes on behind it, where other keys are
    /// to be used (RFC 8446, 5.1).
    pub(super) fn take(&mut self, content: &[u8]) -> Result<Option<u8>, Fault> {
        // Not even a piece may be empty.
        if content.is_empty() {
            return Err(Fault::UnexpectedMessage);
        }
        let mut rest = content;
        while let Some((&byte, behind)) = rest.split_first() {
            match HEADER.get(usize::from(self.0)) {
                Some(&expected) if byte == expected => self.0 += 1,
                Some(_) if self.0 == 0 => return Err(Fault::UnexpectedMessage),
                Some(_) => return Err(Fault::MalformedKeyUpdate),
                None if !behind.is_empty() => return Err(Fault::UnexpectedMessage),
                None if byte > UPDATE_REQUESTED => return Err(Fault::KeyUpdateValue),
                None => {
                    self.0 = 0;
                    return Ok(Some(byte));
                }
            }
            rest = behind;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What becomes of a message in these records.
    fn taken(records: &[&[u8]]) -> Result<Option<u8>, Fault> {
        let mut update = KeyUpdate::default();
        let mut last = Ok(None);
        for record in records {
            last = update.take(record);
            last?;
        }
        assert_eq!(update.has_begun(), last == Ok(None));
        last
    }

    #[test]
    fn a_message_is_taken_in_whatever_pieces_it_comes() {
        for request in [UPDATE_NOT_REQUESTED, UPDATE_REQUESTED] {
            let message = KeyUpdate::message(request);
            assert_eq!(taken(&[&message]), Ok(Some(request)));
            for at in 1..5 {
                let (one, other) = message.split_at(at);
                assert_eq!(taken(&[one]), Ok(None));
                assert_eq!(taken(&[one, other]), Ok(Some(request)));
            }
            let singly: Vec<&[u8]> = message.chunks(1).collect();
            assert_eq!(taken(&singly), Ok(Some(request)));
        }
    }

    #[test]
    fn each_fault_has_its_alert() {
        let (unexpected, illegal, decode) = (Some(10), Some(47), Some(50));
        for (records, alert) in [
            // RFC 8446, 4.6.3: a request that is neither of the two.
            (&[&[24, 0, 0, 1, 2][..]][..], illegal),
            (&[&[24, 0, 0, 1], &[255]], illegal),
            // 5.1: new keys begin with a record; pieces are not empty.
            (&[&[24, 0, 0, 1, 0, 24, 0, 0, 1, 0]], unexpected),
            (&[&[24, 0, 0], &[1, 1, 0]], unexpected),
            (&[&[]], unexpected),
            (&[&[24, 0], &[]], unexpected),
            // 4.6: no other message of a client.
            (&[&[1, 0, 0, 0]], unexpected),
            (&[&[4]], unexpected),
            // 6.2: a length that is not that of the message.
            (&[&[24, 0, 0, 2, 0, 0]], decode),
            (&[&[24, 0, 0, 0]], decode),
            (&[&[24], &[1]], decode),
        ] {
            let fault = taken(records).unwrap_err();
            assert_eq!(fault.alert(), alert, "{records:?}: {fault:?}");
        }
    }
}
