//! What a development certificate is made of.
//!
//! Owns names, dates and extensions. Writes no file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

/// What the certificate is for. There is no `*.localhost`: a pattern with one label behind the `*` is
/// passed over by OpenSSL, and webpki refuses the whole certificate for it.
pub(crate) const NAMES: [&str; 4] = ["localhost", "*.dev.localhost", "127.0.0.1", "::1"];

/// For how long a certificate is valid: short enough that a forgotten one is gone in time, long
/// enough that trusting the next one is a yearly matter.
pub(super) const VALIDITY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How far validity goes back, for clients in containers and virtual machines whose clocks lag.
const CLOCK_SKEW: Duration = Duration::from_secs(60 * 60);

/// A certificate with its key, and the authority that vouches for it, all in PEM form.
pub(super) struct Pair {
    /// The private key, then the certificate.
    pub(super) server: String,
    /// The authority's certificate.
    pub(super) authority: String,
}

/// Makes an authority that can vouch for this machine alone (RFC 5280, section 4.2.1.10), lets it
/// sign one certificate, and forgets its key.
///
/// Stores of trusted certificates differ in what they think of a certificate that is its own
/// issuer: some want it to be an authority, some clients refuse a server that is one. And an
/// authority whose key is nowhere cannot be made to vouch for anything else.
pub(super) fn pair(now: SystemTime) -> Result<Pair, rcgen::Error> {
    let authority_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut authority = params("Lanner development authority", now, Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
                IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
                8,
            )),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
                IpAddr::V6(Ipv6Addr::LOCALHOST),
                128,
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::from_params(&authority, &authority_key);

    let names = NAMES.map(str::to_owned).to_vec();
    let mut server = params("localhost", now, names)?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.is_ca = IsCa::ExplicitNoCa;
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = server.signed_by(&key, &issuer)?;
    Ok(Pair {
        server: key.serialize_pem() + &certificate.pem(),
        authority: authority_certificate.pem(),
    })
}

fn params(
    name: &str,
    now: SystemTime,
    names: Vec<String>,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let since_epoch = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let now = date_time_ymd(1970, 1, 1) + since_epoch;
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + VALIDITY;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Lanner development certificate");
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
