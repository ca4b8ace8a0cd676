//! What glommio offers works in handlers: its timers, channels, files and tasks each wake one.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs;
use std::time::Duration;

use crate::support::TestServer;
use crate::support::client::Client;
use glommio::channels::local_channel;
use glommio::io::BufferedFile;
use lanner::{HttpContext, NoExecutor, Panicked, Server, ShellKind, spawn_local};

const A_WHILE: Duration = Duration::from_millis(20);

/// Asks several times on several connections at once, so that handlers wait side by side.
fn ask(server: &TestServer, expected: &str) {
    let mut clients: Vec<Client> = (0..5).map(|_| server.connect()).collect();
    for _ in 0..3 {
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        for client in &mut clients {
            let response = client.response();
            assert_eq!((response.status, response.text()), (200, expected));
        }
    }
}

#[test]
fn a_timer_wakes_its_handler() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        glommio::timer::sleep(A_WHILE).await;
        ctx.text("slept")
    });
    ask(&server, "slept");
    server.finish();
}

#[test]
fn a_channel_wakes_its_handler() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let (sender, receiver) = local_channel::new_bounded(1);
        let task = spawn_local(async move {
            for number in 0..10 {
                sender.send(number).await.unwrap();
            }
        })?;
        let mut sum = 0;
        while let Some(number) = receiver.recv().await {
            sum += number;
        }
        task.await?;
        ctx.text(&sum.to_string())?;
        Ok::<(), Box<dyn Error>>(())
    });
    ask(&server, "45");
    server.finish();
}

#[test]
fn a_file_wakes_its_handler() {
    let path = std::env::temp_dir().join(format!("lanner-{}-glommio", std::process::id()));
    fs::write(&path, "contents").unwrap();
    let file = path.clone();
    let server = TestServer::start(async move |ctx: &mut HttpContext| {
        let file = BufferedFile::open(&file)
            .await
            .map_err(|error| error.to_string())?;
        let bytes = file
            .read_at(0, 100)
            .await
            .map_err(|error| error.to_string())?;
        ctx.bytes("text/plain", &*bytes)?;
        file.close().await.map_err(|error| error.to_string())?;
        Ok::<(), Box<dyn Error>>(())
    });
    ask(&server, "contents");
    server.finish();
    fs::remove_file(path).unwrap();
}

#[test]
fn a_task_goes_on_after_its_handler_and_its_panic_is_its_own() {
    let (ended, end) = std::sync::mpsc::channel();
    let server = TestServer::start(async move |ctx: &mut HttpContext| {
        let ended = ended.clone();
        drop(spawn_local(async move {
            glommio::timer::sleep(A_WHILE).await;
            ended.send(()).unwrap();
        })?);
        let panicking = spawn_local(async { panic!("a test's panic") })?;
        assert_eq!(panicking.await, Err::<(), _>(Panicked));
        ctx.text("answered")?;
        Ok::<(), Box<dyn Error>>(())
    });
    ask(&server, "answered");
    for _ in 0..15 {
        end.recv_timeout(crate::support::HANG).unwrap();
    }
    server.finish();
}

#[test]
fn the_plain_thread_has_no_executor_and_says_so() {
    let server = TestServer::with(
        Server::new().shell(ShellKind::Thread),
        async |ctx: &mut HttpContext| {
            assert_eq!(spawn_local(async {}).err(), Some(NoExecutor));
            ctx.text("none")
        },
    );
    ask(&server, "none");
    server.finish();
}
