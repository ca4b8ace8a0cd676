//! An application that makes any call at the worst moment: while something is kept over an await,
//! in callbacks, in wakers, in arguments, in whatever is dropped, with panics that panic again.
//!
//! Which call and which moment is what a request asks for, by its path or, in a CONNECT, by its
//! authority.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::mem;
use std::panic::panic_any;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use lanner::features::ServerFeatures;
use lanner::http::{Application, HandlerError, HttpContext, Method};
use lanner::{read_file, sleep, spawn_local, timeout};

use super::arguments::arguments;
use super::calls::{Call, NOTES, Notes, SHARED, SHARED_ENDS, poll_once};
use super::traps::{AMBUSH, Bomb, Cracker, Explosive, IN_CLONE, Nasty, STASH, ambush};

/// When the call is made, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// What it answers is kept over an await.
    Kept,
    /// The same in a response that has started.
    KeptAfterStart,
    /// The handler panics while it keeps the answer.
    Panic,
    /// The same after an await.
    PanicLater,
    /// The answer is never given back.
    Forgotten,
    /// With values stored in every place there is for them, and then a panic.
    Stored,
    /// The handler fails with an error whose own code panics.
    Failure,
    /// In the drop of something local, at the end of the handler.
    Dropped,
    /// In work that is given up by its time-out.
    TimedOut,
    /// In callbacks of the response, which then panic.
    Callbacks,
    /// In a task beside the handler, which then panics.
    Spawned,
    /// In the drop of such a task's value, which nobody takes.
    SpawnedValue,
    /// In the drop of such a task, which never ends.
    SpawnedForEver,
    /// In the making of the context.
    Create,
    /// In its disposal.
    Dispose,
    /// Its context is left for the moments below.
    Stash,
    /// In the drop of a value of another connection, by the server.
    Items,
    /// In the clone of a waker.
    WakerClone,
    /// In its wake and its drop.
    WakerWake,
    /// In arguments that are code, whatever the call.
    Arguments,
    /// The same with what ends the response.
    ArgumentsThatEnd,
    /// With every other call while it is kept.
    Pairs,
    /// The handler is still there when the server ends.
    Abandoned,
}

impl Moment {
    pub(super) const ALL: [Self; 23] = [
        Self::Kept,
        Self::KeptAfterStart,
        Self::Panic,
        Self::PanicLater,
        Self::Forgotten,
        Self::Stored,
        Self::Failure,
        Self::Dropped,
        Self::TimedOut,
        Self::Callbacks,
        Self::Spawned,
        Self::SpawnedValue,
        Self::SpawnedForEver,
        Self::Create,
        Self::Dispose,
        Self::Stash,
        Self::Items,
        Self::WakerClone,
        Self::WakerWake,
        Self::Arguments,
        Self::ArgumentsThatEnd,
        Self::Pairs,
        Self::Abandoned,
    ];

    /// Whether it needs the context of another request, left by `Stash`.
    pub(super) fn needs_another(self) -> bool {
        matches!(self, Self::Items | Self::WakerClone | Self::WakerWake)
    }
}

/// The application.
#[derive(Clone)]
pub(super) struct Worst(pub(super) Notes);

/// What it keeps of one request.
pub(super) struct Held {
    context: Option<HttpContext>,
    wish: Option<(Moment, Call)>,
    /// Whatever is here is dropped at the latest moment of all.
    last: Option<Bomb>,
}

impl Application for Worst {
    type Context = Held;

    fn create_context(&self, mut request: HttpContext) -> Held {
        NOTES.set(Some(Notes::clone(&self.0)));
        let wish = wish(&request);
        if let Some((Moment::Create, call)) = wish {
            let _kept = poll_once(call.begin(&mut request));
            panic_any(Explosive);
        }
        Held {
            context: Some(request),
            wish,
            last: None,
        }
    }

    async fn process(&self, held: &mut Held) -> Result<(), HandlerError> {
        let mut context = held.context.take().unwrap();
        let Some((moment, call)) = held.wish else {
            context.text("fine").unwrap();
            return Ok(());
        };
        match moment {
            Moment::Dispose => held.last = Some(Bomb { context, call }),
            Moment::Failure => {
                let _kept = call.begin(&mut context).await;
                return Err(HandlerError::Failed(Box::new(Nasty)));
            }
            _ => at(moment, call, context).await,
        }
        Ok(())
    }

    fn dispose_context(&self, context: Held, error: Option<&HandlerError>) {
        let _last = context.last;
        if let Some(error) = error {
            let _said = error.to_string();
        }
    }
}

/// The moment and the call that a request asks for; none is the health check.
fn wish(context: &HttpContext) -> Option<(Moment, Call)> {
    let head = context.request();
    let text = if head.method() == Method::Connect {
        head.authority().unwrap().split(':').next().unwrap()
    } else {
        head.path().trim_start_matches('/')
    };
    let (moment, call) = text.split_once('.')?;
    let moment = *Moment::ALL.get(moment.parse::<usize>().unwrap()).unwrap();
    Some((moment, Call::number(call.parse().unwrap())))
}

async fn at(moment: Moment, call: Call, mut context: HttpContext) {
    match moment {
        Moment::Kept => kept(call, &mut context).await,
        Moment::KeptAfterStart => {
            let _ = context.start();
            kept(call, &mut context).await;
        }
        Moment::Panic => {
            let _kept = call.begin(&mut context).await;
            panic_any(Explosive);
        }
        Moment::PanicLater => {
            let _kept = call.begin(&mut context).await;
            some_turns().await;
            panic_any(Explosive);
        }
        Moment::Forgotten => {
            mem::forget(call.begin(&mut context).await);
            some_turns().await;
        }
        Moment::Stored => {
            store(&mut context);
            let _kept = call.begin(&mut context).await;
            panic_any(Explosive);
        }
        Moment::Dropped => {
            let _bomb = Bomb { context, call };
            some_turns().await;
        }
        Moment::TimedOut => {
            let work = async {
                let _cracker = Cracker;
                let _kept = call.begin(&mut context).await;
                pending::<()>().await;
            };
            let _ = timeout(Duration::ZERO, work).await;
        }
        Moment::Callbacks => callbacks(call, context).await,
        Moment::Spawned | Moment::SpawnedValue | Moment::SpawnedForEver => {
            spawned(moment, call, context).await;
        }
        Moment::Stash => STASH.set(Some(context)),
        Moment::Items => {
            if let Some(other) = STASH.take() {
                let bomb = Bomb {
                    context: other,
                    call,
                };
                // Who forgets that he has borrowed them has them for good.
                if let Ok(mut items) = context.connection().items().try_borrow_mut() {
                    items.set(bomb);
                }
            }
        }
        Moment::WakerClone | Moment::WakerWake => ambushed(moment, call, context).await,
        Moment::Arguments | Moment::ArgumentsThatEnd => {
            let ends = moment == Moment::ArgumentsThatEnd;
            arguments(&context, if ends { SHARED_ENDS } else { SHARED });
            some_turns().await;
        }
        Moment::Pairs => pairs(call, &mut context).await,
        Moment::Abandoned => {
            store(&mut context);
            let _bomb = Bomb { context, call };
            pending::<()>().await;
        }
        Moment::Create | Moment::Dispose | Moment::Failure => {}
    }
}

async fn kept(call: Call, context: &mut HttpContext) {
    let kept = call.begin(context).await;
    some_turns().await;
    drop(kept);
    some_turns().await;
}

/// Lets the shard go round, asleep between for once.
async fn some_turns() {
    for _ in 0..2 {
        let mut polled = false;
        poll_fn(|cx| {
            if mem::replace(&mut polled, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
    sleep(Duration::ZERO).await;
}

/// Stores what panics when it is dropped wherever the server keeps values of others.
fn store(context: &mut HttpContext) {
    // What was there is given back, and is nobody's to store again.
    mem::forget(context.set(Explosive));
    mem::forget(context.set((Explosive, 1)));
    if let Ok(mut items) = context.connection().items().try_borrow_mut() {
        mem::forget(items.set(Explosive));
    }
    let explosive = Explosive;
    let _ = context
        .response()
        .on_starting(move |_| mem::forget(explosive));
    let explosive = Explosive;
    context.response().on_completed(move |_| drop(explosive));
    let _ = spawn_local(async { Explosive });
    let explosive = Explosive;
    let _ = spawn_local(async move {
        let _explosive = explosive;
        pending::<()>().await;
    });
    drop(ServerFeatures::default().with(Explosive));
}

async fn callbacks(call: Call, context: HttpContext) {
    let context = Rc::new(RefCell::new(context));
    let make = |context: &Rc<RefCell<HttpContext>>| {
        let context = Rc::clone(context);
        move || {
            if let Ok(mut context) = context.try_borrow_mut() {
                let _kept = poll_once(call.begin(&mut context));
                panic_any(Explosive);
            }
        }
    };
    {
        let borrowed = context.borrow();
        let response = borrowed.response();
        let (starting, completed) = (make(&context), make(&context));
        response.on_starting(move |_| starting()).unwrap();
        response.on_completed(move |_| completed());
    }
    some_turns().await;
}

async fn spawned(moment: Moment, call: Call, mut context: HttpContext) {
    let task = async move {
        let _cracker = Cracker;
        match moment {
            Moment::SpawnedValue => return Some(Bomb { context, call }),
            Moment::SpawnedForEver => {
                let _bomb = Bomb { context, call };
                pending::<()>().await;
            }
            _ => {
                let _kept = call.begin(&mut context).await;
                some_turns().await;
            }
        }
        panic_any(Explosive);
    };
    // On a shard without an executor the task is dropped at once.
    let Ok(mut task) = spawn_local(task) else {
        return;
    };
    if moment == Moment::Spawned {
        // The executor is handed a waker that is not the server's.
        let _ = ambush(Pin::new(&mut task));
        let _ = timeout(Duration::from_millis(1), task).await;
    } else {
        some_turns().await;
    }
}

/// Polls with a waker that makes calls of its own, on the context of a request that is over.
async fn ambushed(moment: Moment, call: Call, mut context: HttpContext) {
    let other = STASH.take().map(|other| (other, call));
    AMBUSH.set(other);
    IN_CLONE.set(moment == Moment::WakerClone);
    let mut time = Box::pin(sleep(Duration::ZERO));
    let mut again = Box::pin(sleep(Duration::from_secs(3600)));
    let mut files = Vec::new();
    for _ in 0..2 {
        let _ = ambush(time.as_mut());
        let mut file = Box::pin(read_file("/dev/null", 10));
        let _ = ambush(file.as_mut());
        files.push(file);
        let _ = ambush(again.as_mut());
        {
            let mut end = Box::pin(context.lifetime().aborted());
            let _ = ambush(end.as_mut());
        }
        {
            let mut body = context.body();
            let mut chunk = Box::pin(body.chunk());
            let _ = ambush(chunk.as_mut());
        }
        some_turns().await;
    }
    let big = vec![b'x'; 1 << 20];
    let mut write = Box::pin(context.write(big));
    let _ = ambush(write.as_mut());
    some_turns().await;
    // What waits is dropped with the handler, or has been woken by then.
}

/// Keeps the answer while everything else is called.
async fn pairs(call: Call, context: &mut HttpContext) {
    match call {
        Call::Shared(call) => {
            let context = &*context;
            let _first = call(context).await;
            let mut kept = Vec::new();
            for other in SHARED {
                kept.push(other(context).await);
            }
            some_turns().await;
            for other in SHARED_ENDS {
                kept.push(other(context).await);
                some_turns().await;
            }
        }
        Call::Exclusive(_) => {
            drop(call.begin(context).await);
            for index in 0..Call::COUNT {
                drop(Call::number(index).begin(context).await);
            }
        }
    }
}
