//! What is in a set of files, as far as it matters whether it is still the same.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The state of each file of a set, in the order of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content(Vec<State>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The hash of all bytes. The files are the operator's own, so that it need not withstand
    /// anybody; and the private key is not kept.
    Hash(u64),
    /// There is no file, or it cannot be read.
    Unreadable(io::ErrorKind),
    /// A pipe or a device: to read it again might block, or take what belongs to another reader.
    NoFile,
}

impl Content {
    pub(super) fn of(files: &[PathBuf]) -> Self {
        let state = |path: &PathBuf| {
            State::of(path).unwrap_or_else(|error| State::Unreadable(error.kind()))
        };
        Self(files.iter().map(state).collect())
    }
}

impl State {
    fn of(path: &Path) -> io::Result<Self> {
        // Asked before it is opened: opening a pipe waits for its writer.
        if !std::fs::metadata(path)?.is_file() {
            return Ok(Self::NoFile);
        }
        let mut file = File::open(path)?;
        let mut hasher = DefaultHasher::new();
        let mut buffer = [0; 8 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Self::Hash(hasher.finish())),
                Ok(count) => hasher.write(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
