//! TLS with programs that were not written for these tests: curl, openssl, nghttp and h2load.

#![allow(clippy::unwrap_used)]

mod chromium;
mod demands;
mod protocols;
mod site;
