//! What can be wrong with a field block.
//!
//! Owns the violations and their names. What a connection does about one is not decided here:
//! after any of them the table is out of step with the peer's, so the connection cannot go on.

/// A field block that cannot be decoded, or is too much.
///
/// Each is a connection error: COMPRESSION_ERROR (RFC 9113, 4.3) unless [`DecodeError::is_bound`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DecodeError {
    /// The block ends within a field line (RFC 7541, 3.1; RFC 9113, 4.3).
    Truncated,
    /// An integer above 2^32 - 1 (RFC 7541, 5.1).
    IntegerTooLarge,
    /// An integer in more bytes than any of 32 bits needs (RFC 7541, 5.1).
    IntegerTooLong,
    /// Index 0 where a line is meant (RFC 7541, 6.1).
    IndexZero,
    /// An index beyond both tables (RFC 7541, 2.3.3).
    IndexBeyondTables,
    /// The end-of-string symbol within a string (RFC 7541, 5.2).
    HuffmanEos,
    /// A string padded with more than 7 bits (RFC 7541, 5.2).
    HuffmanPaddingTooLong,
    /// A string that ends within a code, or is padded with other bits than ones (RFC 7541, 5.2).
    HuffmanPaddingNotOnes,
    /// A table size update behind a field line (RFC 7541, 4.2).
    SizeUpdateLate,
    /// More than two table size updates (RFC 7541, 4.2).
    SizeUpdateRepeated,
    /// A table size above SETTINGS_HEADER_TABLE_SIZE (RFC 7541, 6.3).
    SizeUpdateTooLarge,
    /// No table size update, though the table is larger than a setting that the peer has
    /// acknowledged (RFC 9113, 4.3.1).
    SizeUpdateMissing,
    /// Name and value of a line are longer than the bound.
    LineTooLong,
    /// More lines than the bound.
    TooManyLines,
    /// A larger list than the bound, by the measure of RFC 9113, 6.5.2.
    ListTooLarge,
}

impl DecodeError {
    /// Every one of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 15] = [
        Self::Truncated,
        Self::IntegerTooLarge,
        Self::IntegerTooLong,
        Self::IndexZero,
        Self::IndexBeyondTables,
        Self::HuffmanEos,
        Self::HuffmanPaddingTooLong,
        Self::HuffmanPaddingNotOnes,
        Self::SizeUpdateLate,
        Self::SizeUpdateRepeated,
        Self::SizeUpdateTooLarge,
        Self::SizeUpdateMissing,
        Self::LineTooLong,
        Self::TooManyLines,
        Self::ListTooLarge,
    ];

    /// Whether the block is well-formed as far as it was read, but passes one of the
    /// [`Bounds`](super::Bounds).
    pub(crate) const fn is_bound(self) -> bool {
        matches!(
            self,
            Self::LineTooLong | Self::TooManyLines | Self::ListTooLarge
        )
    }

    /// The name under which it is counted and logged.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "hpack_truncated",
            Self::IntegerTooLarge => "hpack_integer_too_large",
            Self::IntegerTooLong => "hpack_integer_too_long",
            Self::IndexZero => "hpack_index_zero",
            Self::IndexBeyondTables => "hpack_index_beyond_tables",
            Self::HuffmanEos => "hpack_huffman_eos",
            Self::HuffmanPaddingTooLong => "hpack_huffman_padding_too_long",
            Self::HuffmanPaddingNotOnes => "hpack_huffman_padding_not_ones",
            Self::SizeUpdateLate => "hpack_size_update_late",
            Self::SizeUpdateRepeated => "hpack_size_update_repeated",
            Self::SizeUpdateTooLarge => "hpack_size_update_too_large",
            Self::SizeUpdateMissing => "hpack_size_update_missing",
            Self::LineTooLong => "hpack_line_too_long",
            Self::TooManyLines => "hpack_too_many_lines",
            Self::ListTooLarge => "hpack_list_too_large",
        }
    }
}
