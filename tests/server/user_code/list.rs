//! The public calls that a handler can make, read from the source of the library.
//!
//! Knows how the source is laid out (one `pub use` per module, formatted by rustfmt) and nothing of
//! what the calls do.

#[allow(dead_code)]
#[path = "../../layout/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use source::{Source, item_length};

/// What handlers have no use for, though it is public.
const NOT_OF_HANDLERS: [(&str, &str); 15] = [
    ("Server", "describes a server on the thread that starts it"),
    ("RunningServer", "belongs to the thread that has started it"),
    (
        "report_panics",
        "a hook of the process, set before a server starts",
    ),
    ("Endpoint", "read before a server starts"),
    ("UrlScheme", "read before a server starts"),
    ("Limits", "fixed before a server starts"),
    ("Tls", "read before a server starts"),
    ("TlsSite", "read before a server starts"),
    ("ClientAuthorities", "read before a server starts"),
    ("AddressError", "of the start"),
    ("BindError", "of the start"),
    ("TlsError", "of the start"),
    ("Exchange", "for whoever is a server himself"),
    ("process", "for whoever is a server himself"),
    (
        "Protocols",
        "chosen before a server starts, and by sites before they are read",
    ),
];

/// Where names become public, and the module whose names these are; the root exports those of many.
const EXPORTS: [(&str, Option<&str>); 3] = [
    ("src/lib.rs", None),
    ("src/http/mod.rs", Some("http")),
    ("src/features/mod.rs", Some("features")),
];

/// Every call as `Type::name`, or `name` alone for a function.
pub(super) fn of_handlers() -> BTreeSet<String> {
    let sources = source::all(Path::new(env!("CARGO_MANIFEST_DIR")), &[".rs"]);
    let mut exported = BTreeMap::new();
    for (path, module) in EXPORTS {
        let source = sources.iter().find(|source| source.path == path).unwrap();
        collect_exports(&source.shipped, module, &mut exported);
    }
    for (name, _) in NOT_OF_HANDLERS {
        let known = exported.remove(name);
        assert!(
            known.is_some(),
            "{name} is not exported: take it off the list"
        );
    }
    let mut calls = BTreeSet::new();
    for (name, module) in &exported {
        let of_module = |source: &&Source| source.top_module() == Some(module);
        for source in sources.iter().filter(of_module) {
            collect_calls(&source.shipped, name, &mut calls);
        }
    }
    calls
}

/// The names of the public `use` declarations of a file, each with the module that it comes from.
fn collect_exports(code: &str, module: Option<&str>, into: &mut BTreeMap<String, String>) {
    for (at, _) in code.match_indices("\npub use ") {
        let declaration = &code[at + "\npub use ".len()..];
        let declaration = &declaration[..declaration.find(';').unwrap()];
        let mut path = declaration.split("::");
        let first = path.next().unwrap();
        // What is named by its full path is another module's.
        let module = match first {
            "crate" => path.next().unwrap(),
            _ => module.unwrap_or(first),
        };
        let names = declaration.rsplit("::").next().unwrap();
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if !name.is_empty() {
                into.insert(name.to_owned(), module.to_owned());
            }
        }
    }
}

/// The public functions called `name`, and those of a type of that name.
fn collect_calls(code: &str, name: &str, into: &mut BTreeSet<String>) {
    for line in code.lines() {
        if public_function(line) == Some(name) {
            into.insert(name.to_owned());
        }
    }
    for (at, _) in code.match_indices("impl") {
        let starts_item = at == 0 || code[..at].ends_with('\n');
        let behind = &code[at + "impl".len()..];
        if starts_item && inherent_type(behind) == Some(name) {
            let block = &behind[..item_length(behind)];
            let calls = block.lines().filter_map(|line| {
                let line = line.strip_prefix("    ")?;
                public_function(line)
            });
            into.extend(calls.map(|call| format!("{name}::{call}")));
        }
    }
}

/// The type of an `impl` without a trait.
fn inherent_type(behind: &str) -> Option<&str> {
    let behind = skip_generics(behind).trim_start();
    let end = behind.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')?;
    let (path, behind) = behind.split_at(end);
    let of_a_trait = skip_generics(behind).trim_start().starts_with("for ");
    (!of_a_trait).then(|| path.rsplit("::").next().unwrap_or(path))
}

fn skip_generics(text: &str) -> &str {
    if !text.starts_with('<') {
        return text;
    }
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        depth += i32::from(byte == b'<');
        depth -= i32::from(byte == b'>' && !text[..at].ends_with('-'));
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    ""
}

/// The name of the function that begins on a line without indentation, if it is public.
fn public_function(line: &str) -> Option<&str> {
    let mut words = line.strip_prefix("pub ")?.split(' ');
    let word = words.find(|word| !["const", "async", "unsafe"].contains(word))?;
    if word != "fn" {
        return None;
    }
    words.next()?.split(['(', '<']).next()
}

#[test]
fn the_list_of_calls_is_read_from_the_source() {
    let calls = of_handlers();
    for known in [
        "HttpContext::upgrade",
        "Connection::items",
        "FieldSection::new",
        "RequestBody::chunk",
        "Upgraded::flush",
        "ResponseFeature::on_completed",
        "spawn_local",
        "timeout",
    ] {
        assert!(calls.contains(known), "{known} is not among {calls:?}");
    }
    // Of the crate, of a trait, of a connection of the server's.
    for none in [
        "HttpContext::exchange",
        "Sleep::poll",
        "Connection::drive",
        "Server::run",
    ] {
        assert!(!calls.contains(none), "{none}");
    }
}
