//! An upgrade (RFC 9110, 7.8): leaves HTTP for a protocol that sends every byte back.
//!
//! ```text
//! cargo run --release --example upgrade_echo
//! printf 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello' | nc 127.0.0.1 5000
//! ```

use std::env;
use std::error::Error;

use lanner::{HttpContext, Server, StartError, Status};

async fn serve(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let asked = ctx
        .request()
        .field_text("Upgrade")
        .is_some_and(|name| name.eq_ignore_ascii_case("echo"));
    if !asked {
        ctx.status(Status::UPGRADE_REQUIRED)?
            .field("Upgrade", "echo")?
            .text("This server speaks the protocol echo.\n")?;
        return Ok(());
    }

    // Sends 101. From here on the connection is a plain stream of bytes in both directions, which
    // ends when the peer closes its side or this handler returns.
    let mut stream = ctx.upgrade("echo")?;
    while let Some(chunk) = stream.read().await? {
        stream.write(&chunk).await?;
    }
    Ok(())
}

fn main() -> Result<(), StartError> {
    let url = env::args()
        .nth(1)
        .unwrap_or_else(|| "http://127.0.0.1:5000".to_owned());
    Server::new().urls(&url)?.run(serve)
}
