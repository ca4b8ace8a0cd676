//! The layout of the source, held by a test: who may import whom, where `unsafe` may stand, how
//! long files and functions may be.
//!
//! The tables below are the rules of `docs/ARCHITECTURE.md` in a form that a machine can check. A
//! failure says what to do; to change a rule, change its table and the page in the same commit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod source;

use std::path::Path;

use source::Source;

/// Each module of the library and the modules that it may name. `http` and `features` lie side by
/// side: a context hands out features, and a feature answers in the terms of HTTP.
const IMPORTS: [(&str, &[&str]); 20] = [
    ("main", &[]),
    (
        "cli",
        &[
            "features", "http", "journal", "net", "ring", "server", "shard", "tls",
        ],
    ),
    (
        "server",
        &[
            "features", "http", "journal", "limits", "net", "ring", "shard", "task", "time", "tls",
        ],
    ),
    (
        "shard",
        &[
            "buf", "conn", "features", "http", "journal", "limits", "net", "ring", "task", "time",
            "tls",
        ],
    ),
    (
        "conn",
        &[
            "buf", "features", "h1", "h2", "http", "journal", "limits", "tls",
        ],
    ),
    ("tls", &["buf", "features", "http"]),
    ("h1", &["buf", "http", "limits"]),
    ("h2", &["buf", "hpack", "http", "limits"]),
    ("hpack", &["limits"]),
    ("features", &["http", "limits", "net", "task"]),
    ("http", &["buf", "features", "journal", "limits", "task"]),
    ("ring", &["buf"]),
    ("net", &[]),
    ("task", &[]),
    ("buf", &[]),
    ("limits", &[]),
    ("journal", &["limits"]),
    ("blocking", &["limits", "task"]),
    ("time", &[]),
    // What tests need of the inside; nothing that ships may name it.
    (
        "testing",
        &[
            "buf", "conn", "features", "h1", "h2", "hpack", "http", "limits", "net", "ring",
            "shard", "task", "time", "tls",
        ],
    ),
];

/// Foreign crates that one place wraps.
const WRAPPED: [(&str, &str); 10] = [
    ("io_uring", "src/ring/"),
    ("glommio", "src/shard/shell/"),
    ("rustls", "src/tls/"),
    ("rustls_pki_types", "src/tls/"),
    ("aws_lc_rs", "src/tls/"),
    ("notify", "src/server/certificates/"),
    ("rcgen", "src/server/development/"),
    ("httparse", "src/h1/"),
    ("signal_hook", "src/server/"),
    ("clap", "src/cli/"),
];

/// The modules whose business is `unsafe`; every other forbids it.
const UNSAFE: [&str; 3] = ["buf", "ring", "task"];

const FILE_LINES_MAX: usize = 1000;
const FUNCTION_LINES_MAX: usize = 70;

/// Files beyond this are named in [`LONG_FILES`], with the reason.
const FILE_LINES_UNNAMED: usize = 400;

/// Why a file is longer than most.
const LONG_FILES: [(&str, &str); 1] = [(
    "src/shard/driver.rs",
    "the turn of the loop with all of its phases, which share one state; their work lies beside it",
)];

fn sources() -> Vec<Source> {
    source::all(Path::new(env!("CARGO_MANIFEST_DIR")), &[".rs"])
}

/// Fails with everything that was found, and with what to do about it.
fn expect_none(found: &[String], cure: &str) {
    assert!(found.is_empty(), "{cure}\n  {}", found.join("\n  "));
}

/// Where `word` stands in `code` as a whole identifier, with the text behind it.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).filter_map(move |(at, _)| {
        let behind = &code[at + word.len()..];
        let whole = !code[..at].ends_with(is_part) && !behind.starts_with(is_part);
        whole.then_some((at, behind))
    })
}

fn identifier(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn line_of(code: &str, at: usize) -> usize {
    1 + code[..at].matches('\n').count()
}

/// The modules named behind `crate::`, alone or in braces, with the offset of each.
fn named_modules(code: &str) -> Vec<(usize, &str)> {
    let mut named = Vec::new();
    for (at, behind) in words(code, "crate") {
        let Some(behind) = behind.strip_prefix("::") else {
            continue;
        };
        let Some(group) = behind.strip_prefix('{') else {
            named.push((at, identifier(behind)));
            continue;
        };
        let (mut depth, mut part) = (0, 0);
        for (offset, byte) in group.bytes().enumerate() {
            match byte {
                b'{' => depth += 1,
                b',' | b'}' if depth == 0 => {
                    named.push((at, identifier(&group[part..offset])));
                    part = offset + 1;
                    if byte == b'}' {
                        break;
                    }
                }
                b'}' => depth -= 1,
                _ => {}
            }
        }
    }
    named.retain(|(_, name)| !name.is_empty());
    named
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let known: Vec<&str> = IMPORTS.iter().map(|(module, _)| *module).collect();
    let mut found = Vec::new();
    for source in sources() {
        let Some(module) = source.top_module().filter(|module| *module != "lib") else {
            continue;
        };
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == module) else {
            found.push(format!("{}: {module} is not in IMPORTS", source.path));
            continue;
        };
        for (at, name) in named_modules(&source.code) {
            // What lib.rs exports lies in none of them, and no module needs that door.
            let is_module = known.contains(&name);
            let is_test = !source.shipped[at.min(source.shipped.len())..].starts_with("crate");
            let is_allowed =
                name == module || allowed.contains(&name) || (is_test && name == "testing");
            if !(is_module && is_allowed) {
                let line = line_of(&source.code, at);
                found.push(format!("{}:{line}: {module} names {name}", source.path));
            }
        }
    }
    expect_none(
        &found,
        "A module knows only what lies below it. Move the code to where both may see it, or pass \
         what is needed as an argument; if the design is to change, change IMPORTS:",
    );
}

#[test]
fn no_module_climbs_out_by_super() {
    let mut found = Vec::new();
    for source in sources() {
        if source.top_module().is_none_or(|module| module == "lib") {
            continue;
        }
        for (at, behind) in words(&source.shipped, "super") {
            let climbs = 1 + climbs_behind(behind);
            let is_path = behind.starts_with("::") && !source.shipped[..at].ends_with("::");
            if is_path && climbs >= source.module_depth() {
                let line = line_of(&source.shipped, at);
                found.push(format!("{}:{line}", source.path));
            }
        }
    }
    expect_none(
        &found,
        "Write crate::... for what lies outside of the module:",
    );
}

/// How often `::super` follows directly.
fn climbs_behind(behind: &str) -> usize {
    let mut rest = behind;
    let mut count = 0;
    while let Some(next) = rest.strip_prefix("::super") {
        (rest, count) = (next, count + 1);
    }
    count
}

#[test]
fn foreign_crates_are_named_in_one_place() {
    let mut found = Vec::new();
    for source in sources() {
        for (name, home) in WRAPPED {
            let inside = !source.path.starts_with("src/") || source.path.starts_with(home);
            if inside || source.shipped.is_empty() {
                continue;
            }
            for (at, behind) in words(&source.shipped, name) {
                let imported = source.shipped[..at].trim_end().ends_with("use");
                if behind.starts_with("::") || imported {
                    let line = line_of(&source.shipped, at);
                    found.push(format!("{}:{line}: {name} belongs to {home}", source.path));
                }
            }
        }
    }
    expect_none(
        &found,
        "Use the type of ours that wraps the crate, or extend it:",
    );
}

#[test]
fn unsafe_code_stays_behind_its_fence() {
    let mut found = Vec::new();
    for source in sources() {
        let Some(module) = source.top_module() else {
            continue;
        };
        if module == "lib" || UNSAFE.contains(&module) {
            continue;
        }
        let top_file = [format!("src/{module}.rs"), format!("src/{module}/mod.rs")];
        if top_file.contains(&source.path) && !source.code.contains("#![forbid(unsafe_code)]") {
            found.push(format!("{}: has no #![forbid(unsafe_code)]", source.path));
        }
        for (at, _) in words(&source.code, "unsafe") {
            found.push(format!("{}:{}", source.path, line_of(&source.code, at)));
        }
    }
    expect_none(
        &found,
        "unsafe belongs to src/buf, src/ring and src/task, behind a safe interface that argues it:",
    );
}

#[test]
fn files_and_functions_stay_short() {
    let mut found = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        let named = LONG_FILES.iter().find(|(path, _)| *path == source.path);
        match named {
            _ if lines > FILE_LINES_MAX => {
                found.push(format!("{}: {lines} lines; split it", source.path));
            }
            None if lines > FILE_LINES_UNNAMED => found.push(format!(
                "{}: {lines} lines; split it by concept, or give the reason in LONG_FILES",
                source.path
            )),
            Some(_) if lines <= FILE_LINES_UNNAMED => found.push(format!(
                "{}: {lines} lines; take it out of LONG_FILES",
                source.path
            )),
            Some(_) | None => {}
        }
        // Tests may hold tables, which are longer and no harder to read.
        for (at, behind) in words(&source.shipped, "fn") {
            let name = identifier(behind);
            let lines = source.shipped[at..at + 2 + item_length_of(behind)]
                .lines()
                .count();
            if !name.is_empty() && lines > FUNCTION_LINES_MAX {
                let line = line_of(&source.code, at);
                found.push(format!("{}:{line}: {name} has {lines} lines", source.path));
            }
        }
    }
    expect_none(
        &found,
        "A file owns one concept, and a function fits on a screen: name the parts:",
    );
}

/// The length of a function, whose signature may hold array types with semicolons.
fn item_length_of(behind: &str) -> usize {
    let mut brackets = 0;
    let body = behind.bytes().position(|byte| {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            _ => {}
        }
        brackets == 0 && matches!(byte, b'{' | b';')
    });
    body.map_or(0, |start| start + source::item_length(&behind[start..]))
}

#[test]
fn every_file_says_what_it_owns() {
    let mute = |source: &Source| !source.text.starts_with("//! ");
    let found: Vec<String> = sources()
        .into_iter()
        .filter(mute)
        .map(|source| source.path)
        .collect();
    expect_none(
        &found,
        "The first line is //! and says what the file owns; what it must not know comes next:",
    );
}

#[test]
fn nothing_that_ships_gives_up_or_is_unfinished() {
    let mut found = Vec::new();
    for source in sources() {
        for sign in [".unwrap()", "todo!", "unimplemented!", "dbg!"] {
            for (at, _) in source.shipped.match_indices(sign) {
                let line = line_of(&source.shipped, at);
                found.push(format!("{}:{line}: {sign}", source.path));
            }
        }
    }
    expect_none(
        &found,
        "Return an error, or make the case impossible by a type; finish what is begun:",
    );
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Put together here, so that this file passes its own test.
    let homes = ["home", "root", "Users"].map(|folder| format!("/{folder}/"));
    let mut found = Vec::new();
    for source in source::all(root, &[".rs", ".toml", ".md", ".sh", ".lua", "run"]) {
        for (number, line) in source.text.lines().enumerate() {
            let places = homes.iter().map(String::as_str).chain(root.to_str());
            for place in places.filter(|place| line.contains(place)) {
                found.push(format!("{}:{}: {place}", source.path, number + 1));
            }
        }
    }
    expect_none(
        &found,
        "Paths are relative to the repository, or temporary:",
    );
}
