//! The may_minihttp peer: stackful coroutines on one worker.
//!
//! It opens its listener itself, and it does not close a connection when it is asked to.
#![forbid(unsafe_code)]

use std::io;

use may_minihttp::{HttpServer, HttpService, Request, Response};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Clone)]
struct Application;

impl HttpService for Application {
    fn call(
        &mut self,
        request: Request<'_, '_, '_>,
        response: &mut Response<'_>,
    ) -> io::Result<()> {
        if request.path() == "/plaintext" {
            response
                .header("Content-Type: text/plain")
                .body("Hello, World!");
        } else {
            response.status_code(404, "Not Found");
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .ok_or("usage: may-minihttp-peer ADDRESS:PORT")?;
    may::config().set_workers(1);
    let server = HttpServer(Application).start(address)?;
    server.wait();
    Ok(())
}
