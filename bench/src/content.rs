//! The files that servers of files serve: the same for all of them, made once for a comparison.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::mode::BODY;

/// A directory of files, gone when dropped.
#[derive(Debug)]
pub(crate) struct Content(TempDir);

impl Content {
    /// Makes `plaintext`, `sink` (what a server without a sink of its own answers to an upload) and
    /// `bytes/N` for each of `sizes`.
    pub(crate) fn create(sizes: &[u64]) -> Result<Self> {
        let content = Self(tempfile::Builder::new().prefix("lanner-bench-").tempdir()?);
        let fill = || {
            fs::write(content.path().join("plaintext"), BODY)?;
            fs::write(content.path().join("sink"), "received")?;
            fs::create_dir(content.path().join("bytes"))?;
            for &size in sizes {
                let path = content.sized(size);
                File::create(&path)?.set_len(size)?;
                // Read once, so that each server finds all of it in the page cache.
                io::copy(&mut File::open(&path)?, &mut io::sink())?;
            }
            io::Result::Ok(())
        };
        fill().context("writing the files to serve")?;
        Ok(content)
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The file of so many bytes.
    pub(crate) fn sized(&self, size: u64) -> PathBuf {
        self.path().join("bytes").join(size.to_string())
    }
}
