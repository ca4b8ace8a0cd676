//! Unix domain sockets: binding, stale files, and removal of what was created.
//!
//! Owns the life of a socket file. TCP and the sharing among shards are [`super::listener`]'s.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::fault::BindFault;

#[cfg(test)]
mod tests;

/// `sockaddr_un.sun_path` has 108 bytes, one of which is the NUL at the end of a path or the start
/// of an abstract name.
const MAX_NAME: usize = 107;

/// How often and how long to wait for the lock of a directory: a second in all. Whoever holds it
/// longer is no Lanner.
const LOCK_ATTEMPTS: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A listening socket in the file system.
#[derive(Debug)]
pub(super) struct UnixListener {
    /// The socket.
    pub(super) socket: Socket,
    /// The guard of its file.
    pub(super) file: UnixSocketFile,
    /// Whether a stale file had to be removed.
    pub(super) stale_removed: bool,
}

/// Removes a socket file on drop, unless another file has taken its place.
///
/// Drop it before the last listener is closed, as the first step of a shutdown: clients then find
/// no file rather than a socket that does not answer.
#[derive(Debug)]
pub(crate) struct UnixSocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Keeps the inode alive, so that its number cannot come back as another server's socket file.
    _socket: OwnedFd,
}

impl UnixSocketFile {
    /// Guards the file at `path`, which `socket` has just been bound to.
    fn new(path: &Path, socket: OwnedFd) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            _socket: socket,
        })
    }

    fn is_ours(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode)
    }
}

impl Drop for UnixSocketFile {
    fn drop(&mut self) {
        let _lock = lock_directory(&self.path);
        if self.is_ours() {
            // Nobody is left to tell; the next start treats the file as stale.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens on a path. A socket file that nobody serves is replaced; anything else in the way is
/// left alone.
///
/// Whether a file is served is found out by connecting to it: the server there sees a connection
/// that ends at once.
pub(super) fn listen_path(
    path: &Path,
    mode: Option<u32>,
    backlog: u16,
) -> Result<UnixListener, BindFault> {
    let address = socket_address(path)?;
    let socket = unix_socket()?;
    let duplicate = socket
        .try_clone()
        .map_err(|error| BindFault::from_unix(&error))?;
    // Declared ahead of the lock, and so dropped after it: the guard takes the lock itself.
    let file;
    let _lock = lock_directory(path);
    let stale_removed = match socket.bind(&address) {
        Ok(()) => false,
        Err(error) if error.raw_os_error() == Some(libc::EADDRINUSE) => {
            remove_stale(path, &address)?;
            socket
                .bind(&address)
                .map_err(|error| BindFault::from_unix(&error))?;
            true
        }
        Err(error) => return Err(BindFault::from_unix(&error)),
    };
    file = UnixSocketFile::new(path, duplicate.into())
        .map_err(|error| BindFault::from_unix(&error))?;
    if let Some(mode) = mode {
        // Ahead of listen: nobody can connect while the umask's permissions are on.
        fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|error| BindFault::from_unix(&error))?;
    }
    socket
        .listen(i32::from(backlog))
        .map_err(|error| BindFault::from_unix(&error))?;
    Ok(UnixListener {
        socket,
        file,
        stale_removed,
    })
}

/// Listens on a name in the abstract namespace, which the kernel frees by itself.
pub(super) fn listen_abstract(name: &str, backlog: u16) -> Result<Socket, BindFault> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(name.as_bytes());
    let name = PathBuf::from(OsString::from_vec(bytes));
    let address = SockAddr::unix(name).map_err(|_| BindFault::PathTooLong)?;
    let socket = unix_socket()?;
    socket
        .bind(&address)
        .map_err(|error| BindFault::from_unix(&error))?;
    socket
        .listen(i32::from(backlog))
        .map_err(|error| BindFault::from_unix(&error))?;
    Ok(socket)
}

fn socket_address(path: &Path) -> Result<SockAddr, BindFault> {
    if path.as_os_str().len() > MAX_NAME {
        return Err(BindFault::PathTooLong);
    }
    SockAddr::unix(path).map_err(|error| BindFault::from_unix(&error))
}

fn unix_socket() -> Result<Socket, BindFault> {
    Socket::new(Domain::UNIX, Type::STREAM, None).map_err(|error| BindFault::from_unix(&error))
}

/// Removes the file at `path` if it is a socket that no process serves.
fn remove_stale(path: &Path, address: &SockAddr) -> Result<(), BindFault> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(BindFault::NotASocket),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BindFault::from_unix(&error)),
    }
    let probe = unix_socket()?;
    // A full backlog must answer EAGAIN rather than make the probe wait.
    probe
        .set_nonblocking(true)
        .map_err(|error| BindFault::from_unix(&error))?;
    match probe.connect(address).map_err(|error| error.raw_os_error()) {
        Err(Some(libc::ECONNREFUSED)) => {
            fs::remove_file(path).map_err(|error| BindFault::from_unix(&error))
        }
        Err(Some(libc::ENOENT)) => Ok(()),
        Err(Some(libc::EACCES)) => Err(BindFault::PermissionDenied),
        _ => Err(BindFault::SocketInUse),
    }
}

/// Locks the directory of `path` against other servers that look for stale files in it, until the
/// result is dropped.
///
/// Without it two servers could both find a file stale, and the slower one remove the other's new
/// socket. It is advisory and not worth failing for: a directory that cannot be opened, or stays
/// locked, is used without.
fn lock_directory(path: &Path) -> Option<File> {
    let directory = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY)
        .open(path.parent()?)
        .ok()?;
    for _ in 0..LOCK_ATTEMPTS {
        match directory.try_lock() {
            Ok(()) => return Some(directory),
            Err(fs::TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(fs::TryLockError::Error(_)) => return None,
        }
    }
    None
}
