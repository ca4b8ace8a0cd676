//! Which site answers for which name.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::tls::{Material, TicketKeys};

/// Sites with these patterns, and where each configuration lies.
fn sites(patterns: &[&'static str]) -> (Sites, Vec<(*const ServerConfig, &'static str)>) {
    let (material, _) = Material::generated(&["localhost"], Protocols::Http1).unwrap();
    let one = material.sites(&TicketKeys::generate().unwrap()).unwrap();
    let config = &one.choose(None).unwrap().config;
    let mut places = Vec::new();
    let sites = patterns.iter().map(|pattern| {
        let site = Site {
            config: Arc::new(ServerConfig::clone(config)),
            chacha_config: Arc::clone(config),
            restoring_config: Arc::clone(config),
            lowest_version: TlsVersion::Tls12,
            protocols: Protocols::Http1,
            verifier: None,
            policy: one.choose(None).unwrap().policy,
        };
        places.push((Arc::as_ptr(&site.config), *pattern));
        (Pattern::parse(pattern).unwrap(), site)
    });
    (Sites::new(sites.collect()), places)
}

#[test]
fn the_exact_name_then_the_longest_suffix_then_all() {
    let (sites, places) = sites(&[
        "*",
        "example.com",
        "*.example.com",
        "*.sub.example.com",
        "exact.sub.example.com",
        "*.org",
    ]);
    for (name, expected) in [
        (None, "*"),
        (Some("example.com"), "example.com"),
        (Some("www.example.com"), "*.example.com"),
        (Some("a.b.c.example.com"), "*.example.com"),
        (Some("sub.example.com"), "*.example.com"),
        (Some("a.sub.example.com"), "*.sub.example.com"),
        (Some("a.b.sub.example.com"), "*.sub.example.com"),
        (Some("exact.sub.example.com"), "exact.sub.example.com"),
        (Some("a.exact.sub.example.com"), "*.sub.example.com"),
        (Some("xexample.com"), "*"),
        (Some("xsub.example.com"), "*.example.com"),
        (Some("com"), "*"),
        (Some("org"), "*"),
        (Some("a.org"), "*.org"),
        (Some("org.a"), "*"),
        (Some("localhost"), "*"),
    ] {
        let chosen = Arc::as_ptr(&sites.choose(name).unwrap().config);
        let (_, pattern) = places.iter().find(|(at, _)| *at == chosen).unwrap();
        assert_eq!(*pattern, expected, "{name:?}");
    }
}

#[test]
fn without_a_site_for_all_others_are_refused() {
    let (sites, _) = sites(&["example.com", "*.example.com"]);
    for name in [
        None,
        Some("example.org"),
        Some("com"),
        Some("notexample.com"),
        Some("localhost"),
    ] {
        assert!(sites.choose(name).is_none(), "{name:?}");
    }
    assert!(sites.choose(Some("www.example.com")).is_some());
}

#[test]
fn a_suffix_alone_is_not_below_itself() {
    let (sites, _) = sites(&["*.example.com"]);
    assert!(sites.choose(Some("example.com")).is_none());
}
