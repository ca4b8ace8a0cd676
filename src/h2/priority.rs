//! Priorities of requests (RFC 9218, 4).
//!
//! Owns the reading of a Priority field value, a dictionary of Structured Fields (RFC 8941, 3.2):
//! members and parameters that nobody defines are checked and passed over, and a value that is
//! malformed anywhere counts as absent. Decides no order; that is the schedule's.

mod dictionary;

use dictionary::Item;

/// How urgent a response is, and whether a part of it is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Priority {
    /// 0 is the most urgent, 7 the least.
    pub(crate) urgency: u8,
    /// Whether the client can use the response as it arrives, so that it may share the connection
    /// with others.
    pub(crate) incremental: bool,
}

/// The least urgent.
const URGENCY_MAX: u8 = 7;

impl Priority {
    /// What holds when nothing is said (RFC 9218, 4.1 and 4.2).
    pub(crate) const DEFAULT: Self = Self {
        urgency: 3,
        incremental: false,
    };

    /// The priority that the value of a request's Priority field asks for, or that of a
    /// PRIORITY_UPDATE frame: either is complete, and what it leaves out is as by default
    /// (RFC 9218, 7).
    pub(crate) fn parse(field_value: &[u8]) -> Self {
        Self::parse_lines(std::iter::once(field_value))
    }

    /// The same for a field of several lines, which are one dictionary (RFC 8941, 4.2).
    pub(crate) fn parse_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Given::read(lines).over(Self::DEFAULT)
    }

    /// This priority of a client with what a response's Priority field changes: parameters that
    /// it leaves out stay as they are (RFC 9218, 8).
    pub(crate) fn merged(self, field_value: &[u8]) -> Self {
        Given::read(std::iter::once(field_value)).over(self)
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The parameters that a value names and that mean something.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    urgency: Option<u8>,
    incremental: Option<bool>,
}

impl Given {
    /// Nothing at all is given when any line is malformed.
    fn read<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut given = Self::default();
        for line in lines {
            let parsed = dictionary::parse(line, |key, item| given.member(key, item));
            if parsed.is_none() {
                return Self::default();
            }
        }
        given
    }

    /// Of several members with one key the last counts, also if it means nothing.
    fn member(&mut self, key: &[u8], item: Item) {
        match key {
            b"u" => {
                self.urgency = match item {
                    Item::Integer(urgency) => u8::try_from(urgency)
                        .ok()
                        .filter(|urgency| *urgency <= URGENCY_MAX),
                    _ => None,
                };
            }
            b"i" => {
                self.incremental = match item {
                    Item::Boolean(incremental) => Some(incremental),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    fn over(self, priority: Priority) -> Priority {
        Priority {
            urgency: self.urgency.unwrap_or(priority.urgency),
            incremental: self.incremental.unwrap_or(priority.incremental),
        }
    }
}

#[cfg(test)]
mod tests;
