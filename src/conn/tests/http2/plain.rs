//! Responses that are whole when the handler returns, which have a way of their own: it must send
//! what the general way would.

use proptest::prelude::*;

use super::*;
use crate::http::FieldSection;

/// What a handler answers, and what its peer asks for.
#[derive(Clone, Debug)]
struct Answer {
    method: &'static str,
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: usize,
    /// As bytes that are not copied.
    fixed: bool,
    trailer: bool,
    interim: bool,
    started: bool,
    aborts: bool,
    fails: bool,
}

static ZEROS: [u8; 70_000] = [0; 70_000];

impl Answer {
    fn give(&self, ctx: &HttpContext) -> Result<(), ResponseError> {
        if self.interim {
            ctx.informational(Status::EARLY_HINTS, FieldSection::new())?;
        }
        let body = &ZEROS[..self.body];
        if self.fixed {
            ctx.static_bytes("text/plain", body)?;
        } else {
            ctx.bytes("text/plain", body)?;
        }
        ctx.status(Status::new(self.status).unwrap())?;
        for (name, value) in &self.fields {
            ctx.field(name, value)?;
        }
        if self.trailer {
            ctx.trailer("sum", "1")?;
        }
        if self.started {
            ctx.start()?;
        }
        if self.aborts {
            ctx.abort();
        }
        if self.fails {
            return Err(ResponseError::Aborted);
        }
        Ok(())
    }
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.07)
}

fn answer() -> impl Strategy<Value = Answer> {
    let fields = prop_oneof![
        4 => Just(("x-a", "1".to_owned())),
        2 => (0..3_u8).prop_map(|n| ("x-b", n.to_string())),
        1 => Just(("server", "other".to_owned())),
        1 => Just(("date", "today".to_owned())),
        1 => (0..40_usize).prop_map(|n| ("content-length", n.to_string())),
        1 => (0..700_usize).prop_map(|n| ("x-long", "~".repeat(n))),
    ];
    let body = prop_oneof![
        2 => Just(0),
        6 => 0..40_usize,
        2 => 16_380..16_390_usize,
        2 => 0..70_000_usize,
    ];
    let method = prop_oneof![8 => Just("GET"), 1 => Just("HEAD"), 1 => Just("CONNECT")];
    let status = prop_oneof![6 => Just(200), 2 => 200..600_u16];
    (
        (method, status, prop::collection::vec(fields, 0..4), body),
        (
            any::<bool>(),
            rarely(),
            rarely(),
            rarely(),
            rarely(),
            rarely(),
        ),
    )
        .prop_map(|(asked, rare)| Answer {
            method: asked.0,
            status: asked.1,
            fields: asked.2,
            body: asked.3,
            fixed: rare.0,
            trailer: rare.1,
            interim: rare.2,
            started: rare.3,
            aborts: rare.4,
            fails: rare.5,
        })
}

/// What is sent when handlers answer at once, or are polled `pending` times before.
fn run(answers: &[Answer], settings: &[(u16, u32)], limits: &Limits, pending: usize) -> Vec<u8> {
    let given = answers.to_vec();
    let application = async move |ctx: &mut HttpContext| {
        let place = ctx.stream_id().unwrap() as usize / 2;
        for _ in 0..pending {
            pending_once().await;
        }
        given[place].give(ctx)
    };
    let mut http2 = Http2::fresh(application, limits.clone(), Protocols::default());
    http2.send(Frames::hello_with(settings).settings_ack());
    for (stream, answer) in (1..).step_by(2).zip(answers) {
        http2.send(if answer.method == "CONNECT" {
            let fields = [(":method", "CONNECT"), (":authority", "a:1")];
            Frames::new().headers(stream, &fields, true)
        } else {
            Frames::new().request(stream, answer.method, "/", true)
        });
        for _ in 0..pending {
            http2.run();
        }
    }
    let output = std::mem::take(&mut http2.peer.output);
    http2.finish();
    output
}

proptest! {
    #[test]
    fn the_short_way_sends_what_the_general_one_does(
        answers in prop::collection::vec(answer(), 1..8),
        window in prop_oneof![0..50_u32, Just(65_535), Just(1 << 20)],
        table in prop_oneof![Just(4096_u32), 0..200_u32],
        buffer in prop_oneof![Just(64 * 1024_usize), 16..2_000_usize],
    ) {
        let limits = Limits {
            response_buffer_bytes_max: buffer,
            ..Limits::default()
        };
        let settings = [(setting::INITIAL_WINDOW_SIZE, window), (setting::HEADER_TABLE_SIZE, table)];
        let at_once = run(&answers, &settings, &limits, 0);
        prop_assert_eq!(at_once, run(&answers, &settings, &limits, 1));
    }
}

#[test]
fn a_plain_stream_never_has_a_slot_and_is_remembered() {
    let mut http2 = Http2::new(async |ctx: &mut HttpContext| ctx.text("a"));
    http2.exchange(
        Frames::new().get(1, "/").get(3, "/"),
        &[text_lines(1, "a"), text_lines(3, "a")]
            .concat()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    );
    assert_eq!(http2.census().streams, 0);
    // It was open, so that only what must not come any more is a mistake.
    http2.exchange(Frames::new().update(3, 1).reset(3, code::CANCEL), &[]);
    http2.send(Frames::new().get(3, "/"));
    http2.expect_failed("GOAWAY 3 STREAM_CLOSED h2_frame_on_closed_stream");
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_looked_at_tells_the_exchange() {
    let mut http2 = Http2::new(async |ctx: &mut HttpContext| ctx.text("a"));
    let request = Frames::new().get(1, "/");
    let slice = http2.peer.pool.fill(request.as_ref()).unwrap();
    http2
        .peer
        .with(|connection, _, resources| connection.receive(slice, resources));
    let Drive::Dispatch(exchange) = http2.peer.with(Connection::drive) else {
        panic!("a request is dispatched");
    };
    http2.peer.with(Connection::sever);
    assert!(exchange.lifetime.is_aborted());
    assert_eq!(exchange.stream(), None);
    http2.finish();
}
