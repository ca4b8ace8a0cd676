//! DER (X.690) as far as certificates, revocation lists and OCSP responses need it.
//!
//! Owns tags, lengths and times. What it reads comes from an operator's files, or from a peer's
//! certificate that is refused; nothing here panics or trusts a length.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The tag of a constructed, context-specific element.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// A place in a sequence of elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element.
    pub(super) fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element: its tag, its content and all of it.
    pub(super) fn element(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // Four bytes are more than any file that is read here.
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if digits.is_empty() || digits.len() > 4 {
                return None;
            }
            let length = digits
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit));
            (length, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Element {
            tag,
            content,
            whole,
        })
    }

    /// The content of the next element, which has this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element()
            .filter(|element| element.tag == tag)
            .map(|element| element.content)
    }

    /// The elements of the next element, which has this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.expect(tag).map(Self)
    }

    /// The content of the next element if it has this tag; otherwise it stays.
    pub(super) fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.tag() == Some(tag) {
            self.expect(tag)
        } else {
            None
        }
    }

    /// A moment, as UTCTime or GeneralizedTime in the form that RFC 5280 (4.1.2.5) allows.
    pub(super) fn time(&mut self) -> Option<SystemTime> {
        let element = self.element()?;
        match element.tag {
            UTC_TIME => {
                let [year @ .., _, _, _, _, _, _, _, _, _, _, b'Z'] = element.content else {
                    return None;
                };
                let year = number(year).filter(|_| year.len() == 2)?;
                let century = if year < 50 { 2000 } else { 1900 };
                moment(century + year, element.content.get(2..12)?)
            }
            GENERALIZED_TIME => {
                let (year, rest) = element.content.split_at_checked(4)?;
                let rest = rest.strip_suffix(b"Z").filter(|rest| rest.len() == 10)?;
                moment(number(year)?, rest)
            }
            _ => None,
        }
    }
}

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// Tag and length included.
    pub(super) whole: &'a [u8],
}

fn number(digits: &[u8]) -> Option<u64> {
    let value = |sum: u64, digit: &u8| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    digits.iter().try_fold(0, value)
}

/// The moment that a year and ten digits (month, day, hour, minute, second) name. Moments before
/// 1970 are taken for its beginning.
fn moment(year: u64, digits: &[u8]) -> Option<SystemTime> {
    let mut parts = digits.chunks(2).map(number);
    let mut part = |range: std::ops::RangeInclusive<u64>| {
        let part = parts.next()??;
        range.contains(&part).then_some(part)
    };
    let (month, day) = (part(1..=12)?, part(1..=31)?);
    let (hour, minute, second) = (part(0..=23)?, part(0..=59)?, part(0..=60)?);
    // Years that begin in March, so that a leap day is the last of its year.
    let shifted = if month > 2 {
        year
    } else {
        year.checked_sub(1)?
    };
    let month_from_march = (month + 9) % 12;
    let days_of_years = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400;
    let days_of_months = (153 * month_from_march + 2) / 5;
    // From the first of March of year 0 to the first of January 1970.
    let days = (days_of_years + days_of_months + day - 1).saturating_sub(719_468);
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
