//! Where a request goes: its path, its scheme, and the authority that counts (RFC 9113, 8.3.1 and 8.5).
//!
//! Owns what these say together, and the Host that handlers find whichever of them came. Knows no
//! stream.

use super::super::error::Violation;
use super::{AUTHORITY, HOST, Lines, PATH, PROTOCOL, Refusal, SCHEME};
use crate::http::authority::Authority;
use crate::http::{FieldSpan, KnownField, Method, Span, Status, Transport};

impl Lines<'_> {
    /// RFC 9113, 8.3.1 and 8.5; RFC 8441, 4.
    pub(super) fn read_target(
        &mut self,
        arena: &[u8],
        transport: Transport,
    ) -> Result<(), Refusal> {
        let method = self.method;
        if self.has(PROTOCOL) && method != Method::Connect {
            return Err(Violation::ProtocolWithoutConnect.into());
        }
        if method == Method::Connect && !self.has(PROTOCOL) {
            if self.has(PATH) || self.has(SCHEME) {
                return Err(Violation::ConnectWithPathOrScheme.into());
            }
            self.demand(AUTHORITY)?;
            let target = self.head.read_target(arena, self.authority);
            return target.map_err(|_| Violation::InvalidAuthority.into());
        }
        self.demand(PATH)?;
        self.demand(SCHEME)?;
        if self.has(PROTOCOL) {
            self.demand(AUTHORITY)?;
            self.head.set_protocol(self.protocol);
        }
        self.read_path(arena)?;
        // It is well-formed, and meant for another server (RFC 9110, 7.4).
        let scheme = self.scheme.filter(|scheme| transport.admits(*scheme));
        let status = Status::MISDIRECTED_REQUEST;
        let scheme = scheme.ok_or(Refusal::Status(status, Violation::SchemeMismatch))?;
        self.head.set_scheme(scheme);
        Ok(())
    }

    fn read_path(&mut self, arena: &[u8]) -> Result<(), Violation> {
        let method = self.method;
        if self.path_is_plain {
            self.head.set_plain_path(self.path);
            return Ok(());
        }
        let text = self.path.of(arena);
        let is_asterisk = text == b"*" && method == Method::Options;
        if !is_asterisk && text.first() != Some(&b'/') {
            return Err(Violation::InvalidPath);
        }
        let target = self.head.read_path(arena, self.path, method);
        target.map_err(|_| Violation::InvalidPath)
    }

    /// `:authority` counts, Host stands for it where it is missing, and both say the same where
    /// both are there (RFC 9113, 8.3.1). Handlers find a Host either way.
    pub(super) fn settle_authority(&mut self, arena: &[u8]) -> Result<(), Violation> {
        let host = match self.host.filter(|host| !host.of(arena).is_empty()) {
            None => None,
            Some(span) => match Authority::parse(span.of(arena)) {
                Ok(host) => Some((span, host)),
                Err(_) => return Err(Violation::InvalidAuthority),
            },
        };
        if !self.has(AUTHORITY) {
            let (span, _) = host.ok_or(Violation::MissingPseudoField)?;
            self.head.set_authority(span);
            return Ok(());
        }
        let authority = self.authority;
        self.head.set_authority(authority);
        if self.host.is_none() {
            self.add_host();
            return Ok(());
        }
        let wanted = Authority::parse(authority.of(arena)).ok();
        match (host, wanted) {
            (Some((_, host)), Some(wanted))
                if host.is_same(wanted, self.head.scheme().default_port()) =>
            {
                Ok(())
            }
            _ => Err(Violation::AuthorityMismatch),
        }
    }

    /// Adds a Host line that says what `:authority` does.
    #[inline]
    pub(super) fn add_host(&mut self) {
        self.head.push_span(FieldSpan {
            name: Span::new(0, HOST.len()),
            value: self.authority,
            known: Some(KnownField::Host),
        });
    }
}
