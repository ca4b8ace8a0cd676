//! Source files as the layout test sees them: where they lie, their text, and their code without
//! comments, literals and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the repository.
pub(crate) struct Source {
    /// Relative to the root of the repository.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// The text with comments and the inside of literals blanked; lines stay where they are.
    pub(crate) code: String,
    /// The code with tests blanked too; empty for files that hold nothing else.
    pub(crate) shipped: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
        let path = path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let code = without_comments_and_literals(&text);
        let shipped = if is_test(&path) {
            String::new()
        } else {
            without_tests(&code)
        };
        Self {
            path,
            text,
            code,
            shipped,
        }
    }

    /// The module below the crate root that the file belongs to, for files of the library.
    pub(crate) fn top_module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// How deep the file's module lies below the crate root.
    pub(crate) fn module_depth(&self) -> usize {
        let depth = self.path.split('/').count() - 1;
        depth - usize::from(self.path.ends_with("/mod.rs"))
    }
}

/// Every file with one of these endings below the places of the repository that hold our own.
pub(crate) fn all(root: &Path, endings: &[&str]) -> Vec<Source> {
    const PLACES: [&str; 10] = [
        "src", "tests", "examples", "benches", "bench", "loadtest", "fuzz", "perf", "docs", ".ci",
    ];
    let mut files: Vec<PathBuf> = entries(root).filter(|path| path.is_file()).collect();
    for place in PLACES.map(|place| root.join(place)) {
        if place.is_dir() {
            collect(&place, &mut files);
        }
    }
    files.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        endings.iter().any(|ending| name.ends_with(ending))
    });
    files.sort();
    files.iter().map(|path| Source::read(root, path)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_file() {
            files.push(path);
        } else if !path.ends_with("target") {
            collect(&path, files);
        }
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
}

/// Whether a file holds nothing that ships: tests, and what only tests and benchmarks use.
fn is_test(path: &str) -> bool {
    let support = ["tests/", "benches/", "fuzz/", "src/testing/"];
    support.iter().any(|place| path.starts_with(place))
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
}

/// Blanks every item that is compiled for tests, or with the feature `testing`, only.
fn without_tests(code: &str) -> String {
    // The second is open at its end, because the name of the feature is a literal.
    const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(any(test, feature = "];
    let mut kept = code.to_owned();
    for mark in MARKS {
        while let Some(start) = kept.find(mark) {
            let end = start + item_length(&kept[start..]);
            let blank = blanked(&kept[start..end]);
            kept.replace_range(start..end, &blank);
        }
    }
    kept
}

/// The length of the item at the front of `code`: to its semicolon or its closing brace.
pub(crate) fn item_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Spaces in place of everything but line ends; other bytes of a character go, columns do not
/// matter.
fn blanked(text: &str) -> String {
    text.chars()
        .map(|character| if character == '\n' { '\n' } else { ' ' })
        .collect()
}

fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let blank = comment_length(rest).or_else(|| literal_length(rest, &code));
        let length = blank.unwrap_or(first.len_utf8());
        let (piece, behind) = rest.split_at(length);
        if blank.is_some() {
            code.push_str(&blanked(piece));
        } else {
            code.push_str(piece);
        }
        rest = behind;
    }
    code
}

fn comment_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(at)
}

/// The length of the string or character at the front of `rest`. A raw string is known by what
/// stands before it.
fn literal_length(rest: &str, before: &str) -> Option<usize> {
    if let Some(inside) = rest.strip_prefix('"') {
        let opening = before.trim_end_matches('#');
        if !opening.ends_with('r') {
            return Some(quoted_length(rest, b'"'));
        }
        let end = format!("\"{}", &before[opening.len()..]);
        let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
        return Some(1 + length);
    }
    if !rest.starts_with('\'') {
        return None;
    }
    let mut inside = rest[1..].chars();
    let first = inside.next()?;
    // Anything else that begins with an apostrophe is a lifetime or a label.
    (first == '\\' || inside.next() == Some('\'')).then(|| quoted_length(rest, b'\''))
}

fn quoted_length(rest: &str, quote: u8) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[test]
fn comments_literals_and_tests_are_blanked() {
    let text = concat!(
        "fn a<'a>(x: &'a str) { b('{', \"}\\\"\"); } // unsafe\n",
        "/* one /* two */ fn c() {} */ const D: &str = r#\"\"fn e\"#;\n",
        "#[cfg(test)]\nmod tests {\n    fn f() { if g {} }\n}\nfn h() {}\n",
    );
    let code = without_comments_and_literals(text);
    assert_eq!(code.matches("fn ").count(), 3, "{code}");
    assert_eq!(code.matches('{').count(), code.matches('}').count());
    assert!(!code.contains("unsafe"));
    let shipped = without_tests(&code);
    assert!(shipped.contains("fn a") && shipped.contains("fn h"));
    assert!(!shipped.contains("fn f"));
    assert_eq!(shipped.lines().count(), text.lines().count());
}
