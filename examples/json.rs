//! JSON in and out through serde: the distance between two points.
//!
//! ```text
//! cargo run --release --example json
//! curl -d '{"from":[0,0],"to":[3,4]}' http://127.0.0.1:5000/
//! ```

use std::env;
use std::error::Error;

use lanner::{HttpContext, Server, StartError, Status};
use serde::{Deserialize, Serialize};

/// More than any two points need. A longer body is answered with 413.
const BODY_BYTES_MAX: usize = 1024;

#[derive(Deserialize)]
struct Route {
    from: (f64, f64),
    to: (f64, f64),
}

#[derive(Serialize)]
struct Distance {
    distance: f64,
}

async fn serve(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    // An error of the body, as any that `?` passes on, becomes the response: 413 for too long a
    // body, 408 for one that comes too slowly, 500 for what the peer has no part in.
    let body = ctx.body().read_to_end(BODY_BYTES_MAX).await?;
    match serde_json::from_slice(&body) {
        Ok(Route { from, to }) => {
            let distance = (to.0 - from.0).hypot(to.1 - from.1);
            ctx.json(&Distance { distance })?;
        }
        Err(error) => {
            let text = format!("The body must be like {{\"from\":[0,0],\"to\":[3,4]}}: {error}\n");
            ctx.status(Status::BAD_REQUEST)?.text(&text)?;
        }
    }
    Ok(())
}

fn main() -> Result<(), StartError> {
    let url = env::args()
        .nth(1)
        .unwrap_or_else(|| "http://127.0.0.1:5000".to_owned());
    Server::new().urls(&url)?.run(serve)
}
