//! Notices of the kernel that one of the files may be another one now.
//!
//! Owns the crate `notify` and what its events mean here. Reads no file.

use std::path::PathBuf;
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::places::Places;

/// What the thread is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Something on the way to a file is another one, or has other permissions.
    Changed(PathBuf),
    /// A file is being written to where it is.
    Writing(PathBuf),
    /// A directory that was watched is gone, or notices were lost: what is watched must be found
    /// out anew.
    Lost,
    /// The server ends.
    Stop,
}

/// Watches the directories of some places, as they are now.
#[derive(Debug, Default)]
pub(super) struct Watch {
    places: Places,
    /// Ends with this value. Without it the files are only looked at from time to time.
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Begins to watch. An error leaves a watch that notices nothing.
    pub(super) fn begin(places: Places, to: &Sender<Notice>) -> (Self, Result<(), notify::Error>) {
        let (watcher, result) = match watcher(&places, to.clone()) {
            Ok(watcher) => (Some(watcher), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let watch = Self {
            places,
            _watcher: watcher,
        };
        (watch, result)
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }
}

fn watcher(places: &Places, to: Sender<Notice>) -> Result<RecommendedWatcher, notify::Error> {
    let known = places.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let notices = match event {
            Ok(event) => notices(&known, event),
            Err(_) => vec![Notice::Lost],
        };
        for notice in notices {
            // Nobody listens any more when the server has ended.
            let _ = to.send(notice);
        }
    })?;
    for directory in places.directories() {
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// What an event says of these places. Directories hold other files too, which nobody asked for.
fn notices(places: &Places, event: Event) -> Vec<Notice> {
    if event.need_rescan() {
        return vec![Notice::Lost];
    }
    // To open or read a file, as this server does itself, changes nothing.
    let is_written = EventKind::Access(AccessKind::Close(AccessMode::Write));
    if matches!(event.kind, EventKind::Access(_)) && event.kind != is_written {
        return Vec::new();
    }
    let notice = |path: PathBuf| {
        if places.is_name(&path) {
            return Some(match event.kind {
                EventKind::Modify(ModifyKind::Data(_)) => Notice::Writing(path),
                _ => Notice::Changed(path),
            });
        }
        if !places.is_directory(&path) {
            return None;
        }
        match event.kind {
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => Some(Notice::Lost),
            // Perhaps it may be read now.
            EventKind::Modify(ModifyKind::Metadata(_)) => Some(Notice::Changed(path)),
            _ => None,
        }
    };
    event.paths.into_iter().filter_map(notice).collect()
}
