//! What is wrong with a file: that it cannot be read, or what is in it instead of what should be.
//!
//! Owns the faults of files and their texts.

use std::fmt;
use std::io;

/// Why a file cannot be read, or is not of the right form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFault {
    /// The kernel says so, by this error number.
    Os(i32),
    /// The path is that of a directory.
    Directory,
    /// The file is larger than this number of bytes, which none of its kind is.
    TooLarge(u64),
    /// The file has no byte, or nothing but white space.
    Empty,
    /// Nothing in the file begins like PEM.
    NotPem,
    /// The file is in DER form, or a PKCS #12 store.
    Der,
    /// A section has no end, or what it holds is not base64.
    BrokenPem,
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::Os(libc::ENOENT | libc::ENOTDIR) => {
                "there is no such file; check the path, which counts from the working directory \
                 unless it begins with /"
            }
            Self::Os(libc::EACCES | libc::EPERM) => {
                "permission denied; let the user that runs the server read it and pass the \
                 directories above it"
            }
            Self::Os(code) => return io::Error::from_raw_os_error(code).fmt(f),
            Self::Directory => "this is a directory; name the file in it",
            Self::TooLarge(limit) => {
                let limit = limit / 1024;
                return write!(
                    f,
                    "the file has more than {limit} KiB, which none of its kind has; check the path"
                );
            }
            Self::Empty => "the file is empty; write it anew",
            Self::NotPem => {
                "there is nothing in PEM form in it; expected a line that begins with -----BEGIN"
            }
            Self::Der => {
                "the file is in DER form or a PKCS #12 store; expected PEM, as openssl x509, \
                 openssl pkey and openssl pkcs12 write it"
            }
            Self::BrokenPem => "a PEM section is cut off or not base64; copy the file anew, whole",
        })
    }
}

/// What is wrong with a file of certificates. Places count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// There is none, but a private key.
    IsKey,
    /// There is none, but a certificate request.
    IsRequest,
    /// There is none, but something else in PEM form.
    Missing,
    /// The one at this place cannot be read.
    Broken(usize),
    /// The one at this place is not of X.509 version 3, which TLS demands.
    Version(usize),
    /// Clients' certificates are to be judged by it, and none is of an authority.
    NoAuthority,
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::IsKey => {
                "there is a private key in it and no certificate; the files of certificate and key \
                 may have been exchanged"
            }
            Self::IsRequest => {
                "there is a certificate request in it; expected the certificate that the issuer \
                 sent back"
            }
            Self::Missing => "there is no certificate in it; expected -----BEGIN CERTIFICATE-----",
            Self::NoAuthority => {
                "no certificate in it is that of an authority, so that no client would be \
                 accepted; name the file of the authority that issues certificates to clients"
            }
            Self::Broken(place) => {
                return write!(
                    f,
                    "certificate {place} of the file cannot be read; get it from its issuer anew"
                );
            }
            Self::Version(place) => {
                return write!(
                    f,
                    "certificate {place} of the file is of an old version of X.509; expected \
                     version 3, which has a subject alternative name"
                );
            }
        })
    }
}

/// What is wrong with the file of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFault {
    /// There is none, but a certificate.
    IsCertificate,
    /// There is none, but something else in PEM form.
    Missing,
    /// There is more than one.
    Repeated,
    /// It is encrypted.
    Encrypted,
    /// It is of a kind that TLS does not have, too short, or broken.
    Unusable,
    /// It belongs to another certificate of the certificate file, whose place this is.
    OfLaterCertificate(usize),
    /// It belongs to none of the certificates.
    Mismatch,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::IsCertificate => {
                "there is a certificate in it and no private key; the files of certificate and key \
                 may have been exchanged"
            }
            Self::Missing => {
                "there is no private key in it; expected -----BEGIN PRIVATE KEY-----, EC PRIVATE \
                 KEY or RSA PRIVATE KEY"
            }
            Self::Repeated => "there are several private keys in it; leave the one in use",
            Self::Encrypted => {
                "the private key is encrypted and nobody is here to type its password; decrypt it \
                 with openssl pkey -in FILE -out NEW, and let only the server read the new file"
            }
            Self::Unusable => {
                "the private key cannot be used; expected ECDSA on P-256, P-384 or P-521, RSA of \
                 2048 to 8192 bits, or Ed25519"
            }
            Self::OfLaterCertificate(place) => {
                return write!(
                    f,
                    "the key belongs to certificate {place} of the certificate file; put that one \
                     first, and its issuers behind it"
                );
            }
            Self::Mismatch => {
                "the key belongs to another certificate; name the key that the certificate was \
                 requested with"
            }
        })
    }
}

/// What is wrong with a file of revocation lists. Places count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationFault {
    /// There is none.
    Missing,
    /// The one at this place cannot be used.
    Broken(usize),
}

impl fmt::Display for RevocationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => {
                f.write_str("there is no revocation list in it; expected -----BEGIN X509 CRL-----")
            }
            Self::Broken(place) => write!(
                f,
                "revocation list {place} of the file cannot be used; expected a complete list of \
                 one authority (no delta, no indirect list)"
            ),
        }
    }
}
