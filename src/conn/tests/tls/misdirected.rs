//! Requests for another site than the one that the handshake was made for (RFC 9110, 15.5.20).

use super::*;
use crate::features::TlsVersion;
use crate::tls::GeneratedSite;

const PUBLIC: GeneratedSite = GeneratedSite {
    pattern: "public.example",
    protocols: Protocols::Http1AndHttp2,
    lowest_version: TlsVersion::Tls12,
    requires_clients: false,
};

const NAMES: [&str; 2] = ["public.example", "other.example"];

async fn served(ctx: &mut HttpContext) {
    ctx.text("served").unwrap();
}

/// What requests are answered on one connection for `public.example` or another of `NAMES`.
fn statuses(sites: &[GeneratedSite], name: &'static str, requests: &[&str]) -> Vec<String> {
    let identity = Identity::of_sites(&NAMES, sites);
    let client = Client::named(&identity.config(Offer::HTTP1), name);
    let mut secure = Secure::with(served, &identity, client, Limits::default());
    secure.exchange();
    assert!(secure.client.is_connected(), "{}", secure.client.error());
    let statuses: Vec<String> = requests
        .iter()
        .map(|request| secure.ask(request).get(9..12).unwrap_or("").to_owned())
        .collect();
    let refused = statuses.iter().filter(|status| *status == "421").count();
    let counted = secure.peer.counters.rejected.get("misdirected_request");
    assert_eq!(counted.copied().unwrap_or(0), refused as u64);
    secure.finish();
    statuses
}

fn get(host: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

/// A site that differs in one demand from `PUBLIC`, each.
fn strict(pattern: &'static str) -> [GeneratedSite; 3] {
    let same = GeneratedSite { pattern, ..PUBLIC };
    [
        GeneratedSite {
            requires_clients: true,
            ..same
        },
        GeneratedSite {
            lowest_version: TlsVersion::Tls13,
            ..same
        },
        GeneratedSite {
            protocols: Protocols::Http1,
            ..same
        },
    ]
}

#[test]
fn a_site_with_other_demands_is_not_reached_over_a_connection_for_this_one() {
    for strict in strict("strict.example") {
        for host in [
            "strict.example",
            "Strict.EXAMPLE:8443",
            "strict.example.",
            "strict%2eexampl%65",
        ] {
            let (same, other) = (get("public.example"), get(host));
            let requests = [same.as_str(), &other, &other, &same];
            // The connection goes on.
            assert_eq!(
                statuses(&[PUBLIC, strict], "public.example", &requests),
                ["200", "421", "421", "200"],
                "{strict:?} {host}"
            );
        }
    }
}

#[test]
fn the_site_for_all_names_may_be_the_strict_one_or_the_other() {
    for strict in strict("*") {
        let requests = [
            "10.0.0.1",
            "[::1]:443",
            "else.example",
            "public.example:443",
        ]
        .map(get);
        let requests = requests.each_ref().map(String::as_str);
        let statuses = statuses(&[PUBLIC, strict], "public.example", &requests);
        assert_eq!(statuses, ["421", "421", "421", "200"], "{strict:?}");
    }
    for strict in strict("strict.example") {
        let all = GeneratedSite {
            pattern: "*",
            ..PUBLIC
        };
        let requests = ["10.0.0.1", "strict.example", "public.example"].map(get);
        let requests = requests.each_ref().map(String::as_str);
        let statuses = statuses(&[all, strict], "public.example", &requests);
        assert_eq!(statuses, ["200", "421", "200"], "{strict:?}");
    }
}

#[test]
fn a_name_that_no_site_answers_for_is_refused_as_in_the_handshake() {
    let strict = strict("strict.example");
    let request = get("else.example");
    let statuses_of = |sites: &[GeneratedSite]| statuses(sites, "public.example", &[&request]);
    assert_eq!(statuses_of(&[PUBLIC, strict[0]]), ["421"]);
    // Where the sites demand the same there is no check.
    assert_eq!(statuses_of(&[PUBLIC]), ["200"]);
}

#[test]
fn sites_with_the_same_demands_share_their_connections() {
    let other = GeneratedSite {
        pattern: "other.example",
        ..PUBLIC
    };
    let (one, two) = (get("public.example"), get("other.example"));
    let requests = [one.as_str(), &two, &one];
    for sites in [&[PUBLIC, other][..], &[PUBLIC, other, strict("*")[0]]] {
        for name in NAMES {
            assert_eq!(statuses(sites, name, &requests), ["200", "200", "200"]);
        }
    }
}

#[test]
fn what_names_no_host_is_for_the_site_and_what_names_two_is_for_both() {
    let sites = [PUBLIC, strict("strict.example")[0]];
    for (request, status) in [
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200"),
        (
            "GET https://strict.example/ HTTP/1.1\r\nHost: strict.example\r\n\r\n",
            "421",
        ),
        // A tunnel leads anywhere (RFC 9110, 9.3.6): it is asked for, and not opened here.
        (
            "CONNECT strict.example:443 HTTP/1.1\r\nHost: strict.example:443\r\n\r\n",
            "501",
        ),
    ] {
        assert_eq!(statuses(&sites, "public.example", &[request]), [status]);
    }
    // A body that nobody reads is no request.
    let request = format!(
        "POST / HTTP/1.1\r\nHost: strict.example\r\nContent-Length: 41\r\n\r\n{}",
        get("strict.example")
    );
    let next = get("public.example");
    assert_eq!(
        statuses(&sites, "public.example", &[&request, &next]),
        ["421", "200"]
    );
}

#[test]
fn other_sites_are_asked_anew() {
    let other = GeneratedSite {
        pattern: "other.example",
        ..PUBLIC
    };
    let stricter = GeneratedSite {
        requires_clients: true,
        ..other
    };
    let identity = Identity::of_sites(&NAMES, &[PUBLIC, other, strict("*")[0]]);
    let client = Client::named(&identity.config(Offer::HTTP1), "public.example");
    let mut secure = Secure::with(served, &identity, client, Limits::default());
    secure.exchange();
    let request = get("other.example");
    assert!(secure.ask(&request).starts_with("HTTP/1.1 200 "));
    let identity = Identity::of_sites(&NAMES, &[PUBLIC, stricter, strict("*")[0]]);
    secure.peer.resources.set_sites(identity.sites());
    assert!(secure.ask(&request).starts_with("HTTP/1.1 421 "));
    secure.finish();
}

#[test]
fn streams_of_http2_are_judged_one_by_one() {
    let sites = [PUBLIC, strict("strict.example")[0]];
    let identity = Identity::of_sites(&NAMES, &sites);
    let offer = Offer {
        protocols: &["h2"],
        ..Offer::HTTP1
    };
    let client = Client::named(&identity.config(offer), "public.example");
    let mut secure = Secure::with(served, &identity, client, Limits::default());
    secure
        .client
        .say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    for (stream, host) in [
        (1, "public.example"),
        (3, "strict.example"),
        (5, "public.example"),
    ] {
        // GET, https, / of the static table (RFC 7541, A), and a literal :authority.
        let mut block = vec![0x82, 0x87, 0x84, 0x01, host.len() as u8];
        block.extend_from_slice(host.as_bytes());
        let mut frame = vec![0, 0, block.len() as u8, 1, 5, 0, 0, 0, stream];
        frame.extend(block);
        secure.client.say(&frame);
    }
    secure.exchange();
    let counted = secure.peer.counters.rejected.get("misdirected_request");
    assert_eq!(counted, Some(&1));
    // HEADERS of three streams, of which the second ends at once: it has no content.
    let plain = secure.client.take_plain();
    let mut rest = plain.as_slice();
    let mut ended = Vec::new();
    while let [a, b, c, kind, flags, _, _, _, stream, behind @ ..] = rest {
        if *kind == 1 {
            ended.push((*stream, flags & 1 != 0));
        }
        rest = &behind[u32::from_be_bytes([0, *a, *b, *c]) as usize..];
    }
    assert_eq!(ended, [(1, false), (3, true), (5, false)]);
    secure.finish();
}
