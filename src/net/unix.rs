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
use std::time::{Duration, SystemTime};

use socket2::{Domain, SockAddr, Socket, Type};

use super::departed::{self, Answer, Patience};
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

/// How long a server may take from binding its socket to listening on it: until then it refuses
/// connections as a stale one does. A Lanner holds the lock meanwhile.
const BIND_TO_LISTEN: Duration = Duration::from_millis(250);

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
/// that ends at once, or after a second. That of a server that was just killed is waited for
/// ([`departed`]).
pub(super) fn listen_path(
    path: &Path,
    mode: Option<u32>,
    backlog: u16,
) -> Result<UnixListener, BindFault> {
    let patience = Patience::begin();
    let address = socket_address(path)?;
    loop {
        let served = match try_path(path, &address, mode, backlog)? {
            Try::Listening(listener) => return Ok(listener),
            Try::Unclear => false,
            // Without the lock: others need not wait for this to become clear.
            Try::Connected(connection) => patience.outlasts(&connection),
        };
        if served || !patience.pause() {
            return Err(BindFault::SocketInUse);
        }
    }
}

/// What became of one try to listen on a path.
enum Try {
    Listening(UnixListener),
    /// Whether the file in the way is served cannot be told yet.
    Unclear,
    /// Somebody listens there, who may be about to go.
    Connected(Socket),
}

fn try_path(
    path: &Path,
    address: &SockAddr,
    mode: Option<u32>,
    backlog: u16,
) -> Result<Try, BindFault> {
    let failed = |error: io::Error| BindFault::from_unix(&error);
    let socket = unix_socket()?;
    let duplicate = socket.try_clone().map_err(failed)?;
    // Declared ahead of the lock, and so dropped after it: the guard takes the lock itself.
    let file;
    let _lock = lock_directory(path);
    let stale_removed = match socket.bind(address) {
        Ok(()) => false,
        Err(error) if error.raw_os_error() == Some(libc::EADDRINUSE) => {
            match look_at(path, address, SystemTime::now())? {
                Found::Nothing => {}
                Found::Stale => fs::remove_file(path).map_err(failed)?,
                Found::Young => return Ok(Try::Unclear),
                Found::Served(connection) => return Ok(Try::Connected(connection)),
            }
            socket.bind(address).map_err(failed)?;
            true
        }
        Err(error) => return Err(failed(error)),
    };
    file = UnixSocketFile::new(path, duplicate.into()).map_err(failed)?;
    if let Some(mode) = mode {
        // Ahead of listen: nobody can connect while the umask's permissions are on.
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    }
    socket.listen(i32::from(backlog)).map_err(failed)?;
    Ok(Try::Listening(UnixListener {
        socket,
        file,
        stale_removed,
    }))
}

/// Listens on a name in the abstract namespace, which the kernel frees by itself.
pub(super) fn listen_abstract(name: &str, backlog: u16) -> Result<Socket, BindFault> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(name.as_bytes());
    let name = PathBuf::from(OsString::from_vec(bytes));
    let address = SockAddr::unix(name).map_err(|_| BindFault::PathTooLong)?;
    let listen = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&address)?;
        socket.listen(i32::from(backlog))?;
        Ok(socket)
    };
    departed::claim(Domain::UNIX, &address, listen).map_err(|error| BindFault::from_unix(&error))
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

/// What is in the way at a path.
#[derive(Debug)]
enum Found {
    Nothing,
    /// A socket that no process serves.
    Stale,
    /// One that is so new that its server may be about to listen.
    Young,
    Served(Socket),
}

fn look_at(path: &Path, address: &SockAddr, now: SystemTime) -> Result<Found, BindFault> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(BindFault::NotASocket),
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(BindFault::from_unix(&error)),
    };
    let age = metadata.modified().and_then(|made| {
        let age = now.duration_since(made);
        age.map_err(io::Error::other)
    });
    match departed::ask(Domain::UNIX, address) {
        Answer::Connected(connection) => Ok(Found::Served(connection)),
        Answer::Refused if age.is_ok_and(|age| age < BIND_TO_LISTEN) => Ok(Found::Young),
        Answer::Refused => Ok(Found::Stale),
        Answer::Other(error) => match error.raw_os_error() {
            Some(libc::ENOENT) => Ok(Found::Nothing),
            Some(libc::EACCES) => Err(BindFault::PermissionDenied),
            _ => Err(BindFault::SocketInUse),
        },
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
