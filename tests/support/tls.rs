//! Certificates for tests, made on the spot, and a client that speaks TLS by rustls.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::HANG;
use super::client::Client;

/// A directory of a test's own, removed when dropped.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lanner-tls-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The name of a file in it.
    pub fn name(&self, file: &str) -> String {
        self.0.join(file).to_str().unwrap().to_owned()
    }

    /// Writes a file, for its user only, and answers its name.
    pub fn write(&self, file: &str, bytes: impl AsRef<[u8]>) -> String {
        let name = self.name(file);
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&name)
            .unwrap()
            .write_all(bytes.as_ref())
            .unwrap();
        name
    }

    /// Puts a file in the place of another in one step.
    pub fn replace(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let new = self.write(&format!("{file}.new"), bytes);
        fs::rename(new, self.name(file)).unwrap();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A leftover in the directory for temporary files harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A certificate with its key, in PEM form.
pub struct Pair {
    pub certificate: String,
    pub key: String,
    pub der: CertificateDer<'static>,
    serial: u64,
}

/// An authority that servers and clients of a test trust.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Its own key, for programs that sign in its name.
    pub fn key(&self) -> String {
        self.0.key().serialize_pem()
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A certificate of a server with these names.
    pub fn server(&self, names: &[&str]) -> Pair {
        self.server_with(names, &rcgen::PKCS_ECDSA_P256_SHA256)
    }

    /// A certificate of a server with a key of this kind.
    pub fn server_with(&self, names: &[&str], algorithm: &'static SignatureAlgorithm) -> Pair {
        let names = names.iter().map(|name| (*name).to_owned());
        let params = CertificateParams::new(names.collect::<Vec<String>>()).unwrap();
        let key = KeyPair::generate_for(algorithm).unwrap();
        self.pair(params, &key, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate of a client.
    pub fn client(&self, name: &str) -> Pair {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        self.pair(params, &key, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn pair(
        &self,
        mut params: CertificateParams,
        key: &KeyPair,
        usage: ExtendedKeyUsagePurpose,
    ) -> Pair {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let serial = u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(key, &self.0).unwrap();
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
            serial,
        }
    }

    /// A list of certificates that are not to be accepted any more.
    pub fn revocation_list(&self, revoked: &[&Pair]) -> String {
        let revoked = revoked.iter().map(|pair| RevokedCertParams {
            serial_number: SerialNumber::from(pair.serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }
}

/// A stream over TLS.
pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// Connects by TLS as a client that trusts `authority` and asks for `name`, and completes the
/// handshake. HTTP/1.1 is all that it offers.
pub fn connect(
    address: SocketAddr,
    authority: &Authority,
    name: &str,
) -> Result<TlsStream, std::io::Error> {
    connect_trusting(address, authority.der(), name)
}

/// The same with the certificate of any authority.
pub fn connect_trusting(
    address: SocketAddr,
    authority: CertificateDer<'static>,
    name: &str,
) -> Result<TlsStream, std::io::Error> {
    handshake(address, trusting(authority).with_no_client_auth(), name)
}

/// As [`connect`], with this certificate of a client.
pub fn connect_as(
    address: SocketAddr,
    authority: &Authority,
    name: &str,
    pair: &Pair,
) -> Result<TlsStream, std::io::Error> {
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let config = trusting(authority.der()).with_client_auth_cert(vec![pair.der.clone()], key);
    handshake(address, config.unwrap(), name)
}

fn trusting(
    authority: CertificateDer<'static>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    ClientConfig::builder().with_root_certificates(roots)
}

fn handshake(
    address: SocketAddr,
    mut config: ClientConfig,
    name: &str,
) -> Result<TlsStream, std::io::Error> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect_timeout(&address, HANG)?;
    stream.set_read_timeout(Some(HANG))?;
    stream.set_write_timeout(Some(HANG))?;
    stream.set_nodelay(true)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// The certificate that a server shows to a client that asks for `name`.
pub fn certificate_shown(
    address: SocketAddr,
    authority: &Authority,
    name: &str,
) -> CertificateDer<'static> {
    let stream = connect(address, authority, name).unwrap();
    let chain = stream.conn.peer_certificates().unwrap();
    chain.first().unwrap().clone().into_owned()
}

/// A client over TLS.
pub fn client(address: SocketAddr, authority: &Authority, name: &str) -> Client<TlsStream> {
    Client::over(connect(address, authority, name).unwrap())
}
