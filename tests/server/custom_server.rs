//! A server of another kind: no socket, no ring, no shard. It surfaces requests as exchanges, runs
//! an application over them by the same contract as Lanner's own, and reads the answers.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::error::Error;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use lanner::features::{Connection, RequestFeature, ResponseFeature, ServerFeatures};
use lanner::http::{Exchange, process};
use lanner::{Application, HandlerError, HttpContext, Method, RequestHead, ResponseError, Status};

/// The smallest server there is: one request at a time, on the caller's thread.
struct InProcess<A> {
    application: A,
    features: Rc<ServerFeatures>,
}

/// What it reads of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    content_type: Option<String>,
    body: Vec<u8>,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<A: Application> InProcess<A> {
    fn new(application: A, features: ServerFeatures) -> Self {
        Self {
            application,
            features: Rc::new(features),
        }
    }

    fn ask(&self, head: RequestHead, body: Option<&[u8]>) -> Answer {
        let exchange = Exchange::new(head);
        if let Some(body) = body {
            exchange.set_body(body.to_vec());
        }
        let connection = Connection::detached(Rc::clone(&self.features));
        let context = HttpContext::new(Rc::clone(&exchange), connection);
        let mut work = pin!(process(&self.application, context));
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut answer = Vec::new();
        loop {
            let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
            // What is taken makes room, so a handler that streams goes on.
            answer.extend(exchange.take_body());
            match polled {
                Poll::Ready(()) => break,
                Poll::Pending => std::thread::park(),
            }
        }
        exchange.complete();
        let response = exchange.response();
        let content_type = response
            .fields()
            .get("content-type")
            .map(|value| value.to_vec());
        Answer {
            status: response.status().code(),
            content_type: content_type.map(|value| String::from_utf8(value).unwrap()),
            body: answer,
        }
    }
}

fn head(method: &str, target: &str) -> RequestHead {
    RequestHead::builder(method, target)
        .field("Host", "example.com")
        .build()
        .unwrap()
}

/// A feature that the server offers, as a database handle would be.
#[derive(Debug, Default)]
struct Greetings(AtomicUsize);

/// An application that knows no server.
async fn application(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let (method, path) = {
        let request = ctx.request();
        (request.method(), request.path().to_owned())
    };
    match (method, path.as_str()) {
        (Method::Get, "/") => {
            let greetings = ctx.get::<Greetings>().unwrap();
            let number = greetings.0.fetch_add(1, Ordering::SeqCst) + 1;
            let host = ctx.request().authority().unwrap().to_owned();
            ctx.text(&format!("greeting {number} from {host}"))?;
        }
        (Method::Get, "/fixed") => ctx.static_bytes("text/plain", b"fixed")?,
        (Method::Get, "/json") => ctx.json(&[1, 2, 3])?,
        (Method::Post, "/echo") => {
            while let Some(chunk) = ctx.body().chunk().await? {
                ctx.write(&chunk).await?;
            }
        }
        (Method::Get, "/stream") => {
            for _ in 0..300 {
                ctx.write([b'x'; 1000]).await?;
            }
            ctx.flush().await?;
        }
        (Method::Get, "/features") => {
            assert!(
                ctx.get::<RequestFeature>().is_some() && ctx.get::<ResponseFeature>().is_some()
            );
            assert_eq!(
                (ctx.connection().id(), ctx.connection().remote_address()),
                (0, None)
            );
        }
        (Method::Get, "/error") => return Err("a test's error".into()),
        (Method::Get, "/panic") => panic!("a test's panic"),
        _ => ctx.status(Status::NOT_FOUND).map(drop)?,
    }
    Ok(())
}

fn server() -> InProcess<impl Application> {
    InProcess::new(
        application,
        ServerFeatures::default().with(Greetings::default()),
    )
}

fn answer(status: u16, content_type: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status,
        content_type: content_type.map(str::to_owned),
        body: body.into(),
    }
}

#[test]
fn status_fields_and_body_come_back() {
    let server = server();
    let text = Some("text/plain; charset=utf-8");
    assert_eq!(
        server.ask(head("GET", "/"), None),
        answer(200, text, "greeting 1 from example.com")
    );
    assert_eq!(
        server.ask(head("GET", "/"), None),
        answer(200, text, "greeting 2 from example.com")
    );
    assert_eq!(
        server.ask(head("GET", "/fixed"), None),
        answer(200, Some("text/plain"), "fixed")
    );
    assert_eq!(
        server.ask(head("GET", "/json"), None),
        answer(200, Some("application/json"), "[1,2,3]")
    );
    assert_eq!(
        server.ask(head("GET", "/features"), None),
        answer(200, None, "")
    );
    assert_eq!(
        server.ask(head("GET", "/nothing"), None),
        answer(404, None, "")
    );
}

#[test]
fn a_body_is_read_and_a_long_answer_streamed() {
    let server = server();
    let body: Vec<u8> = (0..200_000).map(|index| (index % 251) as u8).collect();
    assert!(server.ask(head("POST", "/echo"), Some(&body)).body == body);
    assert_eq!(server.ask(head("POST", "/echo"), Some(b"")).body, b"");
    assert_eq!(server.ask(head("POST", "/echo"), None).body, b"");
    let streamed = server.ask(head("GET", "/stream"), None).body;
    assert!(streamed.len() == 300_000 && streamed.iter().all(|byte| *byte == b'x'));
}

#[test]
fn callbacks_run_at_the_start_and_at_the_end() {
    let log: Rc<RefCell<Vec<String>>> = Rc::default();
    let calls = Rc::clone(&log);
    let server = InProcess::new(
        async move |ctx: &mut HttpContext| {
            let (starting, completed) = (Rc::clone(&calls), Rc::clone(&calls));
            let response = ctx.response();
            response.on_starting(move |response| {
                response.set_status(Status::FORBIDDEN).unwrap();
                starting.borrow_mut().push("starting".to_owned());
            })?;
            response.on_completed(move |response| {
                let line = format!("completed {}", response.status().code());
                completed.borrow_mut().push(line);
            });
            ctx.write("refused").await?;
            if ctx.request().path() == "/flush" {
                ctx.flush().await?;
            }
            Ok::<_, ResponseError>(())
        },
        ServerFeatures::default(),
    );
    for path in ["/", "/flush"] {
        assert_eq!(
            server.ask(head("GET", path), None),
            answer(403, None, "refused")
        );
        assert_eq!(log.take(), ["starting", "completed 403"], "{path}");
    }
}

#[test]
fn a_request_that_is_given_up_completes_when_its_handler_ends() {
    let log: Rc<RefCell<Vec<&'static str>>> = Rc::default();
    let calls = Rc::clone(&log);
    let application = async move |ctx: &mut HttpContext| {
        let completed = Rc::clone(&calls);
        ctx.response()
            .on_completed(move |_| completed.borrow_mut().push("completed"));
        ctx.lifetime().aborted().await;
        calls.borrow_mut().push("told");
    };
    let exchange = Exchange::new(head("GET", "/"));
    let context = HttpContext::new(Rc::clone(&exchange), Connection::detached(Rc::default()));
    let mut work = pin!(process(&application, context));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(work.as_mut().poll(&mut cx), Poll::Pending);
    exchange.complete();
    assert!(log.borrow().is_empty(), "the handler is not done");
    assert_eq!(work.as_mut().poll(&mut cx), Poll::Ready(()));
    assert_eq!(log.take(), ["told", "completed"]);
}

#[test]
fn failures_are_answered_500() {
    let server = server();
    for path in ["/error", "/panic"] {
        assert_eq!(
            server.ask(head("GET", path), None),
            answer(500, None, ""),
            "{path}"
        );
    }
    assert_eq!(server.ask(head("GET", "/fixed"), None).status, 200);
}

/// An application that is no closure: it sees each step of the contract.
#[derive(Clone, Default)]
struct Stepwise {
    open: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

struct StepwiseContext {
    request: HttpContext,
    path: String,
}

impl Application for Stepwise {
    type Context = StepwiseContext;

    fn create_context(&self, request: HttpContext) -> StepwiseContext {
        self.open.fetch_add(1, Ordering::SeqCst);
        let path = request.request().path().to_owned();
        StepwiseContext { request, path }
    }

    async fn process(&self, context: &mut StepwiseContext) -> Result<(), HandlerError> {
        assert_eq!(self.open.load(Ordering::SeqCst), 1);
        if context.path == "/error" {
            return Err(HandlerError::Failed("a test's error".into()));
        }
        context
            .request
            .text(&context.path)
            .map_err(|error| HandlerError::Failed(error.into()))
    }

    fn dispose_context(&self, context: StepwiseContext, error: Option<&HandlerError>) {
        self.open.fetch_sub(1, Ordering::SeqCst);
        assert_eq!(error.is_some(), context.path == "/error");
        self.failed
            .fetch_add(usize::from(error.is_some()), Ordering::SeqCst);
    }
}

#[test]
fn every_context_is_disposed_of_with_its_error() {
    let application = Stepwise::default();
    let server = InProcess::new(application.clone(), ServerFeatures::default());
    assert_eq!(server.ask(head("GET", "/fine"), None).body, b"/fine");
    assert_eq!(server.ask(head("GET", "/error"), None).status, 500);
    assert_eq!(application.open.load(Ordering::SeqCst), 0);
    assert_eq!(application.failed.load(Ordering::SeqCst), 1);
}

#[test]
fn heads_that_no_client_could_send_cannot_be_built() {
    for (method, target) in [
        ("G T", "/"),
        ("GET", "no slash"),
        ("GET", "/%00"),
        ("", "/"),
    ] {
        assert!(
            RequestHead::builder(method, target).build().is_err(),
            "{method} {target}"
        );
    }
    for (name, value) in [("Bad Name", "x"), ("X", "a\r\nb: c"), ("Host", "a/b")] {
        assert!(
            RequestHead::builder("GET", "/")
                .field(name, value)
                .build()
                .is_err(),
            "{name}"
        );
    }
}
