//! Received bytes on their way through a session: whole records where they lie, others gathered.
//!
//! Owns the choice between the two and the order of what is handed on. What a record means is the
//! session's.

use super::fault::Fault;
use super::gather::Plain;
use super::record::record_length;
use super::session::Session;
use crate::buf::{BufSlice, Pool};

impl Session {
    /// Opens the records that `input` completes, in place where they lie whole in it, and hands on
    /// what they carry, in order. What follows the peer's close_notify is ignored (RFC 8446, 6.1).
    ///
    /// # Errors
    /// A violation; what came before it was handed on.
    pub(crate) fn receive(
        &mut self,
        mut input: BufSlice,
        pool: Option<&Pool>,
        deliver: &mut impl FnMut(Plain<'_>),
    ) -> Result<(), Fault> {
        let taken = self.finish_partial(&input, pool, deliver)?;
        input.advance(taken);
        if self.peer_closed || input.is_empty() {
            return Ok(());
        }
        let Some(bytes) = input.unique_mut() else {
            return self.receive_bytes(&input, pool, deliver);
        };
        let (opened, read) = self.open_whole(bytes);
        // The next piece may have its record's start in this buffer.
        let rest = match opened.fault {
            None if !self.peer_closed => self
                .gather
                .take(input.get(read..).unwrap_or_default(), pool),
            None => Ok((0, false)),
            Some(fault) => Err(fault),
        };
        if opened.start < opened.end {
            input.truncate(opened.end);
            input.advance(opened.start);
            deliver(Plain::Pooled(input));
        }
        rest.map(drop)
    }

    /// As `receive`, for bytes that cannot be changed where they are.
    pub(crate) fn receive_bytes(
        &mut self,
        mut input: &[u8],
        pool: Option<&Pool>,
        deliver: &mut impl FnMut(Plain<'_>),
    ) -> Result<(), Fault> {
        while !input.is_empty() && !self.peer_closed {
            let (taken, whole) = self.gather.take(input, pool)?;
            input = input.get(taken..).unwrap_or_default();
            if whole {
                self.open_gathered(deliver)?;
            }
        }
        Ok(())
    }

    /// Completes the record that has begun earlier. Answers how many bytes of `input` that took.
    fn finish_partial(
        &mut self,
        input: &[u8],
        pool: Option<&Pool>,
        deliver: &mut impl FnMut(Plain<'_>),
    ) -> Result<usize, Fault> {
        if self.gather.is_empty() || self.peer_closed {
            return Ok(0);
        }
        let (taken, whole) = self.gather.take(input, pool)?;
        if whole {
            self.open_gathered(deliver)?;
        }
        Ok(taken)
    }

    fn open_gathered(&mut self, deliver: &mut impl FnMut(Plain<'_>)) -> Result<(), Fault> {
        let mut gathered = std::mem::take(&mut self.gather);
        let (content, range) = self.opener.open(gathered.bytes_mut())?;
        let plain = gathered.bytes_mut().get(range.clone()).unwrap_or_default();
        if self.took(content, plain)? {
            gathered.deliver(range, deliver);
        }
        Ok(())
    }

    /// Opens every record that lies whole in `bytes`, and moves what they carry together.
    /// Answers where that lies and how many bytes the records took.
    fn open_whole(&mut self, bytes: &mut [u8]) -> (Opened, usize) {
        let mut opened = Opened::default();
        let mut read = 0;
        while !self.peer_closed {
            let rest = bytes.get_mut(read..).unwrap_or_default();
            let record = match record_length(rest) {
                Ok(Some(length)) => match rest.get_mut(..length) {
                    Some(record) => record,
                    None => break,
                },
                Ok(None) => break,
                Err(fault) => {
                    opened.fault = Some(fault);
                    break;
                }
            };
            let length = record.len();
            let taken = self.opener.open(record).and_then(|(content, range)| {
                let plain = record.get(range.clone()).unwrap_or_default();
                Ok(self.took(content, plain)?.then_some(range))
            });
            match taken {
                Ok(Some(range)) => opened.add(bytes, read + range.start, read + range.end),
                Ok(None) => {}
                Err(fault) => {
                    opened.fault = Some(fault);
                    break;
                }
            }
            read += length;
        }
        (opened, read)
    }
}

/// What was opened in one buffer.
#[derive(Default)]
struct Opened {
    start: usize,
    end: usize,
    fault: Option<Fault>,
}

impl Opened {
    /// Adds `start..end` of `bytes`, which lies behind what was added before.
    fn add(&mut self, bytes: &mut [u8], start: usize, end: usize) {
        if self.start == self.end {
            (self.start, self.end) = (start, end);
            return;
        }
        let length = end.saturating_sub(start);
        if end <= bytes.len() && start <= end {
            bytes.copy_within(start..end, self.end);
            self.end += length;
        }
    }
}
