//! The smallest server: one handler, which answers every request with the same text.
//!
//! ```text
//! cargo run --release --example hello
//! curl http://127.0.0.1:5000/
//! ```

use std::env;

use lanner::{HttpContext, Server, StartError};

fn main() -> Result<(), StartError> {
    let url = env::args()
        .nth(1)
        .unwrap_or_else(|| "http://127.0.0.1:5000".to_owned());
    // Serves on every CPU that this process may use, until SIGINT or SIGTERM.
    Server::new()
        .urls(&url)?
        .run(async |ctx: &mut HttpContext| ctx.text("Hello, World!\n"))
}
