//! Setting up a ring: which flags, and what to say when it cannot be had.
//!
//! Owns the choice of set-up flags with their fall-back, the operations that must exist, and the
//! errors a user can act on. Knows nothing of what the ring is used for.

#![forbid(unsafe_code)]

use std::fmt;

use io_uring::{Builder, IoUring, Probe, opcode};

use super::Errno;
use crate::buf::PoolError;

/// Sizes of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingConfig {
    /// Entries of the submission queue. More operations in one turn cost another system call.
    pub(crate) sq_entries: u32,
    /// Entries of the completion queue, more than `sq_entries`. Multishot operations complete
    /// many times a turn, and an overflow ends them.
    pub(crate) cq_entries: u32,
    /// How many receive buffers: a power of two up to 32,768.
    pub(crate) buffers: u32,
    /// Bytes of each receive buffer.
    pub(crate) buffer_bytes: u32,
}

impl Default for RingConfig {
    /// 512 operations and 4,096 completions a turn; 2 MiB of receive buffers, a page each: few
    /// enough to stay in a core's cache, as the kernel goes through all of them in turn.
    fn default() -> Self {
        Self {
            sq_entries: 512,
            cq_entries: 4096,
            buffers: 512,
            buffer_bytes: 4096,
        }
    }
}

/// Why there is no ring. Each says the cause and the cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupError {
    /// EPERM or EACCES: a sysctl or a seccomp profile forbids io_uring.
    Forbidden,
    /// ENOSYS: the kernel, or a sandbox in its place, has no io_uring.
    Absent,
    /// The kernel refuses a flag or lacks a feature that the server cannot do without.
    KernelTooOld,
    /// The kernel lacks an operation.
    OperationMissing(&'static str),
    /// ENOMEM: memory, or the locked-memory limit.
    OutOfMemory,
    /// EMFILE or ENFILE: no descriptor left for the ring.
    OutOfDescriptors,
    /// The receive buffers cannot be made.
    Buffers(PoolError),
    /// Anything else.
    Refused(Errno),
}

impl SetupError {
    pub(super) const fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::EPERM | Errno::EACCES => Self::Forbidden,
            Errno::ENOSYS => Self::Absent,
            Errno::EINVAL => Self::KernelTooOld,
            Errno::ENOMEM => Self::OutOfMemory,
            Errno::EMFILE | Errno::ENFILE => Self::OutOfDescriptors,
            other => Self::Refused(other),
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden => f.write_str(
                "io_uring is forbidden: set the sysctl kernel.io_uring_disabled to 0, and in a \
                 container allow io_uring_setup, io_uring_enter and io_uring_register in the \
                 seccomp profile (Docker: --security-opt seccomp=PROFILE.json)",
            ),
            Self::Absent => f.write_str(
                "no io_uring here: run on Linux 6.1 or later, outside sandboxes that hide it",
            ),
            Self::KernelTooOld => {
                f.write_str("the kernel's io_uring is too old: run on Linux 6.1 or later")
            }
            Self::OperationMissing(name) => {
                write!(
                    f,
                    "the kernel's io_uring lacks {name}: run on Linux 6.1 or later"
                )
            }
            Self::OutOfMemory => f.write_str(
                "no memory for the ring: raise the locked-memory limit (ulimit -l, \
                 LimitMEMLOCK= in systemd) or configure fewer buffers or shards",
            ),
            Self::OutOfDescriptors => f.write_str(
                "no descriptor left for the ring: raise the open-files limit (ulimit -n, \
                 LimitNOFILE= in systemd)",
            ),
            Self::Buffers(error) => error.fmt(f),
            Self::Refused(errno) => write!(f, "the ring cannot be set up: {errno}"),
        }
    }
}

impl From<PoolError> for SetupError {
    fn from(error: PoolError) -> Self {
        Self::Buffers(error)
    }
}

/// A set-up flag by the kernel's name, and how to ask for it.
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) set: fn(&mut Builder),
}

macro_rules! flag {
    ($name:literal, $method:ident) => {
        Flag {
            name: $name,
            set: |builder| {
                builder.$method();
            },
        }
    };
}

/// What the server cannot do without. SINGLE_ISSUER came with Linux 6.0 as multishot receive did,
/// which no probe shows: a kernel without the one lacks the other.
pub(super) const REQUIRED: &[Flag] = &[
    flag!("SINGLE_ISSUER", setup_single_issuer),
    // An error in one entry must not keep the rest of a batch from being submitted.
    flag!("SUBMIT_ALL", setup_submit_all),
    flag!("CLAMP", setup_clamp),
];

/// Completions are worked off when the shard asks for them, not whenever it enters the kernel for
/// something else (Linux 6.1).
pub(super) const DEFER_TASKRUN: Flag = flag!("DEFER_TASKRUN", setup_defer_taskrun);

/// The next best: no interrupt at least (Linux 5.19).
pub(super) const COOP_TASKRUN: Flag = flag!("COOP_TASKRUN", setup_coop_taskrun);

/// Shows whether completions wait to be worked off, so that looking costs no system call. Needs
/// one of the two above (Linux 5.19).
pub(super) const TASKRUN_FLAG: Flag = flag!("TASKRUN_FLAG", setup_taskrun_flag);

/// Submission without a level of indirection (Linux 6.6).
pub(super) const NO_SQARRAY: Flag = flag!("NO_SQARRAY", setup_no_sqarray);

/// The sets of flags to try beyond the required ones, the best first.
const CHOICES: &[&[&Flag]] = &[
    &[&DEFER_TASKRUN, &TASKRUN_FLAG, &NO_SQARRAY],
    &[&DEFER_TASKRUN, &TASKRUN_FLAG],
    &[&COOP_TASKRUN, &TASKRUN_FLAG],
];

/// The operations that the server uses.
pub(super) const OPERATIONS: &[(&str, u8)] = &[
    ("ACCEPT", opcode::Accept::CODE),
    ("RECV", opcode::RecvMulti::CODE),
    ("SEND", opcode::Send::CODE),
    ("ASYNC_CANCEL", opcode::AsyncCancel2::CODE),
    ("CLOSE", opcode::Close::CODE),
    ("POLL_ADD", opcode::PollAdd::CODE),
    ("OPENAT", opcode::OpenAt::CODE),
    ("READ", opcode::Read::CODE),
];

/// Sets up the queues with the best flags the kernel takes, and returns their names.
///
/// # Errors
/// See [`SetupError`]. Only a refused flag leads to the next choice.
pub(super) fn build(config: &RingConfig) -> Result<(IoUring, Vec<&'static str>), SetupError> {
    for choice in CHOICES {
        let mut builder = IoUring::builder();
        builder.setup_cqsize(config.cq_entries);
        let mut names = vec!["CQSIZE"];
        for flag in REQUIRED.iter().chain(choice.iter().copied()) {
            (flag.set)(&mut builder);
            names.push(flag.name);
        }
        match builder.build(config.sq_entries).map_err(Errno::from) {
            Ok(ring) => {
                check(&ring)?;
                return Ok((ring, names));
            }
            Err(Errno::EINVAL) => {}
            Err(errno) => return Err(SetupError::from_errno(errno)),
        }
    }
    Err(SetupError::KernelTooOld)
}

fn check(ring: &IoUring) -> Result<(), SetupError> {
    // NODROP: completions beyond the queue's size are kept. EXT_ARG: the time-out of a wait.
    if !ring.params().is_feature_nodrop() || !ring.params().is_feature_ext_arg() {
        return Err(SetupError::KernelTooOld);
    }
    let mut probe = Probe::new();
    let done = ring.submitter().register_probe(&mut probe);
    done.map_err(|error| SetupError::from_errno(error.into()))?;
    match OPERATIONS
        .iter()
        .find(|(_, code)| !probe.is_supported(*code))
    {
        Some((name, _)) => Err(SetupError::OperationMissing(name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_cause_and_cure() {
        let text = |errno| SetupError::from_errno(errno).to_string();
        assert!(text(Errno::EPERM).contains("kernel.io_uring_disabled"));
        assert!(text(Errno::EPERM).contains("seccomp"));
        assert!(text(Errno::ENOSYS).contains("6.1"));
        assert!(text(Errno::EINVAL).contains("6.1"));
        assert!(text(Errno::ENOMEM).contains("ulimit -l"));
        assert!(text(Errno::EMFILE).contains("ulimit -n"));
        assert!(text(Errno::EFAULT).contains("EFAULT"));
        assert!(
            SetupError::OperationMissing("RECV")
                .to_string()
                .contains("RECV")
        );
    }

    #[test]
    fn more_entries_than_the_kernel_has_are_clamped() {
        let config = RingConfig {
            sq_entries: 1 << 20,
            cq_entries: 1 << 22,
            ..RingConfig::default()
        };
        assert!(build(&config).is_ok_and(|(ring, _)| ring.params().sq_entries() < 1 << 20));
    }
}
