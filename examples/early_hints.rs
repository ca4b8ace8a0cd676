//! 103 Early Hints (RFC 8297): the browser fetches the style sheet while the page is being made.
//!
//! ```text
//! cargo run --release --example early_hints
//! curl -i http://127.0.0.1:5000/
//! ```

use std::env;
use std::error::Error;
use std::time::Duration;

use lanner::{FieldSection, HttpContext, Server, StartError, Status};

const LINK: &str = "</style.css>; rel=preload; as=style";

const STYLE: &[u8] = b"body { font: 1.5rem system-ui; margin: 4rem }\n";

const PAGE: &[u8] =
    b"<!doctype html><title>Early hints</title><link rel=stylesheet href=/style.css>\
    <p>The style sheet was on its way before this page was.\n";

async fn serve(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    if ctx.request().path() == "/style.css" {
        ctx.static_bytes("text/css", STYLE)?;
        return Ok(());
    }
    let mut hints = FieldSection::new();
    hints.append("Link", LINK)?;
    ctx.informational(Status::EARLY_HINTS, hints)?;

    // A page that takes its time, as one from a database would. The hint is out already.
    lanner::sleep(Duration::from_millis(100)).await;

    // Once more, for whoever does not understand 103.
    ctx.field("Link", LINK)?
        .static_bytes("text/html; charset=utf-8", PAGE)?;
    Ok(())
}

fn main() -> Result<(), StartError> {
    let url = env::args()
        .nth(1)
        .unwrap_or_else(|| "http://127.0.0.1:5000".to_owned());
    Server::new().urls(&url)?.run(serve)
}
