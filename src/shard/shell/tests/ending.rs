//! Shards that end by a panic, their own or the executor's.

use super::*;

/// A shard that panics in its second turn.
struct Panicking(bool, Sender<&'static str>);

impl Driver for Panicking {
    fn turn(&mut self, _: Option<Duration>) -> Turn {
        assert!(!self.0, "in a turn");
        self.0 = true;
        Turn::Continue
    }
}

impl Drop for Panicking {
    fn drop(&mut self) {
        self.1.send("dropped").unwrap();
    }
}

#[test]
fn a_panic_in_a_turn_is_the_reason_of_the_end_and_the_driver_is_dropped() {
    for kind in [ShellKind::Glommio, ShellKind::Thread] {
        let (note, notes) = mpsc::channel();
        let told = note.clone();
        let make = || Ok::<_, &str>(Panicking(false, note));
        let ended = move |result: &Result<(), ShellError<&str>>| {
            assert!(result.is_err());
            told.send("told").unwrap();
        };
        let thread = spawn(kind, None, "shard".into(), make, ended).unwrap();
        let error = thread.join().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "a panic, \"in a turn\"", "{kind:?}");
        assert_eq!(
            notes.iter().collect::<Vec<_>>(),
            ["dropped", "told"],
            "{kind:?}"
        );
    }
}

#[test]
fn a_panic_of_the_executor_is_the_end_of_the_shard_too() {
    let (note, notes) = mpsc::channel();
    let told = note.clone();
    let make = move || {
        let handler: Handler = Box::pin(async move {
            let _dropped = Noted(note);
            // Not by the server's own hand, which contains it.
            let task = ::glommio::spawn_local(async {
                timer::sleep(Duration::from_millis(1)).await;
                panic!("in a task");
            });
            task.detach();
            timer::sleep(TOO_LONG).await;
        });
        Ok::<_, &str>(Stub::new(vec![handler], mpsc::channel().0))
    };
    let ended = move |_: &Result<(), ShellError<&str>>| told.send("told").unwrap();
    let thread = spawn(ShellKind::Glommio, None, "shard".into(), make, ended).unwrap();
    let error = thread.join().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "a panic, \"in a task\"");
    assert_eq!(notes.iter().collect::<Vec<_>>(), ["dropped", "told"]);
}

/// Says when it is dropped.
struct Noted(Sender<&'static str>);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.send("dropped").unwrap();
    }
}
