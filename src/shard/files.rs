//! File reads for handlers, on the shard's own ring: open, read to the end, close.
//!
//! Owns the requests and their state; the driver issues the operations and reports their ends.
//! A handler that goes away leaves its request to finish and be forgotten.

use std::cell::RefCell;
use std::ffi::CString;
use std::future::poll_fn;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::task::Poll;

use super::local::Local;
use crate::ring::{Errno, OpKind, Ring, Token};
use crate::task::Parked;

/// Room for one read operation; a longer file takes several.
const READ_BYTES: usize = 64 * 1024;

/// Reads a whole file of at most `bytes_max` bytes, without blocking the shard.
///
/// # Errors
///
/// What the kernel answers to open and read; [`io::ErrorKind::InvalidInput`] for a path with a NUL
/// byte; [`io::ErrorKind::FileTooLarge`] past `bytes_max`; [`io::ErrorKind::Unsupported`] outside a
/// shard's thread.
pub async fn read_file(path: impl AsRef<Path>, bytes_max: usize) -> io::Result<Vec<u8>> {
    let path = CString::new(path.as_ref().as_os_str().as_bytes())
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let Some(local) = Local::current() else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let request = Rc::new(RefCell::new(FileRead {
        bytes_max,
        result: None,
        reader: None,
    }));
    local
        .files
        .borrow_mut()
        .submitted
        .push((path, Rc::clone(&request)));
    poll_fn(|cx| {
        if let Some(result) = request.borrow_mut().result.take() {
            return Poll::Ready(result);
        }
        let reader = Parked::from_context(cx);
        request.borrow_mut().reader = Some(reader);
        Poll::Pending
    })
    .await
}

/// One file that is being read.
struct FileRead {
    bytes_max: usize,
    result: Option<io::Result<Vec<u8>>>,
    reader: Option<Parked>,
}

enum Stage {
    Opening,
    Reading { fd: RawFd },
    Closing,
}

struct Active {
    stage: Stage,
    request: Rc<RefCell<FileRead>>,
}

/// The file reads of a shard.
#[derive(Default)]
pub(super) struct FileRequests {
    submitted: Vec<(CString, Rc<RefCell<FileRead>>)>,
    active: Vec<Option<Active>>,
}

impl FileRequests {
    /// Whether handlers have asked for files since the last `begin`.
    pub(super) fn has_submitted(&self) -> bool {
        !self.submitted.is_empty()
    }

    /// Whether any operation is still with the ring.
    pub(super) fn is_idle(&self) -> bool {
        self.submitted.is_empty() && self.active.iter().all(Option::is_none)
    }

    /// The descriptors of files that are being read and not closed yet.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.active.iter().filter_map(|active| match active {
            Some(Active {
                stage: Stage::Reading { fd },
                ..
            }) => Some(*fd),
            _ => None,
        })
    }

    /// Opens what handlers have asked for.
    pub(super) fn begin<R: Ring>(&mut self, ring: &mut R) {
        for (path, request) in self.submitted.drain(..) {
            let free = self.active.iter().position(Option::is_none);
            let slot = free.unwrap_or_else(|| {
                self.active.push(None);
                self.active.len() - 1
            });
            if let Some(entry) = self.active.get_mut(slot) {
                *entry = Some(Active {
                    stage: Stage::Opening,
                    request,
                });
                ring.open(token(OpKind::Open, slot), path, libc::O_RDONLY);
            }
        }
    }

    /// An operation of the slot has ended; `data` is the memory of a read.
    pub(super) fn advance<R: Ring>(
        &mut self,
        slot: u32,
        result: Result<u32, Errno>,
        data: Vec<u8>,
        ring: &mut R,
    ) {
        let slot = slot as usize;
        let Some(entry) = self.active.get_mut(slot) else {
            return;
        };
        let Some(active) = entry.as_mut() else {
            return;
        };
        match (&active.stage, result) {
            (Stage::Opening, Ok(fd)) => {
                let fd = RawFd::try_from(fd).unwrap_or(-1);
                active.stage = Stage::Reading { fd };
                ring.read(
                    token(OpKind::Read, slot),
                    fd,
                    Vec::with_capacity(READ_BYTES),
                    0,
                );
            }
            (Stage::Opening, Err(errno)) => {
                complete(&active.request, Err(errno.into()));
                *entry = None;
            }
            (Stage::Reading { fd }, Ok(n))
                if n > 0 && data.len() <= active.request.borrow().bytes_max =>
            {
                let (fd, offset) = (*fd, data.len() as u64);
                let mut data = data;
                data.reserve(READ_BYTES);
                ring.read(token(OpKind::Read, slot), fd, data, offset);
            }
            (Stage::Reading { fd }, result) => {
                let fd = *fd;
                let whole = match result {
                    Ok(0) => Ok(data),
                    Ok(_) => Err(io::ErrorKind::FileTooLarge.into()),
                    Err(errno) => Err(errno.into()),
                };
                complete(&active.request, whole);
                active.stage = Stage::Closing;
                ring.close(token(OpKind::CloseFile, slot), fd);
            }
            (Stage::Closing, _) => *entry = None,
        }
    }
}

fn token(kind: OpKind, slot: usize) -> Token {
    Token::new(kind, 0, u32::try_from(slot).unwrap_or(u32::MAX))
}

fn complete(request: &RefCell<FileRead>, result: io::Result<Vec<u8>>) {
    let mut request = request.borrow_mut();
    request.result = Some(result);
    if let Some(reader) = request.reader.take() {
        reader.wake();
    }
}
