//! What a completion is about: operation kind, generation and slot.
//!
//! Owns the 64 bits that travel through the kernel with an operation. Knows nothing of what sits
//! in a slot: whoever made the token compares generations before touching it.

#![forbid(unsafe_code)]

/// The operation that a completion belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum OpKind {
    /// Multishot accept on a listener.
    Accept = 1,
    /// Multishot receive on a connection.
    Recv = 2,
    /// Send on a connection.
    Send = 3,
    /// Cancellation of all that is in flight on a descriptor.
    Cancel = 4,
    /// End of what we send.
    Shutdown = 5,
    /// Close of a descriptor.
    Close = 6,
    /// Multishot poll of the inbox's eventfd.
    Inbox = 7,
    /// Open of a file.
    Open = 8,
    /// Read of a file.
    Read = 9,
    /// Close of a file.
    CloseFile = 10,
    /// Multishot poll for the break of a connection.
    Watch = 11,
}

impl OpKind {
    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            1 => Self::Accept,
            2 => Self::Recv,
            3 => Self::Send,
            4 => Self::Cancel,
            5 => Self::Shutdown,
            6 => Self::Close,
            7 => Self::Inbox,
            8 => Self::Open,
            9 => Self::Read,
            10 => Self::CloseFile,
            11 => Self::Watch,
            _ => return None,
        })
    }
}

/// Names one operation of one occupant of one slot.
///
/// A slot is reused with another generation, so the completion of an operation that outlived its
/// owner is recognised instead of hitting whoever sits there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    kind: OpKind,
    generation: u32,
    slot: u32,
}

impl Token {
    /// The bits of a generation that travel: 24. A slot must be reused 16 million times within
    /// the life of one operation for a mix-up.
    pub(crate) const GENERATION_MASK: u32 = 0x00FF_FFFF;

    /// A token; only the lower 24 bits of `generation` count.
    pub(crate) const fn new(kind: OpKind, generation: u32, slot: u32) -> Self {
        Self {
            kind,
            generation: generation & Self::GENERATION_MASK,
            slot,
        }
    }

    /// Which operation.
    pub(crate) const fn kind(self) -> OpKind {
        self.kind
    }

    /// The generation of the slot's occupant, at most [`Token::GENERATION_MASK`].
    pub(crate) const fn generation(self) -> u32 {
        self.generation
    }

    /// The slot.
    pub(crate) const fn slot(self) -> u32 {
        self.slot
    }

    /// kind (8 bits) | generation (24) | slot (32). The top bit is always clear: kinds are small.
    pub(super) const fn to_bits(self) -> u64 {
        ((self.kind as u64) << 56) | ((self.generation as u64) << 32) | self.slot as u64
    }

    /// The inverse of [`Token::to_bits`]; `None` for bits that no token has.
    pub(super) const fn from_bits(bits: u64) -> Option<Self> {
        match OpKind::from_bits((bits >> 56) as u8) {
            Some(kind) => Some(Self::new(kind, (bits >> 32) as u32, bits as u32)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn travels_through_its_bits() {
        for byte in 0..=u8::MAX {
            let bits = u64::from(byte) << 56;
            match OpKind::from_bits(byte) {
                None => assert_eq!(Token::from_bits(bits), None),
                Some(kind) => {
                    assert_eq!(kind as u8, byte);
                    let token = Token::new(kind, u32::MAX, u32::MAX);
                    assert_eq!(token.generation(), Token::GENERATION_MASK);
                    assert_eq!(Token::from_bits(token.to_bits()), Some(token));
                    assert_eq!(Token::from_bits(bits), Some(Token::new(kind, 0, 0)));
                    assert_eq!(token.to_bits() >> 63, 0);
                }
            }
        }
        let token = Token::new(OpKind::Send, 0x0102_0304, 7);
        assert_eq!(token.to_bits(), 0x0302_0304_0000_0007);
        assert_eq!(
            (token.kind(), token.generation(), token.slot()),
            (OpKind::Send, 0x02_0304, 7)
        );
    }
}
