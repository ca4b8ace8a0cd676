//! Error numbers of the kernel.
//!
//! Owns their names. Knows nothing of what an error means for an operation.

#![forbid(unsafe_code)]

use std::fmt;

/// An error number of the kernel, as errno(3) names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Errno(pub(crate) i32);

macro_rules! errnos {
    ($($name:ident)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "` of errno(3).")]
                pub(crate) const $name: Self = Self(libc::$name);
            )*

            /// The name of errno(3), for the numbers that a ring is known to give.
            pub(crate) const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

errnos! {
    EPERM ENOENT EINTR EIO EBADF EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST ENOTDIR EISDIR EINVAL ENFILE EMFILE
    EPIPE ENOSYS ELOOP ENAMETOOLONG ETIME EPROTO EBADR EBADFD ENOTSOCK EOPNOTSUPP ENETDOWN ENETUNREACH
    ECONNABORTED ECONNRESET ENOBUFS ENOTCONN ETIMEDOUT ECONNREFUSED EHOSTUNREACH EALREADY ECANCELED
}

impl Errno {
    /// What the last failed system call of this thread said.
    pub(super) fn last() -> Self {
        Self::from(std::io::Error::last_os_error())
    }
}

impl From<std::io::Error> for Errno {
    /// The error number, or `EIO` for an error that is not the kernel's.
    fn from(error: std::io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_by_name() {
        assert_eq!(Errno(libc::ENOBUFS).to_string(), "ENOBUFS");
        assert_eq!(Errno(4095).to_string(), "errno 4095");
        assert_eq!(Errno(libc::ECANCELED), Errno::ECANCELED);
    }
}
