//! What handlers have called at the start and at the end of their responses.

use std::cell::{Cell, RefCell};

use super::*;
use crate::features::ResponseFeature;
use crate::http::{ResponseError, Status};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// What was called, in its order.
#[derive(Clone, Default)]
struct Record(Rc<RefCell<Vec<&'static str>>>);

impl Record {
    fn call(&self, name: &'static str) -> impl FnOnce(&ResponseFeature) + 'static {
        let record = Rc::clone(&self.0);
        move |_| record.borrow_mut().push(name)
    }

    /// Takes what was called since this was last asked.
    fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }
}

/// Registers both kinds twice.
fn register(ctx: &HttpContext, record: &Record) -> Result<(), ResponseError> {
    let response = ctx.response();
    response.on_completed(record.call("completed 1"));
    response.on_starting(record.call("starting 1"))?;
    response.on_completed(record.call("completed 2"));
    response.on_starting(record.call("starting 2"))
}

#[test]
fn the_last_registered_is_called_first_and_each_once() {
    let record = Record::default();
    let calls = record.clone();
    let mut peer = Peer::new(async move |ctx: &mut HttpContext| {
        register(ctx, &calls)?;
        assert!(calls.0.borrow().is_empty());
        ctx.text("x")
    });
    for _ in 0..2 {
        peer.send(GET);
        assert_eq!(peer.received(), text_response("x"));
        let expected = ["starting 2", "starting 1", "completed 2", "completed 1"];
        assert_eq!(record.take(), expected);
    }
    peer.finish();
    assert!(record.take().is_empty());
}

#[test]
fn status_and_fields_may_change_until_the_last_callback() {
    let handler = async |ctx: &mut HttpContext| {
        ctx.text("x")?;
        let response = ctx.response();
        response.on_starting(|response| {
            assert!(!response.has_started());
            assert_eq!(response.status(), Status::NOT_FOUND);
            response.set_status(Status::FORBIDDEN).unwrap();
            response.append_field("Order", "1").unwrap();
        })?;
        response.on_starting(|response| {
            // One that is registered now is next.
            response
                .on_starting(|response| response.append_field("Order", "2").unwrap())
                .unwrap();
            response.append_field("Order", "3").unwrap();
        })?;
        response.on_completed(|response| {
            assert_eq!(response.status(), Status::FORBIDDEN);
            let refused = response.set_status(Status::OK);
            assert_eq!(refused, Err(ResponseError::AlreadyComplete));
            let refused = response.on_starting(|_| {});
            assert_eq!(refused, Err(ResponseError::AlreadyComplete));
        });
        ctx.status(Status::NOT_FOUND).map(drop)
    };
    let (output, close) = everyway(|| Peer::new(handler), GET);
    assert!(output.starts_with("HTTP/1.1 403 "), "{output}");
    assert!(
        output.contains("Order: 3\r\nOrder: 2\r\nOrder: 1\r\n"),
        "{output}"
    );
    assert_eq!(close, Close::No);
}

#[test]
fn a_start_before_the_end_calls_at_once() {
    type Length = fn(usize) -> usize;
    let starts: [(&str, Length); 3] = [
        ("start", |_| 0),
        ("flush", |_| 1),
        // One more than may wait for the peer.
        ("write", |capacity| capacity + 1),
    ];
    for (way, bytes) in starts {
        let record = Record::default();
        let calls = record.clone();
        let limits = Limits {
            response_buffer_bytes_max: 100,
            ..Limits::default()
        };
        let bytes = vec![b'x'; bytes(limits.response_buffer_bytes_max)];
        let handler = async move |ctx: &mut HttpContext| {
            register(ctx, &calls)?;
            ctx.response()
                .on_starting(|response| response.set_field("Late", "1").unwrap())?;
            match way {
                "start" => ctx.start()?,
                "flush" => {
                    ctx.write(&bytes).await?;
                    ctx.flush().await?;
                }
                _ => ctx.write(&bytes).await?,
            }
            assert_eq!(calls.take(), ["starting 2", "starting 1"], "{way}");
            let refused = ctx.response().on_starting(|_| {});
            assert_eq!(refused, Err(ResponseError::AlreadyStarted));
            Ok::<_, ResponseError>(())
        };
        let mut peer = Peer::with_limits(handler, limits);
        peer.send(GET);
        let output = peer.received();
        assert!(output.starts_with("HTTP/1.1 200 "), "{way}: {output}");
        assert!(output.contains("\r\nLate: 1\r\n"), "{way}: {output}");
        assert_eq!(record.take(), ["completed 2", "completed 1"], "{way}");
        peer.finish();
    }
}

#[test]
fn a_failed_handler_has_no_start_of_its_own() {
    type End = fn() -> Result<(), Box<dyn std::error::Error>>;
    let ends: [End; 2] = [|| Err("a test's error".into()), || panic!("a test's panic")];
    for end in ends {
        let record = Record::default();
        let calls = record.clone();
        let mut peer = Peer::new(async move |ctx: &mut HttpContext| {
            register(ctx, &calls)?;
            end()
        });
        peer.send(GET);
        assert!(peer.received().starts_with("HTTP/1.1 500 "));
        assert_eq!(record.take(), ["completed 2", "completed 1"]);
        peer.finish();
    }
}

#[test]
fn a_panic_before_the_start_is_the_handlers() {
    for flush in [false, true] {
        let record = Record::default();
        let calls = record.clone();
        let mut peer = Peer::new(async move |ctx: &mut HttpContext| {
            register(ctx, &calls)?;
            ctx.response().on_starting(|_| panic!("a test's panic"))?;
            ctx.write("never seen").await?;
            if flush {
                ctx.flush().await?;
            }
            Ok::<_, ResponseError>(())
        });
        peer.send(GET);
        let output = peer.received();
        assert!(output.starts_with("HTTP/1.1 500 "), "{output}");
        assert!(output.ends_with("\r\n\r\n"), "{output}");
        assert_eq!(record.take(), ["completed 2", "completed 1"]);
        assert_eq!(peer.close(), Close::No);
        peer.finish();
    }
}

/// Panics when it is dropped, as a value that a callback owns may.
struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("a test's panic");
    }
}

#[test]
fn a_panic_at_the_end_is_its_callbacks_own() {
    let record = Record::default();
    let calls = record.clone();
    let mut peer = Peer::new(async move |ctx: &mut HttpContext| {
        let response = ctx.response();
        let explosive = Explosive;
        response.on_starting(move |_| drop(explosive))?;
        response.on_completed(calls.call("first"));
        response.on_completed(|_| panic!("a test's panic"));
        let explosive = Explosive;
        response.on_completed(move |_| drop(explosive));
        response.on_completed(calls.call("last"));
        // What was registered for the start is never called, only dropped.
        Err::<(), Box<dyn std::error::Error>>("a test's error".into())
    });
    for _ in 0..2 {
        peer.send(GET);
        assert!(peer.received().starts_with("HTTP/1.1 500 "));
        assert_eq!(record.take(), ["last", "first"]);
    }
    peer.finish();
}

#[test]
fn the_end_waits_for_handler_and_connection() {
    let record = Record::default();
    let calls = record.clone();
    let gate = Rc::new(Cell::new(false));
    let opened = Rc::clone(&gate);
    let mut peer = Peer::new(async move |ctx: &mut HttpContext| {
        register(ctx, &calls)?;
        while !opened.get() {
            pending_once().await;
        }
        calls.call("handler")(ctx.response());
        ctx.text("nobody reads this")
    });
    peer.send(GET);
    peer.with(Connection::sever);
    peer.run();
    assert!(record.take().is_empty(), "the handler still works");
    gate.set(true);
    peer.poll();
    let expected = [
        "handler",
        "starting 2",
        "starting 1",
        "completed 2",
        "completed 1",
    ];
    assert_eq!(record.take(), expected);
    peer.finish();
}

#[test]
fn the_end_comes_for_a_response_that_nobody_takes() {
    let record = Record::default();
    let calls = record.clone();
    let mut peer = Peer::new(async move |ctx: &mut HttpContext| {
        register(ctx, &calls)?;
        ctx.bytes("text/plain", vec![b'x'; 1 << 20])
    });
    let slice = peer.pool.fill(GET).unwrap();
    peer.connection.receive(slice, &mut peer.resources);
    let Drive::Dispatch(exchange) = peer.with(Connection::drive) else {
        panic!("no request")
    };
    let application = Rc::clone(&peer.application);
    let context = HttpContext::new(exchange, features::Connection::detached(Rc::default()));
    peer.tasks.push(Box::pin(async move {
        process(&*application, context).await;
    }));
    peer.poll();
    assert!(matches!(peer.with(Connection::drive), Drive::Wait));
    assert_eq!(record.take(), ["starting 2", "starting 1"]);
    // Most of it still waits for the peer when the connection breaks.
    peer.with(Connection::sever);
    assert_eq!(record.take(), ["completed 2", "completed 1"]);
    peer.finish();
}

#[test]
fn an_upgrade_is_a_start_whose_status_stays() {
    let record = Record::default();
    let calls = record.clone();
    let mut peer = Peer::new(async move |ctx: &mut HttpContext| {
        register(ctx, &calls)?;
        ctx.response().on_starting(|response| {
            assert_eq!(response.status(), Status::SWITCHING_PROTOCOLS);
            response.set_status(Status::OK).unwrap();
            response.set_field("Late", "1").unwrap();
        })?;
        let mut stream = ctx.upgrade("raw")?;
        assert_eq!(calls.take(), ["starting 2", "starting 1"]);
        while let Ok(Some(bytes)) = stream.read().await {
            stream.write(&bytes).await?;
        }
        Ok::<_, ResponseError>(())
    });
    peer.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\nraw");
    let output = peer.received();
    assert!(output.starts_with("HTTP/1.1 101 "), "{output}");
    assert!(output.contains("\r\nLate: 1\r\n"), "{output}");
    assert!(output.ends_with("\r\n\r\nraw"), "{output}");
    assert!(record.take().is_empty(), "the stream is the response");
    peer.end();
    assert_eq!(record.take(), ["completed 2", "completed 1"]);
    peer.finish();
}
