//! What this kernel offers, found out without a shard.
//!
//! Owns the questions that `lanner check` asks. Knows nothing of how the answers are printed.

#![forbid(unsafe_code)]

use std::panic::resume_unwind;
use std::thread;

use io_uring::{Builder, IoUring, Probe};

use super::enter::Enter;
use super::setup::{
    COOP_TASKRUN, DEFER_TASKRUN, Flag, NO_SQARRAY, OPERATIONS, REQUIRED, RingConfig, TASKRUN_FLAG,
};
use super::{Errno, SetupError, Uring, when_unlocked};

/// Entries of a ring that is only asked questions.
const ENTRIES: u32 = 8;

/// What a kernel offers to a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Availability {
    /// Each set-up flag by the kernel's name, and whether the kernel takes it.
    pub(crate) flags: Vec<(&'static str, bool)>,
    /// Each operation in use by the kernel's name, and whether the kernel has it.
    pub(crate) operations: Vec<(&'static str, bool)>,
    /// Whether the ring can be entered without a look-up of its descriptor.
    pub(crate) registered_ring: bool,
    /// Whether a ring as a shard uses it can be set up, buffers included.
    pub(crate) shard: Result<(), SetupError>,
}

/// Asks the kernel about io_uring; `config` is what a shard would use.
///
/// # Errors
/// Why there is no io_uring at all.
pub(crate) fn probe(config: &RingConfig) -> Result<Availability, SetupError> {
    let (plain, operations) = trial()?;
    Ok(Availability {
        flags: flags(),
        operations: OPERATIONS
            .iter()
            .map(|&(name, code)| (name, operations.is_supported(code)))
            .collect(),
        registered_ring: Enter::new(&plain).is_registered(),
        shard: Uring::new(config).map(drop),
    })
}

/// Whether io_uring can be had at all: each of its three calls is made once. A seccomp profile may
/// forbid any of them, and who finds out later may not say it in a line.
///
/// On a thread of its own: what the kernel has left to do for a ring that was dropped interrupts system
/// calls of the thread that had it, and this may be called by an application's.
///
/// # Errors
/// Why not.
pub(crate) fn try_out() -> Result<(), SetupError> {
    let tried = thread::scope(|scope| {
        let thread = thread::Builder::new().name("lanner-trial".to_owned());
        let trial = || trial().map(drop);
        thread.spawn_scoped(scope, trial).map(|trial| trial.join())
    });
    match tried {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(error) => Err(SetupError::from_errno(error.into())),
    }
}

fn trial() -> Result<(IoUring, Probe), SetupError> {
    let refused = |error: std::io::Error| SetupError::from_errno(error.into());
    let make = || IoUring::new(ENTRIES).map_err(refused);
    let ring = when_unlocked(make, |error| *error == SetupError::OutOfMemory)?;
    let mut operations = Probe::new();
    ring.submitter()
        .register_probe(&mut operations)
        .map_err(refused)?;
    // Nothing is submitted and nothing waited for: the kernel is entered, and that is all.
    let entered = ring.submitter().submit_and_wait(0);
    entered.map_err(refused)?;
    Ok((ring, operations))
}

fn flags() -> Vec<(&'static str, bool)> {
    let accepted = |flag: &Flag, needs: Option<&Flag>| {
        let mut builder: Builder = IoUring::builder();
        if let Some(needs) = needs {
            (needs.set)(&mut builder);
        }
        (flag.set)(&mut builder);
        let refused = matches!(
            builder.build(ENTRIES).map_err(Errno::from),
            Err(Errno::EINVAL)
        );
        (flag.name, !refused)
    };
    let single_issuer = REQUIRED.first();
    let mut flags: Vec<_> = REQUIRED.iter().map(|flag| accepted(flag, None)).collect();
    flags.push(accepted(&DEFER_TASKRUN, single_issuer));
    flags.push(accepted(&COOP_TASKRUN, None));
    flags.push(accepted(&TASKRUN_FLAG, Some(&COOP_TASKRUN)));
    flags.push(accepted(&NO_SQARRAY, None));
    flags
}
