//! HTTP/2 with a client library that was not written for these tests: many streams at once, long
//! bodies, trailers, resets, CONNECT, and the end of a connection.

#![allow(clippy::unwrap_used)]

mod endings;
mod exchanges;
mod hyper;
mod session;

use std::error::Error;

use h2::Reason;
use lanner::{HttpContext, Server, Status};

use crate::support::TestServer;
use crate::support::oneshot::Gate;

/// Bytes in which a piece that is missing, repeated or out of place is seen.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// The server of these tests; `/gate` waits for the gate.
fn server(gate: &Gate) -> TestServer {
    with(Server::new(), gate)
}

fn with(server: Server, gate: &Gate) -> TestServer {
    let gate = gate.clone();
    TestServer::with(server, async move |ctx: &mut HttpContext| {
        serve(ctx, &gate).await
    })
}

async fn serve(ctx: &mut HttpContext, gate: &Gate) -> Result<(), Box<dyn Error>> {
    if ctx.method() == lanner::Method::Connect {
        return tunnel(ctx).await;
    }
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/plain" => ctx.text("plain")?,
        "/gate" => {
            gate.pass().await;
            ctx.text("passed")?;
        }
        "/echo" => {
            while let Some(chunk) = ctx.body().chunk().await? {
                ctx.write(&chunk).await?;
            }
        }
        "/count" => {
            let mut count = 0;
            while let Some(chunk) = ctx.body().chunk().await? {
                count += chunk.len();
            }
            ctx.text(&count.to_string())?;
        }
        "/trailers" => trailers(ctx).await?,
        "/fields" => {
            for (name, value) in own_fields(ctx) {
                ctx.field(&name, value)?;
            }
        }
        "/refuse" => ctx.status(Status::CONTENT_TOO_LARGE)?.text("too much")?,
        "/reset" => ctx.reset(Reason::ENHANCE_YOUR_CALM.into()),
        "/break" => {
            ctx.write("begun").await?;
            ctx.flush().await?;
            return Err("broken".into());
        }
        path => match path.strip_prefix("/pattern/").map(str::parse) {
            Some(Ok(length)) => {
                for part in pattern(length).chunks(10_007) {
                    ctx.write(part).await?;
                }
            }
            _ => drop(ctx.status(Status::NOT_FOUND)?),
        },
    }
    Ok(())
}

/// Echoes a tunnel to one host until the client has finished; any other is refused.
async fn tunnel(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let (is_open, is_extended) = {
        let request = ctx.request();
        let authority = request.authority().unwrap_or_default();
        let protocol = request.protocol();
        (authority == "tunnel.example:443", protocol == Some("echo"))
    };
    if !(is_open || is_extended) {
        ctx.status(Status::FORBIDDEN)?;
        return Ok(());
    }
    let mut stream = ctx.upgrade("echo")?;
    while let Some(bytes) = stream.read().await? {
        stream.write(&bytes).await?;
    }
    stream.write("bye").await?;
    stream.flush().await?;
    Ok(())
}

/// Answers with the body, and with the trailers one by one behind a prefix.
async fn trailers(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let body = ctx.body().read_to_end(usize::MAX).await?;
    let lines: Vec<(String, String)> = ctx.body().trailers().map_or_else(Vec::new, |fields| {
        let lines = fields.iter();
        lines
            .map(|line| (format!("x-{}", line.name), line.text().unwrap().to_owned()))
            .collect()
    });
    for (name, value) in lines {
        ctx.trailer(&name, value)?;
    }
    ctx.bytes("application/octet-stream", body)?;
    Ok(())
}

/// The fields of the request that the test has made up.
fn own_fields(ctx: &HttpContext) -> Vec<(String, Vec<u8>)> {
    let request = ctx.request();
    let own = request.fields().filter(|line| line.name.starts_with("x-"));
    own.map(|line| (line.name.to_owned(), line.value.to_vec()))
        .collect()
}
