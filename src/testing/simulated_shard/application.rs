//! The application of simulations: one path for each way in which a handler may behave.
//!
//! Whatever it answers depends on the request alone, so that the same requests must have the same
//! answers however the bytes arrive and whatever goes wrong below.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::http::{BodyError, FieldSection, HttpContext, ResponseError, Status};
use crate::shard::sleep;

/// The response field that tells a reader of answers which method it was that is answered.
pub(crate) const METHOD_FIELD: &str = "Answered-Method";

/// How long `/sleep` takes.
pub(crate) const NAP: Duration = Duration::from_millis(10);

/// Bytes of what `/large` answers: more than a peer takes that does not read.
pub(crate) const LARGE_BYTES: usize = 70_000;

/// What `/early` answers before the body.
pub(crate) const EARLY: &[u8] = b"early: ";

/// The code with which `/reset` ends its stream.
pub(crate) const RESET_CODE: u32 = 0xb;

/// Bytes of each piece that `/stream` writes.
const PIECE_BYTES: usize = 7;

/// What of the application's doings must be known to judge the answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doings {
    upgrades: Rc<Cell<usize>>,
    open: Rc<Cell<usize>>,
}

impl Doings {
    /// Connections that have been upgraded.
    pub(crate) fn upgrades(&self) -> usize {
        self.upgrades.get()
    }

    /// Requests whose end the application has not been told by `on_completed`.
    pub(crate) fn open(&self) -> usize {
        self.open.get()
    }

    /// Has the start and the end of a response observed: each comes once, in this order.
    fn observe(&self, ctx: &HttpContext) -> Result<(), ResponseError> {
        let started = Rc::new(Cell::new(false));
        let open = Rc::clone(&self.open);
        open.set(open.get() + 1);
        ctx.response().on_completed({
            let started = Rc::clone(&started);
            move |_| {
                open.set(open.get() - 1);
                started.set(true);
            }
        });
        ctx.response().on_starting(move |response| {
            assert!(!started.replace(true) && !response.has_started());
        })
    }
}

/// The application. Every path but `/unread` reads the body first:
///
/// - `/sleep` then sleeps, and echoes; `/stream` echoes in pieces that it flushes one by one;
///   `/trailer` echoes with a trailer, `/hints` after an interim response;
/// - `/large` answers many bytes, whatever the body;
/// - `/unread` answers at once;
/// - `/raw` upgrades and echoes the stream, if the request lets it;
/// - any other path echoes.
pub(crate) fn application(
    doings: Doings,
) -> impl AsyncFn(&mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    async move |ctx: &mut HttpContext| {
        let path = ctx.request().path().to_owned();
        let method = ctx.request().method_text().to_owned();
        doings.observe(ctx)?;
        ctx.field(METHOD_FIELD, &method)?;
        if path == "/unread" {
            return Ok(ctx.text("unread")?);
        }
        if path == "/raw" || method == "CONNECT" {
            return raw(ctx, &doings).await;
        }
        let body = read(ctx).await?;
        answer(ctx, &path, &body).await?;
        Ok(())
    }
}

/// The application for peers that speak HTTP/2, whose streams can do more:
///
/// - `/reset` ends its stream with [`RESET_CODE`];
/// - `/late` sleeps, and only then takes the stream over, if it can;
/// - `/early` answers in part before it reads the body, then goes on with it piece by piece.
pub(crate) fn stream_application(
    doings: Doings,
) -> impl AsyncFn(&mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let any = application(doings.clone());
    async move |ctx: &mut HttpContext| {
        let path = ctx.request().path().to_owned();
        match path.as_str() {
            "/reset" => {
                doings.observe(ctx)?;
                ctx.reset(RESET_CODE);
                Ok(())
            }
            "/late" => {
                doings.observe(ctx)?;
                sleep(NAP).await;
                let method = ctx.request().method_text().to_owned();
                ctx.field(METHOD_FIELD, &method)?;
                raw(ctx, &doings).await
            }
            "/early" => {
                doings.observe(ctx)?;
                early(ctx).await
            }
            _ => any(ctx).await,
        }
    }
}

async fn early(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let method = ctx.request().method_text().to_owned();
    ctx.field(METHOD_FIELD, &method)?;
    ctx.write(EARLY).await?;
    ctx.flush().await?;
    while let Some(chunk) = ctx.body().chunk().await? {
        ctx.write(&chunk).await?;
    }
    Ok(())
}

/// Reads the body to its end. Nothing but the server's limit bounds it.
async fn read(ctx: &mut HttpContext) -> Result<Vec<u8>, BodyError> {
    ctx.body().read_to_end(usize::MAX).await
}

async fn answer(ctx: &mut HttpContext, path: &str, body: &[u8]) -> Result<(), ResponseError> {
    match path {
        "/stream" => {
            for piece in body.chunks(PIECE_BYTES) {
                ctx.write(piece).await?;
                ctx.flush().await?;
            }
            return Ok(());
        }
        "/large" => return ctx.write(large()).await,
        "/sleep" => sleep(NAP).await,
        "/trailer" => {
            ctx.trailer("Length", body.len().to_string())?;
        }
        // HTTP/1.0 has none.
        "/hints" => match ctx.informational(Status::EARLY_HINTS, FieldSection::new()) {
            Ok(()) | Err(ResponseError::NotInformational) => {}
            Err(error) => return Err(error),
        },
        _ => {}
    }
    ctx.bytes("application/octet-stream", body)
}

async fn raw(ctx: &mut HttpContext, doings: &Doings) -> Result<(), Box<dyn std::error::Error>> {
    let Ok(mut stream) = ctx.upgrade("raw") else {
        return Ok(ctx.text("not upgradable")?);
    };
    doings.upgrades.set(doings.upgrades.get() + 1);
    while let Some(bytes) = stream.read().await? {
        stream.write(&bytes).await?;
    }
    Ok(())
}

/// The body of `/large`.
pub(crate) fn large() -> Vec<u8> {
    (0..LARGE_BYTES).map(|at| (at % 251) as u8).collect()
}
