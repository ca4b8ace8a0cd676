//! The committed corpus, run as tests.

use std::fs;
use std::path::Path;

/// Runs a target over every file of its corpus.
fn replay(name: &str, target: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    assert!(!files.is_empty(), "no file in {}", folder.display());
    files.sort();
    for file in files {
        let input = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // Shown when the target panics.
        println!("{}", file.display());
        target(&input);
    }
}

#[test]
fn heads() {
    replay("head", super::head);
}

#[test]
fn chunked_bodies() {
    replay("chunked", super::chunked);
}

#[test]
fn connections() {
    replay("connection", super::connection);
}

#[test]
fn frames() {
    replay("frames", super::frames);
}

#[test]
fn field_blocks() {
    replay("hpack", super::hpack);
}

#[test]
fn http2_connections() {
    replay("http2", super::http2);
}

#[test]
fn tls_connections() {
    replay("tls", super::tls);
}
