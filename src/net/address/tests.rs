//! Addresses as users write them: what each form means, and what is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn ip(text: &str) -> Place {
    Place::Ip(text.parse().unwrap())
}

fn localhost(port: u16) -> Place {
    Place::Localhost { name: None, port }
}

fn any_ip(port: u16) -> Place {
    Place::AnyIp { name: None, port }
}

fn named(name: &str, port: u16) -> Place {
    let name = Some(name.into());
    Place::AnyIp { name, port }
}

fn unix(path: &str, mode: Option<u32>) -> Place {
    Place::Unix {
        path: path.into(),
        mode,
    }
}

fn http(place: Place) -> Endpoint {
    Endpoint {
        scheme: UrlScheme::Http,
        place,
    }
}

fn https(place: Place) -> Endpoint {
    Endpoint {
        scheme: UrlScheme::Https,
        place,
    }
}

#[test]
fn every_form_of_address_is_understood() {
    let table = [
        ("http://localhost:5000", localhost(5000)),
        ("HTTP://LocalHost:5000/", localhost(5000)),
        ("http://localhost", localhost(80)),
        (
            "http://App.Dev.localhost:81",
            Place::Localhost {
                name: Some("app.dev.localhost".into()),
                port: 81,
            },
        ),
        ("http://127.0.0.1:5000", ip("127.0.0.1:5000")),
        ("http://127.0.0.1:0", ip("127.0.0.1:0")),
        ("http://10.1.2.3", ip("10.1.2.3:80")),
        ("http://0.0.0.0:8080", ip("0.0.0.0:8080")),
        ("http://[::1]:5000", ip("[::1]:5000")),
        ("http://[::1]", ip("[::1]:80")),
        ("http://[::]:65535", ip("[::]:65535")),
        ("http://[fe80::1%2]:80", ip("[fe80::1%2]:80")),
        ("http://*:5000", any_ip(5000)),
        ("http://+:80/", any_ip(80)),
        ("http://*", any_ip(80)),
        ("http://*:0", any_ip(0)),
        ("http://example.com:81", named("example.com", 81)),
        ("http://my_host-1:81", named("my_host-1", 81)),
        ("http://notlocalhost:81", named("notlocalhost", 81)),
        ("http://local:81", named("local", 81)),
        ("http://unix:/run/a.sock", unix("/run/a.sock", None)),
        ("http://unix:/run/a,b", unix("/run/a,b", None)),
        ("http://UNIX:/run/a b.sock", unix("/run/a b.sock", None)),
        (
            "http://unix:/run/a.sock?mode=660",
            unix("/run/a.sock", Some(0o660)),
        ),
        (
            "http://unix:/run/a.sock?mode=0600",
            unix("/run/a.sock", Some(0o600)),
        ),
        (
            "http://unix:@lanner",
            Place::Abstract {
                name: "lanner".into(),
            },
        ),
    ];
    for (given, expected) in table {
        assert_eq!(given.parse(), Ok(http(expected)), "{given}");
    }
}

#[test]
fn every_fault_is_named() {
    use AddressFault as F;
    let table = [
        ("", F::Empty),
        ("localhost:5000", F::MissingScheme),
        ("http://localhost:1,http://localhost:2", F::Separator),
        ("http://localhost:1, http://localhost:2", F::Separator),
        ("http://localhost:1 http://localhost:2", F::Separator),
        ("http://localhost:1,localhost:2", F::Separator),
        ("http://unix:/a,http://unix:/b", F::Separator),
        ("localhost:1,localhost:2", F::Separator),
        ("a b", F::Separator),
        ("http://locahost:35001", F::NearlyLocalhost),
        ("http://127.0.0.l:5000", F::BadIpv4),
        ("http://127.O.0.1:5000", F::BadIpv4),
        ("http://l0.0.0.1", F::BadIpv4),
        ("http://10.0.0.1a", F::BadIpv4),
        ("http://host.1", F::BadIpv4),
        ("https://LOCALHSOT", F::NearlyLocalhost),
        ("http://localhosts:81", F::NearlyLocalhost),
        ("http://lokalhost:81", F::NearlyLocalhost),
        ("http://.localhost:81", F::NearlyLocalhost),
        ("http://localhost.:81", F::NearlyLocalhost),
        ("5000", F::MissingScheme),
        ("ftp://localhost:21", F::UnknownScheme),
        ("://localhost", F::UnknownScheme),
        ("httpss://localhost:5001", F::UnknownScheme),
        ("https://localhost:0", F::LocalhostPortZero),
        ("https://localhost/base", F::PathBase),
        ("http://", F::MissingHost),
        ("http://:5000", F::MissingHost),
        ("http:///", F::MissingHost),
        ("http://user@host:80", F::BadHost),
        ("http://a host:80", F::BadHost),
        ("http://bücher.example:80", F::BadHost),
        ("http://[::1]x:80", F::BadHost),
        ("http://127.0.0.256:80", F::BadIpv4),
        ("http://127.1:80", F::BadIpv4),
        ("http://[::1:80", F::Ipv6WithoutBrackets),
        ("http://[]:80", F::BadIpv6),
        ("http://[127.0.0.1]:80", F::BadIpv6),
        ("http://[:::1]:80", F::BadIpv6),
        ("http://::1:5000", F::Ipv6WithoutBrackets),
        ("http://127.0.0.1:65536", F::BadPort),
        ("http://127.0.0.1:", F::BadPort),
        ("http://127.0.0.1:+80", F::BadPort),
        ("http://127.0.0.1:-1", F::BadPort),
        ("http://127.0.0.1:http", F::BadPort),
        ("http://localhost:0", F::LocalhostPortZero),
        ("http://a.localhost:0", F::LocalhostPortZero),
        ("http://localhost:5000/base", F::PathBase),
        ("http://localhost:5000//", F::PathBase),
        ("http://localhost:5000#x", F::PathBase),
        ("http://unix:/run/a.sock:/base", F::PathBase),
        ("http://localhost:5000?mode=660", F::OptionOnTcp),
        ("http://localhost:5000/?a", F::OptionOnTcp),
        ("http://unix:run/a.sock", F::UnixPathNotAbsolute),
        ("http://unix:5000", F::UnixPathNotAbsolute),
        ("http://unix:", F::UnixPathNotAbsolute),
        ("http://unix:/run/a\0b", F::UnixPathNul),
        ("http://unix:@", F::AbstractNameEmpty),
        ("http://unix:/run/a.sock?owner=me", F::UnknownOption),
        ("http://unix:/run/a.sock?", F::UnknownOption),
        ("http://unix:/run/a.sock?mode=", F::BadMode),
        ("http://unix:/run/a.sock?mode=888", F::BadMode),
        ("http://unix:/run/a.sock?mode=+66", F::BadMode),
        ("http://unix:/run/a.sock?mode=4755", F::BadMode),
        ("http://unix:/run/a.sock?mode=66", F::BadMode),
        ("http://unix:@lanner?mode=660", F::ModeOnAbstract),
    ];
    for (given, expected) in table {
        let error = given.parse::<Endpoint>().unwrap_err();
        assert_eq!(error.fault(), expected, "{given}");
        let line = error.to_string();
        assert!(line.contains(&format!("{given:?}")), "{line}");
        assert!(!line.contains(['\n', '\0']), "{line}");
    }
}

#[test]
fn a_list_keeps_its_order_and_skips_empty_parts() {
    assert_eq!(
        Endpoint::parse_list(" http://localhost:1 ;; https://*:2;"),
        Ok(vec![http(localhost(1)), https(any_ip(2))])
    );
    for empty in ["", ";", " ; ; "] {
        let error = Endpoint::parse_list(empty).unwrap_err();
        assert_eq!(error.fault(), AddressFault::Empty);
    }
    let error = Endpoint::parse_list("http://localhost:1;nonsense").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot listen on \"nonsense\": the scheme is missing; write http://HOST:PORT or \
         http://unix:/PATH"
    );
}

#[test]
fn https_is_a_scheme_of_every_form_and_has_a_port_of_its_own() {
    let table = [
        ("https://localhost:5001", localhost(5001)),
        ("HTTPS://LocalHost", localhost(443)),
        ("https://*", any_ip(443)),
        ("https://example.com", named("example.com", 443)),
        ("https://127.0.0.1:0", ip("127.0.0.1:0")),
        ("https://[::1]", ip("[::1]:443")),
        (
            "HTTPS://unix:/run/a.sock?mode=660",
            unix("/run/a.sock", Some(0o660)),
        ),
        ("https://unix:@a", Place::Abstract { name: "a".into() }),
    ];
    for (given, expected) in table {
        assert_eq!(given.parse(), Ok(https(expected)), "{given}");
    }
}

#[test]
fn addresses_asked_for_are_spelled_as_they_could_be_written() {
    for url in [
        "http://localhost:80",
        "https://app.localhost:5001",
        "https://127.0.0.1:0",
        "http://[::1]:5000",
        "https://*:443",
        "https://example.com:443",
        "https://unix:/run/a.sock",
        "http://unix:@a",
    ] {
        let endpoint: Endpoint = url.parse().unwrap();
        assert_eq!(endpoint.to_string(), url);
    }
}

#[test]
fn bound_addresses_are_spelled_as_urls() {
    use UrlScheme::{Http, Https};
    let table = [
        (
            Http,
            BoundPlace::Ip("127.0.0.1:5000".parse().unwrap()),
            "http://127.0.0.1:5000",
        ),
        (
            Https,
            BoundPlace::Ip("[::]:443".parse().unwrap()),
            "https://[::]:443",
        ),
        (
            Http,
            BoundPlace::Localhost {
                name: None,
                port: 5000,
            },
            "http://localhost:5000",
        ),
        (
            Https,
            BoundPlace::Localhost {
                name: Some("app.localhost".into()),
                port: 443,
            },
            "https://app.localhost:443",
        ),
        (
            Http,
            BoundPlace::Unix("/run/a.sock".into()),
            "http://unix:/run/a.sock",
        ),
        (Https, BoundPlace::Abstract("a".into()), "https://unix:@a"),
    ];
    for (scheme, place, expected) in table {
        assert_eq!(BoundAddress { scheme, place }.to_string(), expected);
    }
}
