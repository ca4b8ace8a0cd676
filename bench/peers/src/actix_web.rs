//! The actix-web peer: an application with one route and one worker.
//!
//! The server accepts in a thread of its own, which runs on the worker's core like all others.
#![forbid(unsafe_code)]

mod listen;

use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, SERVER};
use actix_web::{App, HttpResponse, HttpServer, web};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = listen::bind(listen::address()?)?;
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| {
            App::new().service(web::resource("/plaintext").to(|| async {
                HttpResponse::Ok()
                    .insert_header((CONTENT_TYPE, "text/plain"))
                    .insert_header((SERVER, "actix-web"))
                    .body("Hello, World!")
            }))
        });
        server
            .workers(1)
            // Its default of five seconds would close idle connections.
            .keep_alive(Duration::from_secs(3600))
            // No timer for the head of a request.
            .client_request_timeout(Duration::ZERO)
            .listen(listener)?
            .run()
            .await?;
        Ok(())
    })
}
