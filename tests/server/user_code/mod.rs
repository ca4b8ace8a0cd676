//! No code of an application ends a shard, whatever it calls and whenever it panics.
//!
//! Every public call that a handler has, at every moment that there is, over HTTP/1 and HTTP/2, on
//! either shell. The list of the calls is read from the source: one that this test does not make
//! fails it.

mod application;
mod arguments;
mod calls;
mod list;
mod traps;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::panic;
use std::sync::{Mutex, Once};
use std::time::Duration;

use application::{Moment, Worst};
use calls::{Call, Notes};
use traps::{Explosive, SAID};

use crate::support::http2::{
    DATA, END_STREAM, GOAWAY, HEADERS, Http2Client, RST_STREAM, frame, request, request_with,
};
use crate::support::tls::{Authority, Directory, client};
use crate::support::{HANG, SHELLS, TestServer, eventually};
use lanner::{Server, ShellKind, Tls};

/// Panics of the library's own code, by their place.
static OUR_PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Says nothing of this test's panics, and notes those that begin in the library.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let ours = payload.is::<Explosive>()
                || payload
                    .downcast_ref::<String>()
                    .is_some_and(|text| text == SAID);
            if ours {
                return;
            }
            if let Some(place) = info.location()
                && place.file().starts_with("src/")
            {
                OUR_PANICS.lock().unwrap().push(info.to_string());
            }
            report(info);
        }));
    });
}

/// How a request is put.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// With a body and trailers.
    Body,
    /// Ready to leave HTTP.
    Upgrade,
}

const FORMS: [Form; 2] = [Form::Body, Form::Upgrade];

/// Says where the test was when it failed.
struct Place(Moment, usize, Form);

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(moment, call, form) = self;
            eprintln!("at {moment:?}, call {call}, {form:?}");
        }
    }
}

/// Asks for this call at this moment over HTTP/1, on a connection of its own, and reads to its end.
fn ask_http1(address: SocketAddr, moment: usize, call: usize, form: Form) {
    let mut stream = TcpStream::connect_timeout(&address, HANG).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    let path = format!("/{moment}.{call}");
    let request = match form {
        Form::Body => format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
             4\r\nbody\r\n0\r\nX-Trailer: 1\r\n\r\n"
        ),
        // What follows the request is the peer's first words, or no request, which ends it.
        Form::Upgrade => format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n\
             raw\r\n\r\n"
        ),
    };
    stream.write_all(request.as_bytes()).unwrap();
    let mut part = [0; 16 * 1024];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                let hangs = matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                );
                assert!(!hangs, "no end came");
                return;
            }
        }
    }
}

/// The same on a stream of an HTTP/2 connection; false when the connection has ended.
fn ask_http2(client: &mut Http2Client, moment: usize, call: usize, form: Form) -> bool {
    let stream = client.next();
    let mut frames = match form {
        Form::Body => request(stream, "POST", &format!("/{moment}.{call}"), 0),
        Form::Upgrade => {
            let authority = format!("{moment}.{call}:80");
            let fields = [(":method", "CONNECT"), (":authority", authority.as_str())];
            request_with(stream, &fields, 0)
        }
    };
    match form {
        Form::Body => {
            frames.extend(frame(DATA, 0, stream, "body"));
            frames.extend(request_with(stream, &[("x-trailer", "1")], END_STREAM));
        }
        Form::Upgrade => frames.extend(frame(DATA, END_STREAM, stream, "raw")),
    }
    if !client.try_send(frames) {
        return false;
    }
    loop {
        let Some(answer) = client.try_frame() else {
            return false;
        };
        match answer.kind {
            GOAWAY => return false,
            RST_STREAM if answer.stream == stream => return true,
            HEADERS | DATA if answer.stream == stream && answer.flags & END_STREAM != 0 => {
                return true;
            }
            _ => {}
        }
    }
}

/// Every moment but the last for every call; how many requests that took.
fn all(mut ask: impl FnMut(Moment, usize, usize, Form)) -> u64 {
    let mut requests = 0;
    for (number, moment) in Moment::ALL.into_iter().enumerate() {
        if matches!(moment, Moment::Stash | Moment::Abandoned) {
            continue;
        }
        let calls = match moment {
            // They make all calls by themselves.
            Moment::Arguments | Moment::ArgumentsThatEnd => 1,
            _ => Call::COUNT,
        };
        for (call, form) in (0..calls).flat_map(|call| FORMS.map(|form| (call, form))) {
            let _place = Place(moment, call, form);
            ask(moment, number, call, form);
            requests += 1 + u64::from(moment.needs_another());
        }
    }
    requests
}

fn number(moment: Moment) -> usize {
    Moment::ALL
        .iter()
        .position(|known| *known == moment)
        .unwrap()
}

/// A server of this application, and what its handlers have called.
fn start(shell: ShellKind) -> (TestServer, Notes) {
    watch_panics();
    let notes = Notes::default();
    let application = Worst(Notes::clone(&notes));
    (
        TestServer::with(Server::new().shell(shell), application),
        notes,
    )
}

/// The shard lives, nothing of it has panicked, and every call was made; then the server is ended
/// with handlers, tasks and values still there.
fn expect_alive(server: TestServer, notes: &Notes, requests: u64) {
    let mut client = server.connect();
    assert_eq!(client.get("/fine").text(), "fine");
    drop(client);
    eventually("nothing is left", || {
        let stats = server.stats();
        (stats.connections_open, stats.handlers) == (0, 0)
    });
    assert_eq!(
        server.stats().requests,
        requests + 1,
        "the shard is another one"
    );
    let mut missing = list::of_handlers();
    for made in notes.lock().unwrap().iter() {
        missing.remove(*made);
    }
    // What TLS says is asked where there is TLS.
    missing.retain(|call| !call.starts_with("TlsFeature::"));
    assert!(missing.is_empty(), "add these to calls.rs: {missing:?}");
    let mut left = Vec::new();
    for call in 0..Call::COUNT {
        let mut stream = TcpStream::connect_timeout(&server.address(), HANG).unwrap();
        let path = format!("/{}.{call}", number(Moment::Abandoned));
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        left.push(stream);
    }
    eventually("all handlers wait", || {
        server.stats().handlers == Call::COUNT
    });
    server.running.shut_down(Duration::ZERO);
    let panics = std::mem::take(&mut *OUR_PANICS.lock().unwrap());
    assert!(panics.is_empty(), "{panics:#?}");
}

#[test]
fn no_code_of_an_application_ends_a_shard_over_http1() {
    for shell in SHELLS {
        let (server, notes) = start(shell);
        let requests = all(|moment, number_of, call, form| {
            if moment.needs_another() {
                ask_http1(server.address(), number(Moment::Stash), call, Form::Body);
            }
            ask_http1(server.address(), number_of, call, form);
        });
        expect_alive(server, &notes, requests);
    }
}

#[test]
fn no_code_of_an_application_ends_a_shard_over_http2() {
    for shell in SHELLS {
        let (server, notes) = start(shell);
        let mut client = Http2Client::connect(server.address());
        let requests = all(|moment, number_of, call, form| {
            if moment.needs_another() {
                ask_http1(server.address(), number(Moment::Stash), call, Form::Body);
            }
            let lives = ask_http2(&mut client, number_of, call, form);
            // What was stored with a connection is dropped with it.
            if !lives || moment == Moment::Items {
                client = Http2Client::connect(server.address());
            }
        });
        drop(client);
        expect_alive(server, &notes, requests);
    }
}

#[test]
fn what_tls_says_can_be_asked_at_any_time() {
    watch_panics();
    let directory = Directory::new();
    let authority = Authority::new("server authority");
    let pair = authority.server(&["a.example"]);
    let certificate = directory.write("cert.pem", &pair.certificate);
    let key = directory.write("key.pem", &pair.key);
    let notes = Notes::default();
    let running = Server::new()
        .urls("https://127.0.0.1:0")
        .unwrap()
        .tls(Tls::files(certificate, key))
        .start(Worst(Notes::clone(&notes)))
        .unwrap();
    let address = running.addresses().iter().next().unwrap().to_owned();
    let address = address.strip_prefix("https://").unwrap().parse().unwrap();
    let shared = calls::SHARED.len();
    for call in 0..shared {
        let mut client = client(address, &authority, "a.example");
        client.send(format!("GET /0.{call} HTTP/1.1\r\nHost: a.example\r\n\r\n"));
        client.head();
    }
    let wanted = list::of_handlers();
    let wanted: Vec<_> = wanted
        .iter()
        .filter(|call| call.starts_with("TlsFeature::"))
        .collect();
    assert!(!wanted.is_empty());
    for call in wanted {
        assert!(
            notes.lock().unwrap().contains(call.as_str()),
            "add {call} to calls.rs"
        );
    }
    assert!(running.shut_down(HANG));
}
