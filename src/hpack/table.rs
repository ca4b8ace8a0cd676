//! The dynamic table (RFC 7541, 2.3.2 and 4).
//!
//! Owns the lines of one direction, in order of their insertion, the measure of them and their
//! eviction. The text of all lines lies in one ring of bytes, what is known of each in another, so
//! that a line costs no allocation. Both rings grow as lines come, up to what the size admits: a
//! connection that never fills its table never pays for it. Knows no representation.

/// What a line takes beyond its text, in a table (RFC 7541, 4.1) and in a list of lines (RFC 9113,
/// 6.5.2).
pub(super) const LINE_OVERHEAD: u32 = 32;

/// The size that a table has before anything is said about it (RFC 9113, 6.5.2).
pub(super) const TABLE_BYTES_INITIAL: u32 = 4096;

/// The first sizes of the rings: room for the lines of an ordinary request.
const TEXT_BYTES_MIN: usize = 512;
const ENTRIES_MIN: usize = 8;

/// Bytes that are moved at once.
const CHUNK: usize = 32;

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<T> {
    /// Where its name begins in the ring of text; the value follows.
    start: u32,
    pub(super) name_len: u32,
    pub(super) value_len: u32,
    /// What the owner of the table keeps with it.
    pub(super) note: T,
}

impl<T> Entry<T> {
    /// The bytes of name and value.
    #[inline]
    pub(super) fn text_len(&self) -> u32 {
        self.name_len + self.value_len
    }

    /// The size of the line (RFC 7541, 4.1).
    #[inline]
    pub(super) fn size(&self) -> u32 {
        self.text_len() + LINE_OVERHEAD
    }
}

/// A dynamic table, whose lines carry a note each.
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    /// A ring; its length is a power of two, or 0.
    text: Vec<u8>,
    /// Where the next line's text goes.
    text_end: usize,
    /// A ring; its length is a power of two, or 0.
    entries: Vec<Entry<T>>,
    /// How many lines have been inserted so far, modulo 2^32: the newest lies before this place.
    inserted: u32,
    /// How many lines there are.
    count: u32,
    size: u32,
    size_max: u32,
}

impl<T: Copy> Table<T> {
    /// An empty table, which takes no memory yet.
    pub(super) fn new(size_max: u32) -> Self {
        Self {
            text: Vec::new(),
            text_end: 0,
            entries: Vec::new(),
            inserted: 0,
            count: 0,
            size: 0,
            size_max,
        }
    }

    /// The maximum size that is in force.
    #[inline]
    pub(super) fn size_max(&self) -> u32 {
        self.size_max
    }

    /// The size of all lines.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// The sizes of the rings, of text in bytes and of entries.
    #[cfg(test)]
    pub(super) fn rings(&self) -> (usize, usize) {
        (self.text.capacity(), self.entries.capacity())
    }

    /// The lines, newest first.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn lines(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let entries = (0..self.count).filter_map(|age| self.entry(age));
        entries
            .map(|entry| {
                let mut name = Vec::new();
                self.append_line(entry, &mut name);
                let value = name.split_off(entry.name_len as usize);
                (name, value)
            })
            .collect()
    }

    /// How many lines have ever been inserted, modulo 2^32.
    #[inline]
    pub(super) fn inserted(&self) -> u32 {
        self.inserted
    }

    /// The line that was inserted as the last but `age`.
    #[inline]
    pub(super) fn entry(&self, age: u32) -> Option<&Entry<T>> {
        if age >= self.count {
            return None;
        }
        self.entries.get(self.place(age))
    }

    #[inline]
    fn place(&self, age: u32) -> usize {
        let place = self.inserted.wrapping_sub(1).wrapping_sub(age) as usize;
        place & self.entries.len().wrapping_sub(1)
    }

    /// Appends name and value of a line of this table.
    #[inline]
    pub(super) fn append_line(&self, entry: &Entry<T>, out: &mut Vec<u8>) {
        self.append(entry.start, entry.text_len(), out);
    }

    /// Appends the name of a line of this table.
    #[inline]
    pub(super) fn append_name(&self, entry: &Entry<T>, out: &mut Vec<u8>) {
        self.append(entry.start, entry.name_len, out);
    }

    #[inline]
    fn append(&self, start: u32, len: u32, out: &mut Vec<u8>) {
        let (start, len) = (start as usize, len as usize);
        // Most texts are short: a move of a known size is several times faster than one of the
        // right size.
        if len <= CHUNK
            && let Some(chunk) = self.text.get(start..start + CHUNK)
        {
            let end = out.len() + len;
            out.extend_from_slice(chunk);
            out.truncate(end);
            return;
        }
        match self.text.get(start..start + len) {
            Some(whole) => out.extend_from_slice(whole),
            None => self.append_pieces(start, len, out),
        }
    }

    #[cold]
    #[inline(never)]
    fn append_pieces(&self, start: usize, len: usize, out: &mut Vec<u8>) {
        let (head, tail) = self.pieces(start, len);
        out.extend_from_slice(head);
        out.extend_from_slice(tail);
    }

    /// A text of the ring, in two pieces where it passes its end.
    #[inline]
    fn pieces(&self, start: usize, len: usize) -> (&[u8], &[u8]) {
        if let Some(whole) = self.text.get(start..start + len) {
            return (whole, &[]);
        }
        let head = self.text.get(start..).unwrap_or_default();
        let tail = self.text.get(..len - head.len()).unwrap_or_default();
        (head, tail)
    }

    /// Whether name and value of this line are these, byte for byte.
    #[inline]
    pub(super) fn is_line(&self, entry: &Entry<T>, name: &[u8], value: &[u8]) -> bool {
        if entry.name_len as usize != name.len() || entry.value_len as usize != value.len() {
            return false;
        }
        let start = entry.start as usize;
        match self.text.get(start..start + name.len() + value.len()) {
            Some(text) => text
                .split_at_checked(name.len())
                .is_some_and(|(n, v)| is_same(n, name) && is_same(v, value)),
            None => self.is_name(entry, name) && self.is_value(entry, value),
        }
    }

    /// Whether the value of this line is `value`.
    #[inline]
    pub(super) fn is_value(&self, entry: &Entry<T>, value: &[u8]) -> bool {
        if entry.value_len as usize != value.len() {
            return false;
        }
        let start = entry.start as usize + entry.name_len as usize;
        let start = start & self.text.len().wrapping_sub(1);
        let (head, tail) = self.pieces(start, value.len());
        value
            .split_at_checked(head.len())
            .is_some_and(|(h, t)| is_same(h, head) && is_same(t, tail))
    }

    /// Whether the name of this line is `name`, whatever the case of either.
    pub(super) fn is_name(&self, entry: &Entry<T>, name: &[u8]) -> bool {
        if entry.name_len as usize != name.len() {
            return false;
        }
        let (head, tail) = self.pieces(entry.start as usize, name.len());
        name.split_at_checked(head.len())
            .is_some_and(|(h, t)| h.eq_ignore_ascii_case(head) && t.eq_ignore_ascii_case(tail))
    }

    /// Changes the maximum size and evicts what is beyond it (RFC 7541, 4.3).
    pub(super) fn resize(&mut self, size_max: u32) {
        self.size_max = size_max;
        self.evict_to(size_max);
    }

    /// Evicts the oldest lines until the size is `size` at most.
    fn evict_to(&mut self, size: u32) {
        while self.size > size {
            let Some(oldest) = self.entry(self.count.wrapping_sub(1)) else {
                return;
            };
            self.size -= oldest.size();
            self.count -= 1;
        }
    }

    /// Inserts a line and evicts older ones to make room for it. One that is larger than the whole
    /// table empties it and is not inserted (RFC 7541, 4.4).
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8], note: T) {
        // Beyond 32 bits it is larger than any table.
        let text_len = u32::try_from(name.len() + value.len()).unwrap_or(u32::MAX);
        let room = self
            .size_max
            .checked_sub(text_len)
            .and_then(|room| room.checked_sub(LINE_OVERHEAD));
        self.evict_to(room.unwrap_or(0));
        if room.is_none() {
            return;
        }
        self.reserve_text(text_len as usize);
        let start = self.text_end as u32;
        self.write(name);
        self.write(value);
        let entry = Entry {
            start,
            name_len: name.len() as u32,
            value_len: value.len() as u32,
            note,
        };
        self.push(entry);
    }

    fn push(&mut self, entry: Entry<T>) {
        if self.count as usize == self.entries.len() {
            self.grow_entries(entry);
        }
        self.inserted = self.inserted.wrapping_add(1);
        self.count += 1;
        self.size += entry.size();
        let place = self.place(0);
        if let Some(slot) = self.entries.get_mut(place) {
            *slot = entry;
        }
    }

    /// Doubles the ring of entries. `filler` takes the places that are free.
    fn grow_entries(&mut self, filler: Entry<T>) {
        let len = (self.entries.len() * 2).max(ENTRIES_MIN);
        let mut grown = Vec::with_capacity(len);
        grown.resize(len, filler);
        for age in 0..self.count {
            let place = self.inserted.wrapping_sub(1).wrapping_sub(age) as usize & (len - 1);
            if let (Some(slot), Some(entry)) = (grown.get_mut(place), self.entry(age)) {
                *slot = *entry;
            }
        }
        self.entries = grown;
    }

    /// The bytes of text that are in use.
    fn text_len(&self) -> usize {
        (self.size - self.count * LINE_OVERHEAD) as usize
    }

    /// Makes room for `len` bytes more. What is in use and these fit the maximum size, so the ring
    /// stays below twice that.
    fn reserve_text(&mut self, len: usize) {
        let used = self.text_len();
        if used + len <= self.text.len() {
            return;
        }
        let mut grown = Vec::new();
        let grown_len = (used + len).next_power_of_two().max(TEXT_BYTES_MIN);
        grown.reserve_exact(grown_len);
        // The lines keep their order, oldest first, and lie at the front now.
        for age in (0..self.count).rev() {
            let start = grown.len() as u32;
            if let Some(entry) = self.entry(age) {
                self.append_line(entry, &mut grown);
            }
            let place = self.place(age);
            if let Some(entry) = self.entries.get_mut(place) {
                entry.start = start;
            }
        }
        // Before the end, as there is room for another text.
        self.text_end = grown.len();
        grown.resize(grown_len, 0);
        self.text = grown;
    }

    /// Puts bytes behind the last line's; there is room for them.
    fn write(&mut self, bytes: &[u8]) {
        let to_end = self.text.len() - self.text_end;
        let (head, tail) = bytes.split_at(to_end.min(bytes.len()));
        let end = self.text_end + head.len();
        if let Some(slot) = self.text.get_mut(self.text_end..end) {
            slot.copy_from_slice(head);
        }
        if let Some(slot) = self.text.get_mut(..tail.len()) {
            slot.copy_from_slice(tail);
        }
        self.text_end = (self.text_end + bytes.len()) & self.text.len().wrapping_sub(1);
    }
}

/// Whether two texts are the same. Most are short, for which two loads of a known size that may
/// overlap are faster than a call.
#[inline]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        0..4 => one.iter().eq(other),
        4..8 => have_same_ends::<4>(one, other),
        8..16 => have_same_ends::<8>(one, other),
        16..=32 => have_same_ends::<16>(one, other),
        _ => one == other,
    }
}

#[inline]
fn have_same_ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<N>() == other.first_chunk() && one.last_chunk::<N>() == other.last_chunk()
}
