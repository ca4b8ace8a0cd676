//! Files, and the inbox.

use std::ffi::CString;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;

use super::*;

#[test]
fn the_inbox_is_watched_until_cancelled() {
    let mut driven = Driven::new();
    let eventfd = eventfd();
    let mut file = std::fs::File::from(eventfd.try_clone().unwrap());
    driven
        .ring
        .watch_inbox(token(OpKind::Inbox), eventfd.as_raw_fd());
    for _ in 0..3 {
        driven.ring.submit_and_wait(Wait::No).unwrap();
        file.write_all(&1_u64.to_ne_bytes()).unwrap();
        let woken = driven.next_of(OpKind::Inbox);
        assert!(woken.more);
        assert_eq!(woken.result, Ok(libc::POLLIN as u32));
        file.read_exact(&mut [0; 8]).unwrap();
    }
    driven
        .ring
        .cancel(token(OpKind::Cancel), eventfd.as_raw_fd());
    let all = driven.next_sorted(2);
    assert_eq!((all[1].result, all[1].more), (Err(Errno::ECANCELED), false));
    driven.assert_idle();
}

#[test]
fn files_are_opened_and_read() {
    let mut driven = Driven::new();
    let path = std::env::temp_dir().join(format!("lanner-ring-{}", std::process::id()));
    std::fs::write(&path, b"0123456789").unwrap();
    let name = CString::new(path.clone().into_os_string().into_vec()).unwrap();
    driven.ring.open(token(OpKind::Open), name, libc::O_RDONLY);
    let opened = driven.next_of(OpKind::Open);
    std::fs::remove_file(&path).unwrap();
    let file = owned(opened.result.unwrap());
    assert_ne!(fcntl(file.as_raw_fd(), libc::F_GETFD) & libc::FD_CLOEXEC, 0);

    let mut into = Vec::with_capacity(8);
    into.extend_from_slice(b">");
    for (offset, expected) in [(3, &b">3456789"[..]), (10, b">"), (0, b">0123456")] {
        into.truncate(1);
        let address = into.as_ptr();
        driven
            .ring
            .read(token(OpKind::Read), file.as_raw_fd(), into, offset);
        let read = driven.next_of(OpKind::Read);
        assert_eq!(read.result, Ok(expected.len() as u32 - 1));
        let Payload::Read(bytes) = read.payload else {
            panic!("no buffer came back")
        };
        assert_eq!(bytes, expected);
        assert_eq!(bytes.as_ptr(), address);
        into = bytes;
    }
    driven.ring.open(
        token(OpKind::Open),
        c"/nonexistent/file".to_owned(),
        libc::O_RDONLY,
    );
    assert_eq!(driven.next_of(OpKind::Open).result, Err(Errno::ENOENT));
    driven.assert_idle();
}
