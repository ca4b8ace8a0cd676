//! The floor on glommio's own sockets: a task for each connection, which reads, answers and writes.
//!
//! It is what Lanner would cost at least if it left its sockets to the executor that it runs on.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::net::{TcpListener, TcpStream};
use glommio::{LocalExecutorBuilder, Placement};

use super::answer::{Answerer, REJECTION};

/// Bytes that are read at once: all that a client of the comparison sends before it waits.
const READ: usize = 16 * 1024;
/// How often the Date field is renewed.
const SECOND: Duration = Duration::from_secs(1);

/// Serves `address` on the calling thread until the executor fails. The listener is glommio's, whose
/// backlog cannot be set.
pub(super) fn serve(address: SocketAddr, once: bool) -> Result<Infallible> {
    let executor = LocalExecutorBuilder::new(Placement::Unbound)
        .make()
        .map_err(|error| anyhow!("{error}"))?;
    executor.run(async {
        let listener = TcpListener::bind(address).map_err(|error| anyhow!("{error}"))?;
        let answerer = Rc::new(RefCell::new(Answerer::new(Instant::now(), once)));
        let clock = Rc::clone(&answerer);
        glommio::spawn_local(async move {
            loop {
                glommio::timer::sleep(SECOND).await;
                clock.borrow_mut().refresh(Instant::now());
            }
        })
        .detach();
        loop {
            // The peer is gone, or this process is out of descriptors.
            let Ok(stream) = listener.accept().await else {
                continue;
            };
            let answerer = Rc::clone(&answerer);
            glommio::spawn_local(async move {
                // A connection that fails is over.
                let _ = converse(stream, &answerer).await;
            })
            .detach();
        }
    })
}

/// Answers what comes on `stream` until it ends.
async fn converse(mut stream: TcpStream, answerer: &RefCell<Answerer>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = vec![0; READ];
    let mut held = 0;
    let mut out = Vec::new();
    loop {
        if held == input.len() {
            // A head may come in more pieces than are read at once.
            input.resize(held + READ, 0);
        }
        let count = stream
            .read(input.get_mut(held..).unwrap_or_default())
            .await?;
        if count == 0 {
            return Ok(());
        }
        held += count;
        let answered = answerer
            .borrow()
            .answer(input.get(..held).unwrap_or_default(), &mut out);
        let Ok(consumed) = answered else {
            out.extend_from_slice(REJECTION);
            return finish(stream, &out).await;
        };
        input.copy_within(consumed..held, 0);
        held -= consumed;
        if !out.is_empty() {
            if answerer.borrow().is_last() {
                return finish(stream, &out).await;
            }
            stream.write_all(&out).await?;
            out.clear();
        }
    }
}

async fn finish(mut stream: TcpStream, out: &[u8]) -> io::Result<()> {
    stream.write_all(out).await?;
    stream.close().await
}
