//! What no honest client sends, under keys that only a client has: told by the right alert. And early
//! data, which an honest one may send in vain.

use std::sync::{Arc, Mutex};

use rustls::client::ClientConnection;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ServerConfig, ServerConnection, ServerSessionMemoryCache};
use rustls::{ClientConfig, KeyLog, RootCertStore};

use super::peers::Client;
use crate::http::Protocols;
use crate::tls::fault::Fault;
use crate::tls::handshake::{Done, Handshake, Progress};
use crate::tls::record::{ContentType, Sealer};
use crate::tls::{Material, Sites, TicketKeys};

/// The secrets of a client, by their labels.
#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<(String, Vec<u8>)>>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        let mut secrets = self.0.lock().unwrap();
        secrets.push((label.to_owned(), secret.to_vec()));
    }
}

/// A client of TLS 1.3 whose records can be forged, and our end.
struct Forger {
    client: ClientConnection,
    secrets: Arc<Secrets>,
    sites: Sites,
    handshake: Handshake,
}

fn sites() -> (Sites, CertificateDer<'static>) {
    let (material, certificate) = Material::generated(&["localhost"], Protocols::Http1).unwrap();
    let sites = material.sites(&TicketKeys::generate().unwrap()).unwrap();
    (sites, certificate)
}

fn connect(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::clone(config), name).unwrap()
}

fn output(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

fn input(client: &mut ClientConnection, mut bytes: &[u8]) -> Result<(), rustls::Error> {
    while !bytes.is_empty() {
        client.read_tls(&mut bytes).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

impl Forger {
    /// The server has answered the hello.
    fn new() -> Self {
        let (sites, certificate) = sites();
        let trusting = Client {
            trusts: vec![certificate],
            alpn: &["http/1.1"],
            version: Some(&rustls::version::TLS13),
            ..Client::default()
        };
        let secrets = Arc::new(Secrets::default());
        let mut config = Arc::unwrap_or_clone(trusting.config());
        config.key_log = Arc::clone(&secrets) as _;
        let mut forger = Self {
            client: connect(&Arc::new(config)),
            secrets,
            sites,
            handshake: Handshake::new(),
        };
        let hello = output(&mut forger.client);
        let (progress, flight) = forger.send(&hello);
        assert!(matches!(progress, Progress::Wait));
        input(&mut forger.client, &flight).unwrap();
        forger
    }

    fn send(&mut self, bytes: &[u8]) -> (Progress, Vec<u8>) {
        let mut out = Vec::new();
        self.handshake.receive(bytes);
        let progress = self.handshake.advance(&self.sites, &mut 1, &mut out);
        (progress, out)
    }

    fn sealer(&self, label: &str) -> Sealer {
        let secrets = self.secrets.0.lock().unwrap();
        let (_, secret) = secrets.iter().find(|(found, _)| found == label).unwrap();
        let suite = self.client.negotiated_cipher_suite().unwrap();
        Sealer::of_secret(suite.suite(), secret).unwrap()
    }

    /// Finishes the handshake.
    fn done(&mut self) -> (Box<Done>, Sealer) {
        let sealer = self.sealer("CLIENT_TRAFFIC_SECRET_0");
        let last = output(&mut self.client);
        let (progress, tickets) = self.send(&last);
        input(&mut self.client, &tickets).unwrap();
        match progress {
            Progress::Done(done) => (done, sealer),
            _ => panic!("it goes on"),
        }
    }

    /// The alert that the client reads from this.
    fn alert(&mut self, out: &[u8]) -> String {
        let error = input(&mut self.client, out).unwrap_err().to_string();
        let alert = error.strip_prefix("received fatal alert: ");
        alert.expect(&error).to_owned()
    }
}

/// RFC 8446, 4.4.4 and 6.2: a length that is not that of the digest is no decrypt_error.
#[test]
fn a_finished_of_another_length_does_not_parse() {
    for (length, alert, fault) in [
        (31, "DecodeError", Fault::HandshakeMalformed),
        (47, "DecodeError", Fault::HandshakeMalformed),
        (0, "DecodeError", Fault::HandshakeMalformed),
        // Of the right length, and wrong.
        (32, "DecryptError", Fault::BadRecordMac),
    ] {
        let mut forger = Forger::new();
        let suite = forger.client.negotiated_cipher_suite().unwrap();
        let right = suite.tls13().unwrap().common.hash_provider.output_len();
        let length = if length == 32 { right } else { length };
        let message = [
            &[20, 0, 0, u8::try_from(length).unwrap()][..],
            &vec![7; length],
        ]
        .concat();
        let mut record = Vec::new();
        forger
            .sealer("CLIENT_HANDSHAKE_TRAFFIC_SECRET")
            .seal(ContentType::Handshake, &message, &mut record)
            .unwrap();
        let (progress, out) = forger.send(&record);
        let Progress::Failed(found) = progress else {
            panic!("{length} bytes are taken");
        };
        assert_eq!(
            (forger.alert(&out).as_str(), found),
            (alert, fault),
            "{length}"
        );
    }
}

/// What becomes of a connection whose client sends these records: nothing, or the alert.
fn behind_the_handshake(records: &[(ContentType, &[u8])]) -> Option<String> {
    let mut forger = Forger::new();
    let (mut done, mut sealer) = forger.done();
    let mut bytes = Vec::new();
    for (content, plain) in records {
        sealer.seal(*content, plain, &mut bytes).unwrap();
    }
    let taken = done.session.receive_bytes(&bytes, None, &mut |_| {});
    let fault = taken.err()?;
    let mut out = Vec::new();
    done.session.fail(fault, &mut out);
    Some(forger.alert(&out))
}

#[test]
fn each_fault_behind_the_handshake_has_its_alert() {
    use ContentType::{Alert, ApplicationData, ChangeCipherSpec, Handshake};
    let unexpected = Some("UnexpectedMessage");
    for (records, alert) in [
        // RFC 8446, 5.1: a message may come in pieces, with nothing between them.
        (
            &[(Handshake, &[24, 0][..]), (Handshake, &[0, 1, 0])][..],
            None,
        ),
        (&[(Handshake, &[24]), (ApplicationData, &[1])], unexpected),
        (&[(Handshake, &[24]), (Alert, &[1, 0])], unexpected),
        (
            &[(Handshake, &[24, 0, 0, 1, 0, 24, 0, 0, 1, 0])],
            unexpected,
        ),
        (&[(Handshake, &[])], unexpected),
        (&[(Handshake, &[1, 0, 0, 0])], unexpected),
        // 4.6.3.
        (&[(Handshake, &[24, 0, 0, 1, 2])], Some("IllegalParameter")),
        (&[(Handshake, &[24, 0, 0, 2, 0, 0])], Some("DecodeError")),
        // 5.4 and 6.
        (&[(Alert, &[])], unexpected),
        (&[(Alert, &[1])], Some("DecodeError")),
        (&[(Alert, &[1, 0, 1, 0])], Some("DecodeError")),
        (&[(Alert, &[1, 0])], None),
        // 5: not under protection.
        (&[(ChangeCipherSpec, &[1])], unexpected),
    ] {
        assert_eq!(
            behind_the_handshake(records).as_deref(),
            alert,
            "{records:?}"
        );
    }
}

/// A client with a ticket of another server, which takes so many bytes of early data.
fn with_foreign_ticket(early_data: u32) -> (Arc<ClientConfig>, Sites) {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut other = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            key.signing_key.serialize_der().try_into().unwrap(),
        )
        .unwrap();
    other.max_early_data_size = early_data;
    other.session_storage = ServerSessionMemoryCache::new(8);
    let (sites, certificate) = sites();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    roots.add(key.cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_early_data = true;
    let config = Arc::new(config);
    let mut client = connect(&config);
    let mut server = ServerConnection::new(Arc::new(other)).unwrap();
    for _ in 0..3 {
        let sent = output(&mut client);
        let mut rest = sent.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut answer = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answer).unwrap();
        }
        input(&mut client, &answer).unwrap();
    }
    (config, sites)
}

/// RFC 8446, 4.2.10: what cannot be deciphered is skipped, each record once.
#[test]
fn early_data_is_skipped() {
    use std::io::Write;
    for (bytes, piece) in [
        (1, usize::MAX),
        (5_000, 100),
        (6_000, 100),
        (13_000, 100),
        (15_000, 1_000),
        (16_000, 16_000),
    ] {
        for fed in [1_000, usize::MAX] {
            let (config, sites) = with_foreign_ticket(16_384);
            let mut client = connect(&config);
            let mut hello = output(&mut client);
            for _ in 0..bytes / piece.min(bytes) {
                let mut early = client.early_data().expect("the ticket allows it");
                early.write_all(&vec![b'x'; piece.min(bytes)]).unwrap();
                hello.extend(output(&mut client));
            }
            let mut handshake = Handshake::new();
            let mut out = Vec::new();
            for piece in hello.chunks(fed.min(hello.len())) {
                handshake.receive(piece);
                let progress = handshake.advance(&sites, &mut 1, &mut out);
                assert!(
                    matches!(progress, Progress::Wait),
                    "{bytes} bytes in {piece:?}"
                );
            }
            input(&mut client, &out).unwrap();
            assert!(!client.is_early_data_accepted());
            handshake.receive(&output(&mut client));
            let progress = handshake.advance(&sites, &mut 1, &mut out);
            let Progress::Done(done) = progress else {
                panic!("{bytes} bytes by {piece}");
            };
            // Nothing of it reaches anybody.
            assert!(done.rest.is_empty());
        }
    }
}

/// More than may be skipped ends the connection: it cannot be told from records that are forged.
#[test]
fn early_data_without_end_is_not_skipped() {
    let (config, sites) = with_foreign_ticket(16_384);
    let mut client = connect(&config);
    let hello = output(&mut client);
    let mut handshake = Handshake::new();
    let mut out = Vec::new();
    handshake.receive(&hello);
    assert!(matches!(
        handshake.advance(&sites, &mut 1, &mut out),
        Progress::Wait
    ));
    let record = [&[23, 3, 3, 4, 0][..], &[7; 1024]].concat();
    let skipped = (0..100)
        .take_while(|_| {
            handshake.receive(&record);
            matches!(handshake.advance(&sites, &mut 1, &mut out), Progress::Wait)
        })
        .count();
    assert_eq!(skipped, 16);
    assert!(
        input(&mut client, &out)
            .unwrap_err()
            .to_string()
            .ends_with("BadRecordMac")
    );
}
