//! The static table (RFC 7541, appendix A).
//!
//! Owns its lines, in a form that is appended with moves of a known size, and the search for a
//! name by its length and its outer letters.

/// How many lines there are: indices 1 to 61.
pub(crate) const STATIC_LINES_COUNT: usize = 61;

/// The lines, name and value, from index 1 on.
pub(crate) const STATIC_LINES: [(&str, &str); STATIC_LINES_COUNT] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// The index of the first `:status` line, 200.
pub(super) const STATUS_200: u8 = 8;

/// Room for the longest line, and for the longest name.
pub(super) const CHUNK: usize = 32;

/// A line, or a name, with zeros behind it.
pub(super) type Chunk = [u8; CHUNK];

/// A line as it is appended.
#[derive(Clone, Copy, Debug)]
pub(super) struct StaticLine {
    /// Name and value.
    pub(super) bytes: Chunk,
    pub(super) name_len: u8,
    pub(super) value_len: u8,
}

/// The line at `index`, from 1 on.
#[inline]
pub(super) fn line(index: u32) -> Option<&'static StaticLine> {
    LINES.get((index as usize).wrapping_sub(1))
}

static LINES: [StaticLine; STATIC_LINES_COUNT] = lines();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn lines() -> [StaticLine; STATIC_LINES_COUNT] {
    let empty = StaticLine {
        bytes: [0; CHUNK],
        name_len: 0,
        value_len: 0,
    };
    let mut lines = [empty; STATIC_LINES_COUNT];
    let mut at = 0;
    while at < STATIC_LINES_COUNT {
        let (name, value) = (STATIC_LINES[at].0.as_bytes(), STATIC_LINES[at].1.as_bytes());
        let line = &mut lines[at];
        put(&mut line.bytes, 0, name);
        put(&mut line.bytes, name.len(), value);
        line.name_len = name.len() as u8;
        line.value_len = value.len() as u8;
        at += 1;
    }
    lines
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn put(chunk: &mut Chunk, start: usize, bytes: &[u8]) {
    let mut at = 0;
    while at < bytes.len() {
        chunk[start + at] = bytes[at];
        at += 1;
    }
}

/// The size of the map of names, a power of two.
const SLOTS: usize = 128;

/// Where a name stands in a map of names, whatever its case: no two static names share a slot.
#[inline]
pub(super) const fn slot(name: &[u8]) -> usize {
    // The factors were found by trial; the map below does not compile with others that collide.
    match name {
        [first, .., last] => {
            let outer = (*first as usize | 0x20) * 54 + (*last as usize | 0x20) * 59;
            name.len().wrapping_mul(3).wrapping_add(outer) % SLOTS
        }
        _ => 0,
    }
}

/// A name of the static table.
#[derive(Clone, Copy, Debug)]
struct NameEntry {
    bytes: Chunk,
    /// The first index with this name; 0 where there is none.
    index: u8,
    len: u8,
}

static NAMES: [NameEntry; SLOTS] = NAMES_BY_SLOT;

const NAMES_BY_SLOT: [NameEntry; SLOTS] = names();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn names() -> [NameEntry; SLOTS] {
    let empty = NameEntry {
        bytes: [0; CHUNK],
        index: 0,
        len: 0,
    };
    let mut names = [empty; SLOTS];
    let mut at = 0;
    while at < STATIC_LINES_COUNT {
        let name = STATIC_LINES[at].0.as_bytes();
        let entry = &mut names[slot(name)];
        if entry.index == 0 {
            put(&mut entry.bytes, 0, name);
            entry.index = at as u8 + 1;
            entry.len = name.len() as u8;
        } else {
            // Lines of the same name lie side by side, so a slot that is taken is theirs.
            assert!(is_same(
                STATIC_LINES[entry.index as usize - 1].0.as_bytes(),
                name
            ));
        }
        at += 1;
    }
    names
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, rest_of_one @ ..], [b, rest_of_other @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (rest_of_one, rest_of_other);
    }
    one.is_empty() && other.is_empty()
}

/// A name of the static table that is known when the program is compiled, so that nothing needs to
/// be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StaticName {
    /// The first index with this name.
    pub(super) index: u8,
    pub(super) slot: u8,
}

impl StaticName {
    /// The name of this text, in lower case. Any other text does not compile in a constant.
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
    pub(crate) const fn of(text: &str) -> Self {
        let slot = slot(text.as_bytes());
        let index = NAMES_BY_SLOT[slot].index;
        assert!(
            index != 0
                && is_same(
                    STATIC_LINES[index as usize - 1].0.as_bytes(),
                    text.as_bytes()
                )
        );
        Self {
            index,
            slot: slot as u8,
        }
    }

    /// The text of the name.
    pub(super) fn text(self) -> &'static [u8] {
        let name = STATIC_LINES.get(usize::from(self.index).wrapping_sub(1));
        name.map_or(&[], |(name, _)| name.as_bytes())
    }
}

/// The first index of the lines with the name that `chunk` begins with, which has `len` bytes in
/// lower case and the slot that it must have; 0 if there is none.
#[inline]
pub(super) fn find_name(chunk: &Chunk, len: usize, slot: usize) -> u8 {
    match NAMES.get(slot) {
        Some(entry) if usize::from(entry.len) == len && entry.bytes == *chunk => entry.index,
        _ => 0,
    }
}

/// The index of the line with the name that is found first at `index`, and with this value.
#[inline]
pub(super) fn find_value(index: u8, value: &[u8]) -> Option<u8> {
    let last = match index {
        2 | 4 | 6 => index + 1,
        STATUS_200 => 14,
        16 => index,
        // The others have no value, and a name of their own.
        _ => return value.is_empty().then_some(index),
    };
    (index..=last).find(|index| {
        line(u32::from(*index)).is_some_and(|line| {
            let start = usize::from(line.name_len);
            usize::from(line.value_len) == value.len()
                && line.bytes.get(start..start + value.len()) == Some(value)
        })
    })
}
