//! A place in a message that is spread over records.
//!
//! Owns record headers before there are keys, and reading vectors across records. Knows no field of
//! a message.

use super::HelloFault;
use crate::tls::record::{HEADER_BYTES, PLAINTEXT_MAX};

const CONTENT_HANDSHAKE: u8 = 22;

/// One record, of which the end may be missing.
pub(super) struct Record<'a> {
    /// What is there of the fragment.
    pub(super) fragment: &'a [u8],
    /// What follows the record; none while its end is missing.
    pub(super) behind: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// Reads the record at the beginning of `bytes`; none when not even its header is whole. A
    /// header that cannot become right is refused at its first wrong byte.
    pub(super) fn read(bytes: &'a [u8], is_first: bool) -> Result<Option<Self>, HelloFault> {
        match *bytes {
            [] => return Ok(None),
            [CONTENT_HANDSHAKE] | [CONTENT_HANDSHAKE, 3, ..] => {}
            [CONTENT_HANDSHAKE, ..] => return Err(HelloFault::RecordVersion),
            _ if is_first => return Err(HelloFault::NotHandshake),
            _ => return Err(HelloFault::RecordInterleaved),
        }
        let Some((&[_, _, _, high, low], rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length == 0 {
            return Err(HelloFault::EmptyRecord);
        }
        if length > PLAINTEXT_MAX {
            return Err(HelloFault::RecordTooLong);
        }
        Ok(Some(match rest.split_at_checked(length) {
            Some((fragment, behind)) => Self {
                fragment,
                behind: Some(behind),
            },
            None => Self {
                fragment: rest,
                behind: None,
            },
        }))
    }
}

/// A place in a message, which goes on in the next record where one ends; and how many bytes are
/// left of the vector that is being read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    fragment: &'a [u8],
    behind: &'a [u8],
    pub(super) left: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of the message in `records`, of which `left` bytes may be read.
    pub(super) fn new(records: &'a [u8], left: usize) -> Self {
        Self {
            fragment: &[],
            behind: records,
            left,
        }
    }

    /// Bytes up to `length` that lie in one piece; empty only at the end.
    fn piece(&mut self, length: usize) -> Result<&'a [u8], HelloFault> {
        if self.fragment.is_empty()
            && length > 0
            && let Some(record) = Record::read(self.behind, false)?
        {
            self.fragment = record.fragment;
            self.behind = record.behind.unwrap_or_default();
        }
        let length = length.min(self.fragment.len());
        let (piece, rest) = self.fragment.split_at_checked(length).unwrap_or_default();
        self.left = self.left.saturating_sub(length);
        self.fragment = rest;
        Ok(piece)
    }

    /// Goes on by `length` bytes.
    pub(super) fn skip(&mut self, length: usize) -> Result<(), HelloFault> {
        self.copy(length, |_| {})
    }

    /// Hands on the next `length` bytes, in pieces.
    pub(super) fn copy(
        &mut self,
        length: usize,
        mut to: impl FnMut(&[u8]),
    ) -> Result<(), HelloFault> {
        if length > self.left {
            return Err(HelloFault::Length);
        }
        let mut missing = length;
        while missing > 0 {
            let piece = self.piece(missing)?;
            // The records hold the message whole, so that there is always a piece.
            if piece.is_empty() {
                return Err(HelloFault::Length);
            }
            missing -= piece.len();
            to(piece);
        }
        Ok(())
    }

    pub(super) fn u8(&mut self) -> Result<u8, HelloFault> {
        let mut value = 0;
        self.copy(1, |piece| {
            value = piece.first().copied().unwrap_or_default();
        })?;
        Ok(value)
    }

    pub(super) fn u16(&mut self) -> Result<u16, HelloFault> {
        Ok(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    /// The content of the vector here, whose length takes two bytes; goes on behind it.
    pub(super) fn vector(&mut self) -> Result<Self, HelloFault> {
        let length = self.u16()?.into();
        let content = Self {
            left: length,
            ..*self
        };
        self.skip(length)?;
        Ok(content)
    }

    /// That nothing is left over.
    pub(super) fn end(&self) -> Result<(), HelloFault> {
        match self.left {
            0 => Ok(()),
            _ => Err(HelloFault::Length),
        }
    }
}

/// Where in `bytes` a byte of the message lies that their records hold.
pub(super) fn place_in_records(bytes: &[u8], place: usize) -> Option<usize> {
    let (mut rest, mut left) = (bytes, place);
    loop {
        let record = Record::read(rest, false).ok()??;
        if left < record.fragment.len() {
            return Some(bytes.len() - rest.len() + HEADER_BYTES + left);
        }
        left -= record.fragment.len();
        rest = record.behind?;
    }
}
