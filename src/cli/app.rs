//! The built-in application: what the command serves to show that the server works, and what
//! load generators ask for.

use std::time::Duration;

use serde::Serialize;

use super::page;
use crate::http::{HttpContext, Method, RequestHead, Status};
use crate::shard::{sleep, timeout};

/// The longest delay that `/delay/MS` grants: a minute.
const DELAY_MS_MAX: u64 = 60_000;

/// The most chunks that `/stream/N` sends.
const STREAM_CHUNKS_MAX: u64 = 1_000_000;

/// The most bytes that `/bytes/N` sends: 16 GiB.
const BYTES_MAX: u64 = 16 << 30;

/// Between two events of `/events`.
const EVENT_INTERVAL: Duration = Duration::from_secs(1);

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Home,
    Icon,
    Plaintext,
    Json,
    Echo,
    Features,
    Delay(u64),
    Stream(u64),
    Events,
    Bytes(u64),
    Sink,
    /// A number that is none, or too large.
    BadNumber {
        max: u64,
    },
    Unknown,
}

impl Route {
    fn of(request: &RequestHead) -> Self {
        match request.path() {
            "/plaintext" => Self::Plaintext,
            "/json" => Self::Json,
            "/" => Self::Home,
            "/favicon.ico" => Self::Icon,
            "/echo" => Self::Echo,
            "/features" => Self::Features,
            "/sink" => Self::Sink,
            "/events" => Self::Events,
            path => {
                if let Some(number) = path.strip_prefix("/delay/") {
                    Self::number(number, DELAY_MS_MAX, Self::Delay)
                } else if let Some(number) = path.strip_prefix("/stream/") {
                    Self::number(number, STREAM_CHUNKS_MAX, Self::Stream)
                } else if let Some(number) = path.strip_prefix("/bytes/") {
                    Self::number(number, BYTES_MAX, Self::Bytes)
                } else {
                    Self::Unknown
                }
            }
        }
    }

    fn number(text: &str, max: u64, route: fn(u64) -> Self) -> Self {
        match text.parse() {
            Ok(number) if number <= max => route(number),
            Ok(_) | Err(_) => Self::BadNumber { max },
        }
    }

    /// The methods that the path knows, as an Allow field lists them.
    fn allow(self) -> &'static str {
        if matches!(self, Self::Echo | Self::Sink) {
            "POST, PUT"
        } else {
            "GET, HEAD"
        }
    }

    fn allows(self, method: Method) -> bool {
        match self {
            Self::Echo | Self::Sink => matches!(method, Method::Post | Method::Put),
            _ => matches!(method, Method::Get | Method::Head),
        }
    }
}

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

/// Answers one request.
///
/// # Errors
///
/// Those of the request's body and of the response.
pub async fn serve(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let (route, method) = {
        let request = ctx.request();
        (Route::of(&request), request.method())
    };
    if route == Route::Unknown {
        ctx.status(Status::NOT_FOUND)?
            .text("There is nothing here. Try /\n")?;
        return Ok(());
    }
    if !route.allows(method) {
        ctx.status(Status::METHOD_NOT_ALLOWED)?
            .field("Allow", route.allow())?;
        return Ok(());
    }
    match route {
        Route::Plaintext => ctx.static_bytes("text/plain", b"Hello, World!")?,
        Route::Json => ctx.json(&Message {
            message: "Hello, World!",
        })?,
        Route::Home => ctx.bytes("text/html; charset=utf-8", page::render(ctx))?,
        Route::Icon => ctx.static_bytes("image/svg+xml", page::ICON.as_bytes())?,
        Route::Echo => echo(ctx).await?,
        Route::Features => features(ctx)?,
        Route::Delay(millis) => {
            sleep(Duration::from_millis(millis)).await;
            ctx.text("done\n")?;
        }
        Route::Stream(chunks) => stream(ctx, chunks).await?,
        Route::Events => events(ctx).await?,
        Route::Bytes(count) => bytes(ctx, count).await?,
        Route::Sink => sink(ctx).await?,
        Route::BadNumber { max } => {
            let text = format!("The path must end with a number from 0 to {max}.\n");
            ctx.status(Status::BAD_REQUEST)?.text(&text)?;
        }
        Route::Unknown => {}
    }
    Ok(())
}

/// Sends the body back as it comes.
async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let content_type = ctx.request().field("Content-Type").map(<[u8]>::to_vec);
    ctx.field(
        "Content-Type",
        content_type
            .as_deref()
            .unwrap_or(b"application/octet-stream"),
    )?;
    while let Some(chunk) = ctx.body().chunk().await? {
        ctx.write(&chunk).await?;
    }
    Ok(())
}

async fn stream(ctx: &mut HttpContext, chunks: u64) -> Result<(), Box<dyn std::error::Error>> {
    ctx.field("Content-Type", "text/plain")?;
    for number in 1..=chunks {
        ctx.write(format!("chunk {number} of {chunks}\n")).await?;
        ctx.flush().await?;
    }
    Ok(())
}

/// Sends an event a second until the client goes or the server shuts down.
async fn events(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    ctx.field("Content-Type", "text/event-stream")?
        .field("Cache-Control", "no-store")?;
    for number in 1_u64.. {
        ctx.write(format!("id: {number}\ndata: event {number}\n\n"))
            .await?;
        ctx.flush().await?;
        if timeout(EVENT_INTERVAL, ctx.drain().begun()).await.is_ok() {
            break;
        }
    }
    Ok(())
}

/// Sends so many zeros, with their length. As many as stand ready are not copied.
async fn bytes(ctx: &mut HttpContext, count: u64) -> Result<(), Box<dyn std::error::Error>> {
    static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];
    let ready = usize::try_from(count).ok();
    if let Some(zeros) = ready.and_then(|count| ZEROS.get(..count)) {
        ctx.static_bytes("application/octet-stream", zeros)?;
        return Ok(());
    }
    ctx.field("Content-Type", "application/octet-stream")?
        .field("Content-Length", count.to_string())?;
    let mut left = count;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        ctx.write(ZEROS.get(..piece).unwrap_or_default()).await?;
        left -= piece as u64;
    }
    Ok(())
}

/// Reads the body, however long, and says how many bytes it had.
async fn sink(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let mut count = 0_u64;
    ctx.body().limit(None)?;
    while let Some(chunk) = ctx.body().chunk().await? {
        count += chunk.len() as u64;
    }
    ctx.text(&format!("{count}\n"))?;
    Ok(())
}

/// The server's feature table as JSON.
fn features(ctx: &HttpContext) -> Result<(), crate::http::ResponseError> {
    #[derive(Serialize)]
    struct Table<'a> {
        addresses: &'a crate::features::ServerAddresses,
        shards: &'a crate::features::Shards,
        served_by_shard: usize,
    }
    let server = ctx.server();
    ctx.json(&Table {
        addresses: server.addresses(),
        shards: server.shards(),
        served_by_shard: server.shard(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{DELAY_MS_MAX, Route};
    use crate::http::RequestHead;

    fn route(target: &str) -> Route {
        Route::of(
            &RequestHead::builder("GET", target)
                .field("Host", "x")
                .build()
                .unwrap(),
        )
    }

    #[test]
    fn paths_name_routes() {
        assert_eq!(route("/"), Route::Home);
        assert_eq!(route("/plaintext?x=1"), Route::Plaintext);
        assert_eq!(route("/delay/15"), Route::Delay(15));
        assert_eq!(
            route("/delay/60001"),
            Route::BadNumber { max: DELAY_MS_MAX }
        );
        assert_eq!(route("/delay/"), Route::BadNumber { max: DELAY_MS_MAX });
        assert_eq!(route("/stream/3"), Route::Stream(3));
        assert_eq!(route("/bytes/0"), Route::Bytes(0));
        assert_eq!(route("/sink"), Route::Sink);
        assert_eq!(route("/events"), Route::Events);
        assert_eq!(route("/plaintext/"), Route::Unknown);
    }
}
