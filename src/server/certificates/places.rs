//! Where in the file system it is decided what a path leads to.
//!
//! Owns the way from a path to its file: every symbolic link on it, and the directory that each of
//! them lies in. Watches nothing itself.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Symbolic links that are followed from one path, as many as the kernel follows.
const LINKS_MAX: usize = 40;

/// The names in directories that decide what a set of paths leads to: each link on the way, each
/// file at the end, and where something is missing, the name that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    names: BTreeSet<PathBuf>,
    directories: BTreeSet<Directory>,
}

/// A directory as it was found: another one of the same name is another directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Directory {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Places {
    /// Follows every path. Names in the result have no link in front of their last part.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let mut places = Self::default();
        for path in paths {
            // It fails for an empty path only, which is no file.
            if let Ok(path) = std::path::absolute(path) {
                places.follow(&path);
            }
        }
        places
    }

    /// The directories to watch.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        self.directories.iter().map(|it| it.path.as_path())
    }

    /// Whether this is a name that decides.
    pub(super) fn is_name(&self, path: &Path) -> bool {
        self.names.contains(path)
    }

    /// Whether this is one of the directories itself.
    pub(super) fn is_directory(&self, path: &Path) -> bool {
        self.directories().any(|it| it == path)
    }

    fn follow(&mut self, path: &Path) {
        let mut at = PathBuf::from("/");
        let mut ahead: VecDeque<OsString> = parts(path).collect();
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&part);
            match fs::symlink_metadata(&next) {
                Ok(found) if found.is_symlink() => {
                    self.decides(&at, &next);
                    links += 1;
                    let Ok(target) = fs::read_link(&next) else {
                        return;
                    };
                    if links > LINKS_MAX {
                        return;
                    }
                    if target.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
                        ahead.push_front(part);
                    }
                }
                Ok(found) if found.is_dir() && !ahead.is_empty() => at = next,
                Ok(_) | Err(_) => {
                    self.decides(&at, &next);
                    return;
                }
            }
        }
    }

    fn decides(&mut self, directory: &Path, name: &Path) {
        self.names.insert(name.to_owned());
        // Gone in this moment: its own parent decides then, and the next look finds that.
        if let Ok(directory) = Directory::at(directory) {
            self.directories.insert(directory);
        }
    }
}

impl Directory {
    fn at(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
        })
    }
}

/// The parts of a path without its root.
fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::super::tests::Scratch;
    use super::*;

    fn names(places: &Places, scratch: &Scratch) -> Vec<String> {
        let inside = |path: &PathBuf| {
            path.strip_prefix(scratch.path())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        places.names.iter().map(inside).collect()
    }

    #[test]
    fn a_file_is_decided_by_its_name() {
        let scratch = Scratch::new();
        let file = scratch.path().join("a/b/cert.pem");
        let places = Places::of([&file]);
        assert_eq!(names(&places, &scratch), ["a"], "nothing is there yet");
        fs::create_dir_all(scratch.path().join("a/b")).unwrap();
        let missing = Places::of([&file]);
        fs::write(&file, "x").unwrap();
        let places = Places::of([&file]);
        assert_eq!(names(&places, &scratch), ["a/b/cert.pem"]);
        assert_eq!(places, missing);
        assert!(places.is_directory(file.parent().unwrap()));
    }

    #[test]
    fn links_decide_where_they_lie_and_where_they_lead() {
        let scratch = Scratch::new();
        let root = scratch.path();
        fs::create_dir_all(root.join("secret/..1")).unwrap();
        fs::write(root.join("secret/..1/tls.crt"), "x").unwrap();
        symlink("..1", root.join("secret/..data")).unwrap();
        symlink("..data/tls.crt", root.join("secret/tls.crt")).unwrap();
        symlink(root.join("secret"), root.join("link")).unwrap();
        symlink("../secret/./tls.crt", root.join("secret/odd")).unwrap();
        let places = Places::of([&root.join("link/tls.crt"), &root.join("secret/odd")]);
        let expected = [
            "link",
            "secret/..1/tls.crt",
            "secret/..data",
            "secret/odd",
            "secret/tls.crt",
        ];
        assert_eq!(names(&places, &scratch), expected);
        let directories: Vec<_> = places.directories().collect();
        assert_eq!(
            directories,
            [root, &root.join("secret"), &root.join("secret/..1")]
        );
    }

    #[test]
    fn links_in_a_circle_end() {
        let scratch = Scratch::new();
        let root = scratch.path();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let places = Places::of([&root.join("a")]);
        assert_eq!(names(&places, &scratch), ["a", "b"]);
    }

    #[test]
    fn a_directory_of_the_same_name_is_another_one() {
        let scratch = Scratch::new();
        let file = scratch.path().join("d/f");
        fs::create_dir(scratch.path().join("d")).unwrap();
        let before = Places::of([&file]);
        fs::rename(scratch.path().join("d"), scratch.path().join("e")).unwrap();
        fs::create_dir(scratch.path().join("d")).unwrap();
        assert_ne!(Places::of([&file]), before);
    }
}
