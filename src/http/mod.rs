//! RFC 9110 as handlers see it: methods, status codes, fields, bodies, the exchange and its context.
//!
//! Owns the version-neutral request and response. Must not know a wire format (`h1`), a socket, a
//! ring or a shard; what it needs of the shard is `task`, which lets a future park without a clone
//! of its waker.

#![forbid(unsafe_code)]

mod application;
pub(crate) mod authority;
mod backlog;
mod body;
mod chunk;
mod context;
mod drive;
mod error;
mod exchange;
pub(crate) mod field;
mod head;
mod inbound;
pub(crate) mod known;
mod linger;
mod method;
mod outbound;
mod outbox;
mod pending;
mod query;
mod rate;
mod request_ref;
pub(crate) mod scan;
mod shorthand;
mod span;
pub(crate) mod status;
mod surplus;
pub(crate) mod target;
mod transport;
mod turn;
mod upgrade;
mod version;
mod writing;

pub(crate) use application::process_shared;
pub use application::{Application, IntoOutcome, process};
pub(crate) use backlog::Backlog;
pub use body::RequestBody;
pub use chunk::Chunk;
pub use context::HttpContext;
pub(crate) use drive::{Close, Drive};
pub use error::{BodyError, HandlerError, JsonError, ResponseError};
pub use exchange::Exchange;
pub(crate) use field::FieldSpan;
pub use field::{FieldError, FieldLine, FieldSection};
pub use head::{HeadError, RequestHead, RequestHeadBuilder};
pub(crate) use inbound::{BodyState, Inbound};
pub use known::KnownField;
pub(crate) use linger::Linger;
pub use method::Method;
pub(crate) use outbound::{Informational, Measured, Outbound, Outcome};
pub(crate) use outbox::{ConnectionKey, Mark, Outbox};
pub use query::Query;
pub(crate) use rate::{BlockRate, RateClock, after};
pub use request_ref::RequestRef;
pub(crate) use span::Span;
pub use status::Status;
pub(crate) use surplus::Surplus;
pub use target::{Scheme, TargetError, TargetForm};
pub(crate) use transport::Transport;
pub(crate) use turn::{Counters, ExchangePool, Turn};
pub use upgrade::Upgraded;
pub use version::{Protocols, Version};
