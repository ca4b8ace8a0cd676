//! The codec of HTTP/2's field blocks by itself.

use crate::hpack::{Bounds, Decoder, Encoder, Indexing, STATIC_LINES_COUNT, Verdict};

/// Wider than any block of a benchmark.
const BOUNDS: Bounds = Bounds {
    line_bytes_max: 16 * 1024,
    lines_max: 256,
    list_bytes_max: 64 * 1024,
};

/// Whether a name belongs to the protocol: the least that a reader must know of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pseudo,
    Field,
}

impl Verdict for Kind {
    const STATIC: [Self; STATIC_LINES_COUNT] = {
        let mut kinds = [Self::Field; STATIC_LINES_COUNT];
        let (pseudo, _) = kinds.split_at_mut(14);
        pseudo.copy_from_slice(&[Self::Pseudo; 14]);
        kinds
    };

    #[inline]
    fn of(name: &[u8], _: &[u8]) -> Self {
        match name.first() {
            Some(b':') => Self::Pseudo,
            _ => Self::Field,
        }
    }
}

/// Decodes the field blocks of one connection, one after another, into the same memory.
#[derive(Debug)]
pub struct BlockDecoder {
    decoder: Decoder<Kind>,
    arena: Vec<u8>,
}

impl BlockDecoder {
    /// A decoder whose table may have 4,096 bytes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            decoder: Decoder::new(4096),
            arena: Vec::with_capacity(16 * 1024),
        }
    }

    /// Decodes a block and says how many lines it has, those of the protocol first. `None` when it
    /// is refused.
    #[inline]
    pub fn decode(&mut self, block: &[u8]) -> Option<(usize, usize)> {
        self.arena.clear();
        let mut lines = (0, 0);
        let decoded = self
            .decoder
            .decode(block, &mut self.arena, &BOUNDS, |_, line| {
                match line.verdict {
                    Kind::Pseudo => lines.0 += 1,
                    Kind::Field => lines.1 += 1,
                }
            });
        decoded.is_ok().then_some(lines)
    }
}

impl Default for BlockDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// A field line, and whether it is worth a place in the table.
pub type BlockLine = (&'static str, &'static str, bool);

/// Encodes the field blocks of one connection, one after another.
#[derive(Debug)]
pub struct BlockEncoder {
    encoder: Encoder,
}

impl BlockEncoder {
    /// An encoder whose peer has a table of 4,096 bytes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            encoder: Encoder::new(),
        }
    }

    /// Appends the block of a response.
    #[inline]
    pub fn encode(&mut self, status: u16, lines: &[BlockLine], out: &mut Vec<u8>) {
        self.encoder.begin(out);
        self.encoder.status(status, out);
        for (name, value, comes_again) in lines {
            let indexing = if *comes_again {
                Indexing::Incremental
            } else {
                Indexing::Without
            };
            self.encoder
                .field(name.as_bytes(), value.as_bytes(), indexing, out);
        }
    }
}

impl Default for BlockEncoder {
    fn default() -> Self {
        Self::new()
    }
}
