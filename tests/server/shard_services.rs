//! What a handler gets from its shard, on either shell: time, time-outs, files, wakes from other
//! threads; and that hand-made combinators work with them.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::support::client::Client;
use crate::support::{SHELLS, TestServer, oneshot};
use lanner::{Elapsed, HttpContext, Server, ShellKind, read_file, sleep, timeout};

const A_WHILE: Duration = Duration::from_millis(20);

/// Starts `application` on each shell in turn and lets `check` talk to it.
fn on_each_shell<A>(application: &A, check: impl Fn(&TestServer, ShellKind))
where
    A: lanner::Application + Clone + Send + 'static,
{
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), application.clone());
        check(&server, shell);
        server.finish();
    }
}

#[test]
fn sleep_lasts_as_long_as_asked_at_least() {
    let application = async |ctx: &mut HttpContext| {
        let start = Instant::now();
        sleep(A_WHILE).await;
        sleep(Duration::ZERO).await;
        assert!(start.elapsed() >= A_WHILE);
        ctx.text("slept")
    };
    on_each_shell(&application, |server, shell| {
        let mut clients: Vec<Client> = (0..20).map(|_| server.connect()).collect();
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
        }
        for client in &mut clients {
            for _ in 0..3 {
                assert_eq!(client.response().text(), "slept", "{shell:?}");
            }
        }
    });
}

#[test]
fn timeout_ends_what_takes_too_long_and_nothing_else() {
    let application = async |ctx: &mut HttpContext| {
        let never = std::future::pending::<()>();
        assert_eq!(timeout(A_WHILE, never).await, Err(Elapsed));
        let long = Duration::from_secs(3600);
        assert_eq!(timeout(A_WHILE, sleep(long)).await, Err(Elapsed));
        assert_eq!(timeout(long, sleep(A_WHILE)).await, Ok(()));
        assert_eq!(timeout(long, async { 5 }).await, Ok(5));
        // A body that does not come is given up by the handler, not by the server.
        let late = timeout(A_WHILE, ctx.body().chunk()).await.is_err();
        ctx.text(if late { "late" } else { "in time" })
    };
    on_each_shell(&application, |server, shell| {
        let mut client = server.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        assert_eq!(client.response().text(), "late", "{shell:?}");
        client.send("hello");
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(client.response().text(), "in time", "{shell:?}");
    });
}

#[test]
fn files_are_read_whole_or_not_at_all() {
    let directory = std::env::temp_dir().join(format!("lanner-{}-files", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let long: Vec<u8> = (0..200_000).map(|index| (index % 251) as u8).collect();
    fs::write(directory.join("long"), &long).unwrap();
    fs::write(directory.join("empty"), "").unwrap();
    let root = directory.clone();
    let application = async move |ctx: &mut HttpContext| {
        let (name, limit) = {
            let request = ctx.request();
            let limit: usize = request.query().unwrap().parse().unwrap();
            (request.path().trim_start_matches('/').to_owned(), limit)
        };
        match read_file(root.join(name), limit).await {
            Ok(bytes) => ctx.bytes("application/octet-stream", bytes)?,
            Err(error) => ctx.text(&format!("{:?}", error.kind()))?,
        }
        Ok::<(), Box<dyn Error>>(())
    };
    on_each_shell(&application, |server, shell| {
        let mut client = server.connect();
        assert!(client.get("/long?1000000").body == long, "{shell:?}");
        assert!(client.get("/long?200000").body == long, "{shell:?}");
        assert_eq!(client.get("/long?199999").text(), "FileTooLarge");
        assert_eq!(client.get("/long?0").text(), "FileTooLarge");
        assert_eq!(client.get("/empty?0").text(), "");
        assert_eq!(
            client.get("/missing?10").text(),
            format!("{:?}", ErrorKind::NotFound)
        );
        assert_eq!(
            client.get("/?10").text(),
            format!("{:?}", ErrorKind::IsADirectory)
        );
    });
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn many_files_at_the_same_time() {
    let path = std::env::temp_dir().join(format!("lanner-{}-many", std::process::id()));
    fs::write(&path, "contents").unwrap();
    let file = path.clone();
    let application = async move |ctx: &mut HttpContext| {
        let reads = (0..50).map(|_| read_file(&file, 100));
        let all = join_all(reads).await;
        assert!(
            all.iter()
                .all(|read| read.as_deref().unwrap() == b"contents")
        );
        ctx.text("read")
    };
    on_each_shell(&application, |server, _| {
        assert_eq!(server.connect().get("/").text(), "read")
    });
    fs::remove_file(path).unwrap();
}

#[test]
fn another_thread_wakes_a_handler() {
    let application = async |ctx: &mut HttpContext| {
        let (sender, receiver) = oneshot::channel();
        std::thread::spawn(move || {
            // The handler is parked, and its shard asleep, by the time that this is over.
            std::thread::sleep(A_WHILE);
            sender.send("woken");
        });
        let text = receiver.await;
        ctx.text(text)
    };
    on_each_shell(&application, |server, shell| {
        let mut client = server.connect();
        for _ in 0..3 {
            assert_eq!(client.get("/").text(), "woken", "{shell:?}");
        }
    });
}

#[test]
fn another_thread_wakes_many_handlers_at_once() {
    for shell in SHELLS {
        let gate = oneshot::Gate::default();
        let handler_gate = gate.clone();
        let server = TestServer::with(
            Server::new().shell(shell),
            async move |ctx: &mut HttpContext| {
                handler_gate.pass().await;
                ctx.text("woken")
            },
        );
        let mut clients: Vec<Client> = (0..50).map(|_| server.connect()).collect();
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        crate::support::eventually("all handlers wait", || server.stats().handlers == 50);
        gate.open();
        for client in &mut clients {
            assert_eq!(client.response().text(), "woken", "{shell:?}");
        }
        drop(clients);
        server.finish();
    }
}

/// Polls all of them until each is ready, as a set of futures does.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = Vec::new();
    let mut outputs = Vec::new();
    for future in futures {
        running.push(Box::pin(future));
        outputs.push(None);
    }
    poll_fn(|cx| {
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// As `join_all`, but with a waker of its own for each, as sets of futures have when they poll only
/// those that were woken.
async fn join_woken<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Wake, Waker};

    struct Member {
        woken: AtomicBool,
        whole: Waker,
    }

    impl Wake for Member {
        fn wake(self: Arc<Self>) {
            self.woken.store(true, Ordering::SeqCst);
            self.whole.wake_by_ref();
        }
    }

    let whole = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    join_all(futures.map(|future| {
        let member = Arc::new(Member {
            woken: AtomicBool::new(true),
            whole: whole.clone(),
        });
        let mut future = Box::pin(future);
        poll_fn(move |_| {
            if !member.woken.swap(false, Ordering::SeqCst) {
                return Poll::Pending;
            }
            let waker = Waker::from(Arc::clone(&member));
            future.as_mut().poll(&mut Context::from_waker(&waker))
        })
    }))
    .await
}

#[test]
fn combinators_wait_for_all_of_their_parts() {
    let application = async |ctx: &mut HttpContext| {
        let parts = |count: u64| {
            (0..count).map(|number| async move {
                sleep(Duration::from_millis(20 - number)).await;
                number
            })
        };
        let all: Vec<u64> = (0..20).collect();
        assert_eq!(join_all(parts(20)).await, all);
        assert_eq!(join_woken(parts(20)).await, all);
        ctx.text("all")
    };
    on_each_shell(&application, |server, _| {
        assert_eq!(server.connect().get("/").text(), "all")
    });
}

#[test]
fn a_handler_that_is_dropped_while_it_waits_leaves_nothing() {
    let application = async |_: &mut HttpContext| {
        let _ = timeout(Duration::from_secs(3600), sleep(Duration::from_secs(3600))).await;
    };
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), application);
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        crate::support::eventually("the handler waits", || server.stats().handlers == 1);
        // Such a handler outlasts any drain: only the end of the server ends it.
        drop(server);
        let (bytes, _) = client.any_end();
        assert_eq!(bytes, b"");
    }
}
