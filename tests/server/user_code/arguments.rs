//! Arguments that are code of the application: it makes calls of its own while the server looks.

use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;

use lanner::features::ResponseTrailers;
use lanner::http::HttpContext;
use lanner::read_file;
use serde::{Serialize, Serializer};

use super::calls::{Kept, Shared, poll_once};
use super::traps::SAID;

/// Makes calls while it is looked at, and keeps what they answer.
struct Argument<'a, 'k> {
    context: &'a HttpContext,
    calls: &'a [Shared],
    kept: RefCell<Vec<Option<Kept<'k>>>>,
}

impl<'a: 'k, 'k> Argument<'a, 'k> {
    fn look(&self) {
        let answers = self.calls.iter().map(|call| poll_once(call(self.context)));
        self.kept.borrow_mut().extend(answers);
    }
}

impl<'a: 'k, 'k> AsRef<[u8]> for Argument<'a, 'k> {
    fn as_ref(&self) -> &[u8] {
        self.look();
        b"argument"
    }
}

impl<'a: 'k, 'k> AsRef<Path> for Argument<'a, 'k> {
    fn as_ref(&self) -> &Path {
        self.look();
        Path::new("/dev/null")
    }
}

impl<'a: 'k, 'k> Serialize for Argument<'a, 'k> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.look();
        serializer.serialize_str("argument")
    }
}

impl Drop for Argument<'_, '_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("{SAID}");
        }
    }
}

/// An answer that nobody keeps.
fn asked<T>(_: T) {}

/// Every call that runs code which it is given.
pub(super) fn arguments(context: &HttpContext, calls: &[Shared]) {
    let argument = || Argument {
        context,
        calls,
        kept: RefCell::default(),
    };
    let pass = |run: &dyn Fn()| {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
            // The argument's own end, at the latest.
            mem::forget(payload);
        }
    };
    pass(&|| asked(context.field("X-A", argument()).is_ok()));
    pass(&|| asked(context.trailer("X-A", argument()).is_ok()));
    pass(&|| asked(context.response().append_field("X-A", argument())));
    pass(&|| asked(context.response().set_field("X-A", argument())));
    pass(&|| {
        let trailers: &ResponseTrailers = context.get().unwrap();
        asked(trailers.append("X-A", argument()));
    });
    pass(&|| asked(context.bytes("a/b", argument())));
    pass(&|| asked(context.json(&argument())));
    pass(&|| asked(read_file(argument(), 10)));
}
