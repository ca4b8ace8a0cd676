//! The format of the case files.
//!
//! A case is a heading `## name`, an input between two fences, and one event a line. A line of the
//! input ends with CRLF, unless it ends with a backslash. Within a line `\r`, `\n`, `\t`, `\xHH`
//! and `\\` stand for bytes, and `\{x*N}` for N times the text `x`.

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) input: Vec<u8>,
    pub(super) events: Vec<String>,
}

impl Case {
    pub(super) fn all(file: &'static str) -> Vec<Self> {
        let cases: Vec<Self> = file.split("\n## ").skip(1).map(Self::parse).collect();
        assert!(!cases.is_empty());
        cases
    }

    fn parse(text: &'static str) -> Self {
        let (name, rest) = text.split_once('\n').unwrap();
        let (_, rest) = rest.split_once("```\n").unwrap();
        let (input, events) = rest.split_once("```\n").unwrap();
        Self {
            name,
            input: input.lines().flat_map(unescape).collect(),
            events: events
                .lines()
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        rest = match escape.chars().next() {
            // A backslash at the end: the line goes on.
            None => return bytes,
            Some('r') => push(&mut bytes, b'\r', escape),
            Some('n') => push(&mut bytes, b'\n', escape),
            Some('t') => push(&mut bytes, b'\t', escape),
            Some('\\') => push(&mut bytes, b'\\', escape),
            Some('x') => {
                bytes.push(u8::from_str_radix(&escape[1..3], 16).unwrap());
                &escape[3..]
            }
            Some('{') => {
                let (repeat, behind) = escape[1..].split_once('}').unwrap();
                let (text, count) = repeat.rsplit_once('*').unwrap();
                let text = unescape(&format!("{text}\\"));
                bytes.extend_from_slice(&text.repeat(count.parse().unwrap()));
                behind
            }
            Some(other) => panic!("unknown escape {other:?} in {line:?}"),
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn push<'a>(bytes: &mut Vec<u8>, byte: u8, escape: &'a str) -> &'a str {
    bytes.push(byte);
    &escape[1..]
}
