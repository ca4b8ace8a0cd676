//! The certificate of a comparison: made at its start, the same for all servers, gone at its end.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use tempfile::TempDir;

use super::NAME;

/// A certificate with an ECDSA key on P-256 that signs itself, as PEM files.
#[derive(Debug)]
pub(crate) struct Certificate(TempDir);

impl Certificate {
    /// Makes one for [`NAME`] and 127.0.0.1.
    pub(crate) fn create() -> Result<Self> {
        let certificate = Self(tempfile::Builder::new().prefix("lanner-bench-").tempdir()?);
        let fill = || -> Result<()> {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
            let chain = CertificateParams::new(names)?.self_signed(&key)?.pem();
            let key = key.serialize_pem();
            fs::write(certificate.chain(), &chain)?;
            fs::write(certificate.key(), &key)?;
            fs::write(certificate.both(), chain + &key)?;
            Ok(())
        };
        fill().context("making a certificate")?;
        Ok(certificate)
    }

    /// The certificate.
    pub(crate) fn chain(&self) -> PathBuf {
        self.directory().join("certificate.pem")
    }

    /// Its key (PKCS #8).
    pub(crate) fn key(&self) -> PathBuf {
        self.directory().join("key.pem")
    }

    /// The certificate and its key in one file.
    pub(crate) fn both(&self) -> PathBuf {
        self.directory().join("both.pem")
    }

    fn directory(&self) -> &Path {
        self.0.path()
    }
}
