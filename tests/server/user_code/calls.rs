//! Every public call of a handler, as something that can be begun at any moment.
//!
//! Each notes its name, which the macro takes from the call itself, so that neither can be without
//! the other. Knows nothing of when the calls are made.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lanner::features::*;
use lanner::http::*;
use lanner::{read_file, sleep, spawn_blocking, spawn_local, timeout};

/// What a call has answered, for as long as somebody wants to keep it.
pub(super) trait Keep {}

impl<T> Keep for T {}

pub(super) type Kept<'a> = Box<dyn Keep + 'a>;
pub(super) type Work<'a> = Pin<Box<dyn Future<Output = Kept<'a>> + 'a>>;
pub(super) type Shared = for<'a> fn(&'a HttpContext) -> Work<'a>;
type Exclusive = for<'a> fn(&'a mut HttpContext) -> Work<'a>;

/// Names of the calls that were made.
pub(super) type Notes = Arc<Mutex<BTreeSet<&'static str>>>;

thread_local! {
    /// Where this shard's handlers note what they call.
    pub(super) static NOTES: RefCell<Option<Notes>> = const { RefCell::new(None) };
}

fn note(name: &'static str) {
    NOTES.with_borrow(|notes| {
        if let Some(notes) = notes {
            notes.lock().unwrap().insert(name);
        }
    });
}

/// Makes a call and notes its name.
macro_rules! made {
    ($type:ident :: $call:ident $(::<$generic:ty>)? ( $($argument:expr),* $(,)? )) => {{
        note(concat!(stringify!($type), "::", stringify!($call)));
        $type::$call$(::<$generic>)?($($argument),*)
    }};
    ($call:ident ( $($argument:expr),* $(,)? )) => {{
        note(stringify!($call));
        $call($($argument),*)
    }};
}

/// A table of calls, each with the name that it has for the context.
macro_rules! table {
    ($($context:ident => $value:expr),* $(,)?) => {
        &[$(|$context| Box::pin(async move { keep($value) })),*]
    };
}

fn keep<'a, T: 'a>(value: T) -> Kept<'a> {
    Box::new(value)
}

/// Polls once, as the handler would, and keeps a future that waits.
async fn begun<F: Future>(future: F) -> (Option<F::Output>, Pin<Box<F>>) {
    let mut future = Box::pin(future);
    let mut output = None;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(value) = future.as_mut().poll(cx) {
            output = Some(value);
        }
        Poll::Ready(())
    })
    .await;
    (output, future)
}

/// Begins a piece of work where nobody can wait for it.
pub(super) fn poll_once(work: Work<'_>) -> Option<Kept<'_>> {
    let mut work = work;
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(kept) => Some(kept),
        Poll::Pending => None,
    }
}

/// An answer that nobody keeps.
fn asked<T>(_: T) {}

fn slot<F: 'static>(context: &HttpContext) -> &F {
    context.get().unwrap()
}

/// The items of the connection, unless somebody changes them right now.
fn items(context: &HttpContext) -> Option<RefMut<'_, Features>> {
    context.connection().items().try_borrow_mut().ok()
}

/// What does not end the response and can be called at any time.
pub(super) const SHARED: &[Shared] = table![
    ctx => made!(HttpContext::request(ctx)),
    ctx => made!(HttpContext::method(ctx)),
    ctx => made!(HttpContext::stream_id(ctx)),
    ctx => made!(HttpContext::connection(ctx)),
    ctx => made!(HttpContext::server(ctx)),
    ctx => made!(HttpContext::drain(ctx)),
    ctx => made!(Drain::is_draining(ctx.drain())),
    ctx => begun(made!(Drain::begun(ctx.drain()))).await,
    ctx => made!(HttpContext::get::<u8>(ctx)),
    ctx => made!(HttpContext::lifetime(ctx)),
    ctx => made!(HttpContext::response(ctx)),
    ctx => made!(HttpContext::request_feature(ctx)),
    ctx => made!(HttpContext::status(ctx, Status::CREATED)).is_ok(),
    ctx => made!(HttpContext::field(ctx, "X-Set", "1")).is_ok(),
    ctx => made!(HttpContext::trailer(ctx, "X-Trailer", "1")).is_ok(),
    ctx => made!(HttpContext::static_bytes(ctx, "text/plain", b"fixed")),
    ctx => made!(HttpContext::query(ctx)),
    ctx => made!(HttpContext::redirect(ctx, Status::FOUND, "/elsewhere")),
    ctx => made!(HttpContext::text(ctx, "text")),
    ctx => made!(HttpContext::bytes(ctx, "a/b", "bytes")),
    ctx => made!(HttpContext::json(ctx, &[1, 2])),
    ctx => made!(HttpContext::informational(ctx, Status::EARLY_HINTS, FieldSection::new())),
    ctx => made!(HttpContext::new(Exchange::new(RequestHead::default()), ctx.connection().clone())),
    ctx => made!(RequestFeature::head(ctx.request_feature())),
    ctx => made!(RequestFeature::replace(ctx.request_feature(), RequestHead::default())),
    ctx => made!(RequestBodyDetection::can_have_body(slot(ctx))),
    ctx => made!(MaxRequestBodySize::bytes(slot(ctx))),
    ctx => made!(MaxRequestBodySize::set(slot(ctx), Some(1 << 20))),
    ctx => made!(MaxRequestBodySize::is_read_only(slot(ctx))),
    ctx => made!(MinRequestBodyDataRate::rate(slot(ctx))),
    ctx => made!(MinRequestBodyDataRate::set(slot(ctx), None)),
    ctx => made!(MinResponseDataRate::rate(slot(ctx))),
    ctx => made!(MinResponseDataRate::set(slot(ctx), None)),
    ctx => made!(RequestTrailers::is_available(slot(ctx))),
    ctx => made!(RequestTrailers::fields(slot(ctx))),
    ctx => made!(RequestIdentifier::text(slot(ctx))),
    ctx => made!(RequestIdentifier::set(slot(ctx), "another".to_owned())),
    ctx => made!(RequestLifetime::is_aborted(ctx.lifetime())),
    ctx => begun(made!(RequestLifetime::aborted(ctx.lifetime()))).await,
    ctx => made!(RequestLifetime::is_client_finished(ctx.lifetime())),
    ctx => begun(made!(RequestLifetime::client_finished(ctx.lifetime()))).await,
    ctx => made!(Upgrade::is_upgradable(slot(ctx))),
    ctx => made!(ResponseFeature::status(ctx.response())),
    ctx => made!(ResponseFeature::set_status(ctx.response(), Status::ACCEPTED)),
    ctx => made!(ResponseFeature::append_field(ctx.response(), "X-More", "1")),
    ctx => made!(ResponseFeature::set_field(ctx.response(), "X-More", "2")),
    ctx => made!(ResponseFeature::fields(ctx.response())),
    ctx => made!(ResponseFeature::field(ctx.response(), "X-More")),
    ctx => made!(ResponseFeature::has_started(ctx.response())),
    ctx => made!(ResponseFeature::on_starting(ctx.response(), |_| ())),
    ctx => made!(ResponseFeature::on_completed(ctx.response(), |_| ())),
    ctx => made!(ResponseTrailers::append(slot(ctx), "X-End", "1")).is_ok(),
    ctx => made!(ResponseTrailers::fields(slot(ctx))),
    ctx => made!(Connection::detached(Rc::clone(ctx.connection().server()))),
    ctx => made!(Connection::id(ctx.connection())),
    ctx => made!(Connection::remote_address(ctx.connection())),
    ctx => made!(Connection::local_address(ctx.connection())),
    ctx => made!(Connection::tls(ctx.connection())),
    ctx => made!(Connection::server(ctx.connection())),
    ctx => made!(Connection::drain(ctx.connection())),
    ctx => made!(Connection::items(ctx.connection())).try_borrow_mut(),
    ctx => items(ctx).map(|mut items| made!(Features::set(&mut items, 1_u8))),
    ctx => items(ctx).map(|items| made!(Features::get::<u8>(&items)).copied()),
    ctx => items(ctx).map(|mut items| made!(Features::get_mut::<u8>(&mut items)).copied()),
    ctx => items(ctx).map(|items| made!(Features::revision(&items))),
    ctx => items(ctx).map(|mut items| made!(Features::remove::<u8>(&mut items))),
    ctx => items(ctx).map(|mut items| made!(Features::clear(&mut items))),
    ctx => made!(ServerFeatures::with(ctx.server().clone(), 1_u64)),
    ctx => made!(ServerFeatures::addresses(ctx.server())),
    ctx => made!(ServerFeatures::shards(ctx.server())),
    ctx => made!(ServerFeatures::shard(ctx.server())),
    ctx => made!(ServerFeatures::get::<u64>(ctx.server())),
    ctx => made!(ServerAddresses::iter(ctx.server().addresses())),
    ctx => made!(Shards::count(ctx.server().shards())),
    ctx => made!(Shards::iter(ctx.server().shards())),
    ctx => ctx.connection().tls().map(of_tls),
    ctx => of_heads(ctx),
    _ctx => of_values(),
    _ctx => begun(made!(sleep(Duration::from_secs(3600)))).await,
    _ctx => begun(made!(timeout(Duration::from_secs(3600), pending::<()>()))).await,
    _ctx => begun(made!(read_file("/dev/null", 100))).await,
    _ctx => made!(spawn_local(async { 1 })),
    _ctx => begun(made!(spawn_blocking(|| 1))).await,
];

/// What begins or ends the response.
pub(super) const SHARED_ENDS: &[Shared] = table![
    ctx => made!(HttpContext::start(ctx)),
    ctx => made!(HttpContext::abort(ctx)),
    ctx => made!(HttpContext::reset(ctx, 2)),
];

/// What needs the context for itself.
const EXCLUSIVE: &[Exclusive] = table![
    ctx => made!(HttpContext::set(ctx, 1_u16)),
    ctx => made!(HttpContext::features(ctx)),
    ctx => made!(HttpContext::body(ctx)),
    ctx => made!(RequestBody::can_have_body(&ctx.body())),
    ctx => made!(RequestBody::limit(&ctx.body(), None)),
    ctx => made!(RequestBody::trailers(&ctx.body())),
    ctx => {
        let mut body = ctx.body();
        let first = made!(RequestBody::chunk(&mut body)).await;
        (first, body)
    },
    ctx => {
        let mut body = ctx.body();
        let whole = made!(RequestBody::read_to_end(&mut body, 1000)).await;
        (whole, body.trailers(), body)
    },
    ctx => made!(HttpContext::body_to_end(ctx, 1000)).await,
    ctx => made!(HttpContext::body_json::<u8>(ctx)).await,
    ctx => made!(HttpContext::write(ctx, "written")).await,
    ctx => made!(HttpContext::flush(ctx)).await,
    ctx => {
        let written = ctx.write("more").await;
        (written, ctx.flush().await)
    },
    ctx => made!(HttpContext::upgrade(ctx, "test")),
    ctx => match ctx.upgrade("test") {
        Ok(mut stream) => Some((made!(Upgraded::read(&mut stream)).await, stream)),
        Err(_) => None,
    },
    ctx => match ctx.upgrade("test") {
        Ok(mut stream) => {
            let written = made!(Upgraded::write(&mut stream, "raw")).await;
            Some((written, made!(Upgraded::flush(&mut stream)).await, stream))
        }
        Err(_) => None,
    },
];

fn of_tls(tls: &TlsFeature) -> impl Keep {
    (
        made!(TlsFeature::version(tls)),
        made!(TlsFeature::cipher_suite(tls)),
        made!(TlsFeature::cipher_suite_number(tls)),
        made!(TlsFeature::server_name(tls)),
        made!(TlsFeature::application_protocol(tls)),
        made!(TlsFeature::is_resumed(tls)),
        made!(TlsFeature::peer_certificates(tls)),
    )
}

/// A look at every part of the head.
fn of_heads(context: &HttpContext) -> impl Keep {
    let head = context.request();
    let _ = (
        made!(RequestHead::method(&head)),
        made!(RequestHead::method_text(&head)),
        made!(RequestHead::target(&head)),
        made!(RequestHead::target_form(&head)),
        made!(RequestHead::path(&head)),
        made!(RequestHead::query(&head)),
        made!(RequestHead::authority(&head)),
        made!(RequestHead::protocol(&head)),
        made!(RequestHead::version(&head)),
        made!(RequestHead::scheme(&head)),
        made!(RequestHead::field(&head, "host")),
        made!(RequestHead::field_text(&head, "host")),
    );
    for line in made!(RequestHead::fields(&head)) {
        asked(made!(FieldLine::text(&line)));
    }
    asked(made!(RequestHead::fields_named(&head, "host")).count());
    head
}

/// What depends on no request.
#[allow(clippy::unit_arg)] // What a call gives is dropped, whatever it is.
fn of_values() -> impl Keep {
    let builder = made!(RequestHead::builder("GET", "/"));
    let builder = made!(RequestHeadBuilder::field(builder, "Host", "a"));
    let builder = made!(RequestHeadBuilder::version(builder, Version::Http11));
    let builder = made!(RequestHeadBuilder::scheme(builder, Scheme::Http));
    let mut head = made!(RequestHeadBuilder::build(builder)).unwrap();
    asked(made!(RequestHead::clear(&mut head)));
    let mut fields = made!(FieldSection::new());
    asked(made!(FieldSection::append(&mut fields, "A", "1")).unwrap());
    asked(made!(FieldSection::set(&mut fields, "B", "2")).unwrap());
    asked(made!(FieldSection::contains(&fields, "A")));
    asked(made!(FieldSection::get(&fields, "A")));
    asked(made!(FieldSection::iter(&fields)).count());
    asked(made!(FieldSection::len(&fields)));
    asked(made!(FieldSection::is_empty(&fields)));
    asked(made!(FieldSection::remove(&mut fields, "A")));
    asked(made!(FieldSection::clear(&mut fields)));
    let field = made!(KnownField::from_name(b"host")).unwrap();
    asked(made!(KnownField::is_forbidden_in_trailers(field)));
    let method = made!(Method::from_bytes(b"GET")).unwrap();
    asked(made!(Method::as_str(method)));
    asked(made!(Method::is_safe(method)));
    asked(made!(Method::is_idempotent(method)));
    asked(made!(Scheme::as_str(Scheme::Https)));
    asked(made!(Scheme::default_port(Scheme::Https)));
    asked(made!(Version::as_str(Version::Http2)));
    let status = made!(Status::new(404)).unwrap();
    asked(made!(Status::code(status)));
    asked(made!(Status::reason(status)));
    asked(made!(Status::is_informational(status)));
    asked(made!(Status::is_success(status)));
    asked(made!(Status::is_redirection(status)));
    asked(made!(Status::is_client_error(status)));
    asked(made!(Status::is_server_error(status)));
    asked(made!(Status::is_bodiless(status)));
    asked(made!(Status::forbids_framing(status)));
    asked(made!(BodyError::status(BodyError::Aborted)));
    asked(made!(JsonError::status(&JsonError::MediaType)));
    let query = Query::default();
    asked(made!(Query::as_str(&query)));
    asked(made!(Query::get(&query, "a")));
    asked(made!(Query::pairs(&query)).count());
    (head, fields)
}

/// One call.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Shared(Shared),
    Exclusive(Exclusive),
}

impl Call {
    /// How many there are.
    pub(super) const COUNT: usize = SHARED.len() + SHARED_ENDS.len() + EXCLUSIVE.len();

    pub(super) fn number(index: usize) -> Self {
        let shared = SHARED
            .iter()
            .chain(SHARED_ENDS)
            .map(|call| Self::Shared(*call));
        let exclusive = EXCLUSIVE.iter().map(|call| Self::Exclusive(*call));
        shared.chain(exclusive).nth(index).unwrap()
    }

    pub(super) fn begin<'a>(self, context: &'a mut HttpContext) -> Work<'a> {
        match self {
            Self::Shared(call) => call(context),
            Self::Exclusive(call) => call(context),
        }
    }
}
