//! Files that cannot be used, for a moment or for longer, and files that come back.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_file_at_fault_is_told_of_once_and_so_is_the_end_of_it() {
    let scratch = Scratch::new();
    let pair = Pair::new();
    pair.write(scratch.path());
    let pace = Pace {
        poll: Duration::from_millis(30),
        ..FAULTS
    };
    let watched = Watched::begin(scratch.path(), pace);
    let certificate = scratch.path().join("tls.crt");
    fs::write(&certificate, "nonsense").unwrap();
    let line = watched.expect_refusal();
    assert!(line.contains(certificate.to_str().unwrap()), "{line}");
    // Another fault is another line, however often the first one was seen meanwhile.
    thread::sleep(5 * pace.poll);
    fs::remove_file(&certificate).unwrap();
    assert_ne!(watched.expect_refusal(), line);
    thread::sleep(5 * pace.poll);
    pair.write(scratch.path());
    assert_eq!(watched.line(), Line::Restored.to_string());
    watched.expect_nothing_else(scratch.path());
}

#[test]
fn a_key_that_comes_after_its_certificate_is_no_fault() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let pace = Pace {
        patience: HANG,
        ..NOTICES
    };
    let watched = Watched::begin(scratch.path(), pace);
    let pair = Pair::new();
    fs::write(scratch.path().join("tls.crt"), &pair.certificate).unwrap();
    // Longer than files have to be at rest.
    thread::sleep(10 * pace.settle);
    fs::write(scratch.path().join("tls.key"), &pair.key).unwrap();
    assert!(matches!(watched.next(), News::Set(_)));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let watched = Watched::begin(scratch.path(), FAULTS);
    fs::write(scratch.path().join("tls.key"), Pair::new().key).unwrap();
    watched.expect_refusal();
    watched.expect_nothing_else(scratch.path());
}

#[test]
fn a_directory_that_is_made_again_is_found() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("tls");
    fs::create_dir(&directory).unwrap();
    Pair::new().write(&directory);
    let watched = Watched::begin(&directory, FAULTS);
    fs::remove_dir_all(&directory).unwrap();
    watched.expect_refusal();
    let pair = Pair::new();
    fs::create_dir(&directory).unwrap();
    pair.write(&directory);
    watched.expect(&pair);
    // The same in two renames, as a deployment does it.
    let pair = Pair::new();
    let next = scratch.path().join("next");
    fs::create_dir(&next).unwrap();
    pair.write(&next);
    fs::rename(&directory, scratch.path().join("last")).unwrap();
    fs::rename(&next, &directory).unwrap();
    watched.expect(&pair);
    watched.expect_nothing_else(&directory);
}

#[test]
fn a_file_that_may_be_read_again_is_taken() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let watched = Watched::begin(scratch.path(), FAULTS);
    let new = scratch.path().join("new");
    fs::create_dir(&new).unwrap();
    let pair = Pair::new();
    pair.write(&new);
    fs::set_permissions(new.join("tls.key"), fs::Permissions::from_mode(0o200)).unwrap();
    for name in ["tls.crt", "tls.key"] {
        fs::rename(new.join(name), scratch.path().join(name)).unwrap();
    }
    // A user who may read everything sees no fault here.
    if fs::read(scratch.path().join("tls.key")).is_err() {
        watched.expect_refusal();
    }
    let key = scratch.path().join("tls.key");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    watched.expect(&pair);
}
