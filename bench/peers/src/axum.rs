//! The axum peer: a router with one route on a current-thread tokio, as `axum::serve` runs it.
#![forbid(unsafe_code)]

mod listen;

use axum::Router;
use axum::http::header::{CONTENT_TYPE, SERVER};
use axum::routing::get;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = listen::address()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listen::bind(address)?)?;
        let answer = || async {
            (
                [(CONTENT_TYPE, "text/plain"), (SERVER, "axum")],
                "Hello, World!",
            )
        };
        axum::serve(listener, Router::new().route("/plaintext", get(answer))).await?;
        Ok(())
    })
}
