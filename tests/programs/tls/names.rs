//! Server names that are no host names (RFC 6066, section 3), as programs do send them: they count as
//! none.

use super::site::Site;
use crate::harness::{Test, tests};
use crate::support::tls::Authority;

pub(crate) const TESTS: [Test; 3] = tests! {
    what_is_no_host_name_counts_as_none: [OPENSSL];
    sessions_with_such_a_name_are_resumed: [OPENSSL];
    clients_with_such_a_name_show_certificates: [OPENSSL];
};

/// What clients take from the command line: with a port (hey), an address (wrk), a dot at the end.
const NAMES: [&str; 6] = [
    "127.0.0.1",
    "::1",
    "a.example.",
    "localhost:7445",
    "127.0.0.1:7445",
    "a_-.example",
];

const SERVED: &str = "Hello, World!";

fn what_is_no_host_name_counts_as_none() {
    let site = Site::new();
    for name in NAMES {
        for more in [
            &["-tls1_3"][..],
            &["-tls1_2"],
            // The group of its key share is not spoken here: it is asked again, and has the name again.
            &["-tls1_3", "-groups", "ffdhe2048:P-256"],
        ] {
            let said = site.s_client(&[&["-servername", name], more].concat());
            assert!(said.contains(SERVED), "{name} {more:?}: {said}");
        }
    }
}

/// The binder of a ticket is made over the hello (RFC 8446, 4.2.11.2).
fn sessions_with_such_a_name_are_resumed() {
    let site = Site::new();
    for name in ["localhost:7445", "127.0.0.1", "a.example."] {
        for version in ["-tls1_3", "-tls1_2"] {
            let session = site.directory.name("session.pem");
            let first = ["-servername", name, version, "-sess_out", &session];
            let said = site.s_client(&first);
            assert!(said.contains(SERVED), "{name} {version}: {said}");
            let second = ["-servername", name, version, "-sess_in", &session];
            let said = site.s_client(&second);
            assert!(said.contains(SERVED), "{name} {version}: {said}");
            assert!(said.contains("Reused, "), "{name} {version}: {said}");
        }
    }
}

/// What a client signs with its certificate is made over the hello too.
fn clients_with_such_a_name_show_certificates() {
    let clients = Authority::new("client authority");
    let good = clients.client("good");
    let site = Site::with(|directory, _| {
        let ca = directory.write("clients.pem", clients.pem());
        ["--client-certs", "require", "--client-ca", &ca]
            .map(str::to_owned)
            .to_vec()
    });
    let certificate = site.directory.write("client.pem", &good.certificate);
    let key = site.directory.write("client.key", &good.key);
    for version in ["-tls1_3", "-tls1_2"] {
        let name = ["-servername", "localhost:7445", version];
        let shows = ["-cert", &certificate, "-key", &key];
        let said = site.s_client(&[name.as_slice(), &shows].concat());
        assert!(said.contains(SERVED), "{version}: {said}");
        let said = site.s_client(&name);
        assert!(!said.contains(SERVED), "{version}: {said}");
    }
}
