//! A certificate authority for tests: certificates, keys in all forms, revocation lists.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::tls::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE};

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
pub(super) struct Issued {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: KeyPair,
}

impl Issued {
    pub(super) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    pub(super) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    pub(super) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    /// The key in the form that is older than PKCS #8 (PKCS #1 or SEC 1), which lies inside of it.
    pub(super) fn inner_key(&self) -> Vec<u8> {
        let der = self.key.serialize_der();
        let mut outer = Reader::new(&der).enter(SEQUENCE).unwrap();
        outer.expect(INTEGER).unwrap();
        outer.expect(SEQUENCE).unwrap();
        outer.expect(OCTET_STRING).unwrap().to_vec()
    }
}

/// Validity in years, from the first of January to the first of January.
#[derive(Clone, Copy)]
pub(super) struct Years(pub(super) i32, pub(super) i32);

pub(super) const VALID: Years = Years(2020, 2999);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(of_authority(name), key).unwrap())
    }

    /// An authority whose certificate is from this one.
    pub(super) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(of_authority(name), key, &self.0).unwrap())
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// An ECDSA certificate for this name.
    pub(super) fn issue(&self, name: &str) -> Issued {
        self.issue_for(name, VALID, KeyPair::generate().unwrap())
    }

    pub(super) fn issue_for(&self, name: &str, years: Years, key: KeyPair) -> Issued {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(serial(name));
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued {
            certificate: certificate.der().clone(),
            key,
        }
    }

    /// The list of these names as revoked, and until which year it counts; DER form.
    pub(super) fn revoke(&self, names: &[&str], until: i32) -> Vec<u8> {
        let revoked = |name: &&str| RevokedCertParams {
            serial_number: serial(name),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2021, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: names.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).unwrap().der().to_vec()
    }
}

/// The serial number of the certificate with this name.
pub(super) fn serial(name: &str) -> SerialNumber {
    SerialNumber::from_slice(&[&[1], name.as_bytes()].concat())
}

fn of_authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// PEM, as everybody writes it: 64 characters a line.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for three in der.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = bits >> (18 - 6 * digit) & 63;
            let is_filler = digit > three.len();
            text.push(if is_filler {
                b'='
            } else {
                DIGITS[index as usize]
            });
        }
    }
    let lines: Vec<&str> = text
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
