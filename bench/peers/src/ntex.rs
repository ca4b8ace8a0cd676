//! The ntex peer: an application with one route and one worker on ntex' own io_uring runtime.
#![forbid(unsafe_code)]

mod listen;

use ntex::SharedCfg;
use ntex::http::header::{CONTENT_TYPE, SERVER};
use ntex::http::{HttpServiceConfig, KeepAlive};
use ntex::time::Seconds;
use ntex::web::{self, App, HttpResponse, HttpServer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[ntex::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = listen::bind(listen::address()?)?;
    let settings = HttpServiceConfig::new()
        // Its default of five seconds would close idle connections.
        .set_keepalive(KeepAlive::Os)
        // No timer for the head of a request.
        .set_client_timeout(Seconds::ZERO);
    let server = HttpServer::new(async || {
        App::new().service(web::resource("/plaintext").to(|| async {
            HttpResponse::Ok()
                .header(CONTENT_TYPE, "text/plain")
                .header(SERVER, "ntex")
                .body("Hello, World!")
        }))
    });
    server
        .workers(1)
        .config(SharedCfg::new("ntex").add(settings))
        .listen(listener)?
        .run()
        .await?;
    Ok(())
}
