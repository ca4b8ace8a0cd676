//! Files that change in every way in which certificates are renewed.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::symlink;

use super::*;

#[test]
fn files_that_are_renamed_over_others_are_taken() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let watched = Watched::begin(scratch.path(), NOTICES);
    for _ in 0..3 {
        let pair = Pair::new();
        pair.rename_over(scratch.path());
        watched.expect(&pair);
    }
    watched.expect_nothing_else(scratch.path());
}

#[test]
fn files_that_are_written_in_place_are_taken_when_they_are_whole() {
    let scratch = Scratch::new();
    let first = Pair::new();
    first.write(scratch.path());
    let watched = Watched::begin(scratch.path(), NOTICES);
    // Only who watches already can know of a writer.
    let pair = Pair::new();
    pair.rename_over(scratch.path());
    watched.expect(&pair);
    let pair = Pair::new();
    fs::write(scratch.path().join("tls.key"), &pair.key).unwrap();
    let mut file = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(scratch.path().join("tls.crt"))
        .unwrap();
    // The certificate is there and only its issuer is missing, which nobody can tell from the file.
    file.write_all(pair.certificate.as_bytes()).unwrap();
    // Longer than files have to be at rest.
    thread::sleep(10 * NOTICES.settle);
    file.write_all(first.certificate.as_bytes()).unwrap();
    drop(file);
    assert_eq!(watched.expect(&pair).material.certificates(), 2);
    watched.expect_nothing_else(scratch.path());
}

#[test]
fn a_writer_that_never_ends_is_not_waited_for_for_ever() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let pace = Pace {
        writing: Duration::from_millis(100),
        ..NOTICES
    };
    let watched = Watched::begin(scratch.path(), pace);
    let pair = Pair::new();
    fs::write(scratch.path().join("tls.key"), &pair.key).unwrap();
    let mut file = fs::File::create(scratch.path().join("tls.crt")).unwrap();
    file.write_all(pair.certificate.as_bytes()).unwrap();
    file.flush().unwrap();
    watched.expect(&pair);
    drop(file);
}

/// Mounts a volume as the kubelet does: files are links through `..data`, which is exchanged.
fn mount(volume: &Path, version: &str, pair: &Pair) {
    let directory = volume.join(version);
    fs::create_dir(&directory).unwrap();
    pair.write(&directory);
    symlink(version, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
}

#[test]
fn the_link_that_kubernetes_exchanges_is_followed() {
    let scratch = Scratch::new();
    let volume = scratch.path();
    mount(volume, "..1", &Pair::new());
    for name in ["tls.crt", "tls.key"] {
        symlink(format!("..data/{name}"), volume.join(name)).unwrap();
    }
    let watched = Watched::begin(volume, NOTICES);
    let mut before = "..1".to_owned();
    for version in 2..5 {
        let version = format!("..{version}");
        let pair = Pair::new();
        mount(volume, &version, &pair);
        fs::remove_dir_all(volume.join(before)).unwrap();
        watched.expect(&pair);
        before = version;
    }
    // What the link leads to is watched as well.
    let pair = Pair::new();
    pair.write(&volume.join(&before));
    watched.expect(&pair);
}

#[test]
fn links_to_another_directory_are_followed() {
    // As certbot does it: live/NAME/cert.pem -> ../../archive/NAME/cert2.pem.
    let scratch = Scratch::new();
    let (live, archive) = (scratch.path().join("live"), scratch.path().join("archive"));
    fs::create_dir(&live).unwrap();
    let renew = |number: u32, pair: &Pair| {
        fs::create_dir_all(archive.join(number.to_string())).unwrap();
        pair.write(&archive.join(number.to_string()));
        for name in ["tls.crt", "tls.key"] {
            let _ = fs::remove_file(live.join(name));
            symlink(format!("../archive/{number}/{name}"), live.join(name)).unwrap();
        }
    };
    renew(1, &Pair::new());
    let watched = Watched::begin(&live, NOTICES);
    for number in 2..5 {
        let pair = Pair::new();
        renew(number, &pair);
        watched.expect(&pair);
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let scratch = Scratch::new();
    let pair = Pair::new();
    pair.write(scratch.path());
    let pace = Pace {
        poll: Duration::from_millis(10),
        ..NOTICES
    };
    let watched = Watched::begin(scratch.path(), pace);
    for _ in 0..3 {
        pair.rename_over(scratch.path());
        pair.write(scratch.path());
        fs::write(scratch.path().join("other"), "of no interest").unwrap();
        thread::sleep(10 * pace.poll);
    }
    watched.expect_nothing_else(scratch.path());
}

#[test]
fn changes_are_found_without_notices_too() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let pace = Pace {
        // Notices would be acted upon in an hour.
        settle: NEVER,
        poll: Duration::from_millis(10),
        patience: Duration::ZERO,
        ..NOTICES
    };
    let watched = Watched::begin(scratch.path(), pace);
    let pair = Pair::new();
    let tls = scratch.path().join("both");
    fs::create_dir(&tls).unwrap();
    pair.write(&tls);
    for name in ["tls.key", "tls.crt"] {
        fs::rename(tls.join(name), scratch.path().join(name)).unwrap();
    }
    watched.expect(&pair);
}
