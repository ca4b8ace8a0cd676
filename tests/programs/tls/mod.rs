//! TLS with programs that were not written for these tests: curl, openssl, nghttp and h2load.

pub(crate) mod chromium;
pub(crate) mod demands;
pub(crate) mod names;
pub(crate) mod protocols;
mod site;
