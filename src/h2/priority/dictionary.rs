//! Dictionaries of Structured Fields (RFC 8941, 3.2 and 4.2.2).
//!
//! Owns the syntax. Integers and booleans are read, the other types only checked; nothing is kept
//! and nothing allocated, whatever a peer sends. Knows no key.

/// The value of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// An integer of up to fifteen digits.
    Integer(i64),
    /// A boolean; a member without a value is true.
    Boolean(bool),
    /// A decimal, string, token, byte sequence or inner list.
    Other,
}

/// Hands every member of a dictionary to `member`, in order, without its parameters. `None` when
/// the text is malformed; what was handed out by then does not count.
pub(super) fn parse(text: &[u8], mut member: impl FnMut(&[u8], Item)) -> Option<()> {
    let mut cursor = Cursor(text);
    cursor.skip(|byte| byte == b' ');
    if cursor.0.is_empty() {
        return Some(());
    }
    loop {
        let key = cursor.key()?;
        let item = if cursor.take(b'=') {
            cursor.item_or_inner_list()?
        } else {
            Item::Boolean(true)
        };
        cursor.parameters()?;
        member(key, item);
        cursor.skip(is_optional_space);
        if cursor.0.is_empty() {
            return Some(());
        }
        // A comma must be followed by another member.
        cursor.expect(b',')?;
        cursor.skip(is_optional_space);
    }
}

fn is_optional_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What is left to be read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// Takes all bytes at the front that are of this kind.
    fn skip(&mut self, is_part: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !is_part(*byte));
        let (taken, rest) = self
            .0
            .split_at_checked(end.unwrap_or(self.0.len()))
            .unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        if !matches!(self.peek()?, b'a'..=b'z' | b'*') {
            return None;
        }
        Some(
            self.skip(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*')),
        )
    }

    fn parameters(&mut self) -> Option<()> {
        while self.take(b';') {
            self.skip(|byte| byte == b' ');
            self.key()?;
            if self.take(b'=') {
                self.bare_item()?;
            }
        }
        Some(())
    }

    fn item_or_inner_list(&mut self) -> Option<Item> {
        if !self.take(b'(') {
            return self.bare_item();
        }
        loop {
            self.skip(|byte| byte == b' ');
            if self.take(b')') {
                return Some(Item::Other);
            }
            self.bare_item()?;
            self.parameters()?;
            if !matches!(self.peek()?, b' ' | b')') {
                return None;
            }
        }
    }

    fn bare_item(&mut self) -> Option<Item> {
        match self.peek()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'?' => self.boolean(),
            b':' => self.byte_sequence(),
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.skip(is_token_byte);
                Some(Item::Other)
            }
            _ => None,
        }
    }

    /// An integer of 1 to 15 digits, or a decimal of 1 to 12 before the point and 1 to 3 behind.
    fn number(&mut self) -> Option<Item> {
        let negative = self.take(b'-');
        let digits = self.skip(|byte| byte.is_ascii_digit());
        if self.take(b'.') {
            let fraction = self.skip(|byte| byte.is_ascii_digit());
            let right = (1..=12).contains(&digits.len()) && (1..=3).contains(&fraction.len());
            return right.then_some(Item::Other);
        }
        if !(1..=15).contains(&digits.len()) {
            return None;
        }
        let size = digits
            .iter()
            .fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        Some(Item::Integer(if negative { -size } else { size }))
    }

    fn string(&mut self) -> Option<Item> {
        self.expect(b'"')?;
        loop {
            match self.next()? {
                b'"' => return Some(Item::Other),
                b'\\' if matches!(self.next()?, b'"' | b'\\') => {}
                b'\\' => return None,
                b' '..=b'~' => {}
                _ => return None,
            }
        }
    }

    fn boolean(&mut self) -> Option<Item> {
        self.expect(b'?')?;
        match self.next()? {
            b'0' => Some(Item::Boolean(false)),
            b'1' => Some(Item::Boolean(true)),
            _ => None,
        }
    }

    fn byte_sequence(&mut self) -> Option<Item> {
        self.expect(b':')?;
        self.skip(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        self.expect(b':')?;
        Some(Item::Other)
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
}
