//! What a child may not do: system calls that a seccomp filter lets fail there, and its limits.

#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The calls of io_uring, by name and number (the same on every architecture).
pub const IO_URING: [(&str, u32); 3] = [
    ("io_uring_setup", 425),
    ("io_uring_enter", 426),
    ("io_uring_register", 427),
];

// Of linux/bpf_common.h and linux/seccomp.h.
const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;

const fn statement(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

/// Lets these calls fail with this error in the child, and in what it starts.
pub fn forbid(command: &mut Command, calls: &[u32], errno: i32) {
    // The number of the call is the first word of what a filter sees.
    let mut filter = vec![statement(LOAD, 0)];
    for call in calls {
        filter.push(libc::sock_filter {
            jf: 1,
            ..statement(JUMP_IF_EQUAL, *call)
        });
        filter.push(statement(RETURN, ERRNO | errno.unsigned_abs()));
    }
    filter.push(statement(RETURN, ALLOW));
    let install = move || {
        let program = libc::sock_fprog {
            len: u16::try_from(filter.len()).unwrap(),
            filter: filter.as_mut_ptr(),
        };
        // SAFETY: it takes numbers only.
        let unprivileged = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        // SAFETY: the program and the filter behind it live until the call is over.
        let installed = unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            )
        };
        if unprivileged == 0 && installed == 0 {
            return Ok(());
        }
        Err(io::Error::last_os_error())
    };
    // SAFETY: between fork and exec it makes two system calls and allocates nothing.
    unsafe { command.pre_exec(install) };
}

/// Sets a limit of the child, as `RLIMIT_NOFILE`.
pub fn limit(command: &mut Command, resource: libc::__rlimit_resource_t, value: u64) {
    let limit = libc::rlimit {
        rlim_cur: value,
        rlim_max: value,
    };
    let set = move || {
        // SAFETY: the limit lives until the call is over.
        match unsafe { libc::setrlimit(resource, &raw const limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec it makes one system call and allocates nothing.
    unsafe { command.pre_exec(set) };
}
