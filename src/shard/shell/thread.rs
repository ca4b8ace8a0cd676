//! The plain thread: the driver and nothing else.

use core_affinity::CoreId;

use super::{Driver, ShellError, Turn, turn};

/// Drives on this thread, pinned to `cpu`.
pub(super) fn run<D: Driver, E>(
    cpu: Option<usize>,
    make: impl FnOnce() -> Result<D, E>,
) -> Result<(), ShellError<E>> {
    if let Some(cpu) = cpu
        && !core_affinity::set_for_current(CoreId { id: cpu })
    {
        return Err(ShellError::Pin(cpu));
    }
    let mut driver = make().map_err(ShellError::Driver)?;
    loop {
        match turn(&mut driver, None) {
            Turn::Continue => {}
            Turn::Finished => return Ok(()),
            Turn::Failed(reason) => return Err(ShellError::Ended(reason)),
        }
    }
}
