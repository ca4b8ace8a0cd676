//! Field lines into field blocks (RFC 7541, 6).
//!
//! Owns the choice of the shortest representation, the dynamic table of our encoder and the search
//! in it. Which lines are worth a place in the table is the caller's to say: it knows which values
//! come again.

use super::static_table::{self, CHUNK, Chunk, STATIC_LINES_COUNT, STATUS_200, StaticName};
use super::table::{Entry, LINE_OVERHEAD, TABLE_BYTES_INITIAL, Table};
use super::{huffman, integer};

/// The size of table that is used at most, however much a peer would keep.
///
/// The lines that the responses of one connection repeat are a few dozen, of under 100 bytes each. What
/// is beyond that would be memory of ours for each connection, at the choice of the peer.
const TABLE_BYTES_MAX: u32 = 4096;

/// A line that takes more than this share of the table is not inserted: it would evict most of
/// the others, which have shown to come again.
const LINE_SHARE: u32 = 2;

/// Lists of lines by their name, a power of two. A response has hardly more names than this.
const BUCKETS: usize = 32;

/// Whether a line may enter the dynamic table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// It may, as it will come again (RFC 7541, 6.2.1).
    Incremental,
    /// It need not: its value changes from response to response (RFC 7541, 6.2.2).
    Without,
    /// It must not, here or with any intermediary: its value is a secret that should not be
    /// guessed by the length of what is sent (RFC 7541, 6.2.3 and 7.1).
    Never,
}

/// What is known of a line in the table.
#[derive(Clone, Copy, Debug)]
struct Note {
    /// The static index of its name, 0 if it has none.
    static_index: u8,
    /// How many insertions earlier the line before it in its bucket came. Beyond the table if there
    /// is none.
    distance: u32,
}

/// The encoder of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    table: Table<Note>,
    /// For each bucket, how many lines had been inserted when the newest of its was.
    buckets: [u32; BUCKETS],
    /// The smallest size since the last block, while the peer has not been told (RFC 7541, 4.2).
    smallest_unsent: Option<u32>,
    revision: u32,
    /// Where a name is put into lower case.
    lower_case: Vec<u8>,
}

/// What is known of the name of a line that is looked for.
#[derive(Clone, Copy)]
struct Name<'a> {
    /// In any case.
    bytes: &'a [u8],
    /// Its index in the static table, 0 if it has none.
    static_index: u8,
    slot: usize,
}

/// What the tables have of a line.
enum Found {
    /// All of it, at this index.
    Line(u32),
    /// The name, at this index.
    Name(u32),
    Nothing,
}

impl Encoder {
    /// An encoder whose peer keeps a table of the initial size.
    pub(crate) fn new() -> Self {
        Self {
            table: Table::new(TABLE_BYTES_INITIAL),
            buckets: [0; BUCKETS],
            smallest_unsent: None,
            revision: 0,
            lower_case: Vec::new(),
        }
    }

    /// Takes the peer's SETTINGS_HEADER_TABLE_SIZE. The next block tells it what is made of it.
    pub(crate) fn limit_table(&mut self, peer_max: u32) {
        let size = peer_max.min(TABLE_BYTES_MAX);
        let unsent = self.smallest_unsent.unwrap_or(u32::MAX);
        if size == self.table.size_max() && self.smallest_unsent.is_none() {
            return;
        }
        self.smallest_unsent = Some(unsent.min(size));
        self.table.resize(size);
        self.revise();
    }

    /// Opens a block: tells the peer of changes of the table's size, if there were any. That counts
    /// as a change too, so that a block which begins with it is not taken for one to send again.
    #[inline]
    pub(crate) fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(smallest) = self.smallest_unsent.take() {
            if smallest < self.table.size_max() {
                integer::encode::<5>(0x20, smallest, out);
            }
            integer::encode::<5>(0x20, self.table.size_max(), out);
            self.revise();
        }
    }

    /// Changes whenever the table does: until then a block of indexed lines, and of literals that
    /// stay out of the table, means what it meant when it was made.
    #[inline]
    pub(crate) fn revision(&self) -> u32 {
        self.revision
    }

    /// The lines of the table, newest first; names are in the case in which they were inserted.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn table_lines(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.table.lines()
    }

    /// Appends `:status`. No status enters the table: the common ones are in the static table,
    /// the others are four bytes.
    #[inline]
    pub(crate) fn status(&mut self, code: u16, out: &mut Vec<u8>) {
        let index = match code {
            200 => STATUS_200,
            204 => 9,
            206 => 10,
            304 => 11,
            400 => 12,
            404 => 13,
            500 => 14,
            _ => {
                // Three digits, whatever the number.
                let digit = |unit: u16| b'0' + (code / unit % 10) as u8;
                out.extend_from_slice(&[STATUS_200, 3, digit(100), digit(10), digit(1)]);
                return;
            }
        };
        out.push(0x80 | index);
    }

    /// Appends a field line. `name` may have capital letters, which are sent in lower case.
    pub(crate) fn field(
        &mut self,
        name: &[u8],
        value: &[u8],
        indexing: Indexing,
        out: &mut Vec<u8>,
    ) {
        let slot = static_table::slot(name);
        if indexing == Indexing::Incremental
            && let Some(index) = self.find_as_written(name, value, slot)
        {
            return integer::encode::<7>(0x80, index, out);
        }
        let mut chunk: Chunk = [0; CHUNK];
        let static_index = match chunk.get_mut(..name.len()) {
            Some(short) => {
                short.copy_from_slice(name);
                chunk.make_ascii_lowercase();
                static_table::find_name(&chunk, name.len(), slot)
            }
            None => 0,
        };
        let name = Name {
            bytes: name,
            static_index,
            slot,
        };
        self.line(name, value, indexing, out);
    }

    /// Appends a field line whose name is known beforehand.
    pub(crate) fn known(
        &mut self,
        name: StaticName,
        value: &[u8],
        indexing: Indexing,
        out: &mut Vec<u8>,
    ) {
        let name = Name {
            bytes: name.text(),
            static_index: name.index,
            slot: usize::from(name.slot),
        };
        self.line(name, value, indexing, out);
    }

    fn line(&mut self, name: Name<'_>, value: &[u8], indexing: Indexing, out: &mut Vec<u8>) {
        let name_index = match self.find(name, value, indexing) {
            Found::Line(index) => return integer::encode::<7>(0x80, index, out),
            Found::Name(index) => index,
            Found::Nothing => 0,
        };
        let inserts = indexing == Indexing::Incremental && self.admits(name.bytes, value);
        match indexing {
            Indexing::Never => integer::encode::<4>(0x10, name_index, out),
            _ if inserts => integer::encode::<6>(0x40, name_index, out),
            _ => integer::encode::<4>(0x00, name_index, out),
        }
        if name_index == 0 {
            self.lower_case.clear();
            self.lower_case.extend_from_slice(name.bytes);
            self.lower_case.make_ascii_lowercase();
            string(&self.lower_case, out);
        }
        string(value, out);
        if inserts {
            self.insert(name, value);
        }
    }

    /// Finds a line that has been inserted with its name in the same case, as nearly all that are
    /// sent again have.
    #[inline]
    fn find_as_written(&self, name: &[u8], value: &[u8], slot: usize) -> Option<u32> {
        let mut age = self.newest(slot);
        while let Some(entry) = self.table.entry(age) {
            if self.table.is_line(entry, name, value) {
                return Some(index_of(age));
            }
            age = age.saturating_add(entry.note.distance);
        }
        None
    }

    /// Looks for a line. The dynamic table is searched where something may come of it.
    fn find(&self, name: Name<'_>, value: &[u8], indexing: Indexing) -> Found {
        let mut found = Found::Nothing;
        if name.static_index != 0 {
            found = Found::Name(name.static_index.into());
            if indexing == Indexing::Never {
                return found;
            }
            if let Some(index) = static_table::find_value(name.static_index, value) {
                return Found::Line(index.into());
            }
            if indexing == Indexing::Without {
                return found;
            }
        }
        let mut age = self.newest(name.slot);
        while let Some(entry) = self.table.entry(age) {
            if self.is_name(entry, name) {
                if indexing != Indexing::Never && self.table.is_value(entry, value) {
                    return Found::Line(index_of(age));
                }
                if let Found::Nothing = found {
                    found = Found::Name(index_of(age));
                }
            }
            age = age.saturating_add(entry.note.distance);
        }
        found
    }

    /// The age of the newest line of a slot; beyond the table if there is none.
    #[inline]
    fn newest(&self, slot: usize) -> u32 {
        let newest = self.buckets.get(slot % BUCKETS).copied().unwrap_or(0);
        self.table.inserted().wrapping_sub(newest)
    }

    #[inline]
    fn is_name(&self, entry: &Entry<Note>, name: Name<'_>) -> bool {
        entry.note.static_index == name.static_index
            && (name.static_index != 0 || self.table.is_name(entry, name.bytes))
    }

    /// Whether a line is small enough for the table.
    fn admits(&self, name: &[u8], value: &[u8]) -> bool {
        let size = name.len() + value.len() + LINE_OVERHEAD as usize;
        size <= (self.table.size_max() / LINE_SHARE) as usize
    }

    /// Inserts a line, with its name as it was written: it is only ever compared here.
    fn insert(&mut self, name: Name<'_>, value: &[u8]) {
        let inserted = self.table.inserted();
        let Some(newest) = self.buckets.get_mut(name.slot % BUCKETS) else {
            return;
        };
        let note = Note {
            static_index: name.static_index,
            distance: inserted.wrapping_sub(*newest).saturating_add(1),
        };
        self.table.insert(name.bytes, value, note);
        *newest = self.table.inserted();
        self.revise();
    }

    fn revise(&mut self) {
        self.revision = self.revision.wrapping_add(1);
    }
}

/// The index of a line of the dynamic table (RFC 7541, 2.3.3).
#[inline]
fn index_of(age: u32) -> u32 {
    STATIC_LINES_COUNT as u32 + 1 + age
}

/// Appends a string literal (RFC 7541, 5.2), in Huffman code if that is shorter.
fn string(text: &[u8], out: &mut Vec<u8>) {
    let len = match text {
        // A code has five bits at least, so these cannot get shorter.
        [] | [_] | [_, _] => text.len(),
        _ => huffman::encoded_len(text),
    };
    if len < text.len() {
        integer::encode::<7>(0x80, len as u32, out);
        huffman::encode(text, out);
    } else {
        integer::encode::<7>(0, text.len() as u32, out);
        out.extend_from_slice(text);
    }
}
