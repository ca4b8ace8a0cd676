//! Blocking work beside the shards: it holds nobody up, and its panics and its absence are errors.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};

use crate::support::{SHELLS, TestServer};
use lanner::{BlockingError, HttpContext, Server, spawn_blocking};

/// The CPUs that the calling thread may run on, as the kernel lists them.
fn cpus(thread: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("Cpus_allowed_list"));
    line.unwrap().to_owned()
}

#[test]
fn a_shard_goes_on_while_work_of_its_handlers_blocks() {
    for shell in SHELLS {
        let (release, released) = mpsc::channel::<()>();
        let released: &'static Mutex<Receiver<()>> = Box::leak(Box::new(Mutex::new(released)));
        let application = async |ctx: &mut HttpContext| -> Result<(), Box<dyn Error>> {
            let path = ctx.request().path().to_owned();
            match path.as_str() {
                "/blocked" => {
                    spawn_blocking(|| released.lock().unwrap().recv()).await??;
                    ctx.text("released")?;
                }
                "/panics" => {
                    let result = spawn_blocking(|| -> () { panic!("a test's panic") }).await;
                    assert_eq!(result, Err(BlockingError::Panicked));
                    ctx.text("contained")?;
                }
                "/given-up" => drop(spawn_blocking(|| 1)),
                _ => {
                    // The main thread's are the process's.
                    let process = cpus("self");
                    let work = spawn_blocking(|| cpus("thread-self")).await?;
                    assert_eq!(work, process);
                    ctx.text("everywhere")?;
                }
            }
            Ok(())
        };
        let server = TestServer::with(Server::new().shell(shell), application);
        let mut blocked = server.connect();
        blocked.send("GET /blocked HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut other = server.connect();
        for (path, text) in [
            ("/panics", "contained"),
            ("/given-up", ""),
            ("/cpus", "everywhere"),
        ] {
            other.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(other.response().text(), text, "{shell:?}");
        }
        release.send(()).unwrap();
        assert_eq!(blocked.response().text(), "released", "{shell:?}");
        drop((blocked, other));
        server.finish();
    }
}
