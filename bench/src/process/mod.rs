//! Processes this command starts: pinned, in a group of their own, ended whatever happens.
#![forbid(unsafe_code)]

pub(crate) mod usage;

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::machine;

/// How long a process has to end after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(3);
/// How much of a failed process' output an error quotes, in bytes.
const QUOTED: usize = 2000;

/// A running process group; dropping it ends all of it and waits.
pub(crate) struct Running {
    child: Child,
    output: PathBuf,
}

impl Running {
    /// Starts `command` pinned to `core` with both output streams going to the file `output`.
    pub(crate) fn start(mut command: Command, core: usize, output: &Path) -> Result<Self> {
        let log = File::create(output).with_context(|| format!("creating {}", output.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Of its own, so that Ctrl-C reaches only us, and workers are ended with their master.
            .process_group(0);
        // Affinity is inherited from the thread that forks, so a thread pinned for that purpose
        // does it without code between fork and exec.
        let child = std::thread::scope(|scope| {
            let start = scope.spawn(|| {
                machine::pin(core)?;
                command
                    .spawn()
                    .with_context(|| format!("starting {}", command.get_program().display()))
            });
            start
                .join()
                .map_err(|_| anyhow!("the starting thread panicked"))?
        })?;
        Ok(Self {
            child,
            output: output.to_owned(),
        })
    }

    /// The process identifier, which is that of its group as well.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The status if it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// All that it has printed so far.
    pub(crate) fn printed(&self) -> Result<String> {
        let mut bytes = Vec::new();
        File::open(&self.output)?.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The end of what it printed, for an error message.
    pub(crate) fn last_words(&self) -> String {
        let text = self.printed().unwrap_or_default();
        let text = text.trim();
        if text.is_empty() {
            return "it printed nothing".to_owned();
        }
        let start = text.floor_char_boundary(text.len().saturating_sub(QUOTED));
        format!("it printed:\n{}", text.get(start..).unwrap_or(text))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // The group is gone if every process of it has ended.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dropping_ends_the_whole_group_even_if_it_ignores_sigterm() {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("output");
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' TERM; echo up; sleep 1000 & wait; sleep 1000"]);
        let core = (0..1024).find(|&core| machine::pin(core).is_ok()).unwrap();
        let running = Running::start(command, core, &output).unwrap();
        let group = running.id();
        while running.printed().unwrap() != "up\n" {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!usage::members(group).unwrap().is_empty());
        drop(running);
        // The kernel ends a killed orphan in its own time, but it does not take 1,000 seconds.
        while !usage::members(group).unwrap().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
