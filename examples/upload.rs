//! A streaming upload: hashes a body of any length as it arrives and keeps none of it.
//!
//! ```text
//! cargo run --release --example upload
//! curl -T some.iso http://127.0.0.1:5000/
//! ```

use std::env;
use std::error::Error;
use std::fmt::Write;

use lanner::{HttpContext, Server, StartError};
use sha2::{Digest, Sha256};

async fn serve(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    // The server's limit of 30 MB is for handlers that collect bodies. It can be lifted for one
    // request, until the first read.
    ctx.body().limit(None)?;

    let mut hash = Sha256::new();
    let mut length = 0_u64;
    // A chunk lies in the buffer that the kernel received it into; dropping it gives that back.
    // While this waits, other requests run; while this hashes, the peer is held back.
    while let Some(chunk) = ctx.body().chunk().await? {
        hash.update(&chunk);
        length += chunk.len() as u64;
    }

    let mut text = String::new();
    for byte in hash.finalize() {
        write!(text, "{byte:02x}")?;
    }
    writeln!(text, " {length}")?;
    ctx.text(&text)?;
    Ok(())
}

fn main() -> Result<(), StartError> {
    let url = env::args()
        .nth(1)
        .unwrap_or_else(|| "http://127.0.0.1:5000".to_owned());
    Server::new().urls(&url)?.run(serve)
}
