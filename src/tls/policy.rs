//! Under whose demands a connection was made, and which hosts it may be asked for in turn.
//!
//! A client names one site in its handshake and may ask for another in its requests. Where sites
//! demand different things of their clients, what was demanded of a connection says nothing of the
//! other site, and the request is misdirected (RFC 9110, 15.5.20). Owns that comparison. Knows no
//! request.

use super::name::{NAME_BYTES_MAX, ServerName};
use super::sites::Sites;

/// Bytes of a digest of demands.
pub(super) const DEMANDS_BYTES: usize = 32;

/// A site, and what it demands of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Which of the settings' sites it is. They stay the same for as long as the server; their files
    /// may change.
    pub(super) site: usize,
    /// A digest of protocols, lowest version, and whose client certificates are wanted.
    pub(super) demands: [u8; DEMANDS_BYTES],
}

/// The site that a connection was made for, and what it was last asked for.
#[derive(Debug)]
pub(crate) struct Scope {
    policy: Policy,
    /// The authority that was within it last: mostly that of the next request too.
    within: Vec<u8>,
    /// The sites that this was found with.
    generation: u32,
}

impl Scope {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            within: Vec::new(),
            generation: 0,
        }
    }

    /// Whether a request for this authority, a host with an optional port, may come on the
    /// connection. `generation` is another number for other sites.
    pub(crate) fn holds(&mut self, authority: &str, sites: &Sites, generation: u32) -> bool {
        if self.generation == generation && self.within == authority.as_bytes() {
            return true;
        }
        let host = server_name(authority);
        let site = sites.choose(host.as_ref().map(ServerName::as_str));
        let holds = site.is_some_and(|site| {
            // A connection that is open goes on, whatever its site demands of new ones.
            site.policy.site == self.policy.site || site.policy.demands == self.policy.demands
        });
        if holds {
            self.generation = generation;
            self.within.clear();
            self.within.extend_from_slice(authority.as_bytes());
        }
        holds
    }
}

/// The name that a client would have asked for in its handshake, had it been for this authority:
/// none where the host is an address, or none that can be asked for.
fn server_name(authority: &str) -> Option<ServerName> {
    // A bracket at its end belongs to an IPv6 address, which has colons of its own.
    let host = match authority.rsplit_once(':') {
        Some((host, _)) if !authority.ends_with(']') => host,
        _ => authority,
    };
    // One byte more, for the dot of the root.
    let mut name = [0; NAME_BYTES_MAX + 1];
    let (mut length, mut rest) = (0, host.as_bytes());
    while let Some((byte, behind)) = next_byte(rest) {
        *name.get_mut(length)? = byte;
        length += 1;
        rest = behind;
    }
    let name = name.get(..length)?;
    // `example.com.` is the same host as `example.com`, which alone can be asked for.
    ServerName::parse(name.strip_suffix(b".").unwrap_or(name)).ok()
}

/// The first byte of a host, which may be escaped though it need not be (RFC 3986, 6.2.2.2).
fn next_byte(host: &[u8]) -> Option<(u8, &[u8])> {
    if let [b'%', high, low, behind @ ..] = host
        && let (Some(high), Some(low)) = (digit(*high), digit(*low))
    {
        return Some((high << 4 | low, behind));
    }
    host.split_first().map(|(byte, behind)| (*byte, behind))
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_authority_is_what_a_client_would_have_asked_for() {
        for (authority, expected) in [
            ("a.example", Some("a.example")),
            ("A.Example:443", Some("a.example")),
            ("a.example:", Some("a.example")),
            ("a.example.", Some("a.example")),
            ("a.example.:8443", Some("a.example")),
            ("%61.ex%61mple", Some("a.example")),
            ("a%2eexample%2E", Some("a.example")),
            ("127.0.0.1", None),
            ("127.0.0.1:443", None),
            ("[::1]", None),
            ("[::1]:443", None),
            ("a.example..", None),
            ("a~b", None),
        ] {
            let name = server_name(authority);
            let name = name.as_ref().map(ServerName::as_str);
            assert_eq!(name, expected, "{authority}");
        }
        let longest = [
            "a".repeat(63),
            "b".repeat(63),
            "c".repeat(63),
            "d".repeat(61),
        ]
        .join(".");
        assert!(server_name(&format!("{longest}.")).is_some());
        assert!(server_name(&format!("{longest}d")).is_none());
    }
}
