//! How operations in flight progress from turn to turn.
//!
//! Owns the rules of each operation: when it can complete, with what, and what may go wrong.

use std::collections::BTreeSet;
use std::ffi::CStr;

use super::socket::Inbound;
use super::world::{Object, Operation, Work, World};
use crate::ring::{Errno, Payload};

/// Completions of one multishot operation in one turn, as the kernel bounds them too.
const MULTISHOT_ROUNDS: usize = 32;

impl World {
    /// One go at every operation in flight. With `delays`, some may be left for later.
    pub(super) fn step(&mut self, delays: bool) {
        for operation in std::mem::take(&mut self.operations) {
            let held_up = delays && self.dice.happens(self.faults.delay);
            let left = if held_up {
                Some(operation)
            } else {
                self.attempt(operation)
            };
            self.operations.extend(left);
        }
        self.release_closed();
    }

    /// Lets go of closed sockets that no operation holds open any more.
    pub(super) fn release_closed(&mut self) {
        let busy: BTreeSet<usize> = self.operations.iter().filter_map(|op| op.socket).collect();
        for (index, socket) in self.sockets.iter_mut().enumerate() {
            if socket.is_closed() && !busy.contains(&index) {
                socket.release();
            }
        }
    }

    /// Carries an operation as far as it goes; gives it back unless it has ended.
    fn attempt(&mut self, mut operation: Operation) -> Option<Operation> {
        let result = match &mut operation.work {
            Work::Accept => return self.accept(operation),
            Work::Recv { begun, once } => {
                let (first, once) = (!std::mem::replace(begun, true), *once);
                return self.recv(operation, first, once);
            }
            Work::Watch { told } => {
                let told = *told;
                return self.watch(operation, told);
            }
            Work::Send { bytes, from } => {
                let unsent = bytes.get(*from..).unwrap_or_default();
                match operation.socket.and_then(|index| self.send(index, unsent)) {
                    Some(result) => result,
                    None => return Some(operation),
                }
            }
            Work::Open(path) => self.open(path),
            Work::Read { into, offset } => match self.objects.get(&operation.fd) {
                Some(Object::File(bytes)) => Ok(read(bytes, into, *offset)),
                _ => Err(Errno::EBADF),
            },
            // Woken from outside, or done when submitted.
            Work::Inbox | Work::Cancel | Work::CancelRecv(_) | Work::Close => {
                return Some(operation);
            }
        };
        self.end(operation, result);
        None
    }

    fn accept(&mut self, operation: Operation) -> Option<Operation> {
        for _ in 0..MULTISHOT_ROUNDS {
            let Some(listener) = self.listeners.get_mut(&operation.fd) else {
                break;
            };
            if let Some(errno) = listener.failures.pop_front() {
                self.end(operation, Err(errno));
                return None;
            }
            let Some(index) = listener.waiting.pop_front() else {
                break;
            };
            let fd = self.descriptor();
            self.objects.insert(fd, Object::Socket(index));
            if self.dice.happens(self.faults.end_multishot) {
                self.end(operation, Ok(fd as u32));
                return None;
            }
            self.tell(operation.token, Ok(fd as u32), true, Payload::None);
        }
        Some(operation)
    }

    fn recv(&mut self, operation: Operation, first: bool, once: bool) -> Option<Operation> {
        let index = operation.socket?;
        for _ in 0..MULTISHOT_ROUNDS {
            let ended = match self.socket(index).inbound() {
                Inbound::Failed(errno) => Err(errno),
                Inbound::End => Ok(0),
                // A receive that begins without buffers does not wait for data to say so.
                Inbound::Nothing if first && self.buffers == 0 => Err(Errno::ENOBUFS),
                Inbound::Nothing => break,
                Inbound::Bytes(_) if self.buffers == 0 => Err(Errno::ENOBUFS),
                Inbound::Bytes(_) if self.dice.happens(self.faults.no_buffers) => {
                    Err(Errno::ENOBUFS)
                }
                Inbound::Bytes(there) => {
                    if self.deliver(&operation, index, there, once) {
                        continue;
                    }
                    return None;
                }
            };
            self.end(operation, ended);
            return None;
        }
        Some(operation)
    }

    /// Tells of events that were not told. What is told first does not end it: begun again, it would
    /// say the same again.
    fn watch(&mut self, operation: Operation, told: u32) -> Option<Operation> {
        let index = operation.socket?;
        let events = self.socket(index).events();
        if events & !told == 0 {
            return Some(operation);
        }
        let more = told == 0 || !self.dice.happens(self.faults.end_multishot);
        self.tell(operation.token, Ok(events), more, Payload::None);
        more.then_some(Operation {
            work: Work::Watch { told: events },
            ..operation
        })
    }

    /// Moves up to `there` bytes into a buffer of the kernel's, which must have one, and tells of
    /// them. Returns whether the receive goes on.
    fn deliver(&mut self, operation: &Operation, index: usize, there: usize, once: bool) -> bool {
        let mut len = there.min(self.pool.size());
        if self.dice.happens(self.faults.split_receive) {
            len = self.dice.up_to(len);
        }
        let bytes = self.socket(index).receive(len);
        let slice = self
            .pool
            .fill(&bytes)
            .expect("a buffer of the kernel's is free");
        self.buffers -= 1;
        let more = !once && !self.dice.happens(self.faults.end_multishot);
        self.tell(
            operation.token,
            Ok(len as u32),
            more,
            Payload::Received(slice),
        );
        more
    }

    /// How much of `unsent` went to the peer; `None` while there is no room.
    pub(super) fn send(&mut self, index: usize, unsent: &[u8]) -> Option<Result<u32, Errno>> {
        let room = match self.socket(index).room()? {
            Ok(room) => room,
            Err(errno) => return Some(Err(errno)),
        };
        let mut len = unsent.len().min(room);
        if self.dice.happens(self.faults.short_send) {
            len = self.dice.up_to(len);
        }
        self.socket(index)
            .place(unsent.get(..len).unwrap_or_default());
        Some(Ok(len as u32))
    }

    fn open(&mut self, path: &CStr) -> Result<u32, Errno> {
        let bytes = self.files.get(path).cloned().ok_or(Errno::ENOENT)?;
        let fd = self.descriptor();
        self.objects.insert(fd, Object::File(bytes));
        Ok(fd as u32)
    }
}

/// Appends what spare capacity there is for. Returns how many bytes that was.
fn read(bytes: &[u8], into: &mut Vec<u8>, offset: u64) -> u32 {
    let rest = usize::try_from(offset)
        .ok()
        .and_then(|offset| bytes.get(offset..));
    let rest = rest.unwrap_or_default();
    let len = rest.len().min(into.capacity() - into.len());
    into.extend_from_slice(rest.get(..len).unwrap_or_default());
    len as u32
}
