//! Field blocks into field lines (RFC 7541, 3.2 and 6).
//!
//! Owns the representations as they are read, the dynamic table of the peer's encoder, and the
//! bounds that keep a small block from becoming a large list. What a line means, and what softer
//! limits do with it, is the caller's: it gets each line as soon as it is there.

use super::error::DecodeError;
use super::static_table::{self, STATIC_LINES_COUNT, StaticLine};
use super::table::{Entry, LINE_OVERHEAD, TABLE_BYTES_INITIAL, Table};
use super::{huffman, integer};

/// Table size updates at the start of a block: the smallest size since the last block, and the
/// last one (RFC 7541, 4.2).
const SIZE_UPDATES_MAX: usize = 2;

/// What the user of a decoder makes of a field line. It is found once for each entry of the
/// tables, not once for each request.
pub(crate) trait Verdict: Copy {
    /// The verdicts on the lines of the static table, in its order.
    const STATIC: [Self; STATIC_LINES_COUNT];

    /// Judges a line.
    fn of(name: &[u8], value: &[u8]) -> Self;

    /// Whether the text of a line of the tables is to be decoded. Of one that is not, the lengths
    /// are told all the same.
    #[inline]
    fn wants_text(self) -> bool {
        true
    }
}

/// A decoded field line, whose name and value lie in the caller's arena, one behind the other, if
/// its text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<V> {
    /// Where the name begins.
    pub(crate) start: u32,
    /// The bytes of the name.
    pub(crate) name_len: u32,
    /// The bytes of the value.
    pub(crate) value_len: u32,
    /// What the caller makes of it.
    pub(crate) verdict: V,
    /// Whether an intermediary must not let it be indexed either (RFC 7541, 6.2.3).
    pub(crate) never_indexed: bool,
    /// The size of the list up to here.
    pub(crate) list: ListSize,
}

/// A literal line as it was decoded.
struct Literal<V> {
    name_len: u32,
    value_len: u32,
    verdict: V,
}

/// What one block may hold at most. These are bounds against attacks and end the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes of name and value of one line.
    pub(crate) line_bytes_max: u32,
    /// Lines of a block.
    pub(crate) lines_max: u32,
    /// The size of all lines (RFC 9113, 6.5.2), so 32 bytes for each on top of its text.
    pub(crate) list_bytes_max: u32,
}

/// The decoder of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Decoder<V> {
    table: Table<V>,
    /// What our SETTINGS_HEADER_TABLE_SIZE says.
    setting: u32,
    /// The size that the peer may choose at most.
    table_bytes_max: u32,
}

/// How large a list is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListSize {
    /// Its lines.
    pub(crate) lines: u32,
    /// Their size (RFC 9113, 6.5.2).
    pub(crate) bytes: u64,
}

impl ListSize {
    /// Adds a line of so many bytes of text.
    #[inline(always)]
    fn add(&mut self, text_len: u32, bounds: &Bounds) -> Result<(), DecodeError> {
        if text_len > bounds.line_bytes_max {
            return Err(DecodeError::LineTooLong);
        }
        if self.lines >= bounds.lines_max {
            return Err(DecodeError::TooManyLines);
        }
        self.lines += 1;
        // Neither overflows 64 bits.
        self.bytes += u64::from(text_len) + u64::from(LINE_OVERHEAD);
        if self.bytes > u64::from(bounds.list_bytes_max) {
            return Err(DecodeError::ListTooLarge);
        }
        Ok(())
    }
}

impl<V: Verdict> Decoder<V> {
    /// A decoder with an empty table, which takes no memory before the peer's lines do.
    ///
    /// `setting` is what our SETTINGS_HEADER_TABLE_SIZE says. A peer's table has the initial size
    /// of 4,096 bytes until it tells us of another, and a smaller setting binds it only once
    /// it has [acknowledged](Self::acknowledged) that.
    pub(crate) fn new(setting: u32) -> Self {
        Self {
            table: Table::new(TABLE_BYTES_INITIAL),
            setting,
            table_bytes_max: setting.max(TABLE_BYTES_INITIAL),
        }
    }

    /// The peer has acknowledged our setting. If its table is larger, its next block must say that
    /// it is not any more (RFC 9113, 4.3.1).
    pub(crate) fn acknowledged(&mut self) {
        self.table_bytes_max = self.setting;
    }

    /// A decoder whose peer has acknowledged the setting and taken a table of just that size.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn with_table(setting: u32) -> Self {
        Self {
            table: Table::new(setting),
            setting,
            table_bytes_max: setting,
        }
    }

    /// Decodes a whole field block, and says how large its list is.
    ///
    /// Name and value of each line whose text is wanted are appended to `arena`; then `sink` gets
    /// the line, and may truncate the arena again. After an error the table is out of step with the
    /// peer's: the decoder must not be used again.
    pub(crate) fn decode(
        &mut self,
        block: &[u8],
        arena: &mut Vec<u8>,
        bounds: &Bounds,
        mut sink: impl FnMut(&mut Vec<u8>, Line<V>),
    ) -> Result<ListSize, DecodeError> {
        // Where a line begins must fit 32 bits.
        let offsets_left = u32::MAX.saturating_sub(u32::try_from(arena.len()).unwrap_or(u32::MAX));
        let bounds = Bounds {
            list_bytes_max: bounds.list_bytes_max.min(offsets_left),
            ..*bounds
        };
        let mut list = ListSize::default();
        let mut input = self.size_updates(block)?;
        while let Some((&first, rest)) = input.split_first() {
            // Bounded above, as the sink appends nothing.
            let start = arena.len() as u32;
            input = rest;
            let (name_len, value_len, verdict);
            let mut never_indexed = false;
            if first & 0x80 != 0 {
                // An indexed field line (RFC 7541, 6.1).
                let index = integer::decode::<7>(first, &mut input)?;
                let place = (index as usize).wrapping_sub(1);
                if let Some(found) = V::STATIC.get(place)
                    && let Some(line) = static_table::line(index)
                {
                    (name_len, value_len) = (line.name_len.into(), line.value_len.into());
                    verdict = *found;
                    list.add(name_len + value_len, &bounds)?;
                    if verdict.wants_text() {
                        append_static(line, line.name_len + line.value_len, arena);
                    }
                } else {
                    let entry = self.dynamic(index)?;
                    (name_len, value_len) = (entry.name_len, entry.value_len);
                    verdict = entry.note;
                    list.add(name_len + value_len, &bounds)?;
                    if verdict.wants_text() {
                        self.table.append_line(entry, arena);
                    }
                }
            } else if first & 0x60 != 0x20 {
                let literal = self.literal(first, &mut input, arena, bounds.line_bytes_max)?;
                (name_len, value_len) = (literal.name_len, literal.value_len);
                verdict = literal.verdict;
                never_indexed = first & 0x50 == 0x10;
                list.add(name_len + value_len, &bounds)?;
            } else {
                return Err(DecodeError::SizeUpdateLate);
            }
            let line = Line {
                start,
                name_len,
                value_len,
                verdict,
                never_indexed,
                list,
            };
            sink(arena, line);
        }
        Ok(list)
    }

    /// The size of the table, by the measure of RFC 7541, 4.1.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn table_bytes(&self) -> u32 {
        self.table.size()
    }

    /// The lines of the table, newest first.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn table_lines(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.table.lines()
    }

    /// Dynamic table size updates (RFC 7541, 6.3), which may only open a block. Returns the rest.
    #[inline]
    fn size_updates<'a>(&mut self, block: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        let opens = block.first().is_some_and(|first| first & 0xe0 == 0x20);
        if opens || self.table.size_max() > self.table_bytes_max {
            self.take_size_updates(block)
        } else {
            Ok(block)
        }
    }

    #[cold]
    #[inline(never)]
    fn take_size_updates<'a>(&mut self, block: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        let mut input = block;
        let mut count = 0;
        while let Some((&first, rest)) = input.split_first()
            && first & 0xe0 == 0x20
        {
            count += 1;
            if count > SIZE_UPDATES_MAX {
                return Err(DecodeError::SizeUpdateRepeated);
            }
            input = rest;
            let size = integer::decode::<5>(first, &mut input)?;
            if size > self.table_bytes_max {
                return Err(DecodeError::SizeUpdateTooLarge);
            }
            self.table.resize(size);
        }
        if self.table.size_max() > self.table_bytes_max {
            return Err(DecodeError::SizeUpdateMissing);
        }
        Ok(input)
    }

    /// The line of the dynamic table at `index`, which is beyond the static one or 0.
    #[inline]
    fn dynamic(&self, index: u32) -> Result<&Entry<V>, DecodeError> {
        let Some(age) = index.checked_sub(STATIC_LINES_COUNT as u32 + 1) else {
            return Err(DecodeError::IndexZero);
        };
        self.table.entry(age).ok_or(DecodeError::IndexBeyondTables)
    }

    /// A literal field line, with or without indexing (RFC 7541, 6.2), which is taken off the input.
    /// It is kept out of the way of indexed lines, which are most of all.
    #[inline(never)]
    fn literal(
        &mut self,
        first: u8,
        input: &mut &[u8],
        arena: &mut Vec<u8>,
        len_max: u32,
    ) -> Result<Literal<V>, DecodeError> {
        let start = arena.len();
        let is_indexed = first & 0x40 != 0;
        let name = if is_indexed {
            integer::decode::<6>(first, input)?
        } else {
            integer::decode::<4>(first, input)?
        };
        let name_len = if name == 0 {
            new_name(input, arena, len_max)?
        } else {
            self.append_name(name, arena, len_max)?
        };
        let value_len = string(input, arena, len_max - name_len)?;
        let text = arena.get(start..).unwrap_or_default();
        let (name, value) = text.split_at_checked(name_len as usize).unwrap_or_default();
        let verdict = V::of(name, value);
        if is_indexed {
            self.table.insert(name, value, verdict);
        }
        Ok(Literal {
            name_len,
            value_len,
            verdict,
        })
    }

    /// Appends the name of the line at `index`, which is not 0, and says how long it is.
    #[inline]
    fn append_name(
        &self,
        index: u32,
        arena: &mut Vec<u8>,
        len_max: u32,
    ) -> Result<u32, DecodeError> {
        if let Some(line) = static_table::line(index) {
            let len = u32::from(line.name_len);
            if len > len_max {
                return Err(DecodeError::LineTooLong);
            }
            append_static(line, line.name_len, arena);
            return Ok(len);
        }
        let entry = self.dynamic(index)?;
        if entry.name_len > len_max {
            return Err(DecodeError::LineTooLong);
        }
        self.table.append_name(entry, arena);
        Ok(entry.name_len)
    }
}

/// Appends the first `len` bytes of a static line. The move is of a known size, which is several
/// times faster than one of the right size.
#[inline]
fn append_static(line: &StaticLine, len: u8, arena: &mut Vec<u8>) {
    let end = arena.len() + usize::from(len);
    arena.extend_from_slice(&line.bytes);
    arena.truncate(end);
}

/// Appends a string literal (RFC 7541, 5.2) of at most `len_max` bytes, which is taken off the
/// input, and says how long it is.
#[inline(always)]
fn string(input: &mut &[u8], arena: &mut Vec<u8>, len_max: u32) -> Result<u32, DecodeError> {
    let (&first, rest) = input.split_first().ok_or(DecodeError::Truncated)?;
    *input = rest;
    let len = integer::decode::<7>(first, input)?;
    let (text, rest) = input
        .split_at_checked(len as usize)
        .ok_or(DecodeError::Truncated)?;
    *input = rest;
    if first & 0x80 == 0 {
        if len > len_max {
            return Err(DecodeError::LineTooLong);
        }
        arena.extend_from_slice(text);
        return Ok(len);
    }
    // It comes out at most 1.6 times as long as it has been received.
    let start = arena.len();
    huffman::decode(text, arena)?;
    match u32::try_from(arena.len() - start) {
        Ok(len) if len <= len_max => Ok(len),
        _ => Err(DecodeError::LineTooLong),
    }
}

/// [`string`] for a name, which hardly any literal line has: most take one of the tables.
#[inline(never)]
fn new_name(input: &mut &[u8], arena: &mut Vec<u8>, len_max: u32) -> Result<u32, DecodeError> {
    string(input, arena, len_max)
}
